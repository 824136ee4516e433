#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/number.h"
#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum mlops_number_status parse(const char *text, double *value)
{
	size_t length = strlen(text);
	/* A copy of exactly that size, so that reading too far is seen. */
	char *exact = malloc(length + (length == 0));
	enum mlops_number_status status;

	assert_non_null(exact);
	memcpy(exact, text, length);
	status = mlops_number_parse(exact, length, '.', value);
	free(exact);
	return status;
}

static void assert_like_strtod(const char *text)
{
	double expected = strtod(text, NULL), value = -7;
	enum mlops_number_status status = parse(text, &value);

	if (isinf(expected)) {
		assert_int_equal(status, MLOPS_NUMBER_OUT_OF_RANGE);
		return;
	}
	assert_int_equal(status, MLOPS_NUMBER_OK);
	if (memcmp(&value, &expected, sizeof value) != 0)
		fail_msg("%s: %a instead of %a", text, value, expected);
}

static void hard_cases(void **state)
{
	static const char *const cases[] = {
		"0", "-0", "0.0", "+1", ".5", "5.", "-.5e1", "1e0", "1E+5", "1e-5", "0.1e-7",
		"0e999999999999999999999",
		"000000000000000000000000000000000000001.5", "0.00000000000000000000000000000000000001",
		"9007199254740992", "9007199254740993", "9007199254740995", "9007199254740992.5",
		"9007199254740993.00000000000000000000000000000000001", "1e22", "1e23", "8.5e22",
		"123456789e22",
		"18446744073709551615", "18446744073709551616", "9999999999999999999", "99999999999999999999",
		"9999999999999999999e27", "1e27", "3e27", "3e28", "9999999999999999999e-27", "3e-27", "3e-28",
		"0.1000000000000000055511151231257827021181583404541015625",
		"1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e308",
		"1e309", "1e400",
		"1e99999999999999999999999", "-1e400", "1e-400", "1e-99999999999999999999999",
		"2.2250738585072011e-308",
		"2.2250738585072014e-308", "4.9406564584124654e-324", "2.4703282292062327e-324",
		"2.4703282292062328e-324", "1e-323", "5e-325", "6.631236846766476e-316",
		"3.237883913302901e-319",
		"1234567890123456789012345678901234567890", "0.1234567890123456789012345678901234567890",
		"1234567890123456789012345678901234567890e-40", "7.2057594037927933e16", "9214843084008499",
		"0.500000000000000166533453693773481063544750213623046875", "3.518437208883201171875e13",
		"62.5364939768271845828", "8.10109172351e-10", "1.50000000000000011102230246251565",
		"30078505129381147446200", "1777820000000000000001", "2.2222222222222e-322", "1e-7",
		"0.000000000000000000000000000000000000000000000000000000000000000000000000000000000001e84",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_like_strtod(cases[i]);
}

/* 2^-1074 + 2^-1075 has 767 digits, the most that a half-way case can have. */
static void half_way_and_a_little_more(void **state)
{
	char text[2048];

	(void)state;
	snprintf(text, sizeof text, "%.1100Lf", 0x1.8p-1074L);
	assert_like_strtod(text);
	text[strlen(text) - 1] = '1';
	assert_like_strtod(text);
	snprintf(text, sizeof text, "%.1073Lf", 0x1.8p-1074L);
	assert_like_strtod(text);
	snprintf(text, sizeof text, "%.900Lf", 1.0L + 0x1p-53L);
	assert_like_strtod(text);
	text[900] = '1';
	assert_like_strtod(text);
	memset(text, '9', 1500);
	text[1500] = '\0';
	assert_like_strtod(text);
	memcpy(text + 1500, "e-1400", 7);
	assert_like_strtod(text);
	text[0] = '.';
	assert_like_strtod(text);
}

static void append_digits(char *text, struct mlops_rng *rng, size_t count)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < count; i++)
		text[length++] = (char)('0' + mlops_rng_below(rng, 10));
	text[length] = '\0';
}

