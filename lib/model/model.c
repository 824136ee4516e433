#include "model/model.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
	[MLOPS_ANOMALY_DETECTION] = "anomaly_detection",
	[MLOPS_FAILURE_PREDICTION] = "failure_prediction",
	[MLOPS_TIME_SERIES_FORECAST] = "time_series_forecast",
};

enum { N_KINDS = sizeof kind_names / sizeof *kind_names };

const char *mlops_kind_name(enum mlops_kind kind)
{
	return (size_t)kind < N_KINDS ? kind_names[kind] : "unknown";
}

bool mlops_kind_from_name(const char *name, enum mlops_kind *kind, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];
	const char *nearest;

	for (size_t k = 0; k < N_KINDS; k++) {
		if (strcmp(name, kind_names[k]) == 0) {
			*kind = (enum mlops_kind)k;
			return true;
		}
	}
	mlops_text_mask(quoted, name, strlen(name));
	nearest = mlops_text_nearest(name, kind_names, N_KINDS);
	if (nearest != NULL)
		return mlops_error_set(error, MLOPS_USAGE, "model kind '%s' is unknown; did you mean '%s'?",
				       quoted, nearest);
	return mlops_error_set(error, MLOPS_USAGE, "model kind '%s' is unknown; there are %s, %s and %s", quoted,
			       kind_names[0], kind_names[1], kind_names[2]);
}

static void free_strings(char **strings, size_t n)
{
	for (size_t i = 0; strings != NULL && i < n; i++)
		free(strings[i]);
	free(strings);
}

static char **copy_strings(char *const *strings, size_t n)
{
	char **copy = calloc(n > 0 ? n : 1, sizeof *copy);

	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(strings[i]);
		if (copy[i] == NULL) {
			free_strings(copy, n);
			copy = NULL;
		}
	}
	return copy;
}

void mlops_metadata_release(struct mlops_metadata *metadata)
{
	free_strings(metadata->keys, metadata->n);
	free_strings(metadata->values, metadata->n);
	*metadata = (struct mlops_metadata){ .n = 0 };
}

const char *mlops_metadata_get(const struct mlops_metadata *metadata, const char *key)
{
	for (size_t i = 0; i < metadata->n; i++) {
		if (strcmp(metadata->keys[i], key) == 0)
			return metadata->values[i];
	}
	return NULL;
}

static bool append_metadata(struct mlops_metadata *metadata, const char *key, char *value)
{
	size_t bytes = (metadata->n + 1) * sizeof(char *);
	char **keys = realloc(metadata->keys, bytes);
	char **values;

	if (keys == NULL)
		return false;
	metadata->keys = keys;
	values = realloc(metadata->values, bytes);
	if (values == NULL)
		return false;
	metadata->values = values;
	keys[metadata->n] = strdup(key);
	if (keys[metadata->n] == NULL)
		return false;
	values[metadata->n++] = value;
	return true;
}

bool mlops_metadata_set(struct mlops_metadata *metadata, const char *key, const char *value,
			struct mlops_error *error)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < metadata->n; i++) {
		if (strcmp(metadata->keys[i], key) == 0) {
			free(metadata->values[i]);
			metadata->values[i] = copy;
			return true;
		}
	}
	if (!append_metadata(metadata, key, copy)) {
		free(copy);
		return mlops_error_set_memory(error);
	}
	return true;
}

void mlops_model_free(struct mlops_model *model)
{
	if (model == NULL)
		return;
	mlops_features_free(model->features, model->trees.n_features);
	free_strings(model->classes, model->n_classes);
	mlops_metadata_release(&model->metadata);
	mlops_trees_release(&model->trees);
	mlops_forecaster_free(model->forecaster);
	free(model);
}

bool mlops_model_set_features(struct mlops_model *model, const struct mlops_feature *features, size_t n,
			      struct mlops_error *error)
{
	struct mlops_feature *copy;

