#include "base/time_format.h"

#include "base/text.h"
#include "base/time_parts.h"

#include <stdlib.h>
#include <string.h>

enum order { ORDER_PATTERN, ORDER_DAY_FIRST, ORDER_MONTH_FIRST };

struct mlops_time_format {
	enum order order;
	char text[]; /* the pattern */
};

/* What has been read so far. */
struct parts {
	int year, month, day, day_of_year, hour, minute, second;
	char half;	  /* 'A', 'P' or 0 */
	int64_t fraction; /* microseconds */
	bool has_zone;
	int32_t offset;
	bool has_epoch;
	int64_t epoch; /* microseconds */
};

/* A directive and what a time has of it, a letter each: Y year, m month, d day, H hour, h half of the day,
 * M, S, f, z, s. */
static const struct directive {
	char letter;
	const char *says;
} directives[] = {
	{ 'Y', "Y" },	 { 'y', "Y" },	 { 'm', "m" },	{ 'b', "m" },  { 'B', "m" },	     { 'h', "m" },
	{ 'd', "d" },	 { 'e', "d" },	 { 'j', "md" }, { 'H', "Hh" }, { 'I', "H" },	     { 'p', "h" },
	{ 'M', "M" },	 { 'S', "S" },	 { 'f', "f" },	{ 'z', "z" },  { 's', "YmdHhMSfz" }, { 'F', "Ymd" },
	{ 'T', "HhMS" }, { 'R', "HhM" }, { 'a', "" },	{ 'A', "" },   { '%', "" },
};

static const char *find_directive(char letter)
{
	for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++)
		if (directives[i].letter == letter)
			return directives[i].says;
	return NULL;
}

static bool check_pattern(const char *pattern, struct mlops_error *error)
{
	char masked[MLOPS_TEXT_QUOTED];
	char said[64] = { 0 };
	size_t n = 0;

	mlops_text_mask(masked, pattern, strlen(pattern));
	for (const char *at = strchr(pattern, '%'); at != NULL; at = strchr(at + 2, '%')) {
		const char *says = at[1] != '\0' ? find_directive(at[1]) : NULL;

		if (says == NULL)
			return mlops_error_set(error, MLOPS_USAGE,
					       "'%s' is no pattern of a time: '%%%.1s' is none of "
					       "%%Y %%y %%m %%b %%d %%j %%H %%I %%p %%M %%S %%f %%z %%s %%F "
					       "%%T %%R %%a %%%%",
					       masked, at + 1);
		for (; *says != '\0'; says++) {
			if (memchr(said, *says, n) != NULL)
				return mlops_error_set(
					error, MLOPS_USAGE,
					"'%s' is no pattern of a time: '%%%c' says again what is said",
					masked, at[1]);
			said[n++] = *says;
		}
	}
	if (memchr(said, 'Y', n) == NULL)
		return mlops_error_set(
			error, MLOPS_USAGE, "'%s' is no pattern of a time: it has no year%s", masked,
			strchr(pattern, '%') == NULL ? "; patterns are as '%d/%m/%Y %H:%M' is, or day-first"
						     : "");
	if ((memchr(said, 'H', n) != NULL) != (memchr(said, 'h', n) != NULL))
		return mlops_error_set(error, MLOPS_USAGE,
				       "'%s' is no pattern of a time: %%I and %%p need each other", masked);
	return true;
}

struct mlops_time_format *mlops_time_format_new(const char *pattern, struct mlops_error *error)
{
	struct mlops_time_format *format;
	enum order order = strcmp(pattern, "day-first") == 0	 ? ORDER_DAY_FIRST
			   : strcmp(pattern, "month-first") == 0 ? ORDER_MONTH_FIRST
								 : ORDER_PATTERN;

