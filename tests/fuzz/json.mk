# The fuzz target of the JSON reader: ./fuzz_json -dict=tests/fuzz/dict/json.dict CORPUS tests/fuzz/seeds/json
EXTRA_DIST += tests/fuzz/dict/json.dict tests/fuzz/seeds/json
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_json
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_json_LDADD = libmlops.a $(MLOPS_LIBS)
endif
