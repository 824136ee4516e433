#include "model/fit.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

struct permutation {
	const struct mlops_model *model;
	const struct mlops_matrix *matrix;
	const uint32_t *classes;
	struct mlops_pool *pool;
	const float **columns; /* the matrix's, one of them shuffled */
	float *shuffled;       /* as long as the matrix's rows reach */
	uint32_t *order;       /* [n_rows] */
	float *sums;           /* [n_rows * n_outputs] */
	float *probabilities;  /* [n_classes] */
};

static size_t column_index(const struct mlops_matrix *matrix, size_t row)
{
	return matrix->rows != NULL ? matrix->rows[row] : row;
}

static bool measure_accuracy(const struct permutation *permutation, double *accuracy,
			     struct mlops_error *error)
{
	const struct mlops_model *model = permutation->model;
	struct mlops_matrix matrix = *permutation->matrix;
	size_t right = 0;

	matrix.columns = permutation->columns;
	if (!mlops_trees_sum(&model->trees, &matrix, permutation->pool, permutation->sums, error))
		return false;
	for (size_t r = 0; r < matrix.n_rows; r++) {
		const float *sums = permutation->sums + r * model->trees.n_outputs;

		right += mlops_model_probabilities(model, sums, permutation->probabilities) ==
			 permutation->classes[column_index(&matrix, r)];
	}
	*accuracy = (double)right / (double)matrix.n_rows;
	return true;
}

/* Fisher-Yates; a row that the matrix has twice gets one value. */
static void shuffle_feature(struct permutation *permutation, size_t feature, uint64_t seed)
{
	const struct mlops_matrix *matrix = permutation->matrix;
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_PERMUTE, (uint32_t)feature);
	uint32_t *order = permutation->order;
	uint32_t n = (uint32_t)matrix->n_rows;

	for (uint32_t r = 0; r < n; r++)
		order[r] = r;
	for (uint32_t r = n; r > 1; r--) {
		uint32_t other = mlops_rng_below(&rng, r);
		uint32_t row = order[r - 1];

		order[r - 1] = order[other];
		order[other] = row;
	}
	for (uint32_t r = 0; r < n; r++)
		permutation->shuffled[column_index(matrix, r)] = mlops_matrix_at(matrix, order[r], feature);
}

bool mlops_permutation_importance(const struct mlops_model *model, const struct mlops_matrix *matrix,
				  const uint32_t *classes, uint64_t seed, struct mlops_pool *pool,
				  double *importance, struct mlops_error *error)
{
	struct permutation permutation = {
		.model = model, .matrix = matrix, .classes = classes, .pool = pool
	};
	size_t n_features = model->trees.n_features;
	size_t length = 0;
	double accuracy, shuffled_accuracy;
	bool done = false;

	if (model->kind != MLOPS_FAILURE_PREDICTION)
		return mlops_error_set(error, MLOPS_BUG, "%s has no accuracy", mlops_kind_name(model->kind));
	if (matrix->n_rows == 0 || matrix->n_rows > UINT32_MAX)
		return mlops_error_set(error, MLOPS_DATA, "permutation importance of %zu rows",
				       matrix->n_rows);
	if (matrix->n_columns < n_features)
		return mlops_error_set(error, MLOPS_DATA, "the model takes %zu features, and there are %zu",
				       n_features, matrix->n_columns);
	for (size_t r = 0; r < matrix->n_rows; r++) {
		if (column_index(matrix, r) >= length)
			length = column_index(matrix, r) + 1;
	}
	permutation.columns = calloc(matrix->n_columns, sizeof *permutation.columns);
	permutation.shuffled = calloc(length, sizeof *permutation.shuffled);
	permutation.order = calloc(matrix->n_rows, sizeof *permutation.order);
	permutation.sums = calloc(matrix->n_rows, model->trees.n_outputs * sizeof *permutation.sums);
	permutation.probabilities = calloc(model->n_classes, sizeof *permutation.probabilities);
	if (permutation.columns == NULL || permutation.shuffled == NULL || permutation.order == NULL ||
	    permutation.sums == NULL || permutation.probabilities == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	memcpy(permutation.columns, matrix->columns, matrix->n_columns * sizeof *permutation.columns);
	if (!measure_accuracy(&permutation, &accuracy, error))
		goto out;
	for (size_t f = 0; f < n_features; f++) {
		shuffle_feature(&permutation, f, seed);
		permutation.columns[f] = permutation.shuffled;
		if (!measure_accuracy(&permutation, &shuffled_accuracy, error))
			goto out;
		permutation.columns[f] = matrix->columns[f];
		importance[f] = accuracy - shuffled_accuracy;
	}
	done = true;
out:
	free(permutation.columns);
	free(permutation.shuffled);
	free(permutation.order);
	free(permutation.sums);
	free(permutation.probabilities);
	return done;
}
