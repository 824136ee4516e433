UNIT_TESTS += tests/unit/rows_writer.t
tests_unit_rows_writer_t_SOURCES = tests/unit/rows_writer.c
tests_unit_rows_writer_t_LDADD = $(UNIT_LIBS)
