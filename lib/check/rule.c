#include "check/rule.h"

#include "base/number.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define ANY -1e300, 1e300
#define POSITIVE 0, 1e300
#define ROWS 1, 4294967295.0
#define SHARE 0, 1

const char *const mlops_severity_names[] = { "off", "warning", "error", NULL };

const char *const mlops_rule_reasons[] = {
	"missing", "not_finite", "out_of_range", "duplicate",    "parse", "timestamp",
	"sensor",  "drift",      "schema",       "insufficient", NULL,
};

#define ERROR MLOPS_SEVERITY_ERROR
#define WARNING MLOPS_SEVERITY_WARNING

/* clang-format off: a check a paragraph */
static const struct mlops_rule_info rules[MLOPS_RULES] = {
	[MLOPS_RULE_COLUMNS] = { "columns", "schema", ERROR, true, false,
		"a column of the schema is not there (one that the schema lacks is a warning)", { { 0 } } },
	[MLOPS_RULE_PARSE] = { "parse", "parse", ERROR, true, true,
		"a cell is not a number or not a time", { { 0 } } },
	[MLOPS_RULE_NOT_FINITE] = { "not_finite", "not_finite", ERROR, true, true,
		"a number is infinite, or too large for float32", { { 0 } } },
	[MLOPS_RULE_RAGGED] = { "ragged", "parse", ERROR, true, true,
		"a row has too few or too many fields", { { 0 } } },
	[MLOPS_RULE_ROWS] = { "rows", "insufficient", ERROR, true, false,
		"there are too few rows", { { "least", 1, ROWS, "rows that must be there" } } },
	[MLOPS_RULE_SENSORS] = { "sensors", "schema", ERROR, true, true,
		"a sensor that the schema does not list (one without rows is a warning)", { { 0 } } },
	[MLOPS_RULE_TIME_MISSING] = { "time_missing", "timestamp", ERROR, true, true,
		"a row has no time", { { 0 } } },
	[MLOPS_RULE_GAP] = { "gap", "timestamp", WARNING, true, true,
		"more time than usual since the sensor's row before",
		{ { "most", 1.5, 1, 1e300, "time steps between two rows" },
		  { "step", NAN, POSITIVE, "the time step in seconds; learnt: the median" } } },
	[MLOPS_RULE_DUPLICATE_TIME] = { "duplicate_time", "duplicate", ERROR, true, true,
		"a time that the sensor had already, among its last 4,096", { { 0 } } },
	[MLOPS_RULE_BACKWARD_TIME] = { "backward_time", "timestamp", ERROR, true, true,
		"an earlier time than in the sensor's row before", { { 0 } } },
	[MLOPS_RULE_MISSING] = { "missing", "missing", ERROR, false, false,
		"too large a share of missing values", { { "most", NAN, SHARE, "share of the rows" } } },
	[MLOPS_RULE_WHOLE] = { "whole", "out_of_range", WARNING, false, true,
		"a fraction where the schema has whole numbers", { { 0 } } },
	[MLOPS_RULE_RANGE] = { "range", "out_of_range", ERROR, false, true,
		"a value outside of what the sensor can measure",
		{ { "least", NAN, ANY, "smallest value" }, { "most", NAN, ANY, "largest value" } } },
	[MLOPS_RULE_CATEGORY] = { "category", "out_of_range", ERROR, false, true,
		"a text that the schema does not list", { { 0 } } },
	[MLOPS_RULE_UNIQUE] = { "unique", "duplicate", ERROR, false, true,
		"a value twice in a column that the schema calls unique", { { 0 } } },
	[MLOPS_RULE_MARKER] = { "marker", "missing", ERROR, false, true,
		"stuck at a number that stands for no value: -9999 -999 -99 9999 99999 32767 -32768 65535",
		{ { "rows", 3, ROWS, "values in a row from which on it counts" } } },
	[MLOPS_RULE_FLAT] = { "flat", "sensor", ERROR, false, true,
		"the same value for too long; missing values in between do not end it",
		{ { "rows", NAN, ROWS, "values in a row from which on it counts" },
		  { "within", 0, POSITIVE, "values that differ by no more are the same" } } },
	[MLOPS_RULE_SPIKE] = { "spike", "sensor", WARNING, false, true,
		"a value far from both neighbours, on the same side",
		{ { "most", NAN, POSITIVE, "distance from the nearer neighbour" } } },
	[MLOPS_RULE_STEP] = { "step", "sensor", WARNING, false, true,
		"two values far from the two ahead of them, on the same side",
		{ { "most", NAN, POSITIVE, "distance between the nearest of them" } } },
	[MLOPS_RULE_RATE] = { "rate", "sensor", WARNING, false, true,
		"too fast a change",
		{ { "most", NAN, POSITIVE, "units a second; a row where there are no times" } } },
	[MLOPS_RULE_NOISE] = { "noise", "sensor", WARNING, false, true,
		"the mean change from value to value over 512 values is too small or too large",
		{ { "least", NAN, POSITIVE, "smallest mean change" },
		  { "most", NAN, POSITIVE, "largest mean change" } } },
	[MLOPS_RULE_CLIMATOLOGY] = { "climatology", "out_of_range", WARNING, false, true,
		"a value outside of what is usual at this hour of the day, or in this month",
		{ { "margin", 0.25, 0, 100, "how far outside, in widths of the usual range" } } },
	[MLOPS_RULE_AGREEMENT] = { "agreement", "sensor", WARNING, true, true,
		"two sensors that should agree do not",
		{ { "rows", 3, ROWS, "rows on end from which on it counts" } } },
	[MLOPS_RULE_DRIFT_PSI] = { "drift_psi", "drift", ERROR, false, false,
		"population stability index against the reference", { { "most", 0.25, POSITIVE, "PSI" } } },
	[MLOPS_RULE_DRIFT_KS] = { "drift_ks", "drift", WARNING, false, false,
		"largest distance between the distributions (Kolmogorov-Smirnov)",
		{ { "most", 0.2, SHARE, "statistic" } } },
	[MLOPS_RULE_DRIFT_WASSERSTEIN] = { "drift_wasserstein", "drift", WARNING, false, false,
		"Wasserstein distance over the reference's standard deviation",
		{ { "most", 0.5, POSITIVE, "distance in standard deviations" } } },
	[MLOPS_RULE_DRIFT_JENSEN_SHANNON] = { "drift_jensen_shannon", "drift", WARNING, false, false,
		"Jensen-Shannon distance", { { "most", 0.25, SHARE, "distance" } } },
	[MLOPS_RULE_DRIFT_MISSING] = { "drift_missing", "drift", ERROR, false, false,
		"the share of missing values has changed",
		{ { "most", 0.1, SHARE, "difference of the shares" } } },
};
/* clang-format on */

