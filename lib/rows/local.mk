libmlops_a_SOURCES += \
	%D%/cell.c %D%/cell.h \
	%D%/chunk.c %D%/chunk.h \
	%D%/csv.c %D%/csv.h \
	%D%/csv_batch.c \
	%D%/csv_input.c %D%/csv_input.h \
	%D%/csv_open.c \
	%D%/csv_parts.c \
	%D%/csv_put.c \
	%D%/csv_scan.c %D%/csv_scan.h \
	%D%/reader.c %D%/reader.h \
	%D%/row_files.c %D%/row_files.h \
	%D%/row_texts.c %D%/row_texts.h \
	%D%/source.c %D%/source.h \
	%D%/writer.c %D%/writer.h
include lib/rows/tables.mk
