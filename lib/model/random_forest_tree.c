/*
 * One tree of a random forest, grown on codes (Breiman: "Random Forests", Machine Learning 45, 2001).
 */
#include "model/random_forest.h"

#include "rows/dataset.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool allocate_block(struct mlops_forest_block *block, size_t n_features)
{
	block->rows = calloc(MLOPS_SMALL_DRAWS, sizeof *block->rows);
	block->weights = calloc(MLOPS_SMALL_DRAWS, sizeof *block->weights);
	block->draws = calloc(MLOPS_SMALL_DRAWS, sizeof *block->draws);
	block->positive = calloc(MLOPS_SMALL_DRAWS, sizeof *block->positive);
	block->orders = calloc(n_features, sizeof *block->orders);
	block->ordered = calloc(n_features, sizeof *block->ordered);
	return block->rows != NULL && block->weights != NULL && block->draws != NULL &&
	       block->positive != NULL && block->orders != NULL && block->ordered != NULL;
}

enum { NOOK_BYTES = 1 << 18, LEAST_NOOK = 256, MOST_NOOK = 4096 };

/* No power of two between features' codes: they would share a set of the cache. */
static bool allocate_nook(struct mlops_forest_nook *nook, size_t n_features)
{
	size_t rows = NOOK_BYTES / sizeof *nook->codes / n_features;

	nook->most_rows = rows < LEAST_NOOK ? LEAST_NOOK : rows > MOST_NOOK ? MOST_NOOK : rows;
	nook->stride = nook->most_rows + 32;
	nook->codes = calloc(n_features, nook->stride * sizeof *nook->codes);
	return nook->codes != NULL;
}

bool mlops_forest_scratch_allocate(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch)
{
	size_t n_rows = plan->bins->n_rows, n_classes = plan->n_classes, n_features = plan->bins->n_features;
	size_t n_bins = 2 * MLOPS_FOREST_BINS + 1;

	scratch->weight = calloc(n_rows, sizeof *scratch->weight);
	scratch->rows = calloc(n_rows, sizeof *scratch->rows);
	scratch->spare = calloc(n_rows, sizeof *scratch->spare);
	scratch->keys = calloc(n_rows, sizeof *scratch->keys);
	scratch->candidates = calloc(n_features, sizeof *scratch->candidates);
	scratch->histogram = calloc(n_bins * n_classes, sizeof *scratch->histogram);
	scratch->distinct = calloc(n_bins, sizeof *scratch->distinct);
	scratch->waiting = calloc(MLOPS_FOREST_WAITING * n_classes, sizeof *scratch->waiting);
	scratch->counts = calloc(4 * n_classes, sizeof *scratch->counts);
	scratch->leaf = calloc(n_classes, sizeof *scratch->leaf);
	return scratch->weight != NULL && scratch->rows != NULL && scratch->spare != NULL &&
	       scratch->keys != NULL && scratch->candidates != NULL && scratch->histogram != NULL &&
	       scratch->distinct != NULL && scratch->waiting != NULL && scratch->counts != NULL &&
	       scratch->leaf != NULL && allocate_nook(&scratch->nook, n_features) &&
	       allocate_block(&scratch->block, n_features);
}

void mlops_forest_scratch_release(struct mlops_forest_scratch *scratch)
{
	free(scratch->weight);
	free(scratch->rows);
	free(scratch->spare);
	free(scratch->keys);
	free(scratch->candidates);
	free(scratch->histogram);
	free(scratch->distinct);
	free(scratch->waiting);
	free(scratch->counts);
	free(scratch->leaf);
	free(scratch->nook.codes);
	free(scratch->block.rows);
	free(scratch->block.weights);
	free(scratch->block.draws);
	free(scratch->block.positive);
	free(scratch->block.orders);
	free(scratch->block.ordered);
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

static bool set_leaf(const struct mlops_forest_growing *growing, uint32_t node)
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

static bool is_pure(const struct mlops_forest_growing *growing)
{
	size_t present = 0;

	for (size_t k = 0; k < growing->plan->n_classes; k++)
		present += growing->total[k] > 0;
	return present < 2;
}

/* How much the split lowers weighted impurity: it is sum - squares / sum before and sum - score after. */
static double decrease(const struct mlops_forest_growing *growing)
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
static bool split_node(struct mlops_forest_growing *growing, struct mlops_forest_span *span,
		       struct mlops_forest_span *larger, uint32_t *larger_total)
{
	const struct mlops_forest_split *split = &growing->split;
	size_t n_classes = growing->plan->n_classes;
	size_t middle = mlops_forest_partition(growing, span);
	struct mlops_forest_span left = *span, right = *span;
	bool missing_left = split->missing_left;
	bool left_is_larger = middle - span->begin > span->end - middle;
	uint32_t node = span->node;
	float threshold = FLT_MAX;
	uint32_t children = mlops_tree_builder_add(growing->builder, 2);

	if (children == UINT32_MAX)
		return false;
	if (split->higher != MLOPS_FOREST_NO_CODE)
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

static bool grow(struct mlops_forest_growing *growing, struct mlops_forest_span span)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct mlops_forest_span waiting[MLOPS_FOREST_WAITING];
	size_t n_waiting = 0, n_classes = plan->n_classes;

	for (;;) {
		size_t n_rows = span.end - span.begin;

		if (n_rows >= 2 * plan->min_leaf && span.depth < plan->max_depth && !is_pure(growing) &&
		    mlops_forest_find_split(growing, &span)) {
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
	struct mlops_forest_growing growing = {
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
	struct mlops_forest_span root = { .end = n_rows, .n_candidates = (uint32_t)n_features };

	memset(growing.total, 0, n_classes * sizeof *growing.total);
	for (size_t i = 0; i < n_rows; i++)
		growing.total[scratch->rows[i].class_of] += scratch->rows[i].weight;
	scratch->nook.begin = scratch->nook.end = 0;
	scratch->block.begin = scratch->block.end = 0;
	scratch->block.number = 0;
	memset(scratch->block.ordered, 0, n_features * sizeof *scratch->block.ordered);
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
