/*
 * A forest from the attributes of an ensemble operator.  Both generations of operators become the same list
 * of items first; then the trees are laid out breadth-first, children side by side, following each item at
 * most once.
 */
#include "model/onnx_graph.h"

#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAF UINT32_MAX
#define MAX_ITEMS (UINT32_MAX - 1)

struct item {
	uint32_t yes, no; /* items; of a leaf LEAF and its row of values */
	float threshold;
	uint32_t word; /* feature << 1 | missing goes to yes */
};

struct forest {
	struct item *items;
	bool *used;
	size_t n_items;
	size_t n_spare; /* used up without becoming a node */
	uint32_t *roots;
	size_t n_trees;
	float *values; /* [n_leaves * n_outputs] */
	size_t n_leaves;
};

static bool forest_new(struct forest *forest, size_t n_items, size_t n_leaves, size_t n_outputs,
		       size_t n_trees, struct mlops_error *error)
{
	if (n_items > MAX_ITEMS)
		return mlops_error_set(error, MLOPS_DATA,
				       "the ensemble has %zu nodes, at most %u are possible", n_items,
				       MAX_ITEMS);
	size_t n_values;
	if (__builtin_mul_overflow(n_leaves, n_outputs, &n_values))
		return mlops_error_set_memory(error);
	forest->n_items = n_items;
	forest->n_leaves = n_leaves;
	forest->n_trees = n_trees;
	forest->items = calloc(n_items, sizeof(*forest->items));
	forest->used = calloc(n_items, sizeof(*forest->used));
	forest->roots = calloc(n_trees, sizeof(*forest->roots));
	forest->values = calloc(n_values, sizeof(*forest->values));
	if (forest->items == NULL || forest->used == NULL || forest->roots == NULL || forest->values == NULL)
		return mlops_error_set_memory(error);
	return true;
}

static void forest_release(struct forest *forest)
{
	free(forest->items);
	free(forest->used);
	free(forest->roots);
	free(forest->values);
}

static bool use(struct forest *forest, uint32_t item, struct mlops_error *error)
{
	if (forest->used[item])
		return mlops_error_set(error, MLOPS_DATA, "node %u of the ensemble is reached twice", item);
	forest->used[item] = true;
	return true;
}

static bool lay_out(struct forest *forest, struct mlops_trees *trees, struct mlops_error *error)
{
	size_t width = trees->n_outputs, end = 0, at = 0;
	bool fine = false;
	uint32_t *order = malloc(forest->n_items * sizeof(*order));
	trees->n_trees = forest->n_trees;
	trees->n_nodes = forest->n_items - forest->n_spare;
	trees->feature_bits = mlops_trees_feature_bits(trees->n_features);
	trees->nodes = calloc(forest->n_items, sizeof(*trees->nodes));
	trees->tree_start = calloc(forest->n_trees + 1, sizeof(*trees->tree_start));
	trees->leaf_values = calloc(forest->n_leaves * width, sizeof(*trees->leaf_values));
	if (order == NULL || trees->nodes == NULL || trees->tree_start == NULL ||
	    trees->leaf_values == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t t = 0; t < forest->n_trees; t++) {
		size_t start = end;
		trees->tree_start[t] = (uint32_t)start;
		if (!use(forest, forest->roots[t], error))
			goto out;
		order[end++] = forest->roots[t];
		for (; at < end; at++) {
			const struct item *item = &forest->items[order[at]];
			struct mlops_node *node = &trees->nodes[at];
			if (item->yes == LEAF) {
				node->leaf = (uint32_t)trees->n_leaves;
				memcpy(trees->leaf_values + trees->n_leaves * width,
				       forest->values + item->no * width, width * sizeof(float));
				trees->n_leaves++;
				continue;
			}
			if (!use(forest, item->yes, error) || !use(forest, item->no, error))
				goto out;
			size_t left = end - start;
			if (left > UINT32_MAX >> trees->feature_bits) {
				mlops_error_set(error, MLOPS_DATA,
						"tree %zu has more nodes than fit with %zu features", t,
						trees->n_features);
				goto out;
			}
			node->threshold = item->threshold;
			node->word = (uint32_t)left << trees->feature_bits | item->word;
			order[end++] = item->yes;
			order[end++] = item->no;
		}
	}
	trees->tree_start[forest->n_trees] = (uint32_t)end;
	if (end != trees->n_nodes) {
		mlops_error_set(error, MLOPS_DATA, "%zu nodes of the ensemble belong to no tree",
				trees->n_nodes - end);
		goto out;
	}
	fine = mlops_trees_check(trees, error);
out:
	free(order);
	return fine;
}

