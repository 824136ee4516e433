/*
 * One tree of a random forest, grown on codes (Breiman: "Random Forests", Machine Learning 45, 2001).
 *
 * At a node, each feature that is drawn gets a histogram of its codes a class, in integers, so that no order of
 * rows can show in it.  A node of few rows looks at the codes that occur only: with that the histogram is never dearer than
 * sorting the rows would be.
 */
#include "model/random_forest.h"

#include "kernel/kernel.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	CODES = 256,
	FEW_ROWS = 1024, /* noting which codes occur pays below */
};

static const size_t no_bin = SIZE_MAX;

struct span {
	uint32_t node;
	uint32_t depth;
	size_t begin, end;
	uint32_t n_candidates;
};

/* The best split so far; its left side's class counts are in growing.best. */
struct split {
	double score;
	uint32_t feature;
	size_t lower, higher; /* bins on both sides of the threshold; higher is no_bin when missing values part from all others */
	bool missing_left;
	bool saw_missing;
};

struct growing {
	const struct mlops_forest_plan *plan;
	struct mlops_forest_scratch *scratch;
	struct mlops_tree_builder *builder;
	struct mlops_rng *rng;
	double *importance;
	uint32_t *total, *left, *best, *missing; /* [n_classes] */
	struct split split;
};

/* A node's histogram of one feature. */
struct occupied {
	uint64_t touched[4];
	uint32_t missing_rows; /* different ones, counted where min_leaf asks for it */
	bool any_missing;
};

bool mlops_forest_scratch_allocate(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch)
{
	size_t n_rows = plan->bins->n_rows, n_classes = plan->n_classes;

	scratch->weight = calloc(n_rows, sizeof *scratch->weight);
	scratch->rows = calloc(n_rows, sizeof *scratch->rows);
	scratch->spare = calloc(n_rows, sizeof *scratch->spare);
	scratch->candidates = calloc(plan->bins->n_features, sizeof *scratch->candidates);
	scratch->histogram = calloc(CODES * n_classes, sizeof *scratch->histogram);
	scratch->distinct = calloc(CODES, sizeof *scratch->distinct);
	scratch->waiting = calloc(MLOPS_FOREST_WAITING * n_classes, sizeof *scratch->waiting);
	scratch->counts = calloc(4 * n_classes, sizeof *scratch->counts);
	scratch->leaf = calloc(n_classes, sizeof *scratch->leaf);
	return scratch->weight != NULL && scratch->rows != NULL && scratch->spare != NULL &&
	       scratch->candidates != NULL && scratch->histogram != NULL && scratch->distinct != NULL &&
	       scratch->waiting != NULL && scratch->counts != NULL && scratch->leaf != NULL;
}

void mlops_forest_scratch_release(struct mlops_forest_scratch *scratch)
{
	free(scratch->weight);
	free(scratch->rows);
	free(scratch->spare);
	free(scratch->candidates);
	free(scratch->histogram);
	free(scratch->distinct);
	free(scratch->waiting);
	free(scratch->counts);
	free(scratch->leaf);
}

static void fill_histogram(const struct growing *growing, const struct span *span, uint32_t feature,
			   struct occupied *occupied)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct mlops_forest_scratch *scratch = growing->scratch;
	const uint8_t *codes = plan->bins->codes + feature * plan->bins->n_rows;
	const uint32_t *rows = scratch->rows + span->begin;
	size_t n = span->end - span->begin;
	uint32_t *missing = scratch->histogram + MLOPS_MISSING_CODE * plan->n_classes;

	*occupied = (struct occupied){ .any_missing = false };
	if (n < FEW_ROWS) {
		mlops_kernel_histogram_touched(codes, plan->class_of, scratch->weight, rows, n, plan->n_classes,
					       scratch->histogram, occupied->touched);
	} else {
		mlops_kernel_histogram(codes, plan->class_of, scratch->weight, rows, n, plan->n_classes,
				       scratch->histogram);
		for (size_t b = 0; b < plan->bins->n_bins[feature]; b++)
			occupied->touched[b >> 6] |= (uint64_t)1 << (b & 63);
	}
	occupied->touched[3] &= ~((uint64_t)1 << 63);
	if (plan->min_leaf > 1) {
		for (size_t i = 0; i < n; i++)
			scratch->distinct[codes[rows[i]]]++;
		occupied->missing_rows = scratch->distinct[MLOPS_MISSING_CODE];
		scratch->distinct[MLOPS_MISSING_CODE] = 0;
	}
	for (size_t k = 0; k < plan->n_classes; k++) {
		growing->missing[k] = missing[k];
		occupied->any_missing |= missing[k] > 0;
		missing[k] = 0;
	}
}

