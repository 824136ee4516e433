#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "flow/validating.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Adds a finding; text is taken over (NULL: memory ran out). */
static bool add(struct mlops_validating *v, enum mlops_rule rule, enum mlops_severity severity,
		const char *column, const struct mlops_tally *tally, struct mlops_buffer *text,
		struct mlops_error *error)
{
	struct mlops_validation *validation = v->validation;
	struct mlops_finding *findings =
		reallocarray(validation->findings, validation->n_findings + 1, sizeof *findings);
	char *message = strdup(mlops_buffer_string(text));
	bool failed = text->failed;

	mlops_buffer_release(text);
	if (findings != NULL)
		validation->findings = findings;
	if (findings == NULL || message == NULL || failed) {
		free(message);
		return mlops_error_set_memory(error);
	}
	if (v->request->strict)
		severity = MLOPS_SEVERITY_ERROR;
	findings[validation->n_findings++] = (struct mlops_finding){
		.rule = rule,
		.severity = severity,
		.column = column,
		.message = message,
		.tally = tally != NULL ? *tally : (struct mlops_tally){ 0 },
	};
	return true;
}

static void append_number(struct mlops_buffer *text, double value)
{
	char number[MLOPS_NUMBER_TEXT];

	if (isinf(value) || isnan(value)) {
		mlops_buffer_append_string(text, isnan(value) ? "none"
						 : value > 0  ? "infinity"
							      : "-infinity");
		return;
	}
	/* Seven digits: that of a float32, not of its double. */
	mlops_number_print_float(number, (float)value);
	mlops_buffer_append_string(text, number);
}

static void append_column(struct mlops_buffer *text, const char *column)
{
	char quoted[MLOPS_TEXT_QUOTED];

	if (column != NULL)
		mlops_buffer_append_format(
			text, "column \"%s\": ", mlops_text_mask(quoted, column, strlen(column)));
}

/* What the rows of a rule are, one and many, and what its worst value is called (NULL: it has none). */
static const struct {
	const char *one, *many, *worst, *unit;
} words[MLOPS_RULES] = {
	[MLOPS_RULE_PARSE] = { "row has a cell that is not a number or a time",
			       "rows have cells that are not numbers or times", NULL, NULL },
	[MLOPS_RULE_NOT_FINITE] = { "row has a number that is infinite or too large",
				    "rows have numbers that are infinite or too large", NULL, NULL },
	[MLOPS_RULE_RAGGED] = { "row has too few or too many fields", "rows have too few or too many fields",
				NULL, NULL },
	[MLOPS_RULE_SENSORS] = { "row of a sensor that the schema does not list",
				 "rows of sensors that the schema does not list", NULL, NULL },
	[MLOPS_RULE_TIME_MISSING] = { "row without a time", "rows without a time", NULL, NULL },
	[MLOPS_RULE_GAP] = { "gap", "gaps", "the longest", " s" },
	[MLOPS_RULE_DUPLICATE_TIME] = { "time that was there already", "times that were there already", NULL,
					NULL },
	[MLOPS_RULE_BACKWARD_TIME] = { "time earlier than in the row before",
				       "times earlier than in the row before", "the furthest by", " s" },
	[MLOPS_RULE_MISSING] = { "value is missing, none may be", "values are missing, none may be", NULL,
				 NULL },
	[MLOPS_RULE_WHOLE] = { "value has a fraction", "values have a fraction", "the first", "" },
	[MLOPS_RULE_RANGE] = { "value", "values", "the worst", "" },
	[MLOPS_RULE_CATEGORY] = { "text that the schema does not list", "texts that the schema does not list",
				  NULL, NULL },
	[MLOPS_RULE_UNIQUE] = { "value that was there already", "values that were there already", NULL,
				NULL },
	[MLOPS_RULE_MARKER] = { "value stuck at a number that stands for none",
				"values stuck at a number that stands for none", "the first", "" },
	[MLOPS_RULE_FLAT] = { "value is the same for too long", "values are the same for too long",
			      "the longest at", "" },
	[MLOPS_RULE_SPIKE] = { "spike", "spikes", "the largest to", "" },
	[MLOPS_RULE_STEP] = { "step", "steps", "the largest to", "" },
	[MLOPS_RULE_RATE] = { "change", "changes", "the fastest", " a second" },
	[MLOPS_RULE_NOISE] = { "stretch of 512 values is too quiet or too loud",
			       "stretches of 512 values are too quiet or too loud", "the worst mean change",
			       "" },
	[MLOPS_RULE_CLIMATOLOGY] = { "value is unusual for its time of day or year",
				     "values are unusual for their time of day or year", "the worst", "" },
	[MLOPS_RULE_AGREEMENT] = { "row in which they differ too much", "rows in which they differ too much",
				   "the worst by", "" },
};

