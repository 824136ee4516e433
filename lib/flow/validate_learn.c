#include "flow/validating.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PAIR_COLUMNS 64
#define LEAST_PAIR_ROWS 500
#define FIRST_ROWS_FACTOR 3.0 /* room for what the first rows did not show */
#define ALL_ROWS_FACTOR 1.5

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of the times that pass from row to row of a sensor, in seconds; NaN without any. */
static double usual_step(const struct mlops_rows_batch *batch, int64_t *steps)
{
	size_t n = 0;

	for (size_t s = 0; s < batch->n_segments; s++) {
		int64_t before = INT64_MIN;

		for (uint32_t i = batch->segments[s].begin; i < batch->segments[s].end; i++) {
			int64_t time = batch->times[batch->order != NULL ? batch->order[i] : i];

			if (time == INT64_MIN)
				continue;
			if (before != INT64_MIN && time > before)
				steps[n++] = time - before;
			before = time;
		}
	}
	if (n == 0)
		return NAN;
	qsort(steps, n, sizeof *steps, compare_times);
	return (double)steps[n / 2] / 1e6;
}

static bool learn_step(struct mlops_validating *v, struct mlops_error *error)
{
	struct mlops_limit *limit = &v->schema->limits.of[MLOPS_RULE_GAP];
	int64_t *steps;

	if (v->batch->times == NULL)
		return true;
	if (isnan(limit->values[1])) {
		steps = malloc(MLOPS_BATCH_ROWS * sizeof *steps);
		if (steps == NULL)
			return mlops_error_set_memory(error);
		limit->values[1] = usual_step(v->batch, steps);
		free(steps);
	}
	v->gap = isnan(limit->values[1]) ? INT64_MAX
					 : (int64_t)fmin(limit->values[0] * limit->values[1] * 1e6, 9e18);
	return true;
}

/* Mean and deviation of a - b, of a when b is NULL, where there are values; false where there are too few. */
static bool spread(const float *a, const float *b, size_t rows, double *mean, double *deviation)
{
	double sum = 0;
	double squares = 0;
	size_t n = 0;

	for (size_t i = 0; i < rows; i++) {
		double value = (double)a[i] - (b != NULL ? (double)b[i] : 0);

		if (isnan(value))
			continue;
		sum += value;
		n++;
	}
	if (n < LEAST_PAIR_ROWS)
		return false;
	*mean = sum / (double)n;
	for (size_t i = 0; i < rows; i++) {
		double value = (double)a[i] - (b != NULL ? (double)b[i] : 0) - *mean;

		squares += isnan(value) ? 0 : value * value;
	}
	*deviation = sqrt(squares / (double)n);
	return true;
}

/* Two sensors see the same when their difference varies much less than either of them. */
static bool seem_to_agree(const struct mlops_validating *v, size_t a, size_t b)
{
	const float *first = v->batch->numbers[v->columns[a].index];
	const float *second = v->batch->numbers[v->columns[b].index];
	size_t rows = v->batch->rows;
	double mean, of_first, of_second, apart;

	return spread(first, NULL, rows, &mean, &of_first) && spread(second, NULL, rows, &mean, &of_second) &&
	       spread(first, second, rows, &mean, &apart) && apart > 0 &&
	       apart < 0.2 * fmin(of_first, of_second);
}

static bool add_pair(struct mlops_validating *v, size_t a, size_t b)
{
	struct mlops_validated_pair *pairs = reallocarray(v->pairs, v->n_pairs + 1, sizeof *pairs);

	if (pairs == NULL)
		return false;
	v->pairs = pairs;
	pairs[v->n_pairs++] = (struct mlops_validated_pair){
		.first = a,
		.second = b,
		.least = -INFINITY,
		.most = INFINITY,
		.seen_least = INFINITY,
		.seen_most = -INFINITY,
	};
	return true;
}

/* A column agrees with the first one that it can agree with. */
static bool find_pairs(struct mlops_validating *v, struct mlops_error *error)
{
	bool ok = true;

	for (size_t b = 1; b < v->n_columns && b < MOST_PAIR_COLUMNS && ok; b++)
		for (size_t a = 0; a < b; a++)
			if (!v->columns[a].is_text && !v->columns[b].is_text && seem_to_agree(v, a, b)) {
				ok = add_pair(v, a, b);
				break;
			}
	return ok || mlops_error_set_memory(error);
}

