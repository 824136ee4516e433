/* TreeEnsembleRegressor and TreeEnsembleClassifier, of ai.onnx.ml 1 and 3. */
#include "model/onnx_trees.h"

#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

struct v3 {
	struct mlops_onnx_ints tree_ids, ids, features, yes, no, missing;
	struct mlops_onnx_strings modes;
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
	v3->modes = mlops_onnx_strings_of(node, "nodes_modes");
	v3->leaf_tree_ids = mlops_onnx_ints_of(node, v3->leaf_tree_name);
	v3->leaf_ids = mlops_onnx_ints_of(node, v3->leaf_name);
	v3->outputs = mlops_onnx_ints_of(node, v3->output_name);
	if (!either_reals(node, "nodes_values", &v3->values, error) ||
	    !either_reals(node, v3->weight_name, &v3->weights, error))
		return false;
	v3->n = v3->tree_ids.n;
	if (v3->n == 0)
		return mlops_error_set(error, MLOPS_DATA, "the ensemble has no nodes");
	return mlops_onnx_same_length("nodes_nodeids", v3->ids.n, v3->n, error) &&
	       mlops_onnx_same_length("nodes_featureids", v3->features.n, v3->n, error) &&
	       mlops_onnx_same_length("nodes_truenodeids", v3->yes.n, v3->n, error) &&
	       mlops_onnx_same_length("nodes_falsenodeids", v3->no.n, v3->n, error) &&
	       (v3->missing.n == 0 ||
		mlops_onnx_same_length("nodes_missing_value_tracks_true", v3->missing.n, v3->n, error)) &&
	       mlops_onnx_same_length("nodes_modes", v3->modes.n, v3->n, error) &&
	       mlops_onnx_same_length("nodes_values", v3->values.n, v3->n, error) &&
	       mlops_onnx_same_length(v3->leaf_name, v3->leaf_ids.n, v3->leaf_tree_ids.n, error) &&
	       mlops_onnx_same_length(v3->output_name, v3->outputs.n, v3->leaf_tree_ids.n, error) &&
	       mlops_onnx_same_length(v3->weight_name, v3->weights.n, v3->leaf_tree_ids.n, error);
}

/* Nodes of a tree come one after the other and count from 0, and so do trees: as every exporter we know
 * writes them. */
static bool v3_number(struct v3 *v3, struct mlops_error *error)
{
	struct mlops_onnx_ints tree_ids = v3->tree_ids, ids = v3->ids;
	struct mlops_onnx_strings modes = v3->modes;
	int64_t expected = 0;
	v3->n_trees = 0;
	v3->n_leaves = 0;
	for (size_t i = 0; i < v3->n; i++) {
		int64_t tree = mlops_onnx_next_int(&tree_ids), id = mlops_onnx_next_int(&ids);
		if (i == 0 || tree != (int64_t)v3->n_trees - 1) {
			if (tree != (int64_t)v3->n_trees)
				return mlops_error_set(
					error, MLOPS_DATA,
					"attribute \"nodes_treeids\": entry %zu is %lld, expected %zu", i,
					(long long)tree, v3->n_trees);
			v3->n_trees++;
			expected = 0;
		}
		if (id != expected)
			return mlops_error_set(
				error, MLOPS_DATA,
				"attribute \"nodes_nodeids\": entry %zu is %lld, expected %lld", i,
				(long long)id, (long long)expected);
		expected++;
		v3->n_leaves += mlops_onnx_string_is(mlops_onnx_next_string(&modes), "LEAF");
	}
	return true;
}

