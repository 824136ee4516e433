/*
 * One tree of a random forest, grown on codes (Breiman: "Random Forests", Machine Learning 45, 2001).
 *
 * At a node, each feature that is drawn gets a histogram of its codes a class, in integers, so that no order
 * of rows can show in it.  A node of few rows walks the set of codes that occur: that sorts them for the
 * price of a histogram.
 */
#include "model/random_forest.h"

#include "rows/dataset.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Noting which bins occur pays when there are more bins than so many times the rows. */
enum { BINS_A_ROW = 4 };

static const size_t no_bin = SIZE_MAX;
static const size_t several_classes = SIZE_MAX;

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
	size_t lower, higher; /* bins beside the threshold; higher no_bin: only missing values go right */
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

/* One feature's bins of a node, walked upwards. */
struct walk {
	uint32_t feature;
	size_t n_rows; /* different rows in the node */
	bool any_missing;
	size_t missing_rows; /* different ones, counted where min_leaf asks for it */
	size_t left_rows;
	size_t lower; /* the last bin that had rows */
	size_t n_occupied;
	size_t only_class; /* of the last bin, or several_classes */
};

bool mlops_forest_scratch_allocate(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch)
{
	size_t n_rows = plan->bins->n_rows, n_classes = plan->n_classes;
	size_t n_codes = plan->bins->max_bins + 1;

	scratch->weight = calloc(n_rows, sizeof *scratch->weight);
	scratch->rows = calloc(n_rows, sizeof *scratch->rows);
	scratch->spare = calloc(n_rows, sizeof *scratch->spare);
	scratch->candidates = calloc(plan->bins->n_features, sizeof *scratch->candidates);
	scratch->histogram = calloc(n_codes * n_classes, sizeof *scratch->histogram);
	scratch->distinct = calloc(n_codes, sizeof *scratch->distinct);
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

/* Missing values leave the histogram for growing.missing.  Returns whether scratch->touched tells the bins
 * that have rows. */
static bool fill_histogram(const struct growing *growing, const struct span *span, struct walk *walk)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct mlops_forest_scratch *scratch = growing->scratch;
	const struct mlops_binned *binned = &plan->bins->features[walk->feature];
	const uint32_t *rows = scratch->rows + span->begin;
	uint32_t *missing = scratch->histogram + binned->n_bins * plan->n_classes;
	size_t n = walk->n_rows;
	bool is_sparse = binned->n_bins > BINS_A_ROW * n;

	if (is_sparse)
		mlops_kernel_histogram_touched(binned->codes, plan->class_of, scratch->weight, rows, n,
					       plan->n_classes, scratch->histogram, &scratch->touched);
	else
		mlops_kernel_histogram(binned->codes, plan->class_of, scratch->weight, rows, n,
				       plan->n_classes, scratch->histogram);
	if (plan->min_leaf > 1) {
		for (size_t i = 0; i < n; i++)
			scratch->distinct[binned->codes[rows[i]]]++;
		walk->missing_rows = scratch->distinct[binned->n_bins];
		scratch->distinct[binned->n_bins] = 0;
	}
	for (size_t k = 0; k < plan->n_classes; k++) {
		growing->missing[k] = missing[k];
		walk->any_missing |= missing[k] > 0;
		missing[k] = 0;
	}
	return is_sparse;
}

