# The fuzz target of the CSV reader: ./fuzz_csv -dict=tests/fuzz/dict/csv.dict CORPUS tests/fuzz/seeds/csv
EXTRA_DIST += tests/fuzz/dict/csv.dict tests/fuzz/seeds/csv
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_csv
tests_fuzz_fuzz_csv_SOURCES = tests/fuzz/fuzz_csv.c
tests_fuzz_fuzz_csv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_csv_LDADD = libmlops.a $(MLOPS_LIBS)
endif
