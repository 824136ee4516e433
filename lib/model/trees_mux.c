#include "model/trees_mux.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A program visits every node, walking one a level: beyond so many inner nodes a tree, walking is faster. */
enum { MOST_NODES_A_TREE = 200, MOST_NODES_IN_A_TREE = 1024 };

enum { BUCKETS_A_CUT = 4, MOST_BUCKETS = 1 << 14, MOST_STEPS = 8 };

struct making {
	const struct mlops_trees *trees;
	struct mlops_mux *mux;
	uint32_t *column_of; /* [n_features] place among the used ones, or no_column */
	float scale;
	const struct mlops_node *nodes; /* of the tree at hand */
	uint16_t *size;			/* [MOST_NODES_IN_A_TREE * 2 + 1] inner nodes at and below a node */
};

static const uint32_t no_column = UINT32_MAX;

void mlops_mux_free(struct mlops_mux *mux)
{
	if (mux == NULL)
		return;
	free(mux->ops);
	free(mux->used);
	free(mux->features);
	free(mux->cuts);
	free(mux->start);
	free(mux);
}

/* Finds a scale that makes 16-bit integers of all leaf values. */
static bool find_scale(const struct mlops_trees *trees, float *scale)
{
	float largest = 0;
	int exponent = 60;

	for (size_t i = 0; i < trees->n_leaves; i++)
		largest = fmaxf(largest, trees->leaf_values[i]);
	while (exponent > -60 && ldexpf(largest, exponent) > UINT16_MAX)
		exponent--;
	*scale = ldexpf(1, exponent);
	for (size_t i = 0; i < trees->n_leaves; i++) {
		float units = trees->leaf_values[i] * *scale;

		if (!(units >= 0 && units <= UINT16_MAX) || units != rintf(units))
			return false;
	}
	return true;
}

static bool is_suitable(const struct mlops_trees *trees, float *scale)
{
	if (!trees->exact_sums || trees->n_outputs != 1 || trees->n_trees > UINT16_MAX ||
	    trees->n_nodes / 2 > trees->n_trees * MOST_NODES_A_TREE)
		return false;
	for (size_t t = 0; t < trees->n_trees; t++) {
		if ((trees->tree_start[t + 1] - trees->tree_start[t]) / 2 > MOST_NODES_IN_A_TREE)
			return false;
	}
	return find_scale(trees, scale);
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Sorts the feature's cuts and leaves one of each; n of them, room for an infinity behind. */
static void set_cuts(struct mlops_mux_feature *feature, float *cuts, size_t n)
{
	size_t kept = 0;

	qsort(cuts, n, sizeof *cuts, compare_floats);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || cuts[i] > cuts[kept - 1])
			cuts[kept++] = cuts[i];
	}
	cuts[kept] = INFINITY;
	feature->cuts = cuts;
	feature->n_cuts = (uint32_t)kept;
}

/* Buckets of equal width; where too many cuts share one, a search among all is better. */
static void set_buckets(struct mlops_mux_feature *feature, uint16_t *start)
{
	uint32_t n = feature->n_cuts;
	uint32_t bucket = 0, in_bucket = 0;

	feature->start = start;
	feature->n_buckets = n * BUCKETS_A_CUT < MOST_BUCKETS ? n * BUCKETS_A_CUT : MOST_BUCKETS;
	feature->low = feature->cuts[0];
	feature->per_unit = (float)feature->n_buckets / (feature->cuts[n - 1] - feature->low);
	if (!isfinite(feature->per_unit))
		feature->per_unit = 0;
	for (uint32_t c = 0; c < n; c++) {
		uint32_t place = mlops_mux_bucket(feature, feature->cuts[c]);

		in_bucket = place == bucket && c > 0 ? in_bucket + 1 : 1;
		feature->steps = in_bucket > feature->steps ? in_bucket : feature->steps;
		for (; bucket < place; bucket++)
			start[bucket + 1] = (uint16_t)c;
	}
	for (; bucket + 1 < feature->n_buckets; bucket++)
		start[bucket + 1] = (uint16_t)n;
	if (feature->steps > MOST_STEPS)
		feature->steps = 0;
}

/* Which features have cuts, and where they lie among the others' values.  False when memory ran out. */
static bool collect_cuts(struct making *making)
{
	const struct mlops_trees *trees = making->trees;
	struct mlops_mux *mux = making->mux;
	size_t *count = calloc(trees->n_features + 1, sizeof *count);
	size_t *place = calloc(trees->n_features + 1, sizeof *place);
	size_t n = 0;
	bool good = false;

	if (count == NULL || place == NULL)
		goto out;
	for (size_t i = 0; i < trees->n_nodes; i++) {
		if (mlops_node_left(trees, &trees->nodes[i]) != 0) {
			count[mlops_node_feature(trees, &trees->nodes[i])]++;
			n++;
		}
	}
	for (size_t f = 0; f < trees->n_features; f++)
		mux->n_used += count[f] > 0;
	mux->used = calloc(mux->n_used + 1, sizeof *mux->used);
	mux->features = calloc(mux->n_used + 1, sizeof *mux->features);
	mux->cuts = calloc(n + mux->n_used + 1, sizeof *mux->cuts);
	mux->start = calloc(n * BUCKETS_A_CUT + 1, sizeof *mux->start);
	if (mux->used == NULL || mux->features == NULL || mux->cuts == NULL || mux->start == NULL)
		goto out;
	mux->n_used = 0;
	n = 0;
	for (size_t f = 0; f < trees->n_features; f++) {
		making->column_of[f] = no_column;
		place[f] = n;
		if (count[f] > 0) {
			making->column_of[f] = (uint32_t)mux->n_used;
			mux->used[mux->n_used++] = (uint32_t)f;
			n += count[f] + 1;
		}
	}
	for (size_t i = 0; i < trees->n_nodes; i++) {
		if (mlops_node_left(trees, &trees->nodes[i]) != 0)
			mux->cuts[place[mlops_node_feature(trees, &trees->nodes[i])]++] =
				trees->nodes[i].threshold;
	}
	for (size_t u = 0, start = 0; u < mux->n_used; u++) {
		uint32_t f = mux->used[u];

		set_cuts(&mux->features[u], mux->cuts + place[f] - count[f], count[f]);
		set_buckets(&mux->features[u], mux->start + start);
		start += mux->features[u].n_buckets;
	}
	good = true;
out:
	free(count);
	free(place);
	return good;
}

