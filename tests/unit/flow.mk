UNIT_TESTS += tests/unit/flow_stream.t tests/unit/flow_score.t tests/unit/flow_validate.t
tests_unit_flow_stream_t_SOURCES = tests/unit/flow_stream.c
tests_unit_flow_stream_t_LDADD = $(UNIT_LIBS)
tests_unit_flow_score_t_SOURCES = tests/unit/flow_score.c
tests_unit_flow_score_t_LDADD = $(UNIT_LIBS)
tests_unit_flow_validate_t_SOURCES = tests/unit/flow_validate.c
tests_unit_flow_validate_t_LDADD = $(UNIT_LIBS)
