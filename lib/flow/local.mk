libmlops_a_SOURCES += \
	lib/registry/describe.c lib/registry/describe.h \
	lib/rows/writer.c lib/rows/writer.h \
	%D%/compare.c %D%/compare.h \
	%D%/evaluate.c %D%/evaluate.h \
	%D%/record.c %D%/record.h \
	%D%/score.c %D%/score.h \
	%D%/train.c %D%/train.h