/* Where each tree begins: v3_number has seen that its first node's number is 0. */
static void v3_roots(const struct v3 *v3, struct mlops_onnx_forest *forest)
{
	struct mlops_onnx_ints ids = v3->ids;
	for (size_t i = 0, tree = 0; i < v3->n; i++) {
		if (mlops_onnx_next_int(&ids) == 0)
			forest->roots[tree++] = (uint32_t)i;
	}
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

/* The item behind the last one of a tree. */
static size_t v3_end(const struct v3 *v3, const struct mlops_onnx_forest *forest, size_t tree)
{
	return tree + 1 < v3->n_trees ? forest->roots[tree + 1] : v3->n;
}

/* Takes from the columns for leaves too, where they mean nothing. */
static bool v3_tree(struct v3 *v3, size_t n_features, struct mlops_onnx_forest *forest, size_t tree,
		    uint32_t *leaf, struct mlops_error *error)
{
	uint32_t start = forest->roots[tree];
	size_t end = v3_end(v3, forest, tree), size = end - start;
	for (size_t i = start; i < end; i++) {
		struct mlops_onnx_item *item = &forest->items[i];
		ProtobufCBinaryData mode = mlops_onnx_next_string(&v3->modes);
		if (mlops_onnx_string_is(mode, "LEAF")) {
			mlops_onnx_next_int(&v3->features);
			mlops_onnx_next_int(&v3->yes);
			mlops_onnx_next_int(&v3->no);
			if (v3->missing.n > 0)
				mlops_onnx_next_int(&v3->missing);
			*item = (struct mlops_onnx_item){ .yes = MLOPS_ONNX_LEAF, .no = (*leaf)++ };
			continue;
		}
		uint32_t feature, missing = 0;
		if (!mlops_onnx_next_index("nodes_featureids", &v3->features, i, n_features, &feature,
					   error) ||
		    !mlops_onnx_next_index("nodes_truenodeids", &v3->yes, i, size, &item->yes, error) ||
		    !mlops_onnx_next_index("nodes_falsenodeids", &v3->no, i, size, &item->no, error) ||
		    (v3->missing.n > 0 && !mlops_onnx_next_index("nodes_missing_value_tracks_true",
								 &v3->missing, i, 2, &missing, error)) ||
		    !v3_threshold(mode, mlops_onnx_real(&v3->values, i), &item->threshold, error))
			return false;
		item->yes += start;
		item->no += start;
		item->word = feature << 1 | missing;
	}
	return true;
}

static bool v3_items(struct v3 v3, size_t n_features, struct mlops_onnx_forest *forest,
		     struct mlops_error *error)
{
	uint32_t leaf = 0;
	v3_roots(&v3, forest);
	for (size_t t = 0; t < v3.n_trees; t++) {
		if (!v3_tree(&v3, n_features, forest, t, &leaf, error))
			return false;
	}
	return true;
}

static bool v3_weights(struct v3 v3, bool one_weight, size_t n_outputs, struct mlops_onnx_forest *forest,
		       struct mlops_error *error)
{
	for (size_t i = 0; i < v3.weights.n; i++) {
		uint32_t tree, id, output = 0;
		if (!mlops_onnx_next_index(v3.leaf_tree_name, &v3.leaf_tree_ids, i, v3.n_trees, &tree, error))
			return false;
		size_t size = v3_end(&v3, forest, tree) - forest->roots[tree];
		if (!mlops_onnx_next_index(v3.leaf_name, &v3.leaf_ids, i, size, &id, error) ||
		    (!one_weight &&
		     !mlops_onnx_next_index(v3.output_name, &v3.outputs, i, n_outputs, &output, error)))
			return false;
		const struct mlops_onnx_item *item = &forest->items[forest->roots[tree] + id];
		if (item->yes != MLOPS_ONNX_LEAF)
			return mlops_error_set(error, MLOPS_DATA,
					       "attribute \"%s\": entry %zu is for a node that is no leaf",
					       v3.weight_name, i);
		forest->values[item->no * n_outputs + output] += (float)mlops_onnx_real(&v3.weights, i);
	}
	return true;
}

bool mlops_onnx_trees_read_v3(const Onnx__NodeProto *node, const char *prefix, bool one_weight,
			      struct mlops_trees *trees, struct mlops_error *error)
{
	struct v3 v3;
	struct mlops_onnx_forest forest = { .items = NULL };
	bool fine = v3_attributes(node, prefix, &v3, error) &&
		    mlops_onnx_settle_features(trees, v3.features, error) && v3_number(&v3, error) &&
		    mlops_onnx_forest_new(&forest, v3.n, v3.n_leaves, trees->n_outputs, v3.n_trees, error) &&
		    v3_items(v3, trees->n_features, &forest, error) &&
		    v3_weights(v3, one_weight, trees->n_outputs, &forest, error) &&
		    mlops_onnx_forest_lay_out(&forest, trees, error);
	mlops_onnx_forest_release(&forest);
	if (!fine)
		mlops_trees_release(trees);
	return fine;
}
