/* The profile of training data, as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/profile.h"
#include "tests/unit/rows_tables.h"

static void assert_profile(const char *text, const struct mlops_select_options *select, const char *expected)
{
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &out };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_dataset *dataset = load(text, select, NULL, &error);

	assert_non_null(dataset);
	assert_true(mlops_profile_write(dataset, &json, &error));
	assert_string_equal(mlops_buffer_string(&out), expected);
	mlops_buffer_release(&out);
	mlops_dataset_free(dataset);
}

/* An object's beginning, then the quantiles of n sorted values, n ≥ 1, or null for each; then the end, with the distribution. */
static const char *with_quantiles(struct mlops_buffer *text, const char *begin, const float *sorted, size_t n,
				  const char *distribution)
{
	struct mlops_json json = { .out = text };

	mlops_buffer_append_string(text, begin);
	mlops_json_open(&json, '[');
	for (size_t k = 0; k <= 100; k++) {
		size_t whole = n > 0 ? (n - 1) * k / 100 : 0;
		size_t rest = n > 0 ? (n - 1) * k % 100 : 0;

		if (n == 0)
			mlops_json_null(&json);
		else if (rest == 0)
			mlops_json_float(&json, sorted[whole]);
		else
			mlops_json_float(&json, (float)((double)sorted[whole] +
							((double)sorted[whole + 1] - (double)sorted[whole]) *
								((double)rest / 100)));
	}
	mlops_json_close(&json, ']');
	mlops_buffer_append_format(text, ",%s}]}", distribution);
	return mlops_buffer_string(text);
}

static void writes_numbers(void **state)
{
	const struct mlops_select_options select = { .texts = false };
	const float sorted[] = { 1, 3, 4, 4, 5, 7 };
	struct mlops_buffer expected = MLOPS_BUFFER_INIT;

	(void)state;
	/* worked out by hand: six values, 20 / 6 is the variance */
	assert_profile(
		"a\n7\n1\nNA\n3\n5\n4\n4\n", &select,
		with_quantiles(
			&expected,
			"{\"rows\":7,\"features\":[{\"name\":\"a\",\"missing\":0.14285714285714285,"
			"\"min\":1,\"max\":7,\"mean\":4,\"deviation\":1.8257418583505538,\"quantiles\":",
			sorted, 6, "\"distinct\":5,\"points\":[[1,1],[3,1],[4,2],[5,1],[7,1]]"));
	mlops_buffer_clear(&expected);
	assert_profile("{\"a\":null}", &select,
		       with_quantiles(&expected,
				      "{\"rows\":1,\"features\":[{\"name\":\"a\",\"missing\":1,\"min\":null,"
				      "\"max\":null,\"mean\":null,\"deviation\":null,\"quantiles\":",
				      NULL, 0, "\"distinct\":0,\"points\":[]"));
	mlops_buffer_release(&expected);
}

static void writes_categories(void **state)
{
	const struct mlops_select_options select = { .texts = true };
	const float ones[] = { 1, 1, 1, 1, 1 };
	struct mlops_buffer expected = MLOPS_BUFFER_INIT;

	(void)state;
	assert_profile(
		"s,x\non,1\noff,1\n,1\non,1\non,1\n", &select,
		with_quantiles(&expected,
			       "{\"rows\":5,\"features\":[{\"name\":\"s\",\"missing\":0.2,\"shares\":[0.25,"
			       "0.75]},{\"name\":\"x\",\"missing\":0,\"min\":1,\"max\":1,\"mean\":1,"
			       "\"deviation\":0,\"quantiles\":",
			       ones, 5, "\"distinct\":1,\"points\":[[1,5]]"));
	mlops_buffer_release(&expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_numbers),
		cmocka_unit_test(writes_categories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
