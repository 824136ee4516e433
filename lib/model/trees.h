/*
 * A forest as both tree models have it: nodes of 8 bytes (kernel/kernel.h), a table of leaf values, and the
 * sum over trees.
 *
 * Leaf values are multiples of 1/scale, where scale is a power of two chosen so that the sum over all trees
 * stays below 2^24 / scale.  Sums are therefore exact in float32, whoever adds them up and in whatever order:
 * any number of threads, any instruction set and any ONNX runtime get the same bits.
 */
#ifndef MLOPS_MODEL_TREES_H
#define MLOPS_MODEL_TREES_H

#include "base/error.h"
#include "base/thread.h"
#include "kernel/kernel.h"
#include "rows/matrix.h"

#include <stdbool.h>

struct mlops_trees {
	size_t n_features;
	size_t n_outputs;
	size_t n_trees;
	size_t n_nodes;
	size_t n_leaves;
	unsigned feature_bits;
	struct mlops_node *nodes; /* [n_nodes] */
	uint32_t *tree_start;     /* [n_trees + 1] */
	float *leaf_values;       /* [n_leaves * n_outputs] */
	bool exact_sums;          /* leaf values obey the rule above (own models); else sums are in double */
	struct mlops_mux *mux;    /* a faster way to the same sums, or NULL; see mlops_trees_prepare */
};

/* Bits that hold feature << 1 | missing_left for n_features. */
unsigned mlops_trees_feature_bits(size_t n_features);

static inline uint32_t mlops_node_left(const struct mlops_trees *trees, const struct mlops_node *node)
{
	return node->word >> trees->feature_bits;
}

static inline uint32_t mlops_node_feature(const struct mlops_trees *trees, const struct mlops_node *node)
{
	return (node->word & ((1u << trees->feature_bits) - 1)) >> 1;
}

static inline bool mlops_node_missing_left(const struct mlops_node *node)
{
	return (node->word & 1) != 0;
}

/* The largest power of two such that n_trees values of at most largest keep an exact float32 sum (2^-60 …
 * 2^60). */
float mlops_trees_scale(size_t n_trees, double largest);

/* Do the leaf values obey the rule for exact sums? */
bool mlops_trees_sums_are_exact(const struct mlops_trees *trees);

/* A tree while it grows: nodes in any order that puts children behind their parent, two children side by
 * side. */
struct mlops_tree_builder {
	struct mlops_node *nodes;
	size_t n_nodes, node_capacity;
	float *leaf_values;
	size_t n_leaves, leaf_capacity; /* leaves, each n_outputs values */
	size_t n_outputs;
	unsigned feature_bits;
};

/* Adds n empty nodes side by side, returns the first one's index or UINT32_MAX (memory, or more than the word
 * can hold). */
uint32_t mlops_tree_builder_add(struct mlops_tree_builder *builder, size_t n);
bool mlops_tree_builder_set_leaf(struct mlops_tree_builder *builder, uint32_t node, const float *values);
void mlops_tree_builder_set_split(struct mlops_tree_builder *builder, uint32_t node, uint32_t feature,
				  float threshold, bool missing_left, uint32_t left);
/* Puts another builder's tree, whose root is its first node, in place of a node without children.  False when
 * memory runs out. */
bool mlops_tree_builder_graft(struct mlops_tree_builder *builder, uint32_t node,
			      const struct mlops_tree_builder *scion);
void mlops_tree_builder_release(struct mlops_tree_builder *builder);

/* Joins n_trees built trees into trees, in their order: nodes of a tree level by level (breadth first),
 * leaves in the order of their nodes; equal trees thus get equal bytes however they grew.  exact_sums is
 * found out. A builder that is no tree (two parents, a child before its parent, nodes that nobody reaches) is
 * MLOPS_DATA. */
bool mlops_trees_join(const struct mlops_tree_builder *builders, size_t n_trees, size_t n_features,
		      struct mlops_trees *trees, struct mlops_error *error);
void mlops_trees_release(struct mlops_trees *trees);

/* Every index in range, children behind parents, every node reached once, thresholds and leaf values finite?
 * MLOPS_DATA with what is wrong.  What comes from a file is checked by this before it is used. */
bool mlops_trees_check(const struct mlops_trees *trees, struct mlops_error *error);

/* Makes summing many rows faster where the trees are small.  The trees may not change from here on. */
bool mlops_trees_prepare(struct mlops_trees *trees, struct mlops_error *error);

/* sums [n_rows * n_outputs], row-major; in blocks of rows over the pool. */
bool mlops_trees_sum(const struct mlops_trees *trees, const struct mlops_matrix *matrix,
		     struct mlops_pool *pool, float *sums, struct mlops_error *error);

#endif
