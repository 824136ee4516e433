/*
 * What the parts of the random forest share: random_forest.c sets up, draws the bootstraps and sums up what
 * the rows left out say; random_forest_tree.c grows one tree; random_forest_split.c finds the split of a
 * node.
 */
#ifndef MLOPS_MODEL_RANDOM_FOREST_H
#define MLOPS_MODEL_RANDOM_FOREST_H

#include "base/rng.h"
#include "kernel/table.h"
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
	size_t min_leaf;      /* different rows of a leaf, as scikit-learn's min_samples_leaf counts them */
	size_t max_depth;     /* SIZE_MAX: no limit */
	float scale;	      /* leaf values are multiples of 1/scale */
	const double *purity; /* see struct mlops_small_node */
	const struct mlops_kernels *kernels;
};

/* Bins of a histogram; a split is then looked for in the codes of the two bins beside it, side by side. */
#define MLOPS_FOREST_BINS 256

/* A node of at most MLOPS_SMALL_DRAWS draws of two classes, and all nodes below it. */
struct mlops_forest_block {
	size_t begin, end;  /* its rows; begin == end: there is none */
	uint32_t number;    /* of the block in its tree, from 1 on */
	uint8_t *rows;	    /* [MLOPS_SMALL_DRAWS] numbers of rows in the block, ordered by node */
	uint16_t *weights;  /* [MLOPS_SMALL_DRAWS] */
	uint64_t *draws;    /* [MLOPS_SMALL_DRAWS] */
	uint64_t *positive; /* [MLOPS_SMALL_DRAWS] */
	struct mlops_small_order *orders; /* [n_features] */
	uint32_t *ordered; /* [n_features] number of the block that orders[feature] belongs to */
};

/* The codes of a node's rows, and of all nodes below it, side by side: what is left of the tree then stays in
 * a core's cache. */
struct mlops_forest_nook {
	size_t begin, end; /* its rows, whose numbers count from begin; begin == end: there is none */
	size_t most_rows;
	size_t stride;	 /* from one feature's codes to the next's */
	uint16_t *codes; /* [n_features * stride] */
};

/* A worker's own memory; histogram and distinct are all 0 between nodes. */
struct mlops_forest_scratch {
	uint16_t *weight;	      /* [n_rows] how often the bootstrap drew a row */
	struct mlops_grow_row *rows;  /* [n_rows] rows drawn at least once, ordered by node */
	struct mlops_grow_row *spare; /* [n_rows] */
	uint16_t *keys;		      /* [n_rows] codes of a node's rows */
	uint32_t *candidates;	      /* [n_features] the first so many may vary in the node */
	uint32_t *histogram;	      /* [(2 * MLOPS_FOREST_BINS + 1) * n_classes] */
	uint32_t *distinct;	      /* [2 * MLOPS_FOREST_BINS + 1] different rows in a bin */
	uint32_t *waiting;	      /* [MLOPS_FOREST_WAITING * n_classes] class counts of waiting nodes */
	uint32_t *counts; /* [4 * n_classes] of node, left side, best split's left side, missing values */
	float *leaf;	  /* [n_classes] */
	struct mlops_forest_nook nook;
	struct mlops_forest_block block;
};

bool mlops_forest_scratch_allocate(const struct mlops_forest_plan *plan,
				   struct mlops_forest_scratch *scratch);
void mlops_forest_scratch_release(struct mlops_forest_scratch *scratch);

/* Grows a tree on the n_rows rows in scratch->rows with their weights.  importance [n_features] gets each
 * feature's share of the decrease of impurity (all 0 when there is no split).  False when memory ran out. */
bool mlops_forest_grow_tree(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch,
			    size_t n_rows, struct mlops_rng *rng, struct mlops_tree_builder *builder,
			    double *importance);

/* A node still to be split: its rows and its place. */
struct mlops_forest_span {
	uint32_t node;
	uint32_t depth;
	size_t begin, end;
	uint32_t n_candidates;
};

/* The best split so far; its left side's class counts are in growing.best. */
struct mlops_forest_split {
	double score;
	uint32_t feature;
	size_t lower,
		higher; /* codes beside the threshold; MLOPS_FOREST_NO_CODE: only missing values go right */
	bool missing_left;
	bool saw_missing;
};

#define MLOPS_FOREST_NO_CODE SIZE_MAX

/* A tree on its way. */
struct mlops_forest_growing {
	const struct mlops_forest_plan *plan;
	struct mlops_forest_scratch *scratch;
	struct mlops_tree_builder *builder;
	struct mlops_rng *rng;
	double *importance;
	uint32_t *total, *left, *best, *missing; /* [n_classes] */
	struct mlops_forest_split split;
};

/* Finds growing.split and growing.best of an impure node, and takes features that are constant out of
 * span->n_candidates.  False when there is none. */
bool mlops_forest_find_split(struct mlops_forest_growing *growing, struct mlops_forest_span *span);

/* Orders the span's rows, those that go left first; returns where the others begin. */
size_t mlops_forest_partition(struct mlops_forest_growing *growing, const struct mlops_forest_span *span);

#endif
