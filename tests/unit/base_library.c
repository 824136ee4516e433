/* Libraries loaded when they are needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/library.h"

static void takes_a_function(void **state)
{
	static const struct mlops_library library = { "libm.so.6", "The mathematics library", "libc6" };
	struct mlops_error error = MLOPS_ERROR_INIT;
	void *handle = mlops_library_open(&library, &error);
	double (*root)(double) = NULL;

	(void)state;
	assert_non_null(handle);
	assert_true(mlops_library_take(&library, handle, "sqrt", &root, sizeof root, &error));
	assert_true(root(9) > 2.9 && root(9) < 3.1);
	assert_false(mlops_library_take(&library, handle, "squirt", &root, sizeof root, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message, "The mathematics library libm.so.6 has no squirt");
}

static void says_which_package_is_missing(void **state)
{
	static const struct mlops_library library = { "libmlops-nowhere.so.5", "The library of nothing", "libnothing5" };
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_null(mlops_library_open(&library, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message,
			    "The library of nothing libmlops-nowhere.so.5 is missing (Debian's package libnothing5)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_function),
		cmocka_unit_test(says_which_package_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
