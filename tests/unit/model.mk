# For each test: UNIT_TESTS += tests/unit/NAME.t, tests_unit_NAME_t_SOURCES = tests/unit/NAME.c, tests_unit_NAME_t_LDADD = $(UNIT_LIBS)
include tests/unit/onnx.mk
