#include "flow/explain.h"

#include "base/json_writer.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct mlops_explainer {
	const struct mlops_model *model;
	size_t most;
	float *usual; /* [n_features] */
};

/* The middle one of the quantiles, or the most frequent category. */
static float usual_value(const json_t *feature)
{
	const json_t *quantiles = json_object_get(feature, "quantiles"), *shares = json_object_get(feature, "shares");
	const json_t *middle = json_array_get(quantiles, json_array_size(quantiles) / 2);
	size_t best = 0;

	if (json_is_number(middle)) {
		float value = (float)json_number_value(middle);

		return isfinite(value) ? value : NAN;
	}
	for (size_t i = 1; i < json_array_size(shares); i++)
		if (json_number_value(json_array_get(shares, i)) > json_number_value(json_array_get(shares, best)))
			best = i;
	return json_number_value(json_array_get(shares, best)) > 0 ? (float)best : NAN;
}

static bool find_usual(struct mlops_explainer *explainer, const json_t *profile, struct mlops_error *error)
{
	const struct mlops_model *model = explainer->model;
	const json_t *features = json_object_get(profile, "features");

	for (size_t f = 0; f < model->trees.n_features; f++) {
		const char *name = model->features[f].name;
		const json_t *found = NULL;

		for (size_t i = 0; found == NULL && i < json_array_size(features); i++) {
			const char *other = json_string_value(json_object_get(json_array_get(features, i), "name"));

			if (other != NULL && strcmp(other, name) == 0)
				found = json_array_get(features, i);
		}
		if (found == NULL)
			return mlops_error_set(error, MLOPS_DATA,
					       "the model's profile has no feature \"%s\", so its usual value is not known", name);
		explainer->usual[f] = usual_value(found);
	}
	return true;
}

struct mlops_explainer *mlops_explainer_new(const struct mlops_model *model, size_t most, struct mlops_error *error)
{
	const char *profile = mlops_metadata_get(&model->metadata, "profile");
	struct mlops_explainer *explainer;
	json_t *json = NULL;
	bool ok = false;

	if (model->features == NULL || profile == NULL) {
		mlops_error_set(error, MLOPS_DATA,
				"the model does not say what its training data looked like, so nothing can be explained; "
				"models of mlops-train do");
		return NULL;
	}
	explainer = calloc(1, sizeof *explainer);
	if (explainer != NULL)
		explainer->usual = calloc(model->trees.n_features, sizeof *explainer->usual);
	if (explainer == NULL || explainer->usual == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	explainer->model = model;
	explainer->most = most;
	json = json_loads(profile, 0, NULL);
	if (json == NULL)
		mlops_error_set(error, MLOPS_DATA, "the model's profile is not JSON");
	else
		ok = find_usual(explainer, json, error);
out:
	json_decref(json);
	if (ok)
		return explainer;
	mlops_explainer_free(explainer);
	return NULL;
}

void mlops_explainer_free(struct mlops_explainer *explainer)
{
	if (explainer == NULL)
		return;
	free(explainer->usual);
	free(explainer);
}

float mlops_explainer_usual(const struct mlops_explainer *explainer, size_t feature)
{
	return explainer->usual[feature];
}

/* *label is decided where it is SIZE_MAX. */
static float score_of(const struct mlops_model *model, const float *sums, float *probabilities, size_t *label)
{
	size_t decided;

	if (model->kind == MLOPS_ANOMALY_DETECTION)
		return mlops_model_anomaly_score(model, sums[0]);
	decided = mlops_model_probabilities(model, sums, probabilities);
	if (*label == SIZE_MAX)
		*label = model->n_classes == 2 ? 1 : decided;
	return probabilities[*label];
}

bool mlops_explainer_effects(const struct mlops_explainer *explainer, const struct mlops_matrix *matrix, const float *sums,
			     float *effects, struct mlops_error *error)
{
	const struct mlops_model *model = explainer->model;
	size_t n = matrix->n_rows, n_features = model->trees.n_features, n_outputs = model->trees.n_outputs;
	const float **columns = calloc(n_features, sizeof *columns);
	float *usual = reallocarray(NULL, n + 1, sizeof *usual);
	float *changed = reallocarray(NULL, n + 1, n_outputs * sizeof *changed);
	float *probabilities = calloc(model->n_classes + 1, sizeof *probabilities);
	struct mlops_matrix other = *matrix;
	bool ok = columns != NULL && usual != NULL && changed != NULL && probabilities != NULL;

	if (!ok)
		mlops_error_set_memory(error);
	else
		memcpy(columns, matrix->columns, n_features * sizeof *columns);
	other.columns = columns;
	for (size_t f = 0; ok && f < n_features; f++) {
		for (size_t r = 0; r < n; r++)
			usual[r] = explainer->usual[f];
		columns[f] = usual;
		ok = mlops_trees_sum(&model->trees, &other, NULL, changed, error);
		columns[f] = matrix->columns[f];
		for (size_t r = 0; ok && r < n; r++) {
			size_t label = SIZE_MAX;
			float score = score_of(model, sums + r * n_outputs, probabilities, &label);

			effects[f * n + r] = score - score_of(model, changed + r * n_outputs, probabilities, &label);
		}
	}
	free(columns);
	free(usual);
	free(changed);
	free(probabilities);
	return ok;
}

/* The feature that is written behind last (SIZE_MAX: the first), or SIZE_MAX. */
static size_t next_feature(const float *effects, size_t n_rows, size_t n_features, size_t row, size_t last)
{
	size_t best = SIZE_MAX;

	for (size_t f = 0; f < n_features; f++) {
		float size = fabsf(effects[f * n_rows + row]);
		float limit = last == SIZE_MAX ? INFINITY : fabsf(effects[last * n_rows + row]);

		if (!(size > 0) || size > limit || (size == limit && f <= last))
			continue;
		if (best == SIZE_MAX || size > fabsf(effects[best * n_rows + row]))
			best = f;
	}
	return best;
}

void mlops_explainer_write(const struct mlops_explainer *explainer, const float *effects, size_t n_rows, size_t row,
			   struct mlops_buffer *out)
{
	const struct mlops_model *model = explainer->model;
	struct mlops_json json = { .out = out };
	size_t feature = SIZE_MAX;

	mlops_json_open(&json, '[');
	for (size_t i = 0; i < explainer->most; i++) {
		feature = next_feature(effects, n_rows, model->trees.n_features, row, feature);
		if (feature == SIZE_MAX)
			break;
		mlops_json_open(&json, '{');
		mlops_json_member_string(&json, "feature", model->features[feature].name);
		mlops_json_key(&json, "effect");
		mlops_json_float(&json, effects[feature * n_rows + row]);
		mlops_json_close(&json, '}');
	}
	mlops_json_close(&json, ']');
}
