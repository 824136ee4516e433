/*
 * The split of a node.
 *
 * Each feature that is drawn gets a histogram of its codes, of bins so wide that MLOPS_FOREST_BINS of them
 * cover the codes that the node may have.  The best split between bins then moves to the best place among the
 * codes of the two bins beside it.  As long as a node has no more codes than there are bins, no split is
 * lost.
 *
 * Nodes of few rows of two classes go to random_forest_block.c, and lose none either.
 */
#include "model/random_forest.h"

#include <string.h>

/* Where rows are few, a search of all bins takes longer than counting them: there are fewer bins then, unless
 * the feature has so few values that each can have one. */
enum { FEW_ROWS = 256, FEW_BINS = 64 };

static uint32_t most_bins(const struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			  uint32_t feature)
{
	bool is_exact = growing->plan->bins->features[feature].n_bins <= MLOPS_FOREST_BINS;

	return span->end - span->begin < FEW_ROWS && !is_exact ? FEW_BINS : MLOPS_FOREST_BINS;
}

/* As many bins as may be for the codes of the feature's range. */
static void set_window(const struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
		       uint32_t feature, struct mlops_grow_window *window)
{
	const struct mlops_forest_range *range = &growing->scratch->range[feature];
	uint32_t most = most_bins(growing, span, feature);

	window->shift = 0;
	while (((uint32_t)range->most >> window->shift) - ((uint32_t)range->least >> window->shift) >= most)
		window->shift++;
	window->first = (uint32_t)range->least >> window->shift;
	window->n_bins = ((uint32_t)range->most >> window->shift) - window->first + 1;
}

static struct mlops_grow_bins bins_of(const struct mlops_forest_growing *growing,
				      const struct mlops_grow_window *window)
{
	return (struct mlops_grow_bins){
		.cells = growing->plan->cells,
		.counts = window->counts,
		.n_bins = window->n_bins,
		.min_leaf = growing->plan->min_leaf,
		.is_whole = true,
		.left = growing->below,
		.total = growing->total,
		.class_weight = growing->plan->class_weight,
	};
}

static void swap(uint32_t **a, uint32_t **b)
{
	uint32_t *old = *a;

	*a = *b;
	*b = old;
}

/* The range shrinks to the bins that have rows.  True when the window could now be a finer one. */
static bool tighten(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
		    uint32_t feature, const struct mlops_grow_window *window,
		    const struct mlops_grow_bins *bins)
{
	struct mlops_forest_range *range = &growing->scratch->range[feature];
	uint32_t least = (uint32_t)(window->first + bins->lowest) << window->shift;
	uint32_t most = ((uint32_t)(window->first + bins->highest + 1) << window->shift) - 1;
	struct mlops_grow_window finer;

	if (bins->n_occupied == 0)
		return false;
	range->least = least > range->least ? (uint16_t)least : range->least;
	range->most = most < range->most ? (uint16_t)most : range->most;
	set_window(growing, span, feature, &finer);
	return finer.shift < window->shift;
}

/* Searches a feature's histogram.  False when it is constant in the node. */
static bool search_window(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			  uint32_t feature, struct mlops_grow_window *window,
			  struct mlops_grow_window *best_window)
{
	struct mlops_grow_bins bins;
	struct mlops_grow_best found;

	for (;;) {
		bins = bins_of(growing, window);
		found = (struct mlops_grow_best){ .score = growing->split.score,
						  .left = growing->found,
						  .missing = growing->found_missing };
		memset(growing->below, 0, mlops_grow_width(growing->plan->cells) * sizeof *growing->below);
		growing->plan->kernels->grow_search(&bins, &found);
		if (!tighten(growing, span, feature, window, &bins))
			break;
		set_window(growing, span, feature, window);
		mlops_forest_count(growing, span, &feature, window, 1);
	}
	if (found.score > growing->split.score) {
		growing->split = (struct mlops_forest_split){
			.score = found.score,
			.feature = feature,
			.lower = found.lower,
			.higher = found.higher,
			.missing_left = found.missing_left,
			.saw_missing = found.saw_missing,
		};
		swap(&growing->best, &growing->found);
		swap(&growing->best_missing, &growing->found_missing);
		*best_window = *window;
	}
	return bins.n_occupied > 1 ||
	       (bins.n_occupied == 1 && growing->plan->bins->features[feature].any_missing);
}

