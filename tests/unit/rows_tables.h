/* Tables from text, for the tests of what is built on readers. */
#ifndef TESTS_UNIT_ROWS_TABLES_H
#define TESTS_UNIT_ROWS_TABLES_H

#include "rows/dataset.h"

#include <string.h>

struct table {
	struct mlops_source *source;
	struct mlops_reader *reader;
	struct mlops_read_options options;
};

static inline void table_open(struct table *table, const char *text)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	table->options = (struct mlops_read_options)MLOPS_READ_OPTIONS_INIT;
	table->source = mlops_source_from_memory(text, strlen(text), "t", &error);
	assert_non_null(table->source);
	table->reader = mlops_reader_open(table->source, &table->options, &error);
	if (table->reader == NULL)
		fail_msg("%s", error.message);
}

static inline void table_close(struct table *table)
{
	mlops_reader_free(table->reader);
	mlops_source_free(table->source);
}

/* NULL and an error when the text can't be loaded. */
static inline struct mlops_dataset *load(const char *text, const struct mlops_select_options *select,
					 const struct mlops_dataset_options *options,
					 struct mlops_error *error)
{
	struct mlops_selection selection;
	struct mlops_dataset *dataset = NULL;
	struct table table;

	table_open(&table, text);
	if (mlops_select(table.reader, select, &selection, error)) {
		dataset = mlops_dataset_read(table.reader, &selection, options, error);
		mlops_selection_release(&selection);
	}
	table_close(&table);
	return dataset;
}

#endif
