# The fuzz target of schema files: ./fuzz_schema -dict=tests/fuzz/dict/schema.dict CORPUS tests/fuzz/seeds/schema
EXTRA_DIST += tests/fuzz/dict/schema.dict tests/fuzz/seeds/schema
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_schema
tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz_schema.c
tests_fuzz_fuzz_schema_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_schema_LDADD = libmlops.a $(MLOPS_LIBS)
endif
