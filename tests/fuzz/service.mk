# The fuzz target of the service's requests: ./fuzz_service CORPUS tests/fuzz/seeds/service
EXTRA_DIST += tests/fuzz/seeds/service
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_service
tests_fuzz_fuzz_service_SOURCES = tests/fuzz/fuzz_service.c
tests_fuzz_fuzz_service_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_service_LDADD = libmlops.a $(MLOPS_LIBS)
endif
