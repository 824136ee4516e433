#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"

#include <errno.h>
#include <string.h>

static void the_first_error_stays(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_false(mlops_error_set_at(&error, MLOPS_DATA, "rows.csv", 17, "column \"%s\": %s",
					"temp", "bad"));
	assert_false(mlops_error_set(&error, MLOPS_IO, "later"));
	assert_false(mlops_error_set_memory(&error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_int_equal(error.line, 17);
	assert_string_equal(error.source, "rows.csv");
	assert_string_equal(error.message, "column \"temp\": bad");
}

static void null_is_allowed(void **state)
{
	(void)state;
	assert_false(mlops_error_set(NULL, MLOPS_DATA, "x"));
	assert_false(mlops_error_set_at(NULL, MLOPS_DATA, NULL, 1, "x"));
	assert_false(mlops_error_set_errno(NULL, ENOENT, "x"));
	assert_false(mlops_error_set_memory(NULL));
}

static void a_long_source_loses_its_start(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char path[400];

	(void)state;
	memset(path, 'd', sizeof path);
	memcpy(path + sizeof path - 9, "/end.csv", 9);
	mlops_error_set_at(&error, MLOPS_DATA, path, 0, "x");
	assert_int_equal(strlen(error.source), sizeof error.source - 1);
	assert_memory_equal(error.source, "...ddd", 6);
	assert_string_equal(error.source + strlen(error.source) - 8, "/end.csv");
}

static void a_long_message_is_cut(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	mlops_error_set(&error, MLOPS_DATA, "%*s", 2000, "x");
	assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void errno_says_the_code(void **state)
{
	static const struct {
		int errnum;
		enum mlops_code code;
		const char *message;
	} cases[] = {
		{ ENOSPC, MLOPS_IO, "f: No space left on device" },
		{ ENOENT, MLOPS_IO, "f: No such file or directory" },
		{ EACCES, MLOPS_DENIED, "f: Permission denied" },
		{ EPERM, MLOPS_DENIED, "f: Operation not permitted" },
		{ EPIPE, MLOPS_CLOSED, "f: Broken pipe" },
		{ ENOMEM, MLOPS_MEMORY, "f: Cannot allocate memory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		assert_false(mlops_error_set_errno(&error, cases[i].errnum, "f"));
		assert_int_equal(error.code, cases[i].code);
		assert_string_equal(error.message, cases[i].message);
	}
}

static void every_code_has_a_row(void **state)
{
	static const int exit_statuses[MLOPS_CODES] = { 0, 1, 64, 65, 69, 70, 74, 74, 75, 77, 78, 0 };

	(void)state;
	for (int code = 0; code < MLOPS_CODES; code++) {
		const struct mlops_code_info *info = mlops_code_describe((enum mlops_code)code);

		assert_non_null(info->name);
		assert_int_equal(info->exit_status, exit_statuses[code]);
		assert_in_range(info->http_status, 200, 599);
	}
	assert_ptr_equal(mlops_code_describe(MLOPS_CODES), mlops_code_describe(MLOPS_BUG));
	assert_string_equal(mlops_code_describe(MLOPS_DENIED)->name, "denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_error_stays),
		cmocka_unit_test(null_is_allowed),
		cmocka_unit_test(a_long_source_loses_its_start),
		cmocka_unit_test(a_long_message_is_cut),
		cmocka_unit_test(errno_says_the_code),
		cmocka_unit_test(every_code_has_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