static void append_limits(struct mlops_buffer *text, enum mlops_rule rule, const struct mlops_limit *limit)
{
	if (rule == MLOPS_RULE_RANGE || rule == MLOPS_RULE_NOISE) {
		mlops_buffer_append_string(text, rule == MLOPS_RULE_RANGE ? " outside " : "; usual is ");
		append_number(text, isnan(limit->values[0]) ? -INFINITY : limit->values[0]);
		mlops_buffer_append_string(text, " to ");
		append_number(text, isnan(limit->values[1]) ? INFINITY : limit->values[1]);
	} else if (rule == MLOPS_RULE_GAP) {
		mlops_buffer_append_string(text, " of more than ");
		append_number(text, limit->values[0] * limit->values[1]);
		mlops_buffer_append_string(text, " s");
	} else if (rule == MLOPS_RULE_FLAT || rule == MLOPS_RULE_MARKER) {
		mlops_buffer_append_string(text, ", counted from number ");
		append_number(text, limit->values[0]);
		mlops_buffer_append_string(text, " on");
	} else if (rule == MLOPS_RULE_SPIKE || rule == MLOPS_RULE_STEP || rule == MLOPS_RULE_RATE) {
		mlops_buffer_append_string(text, " of more than ");
		append_number(text, limit->values[0]);
		mlops_buffer_append_string(text, rule == MLOPS_RULE_RATE ? " a second" : "");
	}
}

static bool add_rows(struct mlops_validating *v, enum mlops_rule rule, const struct mlops_limit *limit,
		     const char *column, const struct mlops_tally *tally, struct mlops_error *error)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	if (tally->rows == 0)
		return true;
	append_column(&text, column);
	mlops_buffer_append_format(&text, "%llu %s", (unsigned long long)tally->rows,
				   tally->rows == 1 ? words[rule].one : words[rule].many);
	append_limits(&text, rule, limit);
	if (words[rule].worst != NULL && !isnan(tally->worst)) {
		mlops_buffer_append_format(&text, ", %s ", words[rule].worst);
		append_number(&text, rule == MLOPS_RULE_BACKWARD_TIME ? -tally->worst : tally->worst);
		mlops_buffer_append_format(&text, "%s in line %llu", words[rule].unit,
					   (unsigned long long)tally->worst_line);
	}
	return add(v, rule, limit->severity, column, tally, &text, error);
}

static bool has_column(const struct mlops_validating *v, const char *name)
{
	for (size_t c = 0; c < v->n_columns; c++)
		if (strcmp(v->columns[c].name, name) == 0)
			return true;
	return false;
}

static bool find_lacking(struct mlops_validating *v, const char *name, struct mlops_error *error)
{
	struct mlops_error hint = MLOPS_ERROR_INIT;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	if (mlops_select_column(v->request->reader, name, &hint) != MLOPS_NO_COLUMN)
		return true;
	mlops_buffer_append_string(&text, hint.message);
	return add(v, MLOPS_RULE_COLUMNS, v->schema->limits.of[MLOPS_RULE_COLUMNS].severity, name, NULL,
		   &text, error);
}

static bool find_columns(struct mlops_validating *v, struct mlops_error *error)
{
	enum mlops_severity severity = v->schema->limits.of[MLOPS_RULE_COLUMNS].severity;
	bool ok = true;

	if (severity == MLOPS_SEVERITY_OFF || v->self_taught)
		return true;
	if (v->schema->time != NULL)
		ok = find_lacking(v, v->schema->time, error);
	if (v->schema->id != NULL)
		ok = ok && find_lacking(v, v->schema->id, error);
	for (size_t i = 0; i < v->schema->n_columns && ok; i++)
		if (v->schema->columns[i].required && !has_column(v, v->schema->columns[i].name))
			ok = find_lacking(v, v->schema->columns[i].name, error);
	for (size_t c = 0; c < v->n_columns && ok; c++) {
		struct mlops_buffer text = MLOPS_BUFFER_INIT;

		if (v->columns[c].known)
			continue;
		append_column(&text, v->columns[c].name);
		mlops_buffer_append_string(&text, "the schema lacks it");
		ok = add(v, MLOPS_RULE_COLUMNS, MLOPS_SEVERITY_WARNING,
			 v->validation->profile->columns[c].name, NULL, &text, error);
	}
	return ok;
}

void mlops_validation_say_few(struct mlops_buffer *text, uint64_t rows, uint64_t least)
{
	mlops_buffer_append_format(text, "%llu usable row%s, at least %llu are needed (--min-rows)",
				   (unsigned long long)rows, rows == 1 ? "" : "s", (unsigned long long)least);
}