/* What Gini impurity leaves to choose: the sum over both sides of (squared class weights) / weight is largest where the
 * weighted impurity is smallest.  with_left counts on the left too. */
static inline double split_score(const uint32_t *left, const uint32_t *with_left, const uint32_t *total,
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
static inline void offer(struct growing *growing, uint32_t feature, size_t lower, size_t higher, bool missing_left,
			 bool any_missing, size_t n_classes)
{
	const uint32_t *with_left = missing_left ? growing->missing : NULL;
	double score = split_score(growing->left, with_left, growing->total, growing->plan->class_weight, n_classes);

	if (!(score > growing->split.score))
		return;
	growing->split = (struct split){
		.score = score,
		.feature = feature,
		.lower = lower,
		.higher = higher,
		.missing_left = missing_left,
		.saw_missing = any_missing,
	};
	for (size_t k = 0; k < n_classes; k++)
		growing->best[k] = growing->left[k] + (with_left != NULL ? with_left[k] : 0);
}

/* Walks the occupied bins upwards, clearing them, and offers the split below each.  False when the feature is constant. */
static inline __attribute__((always_inline)) bool search(struct growing *growing, size_t n_rows, uint32_t feature,
							 struct occupied *occupied, size_t n_classes)
{
	struct mlops_forest_scratch *scratch = growing->scratch;
	size_t min_leaf = growing->plan->min_leaf;
	size_t lower = no_bin, left_rows = 0, n_occupied = 0;

	memset(growing->left, 0, n_classes * sizeof *growing->left);
	for (size_t word = 0; word < 4; word++) {
		for (; occupied->touched[word] != 0; occupied->touched[word] &= occupied->touched[word] - 1) {
			size_t bin = word * 64 + (size_t)__builtin_ctzll(occupied->touched[word]);
			uint32_t *counts = scratch->histogram + bin * n_classes;
			uint32_t in_bin = 0;

			for (size_t k = 0; k < n_classes; k++)
				in_bin |= counts[k];
			if (in_bin == 0)
				continue;
			if (lower != no_bin) {
				size_t missing = occupied->missing_rows;

				if (min_leaf <= 1 || (left_rows >= min_leaf && n_rows - left_rows >= min_leaf))
					offer(growing, feature, lower, bin, false, occupied->any_missing, n_classes);
				if (occupied->any_missing &&
				    (min_leaf <= 1 ||
				     (left_rows + missing >= min_leaf && n_rows - left_rows - missing >= min_leaf)))
					offer(growing, feature, lower, bin, true, true, n_classes);
			}
			for (size_t k = 0; k < n_classes; k++) {
				growing->left[k] += counts[k];
				counts[k] = 0;
			}
			if (min_leaf > 1) {
				left_rows += scratch->distinct[bin];
				scratch->distinct[bin] = 0;
			}
			lower = bin;
			n_occupied++;
		}
	}
	if (occupied->any_missing && n_occupied > 0 &&
	    (min_leaf <= 1 || (left_rows >= min_leaf && n_rows - left_rows >= min_leaf)))
		offer(growing, feature, lower, no_bin, false, true, n_classes);
	return n_occupied > 1 || (n_occupied == 1 && occupied->any_missing);
}

/* Tries max_features features that vary in the node; constant ones leave the candidates, for the nodes below as well. */
static bool find_split(struct growing *growing, struct span *span)
{
	const struct mlops_forest_plan *plan = growing->plan;
	uint32_t *candidates = growing->scratch->candidates;
	uint32_t tried = 0;

	growing->split = (struct split){ .score = -1 };
	while (tried < plan->max_features && tried < span->n_candidates) {
		uint32_t pick = tried + mlops_rng_below(growing->rng, span->n_candidates - tried);
		uint32_t feature = candidates[pick];
		size_t n_rows = span->end - span->begin;
		struct occupied occupied;
		bool varies;

		fill_histogram(growing, span, feature, &occupied);
		if (plan->n_classes == 2)
			varies = search(growing, n_rows, feature, &occupied, 2);
		else
			varies = search(growing, n_rows, feature, &occupied, plan->n_classes);
		if (varies) {
			candidates[pick] = candidates[tried];
			candidates[tried++] = feature;
		} else {
			span->n_candidates--;
			candidates[pick] = candidates[span->n_candidates];
			candidates[span->n_candidates] = feature;
		}
	}
	return growing->split.score >= 0;
}

/* Rows that go left come first, both sides in their old order; returns where the right side begins. */
static size_t partition(const struct growing *growing, const struct span *span)
{
	const struct split *split = &growing->split;
	const struct mlops_bins *bins = growing->plan->bins;
	const uint8_t *codes = bins->codes + split->feature * bins->n_rows;
	uint32_t *rows = growing->scratch->rows;
	uint32_t *spare = growing->scratch->spare;
	uint8_t goes_left[CODES];
	size_t left = span->begin, right = 0;

	for (size_t b = 0; b < MLOPS_MAX_BINS; b++)
		goes_left[b] = b <= split->lower;
	goes_left[MLOPS_MISSING_CODE] = split->missing_left;
	for (size_t i = span->begin; i < span->end; i++) {
		uint32_t row = rows[i];
		size_t is_left = goes_left[codes[row]];

		rows[left] = row;
		spare[right] = row;
		left += is_left;
		right += 1 - is_left;
	}
	memcpy(rows + left, spare, right * sizeof *rows);
	return left;
}

/* Shares of the classes as multiples of 1/scale that add up to 1: what rounding down leaves over goes to the largest
 * fractions (the lower class first where they are equal). */
static void set_shares(const double *shares, size_t n_classes, float scale, float *leaf)
{
	double left_over = scale;

	for (size_t k = 0; k < n_classes; k++) {
		double units = floor(shares[k] * scale);

		leaf[k] = (float)(units / scale);
		left_over -= units;
	}
	for (; left_over >= 1; left_over--) {
		size_t most = 0;

		for (size_t k = 1; k < n_classes; k++) {
			if (shares[k] - leaf[k] > shares[most] - leaf[most])
				most = k;
		}
		leaf[most] += 1 / scale;
	}
}

static bool set_leaf(const struct growing *growing, uint32_t node)
{
	const struct mlops_forest_plan *plan = growing->plan;
	double shares[MLOPS_MAX_BINS + 1];
	double sum = 0;

	for (size_t k = 0; k < plan->n_classes; k++)
		sum += plan->class_weight[k] * growing->total[k];
	for (size_t k = 0; k < plan->n_classes; k++)
		shares[k] = plan->class_weight[k] * growing->total[k] / sum;
	if (plan->n_classes == 2)
		growing->scratch->leaf[0] = (float)(rint(shares[1] * plan->scale) / plan->scale);
	else
		set_shares(shares, plan->n_classes, plan->scale, growing->scratch->leaf);
	return mlops_tree_builder_set_leaf(growing->builder, node, growing->scratch->leaf);
}

static bool is_pure(const struct growing *growing)
{
	size_t present = 0;

	for (size_t k = 0; k < growing->plan->n_classes; k++)
		present += growing->total[k] > 0;
	return present < 2;
}

/* How much the split lowers the node's weighted impurity: that is sum - squares / sum before it, and sum - score after. */
static double decrease(const struct growing *growing)
{
	double sum = 0, squares = 0;

	for (size_t k = 0; k < growing->plan->n_classes; k++) {
		double weight = growing->plan->class_weight[k] * growing->total[k];

		sum += weight;
		squares += weight * weight;
	}
	return fmax(0, growing->split.score - squares / sum);
}

/* Splits the node: span becomes the smaller child, larger the other, growing.total and larger_total their counts. */
static bool split_node(struct growing *growing, struct span *span, struct span *larger, uint32_t *larger_total)
{
	const struct split *split = &growing->split;
	size_t n_classes = growing->plan->n_classes;
	size_t middle = partition(growing, span);
	struct span left = *span, right = *span;
	bool missing_left = split->missing_left;
	bool left_is_larger = middle - span->begin > span->end - middle;
	uint32_t node = span->node;
	float threshold = FLT_MAX;
	uint32_t children = mlops_tree_builder_add(growing->builder, 2);

	if (children == UINT32_MAX)
		return false;
	if (split->higher != no_bin)
		threshold = mlops_bins_threshold(growing->plan->bins, split->feature, split->lower, split->higher);
	if (!split->saw_missing)
		missing_left = left_is_larger;
	mlops_tree_builder_set_split(growing->builder, node, split->feature, threshold, missing_left, children);
	growing->importance[split->feature] += decrease(growing);

	left.node = children;
	right.node = children + 1;
	left.end = right.begin = middle;
	left.depth = right.depth = span->depth + 1;
	*span = left_is_larger ? right : left;
	*larger = left_is_larger ? left : right;
	for (size_t k = 0; k < n_classes; k++) {
		uint32_t on_right = growing->total[k] - growing->best[k];

		growing->total[k] = left_is_larger ? on_right : growing->best[k];
		larger_total[k] = left_is_larger ? growing->best[k] : on_right;
	}
	return true;
}

static bool grow(struct growing *growing, struct span span)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct span waiting[MLOPS_FOREST_WAITING];
	size_t n_waiting = 0, n_classes = plan->n_classes;

	for (;;) {
		size_t n_rows = span.end - span.begin;

		if (n_rows >= 2 * plan->min_leaf && span.depth < plan->max_depth && !is_pure(growing) &&
		    find_split(growing, &span)) {
			if (!split_node(growing, &span, &waiting[n_waiting],
					growing->scratch->waiting + n_waiting * n_classes))
				return false;
			n_waiting++;
			continue;
		}
		if (!set_leaf(growing, span.node))
			return false;
		if (n_waiting == 0)
			return true;
		span = waiting[--n_waiting];
		memcpy(growing->total, growing->scratch->waiting + n_waiting * n_classes,
		       n_classes * sizeof *growing->total);
	}
}

