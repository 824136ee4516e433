/*
 * Random forests of other programs: TreeEnsembleClassifier of ai.onnx.ml 1 or 3 as skl2onnx writes a
 * RandomForestClassifier.
 *
 * Two classes come in two ways.  With one weight a leaf it is the second class's probability and the first
 * one's is the rest; with a weight a class they are checked to add up to 1, and the second class's are kept.
 * Around the ensemble, only operators that leave the numbers as they are: Identity, Cast, ZipMap, and a
 * Normalizer (L1), which has nothing to do where probabilities add up to 1.
 */
#include "model/onnx_graph.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPERATORS 64
#define TOLERANCE     1e-5

/* What a name in the graph stands for. */
enum role { OTHER, INPUT, LABEL, PROBABILITIES };

struct value {
	const char *name;
	enum role role;
};

struct values {
	struct value list[2 * MAX_OPERATORS + 2];
	size_t n;
};

static enum role role_of(const struct values *values, const char *name)
{
	for (size_t i = 0; i < values->n; i++) {
		if (strcmp(values->list[i].name, mlops_onnx_or_empty(name)) == 0)
			return values->list[i].role;
	}
	return OTHER;
}

static void remember(struct values *values, const char *name, enum role role)
{
	values->list[values->n++] = (struct value){ mlops_onnx_or_empty(name), role };
}

static bool is_type(const Onnx__NodeProto *node, const char *type)
{
	return strcmp(mlops_onnx_or_empty(node->op_type), type) == 0;
}

static bool refuse(const Onnx__NodeProto *node, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];
	const char *type = mlops_onnx_or_empty(node->op_type);
	return mlops_error_set(error, MLOPS_DATA,
			       "operator \"%s\" is not a tree ensemble that this program can score",
			       mlops_text_mask(quoted, type, strlen(type)));
}

/* Casts between numbers that hold a float32; of a label any. */
static bool cast_is_harmless(const Onnx__NodeProto *node, enum role role)
{
	int64_t to = mlops_onnx_int_of(node, "to", 0);
	return role == LABEL || to == MLOPS_ONNX_FLOAT || to == MLOPS_ONNX_DOUBLE;
}

static bool pass_on(const Onnx__NodeProto *node, struct values *values, struct mlops_error *error)
{
	enum role role = node->n_input == 1 && node->n_output == 1 ? role_of(values, node->input[0]) : OTHER;
	bool fine = false;
	if (is_type(node, "Identity"))
		fine = role != OTHER;
	else if (is_type(node, "Cast"))
		fine = role != OTHER && cast_is_harmless(node, role);
	else if (is_type(node, "ZipMap"))
		fine = role == PROBABILITIES;
	else if (is_type(node, "Normalizer"))
		fine = role == PROBABILITIES && mlops_onnx_string_of(node, "norm", "MAX", "L1", NULL);
	if (!fine)
		return refuse(node, error);
	remember(values, node->output[0], role);
	return true;
}

/* The only ensemble of the graph, with X as its input and nothing that changes numbers around it. */
static const Onnx__NodeProto *find_ensemble(const Onnx__GraphProto *graph, struct mlops_error *error)
{
	struct values values = { .n = 0 };
	const Onnx__NodeProto *ensemble = NULL;
	if (graph->n_node == 0 || graph->n_node > MAX_OPERATORS) {
		mlops_error_set(error, MLOPS_DATA,
				"a graph of %zu operators is not a tree ensemble that this program can score",
				graph->n_node);
		return NULL;
	}
	if (graph->n_input != 1) {
		mlops_error_set(error, MLOPS_DATA,
				"the graph takes %zu inputs, expected one with all features", graph->n_input);
		return NULL;
	}
	remember(&values, graph->input[0]->name, INPUT);
	for (size_t i = 0; i < graph->n_node; i++) {
		const Onnx__NodeProto *node = graph->node[i];
		if (!is_type(node, "TreeEnsembleClassifier")) {
			if (!pass_on(node, &values, error))
				return NULL;
			continue;
		}
		if (ensemble != NULL || node->n_input != 1 || node->n_output < 1 || node->n_output > 2 ||
		    role_of(&values, node->input[0]) != INPUT) {
			mlops_error_set(error, MLOPS_DATA,
					ensemble != NULL
						? "the graph has more than one tree ensemble"
						: "the tree ensemble does not take the graph's input");
			return NULL;
		}
		ensemble = node;
		remember(&values, node->output[0], LABEL);
		if (node->n_output == 2)
			remember(&values, node->output[1], PROBABILITIES);
	}
	if (ensemble == NULL)
		refuse(graph->node[0], error);
	return ensemble;
}

