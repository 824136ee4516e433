/* The rule at the end of a TZif file: a POSIX TZ string, as RFC 9636 extends it
 * ("CET-1CEST,M3.5.0,M10.5.0/3"). */
#ifndef MLOPS_BASE_TIMEZONE_RULE_H
#define MLOPS_BASE_TIMEZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A day of the year and a time on that day's clock. */
struct mlops_timezone_day {
	char kind; /* 'M': weekday of a week of a month; 'J': 1-365 without leap day; 'n': 0-365 */
	int month, week, day;
	int32_t seconds; /* from midnight, -167 to 167 hours */
};

struct mlops_timezone_rule {
	int32_t standard; /* seconds east of Greenwich */
	bool has_summer;
	int32_t summer;
	struct mlops_timezone_day begin, end; /* of summer time */
};

bool mlops_timezone_rule_parse(const char *text, size_t length, struct mlops_timezone_rule *rule);

/* When a year's summer time begins and ends, in seconds since 1970 UTC. */
int64_t mlops_timezone_rule_begin(const struct mlops_timezone_rule *rule, int year);
int64_t mlops_timezone_rule_end(const struct mlops_timezone_rule *rule, int year);

#endif
