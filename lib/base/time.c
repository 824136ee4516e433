#include "base/time.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define FIRST_YEAR 1678
#define LAST_YEAR 2261

/* A plain number of at least this size is milliseconds. */
#define FIRST_MILLISECONDS UINT64_C(100000000000)

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar; the year starts in March here,
 * so that the leap day is its last one (Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_from_date(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int64_t date_from_days(int64_t days, int *month, int *day)
{
	int64_t era, day_of_era, year_of_era, day_of_year, shifted;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	shifted = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	return year_of_era + era * 400 + (*month <= 2);
}

static int days_in_month(int year, int month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

struct cursor {
	const char *at;
	const char *end;
};

/* Exactly count digits, or -1. */
static int take_number(struct cursor *cursor, int count)
{
	int value = 0;

	if (cursor->end - cursor->at < count)
		return -1;
	for (; count > 0; count--) {
		unsigned digit = (unsigned)(unsigned char)*cursor->at++ - '0';

		if (digit > 9)
			return -1;
		value = value * 10 + (int)digit;
	}
	return value;
}

static bool take(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* Digits behind a decimal mark as a count of the given unit; digits that are too small for it are cut off. */
static bool take_fraction(struct cursor *cursor, int64_t unit, int64_t *value)
{
	const char *start = cursor->at;

	*value = 0;
	for (; cursor->at < cursor->end; cursor->at++) {
		unsigned digit = (unsigned)(unsigned char)*cursor->at - '0';

		if (digit > 9)
			break;
		unit /= 10;
		*value += unit * digit;
	}
	return cursor->at > start;
}

static bool take_date(struct cursor *cursor, int64_t *days)
{
	int year, month, day;

	year = take_number(cursor, 4);
	if (year < FIRST_YEAR || year > LAST_YEAR || !take(cursor, '-'))
		return false;
	month = take_number(cursor, 2);
	if (month < 1 || month > 12 || !take(cursor, '-'))
		return false;
	day = take_number(cursor, 2);
	if (day < 1 || day > days_in_month(year, month))
		return false;
	*days = days_from_date(year, month, day);
	return true;
}

/* HH:MM, HH:MM:SS or HH:MM:SS.fraction.  24:00 is the end of the day (ISO 8601); the 60th second of a
 * leap second falls on the next minute's first, as POSIX has it. */
static bool take_clock(struct cursor *cursor, int64_t *microseconds)
{
	int hour, minute, second = 0;
	int64_t fraction = 0;

	hour = take_number(cursor, 2);
	if (hour < 0 || hour > 24 || !take(cursor, ':'))
		return false;
	minute = take_number(cursor, 2);
	if (minute < 0 || minute > 59)
		return false;
	if (take(cursor, ':')) {
		second = take_number(cursor, 2);
		if (second < 0 || second > 60)
			return false;
		if ((take(cursor, '.') || take(cursor, ',')) && !take_fraction(cursor, SECOND, &fraction))
			return false;
	}
	if (hour == 24 && (minute > 0 || second > 0 || fraction > 0))
		return false;
	*microseconds = hour * HOUR + minute * MINUTE + second * SECOND + fraction;
	return true;
}

/* Nothing, Z, +HH, +HHMM or +HH:MM. */
static bool take_zone(struct cursor *cursor, int32_t *offset_seconds)
{
	int hours, minutes = 0;
	bool negative;

	if (cursor->at == cursor->end)
		return true;
	if (take(cursor, 'Z') || take(cursor, 'z')) {
		*offset_seconds = 0;
		return true;
	}
	negative = take(cursor, '-');
	if (!negative && !take(cursor, '+'))
		return false;
	hours = take_number(cursor, 2);
	if (hours < 0 || hours > 23)
		return false;
	if (take(cursor, ':') || cursor->at < cursor->end) {
		minutes = take_number(cursor, 2);
		if (minutes < 0 || minutes > 59)
			return false;
	}
	*offset_seconds = (hours * 60 + minutes) * (negative ? -60 : 60);
	return true;
}

static bool parse_date(struct cursor cursor, int32_t offset_seconds, int64_t *microseconds)
{
	int64_t days, clock = 0;

	if (!take_date(&cursor, &days))
		return false;
	if (cursor.at < cursor.end) {
		if (!take(&cursor, 'T') && !take(&cursor, ' ') && !take(&cursor, 't'))
			return false;
		if (!take_clock(&cursor, &clock) || !take_zone(&cursor, &offset_seconds))
			return false;
	}
	if (cursor.at != cursor.end)
		return false;
	*microseconds = days * DAY + clock - offset_seconds * SECOND;
	return true;
}

static bool parse_epoch(struct cursor cursor, int64_t *microseconds)
{
	bool negative = take(&cursor, '-');
	const char *start;
	uint64_t whole = 0;
	int64_t unit, fraction = 0, value;

	if (!negative)
		take(&cursor, '+');
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
	if (take(&cursor, '.') && cursor.at < cursor.end && !take_fraction(&cursor, unit, &fraction))
		return false;
	if (cursor.at != cursor.end)
		return false;
	value = (int64_t)whole * unit + fraction;
	value = negative ? -value : value;
	if (value < days_from_date(FIRST_YEAR, 1, 1) * DAY ||
	    value >= days_from_date(LAST_YEAR + 1, 1, 1) * DAY)
		return false;
	*microseconds = value;
	return true;
}

bool mlops_time_parse(const char *text, size_t length, int32_t offset_seconds, int64_t *microseconds)
{
	struct cursor cursor = { text, text + length };

	if (length >= 10 && text[4] == '-')
		return parse_date(cursor, offset_seconds, microseconds);
	return parse_epoch(cursor, microseconds);
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
	year = date_from_days(days, &month, &day);
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
