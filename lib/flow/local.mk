libmlops_a_SOURCES += \
	%D%/compare.c %D%/compare.h \
	%D%/evaluate.c %D%/evaluate.h \
	%D%/record.c %D%/record.h \
	%D%/rows_batch.c %D%/rows_batch.h \
	%D%/reload.c %D%/reload.h \
	%D%/score.c %D%/score.h \
	%D%/stream.c %D%/stream.h \
	%D%/train.c %D%/train.h \
	%D%/validate.c %D%/validate.h \
	%D%/validate_columns.c \
	%D%/validate_find.c \
	%D%/validate_learn.c \
	%D%/validate_report.c \
	%D%/validate_run.c %D%/validate_run.h \
	%D%/validating.h
