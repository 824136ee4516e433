#include "check/table_profile.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A model's profile has shares; as counts they are of this many. */
#define PARTS 1000000000.0
#define MOST_ROWS ((uint64_t)1 << 53) /* of which every number is a double */

void mlops_table_profile_free(struct mlops_table_profile *profile)
{
	if (profile == NULL)
		return;
	for (size_t c = 0; c < profile->n_columns; c++) {
		struct mlops_profiled_column *column = &profile->columns[c];

		for (size_t i = 0; i < column->n_texts; i++)
			free(column->texts[i]);
		free(column->texts);
		free(column->counts);
		free(column->name);
		mlops_column_figures_release(&column->figures);
	}
	free(profile->columns);
	free(profile);
}

const struct mlops_profiled_column *mlops_table_profile_find(const struct mlops_table_profile *profile,
							     const char *name)
{
	for (size_t c = 0; c < profile->n_columns; c++)
		if (strcmp(profile->columns[c].name, name) == 0)
			return &profile->columns[c];
	return NULL;
}

static double number_in(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Between two quantiles lies as much as their shares are apart; it stands at the upper one, half of it at the
 * ends. */
static bool read_quantiles(const json_t *quantiles, struct mlops_column_figures *figures)
{
	size_t n = json_array_size(quantiles);
	struct mlops_points *points = &figures->points;

	points->values = calloc(n + 1, sizeof *points->values);
	points->counts = calloc(n + 1, sizeof *points->counts);
	if (points->values == NULL || points->counts == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		float value = (float)json_number_value(json_array_get(quantiles, i));
		uint64_t share = (uint64_t)(PARTS / (double)(n - 1) * (i == 0 || i + 1 == n ? 0.5 : 1));

		if (points->n == 0 || value > points->values[points->n - 1])
			points->values[points->n++] = value;
		points->counts[points->n - 1] += share;
		points->total += share;
	}
	figures->distinct = (double)points->n;
	return true;
}

/* The distribution itself; false when there is none, as in models of older versions, or it is none. */
static bool read_distribution(const json_t *feature, struct mlops_column_figures *figures)
{
	const json_t *pairs = json_object_get(feature, "points");
	size_t n = json_array_size(pairs);
	struct mlops_points points = { .values = calloc(n + 1, sizeof *points.values),
				       .counts = calloc(n + 1, sizeof *points.counts) };
	bool ok = n > 0 && points.values != NULL && points.counts != NULL;

	for (size_t i = 0; ok && i < n; i++) {
		const json_t *pair = json_array_get(pairs, i);
		float value = (float)json_number_value(json_array_get(pair, 0));
		json_int_t count = json_integer_value(json_array_get(pair, 1));

		ok = count > 0 && (uint64_t)count <= MOST_ROWS - points.total && isfinite(value) &&
		     (i == 0 || value > points.values[i - 1]);
		if (ok) {
			points.values[points.n] = value;
			points.counts[points.n++] = (uint64_t)count;
			points.total += (uint64_t)count;
		}
	}
	if (!ok) {
		mlops_points_release(&points);
		return false;
	}
	figures->points = points;
	figures->distinct = fmax(number_in(feature, "distinct"), (double)n);
	return true;
}

static bool read_shares(const json_t *shares, char **names, size_t n_names,
			struct mlops_profiled_column *column)
{
	size_t n = json_array_size(shares);

	column->is_text = true;
	column->texts = calloc(n + 1, sizeof *column->texts);
	column->counts = calloc(n + 1, sizeof *column->counts);
	if (column->texts == NULL || column->counts == NULL)
		return false;
	for (size_t i = 0; i < n && i < n_names; i++) {
		column->texts[i] = strdup(names[i]);
		if (column->texts[i] == NULL)
			return false;
		column->counts[i] = (uint64_t)(PARTS * json_number_value(json_array_get(shares, i)));
		column->n_texts++;
	}
	return true;
}

static bool read_feature(const json_t *feature, double rows, struct mlops_profiled_column *column,
			 char **(*category_names)(void *context, const char *feature, size_t *n),
			 void *context)
{
	const json_t *quantiles = json_object_get(feature, "quantiles");
	const json_t *shares = json_object_get(feature, "shares");
	struct mlops_column_figures *figures = &column->figures;
	double missing = number_in(feature, "missing");
	size_t n_names = 0;
	char **names;

	column->name = strdup(json_string_value(json_object_get(feature, "name")));
	column->rows = (uint64_t)rows;
	column->missing = (uint64_t)(rows * (missing > 0 ? missing : 0) + 0.5);
	if (column->name == NULL)
		return false;
	if (!json_is_array(quantiles)) {
		names = category_names(context, column->name, &n_names);
		return read_shares(shares, names, names != NULL ? n_names : 0, column);
	}
	figures->rows = column->rows;
	figures->missing = column->missing;
	figures->min = (float)number_in(feature, "min");
	figures->max = (float)number_in(feature, "max");
	figures->mean = number_in(feature, "mean");
	figures->deviation = number_in(feature, "deviation");
	if (json_array_size(quantiles) < 2 || isnan(figures->mean))
		return true;
	return read_distribution(feature, figures) || read_quantiles(quantiles, figures);
}

static bool is_profile(const json_t *root)
{
	const json_t *features = json_object_get(root, "features");
	size_t i;
	json_t *feature;

	if (!json_is_array(features) || !json_is_number(json_object_get(root, "rows")))
		return false;
	json_array_foreach(features, i,
			   feature) if (!json_is_string(json_object_get(feature, "name")) ||
					(!json_is_array(json_object_get(feature, "quantiles")) &&
					 !json_is_array(json_object_get(feature, "shares")))) return false;
	return true;
}

struct mlops_table_profile *mlops_table_profile_read(const char *json, const char *source,
						     char **(*category_names)(void *context,
									      const char *feature, size_t *n),
						     void *context, struct mlops_error *error)
{
	struct mlops_table_profile *profile = calloc(1, sizeof *profile);
	json_t *root = json_loads(json, 0, NULL);
	const json_t *features = json_object_get(root, "features");
	bool ok = true;

	if (!is_profile(root)) {
		mlops_error_set_at(error, MLOPS_DATA, source, 0,
				   "the model's profile of its training data can't be read");
		goto fail;
	}
	ok = profile != NULL &&
	     (profile->columns = calloc(json_array_size(features) + 1, sizeof *profile->columns)) != NULL;
	if (ok)
		profile->rows = (uint64_t)json_number_value(json_object_get(root, "rows"));
	for (size_t f = 0; ok && f < json_array_size(features); f++) {
		const json_t *feature = json_array_get(features, f);
		size_t n = json_array_size(json_object_get(feature, "quantiles"));

		profile->n_columns++;
		ok = read_feature(feature, (double)profile->rows, &profile->columns[f], category_names,
				  context);
		if (n > 1 && 1.0 / (double)(n - 1) > profile->error)
			profile->error = 1.0 / (double)(n - 1);
	}
	if (ok) {
		json_decref(root);
		return profile;
	}
	mlops_error_set_memory(error);
fail:
	json_decref(root);
	mlops_table_profile_free(profile);
	return NULL;
}
