#include "check/profile.h"

#include "base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUANTILE_STEPS 100

/* Quantile k of QUANTILE_STEPS, between the neighbours in proportion (type 7 of Hyndman and Fan, "Sample
 * quantiles in statistical packages", 1996; what numpy does by default). */
static float quantile(const float *sorted, size_t n, size_t k)
{
	size_t whole = (n - 1) * k / QUANTILE_STEPS;
	size_t rest = (n - 1) * k % QUANTILE_STEPS;
	double low = sorted[whole];

	if (rest == 0)
		return sorted[whole];
	return (float)(low + ((double)sorted[whole + 1] - low) * ((double)rest / QUANTILE_STEPS));
}

static void write_moments(struct mlops_json *json, const float *values, size_t n)
{
	double mean = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		mean += values[i];
	mean /= (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	mlops_json_member_double(json, "mean", n > 0 ? mean : NAN);
	mlops_json_member_double(json, "deviation", n > 0 ? sqrt(squares / (double)n) : NAN);
}

/* How far the values equal to sorted[from] reach. */
static size_t end_of_run(const float *sorted, size_t n, size_t from)
{
	size_t end = from + 1;

	while (end < n && sorted[end] == sorted[from])
		end++;
	return end;
}

static size_t count_distinct(const float *sorted, size_t n)
{
	size_t distinct = 0;

	for (size_t i = 0; i < n; i = end_of_run(sorted, n, i))
		distinct++;
	return distinct;
}

/* The end of the group that begins at `from`. */
static size_t end_of_group(const float *sorted, size_t n, size_t from)
{
	double least = sorted[0], width = ((double)sorted[n - 1] - least) / MLOPS_PROFILE_CELLS;
	double edge = least + (floor(((double)sorted[from] - least) / width) + 1) * width;
	size_t end = end_of_run(sorted, n, from);

	while (end < n && (double)sorted[end] < edge) {
		size_t further = end_of_run(sorted, n, end);

		if ((further - from) * QUANTILE_STEPS > n)
			break;
		end = further;
	}
	return end;
}

static void write_distribution(struct mlops_json *json, const float *sorted, size_t n)
{
	size_t distinct = count_distinct(sorted, n);
	bool exact = distinct <= MLOPS_PROFILE_EXACT;

	mlops_json_member_uint(json, "distinct", distinct);
	mlops_json_key(json, "points");
	mlops_json_open(json, '[');
	for (size_t i = 0, end; i < n; i = end) {
		end = exact ? end_of_run(sorted, n, i) : end_of_group(sorted, n, i);
		mlops_json_open(json, '[');
		mlops_json_float(json, sorted[i + (end - i - 1) / 2]);
		mlops_json_uint(json, end - i);
		mlops_json_close(json, ']');
	}
	mlops_json_close(json, ']');
}

/* present and spare: room for n_rows values each. */
static void write_number(struct mlops_json *json, const float *column, size_t n_rows, float *present,
			 float *spare)
{
	size_t n = 0;

	for (size_t i = 0; i < n_rows; i++)
		if (!isnan(column[i]))
			present[n++] = column[i];
	mlops_json_member_double(json, "missing", (double)(n_rows - n) / (double)n_rows);
	mlops_sort_floats(present, spare, n);
	mlops_json_key(json, "min");
	mlops_json_float(json, n > 0 ? present[0] : NAN);
	mlops_json_key(json, "max");
	mlops_json_float(json, n > 0 ? present[n - 1] : NAN);
	write_moments(json, present, n);
	mlops_json_key(json, "quantiles");
	mlops_json_open(json, '[');
	for (size_t k = 0; k <= QUANTILE_STEPS; k++)
		mlops_json_float(json, n > 0 ? quantile(present, n, k) : NAN);
	mlops_json_close(json, ']');
	write_distribution(json, present, n);
}

static void write_category(struct mlops_json *json, const float *column, size_t n_rows, size_t n_categories,
			   size_t *counts)
{
	size_t n = 0;

	memset(counts, 0, n_categories * sizeof *counts);
	for (size_t i = 0; i < n_rows; i++) {
		if (isnan(column[i]))
			continue;
		counts[(size_t)column[i]]++;
		n++;
	}
	mlops_json_member_double(json, "missing", (double)(n_rows - n) / (double)n_rows);
	mlops_json_key(json, "shares");
	mlops_json_open(json, '[');
	for (size_t c = 0; c < n_categories; c++)
		mlops_json_double(json, n > 0 ? (double)counts[c] / (double)n : 0);
	mlops_json_close(json, ']');
}

bool mlops_profile_write(const struct mlops_dataset *dataset, struct mlops_json *json,
			 struct mlops_error *error)
{
	float *present = calloc(dataset->n_rows + 1, sizeof *present);
	float *spare = calloc(dataset->n_rows + 1, sizeof *spare);
	size_t *counts = calloc(MLOPS_MAX_CATEGORIES + 1, sizeof *counts);
	bool fine = present != NULL && spare != NULL && counts != NULL;

	if (!fine)
		goto done;
	mlops_json_open(json, '{');
	mlops_json_member_uint(json, "rows", dataset->n_rows);
	mlops_json_key(json, "features");
	mlops_json_open(json, '[');
	for (size_t f = 0; f < dataset->n_features; f++) {
		const struct mlops_feature *feature = &dataset->features[f];

		mlops_json_open(json, '{');
		mlops_json_member_string(json, "name", feature->name);
		if (feature->categories != NULL)
			write_category(json, dataset->columns[f], dataset->n_rows, feature->n_categories,
				       counts);
		else
			write_number(json, dataset->columns[f], dataset->n_rows, present, spare);
		mlops_json_close(json, '}');
	}
	mlops_json_close(json, ']');
	mlops_json_close(json, '}');
	fine = !json->out->failed;

done:
	free(present);
	free(spare);
	free(counts);
	return fine || mlops_error_set_memory(error);
}
