# One file a tool.
bin_PROGRAMS += \
	mlops-forecast \
	mlops-registry \
	mlops-reload \
	mlops-score \
	mlops-serve \
	mlops-train \
	mlops-validate
# All that users call, those written in shell among them.
TOOLS = $(bin_PROGRAMS) $(bin_SCRIPTS)
TOOL_LIBS = libcli.a libmlops.a $(MLOPS_LIBS)

mlops_forecast_SOURCES = %D%/forecast.c
mlops_forecast_LDADD = $(TOOL_LIBS)
mlops_registry_SOURCES = %D%/registry.c
mlops_registry_LDADD = $(TOOL_LIBS)
mlops_reload_SOURCES = %D%/reload.c
mlops_reload_LDADD = $(TOOL_LIBS)
mlops_score_SOURCES = %D%/score.c
mlops_score_LDADD = $(TOOL_LIBS)
mlops_serve_SOURCES = %D%/serve.c
mlops_serve_LDADD = $(TOOL_LIBS)
mlops_train_SOURCES = %D%/train.c
mlops_train_LDADD = $(TOOL_LIBS)
mlops_validate_SOURCES = %D%/validate.c
mlops_validate_LDADD = $(TOOL_LIBS)
