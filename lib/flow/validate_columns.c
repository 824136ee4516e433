#include "base/time.h"
#include "flow/validating.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define MOST_TEXTS 256

static unsigned reason_of(enum mlops_rule rule)
{
	unsigned reason = 0;

	while (strcmp(mlops_rule_reasons[reason], mlops_rule_describe(rule)->reason) != 0)
		reason++;
	return reason;
}

void mlops_validating_add_fault(struct mlops_validating *v, struct mlops_tally *tally,
				struct mlops_fault_list *faults, enum mlops_rule rule,
				enum mlops_severity severity, uint64_t row, uint64_t line, double value,
				double excess)
{
	if (v->muted || severity == MLOPS_SEVERITY_OFF)
		return;
	mlops_tally_add(tally, line, value, excess);
	if (severity != MLOPS_SEVERITY_ERROR && !v->request->strict)
		return;
	if (faults->n == faults->room) {
		size_t room = faults->room > 0 ? 2 * faults->room : 64;
		struct mlops_fault *items = reallocarray(faults->items, room, sizeof *items);

		if (items == NULL) {
			faults->failed = true;
			return;
		}
		faults->items = items;
		faults->room = room;
	}
	faults->items[faults->n++] = (struct mlops_fault){ row, reason_of(rule) };
}

/* What a column's checks need to report. */
struct place {
	struct mlops_validating *v;
	struct mlops_validated_column *column;
};

static void report(void *context, enum mlops_rule rule, uint64_t row, uint64_t line, double value,
		   double excess)
{
	struct place *place = context;
	struct mlops_validated_column *column = place->column;

	mlops_validating_add_fault(place->v, &column->tallies[rule], &column->faults, rule,
				   column->schema->limits.of[rule].severity, row, line, value, excess);
}

static void report_row(struct place *place, enum mlops_rule rule, size_t row, double value, double excess)
{
	const struct mlops_rows_batch *batch = place->v->batch;

	report(place, rule, batch->first_row + row, batch->lines[row], value, excess);
}

static const struct mlops_limit *limit_of(const struct mlops_validated_column *column, enum mlops_rule rule)
{
	return &column->schema->limits.of[rule];
}

static bool is_on(const struct mlops_validated_column *column, enum mlops_rule rule)
{
	return limit_of(column, rule)->severity != MLOPS_SEVERITY_OFF;
}

static bool any_outside(const float *values, size_t n, float least, float most)
{
	uint32_t lanes[LANES] = { 0 };
	uint32_t any = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t k = 0; k < LANES; k++)
			lanes[k] |= (uint32_t)(values[i + k] < least) | (uint32_t)(values[i + k] > most);
	for (; i < n; i++)
		any |= (uint32_t)(values[i] < least) | (uint32_t)(values[i] > most);
	for (size_t k = 0; k < LANES; k++)
		any |= lanes[k];
	return any != 0;
}

static void check_range(struct place *place, const float *values, size_t n)
{
	const struct mlops_limit *limit = limit_of(place->column, MLOPS_RULE_RANGE);
	float least = isnan(limit->values[0]) ? -INFINITY : (float)limit->values[0];
	float most = isnan(limit->values[1]) ? INFINITY : (float)limit->values[1];

	if (limit->severity == MLOPS_SEVERITY_OFF || !any_outside(values, n, least, most))
		return;
	for (size_t i = 0; i < n; i++)
		if (values[i] < least || values[i] > most)
			report_row(place, MLOPS_RULE_RANGE, i, values[i],
				   values[i] < least ? (double)least - (double)values[i]
						     : (double)values[i] - (double)most);
}

static void check_whole(struct place *place, const float *values, size_t n)
{
	if (!place->column->schema->whole || !is_on(place->column, MLOPS_RULE_WHOLE))
		return;
	for (size_t i = 0; i < n; i++)
		if (fabsf(values[i]) < 8388608 && (float)(int32_t)values[i] != values[i])
			report_row(place, MLOPS_RULE_WHOLE, i, values[i], 0);
}

