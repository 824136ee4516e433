/*
 * What the parts of the random forest share: random_forest.c sets up, draws the bootstraps and sums up what
 * the rows left out say; random_forest_tree.c grows one tree; random_forest_split.c finds the split of a
 * node, random_forest_block.c that of a node of few rows; random_forest_count.c counts the rows;
 * random_forest_share.c has a tree grown by several workers where trees are few.
 *
 * All that a split rests on are sums of integers over the node's rows, and random_forest_count.c is the one
 * place that makes them: histograms of drawn features, and of the codes beside the best split.  There they
 * are added up over the parts that a pool's workers count, and there they could be added up over machines
 * that have some of the rows each: every one would then choose the same splits.  What it needs apart from
 * sums is all rows of a node at once where they are few (random_forest_block.c), in any order.
 */
#ifndef MLOPS_MODEL_RANDOM_FOREST_H
#define MLOPS_MODEL_RANDOM_FOREST_H

#include "base/rng.h"
#include "base/thread.h"
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
	struct mlops_grow_cells cells; /* rows are counted where min_leaf asks for them */
	const double *class_weight;    /* [n_classes] */
	size_t max_features;
	size_t min_leaf;      /* different rows of a leaf, as scikit-learn's min_samples_leaf counts them */
	size_t max_depth;     /* SIZE_MAX: no limit */
	float scale;	      /* leaf values are multiples of 1/scale */
	const double *purity; /* see struct mlops_small_node */
	uint64_t seed;
	const struct mlops_kernels *kernels;
};

/* Bins of a histogram; a split is then looked for in the codes of the two bins beside it, side by side. */
#define MLOPS_FOREST_BINS 256

/* The codes of a node lie between its ancestors' splits, and where a bin was empty, further inside. */
struct mlops_forest_range {
	uint16_t least, most;
};

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

/* The codes of a node's rows, for all nodes below it: those of a row side by side, the rows in their order,
 * so that less memory is read for them than in the table, or in the nook around this one. */
struct mlops_forest_nook {
	size_t begin, end; /* its rows, whose numbers count from begin */
	size_t most_rows;
	uint16_t *codes; /* [most_rows * n_features] */
};

/* Nooks in one another; each has an eighth of the rows of the one around it at most. */
#define MLOPS_FOREST_MOST_NOOKS 8

/* Rows that the bootstrap drew, ordered by node; nodes that have none in common may be worked on at once. */
struct mlops_forest_rows {
	uint16_t *weight;	      /* [n_rows] how often a row was drawn */
	struct mlops_grow_row *rows;  /* [n_rows] */
	struct mlops_grow_row *spare; /* [n_rows] */
	uint16_t *keys;		      /* [n_rows] codes of a node's rows */
};

/* A node whose rows are few enough for one worker, and all below it: they are grown when the nodes above are
 * done, each with random numbers of its own, so that it does not show who grows them and when. */
struct mlops_forest_span {
	uint32_t node;
	uint32_t depth;
	size_t begin, end;
	uint32_t n_candidates;
};

struct mlops_forest_subtrees {
	struct mlops_forest_span *roots;  /* [n] */
	uint32_t *total;		  /* [n * width of cells] */
	uint32_t *candidates;		  /* [n * n_features] */
	struct mlops_forest_range *range; /* [n * n_features] */
	size_t n, capacity;
};

/* A worker's own memory; histograms are all 0 between nodes. */
struct mlops_forest_scratch {
	struct mlops_forest_rows rows;
	uint32_t *candidates;		  /* [n_features] the first so many may vary in the node */
	struct mlops_forest_range *range; /* [n_features] */
	uint32_t *histograms;		  /* [MLOPS_GROW_AT_ONCE * MLOPS_FOREST_HISTOGRAM * width of cells] */
	uint32_t *waiting; /* [MLOPS_FOREST_WAITING * width of cells] totals of waiting nodes */
	struct mlops_forest_range *waiting_range; /* [MLOPS_FOREST_WAITING * n_features] */
	uint32_t *counts;			  /* [6 * width of cells] see struct mlops_forest_growing */
	float *leaf;				  /* [n_classes] */
	struct mlops_forest_nook nooks[MLOPS_FOREST_MOST_NOOKS];
	size_t n_nooks, in_nooks; /* there are; the node that is being worked on is in so many */
	struct mlops_forest_block block;
	struct mlops_forest_subtrees subtrees;
};

/* Workers that grow a tree together: they count parts of large nodes, and have a subtree each. */
struct mlops_forest_team {
	struct mlops_pool *pool;
	struct mlops_forest_scratch *scratch; /* [workers] */
	size_t workers;
	size_t *left; /* [parts of a tree's rows + 1] rows that go left */
};

bool mlops_forest_team_allocate(struct mlops_forest_team *team, size_t n_rows);