static bool same_length(const char *name, size_t found, size_t expected, struct mlops_error *error)
{
	if (found == expected)
		return true;
	return mlops_error_set(error, MLOPS_DATA, "attribute \"%s\" has %zu entries, expected %zu", name,
			       found, expected);
}

/* values[i] of an attribute, which must be at least 0 and below limit. */
static bool index_of(const char *name, struct mlops_onnx_ints ints, size_t i, size_t limit, uint32_t *value,
		     struct mlops_error *error)
{
	if (ints.values[i] < 0 || (uint64_t)ints.values[i] >= limit) {
		mlops_error_set(error, MLOPS_DATA, "attribute \"%s\": entry %zu is %lld, expected 0 to %zu",
				name, i, (long long)ints.values[i], limit - 1);
		return false;
	}
	*value = (uint32_t)ints.values[i];
	return true;
}

/* n_features that the file leaves open is one more than the largest feature in use. */
static bool settle_features(struct mlops_trees *trees, struct mlops_onnx_ints features,
			    struct mlops_error *error)
{
	if (trees->n_features != 0)
		return true;
	int64_t largest = 0;
	for (size_t i = 0; i < features.n; i++) {
		if (features.values[i] > largest)
			largest = features.values[i];
	}
	if (largest >= MLOPS_ONNX_MAX_FEATURES)
		return mlops_error_set(error, MLOPS_DATA, "feature %lld is out of range", (long long)largest);
	trees->n_features = (size_t)largest + 1;
	return true;
}

static bool all_leq(const Onnx__NodeProto *node, size_t n, struct mlops_error *error)
{
	const Onnx__AttributeProto *modes = mlops_onnx_attribute(node, "nodes_modes");
	const Onnx__TensorProto *tensor = modes != NULL ? modes->t : NULL;
	if (tensor == NULL || tensor->data_type != MLOPS_ONNX_UINT8 || !tensor->has_raw_data)
		return mlops_error_set(error, MLOPS_DATA,
				       "attribute \"nodes_modes\" is not a tensor of bytes");
	if (!same_length("nodes_modes", tensor->raw_data.len, n, error))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (tensor->raw_data.data[i] != 0)
			return mlops_error_set(error, MLOPS_DATA,
					       "node %zu compares in mode %u, expected 0 (x <= value)", i,
					       tensor->raw_data.data[i]);
	}
	return true;
}

struct v5 {
	struct mlops_onnx_ints features, yes, no, yes_leaf, no_leaf, missing, targets, roots;
	struct mlops_onnx_reals splits, weights;
	size_t n_inner, n_leaves;
};

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
	if (v5->n_inner > MAX_ITEMS || v5->n_leaves > MAX_ITEMS)
		return mlops_error_set(error, MLOPS_DATA, "the ensemble has more than %u nodes", MAX_ITEMS);
	return same_length("nodes_truenodeids", v5->yes.n, v5->n_inner, error) &&
	       same_length("nodes_falsenodeids", v5->no.n, v5->n_inner, error) &&
	       same_length("nodes_trueleafs", v5->yes_leaf.n, v5->n_inner, error) &&
	       same_length("nodes_falseleafs", v5->no_leaf.n, v5->n_inner, error) &&
	       same_length("nodes_missing_value_tracks_true", v5->missing.n, v5->n_inner, error) &&
	       same_length("nodes_splits", v5->splits.n, v5->n_inner, error) &&
	       same_length("leaf_targetids", v5->targets.n, v5->n_leaves, error) &&
	       all_leq(node, v5->n_inner, error);
}

/* A child's item: inner nodes come first, leaves after them. */
static bool v5_child(const struct v5 *v5, const char *name, struct mlops_onnx_ints ids,
		     struct mlops_onnx_ints leaf, size_t i, uint32_t *item, struct mlops_error *error)
{
	uint32_t is_leaf;
	if (!index_of("nodes_trueleafs or nodes_falseleafs", leaf, i, 2, &is_leaf, error) ||
	    !index_of(name, ids, i, is_leaf != 0 ? v5->n_leaves : v5->n_inner, item, error))
		return false;
	if (is_leaf != 0)
		*item += (uint32_t)v5->n_inner;
	return true;
}

