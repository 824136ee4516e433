/* Texts to numbers and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rows/dictionary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void numbers_in_order_of_appearance(void **state)
{
	struct mlops_dictionary *dictionary = mlops_dictionary_new(NULL);
	size_t length;

	(void)state;
	assert_int_equal(mlops_dictionary_find(dictionary, "a", 1), MLOPS_DICTIONARY_NONE);
	assert_int_equal(mlops_dictionary_add(dictionary, "b", 1), 0);
	assert_int_equal(mlops_dictionary_add(dictionary, "", 0), 1);
	assert_int_equal(mlops_dictionary_add(dictionary, "a\0c", 3), 2);
	assert_int_equal(mlops_dictionary_add(dictionary, "a\0d", 3), 3);
	assert_int_equal(mlops_dictionary_add(dictionary, "bx", 1), 0);
	assert_int_equal(mlops_dictionary_count(dictionary), 4);
	assert_int_equal(mlops_dictionary_find(dictionary, NULL, 0), 1);
	assert_memory_equal(mlops_dictionary_text(dictionary, 2, &length), "a\0c", 4);
	assert_int_equal(length, 3);
	mlops_dictionary_free(dictionary);
	mlops_dictionary_free(NULL);
}

static void texts_stay_where_they_are(void **state)
{
	enum { TEXTS = 5000 };
	struct mlops_dictionary *dictionary = mlops_dictionary_new(NULL);
	const char **texts = calloc(TEXTS, sizeof *texts);
	char long_text[40000], text[16];

	(void)state;
	assert_non_null(texts);
	for (uint32_t i = 0; i < TEXTS; i++) {
		int length = snprintf(text, sizeof text, "sensor-%u", i);

		assert_int_equal(mlops_dictionary_add(dictionary, text, (size_t)length), i);
		texts[i] = mlops_dictionary_text(dictionary, i, NULL);
	}
	memset(long_text, 'x', sizeof long_text);
	assert_int_equal(mlops_dictionary_add(dictionary, long_text, sizeof long_text), TEXTS);
	assert_int_equal(mlops_dictionary_find(dictionary, long_text, sizeof long_text), TEXTS);
	for (uint32_t i = 0; i < TEXTS; i++) {
		int length = snprintf(text, sizeof text, "sensor-%u", i);

		assert_int_equal(mlops_dictionary_find(dictionary, text, (size_t)length), i);
		assert_ptr_equal(mlops_dictionary_text(dictionary, i, NULL), texts[i]);
		assert_string_equal(texts[i], text);
	}
	mlops_dictionary_free(dictionary);
	free(texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_order_of_appearance),
		cmocka_unit_test(texts_stay_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
