#include "base/time.h"

#include "base/time_parts.h"

#include <stdio.h>
#include <string.h>

#define SECOND MLOPS_SECOND
#define MINUTE MLOPS_MINUTE
#define HOUR   MLOPS_HOUR
#define DAY    MLOPS_DAY

/* A plain number of at least this size is milliseconds. */
#define FIRST_MILLISECONDS UINT64_C(100000000000)

/* What a date is followed by: a time of day and a zone, both maybe; T alone or a space between. */
static bool take_rest(struct mlops_time_cursor *cursor, int64_t days, const struct mlops_timezone *zone,
		      int64_t *microseconds)
{
	int64_t clock = 0;
	int32_t offset = 0;
	bool has_zone = false;

	if (cursor->at < cursor->end &&
	    (mlops_time_take_any(cursor, "Tt ") == '\0' || !mlops_time_take_clock(cursor, &clock) ||
	     !mlops_time_take_zone(cursor, &has_zone, &offset)))
		return false;
	clock += days * DAY;
	*microseconds = has_zone ? clock - offset * SECOND : mlops_time_in_zone(clock, zone);
	return true;
}

/* YYYY-MM-DD, with slashes or points also, and YYYY-MM. */
static bool parse_date(struct mlops_time_cursor cursor, const struct mlops_timezone *zone,
		       int64_t *microseconds)
{
	int year = mlops_time_take_number(&cursor, 4, 4);
	char mark = mlops_time_take_any(&cursor, "-/.");
	int month = mlops_time_take_number(&cursor, 2, 2);
	int day = 1;
	int64_t days;

	if (cursor.at == cursor.end && mark != '-')
		return false;
	if (cursor.at < cursor.end) {
		if (!mlops_time_take(&cursor, mark))
			return false;
		day = mlops_time_take_number(&cursor, 2, 2);
	}
	return mlops_time_check_date(year, month, day, &days) && take_rest(&cursor, days, zone, microseconds);
}

/* YYYYMMDDTHHMM or YYYYMMDDTHHMMSS, ISO 8601's basic form. */
static bool parse_basic(struct mlops_time_cursor cursor, const struct mlops_timezone *zone,
			int64_t *microseconds)
{
	int year = mlops_time_take_number(&cursor, 4, 4);
	int month = mlops_time_take_number(&cursor, 2, 2);
	int day = mlops_time_take_number(&cursor, 2, 2);
	int64_t days, clock, fraction = 0;
	int hour, minute, second = 0;
	int32_t offset = 0;
	bool has_zone;

	if (!mlops_time_check_date(year, month, day, &days) || mlops_time_take_any(&cursor, "Tt") == '\0')
		return false;
	hour = mlops_time_take_number(&cursor, 2, 2);
	minute = mlops_time_take_number(&cursor, 2, 2);
	if (cursor.at < cursor.end && *cursor.at >= '0' && *cursor.at <= '9') {
		second = mlops_time_take_number(&cursor, 2, 2);
		if (mlops_time_take_any(&cursor, ".,") != '\0' &&
		    !mlops_time_take_fraction(&cursor, SECOND, &fraction))
			return false;
	}
	if (!mlops_time_check_clock(hour, minute, second, fraction, &clock) ||
	    !mlops_time_take_zone(&cursor, &has_zone, &offset))
		return false;
	clock += days * DAY;
	*microseconds = has_zone ? clock - offset * SECOND : mlops_time_in_zone(clock, zone);
	return true;
}

static bool parse_epoch(struct mlops_time_cursor cursor, int64_t *microseconds)
{
	bool negative = mlops_time_take(&cursor, '-');
	const char *start;
	uint64_t whole = 0;
	int64_t unit, fraction = 0, value;

	if (!negative)
		mlops_time_take(&cursor, '+');
	start = cursor.at;
	for (; cursor.at < cursor.end; cursor.at++) {
		unsigned digit = (unsigned)(unsigned char)*cursor.at - '0';

		if (digit > 9)
			break;
		whole = whole * 10 + digit;
		if (whole > UINT64_C(100) * FIRST_MILLISECONDS)
			return false;
	}
	if (cursor.at == start)
		return false;
	unit = whole < FIRST_MILLISECONDS ? SECOND : SECOND / 1000;
	if (mlops_time_take(&cursor, '.') && cursor.at < cursor.end &&
	    !mlops_time_take_fraction(&cursor, unit, &fraction))
		return false;
	if (cursor.at != cursor.end)
		return false;
	value = (int64_t)whole * unit + fraction;
	value = negative ? -value : value;
	if (value < mlops_time_days_from_date(MLOPS_FIRST_YEAR, 1, 1) * DAY ||
	    value >= mlops_time_days_from_date(MLOPS_LAST_YEAR + 1, 1, 1) * DAY)
		return false;
	*microseconds = value;
	return true;
}

