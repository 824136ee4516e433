#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/time.h"
#include "base/timezone.h"
#include "base/timezone_rule.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)

static bool no_zones(void)
{
	return access(MLOPS_ZONEINFO "/Europe/Berlin", R_OK) != 0;
}

static struct mlops_timezone *open_zone(const char *name)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_timezone *zone = mlops_timezone_open(MLOPS_ZONEINFO, name, &error);

	if (zone == NULL)
		fail_msg("%s: %s", name, error.message);
	return zone;
}

static int64_t parse(const char *text, const struct mlops_timezone *zone)
{
	int64_t value = 7;

	if (!mlops_time_parse(text, strlen(text), zone, &value))
		fail_msg("'%s' was not taken for a time", text);
	return value / SECOND;
}

/* Zones that put their clocks back and forth in every way there is. */
static void the_c_library_says_the_same(void **state)
{
	static const char *const names[] = {
		"Europe/Berlin",     "America/New_York", "Europe/Dublin",     "Australia/Lord_Howe",
		"Australia/Sydney",  "America/St_Johns", "Africa/Casablanca", "Asia/Kathmandu",
		"Pacific/Apia",	     "Antarctica/Troll", "Asia/Gaza",	      "America/Nuuk",
		"America/Sao_Paulo", "Etc/GMT+5",
	};

	(void)state;
	if (no_zones())
		skip();
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct mlops_timezone *zone = open_zone(names[i]);

		setenv("TZ", names[i], 1);
		tzset();
		for (time_t utc = -500000000; utc < (time_t)9200000000; utc += 39119) {
			struct tm civil;
			int64_t local, back;

			localtime_r(&utc, &civil);
			if (mlops_timezone_offset(zone, utc) != civil.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", names[i], (long long)utc,
					 mlops_timezone_offset(zone, utc), civil.tm_gmtoff);
			/* The first moment at which clocks showed this. */
			local = utc + civil.tm_gmtoff;
			back = mlops_timezone_to_utc(zone, local);
			assert_true(back <= utc);
			assert_int_equal(back + mlops_timezone_offset(zone, back), local);
		}
		mlops_timezone_free(zone);
	}
	unsetenv("TZ");
	tzset();
}

static void hours_that_are_there_twice_or_not_at_all(void **state)
{
	struct mlops_timezone *berlin;

	(void)state;
	if (no_zones())
		skip();
	berlin = open_zone("Europe/Berlin");
	assert_int_equal(parse("2024-01-31 18:00", berlin), 1706720400);
	assert_int_equal(parse("2024-07-31 18:00", berlin), 1722441600);
	assert_int_equal(parse("2024-07-31 18:00Z", berlin), 1722448800);
	/* Clocks go forward from 02:00 to 03:00: 02:30 is 01:30 UTC, as if they had not. */
	assert_int_equal(parse("2024-03-31 01:59:59", berlin), 1711846799);
	assert_int_equal(parse("2024-03-31 02:30", berlin), 1711848600);
	assert_int_equal(parse("2024-03-31 03:00", berlin), 1711846800);
	/* Clocks go back from 03:00 to 02:00: the first 02:30 is 00:30 UTC. */
	assert_int_equal(parse("2024-10-27 02:30", berlin), 1729989000);
	assert_int_equal(parse("2024-10-27 03:00", berlin), 1729994400);
	/* By the rule at the file's end. */
	assert_int_equal(parse("2199-07-01 12:00", berlin), parse("2199-07-01 10:00", NULL));
	assert_int_equal(parse("2199-12-01 12:00", berlin), parse("2199-12-01 11:00", NULL));
	assert_int_equal(parse("1700000000", berlin), 1700000000);
	mlops_timezone_free(berlin);
}

static void fixed_offsets(void **state)
{
	static const struct {
		const char *name;
		int32_t offset;
	} cases[] = { { "UTC", 0 }, { "Z", 0 }, { "+01:00", 3600 }, { "-0330", -12600 }, { "+05", 18000 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_timezone *zone = open_zone(cases[i].name);

		assert_int_equal(mlops_timezone_offset(zone, 0), cases[i].offset);
		assert_int_equal(mlops_timezone_to_utc(zone, 1700000000), 1700000000 - cases[i].offset);
		mlops_timezone_free(zone);
	}
}

static void unknown_names(void **state)
{
	static const struct {
		const char *name, *message;
	} cases[] = {
		{ "Europe/Berln", "no time zone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?" },
		{ "europe/berlin", "no time zone \"europe/berlin\"; did you mean \"Europe/Berlin\"?" },
		{ "kathmandu", "no time zone \"kathmandu\"; did you mean \"Asia/Kathmandu\"?" },
		{ "", "no time zone \"\"; zones are called as Europe/Berlin is, or +01:00" },
		{ "+25:00", "no time zone \"+25:00\"; zones are called as Europe/Berlin is, or +01:00" },
		{ "../../../etc/passwd",
		  "no time zone \"../../../etc/passwd\"; zones are called as Europe/Berlin is, or +01:00" },
		{ "Europe", NULL },
	};

	(void)state;
	if (no_zones())
		skip();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		assert_null(mlops_timezone_open(MLOPS_ZONEINFO, cases[i].name, &error));
		assert_int_equal(error.code, MLOPS_USAGE);
		if (cases[i].message != NULL)
			assert_string_equal(error.message, cases[i].message);
	}
}

static void no_database(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_null(mlops_timezone_open("/nowhere", "Europe/Berlin", &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message,
			    "time zone \"Europe/Berlin\": there is no time zone database in /nowhere");
}

/* A version 2 file: an empty first block, then these bytes. */
struct file {
	char bytes[512];
	size_t length;
};

static void put(struct file *file, const void *bytes, size_t length)
{
	memcpy(file->bytes + file->length, bytes, length);
	file->length += length;
}

static void put_u32(struct file *file, uint32_t value)
{
	const unsigned char bytes[] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16),
					(unsigned char)(value >> 8), (unsigned char)value };

	put(file, bytes, 4);
}

