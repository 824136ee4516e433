libmlops_a_SOURCES += \
	%D%/cell.c %D%/cell.h \
	%D%/chunk.c %D%/chunk.h \
	%D%/reader.h \
	%D%/source.c %D%/source.h
include lib/rows/tables.mk