bool mlops_time_parse(const char *text, size_t length, const struct mlops_timezone *zone,
		      int64_t *microseconds)
{
	struct mlops_time_cursor cursor = { text, text + length };

	if (length >= 7 &&
	    (text[4] == '-' || text[4] == '/' || (text[4] == '.' && length >= 8 && text[7] == '.')))
		return parse_date(cursor, zone, microseconds);
	if (length >= 13 && (text[8] == 'T' || text[8] == 't'))
		return parse_basic(cursor, zone, microseconds);
	return parse_epoch(cursor, microseconds);
}

bool mlops_time_from_calendar(const int numbers[6], const struct mlops_timezone *zone, int64_t *microseconds)
{
	int64_t days, clock;

	if (!mlops_time_check_date(numbers[0], numbers[1], numbers[2], &days) ||
	    !mlops_time_check_clock(numbers[3], numbers[4], numbers[5], 0, &clock))
		return false;
	*microseconds = mlops_time_in_zone(days * DAY + clock, zone);
	return true;
}

static char *put_number(char *at, int value, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + count;
}

size_t mlops_time_print(char *buffer, int64_t microseconds)
{
	int64_t days, rest, year;
	int month, day, seconds, fraction;
	char *at = buffer;

	if (microseconds == MLOPS_TIME_MISSING) {
		*buffer = '\0';
		return 0;
	}
	days = microseconds / DAY;
	rest = microseconds % DAY;
	if (rest < 0) {
		rest += DAY;
		days--;
	}
	year = mlops_time_date_from_days(days, &month, &day);
	seconds = (int)(rest / SECOND);
	fraction = (int)(rest % SECOND);
	if (year >= 0 && year <= 9999)
		at = put_number(at, (int)year, 4);
	else
		at += snprintf(at, 8, "%d", (int)year);
	*at++ = '-';
	at = put_number(at, month, 2);
	*at++ = '-';
	at = put_number(at, day, 2);
	*at++ = 'T';
	at = put_number(at, seconds / 3600, 2);
	*at++ = ':';
	at = put_number(at, seconds / 60 % 60, 2);
	*at++ = ':';
	at = put_number(at, seconds % 60, 2);
	if (fraction > 0) {
		*at++ = '.';
		at = put_number(at, fraction, 6);
	}
	*at++ = 'Z';
	*at = '\0';
	return (size_t)(at - buffer);
}

static const struct {
	const char *name;
	int64_t unit;
} units[] = {
	{ "", SECOND }, { "us", 1 }, { "ms", SECOND / 1000 }, { "s", SECOND }, { "m", MINUTE }, { "min", MINUTE },
	{ "h", HOUR }, { "d", DAY }, { "w", 7 * DAY },
};

bool mlops_time_parse_duration(const char *text, int64_t *microseconds)
{
	const char *at = text;
	int64_t count = 0, value;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(count, 10, &count) ||
		    __builtin_add_overflow(count, *at - '0', &count))
			return false;
	}
	if (at == text || count == 0)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(at, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(count, units[i].unit, &value))
			return false;
		*microseconds = value;
		return true;
	}
	return false;
}

size_t mlops_time_print_duration(char *buffer, int64_t microseconds)
{
	size_t best = 1;

	for (size_t i = 1; i < sizeof units / sizeof units[0]; i++)
		if (microseconds > 0 && microseconds % units[i].unit == 0)
			best = i;
	return (size_t)snprintf(buffer, MLOPS_TIME_TEXT, "%lld%s", (long long)(microseconds / units[best].unit),
				microseconds > 0 ? units[best].name : "s");
}
