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

void mlops_kernel_forest_row_reference(const struct mlops_kernel_forest *forest, const float *row,
				       uint32_t *leaves)
{
	for (size_t t = 0; t < forest->n_trees; t++)
		leaves[t] = follow(forest->nodes + forest->tree_start[t], forest->feature_bits, row);
}

bool mlops_kernel_mux_codes_reference(const struct mlops_mux_feature *feature, const float *values, size_t n,
				      int16_t missing, int16_t *codes)
{
	bool any_missing = false;

	for (size_t r = 0; r < n; r++) {
		codes[r] = isnan(values[r]) ? missing : 0;
		any_missing |= isnan(values[r]);
		for (uint32_t c = 0; c < feature->n_cuts; c++)
			codes[r] = (int16_t)(codes[r] + (feature->cuts[c] < values[r]));
	}
	return any_missing;
}

void mlops_kernel_mux_run_reference(const struct mlops_mux_op *ops, size_t n, const int16_t *const *columns,
				    uint32_t *sums)
{
	for (size_t r = 0; r < MLOPS_MUX_ROWS; r++) {
		uint16_t stack[MLOPS_MUX_STACK];
		size_t depth = 0;

		for (size_t i = 0; i < n; i++) {
			bool goes_left = columns[ops[i].column][r] <= ops[i].cut;
			uint16_t popped;

			switch ((enum mlops_mux_kind)ops[i].kind) {
			case MLOPS_MUX_LEAVES:
				stack[depth++] = goes_left ? ops[i].left : ops[i].right;
				break;
			case MLOPS_MUX_LEFT_LEAF:
				stack[depth - 1] = goes_left ? ops[i].left : stack[depth - 1];
				break;
			case MLOPS_MUX_RIGHT_LEAF:
				stack[depth - 1] = goes_left ? stack[depth - 1] : ops[i].right;
				break;
			case MLOPS_MUX_LEFT_FIRST:
				popped = stack[--depth];
				stack[depth - 1] = goes_left ? stack[depth - 1] : popped;
				break;
			case MLOPS_MUX_RIGHT_FIRST:
				popped = stack[--depth];
				stack[depth - 1] = goes_left ? popped : stack[depth - 1];
				break;
			case MLOPS_MUX_ADD:
				sums[r] += stack[--depth];
				break;
			}
		}
	}
}
