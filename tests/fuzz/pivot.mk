# The fuzz target of the long layout: ./fuzz_pivot -dict=tests/fuzz/dict/pivot.dict CORPUS tests/fuzz/seeds/pivot
EXTRA_DIST += tests/fuzz/dict/pivot.dict tests/fuzz/seeds/pivot
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_pivot
tests_fuzz_fuzz_pivot_SOURCES = tests/fuzz/fuzz_pivot.c
tests_fuzz_fuzz_pivot_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_pivot_LDADD = libmlops.a $(MLOPS_LIBS)
endif