static void put_header(struct file *file, uint32_t n_leap, uint32_t n_times, uint32_t n_types)
{
	put(file, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	put_u32(file, 0);
	put_u32(file, 0);
	put_u32(file, n_leap);
	put_u32(file, n_times);
	put_u32(file, n_types);
	put_u32(file, 4);
}

static void put_type(struct file *file, uint32_t offset)
{
	put_u32(file, offset);
	put(file, "\0\0", 2);
}

/* Offset 0 until 1000 s, then 3600. */
static struct file sample(uint32_t second_time, uint8_t second_type, uint32_t offset, const char *rule)
{
	struct file file = { .length = 0 };

	put_header(&file, 0, 0, 1);
	put_type(&file, 0);
	put(&file, "UTC", 4);
	put_header(&file, 0, 2, 2);
	put_u32(&file, 0);
	put_u32(&file, 1000);
	put_u32(&file, 0);
	put_u32(&file, second_time);
	put(&file, "\1", 1);
	put(&file, &second_type, 1);
	put_type(&file, 0);
	put_type(&file, offset);
	put(&file, "UTC", 4);
	put(&file, rule, strlen(rule));
	return file;
}

static void expect_bad(const struct file *file, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	assert_null(mlops_timezone_parse(file->bytes, file->length, "X", &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message, message);
}

static void files_by_hand(void **state)
{
	struct file file = sample(2000, 0, 3600, "\n<+00>0\n");
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_timezone *zone = mlops_timezone_parse(file.bytes, file.length, "X", &error);
	struct file leap = { .length = 0 };

	(void)state;
	assert_non_null(zone);
	assert_int_equal(mlops_timezone_offset(zone, 999), 0);
	assert_int_equal(mlops_timezone_offset(zone, 1000), 3600);
	assert_int_equal(mlops_timezone_offset(zone, 1999), 3600);
	assert_int_equal(mlops_timezone_offset(zone, 2000), 0);
	mlops_timezone_free(zone);
	for (size_t length = 0; length < file.length; length++) {
		struct mlops_error cut = MLOPS_ERROR_INIT;
		char *exact = malloc(length + 1);

		memcpy(exact, file.bytes, length);
		assert_null(mlops_timezone_parse(exact, length, "X", &cut));
		assert_int_equal(cut.code, MLOPS_CONFIG);
		free(exact);
	}
	file = sample(500, 0, 3600, "\n\n");
	expect_bad(&file, "time zone \"X\": its file has transitions out of order");
	file = sample(2000, 2, 3600, "\n\n");
	expect_bad(&file, "time zone \"X\": its file has transitions out of order");
	file = sample(2000, 0, 0x80000000u, "\n\n");
	expect_bad(&file, "time zone \"X\": its file has a type of local time that cannot be");
	file = sample(2000, 0, 3600, "\nNONSENSE\n");
	expect_bad(&file, "time zone \"X\": its file has a rule at its end that can't be read");
	file = sample(2000, 0, 3600, "no line");
	expect_bad(&file, "time zone \"X\": its file has no rule at its end");
	file.bytes[0] = 'P';
	expect_bad(&file, "time zone \"X\": its file is no TZif file");
	put_header(&leap, 0, 0, 0);
	put(&leap, "UTC", 4);
	expect_bad(&leap, "time zone \"X\": its file has counts that contradict each other");
	leap.length = 0;
	put_header(&leap, 1, 0, 1);
	put_type(&leap, 0);
	put(&leap, "UTC\0\0\0\0\0\0\0\0\0", 12);
	leap.bytes[4] = '1';
	expect_bad(&leap, "time zone \"X\": its file counts leap seconds; take the file that does not");
}

static void rules(void **state)
{
	static const char *const bad[] = {
		"",
		"C-1",
		"CET",
		"CET-25",
		"CET-1CEST",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,J0,J365",
		"CET-1CEST,0,366",
		"CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0x",
		"<CET-1",
		"<CE>-1",
		"CET-1:60",
		"CET-1CEST;M3.5.0,M10.5.0",
		"CET-1 ",
	};
	struct mlops_timezone_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (mlops_timezone_rule_parse(bad[i], strlen(bad[i]), &rule))
			fail_msg("'%s' was taken for a rule", bad[i]);
	assert_true(mlops_timezone_rule_parse("<-03>3", 6, &rule));
	assert_int_equal(rule.standard, -10800);
	assert_false(rule.has_summer);
	assert_true(mlops_timezone_rule_parse("CET-1CEST,M3.5.0,M10.5.0/3", 26, &rule));
	assert_int_equal(mlops_timezone_rule_begin(&rule, 2024), 1711846800);
	assert_int_equal(mlops_timezone_rule_end(&rule, 2024), 1729990800);
	/* Day 60 without the leap day is 1 March in every year; day 59 from 0 is 29 February in a leap year. */
	assert_true(mlops_timezone_rule_parse("AAA0BBB,J60/0,59/1:30", 21, &rule));
	assert_int_equal(mlops_timezone_rule_begin(&rule, 2024), 1709251200);
	assert_int_equal(mlops_timezone_rule_begin(&rule, 2023), 1677628800);
	assert_int_equal(mlops_timezone_rule_end(&rule, 2024), 1709164800 + 5400 - 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_c_library_says_the_same),
		cmocka_unit_test(hours_that_are_there_twice_or_not_at_all),
		cmocka_unit_test(fixed_offsets),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(no_database),
		cmocka_unit_test(files_by_hand),
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
