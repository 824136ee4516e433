#include "model/trees.h"

#include <stdlib.h>
#include <string.h>

/* Room for one more in an array that doubles; NULL when memory runs out (the old array stays valid). */
static void *grow(void *array, size_t *capacity, size_t needed, size_t item)
{
	size_t wanted = *capacity < 64 ? 64 : *capacity;
	size_t bytes;
	void *grown;

	while (wanted < needed) {
		if (__builtin_mul_overflow(wanted, 2, &wanted))
			return NULL;
	}
	if (__builtin_mul_overflow(wanted, item, &bytes))
		return NULL;
	grown = realloc(array, bytes);
	if (grown != NULL)
		*capacity = wanted;
	return grown;
}

uint32_t mlops_tree_builder_add(struct mlops_tree_builder *builder, size_t n)
{
	size_t first = builder->n_nodes;

	/* the last node's index has to fit into the word of its parent */
	if (n > UINT32_MAX || first + n - 1 > UINT32_MAX >> builder->feature_bits)
		return UINT32_MAX;
	if (first + n > builder->node_capacity) {
		struct mlops_node *nodes =
			grow(builder->nodes, &builder->node_capacity, first + n, sizeof *nodes);

		if (nodes == NULL)
			return UINT32_MAX;
		builder->nodes = nodes;
	}
	memset(builder->nodes + first, 0, n * sizeof *builder->nodes);
	builder->n_nodes = first + n;
	return (uint32_t)first;
}

bool mlops_tree_builder_set_leaf(struct mlops_tree_builder *builder, uint32_t node, const float *values)
{
	size_t n_outputs = builder->n_outputs;

	if (builder->n_leaves == builder->leaf_capacity) {
		float *grown = grow(builder->leaf_values, &builder->leaf_capacity, builder->n_leaves + 1,
				    n_outputs * sizeof *grown);

		if (grown == NULL)
			return false;
		builder->leaf_values = grown;
	}
	memcpy(builder->leaf_values + builder->n_leaves * n_outputs, values, n_outputs * sizeof *values);
	builder->nodes[node].word = 0;
	builder->nodes[node].leaf = (uint32_t)builder->n_leaves++;
	return true;
}

void mlops_tree_builder_set_split(struct mlops_tree_builder *builder, uint32_t node, uint32_t feature,
				  float threshold, bool missing_left, uint32_t left)
{
	builder->nodes[node].threshold = threshold;
	builder->nodes[node].word = left << builder->feature_bits | feature << 1 | (missing_left ? 1 : 0);
}

bool mlops_tree_builder_graft(struct mlops_tree_builder *builder, uint32_t node,
			      const struct mlops_tree_builder *scion)
{
	uint32_t mask = (1u << builder->feature_bits) - 1;
	/* the scion's nodes but the root go behind all others */
	uint32_t first = mlops_tree_builder_add(builder, scion->n_nodes - 1);
	size_t first_leaf = builder->n_leaves, n_outputs = builder->n_outputs;

	if (first == UINT32_MAX)
		return false;
	for (size_t i = 0; i < scion->n_leaves; i++) {
		/* for the place in the table; the node gets its own below */
		if (!mlops_tree_builder_set_leaf(builder, node, scion->leaf_values + i * n_outputs))
			return false;
	}
	for (size_t i = 0; i < scion->n_nodes; i++) {
		struct mlops_node *to = &builder->nodes[i == 0 ? node : first + i - 1];
		uint32_t left = scion->nodes[i].word >> builder->feature_bits;

		*to = scion->nodes[i];
		if (left == 0)
			to->leaf += (uint32_t)first_leaf;
		else
			to->word = (first + left - 1) << builder->feature_bits | (to->word & mask);
	}
	return true;
}

void mlops_tree_builder_release(struct mlops_tree_builder *builder)
{
	free(builder->nodes);
	free(builder->leaf_values);
	builder->nodes = NULL;
	builder->leaf_values = NULL;
	builder->n_nodes = builder->node_capacity = 0;
	builder->n_leaves = builder->leaf_capacity = 0;
}

/* Appends one tree to trees in breadth-first order; came_from[i] becomes the old index of new node i, and
 * reached[] the set of old nodes that have a parent. */