	if (order == ORDER_PATTERN && !check_pattern(pattern, error))
		return NULL;
	format = malloc(sizeof *format + strlen(pattern) + 1);
	if (format == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	format->order = order;
	memcpy(format->text, pattern, strlen(pattern) + 1);
	return format;
}

void mlops_time_format_free(struct mlops_time_format *format)
{
	free(format);
}

const char *mlops_time_format_text(const struct mlops_time_format *format)
{
	return format->text;
}

static bool take_half(struct mlops_time_cursor *cursor, struct parts *parts)
{
	char c = mlops_time_take_any(cursor, "AaPp");

	parts->half = c == 'a' || c == 'A' ? 'A' : 'P';
	return c != '\0' && mlops_time_take_any(cursor, "Mm") != '\0';
}

static bool take_year_of_century(struct mlops_time_cursor *cursor, int *year)
{
	int value = mlops_time_take_number(cursor, 2, 2);

	*year = value + (value < 69 ? 2000 : 1900);
	return value >= 0;
}

static bool take_pattern(struct mlops_time_cursor *cursor, const char *pattern, const char *end,
			 struct parts *parts);

static bool take_epoch(struct mlops_time_cursor *cursor, struct parts *parts)
{
	bool negative = mlops_time_take(cursor, '-');
	int64_t seconds = 0, fraction = 0;
	const char *start = cursor->at;

	for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
		seconds = seconds * 10 + (*cursor->at - '0');
		if (cursor->at - start > 10)
			return false;
	}
	if (cursor->at == start)
		return false;
	if (mlops_time_take(cursor, '.') && !mlops_time_take_fraction(cursor, MLOPS_SECOND, &fraction))
		return false;
	parts->has_epoch = true;
	parts->epoch = (seconds * MLOPS_SECOND + fraction) * (negative ? -1 : 1);
	return true;
}

static bool take_directive(struct mlops_time_cursor *cursor, char letter, struct parts *parts)
{
	static const char date[] = "%Y-%m-%d", clock[] = "%H:%M:%S", short_clock[] = "%H:%M";

	switch (letter) {
	case 'Y':
		return (parts->year = mlops_time_take_number(cursor, 4, 4)) >= 0;
	case 'y':
		return take_year_of_century(cursor, &parts->year);
	case 'm':
		return (parts->month = mlops_time_take_number(cursor, 1, 2)) >= 0;
	case 'b':
	case 'B':
	case 'h':
		return (parts->month = mlops_time_take_month(cursor)) > 0;
	case 'd':
	case 'e':
		return (parts->day = mlops_time_take_number(cursor, 1, 2)) >= 0;
	case 'j':
		return (parts->day_of_year = mlops_time_take_number(cursor, 1, 3)) > 0;
	case 'H':
	case 'I':
		return (parts->hour = mlops_time_take_number(cursor, 1, 2)) >= 0;
	case 'M':
		return (parts->minute = mlops_time_take_number(cursor, 1, 2)) >= 0;
	case 'S':
		return (parts->second = mlops_time_take_number(cursor, 1, 2)) >= 0;
	case 'f':
		return mlops_time_take_fraction(cursor, MLOPS_SECOND, &parts->fraction);
	case 'p':
		return take_half(cursor, parts);
	case 'z':
		return parts->has_zone = mlops_time_take_offset(cursor, &parts->offset);
	case 's':
		return take_epoch(cursor, parts);
	case 'a':
	case 'A':
		return mlops_time_take_weekday(cursor) > 0;
	case 'F':
		return take_pattern(cursor, date, date + sizeof date - 1, parts);
	case 'T':
		return take_pattern(cursor, clock, clock + sizeof clock - 1, parts);
	case 'R':
		return take_pattern(cursor, short_clock, short_clock + sizeof short_clock - 1, parts);
	default:
		return mlops_time_take(cursor, '%');
	}
}

static bool take_pattern(struct mlops_time_cursor *cursor, const char *pattern, const char *end,
			 struct parts *parts)
{
	for (; pattern < end; pattern++) {
		if (*pattern == ' ' || *pattern == '\t') {
			mlops_time_take_spaces(cursor);
		} else if (*pattern == '%') {
			if (!take_directive(cursor, *++pattern, parts))
				return false;
		} else if (!mlops_time_take(cursor, *pattern)) {
			return false;
		}
	}
	return true;
}

/* A month by number or name. */
static bool take_month(struct mlops_time_cursor *cursor, struct parts *parts)
{
	parts->month = mlops_time_take_number(cursor, 1, 2);
	if (parts->month < 0)
		parts->month = mlops_time_take_month(cursor);
	return parts->month > 0;
}

