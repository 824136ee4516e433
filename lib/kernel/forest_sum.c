#include "kernel/kernel.h"

#include <string.h>

/* A NaN compares false with any threshold, so one comparison serves both kinds of node. */
static inline uint32_t follow(const struct mlops_node *nodes, unsigned feature_bits,
			      const float *const *columns, size_t row)
{
	uint32_t mask = (1u << feature_bits) - 1;
	uint32_t index = 0;

	for (;;) {
		uint32_t word = nodes[index].word;
		uint32_t left = word >> feature_bits;
		float x, threshold;
		uint32_t right;

		if (left == 0)
			return nodes[index].leaf;
		x = columns[(word & mask) >> 1][row];
		threshold = nodes[index].threshold;
		right = (word & 1) != 0 ? x > threshold : !(x <= threshold);
		index = left + right;
	}
}

/* Trees outside, rows inside: a tree's nodes stay in the cache for all rows of the block. */
void mlops_kernel_forest_sum(const struct mlops_kernel_forest *forest, const float *const *columns,
			     size_t rows, float *sums)
{
	size_t n_outputs = forest->n_outputs;

	memset(sums, 0, rows * n_outputs * sizeof *sums);
	for (size_t t = 0; t < forest->n_trees; t++) {
		const struct mlops_node *nodes = forest->nodes + forest->tree_start[t];

		for (size_t r = 0; r < rows; r++) {
			size_t leaf = follow(nodes, forest->feature_bits, columns, r);
			const float *values = forest->leaf_values + leaf * n_outputs;

			for (size_t k = 0; k < n_outputs; k++)
				sums[r * n_outputs + k] += values[k];
		}
	}
}