/* What Gini impurity leaves to choose: the sum over both sides of (squared class weights) / weight is largest
 * where the weighted impurity is smallest.  with_left counts on the left too. */
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
static inline void offer(struct growing *growing, const struct walk *walk, size_t higher, bool missing_left,
			 size_t n_classes)
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
	growing->split = (struct split){
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
static inline __attribute__((always_inline)) void visit(struct growing *growing, struct walk *walk,
							size_t bin, size_t n_classes)
{
	uint32_t *counts = growing->scratch->histogram + bin * n_classes;
	size_t only_class = no_bin, classes = 0;

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

/* Visits the touched bins in ascending order and clears the set. */
static inline __attribute__((always_inline)) void visit_touched(struct growing *growing, struct walk *walk,
								size_t n_classes)
{
	struct mlops_kernel_touched *touched = &growing->scratch->touched;
	size_t n_bins = growing->plan->bins->features[walk->feature].n_bins;

	for (size_t s = 0; s <= n_bins >> 12; s++) {
		for (uint64_t summary = touched->summary[s]; summary != 0; summary &= summary - 1) {
			size_t w = s * 64 + (size_t)__builtin_ctzll(summary);

			for (uint64_t word = touched->words[w]; word != 0; word &= word - 1)
				visit(growing, walk, w * 64 + (size_t)__builtin_ctzll(word), n_classes);
			touched->words[w] = 0;
		}
		touched->summary[s] = 0;
	}
}

/* Offers every split of the feature.  False when it is constant in the node. */
static inline __attribute__((always_inline)) bool search(struct growing *growing, const struct span *span,
							 uint32_t feature, size_t n_classes)
{
	struct walk walk = { .feature = feature, .n_rows = span->end - span->begin };
	size_t n_bins = growing->plan->bins->features[feature].n_bins;

	memset(growing->left, 0, n_classes * sizeof *growing->left);
	if (fill_histogram(growing, span, &walk)) {
		visit_touched(growing, &walk, n_classes);
	} else {
		for (size_t bin = 0; bin < n_bins; bin++)
			visit(growing, &walk, bin, n_classes);
	}
	if (walk.any_missing && walk.n_occupied > 0)
		offer(growing, &walk, no_bin, false, n_classes);
	return walk.n_occupied > 1 || (walk.n_occupied == 1 && walk.any_missing);
}

/*
 * Draws max_features features, and further ones while all drawn are constant in the node (as scikit-learn
 * does); a constant one counts as drawn, which makes trees less alike.  Those found constant leave the
 * candidates, for the nodes below as well: there a draw may still hit them, but costs nothing.
 */
static bool find_split(struct growing *growing, struct span *span)
{
	const struct mlops_forest_plan *plan = growing->plan;
	uint32_t *candidates = growing->scratch->candidates;
	/* known ones that were not drawn yet */
	uint32_t constants = (uint32_t)plan->bins->n_features - span->n_candidates;
	uint32_t varying = 0;

	growing->split = (struct split){ .score = -1 };
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
		/* two classes are the usual case, and a constant unrolls its loops */
		if (plan->n_classes == 2)
			varies = search(growing, span, feature, 2);
		else
			varies = search(growing, span, feature, plan->n_classes);
		if (varies) {
			candidates[pick] = candidates[varying];
			candidates[varying++] = feature;
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
	const struct mlops_binned *binned = &growing->plan->bins->features[split->feature];
	const uint16_t *codes = binned->codes;
	uint32_t *rows = growing->scratch->rows;
	uint32_t *spare = growing->scratch->spare;
	size_t missing_left_code = split->missing_left ? binned->n_bins : no_bin;
	size_t left = span->begin, right = 0;

	for (size_t i = span->begin; i < span->end; i++) {
		uint32_t row = rows[i];
		size_t is_left = (codes[row] <= split->lower) | (codes[row] == missing_left_code);

		rows[left] = row;
		spare[right] = row;
		left += is_left;
		right += 1 - is_left;
	}
	memcpy(rows + left, spare, right * sizeof *rows);
	return left;
}

/* Shares of the classes as multiples of 1/scale that add up to 1: what rounding down leaves over goes to the
 * largest fractions (the lower class first where they are equal). */
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
	double shares[MLOPS_MAX_CLASSES];
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

/* How much the split lowers weighted impurity: it is sum - squares / sum before and sum - score after. */
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

/* Splits the node: span becomes the smaller child, larger the other, growing.total and larger_total their
 * counts. */
static bool split_node(struct growing *growing, struct span *span, struct span *larger,
		       uint32_t *larger_total)
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
		threshold = mlops_bins_threshold(&growing->plan->bins->features[split->feature], split->lower,
						 split->higher);
	if (!split->saw_missing)
		missing_left = left_is_larger;
	mlops_tree_builder_set_split(growing->builder, node, split->feature, threshold, missing_left,
				     children);
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

bool mlops_forest_grow_tree(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch,
			    size_t n_rows, struct mlops_rng *rng, struct mlops_tree_builder *builder,
			    double *importance)
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