bool mlops_onnx_trees_read_v5(const Onnx__NodeProto *node, struct mlops_trees *trees,
			      struct mlops_error *error)
{
	struct v5 v5;
	struct forest forest = { .items = NULL };
	uint32_t ignored;
	if (!v5_attributes(node, &v5, error) || !settle_features(trees, v5.features, error) ||
	    !forest_new(&forest, v5.n_inner + v5.n_leaves, v5.n_leaves, 1, v5.roots.n, error))
		goto fail;
	for (size_t i = 0; i < v5.n_leaves; i++) {
		if (!index_of("leaf_targetids", v5.targets, i, 1, &ignored, error))
			goto fail;
		forest.items[v5.n_inner + i] = (struct item){ .yes = LEAF, .no = (uint32_t)i };
		forest.values[i] = (float)mlops_onnx_real(&v5.weights, i);
	}
	for (size_t i = 0; i < v5.n_inner; i++) {
		struct item *item = &forest.items[i];
		uint32_t feature, missing;
		if (!index_of("nodes_featureids", v5.features, i, trees->n_features, &feature, error) ||
		    !index_of("nodes_missing_value_tracks_true", v5.missing, i, 2, &missing, error) ||
		    !v5_child(&v5, "nodes_truenodeids", v5.yes, v5.yes_leaf, i, &item->yes, error) ||
		    !v5_child(&v5, "nodes_falsenodeids", v5.no, v5.no_leaf, i, &item->no, error))
			goto fail;
		item->threshold = (float)mlops_onnx_real(&v5.splits, i);
		item->word = feature << 1 | missing;
		if (item->yes == item->no && item->yes >= v5.n_inner) {
			uint32_t leaf = item->yes;
			if (!use(&forest, leaf, error))
				goto fail;
			*item = forest.items[leaf];
			forest.n_spare++;
		}
	}
	for (size_t t = 0; t < v5.roots.n; t++) {
		if (!index_of("tree_roots", v5.roots, t, v5.n_inner, &forest.roots[t], error))
			goto fail;
	}
	if (!lay_out(&forest, trees, error))
		goto fail;
	forest_release(&forest);
	return true;
fail:
	forest_release(&forest);
	mlops_trees_release(trees);
	return false;
}

struct v3 {
	struct mlops_onnx_ints tree_ids, ids, features, yes, no, missing;
	const Onnx__AttributeProto *modes;
	struct mlops_onnx_reals values;
	size_t n;
	struct mlops_onnx_ints leaf_tree_ids, leaf_ids, outputs;
	struct mlops_onnx_reals weights;
	char leaf_tree_name[32], leaf_name[32], output_name[32], weight_name[32];
	size_t n_leaves, n_trees;
};

static bool either_reals(const Onnx__NodeProto *node, const char *name, struct mlops_onnx_reals *reals,
			 struct mlops_error *error)
{
	char tensor[48];
	snprintf(tensor, sizeof(tensor), "%s_as_tensor", name);
	if (!mlops_onnx_reals_of(node, name, reals, error))
		return false;
	return reals->n > 0 ? true : mlops_onnx_reals_of(node, tensor, reals, error);
}

