/* Which rows are held out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rows/split.h"

#include <string.h>

/* Both lists ascend, share nothing, and have every row. */
static void assert_whole(const struct mlops_split *split, size_t n_rows)
{
	size_t a = 0, b = 0;

	assert_int_equal(split->n_train + split->n_test, n_rows);
	for (uint32_t row = 0; row < n_rows; row++) {
		if (a < split->n_train && split->train[a] == row) {
			a++;
		} else {
			assert_true(b < split->n_test);
			assert_int_equal(split->test[b], row);
			b++;
		}
	}
}

static void by_time(void **state)
{
	int64_t times[] = { 50, INT64_MIN, 20, 50, 10, 50, 40, INT64_MIN };
	const struct mlops_dataset dataset = { .n_rows = 8, .times = times };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_split split;

	(void)state;
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_DEFAULT, 0.25, 1, &split, &error));
	assert_int_equal(split.how, MLOPS_SPLIT_TIME);
	assert_whole(&split, 8);
	assert_int_equal(split.n_test, 2);
	assert_int_equal(split.test[0], 3);
	assert_int_equal(split.test[1], 5);
	mlops_split_release(&split);
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_TIME, 0.9, 1, &split, &error));
	assert_int_equal(split.n_train, 1);
	assert_int_equal(split.train[0], 1);
	mlops_split_release(&split);
}

static void without_any_time_at_random(void **state)
{
	int64_t times[] = { INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN };
	const struct mlops_dataset dataset = { .n_rows = 4, .times = times };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_split split;

	(void)state;
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_DEFAULT, 0.25, 1, &split, &error));
	assert_int_equal(split.how, MLOPS_SPLIT_RANDOM);
	assert_whole(&split, 4);
	mlops_split_release(&split);
}

static void rounds_to_nearest(void **state)
{
	const struct {
		size_t rows;
		double fraction;
		size_t test;
	} cases[] = { { 10, 0.25, 3 }, { 10, 0.24, 2 }, { 2, 0.01, 1 }, { 2, 0.99, 1 },
		      { 5, 0.2, 1 },   { 7, 0.5, 4 },	{ 100, 0, 0 } };
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct mlops_dataset dataset = { .n_rows = cases[i].rows };
		struct mlops_split split;

		assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_DEFAULT, cases[i].fraction, 1, &split,
					     &error));
		assert_int_equal(split.how, MLOPS_SPLIT_RANDOM);
		assert_int_equal(split.n_test, cases[i].test);
		assert_whole(&split, cases[i].rows);
		mlops_split_release(&split);
	}
}

static void keeps_the_shares_of_classes(void **state)
{
	uint32_t target[1000];
	const struct mlops_dataset dataset = { .n_rows = 1000, .target = target, .n_classes = 3 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_split split, again, other;
	size_t counts[3] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) /* 10 of class 2, 333 of class 1, 657 of class 0 */
		target[i] = i % 100 == 7 ? 2 : i % 3 == 0 ? 1 : 0;
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_RANDOM, 0.2, 42, &split, &error));
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_RANDOM, 0.2, 42, &again, &error));
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_RANDOM, 0.2, 43, &other, &error));
	assert_whole(&split, 1000);
	assert_int_equal(split.n_test, 200);
	assert_memory_equal(split.test, again.test, 200 * sizeof *split.test);
	assert_memory_not_equal(split.test, other.test, 200 * sizeof *split.test);
	for (size_t i = 0; i < split.n_test; i++)
		counts[target[split.test[i]]]++;
	assert_int_equal(counts[2], 2);
	assert_in_range(counts[1], 65, 67);
	mlops_split_release(&split);
	mlops_split_release(&again);
	mlops_split_release(&other);
}

static void keeps_groups_together(void **state)
{
	uint32_t groups[100];
	const struct mlops_dataset dataset = { .n_rows = 100, .groups = groups, .n_groups = 10 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	bool in_test[10] = { false };
	struct mlops_split split;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		groups[i] = i % 10;
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_GROUP, 0.25, 3, &split, &error));
	assert_whole(&split, 100);
	assert_int_equal(split.n_test, 30);
	for (size_t i = 0; i < split.n_test; i++)
		in_test[groups[split.test[i]]] = true;
	for (size_t i = 0; i < split.n_train; i++)
		assert_false(in_test[groups[split.train[i]]]);
	mlops_split_release(&split);
	assert_true(mlops_split_rows(&dataset, MLOPS_SPLIT_GROUP, 0.99, 3, &split, &error));
	assert_int_equal(split.n_train, 10);
	mlops_split_release(&split);
}

static void assert_refused(const struct mlops_dataset *dataset, enum mlops_split_how how, double fraction,
			   enum mlops_code code, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_split split;

	assert_false(mlops_split_rows(dataset, how, fraction, 1, &split, &error));
	assert_string_equal(error.message, message);
	assert_int_equal(error.code, code);
	mlops_split_release(&split);
}

static void refuses(void **state)
{
	uint32_t groups[] = { 0, 0, 0 };
	const struct mlops_dataset one = { .n_rows = 1 };
	const struct mlops_dataset three = { .n_rows = 3 };
	const struct mlops_dataset same = { .n_rows = 3, .groups = groups, .n_groups = 1 };

	(void)state;
	assert_refused(&one, MLOPS_SPLIT_RANDOM, 0.5, MLOPS_DATA, "1 row can't be split; 2 are needed");
	assert_refused(&three, MLOPS_SPLIT_TIME, 0.5, MLOPS_DATA, "no time column to split by");
	assert_refused(&three, MLOPS_SPLIT_GROUP, 0.5, MLOPS_DATA, "no id column to split by");
	assert_refused(&same, MLOPS_SPLIT_GROUP, 0.5, MLOPS_DATA,
		       "all rows have one id; to split by it 2 are needed");
	assert_refused(&three, MLOPS_SPLIT_RANDOM, 1, MLOPS_USAGE,
		       "the share of rows for the test must be at least 0 and below 1");
	assert_string_equal(mlops_split_name(MLOPS_SPLIT_TIME), "time");
	assert_string_equal(mlops_split_name(MLOPS_SPLIT_RANDOM), "random");
	assert_string_equal(mlops_split_name(MLOPS_SPLIT_GROUP), "group");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_time),
		cmocka_unit_test(without_any_time_at_random),
		cmocka_unit_test(rounds_to_nearest),
		cmocka_unit_test(keeps_the_shares_of_classes),
		cmocka_unit_test(keeps_groups_together),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