static bool check_attributes(const Onnx__NodeProto *node, struct mlops_error *error)
{
	static const char *const known[] = {
		"base_values",
		"class_ids",
		"class_nodeids",
		"class_treeids",
		"class_weights",
		"class_weights_as_tensor",
		"base_values_as_tensor",
		"classlabels_int64s",
		"classlabels_strings",
		"nodes_falsenodeids",
		"nodes_featureids",
		"nodes_hitrates",
		"nodes_hitrates_as_tensor",
		"nodes_missing_value_tracks_true",
		"nodes_modes",
		"nodes_nodeids",
		"nodes_treeids",
		"nodes_truenodeids",
		"nodes_values",
		"nodes_values_as_tensor",
		"post_transform",
	};
	for (size_t i = 0; i < node->n_attribute; i++) {
		const char *name = mlops_onnx_or_empty(node->attribute[i]->name);
		bool found = false;
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]) && !found; k++)
			found = strcmp(name, known[k]) == 0;
		if (!found) {
			char quoted[MLOPS_TEXT_QUOTED];
			return mlops_error_set(error, MLOPS_DATA,
					       "attribute \"%s\" of the tree ensemble is unknown",
					       mlops_text_mask(quoted, name, strlen(name)));
		}
	}
	return mlops_onnx_string_of(node, "post_transform", "NONE", "NONE", error);
}

static void free_labels(char **labels, size_t n)
{
	for (size_t k = 0; labels != NULL && k < n; k++)
		free(labels[k]);
	free(labels);
}

/* Class labels as text; the caller frees them. */
static char **labels_of(const Onnx__NodeProto *node, size_t *n, struct mlops_error *error)
{
	struct mlops_onnx_strings strings = mlops_onnx_strings_of(node, "classlabels_strings");
	struct mlops_onnx_ints ints = mlops_onnx_ints_of(node, "classlabels_int64s");
	size_t n_strings = strings.n;
	*n = n_strings > 0 ? n_strings : ints.n;
	if (*n < 2 || *n > MLOPS_MAX_CLASSES || (n_strings > 0 && ints.n > 0)) {
		mlops_error_set(error, MLOPS_DATA, "the tree ensemble has %zu class labels, expected 2 to %d",
				n_strings + ints.n, MLOPS_MAX_CLASSES);
		return NULL;
	}
	char **labels = calloc(*n, sizeof(*labels));
	for (size_t k = 0; labels != NULL && k < *n; k++) {
		char number[24];
		ProtobufCBinaryData string = { .len = 0 };
		if (n_strings > 0)
			string = mlops_onnx_next_string(&strings);
		snprintf(number, sizeof(number), "%lld",
			 n_strings == 0 ? (long long)mlops_onnx_next_int(&ints) : 0);
		size_t length = n_strings > 0 ? string.len : strlen(number);
		const char *text = number;
		if (n_strings > 0)
			text = length > 0 ? (const char *)string.data : "";
		if (n_strings > 0 &&
		    (memchr(text, '\0', length) != NULL || !mlops_text_is_utf8(text, length))) {
			mlops_error_set(error, MLOPS_DATA, "class label %zu is not UTF-8 text", k);
			free_labels(labels, *n);
			return NULL;
		}
		labels[k] = calloc(length + 1, 1);
		if (labels[k] == NULL) {
			free_labels(labels, *n);
			labels = NULL;
			break;
		}
		memcpy(labels[k], text, length);
	}
	if (labels == NULL)
		mlops_error_set_memory(error);
	return labels;
}

static bool one_weight_a_leaf(const Onnx__NodeProto *node, size_t n_classes)
{
	struct mlops_onnx_ints ids = mlops_onnx_ints_of(node, "class_ids");
	int64_t first = ids.n > 0 ? mlops_onnx_next_int(&ids) : 0;
	for (size_t i = 1; i < ids.n; i++) {
		if (mlops_onnx_next_int(&ids) != first)
			return false;
	}
	return n_classes == 2;
}

