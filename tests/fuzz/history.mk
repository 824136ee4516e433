# The fuzz target of histories: ./fuzz_history -dict=tests/fuzz/dict/history.dict CORPUS tests/fuzz/seeds/history
EXTRA_DIST += tests/fuzz/dict/history.dict tests/fuzz/seeds/history
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_history
tests_fuzz_fuzz_history_SOURCES = tests/fuzz/fuzz_history.c
tests_fuzz_fuzz_history_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_history_LDADD = libmlops.a $(MLOPS_LIBS)
endif
