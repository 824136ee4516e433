dist_man_MANS += \
	%D%/mlops.7 \
	%D%/mlops-forecast.1 \
	%D%/mlops-plot.1 \
	%D%/mlops-registry.1 \
	%D%/mlops-reload.1 \
	%D%/mlops-retrain.1 \
	%D%/mlops-retrain.conf.5 \
	%D%/mlops-schema.5 \
	%D%/mlops-score.1 \
	%D%/mlops-serve.1 \
	%D%/mlops-train.1 \
	%D%/mlops-validate.1
