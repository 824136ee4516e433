#include "base/timezone_rule.h"

#include "base/time_parts.h"

/* Three letters or more; or between < and > digits and signs as well. */
static bool take_name(struct mlops_time_cursor *cursor)
{
	bool quoted = mlops_time_take(cursor, '<');
	size_t length = 0;

	for (; cursor->at < cursor->end; cursor->at++, length++) {
		char c = *cursor->at;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-')))
			break;
	}
	return length >= 3 && (!quoted || mlops_time_take(cursor, '>'));
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_seconds(struct mlops_time_cursor *cursor, int most_hours, int32_t *seconds)
{
	char sign = mlops_time_take_any(cursor, "+-");
	int hours = mlops_time_take_number(cursor, 1, 3);
	int minutes = 0, rest = 0;

	if (mlops_time_take(cursor, ':')) {
		minutes = mlops_time_take_number(cursor, 1, 2);
		if (mlops_time_take(cursor, ':'))
			rest = mlops_time_take_number(cursor, 1, 2);
	}
	if (hours < 0 || hours > most_hours || minutes < 0 || minutes > 59 || rest < 0 || rest > 59)
		return false;
	*seconds = (hours * 3600 + minutes * 60 + rest) * (sign == '-' ? -1 : 1);
	return true;
}

static bool take_day(struct mlops_time_cursor *cursor, struct mlops_timezone_day *day)
{
	*day = (struct mlops_timezone_day){ .kind = 'n', .seconds = 2 * 3600 };
	if (!mlops_time_take(cursor, ','))
		return false;
	if (mlops_time_take(cursor, 'M')) {
		day->kind = 'M';
		day->month = mlops_time_take_number(cursor, 1, 2);
		if (!mlops_time_take(cursor, '.'))
			return false;
		day->week = mlops_time_take_number(cursor, 1, 1);
		if (!mlops_time_take(cursor, '.'))
			return false;
		day->day = mlops_time_take_number(cursor, 1, 1);
		if (day->month < 1 || day->month > 12 || day->week < 1 || day->week > 5 || day->day < 0 ||
		    day->day > 6)
			return false;
	} else {
		if (mlops_time_take(cursor, 'J'))
			day->kind = 'J';
		day->day = mlops_time_take_number(cursor, 1, 3);
		if (day->day < (day->kind == 'J') || day->day > 365)
			return false;
	}
	return !mlops_time_take(cursor, '/') || take_seconds(cursor, 167, &day->seconds);
}

bool mlops_timezone_rule_parse(const char *text, size_t length, struct mlops_timezone_rule *rule)
{
	struct mlops_time_cursor cursor = { text, text + length };

	*rule = (struct mlops_timezone_rule){ 0 };
	if (!take_name(&cursor) || !take_seconds(&cursor, 24, &rule->standard))
		return false;
	/* POSIX counts west of Greenwich. */
	rule->standard = -rule->standard;
	if (cursor.at == cursor.end)
		return true;
	rule->has_summer = true;
	rule->summer = rule->standard + 3600;
	if (!take_name(&cursor))
		return false;
	if (cursor.at < cursor.end && *cursor.at != ',') {
		if (!take_seconds(&cursor, 24, &rule->summer))
			return false;
		rule->summer = -rule->summer;
	}
	return take_day(&cursor, &rule->begin) && take_day(&cursor, &rule->end) && cursor.at == cursor.end;
}

/* Seconds from 1970 to the moment on a clock that knows no zone. */
static int64_t in_year(const struct mlops_timezone_day *rule, int year)
{
	int64_t first = mlops_time_days_from_date(year, 1, 1);
	bool leap = mlops_time_days_from_date(year + 1, 1, 1) - first == 366;
	int64_t day = first + rule->day;

	if (rule->kind == 'J') {
		day = first + rule->day - 1 + (leap && rule->day >= 60);
	} else if (rule->kind == 'M') {
		int64_t next = rule->month == 12 ? mlops_time_days_from_date(year + 1, 1, 1)
						 : mlops_time_days_from_date(year, rule->month + 1, 1);

		first = mlops_time_days_from_date(year, rule->month, 1);
		/* 1970-01-01 was a Thursday. */
		day = first + (rule->day - (first + 4) % 7 + 14) % 7 + 7 * (rule->week - 1);
		if (day >= next)
			day -= 7;
	}
	return day * 86400 + rule->seconds;
}

int64_t mlops_timezone_rule_begin(const struct mlops_timezone_rule *rule, int year)
{
	return in_year(&rule->begin, year) - rule->standard;
}

int64_t mlops_timezone_rule_end(const struct mlops_timezone_rule *rule, int year)
{
	return in_year(&rule->end, year) - rule->summer;
}