/* The split between two bins moves to the best place among their codes: their rows are counted again, a bin a
 * code; or, where that would be too many bins, a few codes a bin, and so on. */
static void refine(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
		   struct mlops_grow_window *window)
{
	const struct mlops_forest_plan *plan = growing->plan;
	size_t width = mlops_grow_width(plan->cells);
	uint32_t most = 2 * most_bins(growing, span, growing->split.feature);
	struct mlops_forest_split *split = &growing->split;

	while (window->shift > 0) {
		struct mlops_grow_pair pair = { .bits = window->shift };
		uint32_t half = UINT32_C(1) << pair.bits;
		unsigned shift = 0;
		struct mlops_grow_bins bins;
		struct mlops_grow_best best = { .score = -1,
						.left = growing->found,
						.missing = growing->found_missing };

		pair.lower = (uint32_t)(window->first + split->lower) << pair.bits;
		pair.higher = (uint32_t)(window->first + split->higher) << pair.bits;
		while (2 * half >> shift > most)
			shift++;
		mlops_forest_count_inside(growing, span, &pair, shift, window->counts);
		window->n_bins = 2 * half >> shift;
		for (size_t k = 0; k < width; k++) {
			growing->below[k] =
				growing->best[k] - (split->missing_left ? growing->best_missing[k] : 0);
			for (size_t bin = 0; bin < half >> shift; bin++)
				growing->below[k] -= window->counts[bin * width + k];
			window->counts[window->n_bins * width + k] = growing->best_missing[k];
		}
		bins = bins_of(growing, window);
		bins.is_whole = false;
		plan->kernels->grow_search(&bins, &best);
		split->score = best.score;
		split->missing_left = best.missing_left;
		window->first = 0;
		window->shift = shift;
		best.lower <<= shift;
		best.higher <<= shift;
		split->lower =
			(best.lower < half ? pair.lower + best.lower : pair.higher + best.lower - half) >>
			shift;
		split->higher =
			(best.higher < half ? pair.lower + best.higher : pair.higher + best.higher - half) >>
			shift;
		swap(&growing->best, &growing->found);
		swap(&growing->best_missing, &growing->found_missing);
	}
}

/* Says the split in codes instead of bins. */
static void take_split(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
		       struct mlops_grow_window *window)
{
	struct mlops_forest_split *split = &growing->split;

	mlops_forest_take_keys(growing, span, split->feature);
	if (split->higher == window->n_bins) {
		split->lower = growing->plan->bins->features[split->feature].n_bins - 1;
		split->higher = MLOPS_FOREST_NO_CODE;
		return;
	}
	refine(growing, span, window);
	split->lower += window->first;
	split->higher += window->first;
}

/* Offers splits of n features, and tells of each whether it varies in the node.
 */
static void search(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
		   const uint32_t *features, size_t n, bool *varies, struct mlops_grow_window *best_window)
{
	size_t size = MLOPS_FOREST_HISTOGRAM * mlops_grow_width(growing->plan->cells);
	struct mlops_grow_window windows[MLOPS_GROW_AT_ONCE];
	uint32_t counted[MLOPS_GROW_AT_ONCE] = { 0 }, number[MLOPS_GROW_AT_ONCE];
	size_t n_counted = 0;

	for (uint32_t j = 0; j < n; j++) {
		const struct mlops_forest_range *range = &growing->scratch->range[features[j]];

		varies[j] = range->least < range->most ||
			    growing->plan->bins->features[features[j]].any_missing;
		if (!varies[j])
			continue;
		windows[n_counted].counts = growing->scratch->histograms + n_counted * size;
		set_window(growing, span, features[j], &windows[n_counted]);
		counted[n_counted] = features[j];
		number[n_counted++] = j;
	}
	mlops_forest_count(growing, span, counted, windows, n_counted);
	for (size_t c = 0; c < n_counted; c++)
		varies[number[c]] = search_window(growing, span, counted[c], &windows[c], best_window);
}

