#include "model/trees_mux.h"

#include "base/sort.h"
#include "kernel/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A program visits every node, walking one a level: beyond so many inner nodes a tree, walking is faster. */
enum { MOST_NODES_A_TREE = 200, MOST_NODES_IN_A_TREE = 1024 };

struct making {
	const struct mlops_trees *trees;
	struct mlops_mux *mux;
	uint32_t *column_of; /* [n_features] place among the used ones */
	float scale;
	int16_t *codes;                 /* [n_nodes] of the thresholds */
	const struct mlops_node *nodes; /* of the tree at hand */
	const int16_t *tree_codes;
	uint16_t *size; /* [MOST_NODES_IN_A_TREE * 2 + 1] inner nodes at and below a node */
};

void mlops_mux_free(struct mlops_mux *mux)
{
	if (mux == NULL)
		return;
	free(mux->ops);
	free(mux->used);
	free(mux->features);
	free(mux->cuts);
	free(mux);
}

/* Finds a scale that makes 16-bit integers of all leaf values. */
static bool find_scale(const struct mlops_trees *trees, float *scale)
{
	float largest = 0;
	int exponent = 60;

	for (size_t i = 0; i < trees->n_leaves; i++)
		largest = trees->leaf_values[i] > largest ? trees->leaf_values[i] : largest;
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

/* values[0..n) sorted, one of each; returns how many are left. */
static size_t make_distinct(float *values, float *spare, size_t n)
{
	size_t kept = 0;

	mlops_sort_floats(values, spare, n);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || values[i] > values[kept - 1])
			values[kept++] = values[i];
	}
	return kept;
}

static size_t groups_of(size_t n)
{
	return (n + MLOPS_MUX_GROUP - 1) / MLOPS_MUX_GROUP;
}

/* Groups in all levels of n cuts. */
static size_t count_groups(size_t n)
{
	size_t groups = groups_of(n), sum = groups;

	for (; groups > 2; sum += groups)
		groups = groups_of(groups - 1);
	return sum;
}

/* Lays the levels of the sorted cuts down in room, and returns where it ends. */
static float *set_levels(struct mlops_mux_feature *feature, const float *cuts, size_t n, float *room)
{
	const float *below = cuts;
	size_t step = 1;

	feature->n_cuts = (uint32_t)n;
	for (;;) {
		size_t groups = groups_of(n);

		feature->levels[feature->n_levels++] = room;
		for (size_t i = 0; i < groups * MLOPS_MUX_GROUP; i++)
			room[i] = i < n ? below[i * step + step - 1] : INFINITY;
		below = room;
		room += groups * MLOPS_MUX_GROUP;
		if (groups <= 2) {
			feature->n_top = (uint32_t)groups;
			return room;
		}
		step = MLOPS_MUX_GROUP;
		n = groups - 1;
	}
}

/* What is known of each feature's cuts. */
struct cuts {
	size_t *count;     /* [n_features] nodes that ask for it */
	size_t *place;     /* [n_features] where its thresholds begin */
	float *thresholds; /* [n] of one feature after the other, in the order of nodes */
	float *sorted;     /* [n] */
	float *spare;      /* [n] */
	int16_t *codes;    /* [n] of thresholds */
	size_t n;
};

static void count_cuts(struct making *making, struct cuts *cuts)
{
	const struct mlops_trees *trees = making->trees;

	for (size_t i = 0; i < trees->n_nodes; i++) {
		if (mlops_node_left(trees, &trees->nodes[i]) != 0) {
			cuts->count[mlops_node_feature(trees, &trees->nodes[i])]++;
			cuts->n++;
		}
	}
	for (size_t f = 0, place = 0; f < trees->n_features; place += cuts->count[f++]) {
		cuts->place[f] = place;
		making->mux->n_used += cuts->count[f] > 0;
	}
}

static void take_thresholds(const struct mlops_trees *trees, struct cuts *cuts)
{
	for (size_t i = 0; i < trees->n_nodes; i++) {
		if (mlops_node_left(trees, &trees->nodes[i]) != 0)
			cuts->thresholds[cuts->place[mlops_node_feature(trees, &trees->nodes[i])]++] =
				trees->nodes[i].threshold;
	}
	for (size_t f = 0; f < trees->n_features; f++)
		cuts->place[f] -= cuts->count[f];
}

/* Which features have cuts, and these by level.  False when memory ran out. */
static bool set_features(struct making *making, struct cuts *cuts)
{
	const struct mlops_trees *trees = making->trees;
	struct mlops_mux *mux = making->mux;
	size_t groups = 0, u = 0;
	float *room;

	memcpy(cuts->sorted, cuts->thresholds, cuts->n * sizeof *cuts->sorted);
	for (size_t f = 0; f < trees->n_features; f++) {
		struct mlops_mux_feature *feature = &mux->features[u];

		if (cuts->count[f] == 0)
			continue;
		making->column_of[f] = (uint32_t)u;
		mux->used[u++] = (uint32_t)f;
		feature->n_cuts =
			(uint32_t)make_distinct(cuts->sorted + cuts->place[f], cuts->spare, cuts->count[f]);
		groups += count_groups(feature->n_cuts);
	}
	mux->cuts = aligned_alloc(64, (groups + 1) * MLOPS_MUX_GROUP * sizeof *mux->cuts);
	room = mux->cuts;
	for (u = 0; room != NULL && u < mux->n_used; u++)
		if (mux->features[u].n_cuts <= MLOPS_MUX_MOST_CUTS)
			room = set_levels(&mux->features[u], cuts->sorted + cuts->place[mux->used[u]],
					  mux->features[u].n_cuts, room);
	return room != NULL;
}

