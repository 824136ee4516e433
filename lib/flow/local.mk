libmlops_a_SOURCES += \
	%D%/checkpoint.c %D%/checkpoint.h \
	%D%/compare.c %D%/compare.h \
	%D%/contest.c %D%/contest.h \
	%D%/describe.c %D%/describe.h \
	%D%/evaluate.c %D%/evaluate.h \
	%D%/evaluate_forecast.c %D%/evaluate_forecast.h \
	%D%/explain.c %D%/explain.h \
	%D%/forecast.c %D%/forecast.h \
	%D%/forecast_origin.c \
	%D%/ledger_metrics.c %D%/ledger_metrics.h \
	%D%/gate.c %D%/gate.h \
	%D%/record.c %D%/record.h \
	%D%/rows_batch.c %D%/rows_batch.h \
	%D%/reload.c %D%/reload.h \
	%D%/score.c %D%/score.h \
	%D%/stream.c %D%/stream.h \
	%D%/train.c %D%/train.h \
	%D%/train_forecast.c %D%/train_forecast.h \
	%D%/validate.c %D%/validate.h \
	%D%/validate_columns.c \
	%D%/validate_find.c \
	%D%/validate_learn.c \
	%D%/validate_report.c \
	%D%/validate_run.c %D%/validate_run.h \
	%D%/validating.h
