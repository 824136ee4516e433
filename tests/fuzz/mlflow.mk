# The fuzz target of an MLflow server's answers: ./fuzz_mlflow CORPUS tests/fuzz/seeds/mlflow
EXTRA_DIST += tests/fuzz/seeds/mlflow
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_mlflow
tests_fuzz_fuzz_mlflow_SOURCES = tests/fuzz/fuzz_mlflow.c
tests_fuzz_fuzz_mlflow_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_mlflow_LDADD = libmlops.a $(MLOPS_LIBS)
endif
