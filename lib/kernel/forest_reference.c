/* What the kernels of forest.h give, said as plainly as can be. */
#include "kernel/forest.h"

#include <math.h>

static uint32_t follow(const struct mlops_node *nodes, unsigned feature_bits, const float *row)
{
	uint32_t mask = (1u << feature_bits) - 1;
	uint32_t index = 0;

	for (;;) {
		uint32_t word = nodes[index].word;
		uint32_t left = word >> feature_bits;
		float x = row[(word & mask) >> 1];
		bool goes_left;

		if (left == 0)
			return nodes[index].leaf;
		goes_left = isnan(x) ? (word & 1) != 0 : x <= nodes[index].threshold;
		index = left + (goes_left ? 0 : 1);
	}
}

void mlops_kernel_forest_leaves_reference(const struct mlops_node *nodes, unsigned feature_bits,
					  const float *rows, size_t width, size_t n, bool may_miss,
					  uint32_t *leaves)
{
	(void)may_miss;
	for (size_t r = 0; r < n; r++)
		leaves[r] = follow(nodes, feature_bits, rows + r * width);
}

void mlops_kernel_forest_unfold_reference(const struct mlops_node *nodes, size_t n, unsigned feature_bits,
					  size_t n_features, unsigned column_bits,
					  struct mlops_walk_node *unfolded)
{
	uint32_t mask = (1u << feature_bits) - 1;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t left = nodes[i].word >> feature_bits;
		uint32_t column = left != 0 ? (nodes[i].word & mask) >> 1 : (uint32_t)n_features;
		uint32_t missing_left = left != 0 ? nodes[i].word & 1 : 0;

		unfolded[i].cut = left != 0 ? mlops_walk_key(nodes[i].threshold) : nodes[i].leaf;
		unfolded[i].word = (left != 0 ? left : i) << (column_bits + 5) |
				   missing_left << (column_bits + 4) | column * MLOPS_WALK_ROWS;
	}
}

bool mlops_kernel_forest_keys_reference(const float *values, size_t n, uint32_t missing, size_t stride,
					uint32_t *keys)
{
	bool any_missing = false;

	for (size_t r = 0; r < n; r++) {
		keys[r / MLOPS_WALK_ROWS * stride + r % MLOPS_WALK_ROWS] =
			isnan(values[r]) ? missing : mlops_walk_key(values[r]);
		any_missing |= isnan(values[r]);
	}
	return any_missing;
}

void mlops_kernel_forest_walk_reference(const struct mlops_walk_node *unfolded, unsigned column_bits,
					bool may_miss, const uint32_t *keys, size_t stride, size_t n_groups,
					uint32_t *leaves)
{
	uint32_t mask = (1u << (column_bits + (may_miss ? 5 : 4))) - 1;

	for (size_t r = 0; r < n_groups * MLOPS_WALK_ROWS; r++) {
		const uint32_t *row = keys + r / MLOPS_WALK_ROWS * stride + r % MLOPS_WALK_ROWS;
		uint32_t index = 0, next = 0;

		do {
			index = next;
			next = unfolded[index].word >> (column_bits + 5);
			next += row[unfolded[index].word & mask] > unfolded[index].cut;
		} while (next != index);
		leaves[r] = unfolded[index].cut;
	}
}

void mlops_kernel_forest_row_reference(const struct mlops_kernel_forest *forest, const float *row,
				       uint32_t *leaves)
{
	for (size_t t = 0; t < forest->n_trees; t++) {
		const struct mlops_node *nodes = forest->nodes + forest->tree_start[t];
		const struct mlops_node *node = nodes;

		while (node->word >> forest->feature_bits != 0) {
			float x = row[node->word & ((1u << forest->feature_bits) - 1)];

			node = nodes + (node->word >> forest->feature_bits) + (x <= node->threshold ? 0 : 1);
		}
		leaves[t] = node->leaf;
	}
}

bool mlops_kernel_mux_codes_reference(const struct mlops_mux_feature *feature, const float *values, size_t n,
				      int16_t missing, int16_t *codes)
{
	bool any_missing = false;

	for (size_t r = 0; r < n; r++) {
		codes[r] = isnan(values[r]) ? missing : 0;
		any_missing |= isnan(values[r]);
		for (uint32_t c = 0; c < feature->n_cuts; c++)
			codes[r] = (int16_t)(codes[r] + (feature->levels[0][c] < values[r]));
	}
	return any_missing;
}

static bool chooses_first(const struct mlops_mux_op *op, const int16_t *const *columns, size_t row)
{
	return (columns[op->column][row] ^ op->flip) <= op->cut;
}

void mlops_kernel_mux_run_reference(const struct mlops_mux_op *ops, size_t n, const int16_t *const *columns,
				    uint32_t *sums)
{
	for (size_t r = 0; r < MLOPS_MUX_ROWS; r++) {
		uint16_t stack[MLOPS_MUX_STACK];
		size_t depth = 0;

		for (size_t i = 0; i < n; i++) {
			bool first = chooses_first(&ops[i], columns, r);
			uint16_t leaf = first ? ops[i].first : ops[i].second;

			switch ((enum mlops_mux_kind)ops[i].kind) {
			case MLOPS_MUX_LEAVES:
				stack[depth++] = leaf;
				break;
			case MLOPS_MUX_LEAF:
				stack[depth - 1] = first ? stack[depth - 1] : ops[i].second;
				break;
			case MLOPS_MUX_JOIN:
				depth--;
				stack[depth - 1] = first ? stack[depth] : stack[depth - 1];
				break;
			case MLOPS_MUX_TWIG:
				i++;
				if (chooses_first(&ops[i], columns, r))
					stack[depth - 1] = leaf;
				break;
			case MLOPS_MUX_ADD:
				sums[r] += stack[--depth];
				break;
			}
		}
	}
}
