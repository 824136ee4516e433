#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "metrics/exposition.h"

#include <math.h>

static void test_families_and_samples(void **state)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	const struct mlops_label labels[] = { { "model", "a\"b\\c\nd\xff" }, { "sensor", NULL } };

	(void)state;
	mlops_exposition_family(&text, "x_total", MLOPS_COUNTER, "How many.");
	mlops_exposition_sample(&text, "x_total", labels, 2, 1e15);
	mlops_exposition_sample(&text, "x_total", NULL, 0, 0.1);
	mlops_exposition_sample(&text, "x_total", labels + 1, 1, (double)NAN);
	mlops_exposition_sample(&text, "x_total", NULL, 0, -(double)INFINITY);
	assert_string_equal(mlops_buffer_string(&text), "# HELP x_total How many.\n# TYPE x_total counter\n"
							"x_total{model=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\",sensor=\"\"} 1e15\n"
							"x_total 0.1\n"
							"x_total{sensor=\"\"} NaN\n"
							"x_total -Inf\n");
	mlops_buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_families_and_samples) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
