/* From names to columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rows_tables.h"

static const char rows[] = "Time,unit,temp,state,load,fail\n"
			   "2024-01-01,m1,1,on,2,0\n"
			   "2024-01-02,m2,2,off,3,1\n";

static void assert_refused(const struct mlops_select_options *options, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_selection selection;
	struct table table;

	table_open(&table, rows);
	assert_false(mlops_select(table.reader, options, &selection, &error));
	assert_string_equal(error.message, message);
	assert_string_equal(error.source, "t");
	assert_int_equal(error.code, MLOPS_DATA);
	mlops_selection_release(&selection);
	table_close(&table);
}

/* A row's number says nothing about it, unless somebody says that it does. */
static void row_names_are_no_features(void **state)
{
	static const char *const texts[] = { ",a,b\n0,1,2\n1,3,4\n", "a,b\n0,1,2\n1,3,4\n" };
	static const char *const listed[] = { "b", "row" };
	const struct mlops_select_options by_default = { .texts = true };
	const struct mlops_select_options by_list = { .features = listed, .n_features = 2 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_selection selection;
		struct table table;

		table_open(&table, texts[i]);
		assert_true(table.reader->columns[0].row_name);
		assert_false(table.reader->columns[1].row_name);
		assert_true(mlops_select(table.reader, &by_default, &selection, &error));
		assert_int_equal(selection.n_features, 2);
		assert_int_equal(selection.features[0], 1);
		assert_int_equal(selection.features[1], 2);
		assert_int_equal(selection.n_passed_over, 0);
		mlops_selection_release(&selection);
		assert_true(mlops_select(table.reader, &by_list, &selection, &error));
		assert_int_equal(selection.n_features, 2);
		assert_int_equal(selection.features[1], 0);
		mlops_selection_release(&selection);
		table_close(&table);
	}
}

static void finds_defaults(void **state)
{
	const struct mlops_select_options options = { .target = "fail" };
	const struct mlops_select_options with_texts = { .target = "unit", .texts = true };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_selection selection;
	struct table table;

	(void)state;
	table_open(&table, rows);
	assert_true(mlops_select(table.reader, &options, &selection, &error));
	assert_int_equal(selection.time, 0);
	assert_int_equal(selection.id, 1);
	assert_int_equal(selection.target, 5);
	assert_int_equal(selection.n_features, 2);
	assert_int_equal(selection.features[0], 2);
	assert_int_equal(selection.features[1], 4);
	assert_int_equal(selection.n_passed_over, 1);
	assert_int_equal(selection.passed_over[0], 3);
	mlops_selection_release(&selection);

	assert_true(mlops_select(table.reader, &with_texts, &selection, &error));
	assert_int_equal(selection.target, 1);
	assert_true(selection.id == MLOPS_NO_COLUMN);
	assert_int_equal(selection.n_features, 4);
	assert_int_equal(selection.features[1], 3);
	assert_int_equal(selection.n_passed_over, 0);
	mlops_selection_release(&selection);
	table_close(&table);
}

/* Whoever ignores a column called time has one that is none. */
static void none_is_no_column_unless_one_is_called_so(void **state)
{
	const struct mlops_select_options without = { .time = "none", .id = "none" };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_selection selection;
	struct table table;

	(void)state;
	table_open(&table, rows);
	assert_true(mlops_select(table.reader, &without, &selection, &error));
	assert_true(selection.time == MLOPS_NO_COLUMN && selection.id == MLOPS_NO_COLUMN);
	mlops_selection_release(&selection);
	table_close(&table);
	table_open(&table, "none,time,v\n2024-01-01,2024-01-02,1\n");
	assert_true(mlops_select(table.reader, &(struct mlops_select_options){ .time = "none" }, &selection, &error));
	assert_int_equal(selection.time, 0);
	mlops_selection_release(&selection);
	table_close(&table);
}

static void ignored_columns_are_no_defaults(void **state)
{
	static const char *const ignored[] = { "Time", "unit" };
	const struct mlops_select_options by_default = { .ignore = ignored, .n_ignore = 2 };
	const struct mlops_select_options by_name = { .ignore = ignored, .n_ignore = 2, .time = "Time" };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_selection selection;
	struct table table;

	(void)state;
	table_open(&table, rows);
	assert_true(mlops_select(table.reader, &by_default, &selection, &error));
	assert_true(selection.time == MLOPS_NO_COLUMN);
	assert_true(selection.id == MLOPS_NO_COLUMN);
	assert_int_equal(selection.n_features, 3);
	mlops_selection_release(&selection);
	assert_true(mlops_select(table.reader, &by_name, &selection, &error));
	assert_int_equal(selection.time, 0);
	assert_int_equal(selection.n_features, 3);
	mlops_selection_release(&selection);
	table_close(&table);
}

static void takes_names_in_their_order(void **state)
{
	static const char *const features[] = { "load", "state", "temp" };
	const struct mlops_select_options options = {
		.features = features, .n_features = 3, .texts = true, .time = "Time", .id = "fail"
	};
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_selection selection;
	struct table table;

	(void)state;
	table_open(&table, rows);
	assert_true(mlops_select(table.reader, &options, &selection, &error));
	assert_int_equal(selection.id, 5);
	assert_true(selection.target == MLOPS_NO_COLUMN);
	assert_int_equal(selection.n_features, 3);
	assert_int_equal(selection.features[0], 4);
	assert_int_equal(selection.features[1], 3);
	assert_int_equal(selection.features[2], 2);
	mlops_selection_release(&selection);
	assert_int_equal(mlops_select_column(table.reader, "fail", NULL), 5);
	assert_true(mlops_select_column(table.reader, "Fail", NULL) == MLOPS_NO_COLUMN);
	table_close(&table);
}

static void refuses(void **state)
{
	static const char *const twice[] = { "temp", "load", "temp" };
	static const char *const text[] = { "state" };
	static const char *const numbers[] = { "temp", "load", "fail" };

	(void)state;
	assert_refused(&(struct mlops_select_options){ .time = "Tine" },
		       "no column \"Tine\"; did you mean \"Time\"?");
	assert_refused(&(struct mlops_select_options){ .target = "zzzzzz\n" }, "no column \"zzzzzz?\"");
	assert_refused(&(struct mlops_select_options){ .target = "unit", .id = "unit" },
		       "column \"unit\" is named twice among target, time and id");
	assert_refused(&(struct mlops_select_options){ .features = twice, .n_features = 3 },
		       "column \"temp\" is named twice among the features");
	assert_refused(&(struct mlops_select_options){ .target = "load", .features = twice, .n_features = 2 },
		       "column \"load\" is the target and can't be a feature too");
	assert_refused(&(struct mlops_select_options){ .features = twice, .n_features = 1, .ignore = numbers,
						       .n_ignore = 1 },
		       "column \"temp\" is named both as a feature and as one to ignore");
	assert_refused(&(struct mlops_select_options){ .features = text, .n_features = 1 },
		       "column \"state\" holds text; features here are numbers");
	assert_refused(&(struct mlops_select_options){ .ignore = numbers, .n_ignore = 3 },
		       "no column is left to be a feature; text columns are none here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_defaults),
		cmocka_unit_test(none_is_no_column_unless_one_is_called_so),
		cmocka_unit_test(ignored_columns_are_no_defaults),
		cmocka_unit_test(row_names_are_no_features),
		cmocka_unit_test(takes_names_in_their_order),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
