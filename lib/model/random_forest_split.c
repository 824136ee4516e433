/*
 * The split of a node.
 *
 * Each feature that is drawn gets a histogram of its codes a class, of bins so wide that MLOPS_FOREST_BINS of
 * them cover the codes that the node has.  The best split between bins then moves to the best place among the
 * codes of the two bins beside it.  As long as a node has no more codes than there are bins, no split is
 * lost.
 *
 * Nodes of few rows of two classes go to the kernels for blocks (kernel/grow.h), and lose none either.
 */
#include "model/random_forest.h"

#include <string.h>

static const size_t several_classes = SIZE_MAX;
static const size_t no_class = SIZE_MAX - 1;

/* One feature's bins of a node, walked upwards. */
struct walk {
	uint32_t feature;
	const struct mlops_grow_window *window;
	size_t n_rows; /* different rows in the node */
	bool any_missing;
	size_t missing_rows; /* different ones, counted where min_leaf asks for it */
	size_t left_rows;
	size_t lower; /* the last bin that had rows */
	size_t n_occupied;
	size_t only_class; /* of the last bin, or several_classes */
};

/* What Gini impurity leaves to choose: the sum over both sides of (squared class weights) / weight is largest
 * where the weighted impurity is smallest.  with_left counts on the left too. */
static double split_score(const uint32_t *left, const uint32_t *with_left, const uint32_t *total,
			  const double *class_weight, size_t n_classes)
{
	double on_left = 0, left_squares = 0, on_right = 0, right_squares = 0;

	for (size_t k = 0; k < n_classes; k++) {
		uint32_t count = left[k] + (with_left != NULL ? with_left[k] : 0);
		double a = class_weight[k] * count;
		double b = class_weight[k] * (total[k] - count);

		on_left += a;
		left_squares += a * a;
		on_right += b;
		right_squares += b * b;
	}
	return left_squares / on_left + right_squares / on_right;
}

/* Keeps the split if it is better than the best: of equal ones the first stays. */
static void offer(struct mlops_forest_growing *growing, const struct walk *walk, size_t higher,
		  bool missing_left, size_t n_classes)
{
	const uint32_t *with_left = missing_left ? growing->missing : NULL;
	size_t min_leaf = growing->plan->min_leaf;
	double score;

	if (min_leaf > 1) {
		size_t left_rows = walk->left_rows + (missing_left ? walk->missing_rows : 0);

		if (left_rows < min_leaf || walk->n_rows - left_rows < min_leaf)
			return;
	}
	score = split_score(growing->left, with_left, growing->total, growing->plan->class_weight, n_classes);
	if (!(score > growing->split.score))
		return;
	growing->split = (struct mlops_forest_split){
		.score = score,
		.feature = walk->feature,
		.lower = walk->lower,
		.higher = higher,
		.missing_left = missing_left,
		.saw_missing = walk->any_missing,
	};
	for (size_t k = 0; k < n_classes; k++)
		growing->best[k] = growing->left[k] + (with_left != NULL ? with_left[k] : 0);
}

/*
 * Offers the split below the bin, moves the bin's rows to the left and clears it.
 * No split between two bins of one and the same class beats both splits at the ends of such a run (Fayyad,
 * Irani: "On the handling of continuous-valued attributes in decision tree generation", Machine Learning 8,
 * 1992; it holds for every concave impurity), so those are passed over, unless min_leaf forbids the ends.
 */
static void visit(struct mlops_forest_growing *growing, struct walk *walk, size_t bin, size_t n_classes)
{
	uint32_t *counts = growing->scratch->histogram + bin * n_classes;
	size_t only_class = no_class, classes = 0;

	for (size_t k = 0; k < n_classes; k++) {
		if (counts[k] > 0) {
			only_class = k;
			classes++;
		}
	}
	if (classes == 0)
		return;
	if (classes > 1)
		only_class = several_classes;
	if (walk->n_occupied > 0 && (only_class == several_classes || only_class != walk->only_class ||
				     growing->plan->min_leaf > 1)) {
		offer(growing, walk, bin, false, n_classes);
		if (walk->any_missing)
			offer(growing, walk, bin, true, n_classes);
	}
	for (size_t k = 0; k < n_classes; k++) {
		growing->left[k] += counts[k];
		counts[k] = 0;
	}
	if (growing->plan->min_leaf > 1) {
		walk->left_rows += growing->scratch->distinct[bin];
		growing->scratch->distinct[bin] = 0;
	}
	walk->lower = bin;
	walk->only_class = only_class;
	walk->n_occupied++;
}

static bool is_in_nook(const struct mlops_forest_nook *nook, const struct mlops_forest_span *span)
{
	return span->begin >= nook->begin && span->end <= nook->end;
}

