# Tests of the model file.
UNIT_TESTS += tests/unit/onnx_file.t tests/unit/onnx_damage.t tests/unit/onnx_import.t
tests_unit_onnx_file_t_SOURCES = tests/unit/onnx_file.c tests/unit/onnx_sample.c tests/unit/onnx_sample.h
tests_unit_onnx_file_t_LDADD = $(UNIT_LIBS)
tests_unit_onnx_damage_t_SOURCES = tests/unit/onnx_damage.c tests/unit/onnx_sample.c tests/unit/onnx_sample.h
tests_unit_onnx_damage_t_LDADD = $(UNIT_LIBS)
tests_unit_onnx_import_t_SOURCES = tests/unit/onnx_import.c
tests_unit_onnx_import_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/onnx_forecast.t
tests_unit_onnx_forecast_t_SOURCES = tests/unit/onnx_forecast.c tests/unit/forecaster_sample.c tests/unit/forecaster_sample.h
tests_unit_onnx_forecast_t_LDADD = $(UNIT_LIBS)
tests/unit/onnx_file.$(OBJEXT) tests/unit/onnx_import.$(OBJEXT): lib/model/onnx.pb-c.h
