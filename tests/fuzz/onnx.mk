# The fuzz target of the ONNX reader: ./fuzz_onnx CORPUS tests/fuzz/seeds/onnx
# Seeds of our own come from make_onnx_seeds DIRECTORY, the others from skl2onnx (two trees of depth 2).
EXTRA_DIST += tests/fuzz/seeds/onnx
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_onnx tests/fuzz/make_onnx_seeds
tests_fuzz_fuzz_onnx_SOURCES = tests/fuzz/fuzz_onnx.c
tests_fuzz_fuzz_onnx_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_onnx_LDADD = libmlops.a $(MLOPS_LIBS)
tests_fuzz_make_onnx_seeds_SOURCES = tests/fuzz/make_onnx_seeds.c tests/unit/onnx_sample.c tests/unit/onnx_sample.h \
	tests/unit/forecaster_sample.c tests/unit/forecaster_sample.h
tests_fuzz_make_onnx_seeds_LDADD = libmlops.a $(MLOPS_LIBS)
endif
