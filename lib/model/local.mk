# lib/model
libmlops_a_SOURCES += \
	%D%/evaluate.c %D%/evaluate.h \
	%D%/fit.h \
	%D%/forecast_checkpoint.c %D%/forecast_checkpoint.h \
	%D%/forecast_interval.c %D%/forecast_interval.h \
	%D%/forecast_line.c %D%/forecast_line.h \
	%D%/forecast_season.c %D%/forecast_season.h \
	%D%/forecast_training.c %D%/forecast_training.h \
	%D%/forecast_windows.c %D%/forecast_windows.h \
	%D%/forecaster.c %D%/forecaster.h \
	%D%/forecaster_fit.c %D%/forecaster_fit.h \
	%D%/growth.c %D%/growth.h \
	%D%/importance.c \
	%D%/isolation_forest.c \
	%D%/model.c %D%/model.h \
	%D%/network.c %D%/network.h \
	%D%/network_layers.c %D%/network_layers.h \
	%D%/random_forest.c %D%/random_forest.h \
	%D%/random_forest_bins.c %D%/random_forest_bins.h \
	%D%/random_forest_block.c \
	%D%/random_forest_count.c \
	%D%/random_forest_share.c \
	%D%/random_forest_split.c \
	%D%/random_forest_tree.c \
	%D%/setting.c %D%/setting.h \
	%D%/trainer.c %D%/trainer.h \
	%D%/trainer_shard.c %D%/trainer_shard.h \
	%D%/tree_builder.c \
	%D%/trees.c %D%/trees.h \
	%D%/trees_mux.c %D%/trees_mux.h \
	%D%/trees_sum.c
include lib/model/onnx.mk