/* Codes of the feature by the numbers that the span's rows have. */
static const uint16_t *codes_of(const struct mlops_forest_growing *growing,
				const struct mlops_forest_span *span, uint32_t feature)
{
	const struct mlops_forest_nook *nook = &growing->scratch->nook;

	return is_in_nook(nook, span) ? nook->codes + feature * nook->stride
				      : growing->plan->bins->features[feature].codes;
}

/* Copies the codes of the node's rows, and gives the rows new numbers. */
static void enter_nook(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	struct mlops_forest_nook *nook = &growing->scratch->nook;
	size_t width = growing->plan->bins->n_features;

	nook->begin = span->begin;
	nook->end = span->end;
	for (size_t i = 0; i < span->end - span->begin; i++) {
		struct mlops_grow_row *row = &growing->scratch->rows[span->begin + i];
		const uint16_t *codes = growing->plan->bins->by_row + row->row * width;

		for (size_t f = 0; f < width; f++)
			nook->codes[f * nook->stride + i] = codes[f];
		row->row = (uint32_t)i;
	}
}

/* The histogram of scratch->keys; what is missing goes to growing->missing. */
static void fill_histogram(const struct mlops_forest_growing *growing, const struct mlops_grow_row *rows,
			   struct walk *walk)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct mlops_forest_scratch *scratch = growing->scratch;
	const struct mlops_grow_window *window = walk->window;
	uint32_t *missing = scratch->histogram + window->n_bins * plan->n_classes;

	mlops_kernel_grow_histogram(scratch->keys, rows, walk->n_rows, window, plan->n_classes,
				    scratch->histogram);
	if (plan->min_leaf > 1) {
		for (size_t i = 0; i < walk->n_rows; i++) {
			uint32_t key = scratch->keys[i];

			scratch->distinct[key == window->missing ? window->n_bins
								 : (key - window->low) >> window->shift]++;
		}
		walk->missing_rows = scratch->distinct[window->n_bins];
		scratch->distinct[window->n_bins] = 0;
	}
	for (size_t k = 0; k < plan->n_classes; k++) {
		growing->missing[k] = missing[k];
		walk->any_missing |= missing[k] > 0;
		missing[k] = 0;
	}
}

/* Two classes without a least number of rows, the usual case. */
static void search_two_classes(struct mlops_forest_growing *growing, struct walk *walk, size_t n_bins)
{
	struct mlops_forest_split *split = &growing->split;
	struct mlops_grow_best best = { .score = split->score };
	struct mlops_grow_bins bins = { .counts = growing->scratch->histogram, .n_bins = n_bins };

	for (size_t k = 0; k < 2; k++) {
		bins.left[k] = growing->left[k];
		bins.missing[k] = growing->missing[k];
		bins.total[k] = growing->total[k];
		bins.class_weight[k] = growing->plan->class_weight[k];
	}
	walk->n_occupied = growing->plan->kernels->grow_search(&bins, &best);
	if (!(best.score > split->score))
		return;
	*split = (struct mlops_forest_split){
		.score = best.score,
		.feature = walk->feature,
		.lower = best.lower,
		.higher = best.higher,
		.missing_left = best.missing_left,
		.saw_missing = walk->any_missing,
	};
	growing->best[0] = best.left[0];
	growing->best[1] = best.left[1];
}

static void visit_bins(struct mlops_forest_growing *growing, struct walk *walk, size_t n_bins)
{
	size_t n_classes = growing->plan->n_classes;

	if (n_classes == 2 && growing->plan->min_leaf <= 1) {
		search_two_classes(growing, walk, n_bins);
		return;
	}
	for (size_t bin = 0; bin < n_bins; bin++)
		visit(growing, walk, bin, n_classes);
}

/* Offers splits of the feature.  False when it is constant in the node.  *window is of the feature that
 * growing->split has. */
static bool search_histogram(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			     uint32_t feature, struct mlops_grow_window *best_window)
{
	const struct mlops_binned *binned = &growing->plan->bins->features[feature];
	const struct mlops_grow_row *rows = growing->scratch->rows + span->begin;
	struct mlops_grow_window window = { .missing = (uint32_t)binned->n_bins };
	struct walk walk = { .feature = feature, .window = &window, .n_rows = span->end - span->begin };
	double score = growing->split.score;
	uint32_t high;

	mlops_kernel_grow_keys(codes_of(growing, span, feature), rows, walk.n_rows, window.missing,
			       growing->scratch->keys, &window.low, &high);
	if (window.low > high)
		return false;
	while ((high - window.low) >> window.shift >= MLOPS_FOREST_BINS)
		window.shift++;
	window.n_bins = ((high - window.low) >> window.shift) + 1;
	memset(growing->left, 0, growing->plan->n_classes * sizeof *growing->left);
	fill_histogram(growing, rows, &walk);
	visit_bins(growing, &walk, window.n_bins);
	if (walk.any_missing && walk.n_occupied > 0) {
		for (size_t k = 0; k < growing->plan->n_classes; k++)
			growing->left[k] = growing->total[k] - growing->missing[k];
		walk.left_rows = walk.n_rows - walk.missing_rows;
		offer(growing, &walk, MLOPS_FOREST_NO_CODE, false, growing->plan->n_classes);
	}
	if (growing->split.score > score)
		*best_window = window;
	return walk.n_occupied > 1 || (walk.n_occupied == 1 && walk.any_missing);
}

