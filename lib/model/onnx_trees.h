/*
 * What the readers of the two generations of ensemble operators share: a forest as a list of items, each an
 * inner node or a leaf, in any order, which is then laid out breadth-first, children side by side, following
 * each inner item at most once.
 */
#ifndef MLOPS_MODEL_ONNX_TREES_H
#define MLOPS_MODEL_ONNX_TREES_H

#include "model/onnx_graph.h"

#define MLOPS_ONNX_LEAF	     UINT32_MAX
#define MLOPS_ONNX_MAX_ITEMS (UINT32_MAX - 1)

struct mlops_onnx_item {
	uint32_t yes, no; /* items; of a leaf MLOPS_ONNX_LEAF and its row of values */
	float threshold;
	uint32_t word; /* feature << 1 | missing goes to yes */
};

struct mlops_onnx_forest {
	struct mlops_onnx_item *items;
	bool *used;
	size_t n_items;
	size_t n_spare;	   /* used up without becoming a node */
	bool share_leaves; /* several nodes may have the same one */
	uint32_t *roots;
	size_t n_trees;
	float *values; /* [n_leaves * n_outputs] */
	size_t n_leaves;
};

bool mlops_onnx_forest_new(struct mlops_onnx_forest *forest, size_t n_items, size_t n_leaves,
			   size_t n_outputs, size_t n_trees, struct mlops_error *error);
void mlops_onnx_forest_release(struct mlops_onnx_forest *forest);

/* trees takes the values over.  An item that is reached twice is an error, and one that is not reached too.
 */
bool mlops_onnx_forest_lay_out(struct mlops_onnx_forest *forest, struct mlops_trees *trees,
			       struct mlops_error *error);

bool mlops_onnx_same_length(const char *name, size_t found, size_t expected, struct mlops_error *error);

/* The next entry (number i) of an attribute, which must be at least 0 and below limit. */
bool mlops_onnx_next_index(const char *name, struct mlops_onnx_ints *ints, size_t i, size_t limit,
			   uint32_t *value, struct mlops_error *error);

/* n_features that the file leaves open is one more than the largest feature in use. */
bool mlops_onnx_settle_features(struct mlops_trees *trees, struct mlops_onnx_ints features,
				struct mlops_error *error);

#endif
