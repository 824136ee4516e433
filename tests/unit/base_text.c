#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void the_nearest_name(void **state)
{
	static const char *const known[] = {
		"trees", NULL, "sample_size", "contamination", "temperature", "ts",
	};
	const size_t count = sizeof known / sizeof known[0];
	static const struct {
		const char *name, *nearest;
	} cases[] = {
		{ "trees", "trees" },
		{ "TREES", "trees" },
		{ "tress", "trees" },
		{ "teres", "trees" },
		{ "tree", "trees" },
		{ "samplesize", "sample_size" },
		{ "Sample-Size", "sample_size" },
		{ "contaminaiton", "contamination" },
		{ "temprature", "temperature" },
		{ "temp", NULL },
		{ "pressure", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "tsx", "ts" },
	};
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *nearest = mlops_text_nearest(cases[i].name, known, count);

		if (cases[i].nearest == NULL)
			assert_null(nearest);
		else
			assert_string_equal(nearest, cases[i].nearest);
	}
	assert_null(mlops_text_nearest("trees", known, 0));
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_null(mlops_text_nearest(longest, known, count));
	longest[128] = '\0';
	assert_ptr_equal(mlops_text_nearest(longest, (const char *const[]){ longest }, 1), longest);
}

static void assert_masked(const char *text, size_t length, const char *expected)
{
	char buffer[MLOPS_TEXT_QUOTED];
	/* A copy of exactly that size, so that reading too far is seen. */
	char *exact = malloc(length + (length == 0));

	assert_non_null(exact);
	memcpy(exact, text, length);
	assert_ptr_equal(mlops_text_mask(buffer, exact, length), buffer);
	assert_string_equal(buffer, expected);
	free(exact);
}

static void untrusted_bytes_are_masked(void **state)
{
	char sixty[61];

	(void)state;
	assert_masked("", 0, "");
	assert_masked("21,5 \u00b0C", 8, "21,5 \u00b0C");
	assert_masked("a\0b\nc\x1b[31m\x7f", 11, "a?b?c?[31m?");
	assert_masked("\xff\xc3", 2, "??");
	assert_masked("\xe2\x82", 2, "??");
	assert_masked("x\xc2\x9bm", 4, "x?m");
	assert_masked("x\u202egnp.exe", 11, "x?gnp.exe");
	assert_masked("\u2028\u2066", 6, "??");
	memset(sixty, 'a', 60);
	sixty[60] = '\0';
	assert_masked(sixty, 60, sixty);
}

static void a_long_text_is_cut_between_characters(void **state)
{
	(void)state;
	assert_masked("0123456789012345678901234567890123456789012345678901234567890123456789", 70,
		      "012345678901234567890123456789012345678901234567890123456789\u2026");
	assert_masked("0123456789012345678901234567890123456789012345678901234567\u20ac", 61,
		      "0123456789012345678901234567890123456789012345678901234567\u2026");
}

static void utf8_as_rfc_3629_has_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t length, step;
	} cases[] = {
		{ "a", 1, 1 },
		{ "\0", 1, 1 },
		{ "\xc2\x80", 2, 2 },
		{ "\xdf\xbf", 2, 2 },
		{ "\xe0\xa0\x80", 3, 3 },
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xef\xbf\xbf", 3, 3 },
		{ "\xf0\x90\x80\x80", 4, 4 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 },
		{ "", 0, 0 },
		{ "\x80", 1, 0 },
		{ "\xc1\xbf", 2, 0 },
		{ "\xc2", 1, 0 },
		{ "\xc2\x41", 2, 0 },
		{ "\xe0\x9f\xbf", 3, 0 },
		{ "\xed\xa0\x80", 3, 0 },
		{ "\xe2\x82", 2, 0 },
		{ "\xe2\x82\x41", 3, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 },
		{ "\xf4\x90\x80\x80", 4, 0 },
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\xf0\x90\x80", 3, 0 },
		{ "\xff", 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[32];

		assert_int_equal(mlops_text_utf8_step(cases[i].bytes, cases[i].length), cases[i].step);
		/* At every distance from the start of a block of eight ASCII bytes. */
		for (size_t before = 0; before < 20; before++) {
			memset(text, 'a', sizeof text);
			memcpy(text + before, cases[i].bytes, cases[i].length);
			assert_int_equal(mlops_text_is_utf8(text, before + cases[i].length),
					 cases[i].step > 0 || cases[i].length == 0);
		}
	}
}

static void case_is_ignored_for_ascii_only(void **state)
{
	(void)state;
	assert_true(mlops_text_equal_ignore_case("NaN", 3, "nan", 3));
	assert_true(mlops_text_equal_ignore_case("", 0, NULL, 0));
	assert_false(mlops_text_equal_ignore_case("NaN", 3, "na", 2));
	assert_false(mlops_text_equal_ignore_case("@", 1, "`", 1));
	assert_false(mlops_text_equal_ignore_case("[", 1, "{", 1));
	assert_false(mlops_text_equal_ignore_case("\u00c4", 2, "\u00e4", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_name),
		cmocka_unit_test(untrusted_bytes_are_masked),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(utf8_as_rfc_3629_has_it),
		cmocka_unit_test(case_is_ignored_for_ascii_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
