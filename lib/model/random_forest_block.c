/*
 * Nodes of few rows of two classes: their rows are put in order by a feature once for all nodes below, which
 * are sets of places (kernel/grow.h).  No split is lost.
 */
#include "model/random_forest.h"

#include <string.h>

bool mlops_forest_in_block(const struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	const struct mlops_forest_block *block = &growing->scratch->block;

	return span->begin >= block->begin && span->end <= block->end;
}

void mlops_forest_enter_block(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	struct mlops_forest_block *block = &growing->scratch->block;

	block->begin = span->begin;
	block->end = span->end;
	block->number++;
	for (size_t i = 0; i < span->end - span->begin; i++) {
		const struct mlops_grow_row *row = &growing->rows.rows[span->begin + i];

		block->rows[i] = (uint8_t)i;
		block->weights[i] = row->weight;
		block->draws[i] = ~UINT64_C(0) >> (64 - row->weight);
		block->positive[i] = row->class_of == 1 ? block->draws[i] : 0;
	}
}

static const struct mlops_small_order *order_block(struct mlops_forest_growing *growing, uint32_t feature)
{
	struct mlops_forest_block *block = &growing->scratch->block;
	uint16_t keys[MLOPS_SMALL_DRAWS];
	size_t n = block->end - block->begin, step;
	const uint16_t *codes;

	if (block->ordered[feature] != block->number) {
		codes = mlops_forest_codes(growing, feature, &step);
		growing->plan->kernels->grow_keys(growing->rows.rows + block->begin, n, codes, step, keys);
		growing->plan->kernels->small_sort(keys, block->weights, n, MLOPS_GROW_MISSING,
						   &block->orders[feature]);
		block->ordered[feature] = block->number;
	}
	return &block->orders[feature];
}

bool mlops_forest_search_block(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			       uint32_t feature, struct mlops_small_split *best)
{
	const struct mlops_forest_block *block = &growing->scratch->block;
	const struct mlops_small_node node = {
		.rows = block->rows + (span->begin - block->begin),
		.n = span->end - span->begin,
		.draws = block->draws,
		.positive = block->positive,
		.purity = growing->plan->purity,
		.min_leaf = growing->plan->min_leaf,
	};
	double score = best->score;
	bool varies = growing->plan->kernels->small_split(&node, order_block(growing, feature), best);

	if (best->score > score)
		growing->split.feature = feature;
	return varies;
}

void mlops_forest_take_block_split(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
				   const struct mlops_small_split *found)
{
	const struct mlops_forest_block *block = &growing->scratch->block;
	struct mlops_forest_split *split = &growing->split;
	const struct mlops_small_order *order = &block->orders[split->feature];
	size_t step;
	const uint16_t *codes = mlops_forest_codes(growing, split->feature, &step);

	split->score = found->score;
	split->missing_left = found->missing_left;
	split->saw_missing = found->saw_missing;
	split->lower = 0;
	split->higher = MLOPS_FOREST_NO_CODE;
	growing->best[0] = found->left[0];
	growing->best[1] = found->left[1];
	for (size_t i = span->begin - block->begin; i < span->end - block->begin; i++) {
		size_t row = block->rows[i];
		size_t key = codes[growing->rows.rows[block->begin + row].row * step];

		if (order->place[row] < found->place)
			split->lower = key > split->lower ? key : split->lower;
		else if (key != MLOPS_GROW_MISSING)
			split->higher = key < split->higher ? key : split->higher;
	}
}

size_t mlops_forest_partition_block(const struct mlops_forest_growing *growing,
				    const struct mlops_forest_span *span)
{
	const struct mlops_forest_split *split = &growing->split;
	struct mlops_forest_block *block = &growing->scratch->block;
	uint8_t *rows = block->rows;
	uint8_t spare[MLOPS_SMALL_DRAWS];
	size_t left = span->begin - block->begin, right = 0, step;
	const uint16_t *codes = mlops_forest_codes(growing, split->feature, &step);

	for (size_t i = left; i < span->end - block->begin; i++) {
		uint8_t row = rows[i];
		size_t code = codes[growing->rows.rows[block->begin + row].row * step];
		size_t is_left = (code <= split->lower) |
				 ((code == MLOPS_GROW_MISSING) & split->missing_left);

		rows[left] = row;
		spare[right] = row;
		left += is_left;
		right += 1 - is_left;
	}
	memcpy(rows + left, spare, right);
	return block->begin + left;
}
