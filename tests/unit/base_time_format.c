#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time.h"
#include "base/time_format.h"

#include <string.h>

static struct mlops_time_format *new_format(const char *pattern)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_time_format *format = mlops_time_format_new(pattern, &error);

	if (format == NULL)
		fail_msg("%s", error.message);
	assert_string_equal(mlops_time_format_text(format), pattern);
	return format;
}

static void times(void **state)
{
	static const struct {
		const char *pattern, *text, *iso;
	} cases[] = {
		{ "%Y%m%d", "19580329", "1958-03-29T00:00:00Z" },
		{ "%b-%d-%Y", "Jan-1-1995", "1995-01-01T00:00:00Z" },
		{ "%B %e, %Y", "february 29, 2024", "2024-02-29T00:00:00Z" },
		{ "%d/%m/%Y %H.%M.%S", "10/03/2004 18.00.00", "2004-03-10T18:00:00Z" },
		{ "%d/%m/%Y %H.%M.%S", "1/3/2004   8.05.09", "2004-03-01T08:05:09Z" },
		{ "%m/%d/%y %I:%M %p", "3/1/04 12:05 am", "2004-03-01T00:05:00Z" },
		{ "%m/%d/%y %I:%M %p", "3/1/69 12:05 PM", "1969-03-01T12:05:00Z" },
		{ "%Y-%j", "2024-060", "2024-02-29T00:00:00Z" },
		{ "%Y-%j", "2023-365", "2023-12-31T00:00:00Z" },
		{ "%a, %d %b %Y %T %z", "Wed, 31 Jan 2024 18:00:00 +0100", "2024-01-31T17:00:00Z" },
		{ "%FT%T.%f%z", "2024-01-31T18:00:00.25Z", "2024-01-31T18:00:00.250000Z" },
		{ "%F %R", "2024-01-31 24:00", "2024-02-01T00:00:00Z" },
		{ "%s", "1706724000.5", "2024-01-31T18:00:00.500000Z" },
		{ "%s", "-1", "1969-12-31T23:59:59Z" },
		{ "100%% %Y", "100% 2024", "2024-01-01T00:00:00Z" },
		{ "day-first", "31/1/2024", "2024-01-31T00:00:00Z" },
		{ "day-first", "31.01.24 18:00", "2024-01-31T18:00:00Z" },
		{ "day-first", "31-Jan-2024 6:00:00.5 PM", "2024-01-31T18:00:00.500000Z" },
		{ "day-first", "31 January 2024 18.00.00 +01:00", "2024-01-31T17:00:00Z" },
		{ "day-first", "10/03/2004 18.00.00", "2004-03-10T18:00:00Z" },
		{ "month-first", "1/31/2024T08:00Z", "2024-01-31T08:00:00Z" },
		{ "month-first", "Jan-1-1995", "1995-01-01T00:00:00Z" },
		{ "month-first", "1/31/24 8:00AM UTC", "2024-01-31T08:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_time_format *format = new_format(cases[i].pattern);
		char text[MLOPS_TIME_TEXT];
		int64_t value;

		if (!mlops_time_format_parse(format, cases[i].text, strlen(cases[i].text), NULL, &value))
			fail_msg("'%s' is not read by '%s'", cases[i].text, cases[i].pattern);
		mlops_time_print(text, value);
		assert_string_equal(text, cases[i].iso);
		mlops_time_format_free(format);
	}
}

static void not_times(void **state)
{
	static const struct {
		const char *pattern, *text;
	} cases[] = {
		{ "%Y%m%d", "" },
		{ "%Y%m%d", "195803291" },
		{ "%Y%m%d", "19581329" },
		{ "%Y%m%d", "19580230" },
		{ "%d/%m/%Y", "31/04/2024" },
		{ "%d/%m/%Y", "3/4/24" },
		{ "%d/%m/%Y", "3-4-2024" },
		{ "%d/%m/%Y", "3/4/2024 " },
		{ "%b %Y", "Foo 2024" },
		{ "%I %p %Y", "13 PM 2024" },
		{ "%I %p %Y", "0 AM 2024" },
		{ "%Y-%j", "2023-366" },
		{ "%Y-%j", "2023-0" },
		{ "%H:%M %Y", "24:01 2024" },
		{ "%H:%M %Y", "x:01 2024" },
		{ "%s", "99999999999" },
		{ "%s", "9214646400" },
		{ "%s", "" },
		{ "%s", "1." },
		{ "%Y %z", "2024 +1" },
		{ "%Y", "1677" },
		{ "%A %Y", "Noday 2024" },
		{ "%y", "9" },
		{ "100%% %Y", "100 2024" },
		{ "%FT%T.%f", "2024-01-31T18:00:00." },
		{ "day-first", "1/31/2024" },
		{ "day-first", "31/1-2024" },
		{ "day-first", "31/1/2024 18" },
		{ "day-first", "31/1/2024 18:00 XM" },
		{ "day-first", "31/1/024" },
		{ "day-first", "31" },
		{ "day-first", "31/1/2024 13:00 PM" },
		{ "month-first", "31/1/2024" },
		{ "day-first", "2024-01-31" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_time_format *format = new_format(cases[i].pattern);
		int64_t value = 7;

		if (mlops_time_format_parse(format, cases[i].text, strlen(cases[i].text), NULL, &value))
			fail_msg("'%s' is read by '%s'", cases[i].text, cases[i].pattern);
		assert_int_equal(value, 7);
		mlops_time_format_free(format);
	}
}

static void bad_patterns(void **state)
{
	static const struct {
		const char *pattern, *message;
	} cases[] = {
		{ "%Q", "'%Q' is no pattern of a time: '%Q' is none of "
			"%Y %y %m %b %d %j %H %I %p %M %S %f %z %s %F %T %R %a %%" },
		{ "%Y%", "'%Y%' is no pattern of a time: '%' is none of "
			 "%Y %y %m %b %d %j %H %I %p %M %S %f %z %s %F %T %R %a %%" },
		{ "%d.%m.", "'%d.%m.' is no pattern of a time: it has no year" },
		{ "dayfirst",
		  "'dayfirst' is no pattern of a time: it has no year; patterns are as '%d/%m/%Y %H:%M' is, "
		  "or day-first" },
		{ "%F %d", "'%F %d' is no pattern of a time: '%d' says again what is said" },
		{ "%Y %I:%M", "'%Y %I:%M' is no pattern of a time: %I and %p need each other" },
		{ "%Y %p", "'%Y %p' is no pattern of a time: %I and %p need each other" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		assert_null(mlops_time_format_new(cases[i].pattern, &error));
		assert_int_equal(error.code, MLOPS_USAGE);
		assert_string_equal(error.message, cases[i].message);
	}
}

static void clocks_hang_in_a_zone(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_timezone *zone = mlops_timezone_open("/nowhere", "+02:00", &error);
	struct mlops_time_format *format = new_format("%d.%m.%Y %H:%M");
	int64_t value = 7;

	(void)state;
	assert_true(mlops_time_format_parse(format, "01.01.1970 02:00", 16, zone, &value));
	assert_int_equal(value, 0);
	mlops_time_format_free(format);
	mlops_timezone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(not_times),
		cmocka_unit_test(bad_patterns),
		cmocka_unit_test(clocks_hang_in_a_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
