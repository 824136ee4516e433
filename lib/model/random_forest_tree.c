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

/* Codes that stay in a core's own cache: nodes below need no nook. */
enum { CACHED_BYTES = 1 << 19 };

static bool allocate_nooks(struct mlops_forest_scratch *scratch, const struct mlops_bins *bins)
{
	size_t row_bytes = bins->n_features * sizeof(uint16_t);
	size_t rows = bins->n_rows, below = mlops_forest_subtree_rows(rows);

	while (rows > CACHED_BYTES / row_bytes && rows > below &&
	       scratch->n_nooks < MLOPS_FOREST_MOST_NOOKS) {
		struct mlops_forest_nook *nook = &scratch->nooks[scratch->n_nooks];

		nook->most_rows = rows = below;
		nook->codes = calloc(rows, row_bytes);
		if (nook->codes == NULL)
			return false;
		scratch->n_nooks++;
		below = rows / 8;
	}
	return true;
}

static bool allocate_rows(struct mlops_forest_rows *rows, size_t n_rows)
{
	rows->weight = calloc(n_rows, sizeof *rows->weight);
	rows->rows = calloc(n_rows, sizeof *rows->rows);
	rows->spare = calloc(n_rows, sizeof *rows->spare);
	rows->keys = calloc(n_rows, sizeof *rows->keys);
	return rows->weight != NULL && rows->rows != NULL && rows->spare != NULL && rows->keys != NULL;
}

enum { N_COUNTS = 6 };

bool mlops_forest_scratch_allocate(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch)
{
	size_t n_features = plan->bins->n_features, width = mlops_grow_width(plan->cells);

	scratch->candidates = calloc(n_features, sizeof *scratch->candidates);
	scratch->range = calloc(n_features, sizeof *scratch->range);
	scratch->histograms = calloc((size_t)MLOPS_GROW_AT_ONCE * MLOPS_FOREST_HISTOGRAM * width,
				     sizeof *scratch->histograms);
	scratch->waiting = calloc(MLOPS_FOREST_WAITING * width, sizeof *scratch->waiting);
	scratch->waiting_range = calloc(MLOPS_FOREST_WAITING * n_features, sizeof *scratch->waiting_range);
	scratch->counts = calloc(N_COUNTS * width, sizeof *scratch->counts);
	scratch->leaf = calloc(plan->n_classes, sizeof *scratch->leaf);
	return scratch->candidates != NULL && scratch->range != NULL && scratch->histograms != NULL &&
	       scratch->waiting != NULL && scratch->waiting_range != NULL && scratch->counts != NULL &&
	       scratch->leaf != NULL && allocate_rows(&scratch->rows, plan->bins->n_rows) &&
	       allocate_nooks(scratch, plan->bins) && allocate_block(&scratch->block, n_features);
}