/* Features still to be drawn: candidates[varying …], and so many that are known to be constant. */
struct draw {
	uint32_t constants, varying;
	size_t drawn;
};

/* Draws up to MLOPS_GROW_AT_ONCE features that may vary to candidates[varying …]. */
static size_t draw_features(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			    struct draw *draw)
{
	uint32_t *candidates = growing->scratch->candidates;
	uint32_t begin = draw->varying, n = 0;

	while (n < MLOPS_GROW_AT_ONCE && begin + n < span->n_candidates &&
	       (draw->drawn < growing->plan->max_features || (begin == 0 && n == 0))) {
		uint32_t pick =
			mlops_rng_below(&growing->rng, draw->constants + span->n_candidates - begin - n);
		uint32_t feature;

		draw->drawn++;
		if (pick < draw->constants) {
			draw->constants--;
			continue;
		}
		pick += begin + n - draw->constants;
		feature = candidates[pick];
		candidates[pick] = candidates[begin + n];
		candidates[begin + n++] = feature;
	}
	return n;
}

/* Puts the n drawn features where they belong: varying ones first, constant ones behind all candidates. */
static void sort_drawn(struct mlops_forest_growing *growing, struct mlops_forest_span *span,
		       struct draw *draw, const bool *varies, size_t n)
{
	uint32_t *candidates = growing->scratch->candidates;
	uint32_t drawn[MLOPS_GROW_AT_ONCE];
	uint32_t slot = draw->varying;

	memcpy(drawn, candidates + slot, n * sizeof *drawn);
	for (size_t j = 0; j < n; j++) {
		if (varies[j])
			candidates[slot++] = drawn[j];
	}
	draw->varying = slot;
	for (size_t j = 0; j < n; j++) {
		if (!varies[j])
			candidates[slot++] = drawn[j];
	}
	while (slot > draw->varying) {
		uint32_t constant = candidates[--slot];

		candidates[slot] = candidates[--span->n_candidates];
		candidates[span->n_candidates] = constant;
	}
}

/*
 * Draws max_features features, and further ones while all drawn are constant in the node (as scikit-learn
 * does); a constant one counts as drawn, which makes trees less alike.  Those found constant leave the
 * candidates, for the nodes below as well: there a draw may still hit them, but costs nothing.
 */
bool mlops_forest_find_split(struct mlops_forest_growing *growing, struct mlops_forest_span *span)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct draw draw = { .constants = (uint32_t)plan->bins->n_features - span->n_candidates };
	struct mlops_small_split small = { .score = -1 };
	struct mlops_grow_window window = { .shift = 0 };
	bool in_block = mlops_forest_in_block(growing, span);
	size_t n;

	/* the rows of a block keep their numbers */
	if (!in_block)
		mlops_forest_enter_nook(growing, span);
	if (!in_block && plan->n_classes == 2 && growing->total[0] + growing->total[1] <= MLOPS_SMALL_DRAWS) {
		mlops_forest_enter_block(growing, span);
		in_block = true;
	}
	growing->split = (struct mlops_forest_split){ .score = -1 };
	while ((n = draw_features(growing, span, &draw)) > 0) {
		uint32_t features[MLOPS_GROW_AT_ONCE];
		bool varies[MLOPS_GROW_AT_ONCE];

		memcpy(features, growing->scratch->candidates + draw.varying, n * sizeof *features);
		if (!in_block)
			search(growing, span, features, n, varies, &window);
		for (size_t j = 0; j < n && in_block; j++)
			varies[j] = mlops_forest_search_block(growing, span, features[j], &small);
		sort_drawn(growing, span, &draw, varies, n);
	}
	if (in_block && small.score >= 0)
		mlops_forest_take_block_split(growing, span, &small);
	else if (!in_block && growing->split.score >= 0)
		take_split(growing, span, &window);
	return growing->split.score >= 0;
}

size_t mlops_forest_partition(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	const struct mlops_forest_split *split = &growing->split;

	if (mlops_forest_in_block(growing, span))
		return mlops_forest_partition_block(growing, span);
	return mlops_forest_divide(growing, span, (uint32_t)split->lower, split->missing_left);
}
