/*
 * The values of a feature as codes of one byte: what trees look for is an order with few places, not a number.
 *
 * A feature of at most 255 distinct values has a code for each, so that no split is lost; others are cut into
 * bins of about equally many rows.  A bin knows its smallest and largest value, for thresholds to lie half-way between
 * values that exist.
 */
#ifndef MLOPS_MODEL_RANDOM_FOREST_BINS_H
#define MLOPS_MODEL_RANDOM_FOREST_BINS_H

#include "base/error.h"
#include "base/thread.h"
#include "rows/matrix.h"

#include <stdbool.h>

#define MLOPS_MAX_BINS 255
#define MLOPS_MISSING_CODE 255

struct mlops_bins {
	size_t n_features, n_rows;
	uint8_t *codes;  /* [n_features][n_rows], ascending with the value */
	float *smallest; /* [n_features][MLOPS_MAX_BINS] */
	float *largest;
	size_t *n_bins;  /* [n_features] */
};

/* One feature a task. */
bool mlops_bins_make(const struct mlops_matrix *matrix, struct mlops_pool *pool, struct mlops_bins *bins,
		     struct mlops_error *error);
void mlops_bins_release(struct mlops_bins *bins);

/* The float32 half-way between the two bins' values: at least the lower, below the higher.  lower < higher. */
float mlops_bins_threshold(const struct mlops_bins *bins, size_t feature, size_t lower, size_t higher);

#endif