/* A time of day of which the hour may have one digit, and AM or PM. */
static bool take_clock(struct mlops_time_cursor *cursor, struct parts *parts)
{
	struct mlops_time_cursor half;
	char mark;

	parts->hour = mlops_time_take_number(cursor, 1, 2);
	mark = mlops_time_take_any(cursor, ":.");
	parts->minute = mlops_time_take_number(cursor, 2, 2);
	if (parts->hour < 0 || mark == '\0' || parts->minute < 0)
		return false;
	if (mlops_time_take(cursor, mark)) {
		parts->second = mlops_time_take_number(cursor, 2, 2);
		if (parts->second < 0 || (mlops_time_take_any(cursor, ".,") != '\0' &&
					  !mlops_time_take_fraction(cursor, MLOPS_SECOND, &parts->fraction)))
			return false;
	}
	half = *cursor;
	mlops_time_take_spaces(&half);
	if (take_half(&half, parts))
		*cursor = half;
	else
		parts->half = '\0';
	return mlops_time_take_zone(cursor, &parts->has_zone, &parts->offset);
}

static bool take_ordered(struct mlops_time_cursor *cursor, enum order order, struct parts *parts)
{
	bool day_first = order == ORDER_DAY_FIRST;
	char mark;

	if (day_first)
		parts->day = mlops_time_take_number(cursor, 1, 2);
	else if (!take_month(cursor, parts))
		return false;
	mark = mlops_time_take_any(cursor, "/.- ");
	if (mark == '\0')
		return false;
	if (!day_first)
		parts->day = mlops_time_take_number(cursor, 1, 2);
	else if (!take_month(cursor, parts))
		return false;
	if (parts->day < 1 || !mlops_time_take(cursor, mark))
		return false;
	if (cursor->end - cursor->at >= 4 && cursor->at[2] >= '0' && cursor->at[2] <= '9')
		parts->year = mlops_time_take_number(cursor, 4, 4);
	else if (!take_year_of_century(cursor, &parts->year))
		return false;
	if (cursor->at == cursor->end)
		return true;
	if (mlops_time_take_any(cursor, "Tt") == '\0' && !mlops_time_take_spaces(cursor))
		return false;
	return take_clock(cursor, parts);
}

static bool put_together(const struct parts *parts, const struct mlops_timezone *zone, int64_t *microseconds)
{
	int64_t days, clock;
	int hour = parts->hour;

	if (parts->has_epoch) {
		if (parts->epoch < mlops_time_days_from_date(MLOPS_FIRST_YEAR, 1, 1) * MLOPS_DAY ||
		    parts->epoch >= mlops_time_days_from_date(MLOPS_LAST_YEAR + 1, 1, 1) * MLOPS_DAY)
			return false;
		*microseconds = parts->epoch;
		return true;
	}
	if (parts->half != '\0') {
		if (hour < 1 || hour > 12)
			return false;
		hour = hour % 12 + (parts->half == 'P' ? 12 : 0);
	}
	if (!mlops_time_check_date(parts->year, parts->month, parts->day, &days) ||
	    !mlops_time_check_clock(hour, parts->minute, parts->second, parts->fraction, &clock))
		return false;
	if (parts->day_of_year > 0) {
		days += parts->day_of_year - 1;
		if (days >= mlops_time_days_from_date(parts->year + 1, 1, 1))
			return false;
	}
	clock += days * MLOPS_DAY;
	*microseconds = parts->has_zone ? clock - parts->offset * MLOPS_SECOND
					: mlops_time_in_zone(clock, zone);
	return true;
}

bool mlops_time_format_parse(const struct mlops_time_format *format, const char *text, size_t length,
			     const struct mlops_timezone *zone, int64_t *microseconds)
{
	struct mlops_time_cursor cursor = { text, text + length };
	struct parts parts = { .month = 1, .day = 1 };
	bool ok = format->order == ORDER_PATTERN
			  ? take_pattern(&cursor, format->text, format->text + strlen(format->text), &parts)
			  : take_ordered(&cursor, format->order, &parts);

	return ok && cursor.at == cursor.end && put_together(&parts, zone, microseconds);
}
