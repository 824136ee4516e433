/*
 * What the two halves of the random forest share: random_forest.c sets up, draws the bootstraps and sums up
 * what the rows left out say; random_forest_tree.c grows one tree.
 */
#ifndef MLOPS_MODEL_RANDOM_FOREST_H
#define MLOPS_MODEL_RANDOM_FOREST_H

#include "base/rng.h"
#include "model/random_forest_bins.h"
#include "model/trees.h"

/* Children that wait while the other one is worked on: the smaller goes first, so that a wait halves the
 * rows. */
#define MLOPS_FOREST_WAITING 34

struct mlops_forest_plan {
	const struct mlops_bins *bins;
	const uint8_t *class_of; /* [bins->n_rows] */
	size_t n_classes;
	const double *class_weight; /* [n_classes] */
	size_t max_features;
	size_t min_leaf;  /* different rows of a leaf, as scikit-learn's min_samples_leaf counts them */
	size_t max_depth; /* SIZE_MAX: no limit */
	float scale;      /* leaf values are multiples of 1/scale */
};

/* A worker's own memory; histogram, distinct and touched are all 0 between nodes. */
struct mlops_forest_scratch {
	uint16_t *weight;     /* [n_rows] how often the bootstrap drew a row */
	uint32_t *rows;       /* [n_rows] rows drawn at least once, ordered by node */
	uint32_t *spare;      /* [n_rows] */
	uint32_t *candidates; /* [n_features] the first so many may vary in the node */
	uint32_t *histogram;  /* [(max_bins + 1) * n_classes] */
	uint32_t *distinct;   /* [max_bins + 1] different rows in a bin */
	struct mlops_kernel_touched touched;
	uint32_t *waiting; /* [MLOPS_FOREST_WAITING * n_classes] class counts of waiting nodes */
	uint32_t *counts;  /* [4 * n_classes] of node, left side, best split's left side, missing values */
	float *leaf;     /* [n_classes] */
};

bool mlops_forest_scratch_allocate(const struct mlops_forest_plan *plan,
				   struct mlops_forest_scratch *scratch);
void mlops_forest_scratch_release(struct mlops_forest_scratch *scratch);

/* Grows a tree on the n_rows rows in scratch->rows with their weights.  importance [n_features] gets each
 * feature's share of the decrease of impurity (all 0 when there is no split).  False when memory ran out. */
bool mlops_forest_grow_tree(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch,
			    size_t n_rows, struct mlops_rng *rng, struct mlops_tree_builder *builder,
			    double *importance);

#endif
