/*
 * Reads any bytes as a model file.  A model that comes out holds what the headers promise, scores rows (some
 * of missing values), and is the same after it was written and read again.
 */
#include "model/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 4
#define STEPS 3
#define FEATURES 64 /* models with more are not scored */

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void score(const struct mlops_model *model)
{
	static const float values[ROWS + 1] = { 0.0f, 1.5f, NAN, -3e38f, 100.0f };
	const float *columns[FEATURES];
	struct mlops_matrix matrix = { .columns = columns,
				       .n_columns = model->trees.n_features,
				       .n_rows = ROWS };
	float probabilities[MLOPS_MAX_CLASSES], *sums;
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (model->trees.n_features > FEATURES)
		return;
	for (size_t f = 0; f < model->trees.n_features; f++)
		columns[f] = values + f % 2;
	sums = calloc(ROWS * model->trees.n_outputs, sizeof(*sums));
	expect(sums != NULL && mlops_trees_sum(&model->trees, &matrix, NULL, sums, &error));
	for (size_t r = 0; r < ROWS; r++) {
		if (model->kind == MLOPS_ANOMALY_DETECTION) {
			float result = mlops_model_anomaly_score(model, sums[r]);

			expect(result >= 0 && result <= 1);
			result = mlops_model_anomaly_probability(model, result);
			expect(result >= 0 && result <= 1);
			continue;
		}
		expect(mlops_model_probabilities(model, sums + r * model->trees.n_outputs, probabilities) <
		       model->n_classes);
		for (size_t k = 0; k < model->n_classes; k++)
			expect(probabilities[k] >= -1e-4f && probabilities[k] <= 1.0001f);
	}
	free(sums);
}

/* Ordinary values and the largest: what comes out is numbers in their order. */
static void forecast(const struct mlops_forecaster *forecaster)
{
	static const float values[] = { 0.0f, 1.5f, -3e38f, 3e38f, 100.0f };
	float numbers[3][ROWS * STEPS], *histories = calloc(ROWS * forecaster->length, sizeof(*histories));
	struct mlops_forecast answer = { numbers[0], numbers[1], numbers[2] };
	struct mlops_error error = MLOPS_ERROR_INIT;

	expect(histories != NULL);
	for (size_t r = 0; r < ROWS; r++)
		for (size_t t = 0; t < forecaster->length; t++)
			histories[r * forecaster->length + t] = values[t * r % 5];
	expect(mlops_forecaster_extend(forecaster, histories, ROWS, STEPS, 0.9, NULL, &answer, &error));
	for (size_t i = 0; i < ROWS * STEPS; i++)
		expect(isfinite(numbers[1][i]) && numbers[1][i] <= numbers[0][i] && numbers[0][i] <= numbers[2][i] &&
		       isfinite(numbers[2][i]));
	free(histories);
}

static void write_and_read(const struct mlops_model *model)
{
	struct mlops_buffer first = MLOPS_BUFFER_INIT, second = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_model *again;

	expect(mlops_onnx_write(model, &first, &error));
	again = mlops_onnx_read(first.data, first.length, "again", &error);
	/* probabilities of another program may be above 1 by a little more than we let our own be */
	if (again == NULL) {
		expect(model->probability_scale == 1 && strstr(error.message, "probability above 1") != NULL);
	} else {
		expect(mlops_onnx_write(again, &second, &error));
		expect(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
	}
	mlops_buffer_release(&first);
	mlops_buffer_release(&second);
	mlops_model_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_model *model = mlops_onnx_read(data, size, "fuzz.onnx", &error);

	if (model == NULL) {
		expect(error.code == MLOPS_DATA && error.message[0] != '\0');
		return 0;
	}
	if (model->kind == MLOPS_TIME_SERIES_FORECAST) {
		forecast(model->forecaster);
	} else {
		expect(mlops_trees_check(&model->trees, &error));
		score(model);
	}
	write_and_read(model);
	mlops_model_free(model);
	return 0;
}
