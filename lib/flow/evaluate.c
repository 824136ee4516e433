#include "flow/evaluate.h"

#include "base/text.h"
#include "model/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void mlops_metrics_add(struct mlops_metrics *metrics, const char *name, double value)
{
	if (!isfinite(value) || metrics->n == MLOPS_MAX_METRICS)
		return;
	metrics->items[metrics->n].name = name;
	metrics->items[metrics->n].value = value;
	metrics->n++;
}

double mlops_metrics_get(const struct mlops_metrics *metrics, const char *name)
{
	for (size_t i = 0; i < metrics->n; i++)
		if (strcmp(metrics->items[i].name, name) == 0)
			return metrics->items[i].value;
	return NAN;
}

void mlops_metrics_write(const struct mlops_metrics *metrics, struct mlops_json *json)
{
	mlops_json_open(json, '{');
	for (size_t i = 0; i < metrics->n; i++) {
		mlops_json_key(json, metrics->items[i].name);
		mlops_json_float(json, (float)metrics->items[i].value);
	}
	mlops_json_close(json, '}');
}

static uint32_t target_of(const struct mlops_matrix *matrix, const uint32_t *target, size_t row)
{
	return target[matrix->rows != NULL ? matrix->rows[row] : row];
}

/* The code that means "anomaly"; UINT32_MAX when the labels know only normal rows. */
static uint32_t anomaly_code(char *const *classes, size_t n_classes)
{
	if (n_classes == 2)
		return 1;
	if (n_classes == 1 && (strcmp(classes[0], "1") == 0 || mlops_text_equal_ignore_case(classes[0], strlen(classes[0]),
											    "true", 4)))
		return 0;
	return UINT32_MAX;
}

static void add_binary(struct mlops_metrics *metrics, const struct mlops_binary_metrics *binary)
{
	mlops_metrics_add(metrics, "accuracy", binary->accuracy);
	mlops_metrics_add(metrics, "roc_auc", binary->roc_auc);
	mlops_metrics_add(metrics, "average_precision", binary->average_precision);
	mlops_metrics_add(metrics, "precision", binary->precision);
	mlops_metrics_add(metrics, "recall", binary->recall);
	mlops_metrics_add(metrics, "f1", binary->f1);
	mlops_metrics_add(metrics, "brier", binary->brier);
	mlops_metrics_add(metrics, "log_loss", binary->log_loss);
}

static bool evaluate_anomalies(const struct mlops_model *model, const struct mlops_matrix *matrix, const float *sums,
			       const uint32_t *target, char *const *classes, size_t n_classes,
			       struct mlops_metrics *metrics, struct mlops_error *error)
{
	size_t n = matrix->n_rows;
	float *scores = malloc(n * sizeof *scores);
	uint8_t *decided = malloc(n);
	uint8_t *positive = malloc(n);
	size_t anomalies = 0;
	bool ok = false;

	if (scores == NULL || decided == NULL || positive == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	if (target != NULL && n_classes > 2) {
		mlops_error_set(error, MLOPS_DATA,
				"the target has %zu classes; anomaly_detection is evaluated against two, normal and anomaly",
				n_classes);
		goto out;
	}
	for (size_t r = 0; r < n; r++) {
		scores[r] = mlops_model_anomaly_score(model, sums[r]);
		decided[r] = mlops_model_is_anomaly(model, sums[r]);
		anomalies += decided[r];
	}
	if (target != NULL) {
		uint32_t code = anomaly_code(classes, n_classes);
		struct mlops_binary_metrics binary;

		for (size_t r = 0; r < n; r++)
			positive[r] = target_of(matrix, target, r) == code;
		if (!mlops_evaluate_binary(scores, positive, decided, n, false, &binary, error))
			goto out;
		add_binary(metrics, &binary);
	}
	mlops_metrics_add(metrics, "anomaly_rate", (double)anomalies / (double)n);
	ok = true;
out:
	free(scores);
	free(decided);
	free(positive);
	return ok;
}

static bool evaluate_failures(const struct mlops_model *model, const struct mlops_matrix *matrix, const float *sums,
			      const uint32_t *target, struct mlops_metrics *metrics, struct mlops_error *error)
{
	size_t n = matrix->n_rows;
	size_t k = model->n_classes;
	float *probabilities = malloc(n * k * sizeof *probabilities);
	float *scores = malloc(n * sizeof *scores);
	uint32_t *truth = malloc(n * sizeof *truth);
	uint32_t *decided = malloc(n * sizeof *decided);
	uint8_t *positive = malloc(n);
	uint8_t *alarm = malloc(n);
	bool ok = false;

	if (probabilities == NULL || scores == NULL || truth == NULL || decided == NULL || positive == NULL ||
	    alarm == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t r = 0; r < n; r++) {
		decided[r] = (uint32_t)mlops_model_probabilities(model, sums + r * model->trees.n_outputs,
								 probabilities + r * k);
		truth[r] = target_of(matrix, target, r);
	}
	if (k == 2) {
		struct mlops_binary_metrics binary;
		size_t failures = 0;

		for (size_t r = 0; r < n; r++) {
			scores[r] = probabilities[r * 2 + 1];
			positive[r] = truth[r] == 1;
			alarm[r] = decided[r] == 1;
			failures += positive[r];
		}
		if (!mlops_evaluate_binary(scores, positive, alarm, n, true, &binary, error))
			goto out;
		add_binary(metrics, &binary);
		mlops_metrics_add(metrics, "positive_rate", (double)failures / (double)n);
	} else {
		struct mlops_multiclass_metrics many;

		if (!mlops_evaluate_multiclass(probabilities, truth, decided, n, k, &many, error))
			goto out;
		mlops_metrics_add(metrics, "accuracy", many.accuracy);
		mlops_metrics_add(metrics, "roc_auc", many.roc_auc);
		mlops_metrics_add(metrics, "macro_f1", many.macro_f1);
		mlops_metrics_add(metrics, "brier", many.brier);
		mlops_metrics_add(metrics, "log_loss", many.log_loss);
	}
	ok = true;
out:
	free(probabilities);
	free(scores);
	free(truth);
	free(decided);
	free(positive);
	free(alarm);
	return ok;
}

bool mlops_flow_evaluate(const struct mlops_model *model, const struct mlops_matrix *matrix, const uint32_t *target,
			 char *const *classes, size_t n_classes, struct mlops_pool *pool, struct mlops_metrics *metrics,
			 struct mlops_error *error)
{
	size_t outputs = model->trees.n_outputs;
	float *sums;
	bool ok;

