# The libFuzzer targets: CC=clang ./configure --enable-fuzzers --enable-sanitizers.
include tests/fuzz/csv.mk
include tests/fuzz/history.mk
include tests/fuzz/json.mk
include tests/fuzz/mlflow.mk
include tests/fuzz/onnx.mk
include tests/fuzz/schema.mk
include tests/fuzz/time.mk
include tests/fuzz/service.mk
include tests/fuzz/pgcopy.mk
include tests/fuzz/pivot.mk
