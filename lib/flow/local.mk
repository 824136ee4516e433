libmlops_a_SOURCES += \
	%D%/compare.c %D%/compare.h \
	%D%/evaluate.c %D%/evaluate.h \
	%D%/record.c %D%/record.h \
	%D%/score.c %D%/score.h \
	%D%/stream.c %D%/stream.h \
	%D%/train.c %D%/train.h
