/*
 * The values of a feature as codes of two bytes: what trees look for is an order, not a number.
 *
 * A feature with no more distinct values than there may be bins has a code for each, so that no split is
 * lost; others are cut into bins of about equally many rows.  A bin knows its smallest and largest value, for
 * thresholds to lie half-way between values that exist.
 */
#ifndef MLOPS_MODEL_RANDOM_FOREST_BINS_H
#define MLOPS_MODEL_RANDOM_FOREST_BINS_H

#include "base/error.h"
#include "base/thread.h"
#include "kernel/grow.h"
#include "rows/matrix.h"

#include <stdbool.h>

#define MLOPS_MAX_BINS MLOPS_GROW_MOST_CODES

struct mlops_bin {
	float smallest, largest; /* of its values */
};

struct mlops_binned {
	uint16_t *codes; /* [n_rows] ascending with the value; MLOPS_GROW_MISSING where there is none */
	bool any_missing;
	size_t n_bins;
	struct mlops_bin *bins; /* [n_bins] */
};

struct mlops_bins {
	size_t n_features, n_rows;
	struct mlops_binned *features;
	uint16_t *by_row; /* [n_rows * n_features] the same codes, those of a row side by side */
};

/* One feature a task; limit at most MLOPS_MAX_BINS. */
bool mlops_bins_make(const struct mlops_matrix *matrix, size_t limit, struct mlops_pool *pool,
		     struct mlops_bins *bins, struct mlops_error *error);
void mlops_bins_release(struct mlops_bins *bins);

/* The float32 half-way between two bins' values: at least the lower, below the higher.  lower < higher. */
float mlops_bins_threshold(const struct mlops_binned *binned, size_t lower, size_t higher);

#endif
