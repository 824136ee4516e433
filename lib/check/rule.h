/*
 * The checks as one table: what each is called, what can be set, how grave a finding is, and what it means.
 * --checks help, the schema file, --set CHECK.KEY=VALUE, the findings and the manual all follow this table.
 *
 * A finding is an error (the data is not valid) or a warning (look at it).  Its flag is QARTOD's (IOOS,
 * "Quality Assurance of Real-Time Oceanographic Data"; UNESCO flag scheme): 4 for bad, 3 for suspect; values
 * that pass have 1, those that are not checked 2, missing ones 9.
 */
#ifndef MLOPS_CHECK_RULE_H
#define MLOPS_CHECK_RULE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum mlops_rule {
	MLOPS_RULE_COLUMNS,
	MLOPS_RULE_PARSE,
	MLOPS_RULE_NOT_FINITE,
	MLOPS_RULE_RAGGED,
	MLOPS_RULE_ROWS,
	MLOPS_RULE_SENSORS,
	MLOPS_RULE_TIME_MISSING,
	MLOPS_RULE_GAP,
	MLOPS_RULE_DUPLICATE_TIME,
	MLOPS_RULE_BACKWARD_TIME,
	MLOPS_RULE_MISSING,
	MLOPS_RULE_WHOLE,
	MLOPS_RULE_RANGE,
	MLOPS_RULE_CATEGORY,
	MLOPS_RULE_UNIQUE,
	MLOPS_RULE_MARKER,
	MLOPS_RULE_FLAT,
	MLOPS_RULE_SPIKE,
	MLOPS_RULE_STEP,
	MLOPS_RULE_RATE,
	MLOPS_RULE_NOISE,
	MLOPS_RULE_CLIMATOLOGY,
	MLOPS_RULE_AGREEMENT,
	MLOPS_RULE_DRIFT_PSI,
	MLOPS_RULE_DRIFT_KS,
	MLOPS_RULE_DRIFT_WASSERSTEIN,
	MLOPS_RULE_DRIFT_JENSEN_SHANNON,
	MLOPS_RULE_DRIFT_MISSING,
	MLOPS_RULES
};

enum mlops_severity { MLOPS_SEVERITY_OFF, MLOPS_SEVERITY_WARNING, MLOPS_SEVERITY_ERROR };

extern const char *const mlops_severity_names[]; /* "off", "warning", "error", NULL */

#define MLOPS_RULE_SETTINGS 2

struct mlops_rule_setting {
	const char *name; /* NULL: none */
	double fallback;  /* NaN: learnt from rows, or not checked */
	double minimum, maximum;
	const char *meaning;
};

struct mlops_rule_info {
	const char *name;
	const char *reason; /* as the ledger and the metrics count it */
	enum mlops_severity severity;
	bool table; /* of the whole table, not of a column */
	bool rows;  /* finds rows; otherwise the finding is about all of them */
	const char *meaning;
	struct mlops_rule_setting settings[MLOPS_RULE_SETTINGS];
};

const struct mlops_rule_info *mlops_rule_describe(enum mlops_rule rule);
/* With the nearest name in the error when there is no such check (MLOPS_USAGE). */
bool mlops_rule_from_name(const char *name, enum mlops_rule *rule, struct mlops_error *error);
/* The reasons that rules have, NULL-terminated: missing, not_finite, out_of_range, duplicate, parse,
 * timestamp, … */
extern const char *const mlops_rule_reasons[];

/* How the checks are set: for the table, or for one column. */
struct mlops_limit {
	enum mlops_severity severity;
	double values[MLOPS_RULE_SETTINGS];
};
struct mlops_limits {
	struct mlops_limit of[MLOPS_RULES];
};

void mlops_limits_default(struct mlops_limits *limits);
/* One setting by its name, or "severity" by mlops_limits_set only; errors as MLOPS_USAGE, with the nearest
 * name. */
bool mlops_limits_set_value(struct mlops_limits *limits, enum mlops_rule rule, const char *name, double value,
			    struct mlops_error *error);
/* "spike.most=2.5", "gap.severity=warning". */
bool mlops_limits_set(struct mlops_limits *limits, const char *text, struct mlops_error *error);
/* All checks off but the named ones; an unknown name: MLOPS_USAGE with the nearest one. */
bool mlops_limits_choose(struct mlops_limits *limits, const char *const *names, size_t n,
			 struct mlops_error *error);

bool mlops_severity_from_name(const char *name, enum mlops_severity *severity, struct mlops_error *error);

#endif