/* A number to one of several shapes: what programs print, and what they don't. */
static void make_text(char *text, size_t size, struct mlops_rng *rng)
{
	uint64_t bits = mlops_rng_u64(rng);
	double any = 0;

	strcpy(text, mlops_rng_below(rng, 4) == 0 ? "-" : "");
	switch (mlops_rng_below(rng, 7)) {
	case 0:
		memcpy(&any, &bits, sizeof any);
		any = isfinite(any) ? any : 0;
		snprintf(text, size, "%.*e", (int)mlops_rng_below(rng, 20), any);
		break;
	case 1:
		any = mlops_rng_unit(rng) * pow(10, mlops_rng_below(rng, 12));
		snprintf(text, size, "%.*g", 15 + (int)mlops_rng_below(rng, 3), any);
		break;
	case 2:
		append_digits(text, rng, 1 + mlops_rng_below(rng, 40));
		strcat(text, ".");
		append_digits(text, rng, mlops_rng_below(rng, 40));
		break;
	case 3:
		append_digits(text, rng, 1 + mlops_rng_below(rng, 25));
		snprintf(text + strlen(text), 16, "e%d", (int)mlops_rng_below(rng, 700) - 350);
		break;
	case 4:
		append_digits(text, rng, 1 + mlops_rng_below(rng, 5));
		strcat(text, ".");
		append_digits(text, rng, 1 + mlops_rng_below(rng, 6));
		break;
	case 5:
		strcat(text, ".");
		memset(text + strlen(text), 0, 60);
		memset(text + strlen(text), '0', mlops_rng_below(rng, 50));
		append_digits(text, rng, 1 + mlops_rng_below(rng, 22));
		break;
	default:
		/* Half-way between two doubles, cut or not. */
		bits &= UINT64_C(0x000fffffffffffff);
		bits |= (uint64_t)(1 + mlops_rng_below(rng, 2045)) << 52;
		memcpy(&any, &bits, sizeof any);
		snprintf(text, size, "%.*Le", mlops_rng_below(rng, 2) ? 770 : 20,
			 (long double)any / 2 + (long double)nextafter(any, INFINITY) / 2);
	}
}

static void random_texts(void **state)
{
	struct mlops_rng rng = mlops_rng_start(1, MLOPS_RNG_SIMULATE, 0);
	char text[1024];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		make_text(text, sizeof text, &rng);
		assert_like_strtod(text);
	}
}

static void not_numbers(void **state)
{
	static const char *const cases[] = {
		"", "-", "+", ".", "-.", "e5", ".e5", "1e", "1e+", "1e-", "1e5.0", "--1", "+-1", "1-",
		" 1", "1 ", "1 2",
		"1,5", "1.5.", "1..5", "0x10", "0x1p3", "inf", "-inf", "infinity", "nan", "NaN", "nan(1)",
		"1f", "1_000",
		"1e5e5", "abc", "12a", "\xd9\xa1", "1e 5", "99999999999999999999x",
	};
	double value = 7;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (parse(cases[i], &value) != MLOPS_NUMBER_INVALID)
			fail_msg("'%s' was taken for a number", cases[i]);
	}
	assert_int_equal(mlops_number_parse("1\0", 2, '.', &value), MLOPS_NUMBER_INVALID);
	assert_true(value == 7);
}

static void decimal_comma(void **state)
{
	double value;

	(void)state;
	assert_int_equal(mlops_number_parse("-1,25e2", 7, ',', &value), MLOPS_NUMBER_OK);
	assert_true(value == -125);
	assert_int_equal(mlops_number_parse("0,1234567890123456789012345", 27, ',', &value), MLOPS_NUMBER_OK);
	assert_true(value == 0.1234567890123456789012345);
	assert_int_equal(mlops_number_parse("1.25", 4, ',', &value), MLOPS_NUMBER_INVALID);
	assert_int_equal(mlops_number_parse("1.000,5", 7, ',', &value), MLOPS_NUMBER_INVALID);
}

static void floats_are_rounded_doubles(void **state)
{
	float value = 7;

	(void)state;
	assert_int_equal(mlops_number_parse_float("0.1", 3, '.', &value), MLOPS_NUMBER_OK);
	assert_true(value == 0.1f);
	assert_int_equal(mlops_number_parse_float("3.4028235e38", 12, '.', &value), MLOPS_NUMBER_OK);
	assert_true(value == FLT_MAX);
	assert_int_equal(mlops_number_parse_float("3.4028235677973362e38", 21, '.', &value), MLOPS_NUMBER_OK);
	assert_true(value == FLT_MAX);
	assert_int_equal(mlops_number_parse_float("3.4028235677973366e38", 21, '.', &value),
			 MLOPS_NUMBER_OUT_OF_RANGE);
	assert_int_equal(mlops_number_parse_float("-1e39", 5, '.', &value), MLOPS_NUMBER_OUT_OF_RANGE);
	assert_int_equal(mlops_number_parse_float("1e400", 5, '.', &value), MLOPS_NUMBER_OUT_OF_RANGE);
	assert_int_equal(mlops_number_parse_float("x", 1, '.', &value), MLOPS_NUMBER_INVALID);
	assert_int_equal(mlops_number_parse_float("-1e-60", 6, '.', &value), MLOPS_NUMBER_OK);
	assert_true(value == 0 && signbit(value));
	/* Rounded twice, to the float below: what numpy gives for it. */
	assert_int_equal(mlops_number_parse_float("1.0000000596046447754", 21, '.', &value), MLOPS_NUMBER_OK);
	assert_true(value == 1.0f);
}

