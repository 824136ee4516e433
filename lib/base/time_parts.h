/*
 * The pieces that times are read from, for time.c, time_format.c and timezone_rule.c.  Each take moves the
 * cursor behind what it has read; where it fails, the cursor's place means nothing.
 */
#ifndef MLOPS_BASE_TIME_PARTS_H
#define MLOPS_BASE_TIME_PARTS_H

#include "base/time.h"
#include "base/timezone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_FIRST_YEAR 1678
#define MLOPS_LAST_YEAR	 2261

struct mlops_time_cursor {
	const char *at;
	const char *end;
};

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, and back. */
int64_t mlops_time_days_from_date(int64_t year, int month, int day);
int64_t mlops_time_date_from_days(int64_t days, int *month, int *day);

/* False when there is no such day, or it is not within the years that are read. */
bool mlops_time_check_date(int year, int month, int day, int64_t *days);

/* A character; one of a set, which is returned, or 0. */
bool mlops_time_take(struct mlops_time_cursor *cursor, char c);
char mlops_time_take_any(struct mlops_time_cursor *cursor, const char *set);
bool mlops_time_take_spaces(struct mlops_time_cursor *cursor);

/* At least `least` and at most `most` digits as a number, or -1. */
int mlops_time_take_number(struct mlops_time_cursor *cursor, int least, int most);

/* Digits behind a decimal mark as a count of the given unit; digits that are too small for it are cut off. */
bool mlops_time_take_fraction(struct mlops_time_cursor *cursor, int64_t unit, int64_t *value);

/* The English name of a month or a weekday, whole or its first three letters, in any case: 1 to 12 or 7, or
 * 0. */
int mlops_time_take_month(struct mlops_time_cursor *cursor);
int mlops_time_take_weekday(struct mlops_time_cursor *cursor);

/* A time of day.  24:00 is the end of the day (ISO 8601); the 60th second of a leap second falls on the next
 * minute's first, as POSIX has it. */
bool mlops_time_check_clock(int hour, int minute, int second, int64_t fraction, int64_t *microseconds);

/* HH, HH:MM, HH:MM:SS or HH:MM:SS.fraction; or with points, HH.MM and HH.MM.SS. */
bool mlops_time_take_clock(struct mlops_time_cursor *cursor, int64_t *microseconds);

/* Z, +HH, +HHMM or +HH:MM. */
bool mlops_time_take_offset(struct mlops_time_cursor *cursor, int32_t *offset_seconds);

/* The end of the text, or a zone in front of it, with or without a space: UTC or GMT, or as above. */
bool mlops_time_take_zone(struct mlops_time_cursor *cursor, bool *has_zone, int32_t *offset_seconds);

/* The moment that a local date and time is. */
int64_t mlops_time_in_zone(int64_t local, const struct mlops_timezone *zone);

#endif