static bool codes_fit(const struct mlops_mux *mux)
{
	for (size_t u = 0; u < mux->n_used; u++) {
		if (mux->features[u].n_cuts > MLOPS_MUX_MOST_CUTS)
			return false;
	}
	return true;
}

static int16_t cut_of(const struct mlops_mux_feature *feature, float threshold)
{
	uint32_t low = 0, high = feature->n_cuts;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (feature->cuts[middle] < threshold)
			low = middle + 1;
		else
			high = middle;
	}
	return (int16_t)low;
}

static uint16_t units_of(const struct making *making, uint32_t node)
{
	return (uint16_t)(making->trees->leaf_values[making->nodes[node].leaf] * making->scale);
}

/* The node's operations, children first, and the larger child before the other: so no more than the logarithm
 * of the nodes' number waits at once.  As deep as MOST_NODES_IN_A_TREE. */
static void emit(const struct making *making, uint32_t index)
{
	const struct mlops_node *node = &making->nodes[index];
	uint32_t left = mlops_node_left(making->trees, node), right = left + 1;
	uint32_t column = making->column_of[mlops_node_feature(making->trees, node)];
	struct mlops_mux_op op = {
		.column = column * 2 + (mlops_node_missing_left(node) ? 1 : 0),
		.cut = cut_of(&making->mux->features[column], node->threshold),
	};

	if (making->size[left] == 0)
		op.left = units_of(making, left);
	if (making->size[right] == 0)
		op.right = units_of(making, right);
	if (making->size[left] == 0 && making->size[right] == 0) {
		op.kind = MLOPS_MUX_LEAVES;
	} else if (making->size[left] == 0) {
		op.kind = MLOPS_MUX_LEFT_LEAF;
		emit(making, right);
	} else if (making->size[right] == 0) {
		op.kind = MLOPS_MUX_RIGHT_LEAF;
		emit(making, left);
	} else {
		bool left_first = making->size[left] >= making->size[right];

		op.kind = left_first ? MLOPS_MUX_LEFT_FIRST : MLOPS_MUX_RIGHT_FIRST;
		emit(making, left_first ? left : right);
		emit(making, left_first ? right : left);
	}
	making->mux->ops[making->mux->n_ops++] = op;
}

static void emit_tree(struct making *making, size_t tree)
{
	const struct mlops_trees *trees = making->trees;
	uint32_t n = trees->tree_start[tree + 1] - trees->tree_start[tree];

	making->nodes = trees->nodes + trees->tree_start[tree];
	for (uint32_t i = n; i-- > 0;) {
		uint32_t left = mlops_node_left(trees, &making->nodes[i]);

		making->size[i] = (uint16_t)(left == 0 ? 0 : 1 + making->size[left] + making->size[left + 1]);
	}
	if (making->size[0] == 0) {
		making->mux->base += units_of(making, 0);
		return;
	}
	emit(making, 0);
	making->mux->ops[making->mux->n_ops++] = (struct mlops_mux_op){ .kind = MLOPS_MUX_ADD };
}

bool mlops_mux_make(const struct mlops_trees *trees, struct mlops_mux **mux)
{
	struct making making = { .trees = trees };
	bool good = false;

	*mux = NULL;
	if (!is_suitable(trees, &making.scale))
		return true;
	making.mux = calloc(1, sizeof *making.mux);
	making.column_of = calloc(trees->n_features, sizeof *making.column_of);
	making.size = calloc(2 * MOST_NODES_IN_A_TREE + 2, sizeof *making.size);
	if (making.mux == NULL || making.column_of == NULL || making.size == NULL || !collect_cuts(&making))
		goto out;
	making.mux->ops = calloc(trees->n_nodes / 2 + trees->n_trees, sizeof *making.mux->ops);
	if (making.mux->ops == NULL)
		goto out;
	good = true;
	if (!codes_fit(making.mux))
		goto out;
	making.mux->unit = 1 / making.scale;
	for (size_t t = 0; t < trees->n_trees; t++)
		emit_tree(&making, t);
	*mux = making.mux;
	making.mux = NULL;
out:
	mlops_mux_free(making.mux);
	free(making.column_of);
	free(making.size);
	return good;
}