/* Where none may be missing, each one is a fault; shares are judged at the end. */
static void check_missing(struct place *place, size_t row)
{
	const struct mlops_limit *limit = limit_of(place->column, MLOPS_RULE_MISSING);

	if (limit->values[0] <= 0)
		report_row(place, MLOPS_RULE_MISSING, row, NAN, 0);
}

static void check_missing_numbers(struct place *place, const float *values, size_t n)
{
	const struct mlops_limit *limit = limit_of(place->column, MLOPS_RULE_MISSING);

	for (size_t i = 0; i < n && limit->values[0] <= 0; i++)
		if (isnan(values[i]))
			check_missing(place, i);
}

/* FNV-1a, then mixed. */
uint64_t mlops_validating_hash(const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return mlops_distinct_hash(hash);
}

static void check_unique(struct place *place, size_t row, uint64_t hash, double value)
{
	struct mlops_validated_column *column = place->column;

	if (!mlops_unique_add(column->unique, hash))
		return;
	column->repeats = true;
	if (column->schema->unique)
		report_row(place, MLOPS_RULE_UNIQUE, row, value, 0);
}

static void check_unique_numbers(struct place *place, const float *values, size_t n)
{
	if (place->column->unique == NULL || (place->column->repeats && !place->column->schema->unique))
		return;
	for (size_t i = 0; i < n; i++) {
		float value = values[i] + 0.0f; /* -0 is 0 */

		if (!isnan(value))
			check_unique(place, i, mlops_validating_hash(&value, sizeof value), value);
	}
}

static void learn_climate(struct place *place, const float *values, size_t n)
{
	struct mlops_validated_column *column = place->column;

	for (size_t i = 0; i < n; i++) {
		unsigned bin = place->v->bins[i];

		if (bin >= MLOPS_CLIMATE_BINS || isnan(values[i]))
			continue;
		if (column->climate_values[bin]++ == 0)
			column->climate_least[bin] = column->climate_most[bin] = values[i];
		column->climate_least[bin] = fminf(column->climate_least[bin], values[i]);
		column->climate_most[bin] = fmaxf(column->climate_most[bin], values[i]);
	}
}

static void check_climate(struct place *place, const float *values, size_t n)
{
	const struct mlops_schema_column *schema = place->column->schema;
	const struct mlops_limit *limit = limit_of(place->column, MLOPS_RULE_CLIMATOLOGY);
	float least[256], most[256];

	if (limit->severity == MLOPS_SEVERITY_OFF || schema->climate_bins == 0)
		return;
	for (size_t b = 0; b < 256; b++) {
		bool known = b < schema->climate_bins && !isnan(schema->climate_least[b]);
		float room =
			known ? (float)limit->values[0] * (schema->climate_most[b] - schema->climate_least[b])
			      : 0;

		least[b] = known ? schema->climate_least[b] - room : -INFINITY;
		most[b] = known ? schema->climate_most[b] + room : INFINITY;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned bin = place->v->bins[i];

		if (values[i] < least[bin] || values[i] > most[bin])
			report_row(place, MLOPS_RULE_CLIMATOLOGY, i, values[i],
				   fmax((double)least[bin] - (double)values[i],
					(double)values[i] - (double)most[bin]));
	}
}

static size_t count_missing(const float *values, size_t n)
{
	uint32_t lanes[LANES] = { 0 };
	size_t missing = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t k = 0; k < LANES; k++)
			lanes[k] += (uint32_t)(values[i + k] != values[i + k]);
	for (; i < n; i++)
		missing += isnan(values[i]) ? 1 : 0;
	for (size_t k = 0; k < LANES; k++)
		missing += lanes[k];
	return missing;
}

/* The values of one sensor that are not missing, with their rows and times. */
static void gather(const struct mlops_rows_batch *batch, const float *values,
		   const struct mlops_batch_segment *segment, struct mlops_validating_scratch *scratch,
		   struct mlops_sensor_samples *samples)
{
	float *to = scratch->values + MLOPS_SENSOR_HALO;
	size_t n = 0;