/* A base value is what the sum starts with: the same as more weight in each leaf of the first tree. */
static bool add_base_values(const Onnx__NodeProto *node, struct mlops_trees *trees, struct mlops_error *error)
{
	struct mlops_onnx_reals base;
	if (!mlops_onnx_reals_of(node, "base_values", &base, error) ||
	    (base.n == 0 && !mlops_onnx_reals_of(node, "base_values_as_tensor", &base, error)))
		return false;
	if (base.n == 0)
		return true;
	if (base.n != trees->n_outputs)
		return mlops_error_set(error, MLOPS_DATA,
				       "attribute \"base_values\" has %zu entries, expected %zu", base.n,
				       trees->n_outputs);
	for (size_t i = 0; i < trees->tree_start[1]; i++) {
		if (mlops_node_left(trees, &trees->nodes[i]) != 0)
			continue;
		float *leaf = trees->leaf_values + trees->nodes[i].leaf * trees->n_outputs;
		for (size_t k = 0; k < trees->n_outputs; k++)
			leaf[k] = (float)((double)leaf[k] + mlops_onnx_real(&base, k));
	}
	return mlops_trees_check(trees, error);
}

/* Probabilities are not below 0 and, over all classes, add up to 1 whatever leaves are reached. */
static bool check_probabilities(const struct mlops_trees *trees, struct mlops_error *error)
{
	double low = 0, high = 0;
	for (size_t k = 0; k < trees->n_outputs; k++) {
		mlops_onnx_trees_bounds(trees, k, &low, &high);
		if (!(low >= 0 && high <= 1 + TOLERANCE))
			return mlops_error_set(error, MLOPS_DATA,
					       "the weights of the leaves are no probabilities");
	}
	if (trees->n_outputs == 1)
		return true;
	struct mlops_trees totals = *trees;
	totals.n_outputs = 1;
	totals.leaf_values = calloc(trees->n_leaves, sizeof(*totals.leaf_values));
	if (totals.leaf_values == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < trees->n_leaves; i++) {
		double total = 0;
		for (size_t k = 0; k < trees->n_outputs; k++)
			total += (double)trees->leaf_values[i * trees->n_outputs + k];
		totals.leaf_values[i] = (float)total;
	}
	mlops_onnx_trees_bounds(&totals, 0, &low, &high);
	free(totals.leaf_values);
	if (!(low >= 1 - TOLERANCE && high <= 1 + TOLERANCE))
		return mlops_error_set(error, MLOPS_DATA,
				       "the weights of the leaves do not add up to 1 over the classes");
	return true;
}

static void keep_second_class(struct mlops_trees *trees)
{
	for (size_t i = 0; i < trees->n_leaves; i++)
		trees->leaf_values[i] = trees->leaf_values[2 * i + 1];
	trees->n_outputs = 1;
}

static bool read_ensemble(const Onnx__NodeProto *node, size_t n_features, size_t n_classes,
			  struct mlops_trees *trees, struct mlops_error *error)
{
	bool one_weight = one_weight_a_leaf(node, n_classes);
	trees->n_features = n_features;
	trees->n_outputs = one_weight ? 1 : n_classes;
	if (!mlops_onnx_trees_read_v3(node, "class", one_weight, trees, error) ||
	    !add_base_values(node, trees, error) || !check_probabilities(trees, error))
		return false;
	if (n_classes == 2 && !one_weight)
		keep_second_class(trees);
	return true;
}

bool mlops_onnx_import(const Onnx__ModelProto *file, struct mlops_model *model, struct mlops_error *error)
{
	const Onnx__GraphProto *graph = file->graph;
	const Onnx__NodeProto *node = find_ensemble(graph, error);
	int32_t type;
	size_t n_features, n_classes;
	if (node == NULL || !mlops_onnx_value_shape(graph->input[0], &type, &n_features, error) ||
	    !check_attributes(node, error))
		return false;
	if (type != MLOPS_ONNX_FLOAT && type != MLOPS_ONNX_DOUBLE)
		return mlops_error_set(error, MLOPS_DATA,
				       "the graph's input is of type %d, expected float or double", type);
	char **labels = labels_of(node, &n_classes, error);
	if (labels == NULL)
		return false;
	model->kind = MLOPS_FAILURE_PREDICTION;
	model->probability_scale = 1;
	bool fine = read_ensemble(node, n_features, n_classes, &model->trees, error) &&
		    mlops_model_set_classes(model, labels, n_classes, error);
	free_labels(labels, n_classes);
	return fine;
}
