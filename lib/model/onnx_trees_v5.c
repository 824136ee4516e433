/*
 * TreeEnsemble of ai.onnx.ml 5.  Inner nodes and leaves are numbered apart; several nodes may share a leaf.
 *
 * Files of this program have the inner nodes of a tree breadth-first, so that a pass over the columns finds
 * each node's number where it must be: then every node is reached once, children lie behind parents, and the
 * nodes are laid out on the way.  All other files, and whatever is wrong with ours, go the long way round.
 */
#include "model/onnx_trees.h"

#include <math.h>
#include <stdlib.h>

struct v5 {
	struct mlops_onnx_ints features, yes, no, yes_leaf, no_leaf, missing, targets, roots;
	struct mlops_onnx_reals splits, weights;
	size_t n_inner, n_leaves;
};

static bool all_zero(const uint8_t *bytes, size_t n)
{
	for (; n >= 8; n -= 8, bytes += 8) {
		uint64_t together;
		memcpy(&together, bytes, sizeof(together));
		if (together != 0)
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

static bool all_leq(const Onnx__NodeProto *node, size_t n, struct mlops_error *error)
{
	const Onnx__AttributeProto *modes = mlops_onnx_attribute(node, "nodes_modes");
	const Onnx__TensorProto *tensor = modes != NULL ? modes->t : NULL;
	ProtobufCBinaryData raw;
	if (tensor == NULL || tensor->data_type != MLOPS_ONNX_UINT8 || !mlops_onnx_raw_data(tensor, &raw))
		return mlops_error_set(error, MLOPS_DATA,
				       "attribute \"nodes_modes\" is not a tensor of bytes");
	if (!mlops_onnx_same_length("nodes_modes", raw.len, n, error))
		return false;
	if (all_zero(raw.data, n))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (raw.data[i] != 0)
			return mlops_error_set(error, MLOPS_DATA,
					       "node %zu compares in mode %u, expected 0 (x <= value)", i,
					       raw.data[i]);
	}
	return true;
}

static bool v5_attributes(const Onnx__NodeProto *node, struct v5 *v5, struct mlops_error *error)
{
	v5->features = mlops_onnx_ints_of(node, "nodes_featureids");
	v5->yes = mlops_onnx_ints_of(node, "nodes_truenodeids");
	v5->no = mlops_onnx_ints_of(node, "nodes_falsenodeids");
	v5->yes_leaf = mlops_onnx_ints_of(node, "nodes_trueleafs");
	v5->no_leaf = mlops_onnx_ints_of(node, "nodes_falseleafs");
	v5->missing = mlops_onnx_ints_of(node, "nodes_missing_value_tracks_true");
	v5->targets = mlops_onnx_ints_of(node, "leaf_targetids");
	v5->roots = mlops_onnx_ints_of(node, "tree_roots");
	if (!mlops_onnx_reals_of(node, "nodes_splits", &v5->splits, error) ||
	    !mlops_onnx_reals_of(node, "leaf_weights", &v5->weights, error))
		return false;
	v5->n_inner = v5->features.n;
	v5->n_leaves = v5->weights.n;
	if (v5->n_inner == 0 || v5->n_leaves == 0 || v5->roots.n == 0 || v5->roots.n > v5->n_inner)
		return mlops_error_set(error, MLOPS_DATA,
				       "the ensemble has %zu inner nodes, %zu leaves and %zu roots",
				       v5->n_inner, v5->n_leaves, v5->roots.n);
	if (v5->n_inner > MLOPS_ONNX_MAX_ITEMS || v5->n_leaves > MLOPS_ONNX_MAX_ITEMS)
		return mlops_error_set(error, MLOPS_DATA, "the ensemble has more than %u nodes",
				       MLOPS_ONNX_MAX_ITEMS);
	return mlops_onnx_same_length("nodes_truenodeids", v5->yes.n, v5->n_inner, error) &&
	       mlops_onnx_same_length("nodes_falsenodeids", v5->no.n, v5->n_inner, error) &&
	       mlops_onnx_same_length("nodes_trueleafs", v5->yes_leaf.n, v5->n_inner, error) &&
	       mlops_onnx_same_length("nodes_falseleafs", v5->no_leaf.n, v5->n_inner, error) &&
	       mlops_onnx_same_length("nodes_missing_value_tracks_true", v5->missing.n, v5->n_inner, error) &&
	       mlops_onnx_same_length("nodes_splits", v5->splits.n, v5->n_inner, error) &&
	       mlops_onnx_same_length("leaf_targetids", v5->targets.n, v5->n_leaves, error) &&
	       all_leq(node, v5->n_inner, error);
}

/* values [n_leaves * n_outputs], zeroed: each leaf has a weight for one output. */
static bool read_leaves(const struct v5 *v5, size_t n_outputs, float *values, struct mlops_error *error)
{
	struct mlops_onnx_ints targets = v5->targets;
	for (size_t i = 0; i < v5->n_leaves; i++) {
		uint32_t target;
		if (!mlops_onnx_next_index("leaf_targetids", &targets, i, n_outputs, &target, error))
			return false;
		values[i * n_outputs + target] = (float)mlops_onnx_real(&v5->weights, i);
	}
	return true;
}

static bool is_zero(float value)
{
	return value == 0 && !signbit(value);
}

/* A child's item: inner nodes come first, leaves after them. */
static bool next_child(const struct v5 *v5, const char *name, struct mlops_onnx_ints *ids,
		       struct mlops_onnx_ints *leaf, size_t i, uint32_t *item, struct mlops_error *error)
{
	uint32_t is_leaf;
	if (!mlops_onnx_next_index("nodes_trueleafs or nodes_falseleafs", leaf, i, 2, &is_leaf, error) ||
	    !mlops_onnx_next_index(name, ids, i, is_leaf != 0 ? v5->n_leaves : v5->n_inner, item, error))
		return false;
	if (is_leaf != 0)
		*item += (uint32_t)v5->n_inner;
	return true;
}

static bool read_items(struct v5 v5, size_t n_features, struct mlops_onnx_forest *forest,
		       struct mlops_error *error)
{
	for (size_t i = 0; i < v5.n_leaves; i++)
		forest->items[v5.n_inner + i] =
			(struct mlops_onnx_item){ .yes = MLOPS_ONNX_LEAF, .no = (uint32_t)i };
	for (size_t i = 0; i < v5.n_inner; i++) {
		struct mlops_onnx_item *item = &forest->items[i];
		uint32_t feature, missing;
		if (!mlops_onnx_next_index("nodes_featureids", &v5.features, i, n_features, &feature,
					   error) ||
		    !mlops_onnx_next_index("nodes_missing_value_tracks_true", &v5.missing, i, 2, &missing,
					   error) ||
		    !next_child(&v5, "nodes_truenodeids", &v5.yes, &v5.yes_leaf, i, &item->yes, error) ||
		    !next_child(&v5, "nodes_falsenodeids", &v5.no, &v5.no_leaf, i, &item->no, error))
			return false;
		item->threshold = (float)mlops_onnx_real(&v5.splits, i);
		item->word = feature << 1 | missing;
	}
	for (size_t t = 0; t < v5.roots.n; t++) {
		if (!mlops_onnx_next_index("tree_roots", &v5.roots, t, v5.n_inner, &forest->roots[t], error))
			return false;
		/* the writer's way to say that a tree is a leaf */
		const struct mlops_onnx_item *root = &forest->items[forest->roots[t]];
		if (root->yes == root->no && root->yes >= v5.n_inner && root->word == 0 &&
		    is_zero(root->threshold)) {
			if (forest->used[forest->roots[t]])
				return mlops_error_set(error, MLOPS_DATA,
						       "node %u of the ensemble is reached twice",
						       forest->roots[t]);
			forest->used[forest->roots[t]] = true;
			forest->roots[t] = root->yes;
			forest->n_spare++;
		}
	}
	return true;
}

/* One pass over the columns, see above. */
struct pass {
	const uint8_t *features, *missing, *yes_leaf, *no_leaf; /* [n_inner] */
	struct mlops_onnx_bulk yes, no;
	uint32_t *place; /* [n_inner + 2] of an inner node in its tree */
	uint8_t *used;	 /* [n_leaves + 1] of leaves, and of what is none */
	uint32_t next;	 /* inner node that comes next as a child */
	bool in_order;
};

/* An integer in up to four bytes at once; larger ones are UINT32_MAX. */
static inline uint32_t next_id(struct mlops_onnx_bulk *ids)
{
	if (ids->end - ids->at >= 4) {
		const uint8_t *at = ids->at;
		uint32_t bytes = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
				 (uint32_t)at[3] << 24;
		uint32_t last = ~bytes & 0x80808080u;
		if (last != 0) {
			bytes &= last ^ (last - 1);
			ids->at += (__builtin_ctz(last) + 1) / 8;
			return (bytes & 0x7f) | (bytes >> 1 & 0x3f80) | (bytes >> 2 & 0x1fc000) |
			       (bytes >> 3 & 0xfe00000);
		}
	}
	struct mlops_onnx_ints rest = { .n = 1, .bulk = *ids };
	int64_t value = mlops_onnx_next_int(&rest);
	*ids = rest.bulk;
	return value >= 0 && value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* Written as a leaf; what is an inner node will be written again.  No branch: half of the children are
 * leaves. */
static inline void take_child(struct pass *pass, struct mlops_onnx_bulk *ids, uint32_t leaf, size_t n_leaves,
			      uint32_t place, struct mlops_node *node)
{
	uint32_t id = next_id(ids);
	bool is_known = id < n_leaves;
	bool is_leaf = leaf == 1;

	*node = (struct mlops_node){ .leaf = id };
	pass->place[pass->next] = place;
	pass->used[is_leaf & is_known ? id : n_leaves] = 1;
	pass->in_order &= (is_leaf & is_known) | ((leaf == 0) & (id == pass->next));
	pass->next += !is_leaf;
}

/* A tree whose root is inner node `inner`; returns the inner node behind it. */
static size_t take_tree(const struct v5 *v5, struct mlops_trees *trees, struct pass *pass, size_t inner)
{
	struct mlops_node *nodes = trees->nodes + trees->n_nodes;
	uint32_t most_left = UINT32_MAX >> trees->feature_bits, size = 1;

	pass->next = (uint32_t)inner + 1;
	pass->place[inner] = 0;
	for (size_t root = inner; pass->in_order && inner < pass->next; inner++) {
		if (pass->next > v5->n_inner || size > most_left) {
			pass->in_order = false;
			break;
		}
		struct mlops_node *node = &nodes[pass->place[inner]];
		float threshold = mlops_onnx_raw_float(&v5->splits, inner);
		uint32_t feature = pass->features[inner], missing = pass->missing[inner];

		take_child(pass, &pass->yes, pass->yes_leaf[inner], v5->n_leaves, size, &nodes[size]);
		take_child(pass, &pass->no, pass->no_leaf[inner], v5->n_leaves, size + 1, &nodes[size + 1]);
		pass->in_order &= (feature < trees->n_features) & (missing < 2) & (bool)isfinite(threshold);
		node->threshold = threshold;
		node->word = size << trees->feature_bits | feature << 1 | missing;
		/* the writer's way to say that a tree is a leaf */
		if (inner == root && pass->next == root + 1 && nodes[1].leaf == nodes[2].leaf &&
		    (feature | missing) == 0 && is_zero(threshold)) {
			nodes[0] = nodes[1];
			size = 1;
		} else {
			size += 2;
		}
	}
	trees->n_nodes += size;
	return inner;
}

static bool take_trees(struct v5 v5, struct mlops_trees *trees, struct pass *pass)
{
	size_t inner = 0, n_used = 0;
	for (size_t t = 0; pass->in_order && t < v5.roots.n; t++) {
		pass->in_order = mlops_onnx_next_int(&v5.roots) == (int64_t)inner && inner < v5.n_inner;
		if (pass->in_order)
			inner = take_tree(&v5, trees, pass, inner);
		pass->in_order &= trees->n_nodes <= UINT32_MAX;
		trees->tree_start[t + 1] = (uint32_t)trees->n_nodes;
	}
	for (size_t i = 0; i < v5.n_leaves; i++)
		n_used += pass->used[i];
	return pass->in_order && inner == v5.n_inner && n_used == v5.n_leaves;
}

static bool finite_leaves(const struct mlops_trees *trees)
{
	for (size_t i = 0; i < trees->n_leaves * trees->n_outputs; i++) {
		if (!isfinite(trees->leaf_values[i]))
			return false;
	}
	return true;
}

/* False without an error: another order, or something is wrong.  What mlops_trees_check would look at has
 * been looked at here. */
static bool read_in_order(const struct v5 *v5, struct mlops_trees *trees)
{
	struct pass pass = {
		.features = mlops_onnx_bytes_of(&v5->features),
		.missing = mlops_onnx_bytes_of(&v5->missing),
		.yes_leaf = mlops_onnx_bytes_of(&v5->yes_leaf),
		.no_leaf = mlops_onnx_bytes_of(&v5->no_leaf),
		.yes = v5->yes.bulk,
		.no = v5->no.bulk,
		.in_order = true,
	};
	size_t n_values;
	bool fine = false;
	if (pass.features == NULL || pass.missing == NULL || pass.yes_leaf == NULL || pass.no_leaf == NULL ||
	    !pass.yes.packed || !pass.no.packed || v5->splits.raw == NULL || v5->splits.raw_is_double ||
	    __builtin_mul_overflow(v5->n_leaves, trees->n_outputs, &n_values))
		return false;
	trees->n_trees = v5->roots.n;
	trees->n_leaves = v5->n_leaves;
	trees->feature_bits = mlops_trees_feature_bits(trees->n_features);
	trees->nodes = malloc((2 * v5->n_inner + v5->roots.n) * sizeof(*trees->nodes));
	trees->tree_start = calloc(v5->roots.n + 1, sizeof(*trees->tree_start));
	trees->leaf_values = calloc(n_values, sizeof(*trees->leaf_values));
	pass.place = malloc((v5->n_inner + 2) * sizeof(*pass.place));
	pass.used = calloc(v5->n_leaves + 1, sizeof(*pass.used));
	if (trees->nodes != NULL && trees->tree_start != NULL && trees->leaf_values != NULL &&
	    pass.place != NULL && pass.used != NULL)
		fine = read_leaves(v5, trees->n_outputs, trees->leaf_values, NULL) &&
		       take_trees(*v5, trees, &pass) && finite_leaves(trees);
	free(pass.place);
	free(pass.used);
	return fine;
}

static bool read_any_order(const struct v5 *v5, struct mlops_trees *trees, struct mlops_error *error)
{
	struct mlops_onnx_forest forest = { .share_leaves = true };
	bool fine = mlops_onnx_forest_new(&forest, v5->n_inner + v5->n_leaves, v5->n_leaves, trees->n_outputs,
					  v5->roots.n, error) &&
		    read_leaves(v5, trees->n_outputs, forest.values, error) &&
		    read_items(*v5, trees->n_features, &forest, error) &&
		    mlops_onnx_forest_lay_out(&forest, trees, error);
	mlops_onnx_forest_release(&forest);
	return fine;
}

bool mlops_onnx_trees_read_v5(const Onnx__NodeProto *node, struct mlops_trees *trees,
			      struct mlops_error *error)
{
	struct v5 v5;
	if (!v5_attributes(node, &v5, error) || !mlops_onnx_settle_features(trees, v5.features, error))
		return false;
	const struct mlops_trees empty = { .n_features = trees->n_features, .n_outputs = trees->n_outputs };
	if (read_in_order(&v5, trees))
		return true;
	mlops_trees_release(trees);
	*trees = empty;
	if (read_any_order(&v5, trees, error))
		return true;
	mlops_trees_release(trees);
	return false;
}
