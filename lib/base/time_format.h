/*
 * Times in the words of whoever wrote them, by a pattern in the manner of strptime, in English and without a
 * locale.
 *
 *	struct mlops_time_format *format = mlops_time_format_new("%d/%m/%Y %H.%M.%S", &error);
 *	mlops_time_format_parse(format, text, length, zone, &microseconds);
 *	mlops_time_format_free(format);
 *
 *	%Y year, 4 digits           %H hour 0-24             %z zone: Z, +01:00, +0100, +01
 *	%y year, 2 digits, 1969-2068 %I hour 1-12, with %p    %s seconds since 1970, maybe with decimals
 *	%m month 1-12               %M minute                %F %Y-%m-%d
 *	%b %B %h month's name       %S second                %T %H:%M:%S
 *	%d %e day of the month      %f decimals of a second  %R %H:%M
 *	%j day of the year          %p AM or PM              %% a percent sign
 *	%a %A weekday's name, which must be one and says nothing more
 *
 * Numbers have as many digits as they need or fewer (1 to 2; %j 1 to 3; %Y exactly 4), so "%d/%m/%Y" reads
 * 1/2/2024, and "%Y%m%d" reads 19580329.  Spaces stand for any number of them, also none; every other
 * character for itself.  What a pattern leaves out is the first of its kind: January, day 1, 00:00:00.
 *
 * Two words are patterns too: "day-first" is 31/1/2024, 31.01.24 or 31-Jan-2024, "month-first" 1/31/2024 or
 * Jan-31-2024; both may have a time of day behind them: 18:00, 18.00.00, 6:00:00.5 PM, and a zone.
 */
#ifndef MLOPS_BASE_TIME_FORMAT_H
#define MLOPS_BASE_TIME_FORMAT_H

#include "base/error.h"
#include "base/timezone.h"

#include <stddef.h>
#include <stdint.h>

struct mlops_time_format;

/* MLOPS_USAGE for an unknown directive, a pattern without a year, or one that says something twice. */
struct mlops_time_format *mlops_time_format_new(const char *pattern, struct mlops_error *error);
void mlops_time_format_free(struct mlops_time_format *format);

/* The pattern, for messages. */
const char *mlops_time_format_text(const struct mlops_time_format *format);

/* False, and *microseconds as it was, when the text is not as the pattern has it or there is no such time.
 * zone: where clocks without %z hang; NULL: UTC. */
bool mlops_time_format_parse(const struct mlops_time_format *format, const char *text, size_t length,
			     const struct mlops_timezone *zone, int64_t *microseconds);

#endif
