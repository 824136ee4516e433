#include "model/onnx_trees.h"

#include <math.h>
#include <stdlib.h>

bool mlops_onnx_forest_new(struct mlops_onnx_forest *forest, size_t n_items, size_t n_leaves,
			   size_t n_outputs, size_t n_trees, struct mlops_error *error)
{
	if (n_items > MLOPS_ONNX_MAX_ITEMS)
		return mlops_error_set(error, MLOPS_DATA,
				       "the ensemble has %zu nodes, at most %u are possible", n_items,
				       MLOPS_ONNX_MAX_ITEMS);
	size_t n_values;
	if (__builtin_mul_overflow(n_leaves, n_outputs, &n_values))
		return mlops_error_set_memory(error);
	forest->n_items = n_items;
	forest->n_leaves = n_leaves;
	forest->n_trees = n_trees;
	forest->items = calloc(n_items, sizeof(*forest->items));
	forest->used = calloc(n_items, sizeof(*forest->used));
	forest->roots = calloc(n_trees, sizeof(*forest->roots));
	forest->values = calloc(n_values, sizeof(*forest->values));
	if (forest->items == NULL || forest->used == NULL || forest->roots == NULL || forest->values == NULL)
		return mlops_error_set_memory(error);
	return true;
}

void mlops_onnx_forest_release(struct mlops_onnx_forest *forest)
{
	free(forest->items);
	free(forest->used);
	free(forest->roots);
	free(forest->values);
}

static bool use(struct mlops_onnx_forest *forest, uint32_t item, size_t *n_used, struct mlops_error *error)
{
	if (forest->used[item]) {
		if (forest->share_leaves && forest->items[item].yes == MLOPS_ONNX_LEAF)
			return true;
		return mlops_error_set(error, MLOPS_DATA, "node %u of the ensemble is reached twice", item);
	}
	forest->used[item] = true;
	++*n_used;
	return true;
}

static bool lay_out_tree(struct mlops_onnx_forest *forest, struct mlops_trees *trees, uint32_t *order,
			 size_t tree, size_t *n_used, struct mlops_error *error)
{
	size_t start = trees->n_nodes, end = start;
	if (!use(forest, forest->roots[tree], n_used, error))
		return false;
	order[end++] = forest->roots[tree];
	for (size_t at = start; at < end; at++) {
		const struct mlops_onnx_item *item = &forest->items[order[at]];
		struct mlops_node *node = &trees->nodes[at];
		if (item->yes == MLOPS_ONNX_LEAF) {
			node->leaf = item->no;
			continue;
		}
		if (!use(forest, item->yes, n_used, error) || !use(forest, item->no, n_used, error))
			return false;
		size_t left = end - start;
		if (left > UINT32_MAX >> trees->feature_bits)
			return mlops_error_set(error, MLOPS_DATA,
					       "tree %zu has more nodes than fit with %zu features", tree,
					       trees->n_features);
		node->threshold = item->threshold;
		node->word = (uint32_t)left << trees->feature_bits | item->word;
		order[end++] = item->yes;
		order[end++] = item->no;
	}
	trees->n_nodes = end;
	return true;
}

bool mlops_onnx_forest_lay_out(struct mlops_onnx_forest *forest, struct mlops_trees *trees,
			       struct mlops_error *error)
{
	/* each item that isn't a leaf adds two nodes, each root one */
	size_t capacity = 2 * forest->n_items + forest->n_trees, n_used = 0;
	uint32_t *order = malloc(capacity * sizeof(*order));
	bool fine = true;
	trees->n_trees = forest->n_trees;
	trees->n_nodes = 0;
	trees->feature_bits = mlops_trees_feature_bits(trees->n_features);
	trees->nodes = calloc(capacity, sizeof(*trees->nodes));
	trees->tree_start = calloc(forest->n_trees + 1, sizeof(*trees->tree_start));
	if (order == NULL || trees->nodes == NULL || trees->tree_start == NULL)
		fine = mlops_error_set_memory(error);
	for (size_t t = 0; fine && t < forest->n_trees; t++) {
		fine = lay_out_tree(forest, trees, order, t, &n_used, error);
		if (fine && trees->n_nodes > UINT32_MAX)
			fine = mlops_error_set(error, MLOPS_DATA, "the ensemble has more than %u nodes",
					       UINT32_MAX);
		trees->tree_start[t + 1] = (uint32_t)trees->n_nodes;
	}
	free(order);
	n_used += forest->n_spare;
	if (fine && n_used != forest->n_items)
		fine = mlops_error_set(error, MLOPS_DATA, "%zu nodes of the ensemble belong to no tree",
				       forest->n_items - n_used);
	trees->n_leaves = forest->n_leaves;
	trees->leaf_values = forest->values;
	forest->values = NULL;
	return fine && mlops_trees_check(trees, error);
}

bool mlops_onnx_same_length(const char *name, size_t found, size_t expected, struct mlops_error *error)
{
	if (found == expected)
		return true;
	return mlops_error_set(error, MLOPS_DATA, "attribute \"%s\" has %zu entries, expected %zu", name,
			       found, expected);
}

bool mlops_onnx_next_index(const char *name, struct mlops_onnx_ints *ints, size_t i, size_t limit,
			   uint32_t *value, struct mlops_error *error)
{
	int64_t found = mlops_onnx_next_int(ints);
	if (found < 0 || (uint64_t)found >= limit)
		return mlops_error_set(error, MLOPS_DATA,
				       "attribute \"%s\": entry %zu is %lld, expected 0 to %zu", name, i,
				       (long long)found, limit - 1);
	*value = (uint32_t)found;
	return true;
}

bool mlops_onnx_settle_features(struct mlops_trees *trees, struct mlops_onnx_ints features,
				struct mlops_error *error)
{
	if (trees->n_features != 0)
		return true;
	int64_t largest = 0;
	for (size_t i = 0; i < features.n; i++) {
		int64_t feature = mlops_onnx_next_int(&features);
		largest = feature > largest ? feature : largest;
	}
	if (largest >= MLOPS_ONNX_MAX_FEATURES)
		return mlops_error_set(error, MLOPS_DATA, "feature %lld is out of range", (long long)largest);
	trees->n_features = (size_t)largest + 1;
	return true;
}

void mlops_onnx_trees_bounds(const struct mlops_trees *trees, size_t output, double *smallest,
			     double *largest)
{
	*smallest = 0;
	*largest = 0;
	for (size_t t = 0; t < trees->n_trees; t++) {
		double low = INFINITY, high = -INFINITY;
		for (size_t i = trees->tree_start[t]; i < trees->tree_start[t + 1]; i++) {
			const struct mlops_node *node = &trees->nodes[i];
			if (mlops_node_left(trees, node) != 0)
				continue;
			double value = (double)trees->leaf_values[node->leaf * trees->n_outputs + output];
			low = value < low ? value : low;
			high = value > high ? value : high;
		}
		*smallest += low;
		*largest += high;
	}
}