static bool v3_attributes(const Onnx__NodeProto *node, const char *prefix, struct v3 *v3,
			  struct mlops_error *error)
{
	snprintf(v3->leaf_tree_name, sizeof(v3->leaf_tree_name), "%s_treeids", prefix);
	snprintf(v3->leaf_name, sizeof(v3->leaf_name), "%s_nodeids", prefix);
	snprintf(v3->output_name, sizeof(v3->output_name), "%s_ids", prefix);
	snprintf(v3->weight_name, sizeof(v3->weight_name), "%s_weights", prefix);
	v3->tree_ids = mlops_onnx_ints_of(node, "nodes_treeids");
	v3->ids = mlops_onnx_ints_of(node, "nodes_nodeids");
	v3->features = mlops_onnx_ints_of(node, "nodes_featureids");
	v3->yes = mlops_onnx_ints_of(node, "nodes_truenodeids");
	v3->no = mlops_onnx_ints_of(node, "nodes_falsenodeids");
	v3->missing = mlops_onnx_ints_of(node, "nodes_missing_value_tracks_true");
	v3->modes = mlops_onnx_attribute(node, "nodes_modes");
	v3->leaf_tree_ids = mlops_onnx_ints_of(node, v3->leaf_tree_name);
	v3->leaf_ids = mlops_onnx_ints_of(node, v3->leaf_name);
	v3->outputs = mlops_onnx_ints_of(node, v3->output_name);
	if (!either_reals(node, "nodes_values", &v3->values, error) ||
	    !either_reals(node, v3->weight_name, &v3->weights, error))
		return false;
	v3->n = v3->tree_ids.n;
	if (v3->n == 0)
		return mlops_error_set(error, MLOPS_DATA, "the ensemble has no nodes");
	return same_length("nodes_nodeids", v3->ids.n, v3->n, error) &&
	       same_length("nodes_featureids", v3->features.n, v3->n, error) &&
	       same_length("nodes_truenodeids", v3->yes.n, v3->n, error) &&
	       same_length("nodes_falsenodeids", v3->no.n, v3->n, error) &&
	       (v3->missing.n == 0 ||
		same_length("nodes_missing_value_tracks_true", v3->missing.n, v3->n, error)) &&
	       same_length("nodes_modes", v3->modes != NULL ? v3->modes->n_strings : 0, v3->n, error) &&
	       same_length("nodes_values", v3->values.n, v3->n, error) &&
	       same_length(v3->leaf_name, v3->leaf_ids.n, v3->leaf_tree_ids.n, error) &&
	       same_length(v3->output_name, v3->outputs.n, v3->leaf_tree_ids.n, error) &&
	       same_length(v3->weight_name, v3->weights.n, v3->leaf_tree_ids.n, error);
}

/* Nodes of a tree come one after the other and count from 0, and so do trees: as every exporter we know
 * writes them. */
static bool v3_number(struct v3 *v3, struct mlops_error *error)
{
	v3->n_trees = 0;
	v3->n_leaves = 0;
	int64_t expected = 0;
	for (size_t i = 0; i < v3->n; i++) {
		if (i == 0 || v3->tree_ids.values[i] != v3->tree_ids.values[i - 1]) {
			if (v3->tree_ids.values[i] != (int64_t)v3->n_trees)
				return mlops_error_set(
					error, MLOPS_DATA,
					"attribute \"nodes_treeids\": entry %zu is %lld, expected %zu", i,
					(long long)v3->tree_ids.values[i], v3->n_trees);
			v3->n_trees++;
			expected = 0;
		}
		if (v3->ids.values[i] != expected)
			return mlops_error_set(
				error, MLOPS_DATA,
				"attribute \"nodes_nodeids\": entry %zu is %lld, expected %lld", i,
				(long long)v3->ids.values[i], (long long)expected);
		expected++;
		v3->n_leaves += mlops_onnx_string_is(v3->modes->strings[i], "LEAF");
	}
	return true;
}

/* x <= threshold of finite float32 numbers that decides as the node does.  A double is rounded down: a
 * float32 x is at most it exactly if x is at most the next float32 below.  x < value is x <= (the float32
 * before value). scikit-learn compares with infinity where a split only tells missing values from others. */
static bool v3_threshold(ProtobufCBinaryData mode, double value, float *threshold, struct mlops_error *error)
{
	bool strict = mlops_onnx_string_is(mode, "BRANCH_LT");
	if (!strict && !mlops_onnx_string_is(mode, "BRANCH_LEQ")) {
		char found[MLOPS_TEXT_QUOTED];
		mlops_text_mask(found, (const char *)mode.data, mode.len);
		return mlops_error_set(
			error, MLOPS_DATA,
			"nodes of mode '%s' are not supported, expected BRANCH_LEQ or BRANCH_LT", found);
	}
	if (!(value > -(double)FLT_MAX))
		return mlops_error_set(error, MLOPS_DATA,
				       "a node compares with a value that no number is below");
	if (value > (double)FLT_MAX) {
		*threshold = FLT_MAX;
		return true;
	}
	*threshold = (float)value;
	if ((double)*threshold > value || (strict && (double)*threshold == value))
		*threshold = nextafterf(*threshold, -INFINITY);
	return true;
}

