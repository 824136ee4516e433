# The fuzz target of times and time zones: ./fuzz_time CORPUS tests/fuzz/seeds/time
EXTRA_DIST += tests/fuzz/seeds/time
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_time
tests_fuzz_fuzz_time_SOURCES = tests/fuzz/fuzz_time.c
tests_fuzz_fuzz_time_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_time_LDADD = libmlops.a $(MLOPS_LIBS)
endif