void mlops_forest_scratch_release(struct mlops_forest_scratch *scratch)
{
	free(scratch->rows.weight);
	free(scratch->rows.rows);
	free(scratch->rows.spare);
	free(scratch->rows.keys);
	free(scratch->candidates);
	free(scratch->range);
	free(scratch->histograms);
	free(scratch->waiting);
	free(scratch->waiting_range);
	free(scratch->counts);
	free(scratch->leaf);
	for (size_t k = 0; k < scratch->n_nooks; k++)
		free(scratch->nooks[k].codes);
	free(scratch->block.rows);
	free(scratch->block.weights);
	free(scratch->block.draws);
	free(scratch->block.positive);
	free(scratch->block.orders);
	free(scratch->block.ordered);
	free(scratch->subtrees.roots);
	free(scratch->subtrees.total);
	free(scratch->subtrees.candidates);
	free(scratch->subtrees.range);
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
static uint64_t decrease(const struct mlops_forest_growing *growing)
{
	double sum = 0, squares = 0;

	for (size_t k = 0; k < growing->plan->n_classes; k++) {
		double weight = growing->plan->class_weight[k] * growing->total[k];

		sum += weight;
		squares += weight * weight;
	}
	return (uint64_t)ldexp(fmax(0, growing->split.score - squares / sum), MLOPS_FOREST_DECREASE_BITS);
}

/* The ranges of the split's feature on both sides; *range is the node's. */
static void narrow(const struct mlops_forest_split *split, const struct mlops_forest_range *range,
		   struct mlops_forest_range *left, struct mlops_forest_range *right)
{
	*left = *right = *range;
	if (split->higher == MLOPS_FOREST_NO_CODE) {
		right->least = right->most;
		return;
	}
	left->most = (uint16_t)split->lower;
	right->least = (uint16_t)split->higher;
}

/* The codes beside the split, in a word. */
static uint32_t codes_beside(const struct mlops_forest_split *split)
{
	size_t higher = split->higher == MLOPS_FOREST_NO_CODE ? MLOPS_GROW_MISSING : split->higher;

	return (uint32_t)(split->lower << 16 | higher);
}

/* Until the tree is done the codes beside a split are in the word that a leaf's number has.  Their values are
 * in no cache, and many look-ups wait for memory at once, not one by one. */
void mlops_forest_set_thresholds(const struct mlops_bins *bins, struct mlops_tree_builder *builder)
{
	uint32_t mask = (1u << builder->feature_bits) - 1;

	for (size_t i = 0; i < builder->n_nodes; i++) {
		struct mlops_node *node = &builder->nodes[i];
		uint32_t lower = node->leaf >> 16, higher = node->leaf & 0xffff;

		if (node->word == 0)
			continue;
		if (higher == MLOPS_GROW_MISSING)
			node->threshold = FLT_MAX;
		else
			node->threshold = mlops_bins_threshold(&bins->features[(node->word & mask) >> 1],
							       lower, higher);
	}
}

/* A child that waits: its totals and ranges. */
struct later {
	struct mlops_forest_span *span;
	uint32_t *total;
	struct mlops_forest_range *range;
};

/* Splits the node: span becomes the smaller child, later the other. */
static bool split_node(struct mlops_forest_growing *growing, struct mlops_forest_span *span,
		       const struct later *later)
{
	const struct mlops_forest_split *split = &growing->split;
	const struct mlops_bins *bins = growing->plan->bins;
	size_t width = mlops_grow_width(growing->plan->cells);
	struct mlops_forest_range *range = growing->scratch->range;
	struct mlops_forest_span left = *span, right = *span;
	struct mlops_forest_range left_range, right_range;
	bool missing_left = split->missing_left;
	uint32_t node = span->node;
	uint32_t children = mlops_tree_builder_add(growing->builder, 2);
	bool left_is_larger;
	size_t middle;

	if (children == UINT32_MAX)
		return false;
	middle = mlops_forest_partition(growing, span);
	left_is_larger = middle - span->begin > span->end - middle;
	if (!split->saw_missing)
		missing_left = left_is_larger;
	mlops_tree_builder_set_split(growing->builder, node, split->feature, 0, missing_left, children);
	growing->builder->nodes[node].leaf = codes_beside(split);
	growing->decrease[split->feature] += decrease(growing);

	left.node = children;
	right.node = children + 1;
	left.end = right.begin = middle;
	left.depth = right.depth = span->depth + 1;
	*span = left_is_larger ? right : left;
	*later->span = left_is_larger ? left : right;
	for (size_t k = 0; k < width; k++) {
		uint32_t on_right = growing->total[k] - growing->best[k];

		growing->total[k] = left_is_larger ? on_right : growing->best[k];
		later->total[k] = left_is_larger ? growing->best[k] : on_right;
	}
	if (mlops_forest_in_block(growing, span))
		return true;
	narrow(split, &range[split->feature], &left_range, &right_range);
	memcpy(later->range, range, bins->n_features * sizeof *range);
	range[split->feature] = left_is_larger ? right_range : left_range;
	later->range[split->feature] = left_is_larger ? left_range : right_range;
	return true;
}

static void *resize(void *array, size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : realloc(array, bytes);
}

static bool make_room(struct mlops_forest_subtrees *subtrees, size_t width, size_t n_features)
{
	size_t capacity = subtrees->capacity < 16 ? 16 : 2 * subtrees->capacity;
	void *roots, *total, *candidates, *range;

	if (subtrees->n < subtrees->capacity)
		return true;
	roots = resize(subtrees->roots, capacity, sizeof *subtrees->roots);
	subtrees->roots = roots != NULL ? roots : subtrees->roots;
	total = resize(subtrees->total, capacity, width * sizeof *subtrees->total);
	subtrees->total = total != NULL ? total : subtrees->total;
	candidates = resize(subtrees->candidates, capacity, n_features * sizeof *subtrees->candidates);
	subtrees->candidates = candidates != NULL ? candidates : subtrees->candidates;
	range = resize(subtrees->range, capacity, n_features * sizeof *subtrees->range);
	subtrees->range = range != NULL ? range : subtrees->range;
	if (roots == NULL || total == NULL || candidates == NULL || range == NULL)
		return false;
	subtrees->capacity = capacity;
	return true;
}

static bool put_off(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	struct mlops_forest_scratch *scratch = growing->scratch;
	struct mlops_forest_subtrees *subtrees = &scratch->subtrees;
	size_t width = mlops_grow_width(growing->plan->cells), n_features = growing->plan->bins->n_features;

	if (!make_room(subtrees, width, n_features))
		return false;
	subtrees->roots[subtrees->n] = *span;
	memcpy(subtrees->total + subtrees->n * width, growing->total, width * sizeof *growing->total);
	memcpy(subtrees->candidates + subtrees->n * n_features, scratch->candidates,
	       n_features * sizeof *scratch->candidates);
	memcpy(subtrees->range + subtrees->n * n_features, scratch->range,
	       n_features * sizeof *scratch->range);
	subtrees->n++;
	return true;
}

/* A splinter of less rows is not worth to be put off: a tree may have thousands of them. */
enum { LEAST_PUT_OFF = 256 };

/* Grows the node and all below it; nodes of at most `puts_off` rows become subtrees instead. */
static bool grow(struct mlops_forest_growing *growing, struct mlops_forest_span span, size_t puts_off)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct mlops_forest_scratch *scratch = growing->scratch;
	struct mlops_forest_span waiting[MLOPS_FOREST_WAITING];
	size_t n_waiting = 0, width = mlops_grow_width(plan->cells), n_features = plan->bins->n_features;

	for (;;) {
		size_t n_rows = span.end - span.begin;

		if (n_rows <= puts_off && n_rows >= LEAST_PUT_OFF) {
			if (!put_off(growing, &span))
				return false;
		} else if (n_rows >= 2 * plan->min_leaf && span.depth < plan->max_depth &&
			   !is_pure(growing) && mlops_forest_find_split(growing, &span)) {
			const struct later later = { &waiting[n_waiting],
						     scratch->waiting + n_waiting * width,
						     scratch->waiting_range + n_waiting * n_features };

			if (!split_node(growing, &span, &later))
				return false;
			n_waiting++;
			continue;
		} else if (!set_leaf(growing, span.node)) {
			return false;
		}
		if (n_waiting == 0)
			return true;
		span = waiting[--n_waiting];
		memcpy(growing->total, scratch->waiting + n_waiting * width, width * sizeof *growing->total);
		if (!mlops_forest_in_block(growing, &span))
			memcpy(scratch->range, scratch->waiting_range + n_waiting * n_features,
			       n_features * sizeof *scratch->range);
	}
}

