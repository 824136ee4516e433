#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "registry/reference.h"

#include <stdio.h>
#include <string.h>

static void test_forms(void **state)
{
	static const struct {
		const char *text, *name, *alias;
		uint32_t version;
	} cases[] = {
		{ "pump", "pump", "champion", 0 },
		{ "pump@challenger", "pump", "challenger", 0 },
		{ "pump/3", "pump", "", 3 },
		{ "pump/4294967295", "pump", "", UINT32_MAX },
		{ "pump house no. 7", "pump house no. 7", "champion", 0 },
		{ "Überdruck@A_b-9", "Überdruck", "A_b-9", 0 },
		{ "onnx", "onnx", "champion", 0 },
		{ "pump@v", "pump", "v", 0 },
		{ "pump@v1a", "pump", "v1a", 0 },
		{ "pump@latest2", "pump", "latest2", 0 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_reference reference;

		assert_true(mlops_reference_parse(cases[i].text, &reference, &error));
		assert_false(reference.is_path);
		assert_string_equal(reference.name, cases[i].name);
		assert_string_equal(reference.alias, cases[i].alias);
		assert_int_equal(reference.version, cases[i].version);
	}
}

static void test_paths(void **state)
{
	static const char *const paths[] = { "/var/pump",	 "./pump",     "../pump", "pump.onnx",
					     "models/pump.onnx", "a@b:c.onnx", ".onnx" };
	char long_path[5000];
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reference reference;
	(void)state;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		assert_true(mlops_reference_parse(paths[i], &reference, &error));
		assert_true(reference.is_path);
		assert_string_equal(reference.path, paths[i]);
	}
	memset(long_path, 'x', sizeof long_path);
	long_path[0] = '/';
	long_path[4095] = '\0';
	assert_true(mlops_reference_parse(long_path, &reference, &error));
	assert_string_equal(reference.path, long_path);
	long_path[4095] = 'x';
	long_path[4096] = '\0';
	assert_false(mlops_reference_parse(long_path, &reference, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_string_equal(error.message, "model path of 4096 bytes is too long, at most 4095 are allowed");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "the model must not be empty: give NAME, NAME@ALIAS, NAME/VERSION or a path" },
		{ "@champion", "a model's name must not be empty" },
		{ "-pump", "model name '-pump' must not begin with '-'" },
		{ ".pump", "model name '.pump' must not begin with '.'" },
		{ "models:pump", "model name 'models:pump' must not contain ':'" },
		{ "pu\tmp", "model name 'pu?mp' must not contain control characters" },
		{ "pu\x7fmp", "model name 'pu?mp' must not contain control characters" },
		{ "pu\xc2\x85mp", "model name 'pu?mp' must not contain control characters" },
		{ "pu\xffmp", "model name 'pu?mp' is not UTF-8" },
		{ "pump/", "model 'pump/': '' is not a version (1, 2, …); for a file put ./ before it" },
		{ "pump/0", "model 'pump/0': '0' is not a version (1, 2, …); for a file put ./ before it" },
		{ "pump/-1",
		  "model 'pump/-1': '-1' is not a version (1, 2, …); for a file put ./ before it" },
		{ "pump/1.0",
		  "model 'pump/1.0': '1.0' is not a version (1, 2, …); for a file put ./ before it" },
		{ "pump/4294967296", "model 'pump/4294967296': '4294967296' is not a version (1, 2, …); "
				     "for a file put ./ before it" },
		{ "a/b/1", "model 'a/b/1': 'b/1' is not a version (1, 2, …); for a file put ./ before it" },
		{ "pump@", "an alias must not be empty" },
		{ "pump@a@b", "alias 'a@b' may only have letters, digits, '_' and '-'" },
		{ "pump@a/1", "alias 'a/1' may only have letters, digits, '_' and '-'" },
		{ "pump@näher", "alias 'näher' may only have letters, digits, '_' and '-'" },
		{ "pump@Latest", "alias 'Latest' is reserved" },
		{ "pump@v12", "alias 'v12' looks like a version; choose another name" },
		{ "pump@V1", "alias 'V1' looks like a version; choose another name" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_reference reference;

		assert_false(mlops_reference_parse(cases[i].text, &reference, &error));
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(error.code, MLOPS_USAGE);
	}
}

static void test_lengths(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reference reference;
	char text[300];
	(void)state;

	memset(text, 'n', sizeof text);
	text[200] = '\0';
	assert_true(mlops_reference_check_name(text, &error));
	assert_true(mlops_reference_parse(text, &reference, &error));
	assert_string_equal(reference.name, text);
	text[200] = 'n';
	text[201] = '\0';
	assert_false(mlops_reference_check_name(text, NULL));
	assert_false(mlops_reference_parse(text, &reference, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_non_null(strstr(error.message, "has 201 bytes, at most 200 are allowed"));

	text[201] = 'n';
	text[255] = '\0';
	assert_true(mlops_reference_check_alias(text, NULL));
	text[255] = 'n';
	text[256] = '\0';
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_reference_check_alias(text, &error));
	assert_non_null(strstr(error.message, "has 256 bytes, at most 255 are allowed"));
}

static void test_name_is_no_file(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	(void)state;

	assert_false(mlops_reference_check_name("pump.onnx", &error));
	assert_string_equal(error.message,
			    "model name 'pump.onnx' must not end in '.onnx', which means a file");
	assert_int_equal(error.code, MLOPS_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_refused),		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_name_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
