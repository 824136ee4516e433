#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time.h"
#include "base/timezone.h"

#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)

static int64_t parse(const char *text, const char *offset)
{
	struct mlops_timezone *zone = offset != NULL ? mlops_timezone_open("/nowhere", offset, NULL) : NULL;
	int64_t value = MLOPS_TIME_MISSING;

	if (!mlops_time_parse(text, strlen(text), zone, &value))
		assert_int_equal(value, MLOPS_TIME_MISSING);
	mlops_timezone_free(zone);
	return value;
}

static void known_times(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "1970-01-01", 0 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01 00:00", 0 },
		{ "1969-12-31T23:59:59Z", -SECOND },
		{ "2000-02-29", 951782400 * SECOND },
		{ "2000-03-01", 951868800 * SECOND },
		{ "1900-03-01", -2203891200 * SECOND },
		{ "2024-01-31T18:00", 1706724000 * SECOND },
		{ "2024-01-31 18:00:00", 1706724000 * SECOND },
		{ "2024-01-31t18:00:00z", 1706724000 * SECOND },
		{ "2024-01-31 18:00:00.123456", 1706724000 * SECOND + 123456 },
		{ "2024-01-31 18:00:00,5", 1706724000 * SECOND + 500000 },
		{ "2024-01-31T18:00:00.1234569999Z", 1706724000 * SECOND + 123456 },
		{ "2024-01-31T18:00:00.000001+00:00", 1706724000 * SECOND + 1 },
		{ "2024-01-31T18:00:00+01:00", 1706720400 * SECOND },
		{ "2024-01-31T18:00:00+0100", 1706720400 * SECOND },
		{ "2024-01-31T18:00:00+01", 1706720400 * SECOND },
		{ "2024-01-31T18:00-03:30", 1706736600 * SECOND },
		{ "2024/01/31 18:00", 1706724000 * SECOND },
		{ "2024.01.31", 1706659200 * SECOND },
		{ "2024-01", 1704067200 * SECOND },
		{ "2024-01-31T18", 1706724000 * SECOND },
		{ "2024-01-31 18.00.00", 1706724000 * SECOND },
		{ "2024-01-31 18.00", 1706724000 * SECOND },
		{ "2024-01-31 18:00:00 UTC", 1706724000 * SECOND },
		{ "2024-01-31 18:00:00 +01:00", 1706720400 * SECOND },
		{ "20240131T1800", 1706724000 * SECOND },
		{ "20240131T180000Z", 1706724000 * SECOND },
		{ "20240131t180000.5+0100", 1706720400 * SECOND + 500000 },
		{ "2016-12-31T23:59:60Z", 1483228800 * SECOND },
		{ "2024-01-31T24:00:00Z", 1706745600 * SECOND },
		{ "2024-02-29T12:00:00Z", 1709208000 * SECOND },
		{ "2038-01-19T03:14:08Z", INT64_C(2147483648) * SECOND },
		{ "1678-01-01", INT64_C(-9214560000) * SECOND },
		{ "2261-12-31T23:59:59.999999", INT64_C(9214646400) * SECOND - 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(parse(cases[i].text, NULL), cases[i].value);
}

static void plain_numbers_are_epochs(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "0", 0 },
		{ "-1", -SECOND },
		{ "+1", SECOND },
		{ "1706724000", 1706724000 * SECOND },
		{ "1706724000.", 1706724000 * SECOND },
		{ "1706724000.25", 1706724000 * SECOND + 250000 },
		{ "-0.5", -500000 },
		{ "0000000001.0000019", SECOND + 1 },
		{ "1706724000123", 1706724000 * SECOND + 123000 },
		{ "1706724000123.4567", 1706724000 * SECOND + 123456 },
		{ "-1706724000123", -1706724000 * SECOND - 123000 },
		{ "100000000000", 100000000 * SECOND },
		{ "-100000000000", -100000000 * SECOND },
		{ "9214646399.999999", INT64_C(9214646400) * SECOND - 1 },
		{ "-9214560000", INT64_C(-9214560000) * SECOND },
		{ "20240131", 20240131 * SECOND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(parse(cases[i].text, "+02:00"), cases[i].value);
}

static void a_missing_zone_is_the_given_one(void **state)
{
	(void)state;
	assert_int_equal(parse("1970-01-01T00:00", "+01:00"), -HOUR);
	assert_int_equal(parse("1970-01-01", "-01:00"), HOUR);
	assert_int_equal(parse("1970-01-01T00:00Z", "+01:00"), 0);
	assert_int_equal(parse("1970-01-01T00:00-01:00", "+02:00"), HOUR);
}

static void not_times(void **state)
{
	static const char *const cases[] = {
		"", "-", "+", ".", ".5", "x", "1e9", "1.5e9", "12:00", "2023-02-29", "2100-02-29",
		"2024-02-30", "2024-04-31",
		"2024-00-01", "2024-13-01", "2024-01-00", "2024-01-32", "2024-1-1", "2024/01-31", "2024/01",
		"31.01.2024", "2024-01T00:00", "2024-13",
		"2024-01-31T", "2024-01-31T18:", "2024-01-31T18.5", "2024-01-31 18.00:00",
		"20240131T18", "20240131T1860", "20240131T18000", "20240131T180000123", "20241331T1800", "20240131 1800", "2024-01-31T18:0", "2024-01-31T24:01",
		"2024-01-31T24:00:00.1", "2024-01-31T25:00", "2024-01-31T18:60", "2024-01-31T18:00:61",
		"2024-01-31T18:00:00.", "2024-01-31T18:00:", "2024-01-31T18:00:00.1x", "2024-01-31T18:00:00+",
		"2024-01-31T18:00:00+1", "2024-01-31T18:00:00+24:00", "2024-01-31T18:00:00+01:",
		"2024-01-31T18:00:00+01:60",
		"2024-01-31T18:00:00+010", "2024-01-31T18:00:00Zx", "2024-01-31Z", "2024-01-31 ",
		"2024-01-31  18:00",
		"1677-12-31", "2262-01-01", "9214646400", "-9214560000.000001", "99999999999",
		"1706724000123456",
		"99999999999999999999999999", "1706724000 ", " 1706724000", "17,5", "1.2.3",
		"2024-01-31T18:00:00,",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t value = 7;

		if (mlops_time_parse(cases[i], strlen(cases[i]), NULL, &value))
			fail_msg("'%s' was taken for a time", cases[i]);
		assert_int_equal(value, 7);
	}
}

/* Every day of all years against the C library, printed and read back. */
static void every_day(void **state)
{
	(void)state;
	for (int64_t day = -106650; day < 106650; day++) {
		time_t seconds = (time_t)(day * 86400 + (day & 0xffff));
		char text[MLOPS_TIME_TEXT], expected[64];
		struct tm civil;
		size_t length;

		assert_non_null(gmtime_r(&seconds, &civil));
		strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &civil);
		length = mlops_time_print(text, seconds * SECOND);
		assert_int_equal(length, strlen(text));
		assert_string_equal(text, expected);
		if (civil.tm_year + 1900 < 1678 || civil.tm_year + 1900 > 2261)
			continue;
		assert_int_equal(parse(text, NULL), seconds * SECOND);
	}
}

