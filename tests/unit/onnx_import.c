/* Random forests of other programs, built here as skl2onnx writes them, and files that are something else. */
#include "model/onnx.h"
#include "model/onnx.pb-c.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NODES 6 /* two trees of a split and two leaves */

/* A file whose parts a test may change before it is packed. */
struct file {
	Onnx__ModelProto model;
	Onnx__GraphProto graph;
	Onnx__ValueInfoProto input;
	Onnx__TypeProto type;
	Onnx__TypeProto__Tensor tensor;
	Onnx__TensorShapeProto shape;
	Onnx__TensorShapeProto__Dimension dims[2];
	Onnx__NodeProto nodes[2];
	Onnx__AttributeProto attributes[24];
	Onnx__ValueInfoProto *inputs[1];
	Onnx__NodeProto *node_list[2];
	Onnx__AttributeProto *attribute_list[24];
	Onnx__TensorShapeProto__Dimension *dim_list[2];
	ProtobufCBinaryData modes[8];
	ProtobufCBinaryData labels[3];
	size_t n_attributes;
};

static char *in_x[] = { (char[]){ "X" } };
static char *out_both[] = { (char[]){ "label" }, (char[]){ "probabilities" } };
static char *out_last[] = { (char[]){ "out" } };

static ProtobufCBinaryData bytes_of(const char *text)
{
	return (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

static Onnx__AttributeProto *add(struct file *file, const char *name)
{
	Onnx__AttributeProto *attribute = &file->attributes[file->n_attributes];

	onnx__attribute_proto__init(attribute);
	attribute->name = (char *)(uintptr_t)name;
	file->attribute_list[file->n_attributes++] = attribute;
	file->nodes[0].n_attribute = file->n_attributes;
	return attribute;
}

static void add_ints(struct file *file, const char *name, int64_t *values, size_t n)
{
	Onnx__AttributeProto *attribute = add(file, name);

	attribute->n_ints = n;
	attribute->ints = values;
}

static void add_floats(struct file *file, const char *name, float *values, size_t n)
{
	Onnx__AttributeProto *attribute = add(file, name);

	attribute->n_floats = n;
	attribute->floats = values;
}

static Onnx__AttributeProto *find(struct file *file, const char *name)
{
	size_t i = 0;

	while (strcmp(file->attributes[i].name, name) != 0)
		assert_true(++i < file->n_attributes);
	return &file->attributes[i];
}

/*
 * Tree 0: x0 <= 0.5 ? 0.25 : 0.5.  Tree 1: x1 <= inf (missing: no) ? 0 : 0.5, where 0.5 stands for the second
 * class.
 */
static int64_t tree_ids[] = { 0, 0, 0, 1, 1, 1 }, node_ids[] = { 0, 1, 2, 0, 1, 2 };
static int64_t features[] = { 0, 0, 0, 1, 0, 0 }, yes[] = { 1, 0, 0, 1, 0, 0 }, no[] = { 2, 0, 0, 2, 0, 0 };
static float values[] = { 0.5f, 0, 0, INFINITY, 0, 0 };
static int64_t leaf_trees[] = { 0, 0, 1, 1 }, leaf_nodes[] = { 1, 2, 1, 2 }, leaf_classes[] = { 0, 0, 0, 0 };
static float leaf_weights[] = { 0.25f, 0.5f, 0.0f, 0.5f };
/* with a weight a class */
static int64_t all_trees[] = { 0, 0, 0, 0, 1, 1, 1, 1 }, all_nodes[] = { 1, 1, 2, 2, 1, 1, 2, 2 };
static int64_t all_classes[] = { 0, 1, 0, 1, 0, 1, 0, 1 };
static float all_weights[] = { 0.25f, 0.25f, 0.0f, 0.5f, 0.5f, 0.0f, 0.0f, 0.5f };
static int64_t int_labels[] = { 0, 1 };

static void start(struct file *file)
{
	memset(file, 0, sizeof(*file));
	onnx__model_proto__init(&file->model);
	onnx__graph_proto__init(&file->graph);
	onnx__value_info_proto__init(&file->input);
	onnx__type_proto__init(&file->type);
	onnx__type_proto__tensor__init(&file->tensor);
	onnx__tensor_shape_proto__init(&file->shape);
	for (size_t i = 0; i < 2; i++) {
		onnx__tensor_shape_proto__dimension__init(&file->dims[i]);
		onnx__node_proto__init(&file->nodes[i]);
		file->dim_list[i] = &file->dims[i];
		file->node_list[i] = &file->nodes[i];
	}
	file->model.has_ir_version = true;
	file->model.ir_version = 8;
	file->model.producer_name = (char *)(uintptr_t) "skl2onnx";
	file->model.graph = &file->graph;
	file->dims[1].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
	file->dims[1].dim_value = 2;
	file->shape.n_dim = 2;
	file->shape.dim = file->dim_list;
	file->tensor.has_elem_type = true;
	file->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
	file->tensor.shape = &file->shape;
	file->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	file->type.tensor_type = &file->tensor;
	file->input.name = in_x[0];
	file->input.type = &file->type;
	file->inputs[0] = &file->input;
	file->graph.n_input = 1;
	file->graph.input = file->inputs;
	file->graph.n_node = 1;
	file->graph.node = file->node_list;
	file->nodes[0].op_type = (char *)(uintptr_t) "TreeEnsembleClassifier";
	file->nodes[0].domain = (char *)(uintptr_t) "ai.onnx.ml";
	file->nodes[0].n_input = 1;
	file->nodes[0].input = in_x;
	file->nodes[0].n_output = 2;
	file->nodes[0].output = out_both;
	file->nodes[0].attribute = file->attribute_list;
	file->nodes[1].n_input = 1;
	file->nodes[1].input = out_both + 1;
	file->nodes[1].n_output = 1;
	file->nodes[1].output = out_last;
}

static void add_nodes(struct file *file)
{
	static const char *const modes[] = { "BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF" };
	Onnx__AttributeProto *attribute = add(file, "nodes_modes");

	for (size_t i = 0; i < NODES; i++)
		file->modes[i] = bytes_of(modes[i]);
	attribute->n_strings = NODES;
	attribute->strings = file->modes;
	add_ints(file, "nodes_treeids", tree_ids, NODES);
	add_ints(file, "nodes_nodeids", node_ids, NODES);
	add_ints(file, "nodes_featureids", features, NODES);
	add_ints(file, "nodes_truenodeids", yes, NODES);
	add_ints(file, "nodes_falsenodeids", no, NODES);
	add_floats(file, "nodes_values", values, NODES);
	attribute = add(file, "post_transform");
	attribute->has_s = true;
	attribute->s = bytes_of("NONE");
}

static void binary(struct file *file)
{
	start(file);
	add_nodes(file);
	add_ints(file, "class_treeids", leaf_trees, 4);
	add_ints(file, "class_nodeids", leaf_nodes, 4);
	add_ints(file, "class_ids", leaf_classes, 4);
	add_floats(file, "class_weights", leaf_weights, 4);
	add_ints(file, "classlabels_int64s", int_labels, 2);
}

static struct mlops_model *read_file(struct file *file, struct mlops_error *error)
{
	size_t n = onnx__model_proto__get_packed_size(&file->model);
	uint8_t *bytes = malloc(n);
	struct mlops_model *model;

	assert_non_null(bytes);
	onnx__model_proto__pack(&file->model, bytes);
	*error = (struct mlops_error)MLOPS_ERROR_INIT;
	model = mlops_onnx_read(bytes, n, "other.onnx", error);
	free(bytes);
	return model;
}

static struct mlops_model *reads(struct file *file)
{
	struct mlops_error error;
	struct mlops_model *model = read_file(file, &error);

	if (model == NULL)
		fail_msg("%s", error.message);
	assert_int_equal(model->kind, MLOPS_FAILURE_PREDICTION);
	assert_null(model->features);
	assert_true(model->probability_scale == 1);
	assert_false(model->trees.exact_sums);
	return model;
}

static void fails(struct file *file, const char *message)
{
	struct mlops_error error;

	assert_null(read_file(file, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.source, "other.onnx");
	assert_string_equal(error.message, message);
}

static float second(const struct mlops_model *model, float x0, float x1)
{
	const float *columns[] = { &x0, &x1 };
	struct mlops_matrix matrix = { .columns = columns, .n_columns = 2, .n_rows = 1 };
	float sums[4], probabilities[4];

	assert_true(mlops_trees_sum(&model->trees, &matrix, NULL, sums, NULL));
	mlops_model_probabilities(model, sums, probabilities);
	return probabilities[1];
}

static void gives_right_probabilities(const struct mlops_model *model)
{
	assert_int_equal(model->trees.n_outputs, 1);
	assert_int_equal(model->trees.n_features, 2);
	assert_true(second(model, 0.5f, FLT_MAX) == 0.25f);
	assert_true(second(model, nextafterf(0.5f, 1), 0) == 0.5f);
	assert_true(second(model, NAN, 0) == 0.5f);
	assert_true(second(model, 0, NAN) == 0.75f);
}

static void two_classes(void **state)
{
	struct file file;
	struct mlops_model *model;

	(void)state;
	binary(&file);
	model = reads(&file);
	gives_right_probabilities(model);
	assert_int_equal(model->n_classes, 2);
	assert_string_equal(model->classes[0], "0");
	assert_string_equal(model->classes[1], "1");
	mlops_model_free(model);

	/* a weight a class */
	start(&file);
	add_nodes(&file);
	add_ints(&file, "class_treeids", all_trees, 8);
	add_ints(&file, "class_nodeids", all_nodes, 8);
	add_ints(&file, "class_ids", all_classes, 8);
	add_floats(&file, "class_weights", all_weights, 8);
	file.labels[0] = bytes_of("no");
	file.labels[1] = bytes_of("");
	find(&file, "post_transform")->has_s = false;
	add(&file, "classlabels_strings")->n_strings = 2;
	find(&file, "classlabels_strings")->strings = file.labels;
	model = reads(&file);
	gives_right_probabilities(model);
	assert_string_equal(model->classes[0], "no");
	assert_string_equal(model->classes[1], "");
	mlops_model_free(model);
}

static void missing_left(void **state)
{
	static int64_t sides[] = { 1, 0, 0, 1, 0, 0 };
	struct file file;
	struct mlops_model *model;

	(void)state;
	binary(&file);
	add_ints(&file, "nodes_missing_value_tracks_true", sides, NODES);
	model = reads(&file);
	assert_true(second(model, NAN, 0) == 0.25f);
	assert_true(second(model, 9, NAN) == 0.5f);
	mlops_model_free(model);
}

static void less_than(void **state)
{
	struct file file;
	struct mlops_model *model;

	(void)state;
	binary(&file);
	file.modes[0] = bytes_of("BRANCH_LT");
	model = reads(&file);
	assert_true(second(model, nextafterf(0.5f, 0), 0) == 0.25f);
	assert_true(second(model, 0.5f, 0) == 0.5f);
	mlops_model_free(model);
}

/* Doubles: 0.1 is above the float32 before it, and below the one that is nearest. */
static void double_values(void **state)
{
	static double doubles[] = { 0.1, 0, 0, 1e300, 0, 0 };
	static int64_t dims[] = { NODES };
	Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
	struct file file;
	struct mlops_model *model;

	(void)state;
	binary(&file);
	file.tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
	find(&file, "nodes_values")->n_floats = 0;
	tensor.has_data_type = true;
	tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
	tensor.n_dims = 1;
	tensor.dims = dims;
	tensor.n_double_data = NODES;
	tensor.double_data = doubles;
	add(&file, "nodes_values_as_tensor")->t = &tensor;
	model = reads(&file);
	assert_true(second(model, nextafterf(0.1f, 0), 0) == 0.25f);
	assert_true(second(model, 0.1f, 0) == 0.5f);
	mlops_model_free(model);
}

static void base_values(void **state)
{
	static float base[] = { 0.125f, 0.0f };
	struct file file;
	struct mlops_model *model;

	(void)state;
	binary(&file);
	leaf_weights[3] = 0.375f;
	add_floats(&file, "base_values", base, 1);
	model = reads(&file);
	assert_true(second(model, 1, NAN) == 1.0f);
	assert_true(second(model, 0, 0) == 0.375f);
	mlops_model_free(model);
	leaf_weights[3] = 0.5f;
	fails(&file, "the weights of the leaves are no probabilities");
	leaf_weights[3] = 0.375f;
	find(&file, "base_values")->n_floats = 2;
	fails(&file, "attribute \"base_values\" has 2 entries, expected 1");
	leaf_weights[3] = 0.5f;
}

static void operators_after_it(void **state)
{
	static const char *const harmless[] = { "Identity", "ZipMap" };
	struct file file;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		binary(&file);
		file.graph.n_node = 2;
		file.nodes[1].op_type = (char *)(uintptr_t)harmless[i];
		mlops_model_free(reads(&file));
	}
	file.nodes[1].op_type = (char *)(uintptr_t) "Cast";
	fails(&file, "operator \"Cast\" is not a tree ensemble that this program can score");
	file.nodes[1].op_type = (char *)(uintptr_t) "Gemm";
	fails(&file, "operator \"Gemm\" is not a tree ensemble that this program can score");
	file.nodes[1].op_type = file.nodes[0].op_type;
	fails(&file, "the graph has more than one tree ensemble");
}

static void other_kinds(void **state)
{
	struct file file;

	(void)state;
	binary(&file);
	file.nodes[0].op_type = (char *)(uintptr_t) "LSTM";
	fails(&file, "operator \"LSTM\" is not a tree ensemble that this program can score");
	file.nodes[0].op_type = (char *)(uintptr_t) "TreeEnsembleRegressor";
	fails(&file, "operator \"TreeEnsembleRegressor\" is not a tree ensemble that this program can score");
	binary(&file);
	file.model.producer_name = (char *)(uintptr_t) "mlops";
	fails(&file, "damaged or cut short: metadata \"mlops.kind\" is missing");
	binary(&file);
	file.tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT8;
	fails(&file, "the graph's input is of type 3, expected float or double");
	binary(&file);
	find(&file, "post_transform")->s = bytes_of("LOGISTIC");
	fails(&file, "attribute \"post_transform\" is 'LOGISTIC', expected 'NONE'");
	binary(&file);
	file.modes[3] = bytes_of("BRANCH_EQ");
	fails(&file, "nodes of mode 'BRANCH_EQ' are not supported, expected BRANCH_LEQ or BRANCH_LT");
	binary(&file);
	add_ints(&file, "nodes_colours", yes, NODES);
	fails(&file, "attribute \"nodes_colours\" of the tree ensemble is unknown");
}

/* An entry of an attribute is wrong for the time of one reading. */
static void with(int64_t *entry, int64_t value, const char *message)
{
	int64_t right = *entry;
	struct file file;

	*entry = value;
	binary(&file);
	fails(&file, message);
	*entry = right;
}

static void broken_trees(void **state)
{
	struct file file;

	(void)state;
	with(&yes[0], 3, "attribute \"nodes_truenodeids\": entry 0 is 3, expected 0 to 2");
	with(&no[3], -1, "attribute \"nodes_falsenodeids\": entry 3 is -1, expected 0 to 2");
	with(&no[0], 0, "node 0 of the ensemble is reached twice");
	with(&no[0], 1, "node 1 of the ensemble is reached twice");
	with(&features[3], 2, "attribute \"nodes_featureids\": entry 3 is 2, expected 0 to 1");
	with(&tree_ids[3], 7, "attribute \"nodes_treeids\": entry 3 is 7, expected 1");
	with(&node_ids[5], 1, "attribute \"nodes_nodeids\": entry 5 is 1, expected 2");
	with(&leaf_trees[2], 2, "attribute \"class_treeids\": entry 2 is 2, expected 0 to 1");
	with(&leaf_nodes[2], 3, "attribute \"class_nodeids\": entry 2 is 3, expected 0 to 2");
	with(&leaf_nodes[2], 0, "attribute \"class_weights\": entry 2 is for a node that is no leaf");
	with(&leaf_classes[1], 2, "attribute \"class_ids\": entry 1 is 2, expected 0 to 1");
	binary(&file);
	find(&file, "nodes_values")->n_floats = 5;
	fails(&file, "attribute \"nodes_values\" has 5 entries, expected 6");
	binary(&file);
	file.modes[0] = bytes_of("LEAF");
	fails(&file, "2 nodes of the ensemble belong to no tree");
	binary(&file);
	find(&file, "classlabels_int64s")->n_ints = 1;
	fails(&file, "the tree ensemble has 1 class labels, expected 2 to 255");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_classes), cmocka_unit_test(missing_left),
		cmocka_unit_test(less_than),   cmocka_unit_test(double_values),
		cmocka_unit_test(base_values), cmocka_unit_test(operators_after_it),
		cmocka_unit_test(other_kinds), cmocka_unit_test(broken_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