static bool find_few_rows(struct mlops_validating *v, struct mlops_error *error)
{
	const struct mlops_limit *limit = &v->schema->limits.of[MLOPS_RULE_ROWS];
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	uint64_t rows = v->validation->rows - v->validation->counts.skipped_rows;

	if (limit->severity == MLOPS_SEVERITY_OFF || (double)rows >= limit->values[0])
		return true;
	mlops_validation_say_few(&text, rows, (uint64_t)limit->values[0]);
	return add(v, MLOPS_RULE_ROWS, limit->severity, NULL, NULL, &text, error);
}

/* Sensors that the schema lists and that had no row; more of them than are looked at one by one. */
static bool find_sensors(struct mlops_validating *v, struct mlops_error *error)
{
	const struct mlops_limit *limit = &v->schema->limits.of[MLOPS_RULE_SENSORS];
	char quoted[MLOPS_TEXT_QUOTED];
	bool ok = true;

	if (limit->severity == MLOPS_SEVERITY_OFF || v->batch->sensors == NULL)
		return true;
	for (size_t i = 0; i < v->schema->n_sensors && ok; i++) {
		const char *name = v->schema->sensors[i];
		struct mlops_buffer text = MLOPS_BUFFER_INIT;

		if (mlops_dictionary_find(v->batch->sensors, name, strlen(name)) != MLOPS_DICTIONARY_NONE)
			continue;
		mlops_buffer_append_format(&text, "sensor \"%s\" has no rows",
					   mlops_text_mask(quoted, name, strlen(name)));
		ok = add(v, MLOPS_RULE_SENSORS, MLOPS_SEVERITY_WARNING, NULL, NULL, &text, error);
	}
	if (ok && mlops_dictionary_count(v->batch->sensors) >= v->most_series) {
		struct mlops_buffer text = MLOPS_BUFFER_INIT;

		mlops_buffer_append_format(
			&text, "more than %zu sensors; the course of the others was not looked at",
			v->most_series - 1);
		ok = add(v, MLOPS_RULE_SENSORS, MLOPS_SEVERITY_WARNING, NULL, NULL, &text, error);
	}
	return ok;
}

static bool find_missing(struct mlops_validating *v, size_t c, struct mlops_error *error)
{
	const struct mlops_limit *limit = &v->columns[c].schema->limits.of[MLOPS_RULE_MISSING];
	const struct mlops_profiled_column *profiled = &v->validation->profile->columns[c];
	double share = profiled->rows > 0 ? (double)profiled->missing / (double)profiled->rows : 0;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_tally tally = { .rows = profiled->missing };

	if (limit->values[0] <= 0)
		return add_rows(v, MLOPS_RULE_MISSING, limit, profiled->name,
				&v->columns[c].tallies[MLOPS_RULE_MISSING], error);
	if (limit->severity == MLOPS_SEVERITY_OFF || !(share > limit->values[0]))
		return true;
	append_column(&text, profiled->name);
	append_number(&text, round(share * 1e5) / 1e3);
	mlops_buffer_append_string(&text, " % of the values are missing, at most ");
	append_number(&text, limit->values[0] * 100);
	mlops_buffer_append_string(&text, " % may be");
	return add(v, MLOPS_RULE_MISSING, limit->severity, profiled->name, &tally, &text, error);
}

static bool find_pairs(struct mlops_validating *v, struct mlops_error *error)
{
	bool ok = true;

	for (size_t p = 0; p < v->n_pairs && ok; p++) {
		struct mlops_validated_pair *pair = &v->pairs[p];
		const char *first = v->validation->profile->columns[pair->first].name;
		const char *second = v->columns[pair->second].name;
		char quoted[MLOPS_TEXT_QUOTED];
		struct mlops_buffer text = MLOPS_BUFFER_INIT;

		if (pair->tally.rows == 0)
			continue;
		append_column(&text, first);
		mlops_buffer_append_format(&text, "%llu %s from \"%s\"", (unsigned long long)pair->tally.rows,
					   pair->tally.rows == 1 ? words[MLOPS_RULE_AGREEMENT].one
								 : words[MLOPS_RULE_AGREEMENT].many,
					   mlops_text_mask(quoted, second, strlen(second)));
		mlops_buffer_append_string(&text, ", the worst by ");
		append_number(&text, pair->tally.worst);
		mlops_buffer_append_format(&text, " in line %llu; usual is ",
					   (unsigned long long)pair->tally.worst_line);
		append_number(&text, pair->least);
		mlops_buffer_append_string(&text, " to ");
		append_number(&text, pair->most);
		ok = add(v, MLOPS_RULE_AGREEMENT, v->schema->limits.of[MLOPS_RULE_AGREEMENT].severity, first,
			 &pair->tally, &text, error);
	}
	return ok;
}

