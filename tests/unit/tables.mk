# Tests of the JSON reader and of what is built from rows; the pattern stands in rows.mk beside this.
UNIT_TESTS += tests/unit/rows_json.t
tests_unit_rows_json_t_SOURCES = tests/unit/rows_json.c
tests_unit_rows_json_t_LDADD = $(UNIT_LIBS)