	if (batch->order == NULL && count_missing(values, batch->rows) == 0) {
		memcpy(to, values, batch->rows * sizeof *to);
		samples->n = batch->rows;
		samples->seconds = batch->seconds;
		return;
	}
	for (uint32_t i = segment->begin; i < segment->end; i++) {
		uint32_t row = batch->order != NULL ? batch->order[i] : i;

		to[n] = values[row];
		scratch->at[n] = row;
		n += isnan(values[row]) ? 0 : 1;
	}
	for (size_t i = 0; i < n && batch->seconds != NULL; i++)
		scratch->seconds[i] = batch->seconds[scratch->at[i]];
	samples->n = n;
	samples->at = scratch->at;
	samples->seconds = batch->seconds != NULL ? scratch->seconds : NULL;
}

void mlops_validating_check_sensors(struct mlops_validating *v, size_t number,
				    struct mlops_validating_scratch *scratch)
{
	struct mlops_validated_column *column = &v->columns[number];
	const struct mlops_rows_batch *batch = v->batch;
	struct place place = { v, column };
	struct mlops_sensor_run run = {
		.column = column->schema,
		.extremes = &column->extremes,
		.fault = report,
		.context = &place,
	};

	for (size_t s = 0; s < batch->n_segments; s++) {
		struct mlops_sensor_samples samples = {
			.values = scratch->values + MLOPS_SENSOR_HALO,
			.first_row = batch->first_row,
			.lines = batch->lines,
		};

		gather(batch, batch->numbers[column->index], &batch->segments[s], scratch, &samples);
		mlops_sensor_check(&run, &v->series[batch->segments[s].series].sensors[number], &samples);
	}
}

static void check_numbers(struct mlops_validating *v, size_t number, struct mlops_validating_scratch *scratch)
{
	struct mlops_validated_column *column = &v->columns[number];
	const float *values = v->batch->numbers[column->index];
	struct place place = { v, column };
	size_t n = v->batch->rows;

	if (column->profile != NULL)
		mlops_column_profile_add(column->profile, values, n);
	else
		column->missing += count_missing(values, n);
	check_missing_numbers(&place, values, n);
	check_range(&place, values, n);
	check_whole(&place, values, n);
	check_unique_numbers(&place, values, n);
	if (v->request->learn && v->climate_bins > 0)
		learn_climate(&place, values, n);
	if (v->climate_bins > 0)
		check_climate(&place, values, n);
	mlops_validating_check_sensors(v, number, scratch);
}

static bool check_text(struct place *place, size_t row, const char *bytes, size_t length)
{
	struct mlops_validated_column *column = place->column;
	uint32_t code = mlops_dictionary_find(column->texts, bytes, length);

	if (code == MLOPS_DICTIONARY_NONE && mlops_dictionary_count(column->texts) < MOST_TEXTS) {
		code = mlops_dictionary_add(column->texts, bytes, length);
		if (code == MLOPS_DICTIONARY_NONE)
			return false;
	}
	if (code == MLOPS_DICTIONARY_NONE)
		column->other++;
	else
		column->counts[code]++;
	if (code == MLOPS_DICTIONARY_NONE || column->counts[code] == 1 || column->unique != NULL) {
		uint64_t hash = mlops_validating_hash(bytes, length);

		mlops_distinct_add(column->registers, hash);
		if (column->unique != NULL)
			check_unique(place, row, hash, NAN);
	}
	if (column->allowed != NULL && is_on(column, MLOPS_RULE_CATEGORY) &&
	    mlops_dictionary_find(column->allowed, bytes, length) == MLOPS_DICTIONARY_NONE)
		report_row(place, MLOPS_RULE_CATEGORY, row, NAN, 0);
	return true;
}

