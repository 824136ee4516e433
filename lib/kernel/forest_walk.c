#include "kernel/build.h"
#include "kernel/forest.h"

enum { AT_ONCE = 8 };

/* The next node; a leaf stays where it is. */
static inline uint32_t follow(const struct mlops_node *nodes, uint32_t index, unsigned feature_bits,
			      const float *row, bool may_miss, uint32_t *is_inner)
{
	struct mlops_node node = nodes[index];
	uint32_t left = node.word >> feature_bits;
	float x = row[(node.word & ((1u << feature_bits) - 1)) >> 1];
	uint32_t right = !(x <= node.threshold);

	if (may_miss)
		right &= ~node.word | (x > node.threshold);
	*is_inner |= left;
	return left != 0 ? left + right : index;
}

/* Walks AT_ONCE rows or trees.  A NaN compares false with any threshold and goes right; where the node sends
 * it left instead, follow's second comparison says so. */
static inline __attribute__((always_inline)) void walk(const struct mlops_node *const *nodes,
						       unsigned feature_bits, const float *const *rows,
						       bool may_miss, uint32_t *leaves)
{
	uint32_t at[AT_ONCE] = { 0 };
	uint32_t is_inner;

	do {
		is_inner = 0;
#pragma GCC unroll 8
		for (int i = 0; i < AT_ONCE; i++)
			at[i] = follow(nodes[i], at[i], feature_bits, rows[i], may_miss, &is_inner);
	} while (is_inner != 0);
#pragma GCC unroll 8
	for (int i = 0; i < AT_ONCE; i++)
		leaves[i] = nodes[i][at[i]].leaf;
}

static inline __attribute__((always_inline)) void walk_rows(const struct mlops_node *nodes,
							    unsigned feature_bits, const float *rows,
							    size_t width, size_t n, bool may_miss,
							    uint32_t *leaves)
{
	const struct mlops_node *const same[AT_ONCE] = { nodes, nodes, nodes, nodes,
							 nodes, nodes, nodes, nodes };

	for (size_t first = 0; first < n; first += AT_ONCE) {
		const float *at_once[AT_ONCE];
		uint32_t found[AT_ONCE];

		for (size_t i = 0; i < AT_ONCE; i++)
			at_once[i] = rows + (first + i < n ? first + i : n - 1) * width;
		walk(same, feature_bits, at_once, may_miss, found);
		for (size_t i = 0; i < AT_ONCE && first + i < n; i++)
			leaves[first + i] = found[i];
	}
}

void MLOPS_KERNEL(mlops_kernel_forest_leaves)(const struct mlops_node *nodes, unsigned feature_bits,
					      const float *rows, size_t width, size_t n, bool may_miss,
					      uint32_t *leaves)
{
	if (may_miss)
		walk_rows(nodes, feature_bits, rows, width, n, true, leaves);
	else
		walk_rows(nodes, feature_bits, rows, width, n, false, leaves);
}

void MLOPS_KERNEL(mlops_kernel_forest_row)(const struct mlops_kernel_forest *forest, const float *row,
					   uint32_t *leaves)
{
	const float *const same[AT_ONCE] = { row, row, row, row, row, row, row, row };
	size_t n = forest->n_trees;

	for (size_t first = 0; first < n; first += AT_ONCE) {
		const struct mlops_node *at_once[AT_ONCE];
		uint32_t found[AT_ONCE];

		for (size_t i = 0; i < AT_ONCE; i++)
			at_once[i] = forest->nodes + forest->tree_start[first + i < n ? first + i : n - 1];
		walk(at_once, forest->feature_bits, same, true, found);
		for (size_t i = 0; i < AT_ONCE && first + i < n; i++)
			leaves[first + i] = found[i];
	}
}
