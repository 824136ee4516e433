#include "base/time_parts.h"

#include "base/text.h"

#include <string.h>

/* The year starts in March here, so that the leap day is its last one (Hinnant, "chrono-compatible low-level
 * date algorithms"). */
int64_t mlops_time_days_from_date(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int64_t mlops_time_date_from_days(int64_t days, int *month, int *day)
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

bool mlops_time_check_date(int year, int month, int day, int64_t *days)
{
	if (year < MLOPS_FIRST_YEAR || year > MLOPS_LAST_YEAR || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month))
		return false;
	*days = mlops_time_days_from_date(year, month, day);
	return true;
}

bool mlops_time_take(struct mlops_time_cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

char mlops_time_take_any(struct mlops_time_cursor *cursor, const char *set)
{
	for (; *set != '\0'; set++)
		if (mlops_time_take(cursor, *set))
			return *set;
	return '\0';
}

bool mlops_time_take_spaces(struct mlops_time_cursor *cursor)
{
	const char *start = cursor->at;

	while (mlops_time_take_any(cursor, " \t") != '\0')
		;
	return cursor->at > start;
}

int mlops_time_take_number(struct mlops_time_cursor *cursor, int least, int most)
{
	int value = 0, count = 0;

	for (; count < most && cursor->at < cursor->end; count++, cursor->at++) {
		unsigned digit = (unsigned)(unsigned char)*cursor->at - '0';

		if (digit > 9)
			break;
		value = value * 10 + (int)digit;
	}
	return count < least ? -1 : value;
}

bool mlops_time_take_fraction(struct mlops_time_cursor *cursor, int64_t unit, int64_t *value)
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

/* The whole name if it is there, else its first three letters. */
static int take_name(struct mlops_time_cursor *cursor, const char *const *names, int n)
{
	size_t left = (size_t)(cursor->end - cursor->at);

	for (int i = 0; i < n; i++) {
		size_t length = strlen(names[i]);

		if (left < 3 || !mlops_text_equal_ignore_case(cursor->at, 3, names[i], 3))
			continue;
		cursor->at += left >= length && mlops_text_equal_ignore_case(cursor->at, length, names[i],
									     length)
				      ? length
				      : 3;
		return i + 1;
	}
	return 0;
}

int mlops_time_take_month(struct mlops_time_cursor *cursor)
{
	static const char *const names[] = { "January",	  "February", "March",	  "April",
					     "May",	  "June",     "July",	  "August",
					     "September", "October",  "November", "December" };

	return take_name(cursor, names, 12);
}

int mlops_time_take_weekday(struct mlops_time_cursor *cursor)
{
	static const char *const names[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
					     "Friday", "Saturday", "Sunday" };

	return take_name(cursor, names, 7);
}

bool mlops_time_check_clock(int hour, int minute, int second, int64_t fraction, int64_t *microseconds)
{
	if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
	    (hour == 24 && (minute > 0 || second > 0 || fraction > 0)))
		return false;
	*microseconds = hour * MLOPS_HOUR + minute * MLOPS_MINUTE + second * MLOPS_SECOND + fraction;
	return true;
}

bool mlops_time_take_clock(struct mlops_time_cursor *cursor, int64_t *microseconds)
{
	int hour = mlops_time_take_number(cursor, 2, 2);
	int minute = 0, second = 0;
	int64_t fraction = 0;
	char mark = mlops_time_take_any(cursor, ":.");

	if (mark != '\0') {
		minute = mlops_time_take_number(cursor, 2, 2);
		if (mlops_time_take(cursor, mark)) {
			second = mlops_time_take_number(cursor, 2, 2);
			if (mlops_time_take_any(cursor, ".,") != '\0' &&
			    !mlops_time_take_fraction(cursor, MLOPS_SECOND, &fraction))
				return false;
		}
	}
	return mlops_time_check_clock(hour, minute, second, fraction, microseconds);
}

bool mlops_time_take_offset(struct mlops_time_cursor *cursor, int32_t *offset_seconds)
{
	int hours, minutes = 0;
	char sign;

	*offset_seconds = 0;
	if (mlops_time_take_any(cursor, "Zz") != '\0')
		return true;
	sign = mlops_time_take_any(cursor, "+-");
	if (sign == '\0')
		return false;
	hours = mlops_time_take_number(cursor, 2, 2);
	if (hours < 0 || hours > 23)
		return false;
	if (mlops_time_take(cursor, ':') ||
	    (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')) {
		minutes = mlops_time_take_number(cursor, 2, 2);
		if (minutes < 0 || minutes > 59)
			return false;
	}
	*offset_seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return true;
}

bool mlops_time_take_zone(struct mlops_time_cursor *cursor, bool *has_zone, int32_t *offset_seconds)
{
	size_t left;

	*has_zone = false;
	if (cursor->at == cursor->end)
		return true;
	*has_zone = true;
	mlops_time_take_spaces(cursor);
	left = (size_t)(cursor->end - cursor->at);
	if (left == 3 && (memcmp(cursor->at, "UTC", 3) == 0 || memcmp(cursor->at, "GMT", 3) == 0)) {
		cursor->at += 3;
		*offset_seconds = 0;
		return true;
	}
	return mlops_time_take_offset(cursor, offset_seconds) && cursor->at == cursor->end;
}

int64_t mlops_time_in_zone(int64_t local, const struct mlops_timezone *zone)
{
	int64_t seconds = local / MLOPS_SECOND;
	int64_t rest = local % MLOPS_SECOND;

	if (zone == NULL)
		return local;
	if (rest < 0) {
		rest += MLOPS_SECOND;
		seconds--;
	}
	return mlops_timezone_to_utc(zone, seconds) * MLOPS_SECOND + rest;
}