/* The best split among the codes of the two bins beside the best one so far: their codes become bins, those
 * below count as left already. */
static void refine(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
		   const struct mlops_grow_window *coarse)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct mlops_forest_scratch *scratch = growing->scratch;
	const struct mlops_forest_split found = growing->split;
	const uint16_t *codes = codes_of(growing, span, found.feature);
	const struct mlops_grow_row *rows = scratch->rows + span->begin;
	struct walk walk = { .feature = found.feature, .n_rows = span->end - span->begin };
	uint32_t width = UINT32_C(1) << coarse->shift;
	uint32_t lower = coarse->low + ((uint32_t)found.lower << coarse->shift);
	uint32_t higher = coarse->low + ((uint32_t)found.higher << coarse->shift);
	size_t n_classes = plan->n_classes;

	memset(growing->left, 0, n_classes * sizeof *growing->left);
	memset(growing->missing, 0, n_classes * sizeof *growing->missing);
	walk.any_missing = found.saw_missing;
	for (size_t i = 0; i < walk.n_rows; i++) {
		uint32_t key = codes[rows[i].row];
		uint32_t bin = key - lower < width ? key - lower : width + (key - higher);

		if (key == coarse->missing) {
			growing->missing[rows[i].class_of] += rows[i].weight;
			walk.missing_rows++;
		} else if (key < lower) {
			growing->left[rows[i].class_of] += rows[i].weight;
			walk.left_rows++;
		} else if (bin < 2 * width) {
			scratch->histogram[bin * n_classes + rows[i].class_of] += rows[i].weight;
			scratch->distinct[bin] += plan->min_leaf > 1;
		}
	}
	growing->split.score = -1;
	visit_bins(growing, &walk, 2 * width);
	growing->split.lower += growing->split.lower < width ? lower : higher - width;
	growing->split.higher += growing->split.higher < width ? lower : higher - width;
}

static bool is_in_block(const struct mlops_forest_block *block, const struct mlops_forest_span *span)
{
	return span->begin >= block->begin && span->end <= block->end;
}

/* Makes the node's rows the block. */
static void enter_block(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	struct mlops_forest_block *block = &growing->scratch->block;

	block->begin = span->begin;
	block->end = span->end;
	block->number++;
	for (size_t i = 0; i < span->end - span->begin; i++) {
		const struct mlops_grow_row *row = &growing->scratch->rows[span->begin + i];

		block->rows[i] = (uint8_t)i;
		block->weights[i] = row->weight;
		block->draws[i] = ~UINT64_C(0) >> (64 - row->weight);
		block->positive[i] = row->class_of == 1 ? block->draws[i] : 0;
	}
}

static const struct mlops_small_order *order_block(struct mlops_forest_growing *growing,
						   const struct mlops_forest_span *span, uint32_t feature)
{
	struct mlops_forest_block *block = &growing->scratch->block;
	const uint16_t *codes = codes_of(growing, span, feature);
	size_t missing = growing->plan->bins->features[feature].n_bins;
	const struct mlops_grow_row *rows = growing->scratch->rows + block->begin;
	size_t n = block->end - block->begin;
	uint16_t keys[MLOPS_SMALL_DRAWS];

	if (block->ordered[feature] != block->number) {
		for (size_t i = 0; i < n; i++)
			keys[i] = codes[rows[i].row];
		growing->plan->kernels->small_sort(keys, block->weights, n, (uint16_t)missing,
						   &block->orders[feature]);
		block->ordered[feature] = block->number;
	}
	return &block->orders[feature];
}

static bool search_block(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
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
	bool varies = growing->plan->kernels->small_split(&node, order_block(growing, span, feature), best);

	if (best->score > score)
		growing->split.feature = feature;
	return varies;
}