struct mlops_forest_growing mlops_forest_start(const struct mlops_forest_plan *plan,
					       struct mlops_forest_scratch *scratch, size_t tree,
					       uint32_t part, struct mlops_tree_builder *builder,
					       uint64_t *sums)
{
	size_t width = mlops_grow_width(plan->cells);

	scratch->in_nooks = 0;
	scratch->block.begin = scratch->block.end = 0;
	scratch->block.number = 0;
	memset(scratch->block.ordered, 0, plan->bins->n_features * sizeof *scratch->block.ordered);
	return (struct mlops_forest_growing){
		.plan = plan,
		.scratch = scratch,
		.rows = scratch->rows,
		.builder = builder,
		.in_subtree = part > 0,
		.rng = mlops_rng_start_part(plan->seed, MLOPS_RNG_SPLIT, (uint32_t)tree, part),
		.decrease = sums,
		.total = scratch->counts,
		.best = scratch->counts + width,
		.best_missing = scratch->counts + 2 * width,
		.found = scratch->counts + 3 * width,
		.found_missing = scratch->counts + 4 * width,
		.below = scratch->counts + 5 * width,
	};
}

bool mlops_forest_grow_top(struct mlops_forest_growing *growing, size_t n_rows)
{
	const struct mlops_forest_plan *plan = growing->plan;
	struct mlops_forest_span root = { .end = n_rows, .n_candidates = (uint32_t)plan->bins->n_features };

	memset(growing->total, 0, mlops_grow_width(plan->cells) * sizeof *growing->total);
	for (size_t i = 0; i < n_rows; i++)
		growing->total[growing->rows.rows[i].class_of] += growing->rows.rows[i].weight;
	if (plan->cells.with_rows)
		growing->total[plan->n_classes] = (uint32_t)n_rows;
	for (uint32_t f = 0; f < plan->bins->n_features; f++) {
		size_t n_bins = plan->bins->features[f].n_bins;

		growing->scratch->candidates[f] = f;
		growing->scratch->range[f] =
			(struct mlops_forest_range){ .most = (uint16_t)(n_bins > 0 ? n_bins - 1 : 0) };
	}
	growing->scratch->subtrees.n = 0;
	root.node = mlops_tree_builder_add(growing->builder, 1);
	return root.node != UINT32_MAX && grow(growing, root, mlops_forest_subtree_rows(plan->bins->n_rows));
}

