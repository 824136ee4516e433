UNIT_TESTS += tests/unit/rows_csv.t tests/unit/rows_csv_errors.t tests/unit/rows_csv_data.t
tests_unit_rows_csv_t_SOURCES = tests/unit/rows_csv.c tests/unit/table_text.c tests/unit/table_text.h
tests_unit_rows_csv_t_LDADD = $(UNIT_LIBS)
tests_unit_rows_csv_errors_t_SOURCES = tests/unit/rows_csv_errors.c tests/unit/table_text.c tests/unit/table_text.h
tests_unit_rows_csv_errors_t_LDADD = $(UNIT_LIBS)
tests_unit_rows_csv_data_t_SOURCES = tests/unit/rows_csv_data.c tests/unit/table_text.c tests/unit/table_text.h
tests_unit_rows_csv_data_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/rows_csv_batch.t
tests_unit_rows_csv_batch_t_SOURCES = tests/unit/rows_csv_batch.c tests/unit/table_text.c tests/unit/table_text.h
tests_unit_rows_csv_batch_t_LDADD = $(UNIT_LIBS)
include tests/unit/tables.mk
