#include "kernel/build.h"
#include "kernel/forest.h"

enum { AT_ONCE = 8, TREES_AT_ONCE = 16 };

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

/* Walks AT_ONCE rows.  A NaN compares false with any threshold and goes right; where the node sends
 * it left instead, follow's second comparison says so. */
static inline __attribute__((always_inline)) void walk(const struct mlops_node *nodes, unsigned feature_bits,
						       const float *const *rows, bool may_miss,
						       uint32_t *leaves)
{
	uint32_t at[AT_ONCE] = { 0 };
	uint32_t is_inner;

	do {
		is_inner = 0;
#pragma GCC unroll 8
		for (int i = 0; i < AT_ONCE; i++)
			at[i] = follow(nodes, at[i], feature_bits, rows[i], may_miss, &is_inner);
	} while (is_inner != 0);
#pragma GCC unroll 8
	for (int i = 0; i < AT_ONCE; i++)
		leaves[i] = nodes[at[i]].leaf;
}

static inline __attribute__((always_inline)) void walk_rows(const struct mlops_node *nodes,
							    unsigned feature_bits, const float *rows,
							    size_t width, size_t n, bool may_miss,
							    uint32_t *leaves)
{
	for (size_t first = 0; first < n; first += AT_ONCE) {
		const float *at_once[AT_ONCE];
		uint32_t found[AT_ONCE];

		for (size_t i = 0; i < AT_ONCE; i++)
			at_once[i] = rows + (first + i < n ? first + i : n - 1) * width;
		walk(nodes, feature_bits, at_once, may_miss, found);
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

/* The trees that a row is on its way through, `left` of them: as one is done, the next one takes its place.
 */
struct places {
	const struct mlops_node *nodes[TREES_AT_ONCE];
	uint32_t at[TREES_AT_ONCE], tree[TREES_AT_ONCE];
	size_t n, next; /* trees from next on have not been begun */
};

static void begin_tree(const struct mlops_kernel_forest *forest, struct places *places, size_t place)
{
	if (places->next < forest->n_trees) {
		places->nodes[place] = forest->nodes + forest->tree_start[places->next];
		places->tree[place] = (uint32_t)places->next++;
		places->at[place] = 0;
	} else {
		size_t last = --places->n;

		places->nodes[place] = places->nodes[last];
		places->tree[place] = places->tree[last];
		places->at[place] = places->at[last];
	}
}

void MLOPS_KERNEL(mlops_kernel_forest_row)(const struct mlops_kernel_forest *forest, const float *row,
					   uint32_t *leaves)
{
	struct places places = { .n = forest->n_trees < TREES_AT_ONCE ? forest->n_trees : TREES_AT_ONCE };
	uint32_t mask = (1u << forest->feature_bits) - 1;

	for (size_t i = 0; i < places.n; i++)
		begin_tree(forest, &places, i);
	while (places.n > 0) {
		for (size_t i = 0; i < places.n; i++) {
			const struct mlops_node *node = places.nodes[i] + places.at[i];
			uint32_t word = node->word, left = word >> forest->feature_bits;

			if (__builtin_expect(left != 0, 1)) {
				places.at[i] = left + (node->threshold < row[word & mask]);
			} else {
				leaves[places.tree[i]] = node->leaf;
				begin_tree(forest, &places, i);
			}
		}
	}
}