	if (matrix->n_rows == 0)
		return mlops_error_set(error, MLOPS_DATA, "no rows to evaluate on");
	if (matrix->n_columns != model->trees.n_features)
		return mlops_error_set(error, MLOPS_DATA, "the model takes %zu features, the rows have %zu",
				       model->trees.n_features, matrix->n_columns);
	if (target == NULL && model->kind == MLOPS_FAILURE_PREDICTION)
		return mlops_error_set(error, MLOPS_DATA, "failure_prediction can't be evaluated without a target");
	if (matrix->n_rows > SIZE_MAX / sizeof *sums / outputs)
		return mlops_error_set_memory(error);
	sums = malloc(matrix->n_rows * outputs * sizeof *sums);
	if (sums == NULL)
		return mlops_error_set_memory(error);
	ok = mlops_trees_sum(&model->trees, matrix, pool, sums, error) &&
	     (model->kind == MLOPS_ANOMALY_DETECTION
		      ? evaluate_anomalies(model, matrix, sums, target, classes, n_classes, metrics, error)
		      : evaluate_failures(model, matrix, sums, target, metrics, error));
	free(sums);
	return ok;
}

bool mlops_flow_select_for_model(const struct mlops_model *model, const struct mlops_reader *reader,
				 const struct mlops_select_options *select, struct mlops_selection *selection,
				 struct mlops_error *error)
{
	struct mlops_select_options options = *select;
	size_t n = model->trees.n_features;
	const char **names = NULL;
	bool ok;

	if (model->features != NULL) {
		names = calloc(n > 0 ? n : 1, sizeof *names);
		if (names == NULL)
			return mlops_error_set_memory(error);
		for (size_t f = 0; f < n; f++)
			names[f] = model->features[f].name;
		options.features = names;
		options.n_features = n;
	}
	options.texts = names != NULL;
	ok = mlops_select(reader, &options, selection, error);
	if (ok && selection->n_features != n)
		ok = mlops_error_set_at(
			error, MLOPS_DATA, reader->name, 0,
			"the model takes %zu features without names, the rows have %zu number columns", n,
			selection->n_features);
	free(names);
	return ok;
}

/* Turns a dataset's own class codes into the model's. */
static bool adopt_classes(const struct mlops_model *model, struct mlops_dataset *dataset, struct mlops_error *error)
{
	uint32_t codes[MLOPS_MAX_CLASSES];

	for (size_t c = 0; c < dataset->n_classes; c++) {
		size_t found = 0;

		while (found < model->n_classes && strcmp(dataset->classes[c], model->classes[found]) != 0)
			found++;
		if (found == model->n_classes)
			return mlops_error_set(error, MLOPS_DATA, "the target has the class '%s', which the model does not know",
					       dataset->classes[c]);
		codes[c] = (uint32_t)found;
	}
	for (size_t r = 0; r < dataset->n_rows; r++)
		dataset->target[r] = codes[dataset->target[r]];
	return true;
}

struct mlops_dataset *mlops_flow_read_for_model(const struct mlops_model *model, struct mlops_reader *reader,
						const struct mlops_select_options *select, struct mlops_error *error)
{
	struct mlops_selection selection = { 0 };
	struct mlops_dataset like = {
		.n_features = model->trees.n_features,
		.features = model->features,
		.classes = model->classes,
		.n_classes = model->n_classes,
	};
	struct mlops_dataset_options dataset_options = { .like = model->features != NULL ? &like : NULL };
	struct mlops_dataset *dataset = NULL;

	if (mlops_flow_select_for_model(model, reader, select, &selection, error))
		dataset = mlops_dataset_read(reader, &selection, &dataset_options, error);
	mlops_selection_release(&selection);
	if (dataset != NULL && model->features == NULL && model->n_classes > 0 && dataset->target != NULL &&
	    !adopt_classes(model, dataset, error)) {
		mlops_dataset_free(dataset);
		dataset = NULL;
	}
	return dataset;
}