const struct mlops_rule_info *mlops_rule_describe(enum mlops_rule rule)
{
	return &rules[rule];
}

static bool set_unknown(struct mlops_error *error, const char *what, const char *name,
			const char *const *known, size_t n)
{
	char quoted[MLOPS_TEXT_QUOTED];
	const char *nearest = mlops_text_nearest(name, known, n);

	mlops_text_mask(quoted, name, strlen(name));
	if (nearest != NULL)
		return mlops_error_set(error, MLOPS_USAGE, "unknown %s '%s'; did you mean '%s'?", what,
				       quoted, nearest);
	return mlops_error_set(error, MLOPS_USAGE, "unknown %s '%s'", what, quoted);
}

bool mlops_rule_from_name(const char *name, enum mlops_rule *rule, struct mlops_error *error)
{
	const char *names[MLOPS_RULES];

	for (size_t i = 0; i < MLOPS_RULES; i++) {
		names[i] = rules[i].name;
		if (strcmp(name, names[i]) == 0) {
			*rule = (enum mlops_rule)i;
			return true;
		}
	}
	return set_unknown(error, "check", name, names, MLOPS_RULES);
}

bool mlops_severity_from_name(const char *name, enum mlops_severity *severity, struct mlops_error *error)
{
	for (size_t i = 0; mlops_severity_names[i] != NULL; i++)
		if (strcmp(name, mlops_severity_names[i]) == 0) {
			*severity = (enum mlops_severity)i;
			return true;
		}
	return set_unknown(error, "severity", name, mlops_severity_names, 3);
}