static void set_pair(struct mlops_validated_pair *pair, double factor)
{
	double middle = (pair->seen_least + pair->seen_most) / 2;
	double half = factor * (pair->seen_most - pair->seen_least) / 2;

	pair->least = middle - half;
	pair->most = middle + half;
}

/* Once through the first rows to see what is usual, as if they were all there is. */
static void teach(struct mlops_validating *v)
{
	const struct mlops_rows_batch *batch = v->batch;

	v->muted = true;
	for (size_t c = 0; c < v->n_columns; c++) {
		struct mlops_validated_column *column = &v->columns[c];

		if (column->is_text)
			continue;
		mlops_validating_check_sensors(v, c, &v->scratch[0]);
		mlops_sensor_learn(&column->extremes, FIRST_ROWS_FACTOR, batch->rows, batch->times != NULL,
				   column->schema);
		column->schema->markers = 0;
		column->extremes = (struct mlops_sensor_extremes){ 0 };
		for (size_t s = 0; s < v->n_series; s++)
			v->series[s].sensors[c] = (struct mlops_sensor_state)MLOPS_SENSOR_STATE_INIT;
	}
	for (size_t p = 0; p < v->n_pairs; p++) {
		mlops_validating_check_pair(v, p);
		set_pair(&v->pairs[p], FIRST_ROWS_FACTOR);
	}
	v->muted = false;
}

static bool may_be_unique(const struct mlops_validated_column *column, const struct mlops_rows_batch *batch)
{
	const float *values = batch->numbers[column->index];

	for (size_t i = 0; !column->is_text && i < batch->rows; i++)
		if (!isnan(values[i]) && values[i] != floorf(values[i]))
			return false;
	return batch->rows > 1;
}

/* Only columns whose first values are all different are worth the memory. */
static bool look_for_unique(struct mlops_validated_column *column, const struct mlops_rows_batch *batch)
{
	const struct mlops_batch_texts *texts = &batch->texts[column->index];
	struct mlops_unique *unique;

	if (!may_be_unique(column, batch))
		return true;
	unique = mlops_unique_new();
	if (unique == NULL)
		return false;
	for (size_t i = 0; i < batch->rows && !column->repeats; i++) {
		if (column->is_text)
			column->repeats =
				texts->present[i] &&
				mlops_unique_add(unique, mlops_validating_hash(
								 texts->bytes.data + texts->starts[i],
								 texts->starts[i + 1] - texts->starts[i]));
		else
			column->repeats =
				!isnan(batch->numbers[column->index][i]) &&
				mlops_unique_add(unique,
						 mlops_validating_hash(&batch->numbers[column->index][i],
								       sizeof(float)));
	}
	mlops_unique_free(unique);
	column->unique = column->repeats ? NULL : mlops_unique_new();
	return column->repeats || column->unique != NULL;
}

bool mlops_validating_learn_first(struct mlops_validating *v, struct mlops_error *error)
{
	bool ok = learn_step(v, error);

	if (ok && v->self_taught)
		ok = find_pairs(v, error);
	if (ok && v->self_taught && !v->request->learn)
		teach(v);
	for (size_t c = 0; c < v->n_columns && ok && v->request->learn; c++)
		ok = look_for_unique(&v->columns[c], v->batch) || mlops_error_set_memory(error);
	return ok;
}

static void learn_missing(const struct mlops_profiled_column *profile, struct mlops_schema_column *schema)
{
	double share = profile->rows > 0 ? (double)profile->missing / (double)profile->rows : 0;
	double *most = &schema->limits.of[MLOPS_RULE_MISSING].values[0];

	if (isnan(*most))
		*most = fmin(1, ceil(1000 * (1.5 * share + 0.05)) / 1000);
}

