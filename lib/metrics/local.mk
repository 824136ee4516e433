libmlops_a_SOURCES += \
	%D%/exposition.c %D%/exposition.h
