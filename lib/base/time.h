/*
 * Times as microseconds since 1970-01-01T00:00:00Z, leap seconds ignored (POSIX).
 *
 * Reads ISO 8601 and its near relatives:
 *
 *	2024-01-31, 2024/01/31, 2024.01.31	midnight
 *	2024-01				midnight of its first day
 *	2024-01-31T18, 2024-01-31T18:00, 2024-01-31 18:00:00.123456, 2024-01-31 18.00.00
 *	20240131T1800, 20240131T180000			(but 20240131 is seconds, see below)
 *	... Z, +01:00, +0100, +01, UTC or GMT behind it, with a space in front or without
 *
 * and plain numbers: below 1e11 in size they are seconds since 1970, with decimals if need be, else milliseconds.
 * Years 1678 to 2261; dates are checked (no 30th of February).  What is written without a zone is local time of
 * `zone` (base/timezone.h; NULL: UTC).  Other forms: base/time_format.h.
 */
#ifndef MLOPS_BASE_TIME_H
#define MLOPS_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_TIME_MISSING INT64_MIN
#define MLOPS_TIME_TEXT 40

#define MLOPS_SECOND INT64_C(1000000)
#define MLOPS_MINUTE (60 * MLOPS_SECOND)
#define MLOPS_HOUR   (60 * MLOPS_MINUTE)
#define MLOPS_DAY    (24 * MLOPS_HOUR)

struct mlops_timezone;

bool mlops_time_parse(const char *text, size_t length, const struct mlops_timezone *zone,
		      int64_t *microseconds);

/* Year, month, day, hour, minute and second of a calendar; false when there is no such time. */
bool mlops_time_from_calendar(const int numbers[6], const struct mlops_timezone *zone, int64_t *microseconds);

/* "2024-01-31T18:00:00Z", with .123456 only where the fraction is not zero; returns the length.
 * buffer has MLOPS_TIME_TEXT bytes; the result ends in NUL. */
size_t mlops_time_print(char *buffer, int64_t microseconds);

/* "90", "90s", "10min" or "10m", "2h", "7d", "1w", "250ms", "40us"; the result is positive. */
bool mlops_time_parse_duration(const char *text, int64_t *microseconds);

/* In the longest unit that makes it a whole number ("90min", not "1.5h"), as the parser reads it; microseconds is not
 * negative.  buffer has MLOPS_TIME_TEXT bytes; returns the length. */
size_t mlops_time_print_duration(char *buffer, int64_t microseconds);

#endif