/* Bins that a histogram has room for, the one of missing values among them. */
#define MLOPS_FOREST_HISTOGRAM (MLOPS_GROW_MOST_BINS + 1)

bool mlops_forest_scratch_allocate(const struct mlops_forest_plan *plan,
				   struct mlops_forest_scratch *scratch);
void mlops_forest_scratch_release(struct mlops_forest_scratch *scratch);

/* The decrease of impurity by the splits on each feature, in units of 2^-MLOPS_FOREST_DECREASE_BITS:
 * integers, so that the order of nodes does not show. */
#define MLOPS_FOREST_DECREASE_BITS 28

/* Grows a tree on the n_rows rows in scratch->rows with their weights. decrease [n_features], all 0.  False
 * when memory ran out. */
bool mlops_forest_grow_tree(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch,
			    size_t tree, size_t n_rows, struct mlops_tree_builder *builder,
			    uint64_t *decrease);
/* The same tree by a team, on the rows in its first worker's scratch. */
bool mlops_forest_share_tree(const struct mlops_forest_plan *plan, const struct mlops_forest_team *team,
			     size_t tree, size_t n_rows, struct mlops_tree_builder *builder,
			     uint64_t *decrease);

/* The best split so far; its left side's counts are in growing.best. */
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
	const struct mlops_forest_team *team; /* NULL: this worker alone */
	struct mlops_forest_rows rows;	      /* whoever's they are */
	struct mlops_tree_builder *builder;
	struct mlops_rng rng;
	uint64_t *decrease;
	/* [width of cells] counts of the node; of the split's left side and its missing values; of those of a
	 * feature that may become it; of what lies below a histogram */
	uint32_t *total, *best, *best_missing, *found, *found_missing, *below;
	struct mlops_forest_split split;
	bool in_subtree;
};

/* random_forest_tree.c: a tree's way, whose part 0 is the top and part i + 1 subtree i.  The top, which puts
 * off the subtrees; a subtree, whose root is the builder's node; the thresholds of all splits, when the tree
 * is done. */
struct mlops_forest_growing mlops_forest_start(const struct mlops_forest_plan *plan,
					       struct mlops_forest_scratch *scratch, size_t tree,
					       uint32_t part, struct mlops_tree_builder *builder,
					       uint64_t *decrease);
bool mlops_forest_grow_top(struct mlops_forest_growing *growing, size_t n_rows);
bool mlops_forest_grow_subtree(struct mlops_forest_growing *growing,
			       const struct mlops_forest_subtrees *subtrees, size_t number, uint32_t node);
void mlops_forest_set_thresholds(const struct mlops_bins *bins, struct mlops_tree_builder *builder);

/* Finds growing.split and growing.best of an impure node, and takes features that are constant out of
 * span->n_candidates.  False when there is none. */
bool mlops_forest_find_split(struct mlops_forest_growing *growing, struct mlops_forest_span *span);

/* Orders the span's rows, those that go left first; returns where the others begin. */
size_t mlops_forest_partition(struct mlops_forest_growing *growing, const struct mlops_forest_span *span);

/* random_forest_block.c: is the span a part of the block?  Makes it the block; offers splits of a feature
 * (false when it is constant in the node); says the one that was kept in codes; orders the rows. */
bool mlops_forest_in_block(const struct mlops_forest_growing *growing, const struct mlops_forest_span *span);
void mlops_forest_enter_block(struct mlops_forest_growing *growing, const struct mlops_forest_span *span);
bool mlops_forest_search_block(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			       uint32_t feature, struct mlops_small_split *best);
void mlops_forest_take_block_split(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
				   const struct mlops_small_split *found);
size_t mlops_forest_partition_block(const struct mlops_forest_growing *growing,
				    const struct mlops_forest_span *span);

/* Rows that a subtree has at most. */
size_t mlops_forest_subtree_rows(size_t n_rows);

/* random_forest_count.c: the codes of a node's rows: that of row r is at [r * step]. */
const uint16_t *mlops_forest_codes(const struct mlops_forest_growing *growing, uint32_t feature,
				   size_t *step);
/* Copies the codes of a subtree's node's rows where that pays, and gives the rows new numbers. */
void mlops_forest_enter_nook(struct mlops_forest_growing *growing, const struct mlops_forest_span *span);
/* Adds the node's rows to the windows' histograms; their codes are set here, their bins must be. */
void mlops_forest_count(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			const uint32_t *features, struct mlops_grow_window *windows, size_t n_windows);
/* rows.keys become the feature's. */
void mlops_forest_take_keys(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			    uint32_t feature);
/* Adds the node's rows with keys in the pair to a histogram. */
void mlops_forest_count_inside(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			       const struct mlops_grow_pair *pair, unsigned shift, uint32_t *counts);
/* Orders the node's rows by their keys. */
size_t mlops_forest_divide(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			   uint32_t last, bool missing_left);

#endif