void mlops_limits_default(struct mlops_limits *limits)
{
	for (size_t i = 0; i < MLOPS_RULES; i++) {
		limits->of[i].severity = rules[i].severity;
		for (size_t s = 0; s < MLOPS_RULE_SETTINGS; s++)
			limits->of[i].values[s] = rules[i].settings[s].fallback;
	}
}

bool mlops_limits_set_value(struct mlops_limits *limits, enum mlops_rule rule, const char *name, double value,
			    struct mlops_error *error)
{
	const struct mlops_rule_info *info = &rules[rule];
	const char *names[MLOPS_RULE_SETTINGS + 1];
	char least[MLOPS_NUMBER_TEXT], most[MLOPS_NUMBER_TEXT], what[64] = "setting of ";

	for (size_t s = 0; s < MLOPS_RULE_SETTINGS; s++) {
		const struct mlops_rule_setting *setting = &info->settings[s];

		names[s] = setting->name;
		if (setting->name == NULL || strcmp(name, setting->name) != 0)
			continue;
		if (!(value >= setting->minimum && value <= setting->maximum)) {
			mlops_number_print_double(least, setting->minimum);
			mlops_number_print_double(most, setting->maximum);
			return mlops_error_set(error, MLOPS_USAGE,
					       "%s.%s: the value is not between %s and %s", info->name, name,
					       least, most);
		}
		limits->of[rule].values[s] = value;
		return true;
	}
	names[MLOPS_RULE_SETTINGS] = "severity";
	strncat(what, info->name, sizeof what - strlen(what) - 1);
	return set_unknown(error, what, name, names, MLOPS_RULE_SETTINGS + 1);
}

bool mlops_limits_set(struct mlops_limits *limits, const char *text, struct mlops_error *error)
{
	const char *dot = strchr(text, '.');
	const char *equals = dot != NULL ? strchr(dot, '=') : NULL;
	char name[48], key[48], quoted[MLOPS_TEXT_QUOTED];
	enum mlops_rule rule;
	double value;

	if (equals == NULL || (size_t)(dot - text) >= sizeof name || (size_t)(equals - dot) > sizeof key)
		return mlops_error_set(error, MLOPS_USAGE, "'%s' is not CHECK.KEY=VALUE",
				       mlops_text_mask(quoted, text, strlen(text)));
	memcpy(name, text, (size_t)(dot - text));
	name[dot - text] = '\0';
	memcpy(key, dot + 1, (size_t)(equals - dot) - 1);
	key[equals - dot - 1] = '\0';
	if (!mlops_rule_from_name(name, &rule, error))
		return false;
	if (strcmp(key, "severity") == 0)
		return mlops_severity_from_name(equals + 1, &limits->of[rule].severity, error);
	if (mlops_number_parse(equals + 1, strlen(equals + 1), '.', &value) != MLOPS_NUMBER_OK)
		return mlops_error_set(error, MLOPS_USAGE, "%s.%s: '%s' is not a number", name, key,
				       mlops_text_mask(quoted, equals + 1, strlen(equals + 1)));
	return mlops_limits_set_value(limits, rule, key, value, error);
}

bool mlops_limits_choose(struct mlops_limits *limits, const char *const *names, size_t n,
			 struct mlops_error *error)
{
	bool chosen[MLOPS_RULES] = { false };

	for (size_t i = 0; i < n; i++) {
		enum mlops_rule rule;

		if (!mlops_rule_from_name(names[i], &rule, error))
			return false;
		chosen[rule] = true;
	}
	for (size_t i = 0; i < MLOPS_RULES; i++)
		if (!chosen[i])
			limits->of[i].severity = MLOPS_SEVERITY_OFF;
	return true;
}