/* Says the block's split in codes. */
static void take_block_split(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			     const struct mlops_small_split *found)
{
	const struct mlops_forest_block *block = &growing->scratch->block;
	struct mlops_forest_split *split = &growing->split;
	const uint16_t *codes = codes_of(growing, span, split->feature);
	size_t missing = growing->plan->bins->features[split->feature].n_bins;
	const struct mlops_small_order *order = &block->orders[split->feature];

	split->score = found->score;
	split->missing_left = found->missing_left;
	split->saw_missing = found->saw_missing;
	split->lower = 0;
	split->higher = MLOPS_FOREST_NO_CODE;
	growing->best[0] = found->left[0];
	growing->best[1] = found->left[1];
	for (size_t i = span->begin - block->begin; i < span->end - block->begin; i++) {
		size_t row = block->rows[i];
		size_t key = codes[growing->scratch->rows[block->begin + row].row];

		if (order->place[row] < found->place)
			split->lower = key > split->lower ? key : split->lower;
		else if (key != missing)
			split->higher = key < split->higher ? key : split->higher;
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
	struct mlops_forest_block *block = &growing->scratch->block;
	uint32_t *candidates = growing->scratch->candidates;
	/* known ones that were not drawn yet */
	uint32_t constants = (uint32_t)plan->bins->n_features - span->n_candidates;
	uint32_t varying = 0;
	struct mlops_small_split small = { .score = -1 };
	struct mlops_grow_window window = { .shift = 0 };
	bool in_block = is_in_block(block, span);

	if (!is_in_nook(&growing->scratch->nook, span) &&
	    span->end - span->begin <= growing->scratch->nook.most_rows)
		enter_nook(growing, span);
	if (!in_block && plan->n_classes == 2 && growing->total[0] + growing->total[1] <= MLOPS_SMALL_DRAWS) {
		enter_block(growing, span);
		in_block = true;
	}
	growing->split = (struct mlops_forest_split){ .score = -1 };
	for (size_t drawn = 0; varying < span->n_candidates && (drawn < plan->max_features || varying == 0);
	     drawn++) {
		uint32_t pick = mlops_rng_below(growing->rng, constants + span->n_candidates - varying);
		uint32_t feature;
		bool varies;

		if (pick < constants) {
			constants--;
			continue;
		}
		pick += varying - constants;
		feature = candidates[pick];
		varies = in_block ? search_block(growing, span, feature, &small)
				  : search_histogram(growing, span, feature, &window);
		if (varies) {
			candidates[pick] = candidates[varying];
			candidates[varying++] = feature;
		} else {
			span->n_candidates--;
			candidates[pick] = candidates[span->n_candidates];
			candidates[span->n_candidates] = feature;
		}
	}
	if (in_block && small.score >= 0) {
		take_block_split(growing, span, &small);
	} else if (!in_block && growing->split.score >= 0) {
		if (window.shift > 0 && growing->split.higher != MLOPS_FOREST_NO_CODE) {
			refine(growing, span, &window);
		} else {
			growing->split.lower += window.low;
			if (growing->split.higher != MLOPS_FOREST_NO_CODE)
				growing->split.higher += window.low;
			else
				growing->split.lower =
					growing->plan->bins->features[growing->split.feature].n_bins - 1;
		}
	}
	return growing->split.score >= 0;
}

static size_t partition_block(const struct mlops_forest_growing *growing,
			      const struct mlops_forest_span *span)
{
	const struct mlops_forest_split *split = &growing->split;
	struct mlops_forest_block *block = &growing->scratch->block;
	const uint16_t *codes = codes_of(growing, span, split->feature);
	size_t missing = growing->plan->bins->features[split->feature].n_bins;
	uint8_t *rows = block->rows;
	uint8_t spare[MLOPS_SMALL_DRAWS];
	size_t left = span->begin - block->begin, right = 0;

	for (size_t i = left; i < span->end - block->begin; i++) {
		uint8_t row = rows[i];
		size_t code = codes[growing->scratch->rows[block->begin + row].row];
		size_t is_left = (code <= split->lower) | ((code == missing) & split->missing_left);

		rows[left] = row;
		spare[right] = row;
		left += is_left;
		right += 1 - is_left;
	}
	memcpy(rows + left, spare, right);
	return block->begin + left;
}

size_t mlops_forest_partition(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	const struct mlops_forest_split *split = &growing->split;
	const uint16_t *codes = codes_of(growing, span, split->feature);
	size_t missing = growing->plan->bins->features[split->feature].n_bins;
	struct mlops_grow_row *rows = growing->scratch->rows;
	struct mlops_grow_row *spare = growing->scratch->spare;
	size_t left = span->begin, right = 0;

	if (is_in_block(&growing->scratch->block, span))
		return partition_block(growing, span);
	for (size_t i = span->begin; i < span->end; i++) {
		struct mlops_grow_row row = rows[i];
		size_t code = codes[row.row];
		size_t is_left = (code <= split->lower) | ((code == missing) & split->missing_left);

		rows[left] = row;
		spare[right] = row;
		left += is_left;
		right += 1 - is_left;
	}
	memcpy(rows + left, spare, right * sizeof *rows);
	return left;
}