static void fractions_are_printed_where_there_are_any(void **state)
{
	char text[MLOPS_TIME_TEXT];

	(void)state;
	assert_int_equal(mlops_time_print(text, 123456), 27);
	assert_string_equal(text, "1970-01-01T00:00:00.123456Z");
	mlops_time_print(text, -1);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
	mlops_time_print(text, 1706724000 * SECOND + 100);
	assert_string_equal(text, "2024-01-31T18:00:00.000100Z");
	assert_int_equal(mlops_time_print(text, MLOPS_TIME_MISSING), 0);
	assert_string_equal(text, "");
	assert_true(mlops_time_print(text, INT64_MAX) < MLOPS_TIME_TEXT);
	assert_string_equal(text, "294247-01-10T04:00:54.775807Z");
	assert_true(mlops_time_print(text, INT64_MIN + 1) < MLOPS_TIME_TEXT);
	assert_string_equal(text, "-290308-12-21T19:59:05.224193Z");
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {
		{ "90", 90 * SECOND }, { "90s", 90 * SECOND }, { "10min", 600 * SECOND },
		{ "10m", 600 * SECOND },
		{ "2h", 2 * HOUR }, { "7d", 168 * HOUR }, { "1w", 168 * HOUR }, { "250ms", 250000 }, { "40us", 40 },
		{ "106751991d", INT64_C(106751991) * 24 * HOUR },
	};
	static const char *const bad[] = {
		"", "s", "0", "0s", "-1s", "+1s", "1.5h", "1 h", "1hour", "1H", "h1", "1s ", "1ns",
		"106751992d", "9223372036854775807s", "99999999999999999999s",
	};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		value = 0;
		assert_true(mlops_time_parse_duration(good[i].text, &value));
		assert_int_equal(value, good[i].value);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		value = 7;
		if (mlops_time_parse_duration(bad[i], &value))
			fail_msg("'%s' was taken for a duration", bad[i]);
		assert_int_equal(value, 7);
	}
}

static void printed_durations(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{ 90 * SECOND, "90s" }, { 90 * 60 * SECOND, "90min" }, { 2 * HOUR, "2h" }, { 24 * HOUR, "1d" },
		{ 14 * 24 * HOUR, "2w" }, { 250000, "250ms" }, { 1000001, "1000001us" }, { 0, "0s" },
		{ INT64_MAX, "9223372036854775807us" },
	};
	char text[MLOPS_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(mlops_time_print_duration(text, cases[i].value), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
	}
}

static void numbers_of_a_calendar(void **state)
{
	const int good[6] = { 2024, 1, 31, 18, 0, 0 }, bad[6] = { 2024, 2, 30, 18, 0, 0 };
	int64_t value = 7;

	(void)state;
	assert_false(mlops_time_from_calendar(bad, NULL, &value));
	assert_true(mlops_time_from_calendar(good, NULL, &value));
	assert_int_equal(value, 1706724000 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_times),
		cmocka_unit_test(plain_numbers_are_epochs),
		cmocka_unit_test(a_missing_zone_is_the_given_one),
		cmocka_unit_test(not_times),
		cmocka_unit_test(every_day),
		cmocka_unit_test(fractions_are_printed_where_there_are_any),
		cmocka_unit_test(durations),
		cmocka_unit_test(printed_durations),
		cmocka_unit_test(numbers_of_a_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