bool mlops_forest_grow_subtree(struct mlops_forest_growing *growing,
			       const struct mlops_forest_subtrees *subtrees, size_t number, uint32_t node)
{
	size_t width = mlops_grow_width(growing->plan->cells), n_features = growing->plan->bins->n_features;
	struct mlops_forest_scratch *scratch = growing->scratch;
	struct mlops_forest_span root = subtrees->roots[number];

	memcpy(growing->total, subtrees->total + number * width, width * sizeof *growing->total);
	memcpy(scratch->candidates, subtrees->candidates + number * n_features,
	       n_features * sizeof *scratch->candidates);
	memcpy(scratch->range, subtrees->range + number * n_features, n_features * sizeof *scratch->range);
	root.node = node;
	return grow(growing, root, 0);
}

bool mlops_forest_grow_tree(const struct mlops_forest_plan *plan, struct mlops_forest_scratch *scratch,
			    size_t tree, size_t n_rows, struct mlops_tree_builder *builder,
			    uint64_t *decrease)
{
	struct mlops_forest_growing growing = mlops_forest_start(plan, scratch, tree, 0, builder, decrease);
	bool done = mlops_forest_grow_top(&growing, n_rows);

	for (size_t i = 0; done && i < scratch->subtrees.n; i++) {
		growing = mlops_forest_start(plan, scratch, tree, (uint32_t)i + 1, builder, decrease);
		done = mlops_forest_grow_subtree(&growing, &scratch->subtrees, i,
						 scratch->subtrees.roots[i].node);
	}
	if (done)
		mlops_forest_set_thresholds(plan->bins, builder);
	return done;
}