static bool find_drift(struct mlops_validating *v, enum mlops_rule rule,
		       const struct mlops_schema_column *schema, const char *column, double figure,
		       struct mlops_error *error)
{
	const struct mlops_limit *limit = &schema->limits.of[rule];
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	if (limit->severity == MLOPS_SEVERITY_OFF || !(figure > limit->values[0]))
		return true;
	append_column(&text, column);
	mlops_buffer_append_format(&text, "%s is ", mlops_rule_describe(rule)->settings[0].meaning);
	append_number(&text, figure);
	mlops_buffer_append_string(&text, " against the reference, at most ");
	append_number(&text, limit->values[0]);
	mlops_buffer_append_string(&text, " is usual");
	return add(v, rule, limit->severity, column, NULL, &text, error);
}

static bool measure_drift(struct mlops_validating *v, struct mlops_error *error)
{
	struct mlops_validation *validation = v->validation;
	const struct mlops_table_profile *reference = v->request->reference;

	if (reference == NULL)
		return true;
	validation->drifts = calloc(v->n_columns + 1, sizeof *validation->drifts);
	if (validation->drifts == NULL)
		return mlops_error_set_memory(error);
	for (size_t c = 0; c < v->n_columns; c++) {
		const struct mlops_profiled_column *current = &validation->profile->columns[c];
		const struct mlops_profiled_column *before =
			mlops_table_profile_find(reference, current->name);
		struct mlops_validated_drift *drift = &validation->drifts[validation->n_drifts];

		if (before == NULL || before->is_text != current->is_text)
			continue;
		drift->column = current->name;
		validation->n_drifts++;
		if (!mlops_drift_measure(before, current, &drift->figures, error))
			return false;
	}
	return true;
}

static bool find_drifts(struct mlops_validating *v, enum mlops_rule rule, struct mlops_error *error)
{
	bool ok = true;

	for (size_t i = 0; i < v->validation->n_drifts && ok; i++) {
		const struct mlops_validated_drift *drift = &v->validation->drifts[i];
		const struct mlops_drift *of = &drift->figures;
		double figure = rule == MLOPS_RULE_DRIFT_PSI           ? of->psi
				: rule == MLOPS_RULE_DRIFT_KS          ? of->ks
				: rule == MLOPS_RULE_DRIFT_WASSERSTEIN ? of->wasserstein
				: rule == MLOPS_RULE_DRIFT_MISSING     ? fabs(of->missing)
								       : of->jensen_shannon;

		ok = find_drift(v, rule, mlops_schema_find(v->schema, drift->column), drift->column, figure,
				error);
	}
	return ok;
}

static bool find_rows(struct mlops_validating *v, enum mlops_rule rule, struct mlops_error *error)
{
	bool ok = true;

	if (mlops_rule_describe(rule)->table)
		return add_rows(v, rule, &v->schema->limits.of[rule], NULL, &v->tallies[rule], error);
	for (size_t c = 0; c < v->n_columns && ok; c++)
		ok = add_rows(v, rule, &v->columns[c].schema->limits.of[rule],
			      v->validation->profile->columns[c].name, &v->columns[c].tallies[rule], error);
	return ok;
}

bool mlops_validating_find(struct mlops_validating *v, struct mlops_error *error)
{
	struct mlops_validation *validation = v->validation;
	bool ok = measure_drift(v, error);

	for (size_t r = 0; r < MLOPS_RULES && ok; r++) {
		enum mlops_rule rule = (enum mlops_rule)r;

		if (rule == MLOPS_RULE_COLUMNS)
			ok = find_columns(v, error);
		else if (rule == MLOPS_RULE_ROWS)
			ok = find_few_rows(v, error);
		else if (rule == MLOPS_RULE_AGREEMENT)
			ok = find_pairs(v, error);
		else if (rule >= MLOPS_RULE_DRIFT_PSI)
			ok = find_drifts(v, rule, error);
		else if (rule != MLOPS_RULE_MISSING)
			ok = find_rows(v, rule, error);
		if (rule == MLOPS_RULE_SENSORS)
			ok = ok && find_sensors(v, error);
		for (size_t c = 0; c < v->n_columns && ok && rule == MLOPS_RULE_MISSING; c++)
			ok = find_missing(v, c, error);
	}
	validation->valid = true;
	for (size_t i = 0; i < validation->n_findings; i++)
		if (validation->findings[i].severity == MLOPS_SEVERITY_ERROR)
			validation->valid = false;
	return ok;
}