static bool v3_items(const struct v3 *v3, size_t n_features, struct forest *forest, struct mlops_error *error)
{
	uint32_t start = 0, size = 0, leaf = 0;
	for (size_t i = 0; i < v3->n; i++) {
		if (v3->ids.values[i] == 0) {
			start = (uint32_t)i;
			forest->roots[v3->tree_ids.values[i]] = start;
			for (size = 1; i + size < v3->n && v3->ids.values[i + size] != 0; size++)
				;
		}
		struct item *item = &forest->items[i];
		if (mlops_onnx_string_is(v3->modes->strings[i], "LEAF")) {
			*item = (struct item){ .yes = LEAF, .no = leaf++ };
			continue;
		}
		uint32_t feature, missing = 0;
		if (!index_of("nodes_featureids", v3->features, i, n_features, &feature, error) ||
		    !index_of("nodes_truenodeids", v3->yes, i, size, &item->yes, error) ||
		    !index_of("nodes_falsenodeids", v3->no, i, size, &item->no, error) ||
		    (v3->missing.n > 0 &&
		     !index_of("nodes_missing_value_tracks_true", v3->missing, i, 2, &missing, error)) ||
		    !v3_threshold(v3->modes->strings[i], mlops_onnx_real(&v3->values, i), &item->threshold,
				  error))
			return false;
		item->yes += start;
		item->no += start;
		item->word = feature << 1 | missing;
	}
	return true;
}

static bool v3_weights(const struct v3 *v3, bool one_weight, size_t n_outputs, struct forest *forest,
		       struct mlops_error *error)
{
	for (size_t i = 0; i < v3->weights.n; i++) {
		uint32_t tree, id, output = 0;
		if (!index_of(v3->leaf_tree_name, v3->leaf_tree_ids, i, v3->n_trees, &tree, error))
			return false;
		size_t end = tree + 1 < v3->n_trees ? forest->roots[tree + 1] : v3->n;
		if (!index_of(v3->leaf_name, v3->leaf_ids, i, end - forest->roots[tree], &id, error) ||
		    (!one_weight && !index_of(v3->output_name, v3->outputs, i, n_outputs, &output, error)))
			return false;
		const struct item *item = &forest->items[forest->roots[tree] + id];
		if (item->yes != LEAF)
			return mlops_error_set(error, MLOPS_DATA,
					       "attribute \"%s\": entry %zu is for a node that is no leaf",
					       v3->weight_name, i);
		forest->values[item->no * n_outputs + output] += (float)mlops_onnx_real(&v3->weights, i);
	}
	return true;
}

bool mlops_onnx_trees_read_v3(const Onnx__NodeProto *node, const char *prefix, bool one_weight,
			      struct mlops_trees *trees, struct mlops_error *error)
{
	struct v3 v3;
	struct forest forest = { .items = NULL };
	bool fine = v3_attributes(node, prefix, &v3, error) && settle_features(trees, v3.features, error) &&
		    v3_number(&v3, error) &&
		    forest_new(&forest, v3.n, v3.n_leaves, trees->n_outputs, v3.n_trees, error) &&
		    v3_items(&v3, trees->n_features, &forest, error) &&
		    v3_weights(&v3, one_weight, trees->n_outputs, &forest, error) &&
		    lay_out(&forest, trees, error);
	forest_release(&forest);
	if (!fine)
		mlops_trees_release(trees);
	return fine;
}

void mlops_onnx_trees_bounds(const struct mlops_trees *trees, size_t output, double *smallest,
			     double *largest)
{
	*smallest = 0;
	*largest = 0;
	for (size_t t = 0; t < trees->n_trees; t++) {
		double low = INFINITY, high = -INFINITY;
		for (size_t i = trees->tree_start[t]; i < trees->tree_start[t + 1]; i++) {
			const struct mlops_node *node = &trees->nodes[i];
			if (mlops_node_left(trees, node) != 0)
				continue;
			double value = (double)trees->leaf_values[node->leaf * trees->n_outputs + output];
			low = value < low ? value : low;
			high = value > high ? value : high;
		}
		*smallest += low;
		*largest += high;
	}
}
