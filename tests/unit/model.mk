# For each test: UNIT_TESTS += tests/unit/NAME.t, tests_unit_NAME_t_SOURCES = tests/unit/NAME.c, tests_unit_NAME_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_evaluate.t
tests_unit_model_evaluate_t_SOURCES = tests/unit/model_evaluate.c
tests_unit_model_evaluate_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_forest_bytes.t
tests_unit_model_forest_bytes_t_SOURCES = tests/unit/model_forest_bytes.c
tests_unit_model_forest_bytes_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_isolation_forest.t
tests_unit_model_isolation_forest_t_SOURCES = tests/unit/model_isolation_forest.c
tests_unit_model_isolation_forest_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_names.t
tests_unit_model_names_t_SOURCES = tests/unit/model_names.c
tests_unit_model_names_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_random_forest.t
tests_unit_model_random_forest_t_SOURCES = tests/unit/model_random_forest.c
tests_unit_model_random_forest_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_setting.t
tests_unit_model_setting_t_SOURCES = tests/unit/model_setting.c
tests_unit_model_setting_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_trees.t
tests_unit_model_trees_t_SOURCES = tests/unit/model_trees.c
tests_unit_model_trees_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/forecaster.t tests/unit/forecaster_fit.t tests/unit/forecaster_parts.t
tests_unit_forecaster_t_SOURCES = tests/unit/forecaster.c tests/unit/forecaster_sample.c tests/unit/forecaster_sample.h
tests_unit_forecaster_t_LDADD = $(UNIT_LIBS)
tests_unit_forecaster_fit_t_SOURCES = tests/unit/forecaster_fit.c tests/unit/forecaster_sample.c tests/unit/forecaster_sample.h
tests_unit_forecaster_fit_t_LDADD = $(UNIT_LIBS)
tests_unit_forecaster_parts_t_SOURCES = tests/unit/forecaster_parts.c tests/unit/forecaster_sample.c \
	tests/unit/forecaster_sample.h
tests_unit_forecaster_parts_t_LDADD = $(UNIT_LIBS)
include tests/unit/onnx.mk
UNIT_TESTS += tests/unit/model_network.t
tests_unit_model_network_t_SOURCES = tests/unit/model_network.c tests/unit/network_double.c tests/unit/network_double.h
tests_unit_model_network_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/model_trainer.t
tests_unit_model_trainer_t_SOURCES = tests/unit/model_trainer.c
tests_unit_model_trainer_t_LDADD = $(UNIT_LIBS)