static bool join_tree(const struct mlops_tree_builder *builder, size_t tree, struct mlops_trees *trees,
		      uint32_t *came_from, uint8_t *reached, struct mlops_error *error)
{
	struct mlops_node *nodes = trees->nodes + trees->n_nodes;
	size_t n_outputs = trees->n_outputs;
	uint32_t mask = (1u << trees->feature_bits) - 1;
	uint32_t next = 1;

	memset(reached, 0, builder->n_nodes);
	came_from[0] = 0;
	for (uint32_t i = 0; i < next; i++) {
		const struct mlops_node *old = &builder->nodes[came_from[i]];
		uint32_t left = mlops_node_left(trees, old);

		nodes[i] = *old;
		if (left == 0) {
			if (old->leaf >= builder->n_leaves || trees->n_leaves == UINT32_MAX)
				return mlops_error_set(error, MLOPS_DATA,
						       "tree %zu: node %u is leaf %u of %zu", tree,
						       came_from[i], old->leaf, builder->n_leaves);
			memcpy(trees->leaf_values + trees->n_leaves * n_outputs,
			       builder->leaf_values + old->leaf * n_outputs,
			       n_outputs * sizeof *trees->leaf_values);
			nodes[i].leaf = (uint32_t)trees->n_leaves++;
			continue;
		}
		if (left <= came_from[i] || left >= builder->n_nodes - 1)
			return mlops_error_set(error, MLOPS_DATA,
					       "tree %zu: node %u has children %u and %u of %zu nodes", tree,
					       came_from[i], left, left + 1, builder->n_nodes);
		if (reached[left] || reached[left + 1])
			return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u has two parents", tree,
					       reached[left] ? left : left + 1);
		reached[left] = reached[left + 1] = 1;
		nodes[i].word = next << trees->feature_bits | (old->word & mask);
		came_from[next++] = left;
		came_from[next++] = left + 1;
	}
	if (next != builder->n_nodes)
		return mlops_error_set(error, MLOPS_DATA, "tree %zu: %zu of %zu nodes have no parent", tree,
				       builder->n_nodes - next, builder->n_nodes);
	trees->n_nodes += next;
	return true;
}

bool mlops_trees_join(const struct mlops_tree_builder *builders, size_t n_trees, size_t n_features,
		      struct mlops_trees *trees, struct mlops_error *error)
{
	size_t n_nodes = 0, n_leaves = 0, largest = 0;
	uint32_t *came_from = NULL;
	uint8_t *reached = NULL;
	bool done = false;

	*trees = (struct mlops_trees){
		.n_features = n_features,
		.n_outputs = n_trees > 0 ? builders[0].n_outputs : 0,
		.feature_bits = mlops_trees_feature_bits(n_features),
	};
	for (size_t t = 0; t < n_trees; t++) {
		if (builders[t].n_nodes == 0)
			return mlops_error_set(error, MLOPS_DATA, "tree %zu has no node", t);
		/* a node is at most one leaf, so this bounds the leaves too, however often a builder names
		 * one */
		n_nodes += builders[t].n_nodes;
		n_leaves += builders[t].n_nodes / 2 + 1;
		if (builders[t].n_nodes > largest)
			largest = builders[t].n_nodes;
	}
	if (n_trees == 0)
		return mlops_error_set(error, MLOPS_DATA, "a forest without trees");
	if (n_nodes > UINT32_MAX)
		return mlops_error_set(error, MLOPS_DATA, "%zu nodes are more than %u", n_nodes, UINT32_MAX);
	trees->nodes = calloc(n_nodes, sizeof *trees->nodes);
	trees->tree_start = calloc(n_trees + 1, sizeof *trees->tree_start);
	trees->leaf_values = calloc(n_leaves, trees->n_outputs * sizeof *trees->leaf_values);
	came_from = calloc(largest, sizeof *came_from);
	reached = calloc(largest, sizeof *reached);
	if (trees->nodes == NULL || trees->tree_start == NULL || trees->leaf_values == NULL ||
	    came_from == NULL || reached == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t t = 0; t < n_trees; t++) {
		trees->tree_start[t] = (uint32_t)trees->n_nodes;
		if (!join_tree(&builders[t], t, trees, came_from, reached, error))
			goto out;
	}
	trees->tree_start[n_trees] = (uint32_t)trees->n_nodes;
	trees->n_trees = n_trees;
	trees->exact_sums = mlops_trees_sums_are_exact(trees);
	done = true;
out:
	free(came_from);
	free(reached);
	if (!done)
		mlops_trees_release(trees);
	return done;
}
