# The fuzz target of binary COPY: ./fuzz_pgcopy CORPUS tests/fuzz/seeds/pgcopy
EXTRA_DIST += tests/fuzz/seeds/pgcopy
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_pgcopy
tests_fuzz_fuzz_pgcopy_SOURCES = tests/fuzz/fuzz_pgcopy.c
tests_fuzz_fuzz_pgcopy_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_pgcopy_LDADD = libmlops.a $(MLOPS_LIBS)
endif