static void normalise(double *importance, size_t n)
{
	double sum = 0;

	for (size_t f = 0; f < n; f++)
		sum += importance[f];
	for (size_t f = 0; sum > 0 && f < n; f++)
		importance[f] /= sum;
}

bool mlops_forest_grow_tree(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch, size_t n_rows,
			    struct mlops_rng *rng, struct mlops_tree_builder *builder, double *importance)
{
	size_t n_classes = plan->n_classes, n_features = plan->bins->n_features;
	struct growing growing = {
		.plan = plan,
		.scratch = scratch,
		.builder = builder,
		.rng = rng,
		.importance = importance,
		.total = scratch->counts,
		.left = scratch->counts + n_classes,
		.best = scratch->counts + 2 * n_classes,
		.missing = scratch->counts + 3 * n_classes,
	};
	struct span root = { .end = n_rows, .n_candidates = (uint32_t)n_features };

	memset(growing.total, 0, n_classes * sizeof *growing.total);
	for (size_t i = 0; i < n_rows; i++)
		growing.total[plan->class_of[scratch->rows[i]]] += scratch->weight[scratch->rows[i]];
	for (uint32_t f = 0; f < n_features; f++) {
		scratch->candidates[f] = f;
		importance[f] = 0;
	}
	root.node = mlops_tree_builder_add(builder, 1);
	if (root.node == UINT32_MAX || !grow(&growing, root))
		return false;
	normalise(importance, n_features);
	return true;
}