static void learn_range(const struct mlops_validated_column *column,
			const struct mlops_column_figures *figures, struct mlops_schema_column *schema)
{
	double *range = schema->limits.of[MLOPS_RULE_RANGE].values;
	double span = (double)figures->max - (double)figures->min;

	/* As wide again on either side; but what only counts up, or down, will go on. */
	if (column->extremes.rises != column->extremes.falls || !(span > 0) || schema->unique)
		return;
	if (isnan(range[0]))
		range[0] = (double)figures->min - span;
	if (isnan(range[1]))
		range[1] = (double)figures->max + span;
}

static void learn_climate(const struct mlops_validating *v, const struct mlops_validated_column *column,
			  struct mlops_schema_column *schema)
{
	if (v->climate_bins == 0 || column->extremes.rises != column->extremes.falls)
		return;
	schema->climate_bins = v->climate_bins;
	for (size_t b = 0; b < v->climate_bins; b++) {
		bool known = column->climate_values[b] >= 20;

		schema->climate_least[b] = known ? column->climate_least[b] : NAN;
		schema->climate_most[b] = known ? column->climate_most[b] : NAN;
	}
}

static bool learn_categories(const struct mlops_profiled_column *profile, struct mlops_schema_column *schema,
			     struct mlops_error *error)
{
	if (profile->other > 0 || profile->n_texts == 0 || profile->n_texts > 50 ||
	    profile->rows - profile->missing < 20 * profile->n_texts)
		return true;
	for (size_t i = 0; i < profile->n_texts; i++)
		if (!mlops_schema_add_text(&schema->categories, &schema->n_categories, profile->texts[i],
					   strlen(profile->texts[i]), error))
			return false;
	return true;
}

static bool learn_column(struct mlops_validating *v, size_t c, struct mlops_error *error)
{
	struct mlops_validated_column *column = &v->columns[c];
	const struct mlops_profiled_column *profile = &v->validation->profile->columns[c];
	struct mlops_schema_column *schema = column->schema;

	learn_missing(profile, schema);
	schema->unique = column->unique != NULL && !column->repeats && profile->rows >= 100;
	if (column->is_text)
		return schema->unique || learn_categories(profile, schema, error);
	schema->whole = profile->figures.whole;
	learn_range(column, &profile->figures, schema);
	learn_climate(v, column, schema);
	/* A handful of states has no noise. */
	if (profile->figures.few)
		column->extremes.noise_windows = 0;
	mlops_sensor_learn(&column->extremes, ALL_ROWS_FACTOR, profile->rows, v->batch->times != NULL,
			   schema);
	return true;
}

static bool learn_sensors(struct mlops_validating *v, struct mlops_error *error)
{
	size_t n = v->batch->sensors != NULL ? mlops_dictionary_count(v->batch->sensors) : 0;

	for (size_t i = 0; i < n && n < v->most_series; i++) {
		size_t length;
		const char *text = mlops_dictionary_text(v->batch->sensors, (uint32_t)i, &length);

		if (length > 0 &&
		    !mlops_schema_add_text(&v->schema->sensors, &v->schema->n_sensors, text, length, error))
			return false;
	}
	return true;
}

bool mlops_validating_learn_all(struct mlops_validating *v, struct mlops_error *error)
{
	const struct mlops_tally *gaps = &v->tallies[MLOPS_RULE_GAP];
	struct mlops_limit *gap = &v->schema->limits.of[MLOPS_RULE_GAP];
	bool ok = learn_sensors(v, error);

	/* Not a gap here and there, but times that come as they like. */
	if (gaps->rows > 0 && (double)gaps->rows > 0.001 * (double)v->validation->rows &&
	    !isnan(gap->values[1]))
		gap->values[0] = 1.25 * gaps->worst / gap->values[1];
	for (size_t c = 0; c < v->n_columns && ok; c++)
		ok = learn_column(v, c, error);
	for (size_t p = 0; p < v->n_pairs && ok; p++) {
		struct mlops_validated_pair *pair = &v->pairs[p];

		set_pair(pair, ALL_ROWS_FACTOR);
		ok = mlops_schema_add_pair(v->schema, v->columns[pair->first].name,
					   v->columns[pair->second].name, pair->least, pair->most, error);
	}
	return ok;
}
