/*
 * The rows of a node, counted: the one place that looks at all of them (random_forest.h says what that is
 * good for).
 */
#include "model/random_forest.h"

#include <string.h>

/* Where a node has one row in eight, the codes of a feature side by side are more memory to read than the
 * codes of a row side by side: there a subtree begins. */
enum { SPARSE = 8, LEAST_SUBTREE = 4096 };

size_t mlops_forest_subtree_rows(size_t n_rows)
{
	return n_rows / SPARSE > LEAST_SUBTREE ? n_rows / SPARSE : LEAST_SUBTREE;
}

const uint16_t *mlops_forest_codes(const struct mlops_forest_growing *growing, uint32_t feature, size_t *step)
{
	const struct mlops_bins *bins = growing->plan->bins;
	const struct mlops_forest_scratch *scratch = growing->scratch;

	*step = growing->in_subtree ? bins->n_features : 1;
	if (!growing->in_subtree)
		return bins->features[feature].codes;
	return (scratch->in_nooks > 0 ? scratch->nooks[scratch->in_nooks - 1].codes : bins->by_row) + feature;
}

/* Rows ahead whose codes are fetched while others are copied. */
enum { AHEAD = 8 };

void mlops_forest_enter_nook(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	struct mlops_forest_scratch *scratch = growing->scratch;
	const struct mlops_bins *bins = growing->plan->bins;
	struct mlops_grow_row *rows = growing->rows.rows + span->begin;
	size_t width = bins->n_features, n = span->end - span->begin;
	const uint16_t *from;
	uint16_t *to;

	while (scratch->in_nooks > 0 && (span->begin < scratch->nooks[scratch->in_nooks - 1].begin ||
					 span->end > scratch->nooks[scratch->in_nooks - 1].end))
		scratch->in_nooks--;
	if (!growing->in_subtree || scratch->in_nooks == scratch->n_nooks ||
	    n > scratch->nooks[scratch->in_nooks].most_rows)
		return;
	from = scratch->in_nooks > 0 ? scratch->nooks[scratch->in_nooks - 1].codes : bins->by_row;
	to = scratch->nooks[scratch->in_nooks].codes;
	scratch->nooks[scratch->in_nooks].begin = span->begin;
	scratch->nooks[scratch->in_nooks].end = span->end;
	scratch->in_nooks++;
	for (size_t i = 0; i < n; i++) {
		__builtin_prefetch(from + rows[i + AHEAD < n ? i + AHEAD : i].row * width);
		memcpy(to + i * width, from + rows[i].row * width, width * sizeof *to);
		rows[i].row = (uint32_t)i;
	}
}

void mlops_forest_count(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			const uint32_t *features, struct mlops_grow_window *windows, size_t n_windows)
{
	size_t step = 1;
	bool any_missing = false;

	for (size_t w = 0; w < n_windows; w++) {
		windows[w].codes = mlops_forest_codes(growing, features[w], &step);
		any_missing |= growing->plan->bins->features[features[w]].any_missing;
	}
	growing->plan->kernels->grow_count(growing->rows.rows + span->begin, span->end - span->begin, step,
					   growing->plan->cells, windows, n_windows, any_missing);
}

void mlops_forest_take_keys(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			    uint32_t feature)
{
	size_t step;
	const uint16_t *codes = mlops_forest_codes(growing, feature, &step);

	growing->plan->kernels->grow_keys(growing->rows.rows + span->begin, span->end - span->begin, codes,
					  step, growing->rows.keys + span->begin);
}

void mlops_forest_count_inside(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			       const struct mlops_grow_pair *pair, unsigned shift, uint32_t *counts)
{
	growing->plan->kernels->grow_inside(growing->rows.rows + span->begin,
					    growing->rows.keys + span->begin, span->end - span->begin,
					    growing->plan->cells, pair, shift, counts);
}

size_t mlops_forest_divide(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			   uint32_t last, bool missing_left)
{
	return span->begin + growing->plan->kernels->grow_partition(
				     growing->rows.rows + span->begin, growing->rows.keys + span->begin,
				     span->end - span->begin, last, missing_left,
				     growing->rows.spare + span->begin);
}
