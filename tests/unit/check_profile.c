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

static void writes_numbers(void **state)
{
	const struct mlops_select_options select = { .texts = false };

	(void)state;
	/* worked out by hand: six values, 20 / 6 is the variance, quantile k lies at k / 4 of the way through
	 * them */
	assert_profile(
		"a\n7\n1\nNA\n3\n5\n4\n4\n", &select,
		"{\"rows\":7,\"features\":[{\"name\":\"a\",\"missing\":0.14285714285714285,\"min\":1,\"max\":7,"
		"\"mean\":4,\"deviation\":1.8257418583505538,\"quantiles\":[1,1.5,2,2.5,3,3.25,3.5,3.75,4,4,4,4,"
		"4,4.25,4.5,4.75,5,5.5,6,6.5,7]}]}");
	assert_profile(
		"{\"a\":null}", &select,
		"{\"rows\":1,\"features\":[{\"name\":\"a\",\"missing\":1,\"min\":null,\"max\":null,\"mean\":null,"
		"\"deviation\":null,\"quantiles\":[null,null,null,null,null,null,null,null,null,null,null,null,"
		"null,null,null,null,null,null,null,null,null]}]}");
}

static void writes_categories(void **state)
{
	const struct mlops_select_options select = { .texts = true };

	(void)state;
	assert_profile(
		"s,x\non,1\noff,1\n,1\non,1\non,1\n", &select,
		"{\"rows\":5,\"features\":[{\"name\":\"s\",\"missing\":0.2,\"shares\":[0.25,0.75]},"
		"{\"name\":\"x\",\"missing\":0,\"min\":1,\"max\":1,\"mean\":1,\"deviation\":0,\"quantiles\":"
		"[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_numbers),
		cmocka_unit_test(writes_categories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