static bool codes_fit(const struct mlops_mux *mux)
{
	for (size_t u = 0; u < mux->n_used; u++) {
		if (mux->features[u].n_cuts > MLOPS_MUX_MOST_CUTS)
			return false;
	}
	return true;
}

/* The code of each node's threshold: as of a value that is equal to it. */
static void set_codes(struct making *making, struct cuts *cuts)
{
	const struct mlops_trees *trees = making->trees;
	const struct mlops_mux *mux = making->mux;

	for (size_t u = 0; u < mux->n_used; u++) {
		size_t f = mux->used[u];

		mlops_kernels()->mux_codes(&mux->features[u], cuts->thresholds + cuts->place[f],
					   cuts->count[f], MLOPS_MUX_MISSING_RIGHT,
					   cuts->codes + cuts->place[f]);
	}
	for (size_t i = 0; i < trees->n_nodes; i++) {
		if (mlops_node_left(trees, &trees->nodes[i]) != 0)
			making->codes[i] =
				cuts->codes[cuts->place[mlops_node_feature(trees, &trees->nodes[i])]++];
	}
}

/* False when memory ran out; *fits: with codes of 16 bits. */
static bool collect_cuts(struct making *making, bool *fits)
{
	const struct mlops_trees *trees = making->trees;
	struct mlops_mux *mux = making->mux;
	struct cuts cuts = {
		.count = calloc(trees->n_features + 1, sizeof *cuts.count),
		.place = calloc(trees->n_features + 1, sizeof *cuts.place),
		.thresholds = calloc(trees->n_nodes, sizeof *cuts.thresholds),
		.sorted = calloc(trees->n_nodes, sizeof *cuts.sorted),
		.spare = calloc(trees->n_nodes, sizeof *cuts.spare),
		.codes = calloc(trees->n_nodes, sizeof *cuts.codes),
	};
	bool good = false;

	making->codes = calloc(trees->n_nodes, sizeof *making->codes);
	if (cuts.count == NULL || cuts.place == NULL || cuts.thresholds == NULL || cuts.sorted == NULL ||
	    cuts.spare == NULL || cuts.codes == NULL || making->codes == NULL)
		goto out;
	count_cuts(making, &cuts);
	mux->used = calloc(mux->n_used + 1, sizeof *mux->used);
	mux->features = calloc(mux->n_used + 1, sizeof *mux->features);
	if (mux->used == NULL || mux->features == NULL)
		goto out;
	take_thresholds(trees, &cuts);
	good = set_features(making, &cuts);
	*fits = good && codes_fit(mux);
	if (*fits)
		set_codes(making, &cuts);
out:
	free(cuts.count);
	free(cuts.place);
	free(cuts.thresholds);
	free(cuts.sorted);
	free(cuts.spare);
	free(cuts.codes);
	return good;
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
	struct mlops_mux *mux = making->mux;
	uint32_t left = mlops_node_left(making->trees, node), right = left + 1;
	uint32_t column = making->column_of[mlops_node_feature(making->trees, node)];
	uint32_t size_left = making->size[left], size_right = making->size[right];
	struct mlops_mux_op op = {
		.column = column * 2 + (mlops_node_missing_left(node) ? 1 : 0),
		.cut = making->tree_codes[index],
	};
	bool right_is_first = false;

	if (size_left == 0 && size_right == 0) {
		op.kind = MLOPS_MUX_LEAVES;
		op.first = units_of(making, left);
		op.second = units_of(making, right);
	} else if (size_left == 0 || size_right == 0) {
		op.kind = MLOPS_MUX_LEAF;
		right_is_first = size_left == 0;
		op.second = units_of(making, right_is_first ? left : right);
		emit(making, right_is_first ? right : left);
	} else {
		size_t smaller;

		op.kind = MLOPS_MUX_JOIN;
		right_is_first = size_left >= size_right;
		emit(making, right_is_first ? left : right);
		smaller = mux->n_ops;
		emit(making, right_is_first ? right : left);
		if (mux->n_ops == smaller + 1)
			mux->ops[smaller].kind = MLOPS_MUX_TWIG;
	}
	if (right_is_first) {
		/* code > cut in other words */
		op.flip = -1;
		op.cut = (int16_t)(-op.cut - 2);
	}
	mux->ops[mux->n_ops++] = op;
}

static void emit_tree(struct making *making, size_t tree)
{
	const struct mlops_trees *trees = making->trees;
	uint32_t n = trees->tree_start[tree + 1] - trees->tree_start[tree];

	making->nodes = trees->nodes + trees->tree_start[tree];
	making->tree_codes = making->codes + trees->tree_start[tree];
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
	bool good = false, fits = false;

	*mux = NULL;
	if (!is_suitable(trees, &making.scale))
		return true;
	making.mux = calloc(1, sizeof *making.mux);
	making.column_of = calloc(trees->n_features, sizeof *making.column_of);
	making.size = calloc(2 * MOST_NODES_IN_A_TREE + 2, sizeof *making.size);
	if (making.mux == NULL || making.column_of == NULL || making.size == NULL ||
	    !collect_cuts(&making, &fits))
		goto out;
	making.mux->ops = calloc(trees->n_nodes / 2 + trees->n_trees, sizeof *making.mux->ops);
	if (making.mux->ops == NULL)
		goto out;
	good = true;
	if (!fits)
		goto out;
	making.mux->unit = 1 / making.scale;
	for (size_t t = 0; t < trees->n_trees; t++)
		emit_tree(&making, t);
	*mux = making.mux;
	making.mux = NULL;
out:
	mlops_mux_free(making.mux);
	free(making.column_of);
	free(making.codes);
	free(making.size);
	return good;
}
