# lib/kernel
libmlops_a_SOURCES += \
	%D%/forest_sum.c \
	%D%/histogram.c \
	%D%/kernel.h