	if (n != model->trees.n_features)
		return mlops_error_set(error, MLOPS_BUG, "%zu names for %zu features", n,
				       model->trees.n_features);
	copy = calloc(n, sizeof *copy);
	if (copy == NULL)
		return mlops_error_set_memory(error);
	for (size_t f = 0; f < n; f++) {
		copy[f].name = strdup(features[f].name);
		if (copy[f].name == NULL)
			goto failed;
		if (features[f].categories == NULL)
			continue;
		copy[f].categories = copy_strings(features[f].categories, features[f].n_categories);
		if (copy[f].categories == NULL)
			goto failed;
		copy[f].n_categories = features[f].n_categories;
	}
	mlops_features_free(model->features, n);
	model->features = copy;
	return true;
failed:
	mlops_features_free(copy, n);
	return mlops_error_set_memory(error);
}

bool mlops_model_set_classes(struct mlops_model *model, char *const *classes, size_t n,
			     struct mlops_error *error)
{
	char **copy;

	if (n < 2 || model->trees.n_outputs != (n == 2 ? 1 : n))
		return mlops_error_set(error, MLOPS_BUG, "%zu classes for %zu outputs", n,
				       model->trees.n_outputs);
	copy = copy_strings(classes, n);
	if (copy == NULL)
		return mlops_error_set_memory(error);
	free_strings(model->classes, model->n_classes);
	model->classes = copy;
	model->n_classes = n;
	return true;
}

float mlops_model_anomaly_score(const struct mlops_model *model, float sum)
{
	/* in double and rounded once: the same float32 with every libm that is good to a double's last places
	 */
	return (float)exp2((double)(sum * model->score_exponent));
}

float mlops_model_anomaly_probability(const struct mlops_model *model, float score)
{
	double distance = ((double)score - (double)model->score_mean) / (double)model->score_deviation;

	/* Most rows are no further out than the mean: they need no erf. */
	return distance > 0 ? (float)erf(distance * M_SQRT1_2) : 0;
}

bool mlops_model_is_anomaly(const struct mlops_model *model, float sum)
{
	return sum <= model->threshold_sum;
}

size_t mlops_model_decide(const float *probabilities, size_t n_classes)
{
	size_t decided = 0;

	for (size_t k = 1; k < n_classes; k++)
		if (probabilities[k] > probabilities[decided])
			decided = k;
	return decided;
}

size_t mlops_model_probabilities(const struct mlops_model *model, const float *sums, float *probabilities)
{
	if (model->trees.n_outputs == 1) {
		float positive = sums[0] * model->probability_scale;

		probabilities[0] = 1 - positive;
		probabilities[1] = positive;
	} else {
		for (size_t k = 0; k < model->n_classes; k++)
			probabilities[k] = sums[k] * model->probability_scale;
	}
	return mlops_model_decide(probabilities, model->n_classes);
}

static size_t strings_memory(char *const *strings, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; strings != NULL && i < n; i++)
		bytes += sizeof *strings + strlen(strings[i]) + 1;
	return bytes;
}

size_t mlops_model_memory(const struct mlops_model *model)
{
	const struct mlops_trees *trees = &model->trees;
	size_t bytes = sizeof *model;

	bytes += trees->n_nodes * sizeof *trees->nodes;
	bytes += (trees->n_trees + 1) * sizeof *trees->tree_start;
	bytes += trees->n_leaves * trees->n_outputs * sizeof *trees->leaf_values;
	for (size_t f = 0; model->features != NULL && f < trees->n_features; f++) {
		const struct mlops_feature *feature = &model->features[f];

		bytes += sizeof *feature + strlen(feature->name) + 1;
		bytes += strings_memory(feature->categories, feature->n_categories);
	}
	bytes += strings_memory(model->classes, model->n_classes);
	bytes += model->forecaster != NULL ? mlops_forecaster_memory(model->forecaster) : 0;
	bytes += strings_memory(model->metadata.keys, model->metadata.n);
	bytes += strings_memory(model->metadata.values, model->metadata.n);
	return bytes;
}
