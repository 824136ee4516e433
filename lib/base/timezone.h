/*
 * Time zones: what a clock on the wall showed, and when.
 *
 *	struct mlops_timezone *zone = mlops_timezone_open(MLOPS_ZONEINFO, "Europe/Berlin", &error);
 *	utc = mlops_timezone_to_utc(zone, local);
 *	mlops_timezone_free(zone);
 *
 * Zones come from the compiled files of the tz database (TZif, RFC 9636), the rule at their end for all
 * later years included, up to the year 2262.  Neither TZ nor anything else of the environment is looked at.
 *
 * When clocks are put back, an hour is there twice: the first one is meant.  When they are put forward, an
 * hour is left out: a time within it is taken as if the clock had not been put forward yet, and so is as
 * much later (2024-03-31 02:30 in Berlin is 03:30 there).  RFC 5545 and java.time have it the same way.
 *
 * A zone is read-only once it is there; any number of threads may use it.
 */
#ifndef MLOPS_BASE_TIMEZONE_H
#define MLOPS_BASE_TIMEZONE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define MLOPS_ZONEINFO "/usr/share/zoneinfo"

struct mlops_timezone;

/* "UTC", "+01:00", "-0330", or a name of the tz database, whose files are below directory.  MLOPS_USAGE for
 * a name that is not there, `no time zone "Europe/Berln"; did you mean "Europe/Berlin"?`; MLOPS_CONFIG where
 * there is no tz database or the file is not as RFC 9636 has it. */
struct mlops_timezone *mlops_timezone_open(const char *directory, const char *name,
					   struct mlops_error *error);

/* The same from a file's bytes; name stands in messages. */
struct mlops_timezone *mlops_timezone_parse(const void *bytes, size_t length, const char *name,
					    struct mlops_error *error);
void mlops_timezone_free(struct mlops_timezone *zone);

/* Seconds east of Greenwich at a moment, in seconds since 1970. */
int32_t mlops_timezone_offset(const struct mlops_timezone *zone, int64_t utc);

/* The moment when clocks showed `local` (seconds since 1970-01-01 00:00 on that clock). */
int64_t mlops_timezone_to_utc(const struct mlops_timezone *zone, int64_t local);

#endif