static void whole_numbers(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_true(mlops_number_parse_uint("18446744073709551615", 20, &value));
	assert_int_equal(value, UINT64_MAX);
	assert_true(mlops_number_parse_uint("000", 3, &value));
	assert_int_equal(value, 0);
	assert_false(mlops_number_parse_uint("18446744073709551616", 20, &value));
	assert_false(mlops_number_parse_uint("99999999999999999999", 20, &value));
	assert_false(mlops_number_parse_uint("", 0, &value));
	assert_false(mlops_number_parse_uint("-1", 2, &value));
	assert_false(mlops_number_parse_uint("+1", 2, &value));
	assert_false(mlops_number_parse_uint("1.0", 3, &value));
	assert_int_equal(value, 0);
}

static void numbers_of_json(void **state)
{
	static const char *const good[] = { "0", "-0", "10", "0.5", "-1.25e+10", "1E5", "1e-05", "0e0" };
	static const char *const bad[] = { "", "-", "01", "-01", "+1", ".5", "5.", "1e", "1e+", "0x1", "NaN",
					   "1 ", "1.e5", "00", "--1", "1,5" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(mlops_number_is_json(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(mlops_number_is_json(bad[i], strlen(bad[i])));
}

static void printed_as_expected(void **state)
{
	static const struct {
		double value;
		const char *text;
	} doubles[] = {
		{ 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -1.5, "-1.5" }, { 0.1, "0.1" }, { 100, "100" },
		{ 1.0 / 3, "0.3333333333333333" }, { 0.1 + 0.2, "0.30000000000000004" },
		{ 123456.75, "123456.75" },
		{ 999999999999999, "999999999999999" }, { 1e15, "1e15" }, { 1e22, "1e22" },
		{ -1.5e300, "-1.5e300" },
		{ 1e-5, "0.00001" }, { 1e-6, "1e-6" }, { 1.25e-7, "1.25e-7" }, { 0.001, "0.001" },
		{ DBL_MAX, "1.7976931348623157e308" }, { DBL_MIN, "2.2250738585072014e-308" },
		{ 0x1p-1074, "5e-324" },
		{ 9007199254740992, "9.007199254740992e15" }, { 99999999999999.984, "99999999999999.98" },
		{ 0.99999999999999989, "0.9999999999999999" },
	};
	static const struct {
		float value;
		const char *text;
	} floats[] = {
		{ 0, "0" }, { 0.1f, "0.1" }, { -2.5f, "-2.5" }, { 16777216, "16777216" },
		{ 123456792, "123456792" },
		{ 1.0f / 3, "0.33333334" }, { FLT_MAX, "3.4028235e38" }, { FLT_MIN, "1.1754944e-38" },
		{ 0x1p-149f, "1e-45" },
		{ 1e-10f, "1e-10" }, { 21.37f, "21.37" }, { 0.00001f, "0.00001" }, { 8388608.5f, "8388608" },
		{ 4194303.75f, "4194303.8" },
	};
	char text[MLOPS_NUMBER_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
		assert_int_equal(mlops_number_print_double(text, doubles[i].value), strlen(doubles[i].text));
		assert_string_equal(text, doubles[i].text);
	}
	for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
		assert_int_equal(mlops_number_print_float(text, floats[i].value), strlen(floats[i].text));
		assert_string_equal(text, floats[i].text);
	}
}

/* How many digits a text has between its first and its last that is not zero. */
static int count_digits(const char *text)
{
	int count = 0, last = 0;

	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
			continue;
		count++;
		last = *text == '0' ? last : count;
	}
	return last;
}

static void assert_shortest_double(double value)
{
	char text[MLOPS_NUMBER_TEXT], exact[64];
	size_t length = mlops_number_print_double(text, value);
	double back = 0;
	int digits = 1;

	assert_int_equal(length, strlen(text));
	assert_true(length < MLOPS_NUMBER_TEXT);
	assert_true(mlops_number_is_json(text, length));
	assert_int_equal(parse(text, &back), MLOPS_NUMBER_OK);
	if (back != value)
		fail_msg("%a printed as %s", value, text);
	for (; digits < 17; digits++) {
		snprintf(exact, sizeof exact, "%.*e", digits - 1, value);
		if (strtod(exact, NULL) == value)
			break;
	}
	if (trunc(value) != value && count_digits(text) > digits)
		fail_msg("%s could be %s", text, exact);
}

static void assert_shortest_float(float value)
{
	char text[MLOPS_NUMBER_TEXT], exact[64];
	size_t length = mlops_number_print_float(text, value);
	float back = 0;
	int digits = 1;

	assert_int_equal(length, strlen(text));
	assert_true(mlops_number_is_json(text, length));
	assert_int_equal(mlops_number_parse_float(text, length, '.', &back), MLOPS_NUMBER_OK);
	if (back != value)
		fail_msg("%a printed as %s", (double)value, text);
	for (; digits < 9; digits++) {
		snprintf(exact, sizeof exact, "%.*e", digits - 1, (double)value);
		if ((float)strtod(exact, NULL) == value)
			break;
	}
	if (truncf(value) != value && count_digits(text) > digits)
		fail_msg("%s could be %s", text, exact);
}

static void printing_reads_back(void **state)
{
	struct mlops_rng rng = mlops_rng_start(2, MLOPS_RNG_SIMULATE, 0);

	(void)state;
	for (int i = 0; i < 60000; i++) {
		uint64_t bits = mlops_rng_u64(&rng);
		uint32_t half = (uint32_t)bits;
		double decimal = mlops_rng_below(&rng, 1000000) / 1000.0, any;
		float any_float;

		memcpy(&any, &bits, sizeof any);
		memcpy(&any_float, &half, sizeof any_float);
		if (isfinite(any))
			assert_shortest_double(any);
		if (isfinite(any_float))
			assert_shortest_float(any_float);
		assert_shortest_double(decimal);
		assert_shortest_float((float)decimal);
		assert_shortest_float((float)mlops_rng_unit(&rng));
	}
	for (int power = -1074; power < 1024; power++) {
		assert_shortest_double(ldexp(1, power));
		if (power >= -149 && power < 128)
			assert_shortest_float(ldexpf(1, power));
	}
	for (int power = -40; power < 39; power++) {
		assert_shortest_double(pow(10, power));
		assert_shortest_double(nextafter(pow(10, power), 0));
		assert_shortest_float((float)pow(10, power));
		assert_shortest_float(nextafterf((float)pow(10, power), 0));
	}
}

static void assert_unit(float value)
{
	char text[MLOPS_NUMBER_TEXT], expected[32];
	size_t length = (size_t)snprintf(expected, sizeof expected, "%.7f", (double)value);

	while (expected[length - 1] == '0')
		length--;
	if (expected[length - 1] == '.')
		length--;
	expected[length] = '\0';
	assert_int_equal(mlops_number_print_unit(text, value), length);
	assert_string_equal(text, expected);
}

static void units_have_seven_decimals(void **state)
{
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SIMULATE, 0);
	char text[MLOPS_NUMBER_TEXT];

	(void)state;
	assert_unit(0);
	assert_unit(1);
	assert_unit(0.5f);
	assert_unit(0.1f);
	assert_unit(1e-7f);
	assert_unit(4e-8f);
	assert_unit(6e-8f);
	assert_unit(0x1p-149f);
	assert_unit(0.99999994f);
	assert_unit(0x1p-8f);
	assert_unit(3 * 0x1p-8f);
	assert_unit(0.00390625f);
	for (int i = 0; i < 200000; i++) {
		assert_unit((float)mlops_rng_unit(&rng));
		assert_unit((float)mlops_rng_below(&rng, 1000) / 1000.0f);
		assert_unit((float)mlops_rng_below(&rng, 65536) / 65536.0f);
	}
	/* What rounding left just outside. */
	assert_int_equal(mlops_number_print_unit(text, 1.0000001f), 1);
	assert_string_equal(text, "1");
	assert_int_equal(mlops_number_print_unit(text, -1e-9f), 1);
	assert_string_equal(text, "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hard_cases),
		cmocka_unit_test(half_way_and_a_little_more),
		cmocka_unit_test(random_texts),
		cmocka_unit_test(not_numbers),
		cmocka_unit_test(decimal_comma),
		cmocka_unit_test(floats_are_rounded_doubles),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(numbers_of_json),
		cmocka_unit_test(printed_as_expected),
		cmocka_unit_test(printing_reads_back),
		cmocka_unit_test(units_have_seven_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
