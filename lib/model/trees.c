#include "model/trees.h"

#include "model/trees_mux.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double exact_float_integers = 16777216; /* 2^24 */

unsigned mlops_trees_feature_bits(size_t n_features)
{
	unsigned bits = 1;

	while (bits < 31 && ((size_t)1 << bits) < 2 * n_features)
		bits++;
	return bits;
}

float mlops_trees_scale(size_t n_trees, double largest)
{
	int exponent = 60;

	while (exponent > -60 && (double)n_trees * ceil(ldexp(largest, exponent)) > exact_float_integers)
		exponent--;
	return ldexpf(1, exponent);
}

bool mlops_trees_sums_are_exact(const struct mlops_trees *trees)
{
	size_t n = trees->n_leaves * trees->n_outputs;
	float largest = 0;
	float scale;

	for (size_t i = 0; i < n; i++)
		largest = fmaxf(largest, fabsf(trees->leaf_values[i]));
	scale = mlops_trees_scale(trees->n_trees, largest);
	if ((double)trees->n_trees * ceil((double)largest * scale) > exact_float_integers)
		return false;
	for (size_t i = 0; i < n; i++) {
		double units = (double)trees->leaf_values[i] * scale;

		if (units != rint(units))
			return false;
	}
	return true;
}

void mlops_trees_release(struct mlops_trees *trees)
{
	free(trees->nodes);
	free(trees->tree_start);
	free(trees->leaf_values);
	mlops_mux_free(trees->mux);
	*trees = (struct mlops_trees){ .n_trees = 0 };
}

static bool check_node(const struct mlops_trees *trees, size_t tree, uint32_t index, uint32_t size,
		       uint8_t *reached, struct mlops_error *error)
{
	const struct mlops_node *node = &trees->nodes[trees->tree_start[tree] + index];
	uint32_t left = mlops_node_left(trees, node);
	uint32_t feature = mlops_node_feature(trees, node);

	if (!reached[index])
		return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u has no parent", tree, index);
	if (left == 0) {
		if (node->leaf >= trees->n_leaves)
			return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u is leaf %u of %zu", tree,
					       index, node->leaf, trees->n_leaves);
		return true;
	}
	if (left <= index || left >= size - 1)
		return mlops_error_set(error, MLOPS_DATA,
				       "tree %zu: node %u has children %u and %u of %u nodes", tree, index,
				       left, left + 1, size);
	if (reached[left] || reached[left + 1])
		return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u has two parents", tree,
				       reached[left] ? left : left + 1);
	reached[left] = reached[left + 1] = 1;
	if (feature >= trees->n_features)
		return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u asks for feature %u of %zu",
				       tree, index, feature, trees->n_features);
	if (!isfinite(node->threshold))
		return mlops_error_set(error, MLOPS_DATA,
				       "tree %zu: node %u has a threshold that is not finite", tree, index);
	return true;
}

static bool check_sizes(const struct mlops_trees *trees, struct mlops_error *error)
{
	if (trees->n_trees == 0 || trees->n_nodes == 0 || trees->n_leaves == 0)
		return mlops_error_set(error, MLOPS_DATA, "a forest without trees");
	if (trees->n_features == 0 || trees->n_outputs == 0)
		return mlops_error_set(error, MLOPS_DATA, "a forest without features or outputs");
	if (trees->feature_bits != mlops_trees_feature_bits(trees->n_features))
		return mlops_error_set(error, MLOPS_DATA, "%u bits for %zu features", trees->feature_bits,
				       trees->n_features);
	if (trees->tree_start[0] != 0 || trees->tree_start[trees->n_trees] != trees->n_nodes)
		return mlops_error_set(error, MLOPS_DATA, "trees do not cover the %zu nodes", trees->n_nodes);
	for (size_t t = 0; t < trees->n_trees; t++) {
		if (trees->tree_start[t] >= trees->tree_start[t + 1])
			return mlops_error_set(error, MLOPS_DATA, "tree %zu has no node", t);
	}
	return true;
}

bool mlops_trees_check(const struct mlops_trees *trees, struct mlops_error *error)
{
	uint8_t *reached;
	bool good = true;

	if (!check_sizes(trees, error))
		return false;
	reached = malloc(trees->n_nodes);
	if (reached == NULL)
		return mlops_error_set_memory(error);
	for (size_t t = 0; good && t < trees->n_trees; t++) {
		uint32_t size = trees->tree_start[t + 1] - trees->tree_start[t];

		memset(reached, 0, size);
		reached[0] = 1;
		for (uint32_t i = 0; good && i < size; i++)
			good = check_node(trees, t, i, size, reached, error);
	}
	free(reached);
	for (size_t i = 0; good && i < trees->n_leaves * trees->n_outputs; i++) {
		if (!isfinite(trees->leaf_values[i]))
			good = mlops_error_set(error, MLOPS_DATA, "leaf %zu has a value that is not finite",
					       i / trees->n_outputs);
	}
	if (good && trees->exact_sums && !mlops_trees_sums_are_exact(trees))
		good = mlops_error_set(error, MLOPS_DATA, "leaf values do not have exact sums");
	return good;
}
