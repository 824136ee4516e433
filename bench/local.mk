# Programs that only measure: `make bench-programs`.
EXTRA_PROGRAMS = %D%/csv_columns
bench_csv_columns_SOURCES = %D%/csv_columns.c
bench_csv_columns_LDADD = libmlops.a $(MLOPS_LIBS)
CLEANFILES += $(EXTRA_PROGRAMS)

.PHONY: bench-programs
bench-programs: $(EXTRA_PROGRAMS)