static void check_texts(struct mlops_validating *v, size_t number, struct mlops_validating_scratch *scratch)
{
	struct mlops_validated_column *column = &v->columns[number];
	const struct mlops_batch_texts *texts = &v->batch->texts[column->index];
	struct place place = { v, column };

	for (size_t row = 0; row < v->batch->rows; row++) {
		uint32_t start = texts->starts[row];
		uint32_t length = texts->starts[row + 1] - start;

		if (!texts->present[row]) {
			column->missing++;
			check_missing(&place, row);
		} else if (!check_text(&place, row, length > 0 ? texts->bytes.data + start : "", length)) {
			scratch->failed = true;
			return;
		}
	}
}

void mlops_validating_check_column(struct mlops_validating *v, size_t column,
				   struct mlops_validating_scratch *scratch)
{
	(v->columns[column].is_text ? check_texts : check_numbers)(v, column, scratch);
}

void mlops_validating_check_pair(struct mlops_validating *v, size_t number)
{
	struct mlops_validated_pair *pair = &v->pairs[number];
	const struct mlops_rows_batch *batch = v->batch;
	const struct mlops_limit *limit = &v->schema->limits.of[MLOPS_RULE_AGREEMENT];
	const float *first = batch->numbers[v->columns[pair->first].index];
	const float *second = batch->numbers[v->columns[pair->second].index];

	for (size_t row = 0; row < batch->rows; row++) {
		double apart = (double)first[row] - (double)second[row];

		if (isnan(apart))
			continue;
		pair->seen_least = fmin(pair->seen_least, apart);
		pair->seen_most = fmax(pair->seen_most, apart);
		pair->apart = apart < pair->least || apart > pair->most ? pair->apart + 1 : 0;
		if ((double)pair->apart >= limit->values[0])
			mlops_validating_add_fault(v, &pair->tally, &pair->faults, MLOPS_RULE_AGREEMENT,
						   limit->severity, batch->first_row + row, batch->lines[row],
						   apart, fmax(pair->least - apart, apart - pair->most));
	}
}

static void report_time(struct mlops_validating *v, enum mlops_rule rule, size_t row, double value,
			double excess)
{
	mlops_validating_add_fault(v, &v->tallies[rule], &v->faults, rule,
				   v->schema->limits.of[rule].severity, v->batch->first_row + row,
				   v->batch->lines[row], value, excess);
}

static void check_series_times(struct mlops_validating *v, const struct mlops_batch_segment *segment)
{
	struct mlops_time_state *state = &v->series[segment->series].times;
	const struct mlops_rows_batch *batch = v->batch;

	for (uint32_t i = segment->begin; i < segment->end; i++) {
		size_t row = batch->order != NULL ? batch->order[i] : i;
		unsigned found;

		if (batch->times[row] == MLOPS_TIME_MISSING) {
			report_time(v, MLOPS_RULE_TIME_MISSING, row, NAN, 0);
			continue;
		}
		found = mlops_time_check(state, batch->times[row], v->gap);
		if (found == 0)
			continue;
		if ((found & MLOPS_TIME_FOUND_NO_MEMORY) != 0)
			v->faults.failed = true;
		if ((found & MLOPS_TIME_FOUND_GAP) != 0)
			report_time(v, MLOPS_RULE_GAP, row, (double)state->passed / 1e6,
				    (double)state->passed / 1e6);
		if ((found & MLOPS_TIME_FOUND_DUPLICATE) != 0)
			report_time(v, MLOPS_RULE_DUPLICATE_TIME, row, NAN, 0);
		if ((found & MLOPS_TIME_FOUND_BACKWARD) != 0)
			report_time(v, MLOPS_RULE_BACKWARD_TIME, row, (double)state->passed / 1e6,
				    -(double)state->passed / 1e6);
	}
}

void mlops_validating_check_times(struct mlops_validating *v)
{
	for (size_t s = 0; s < v->batch->n_segments; s++)
		check_series_times(v, &v->batch->segments[s]);
}
