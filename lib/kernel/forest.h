/*
 * Kernels that send rows down the trees of a forest.
 *
 * Small trees become a program (Asadi, Lin, de Vries: "Runtime optimizations for tree-based machine learning
 * models", TKDE 26(9), 2014, take the branches out of trees in this way too): each node, children first,
 * chooses between what its two sides gave, for a block of rows at once.  That visits all nodes instead of one
 * a level, without a branch or a gathered load.  It is done in 16-bit integers: a value becomes the number of
 * the feature's thresholds that lie below it, so that x <= threshold is code <= number exactly.
 *
 * Large trees are walked, several rows or trees at once: the processor waits for many nodes at the same time.
 * For many rows a tree is unfolded first, into nodes that make a level six instructions: values and
 * thresholds are unsigned integers ordered as the floats are, so that a comparison leaves its answer in the
 * carry and the next node is left plus carry; and a leaf is a node whose left child is itself, so that rows
 * which are done wait there for the others.
 */
#ifndef MLOPS_KERNEL_FOREST_H
#define MLOPS_KERNEL_FOREST_H

#include "kernel/kernel.h"

#include <stdbool.h>

#define MLOPS_MUX_ROWS		512 /* rows of a block */
#define MLOPS_MUX_STRIDE	544 /* from one column to the next: no power of two, for the cache */
#define MLOPS_MUX_STACK		16  /* values of a row that may wait for their sibling */
#define MLOPS_MUX_MOST_CUTS	32766
#define MLOPS_MUX_GROUP         16
#define MLOPS_MUX_LEVELS        4 /* 2 * 16^4 >= MLOPS_MUX_MOST_CUTS */
#define MLOPS_MUX_MISSING_LEFT	(-1)
#define MLOPS_MUX_MISSING_RIGHT INT16_MAX

/*
 * A feature's thresholds for a search that compares 16 of them at once (Schlegel, Gemulla, Lehner: "k-ary
 * search on modern processors", DaMoN 2009).  Level 0 has the cuts in groups of 16; each further level has
 * the last cut of every group but the last of the level below, again in groups, down to one or two groups.
 * What a group lacks is infinity.
 */
struct mlops_mux_feature {
	const float *levels[MLOPS_MUX_LEVELS]; /* aligned to 64 bytes */
	uint32_t n_levels;
	uint32_t n_top;  /* groups of the last level: 1 or 2 */
	uint32_t n_cuts; /* at most MLOPS_MUX_MOST_CUTS; ascending, without repetition */
};

/* codes[r] = number of cuts below values[r] for r < n; `missing` for NaN.  Returns whether there was a NaN.
 */
typedef bool mlops_kernel_mux_codes(const struct mlops_mux_feature *feature, const float *values, size_t n,
				    int16_t missing, int16_t *codes);

enum mlops_mux_kind {
	MLOPS_MUX_LEAVES, /* push: both sides are leaves */
	MLOPS_MUX_LEAF,   /* the top is `first`, `second` a leaf; the result takes the top's place */
	MLOPS_MUX_JOIN,   /* pop `second`; the top is `first` */
	MLOPS_MUX_TWIG,   /* LEAVES and JOIN in one, of this and the next operation, which is passed over */
	MLOPS_MUX_ADD     /* pop the tree's value and add it to the sums */
};

/* Chooses `first` where (code ^ flip) <= cut, else `second`: so either of them may be a node's left side. */
struct mlops_mux_op {
	uint32_t column; /* feature * 2 + missing_left */
	uint8_t kind;
	int8_t flip; /* 0 or -1 */
	int16_t cut;
	uint16_t first, second; /* values of leaves */
};

/* Runs a program over MLOPS_MUX_ROWS rows, adding to sums; columns[c][r] are codes, at even addresses c those
 * with MLOPS_MUX_MISSING_RIGHT, at odd ones those with MLOPS_MUX_MISSING_LEFT. */
typedef void mlops_kernel_mux_run(const struct mlops_mux_op *ops, size_t n, const int16_t *const *columns,
				  uint32_t *sums);

/* leaves[r] = number of the leaf that row r reaches; rows[r * width + feature], n of them.  may_miss: a value
 * may be NaN. */
typedef void mlops_kernel_forest_leaves(const struct mlops_node *nodes, unsigned feature_bits,
					const float *rows, size_t width, size_t n, bool may_miss,
					uint32_t *leaves);

#define MLOPS_WALK_ROWS 16 /* rows of a group */

/* A node of an unfolded tree.  cut: the threshold's key, or the number of a leaf.  word = left <<
 * (column_bits + 5) | missing_left << (column_bits + 4) | column << 4, where column is the feature, or one
 * behind the last feature for leaves. */
struct mlops_walk_node {
	uint32_t cut;
	uint32_t word;
};

/* A float as an unsigned integer with the same order; both zeros are the same.  Between the keys of no
 * number: 0 is below, UINT32_MAX above all of them. */
static inline uint32_t mlops_walk_key(float value)
{
	union {
		float number;
		uint32_t bits;
	} as = { value + 0.0f };

	return as.bits ^ ((uint32_t) - (int32_t)(as.bits >> 31) | 0x80000000u);
}

/* n nodes of one tree, children behind parents.  column_bits: as many as n_features + 1 columns need; left
 * has to fit into the bits that are left over. */
typedef void mlops_kernel_forest_unfold(const struct mlops_node *nodes, size_t n, unsigned feature_bits,
					size_t n_features, unsigned column_bits,
					struct mlops_walk_node *unfolded);

/* keys[r / MLOPS_WALK_ROWS * stride + r % MLOPS_WALK_ROWS] = key of values[r] for r < n, `missing` for NaN.
 * Returns whether there was a NaN. */
typedef bool mlops_kernel_forest_keys(const float *values, size_t n, uint32_t missing, size_t stride,
				      uint32_t *keys);

/* leaves[r] = number of the leaf that row r reaches, for n_groups groups of MLOPS_WALK_ROWS rows.  A group
 * has stride keys: MLOPS_WALK_ROWS of each column, first the features with UINT32_MAX for a missing value,
 * then a column of zeros; and if may_miss, from column 1 << column_bits on, the features with 0 for a missing
 * value. */
typedef void mlops_kernel_forest_walk(const struct mlops_walk_node *unfolded, unsigned column_bits,
				      bool may_miss, const uint32_t *keys, size_t stride, size_t n_groups,
				      uint32_t *leaves);

/* leaves[t] = number of the leaf that the row reaches in tree t.  row[2 * feature] is a value, or infinity
 * where it is missing; row[2 * feature + 1] the value, or minus infinity. */
typedef void mlops_kernel_forest_row(const struct mlops_kernel_forest *forest, const float *row,
				     uint32_t *leaves);

mlops_kernel_mux_codes mlops_kernel_mux_codes_reference;
mlops_kernel_mux_run mlops_kernel_mux_run_reference;
mlops_kernel_forest_leaves mlops_kernel_forest_leaves_reference;
mlops_kernel_forest_unfold mlops_kernel_forest_unfold_reference;
mlops_kernel_forest_keys mlops_kernel_forest_keys_reference;
mlops_kernel_forest_walk mlops_kernel_forest_walk_reference;
mlops_kernel_forest_row mlops_kernel_forest_row_reference;

#endif
