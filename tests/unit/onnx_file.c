/* A model that is written and read is the same model, and written again it is the same file. */
#include "tests/unit/onnx_sample.h"

#include "model/onnx.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROWS 300

static void write_model(const struct mlops_model *model, struct mlops_buffer *out)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (!mlops_onnx_write(model, out, &error))
		fail_msg("%s", error.message);
}

static struct mlops_model *read_model(const struct mlops_buffer *file)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_model *model = mlops_onnx_read(file->data, file->length, "model.onnx", &error);

	if (model == NULL)
		fail_msg("%s: %s", error.source, error.message);
	return model;
}

static void sum_row(const struct mlops_model *model, const float *values, float *sums)
{
	const float *columns[ONNX_SAMPLE_FEATURES] = { values, values + 1, values + 2, values + 3 };
	struct mlops_matrix matrix = { .columns = columns, .n_columns = ONNX_SAMPLE_FEATURES, .n_rows = 1 };

	assert_true(mlops_trees_sum(&model->trees, &matrix, NULL, sums, NULL));
}

static void same_sums(const struct mlops_model *a, const struct mlops_model *b)
{
	float values[ONNX_SAMPLE_FEATURES], of_a[4], of_b[4];

	for (uint32_t row = 0; row < ROWS; row++) {
		onnx_sample_row(a, row, values);
		sum_row(a, values, of_a);
		sum_row(b, values, of_b);
		assert_memory_equal(of_a, of_b, a->trees.n_outputs * sizeof(float));
	}
}

static void same_names(const struct mlops_model *a, const struct mlops_model *b)
{
	assert_int_equal(a->trees.n_features, b->trees.n_features);
	for (size_t f = 0; f < a->trees.n_features; f++) {
		assert_string_equal(a->features[f].name, b->features[f].name);
		assert_int_equal(a->features[f].n_categories, b->features[f].n_categories);
		for (size_t c = 0; c < a->features[f].n_categories; c++)
			assert_string_equal(a->features[f].categories[c], b->features[f].categories[c]);
	}
	assert_int_equal(a->n_classes, b->n_classes);
	for (size_t k = 0; k < a->n_classes; k++)
		assert_string_equal(a->classes[k], b->classes[k]);
	assert_int_equal(a->metadata.n, b->metadata.n);
	for (size_t i = 0; i < a->metadata.n; i++) {
		assert_string_equal(a->metadata.keys[i], b->metadata.keys[i]);
		assert_string_equal(a->metadata.values[i], b->metadata.values[i]);
	}
}

/* Each leaf keeps one of its values. */
static void unmix(struct mlops_trees *trees)
{
	for (size_t i = 0; i < trees->n_leaves; i++)
		for (size_t k = 0; k < trees->n_outputs; k++)
			if (k != i % trees->n_outputs)
				trees->leaf_values[i * trees->n_outputs + k] = 0;
}

static void there_and_back(size_t n_classes, size_t n_trees, unsigned depth, bool mixed)
{
	struct mlops_model *model = onnx_sample_new(n_classes, n_trees, depth, 3), *again;
	struct mlops_buffer first = MLOPS_BUFFER_INIT, second = MLOPS_BUFFER_INIT;

	assert_non_null(model);
	if (!mixed)
		unmix(&model->trees);
	write_model(model, &first);
	again = read_model(&first);
	write_model(again, &second);
	assert_int_equal(first.length, second.length);
	assert_memory_equal(first.data, second.data, first.length);
	assert_int_equal(again->kind, model->kind);
	assert_true(again->trees.exact_sums);
	assert_int_equal(again->trees.n_nodes, model->trees.n_nodes);
	assert_true(again->trees.n_leaves <= model->trees.n_leaves); /* equal leaves become one */
	if (n_classes == 0) {
		assert_true(again->score_exponent == model->score_exponent);
		assert_true(again->score_mean == model->score_mean);
		assert_true(again->score_deviation == model->score_deviation);
		assert_true(again->threshold_sum == model->threshold_sum);
	} else {
		assert_true(again->probability_scale == model->probability_scale);
	}
	same_names(model, again);
	same_sums(model, again);
	mlops_buffer_release(&first);
	mlops_buffer_release(&second);
	mlops_model_free(again);
	mlops_model_free(model);
}

static void each_kind(void **state)
{
	(void)state;
	there_and_back(0, 20, 7, true);
	there_and_back(2, 20, 7, true);
	there_and_back(3, 20, 7, true);
	there_and_back(4, 20, 7, true);
	there_and_back(3, 20, 7, false);
	there_and_back(4, 20, 7, false);
}

static void only_leaves(void **state)
{
	(void)state;
	there_and_back(0, 1, 0, true);
	there_and_back(2, 1, 0, true);
	there_and_back(3, 1, 0, true);
	there_and_back(3, 1, 0, false);
	there_and_back(2, 3, 0, true);
}

/* Rows of leaf values in any order: the file has them in the order of their nodes. */
static void order_of_leaves(void **state)
{
	struct mlops_node nodes[] = {
		{ .threshold = 1.0f, .word = 1u << 3 },
		{ .threshold = -2.0f, .word = 3u << 3 | 1u << 1 | 1 },
		{ .leaf = 2 },
		{ .leaf = 1 },
		{ .leaf = 0 },
	};
	uint32_t tree_start[] = { 0, 5 };
	float leaf_values[] = { 0.75f, 0.0f, 0.25f };
	struct mlops_model *model = onnx_sample_new(2, 1, 0, 1), *again;
	struct mlops_trees sample = model->trees;
	struct mlops_buffer file = MLOPS_BUFFER_INIT;

	(void)state;
	assert_int_equal(sample.feature_bits, 3);
	model->trees.nodes = nodes;
	model->trees.tree_start = tree_start;
	model->trees.n_nodes = 5;
	model->trees.leaf_values = leaf_values;
	model->trees.n_leaves = 3;
	write_model(model, &file);
	again = read_model(&file);
	same_sums(model, again);
	assert_true(again->trees.leaf_values[0] == 0.25f);
	assert_true(again->trees.leaf_values[1] == 0.0f);
	assert_true(again->trees.leaf_values[2] == 0.75f);
	mlops_buffer_release(&file);
	mlops_model_free(again);
	model->trees = sample;
	mlops_model_free(model);
}

static Onnx__AttributeProto *attribute_of(Onnx__ModelProto *file, const char *name)
{
	Onnx__NodeProto *node = file->graph->node[0];

	for (size_t i = 0; i < node->n_attribute; i++)
		if (strcmp(node->attribute[i]->name, name) == 0)
			return node->attribute[i];
	fail_msg("no attribute %s", name);
	return NULL;
}

/* Puts the first n integers of an attribute behind the others, in another encoding. */
static void scatter(Onnx__AttributeProto *attribute, size_t n, ProtobufCMessageUnknownField *field,
		    uint8_t *memory)
{
	*field = (ProtobufCMessageUnknownField){
		.tag = 8, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, .len = n + 1, .data = memory
	};
	memory[0] = (uint8_t)n;
	for (size_t i = 0; i < n; i++) {
		assert_true(attribute->ints[attribute->n_ints - n + i] < 0x80);
		memory[1 + i] = (uint8_t)attribute->ints[attribute->n_ints - n + i];
	}
	attribute->n_ints -= n;
	attribute->base.n_unknown_fields = 1;
	attribute->base.unknown_fields = field;
}

static void replace_raw(Onnx__ModelProto *file, const char *name, const void *bytes, size_t n, size_t width)
{
	Onnx__TensorProto *tensor = attribute_of(file, name)->t;

	free(tensor->raw_data.data);
	tensor->raw_data = (ProtobufCBinaryData){ n * width, malloc(n * width) };
	assert_non_null(tensor->raw_data.data);
	memcpy(tensor->raw_data.data, bytes, n * width);
	tensor->dims[0] = (int64_t)n;
}

static void same_trees(const struct mlops_trees *a, const struct mlops_trees *b)
{
	assert_int_equal(a->n_nodes, b->n_nodes);
	assert_memory_equal(a->nodes, b->nodes, a->n_nodes * sizeof *a->nodes);
	assert_memory_equal(a->tree_start, b->tree_start, (a->n_trees + 1) * sizeof *a->tree_start);
	assert_int_equal(a->n_leaves, b->n_leaves);
	assert_memory_equal(a->leaf_values, b->leaf_values, a->n_leaves * a->n_outputs * sizeof(float));
}

/* The same numbers one by one, as protobuf-c writes them, and in two pieces. */
static void other_encodings(void **state)
{
	(void)state;
	for (size_t n_classes = 2; n_classes < 4; n_classes++) {
		struct mlops_model *model = onnx_sample_new(n_classes, 5, 7, 3), *own, *other;
		struct mlops_buffer file = MLOPS_BUFFER_INIT, repacked = MLOPS_BUFFER_INIT;
		ProtobufCMessageUnknownField field;
		uint8_t memory[128];
		Onnx__ModelProto *onnx;

		write_model(model, &file);
		own = read_model(&file);
		for (int way = 0; way < 2; way++) {
			onnx = onnx__model_proto__unpack(NULL, file.length, (const uint8_t *)file.data);
			assert_non_null(onnx);
			if (way == 1)
				scatter(attribute_of(onnx, "nodes_featureids"), 100, &field, memory);
			mlops_buffer_clear(&repacked);
			assert_non_null(mlops_buffer_reserve(&repacked, file.length * 2));
			repacked.length = onnx__model_proto__pack(onnx, (uint8_t *)repacked.data);
			assert_true(repacked.length > file.length && repacked.length <= file.length * 2);
			other = read_model(&repacked);
			same_trees(&own->trees, &other->trees);
			mlops_model_free(other);
			attribute_of(onnx, "nodes_featureids")->base.n_unknown_fields = 0;
			attribute_of(onnx, "nodes_featureids")->base.unknown_fields = NULL;
			onnx__model_proto__free_unpacked(onnx, NULL);
		}
		mlops_buffer_release(&file);
		mlops_buffer_release(&repacked);
		mlops_model_free(own);
		mlops_model_free(model);
	}
}

/* Inner nodes in another order than the writer's, a tree behind the one that comes after it, and a leaf that
 * two nodes share: the same trees. */
static void another_order(void **state)
{
	/* x0 <= 1 ? (x1 <= 2 ? a : b) : (x1 <= 3 ? b : a), and x0 <= 4 ? a : b */
	static int64_t features[] = { 0, 1, 0, 1 }, yes[] = { 0, 0, 1, 1 }, no[] = { 1, 1, 3, 0 },
		       yes_leaf[] = { 1, 1, 0, 1 }, no_leaf[] = { 1, 1, 0, 1 }, missing[] = { 0, 1, 0, 0 },
		       roots[] = { 2, 0 }, targets[] = { 0, 0 };
	static const float splits[] = { 4, 2, 1, 3 }, weights[] = { 0.25f, 0.5f };
	static const uint8_t modes[4];
	struct mlops_model *model = onnx_sample_new(2, 2, 1, 1), *again;
	struct mlops_buffer file = MLOPS_BUFFER_INIT, changed = MLOPS_BUFFER_INIT;
	Onnx__ModelProto *onnx;
	const struct {
		const char *name;
		int64_t *values;
		size_t n;
	} ints[] = {
		{ "nodes_featureids", features, 4 }, { "nodes_truenodeids", yes, 4 },
		{ "nodes_falsenodeids", no, 4 },     { "nodes_trueleafs", yes_leaf, 4 },
		{ "nodes_falseleafs", no_leaf, 4 },  { "nodes_missing_value_tracks_true", missing, 4 },
		{ "tree_roots", roots, 2 },	     { "leaf_targetids", targets, 2 },
	};
	float values[ONNX_SAMPLE_FEATURES] = { 1, 3, 0, 0 }, sum;

	(void)state;
	write_model(model, &file);
	onnx = onnx__model_proto__unpack(NULL, file.length, (const uint8_t *)file.data);
	assert_non_null(onnx);
	assert_string_equal(onnx->graph->node[0]->op_type, "TreeEnsemble");
	for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
		Onnx__AttributeProto *attribute = attribute_of(onnx, ints[i].name);

		free(attribute->ints);
		attribute->n_ints = ints[i].n;
		attribute->ints = calloc(ints[i].n, sizeof(int64_t));
		assert_non_null(attribute->ints);
		memcpy(attribute->ints, ints[i].values, ints[i].n * sizeof(int64_t));
	}
	replace_raw(onnx, "nodes_splits", splits, 4, sizeof *splits);
	replace_raw(onnx, "nodes_modes", modes, 4, 1);
	replace_raw(onnx, "leaf_weights", weights, 2, sizeof *weights);
	assert_non_null(mlops_buffer_reserve(&changed, onnx__model_proto__get_packed_size(onnx)));
	changed.length = onnx__model_proto__pack(onnx, (uint8_t *)changed.data);
	onnx__model_proto__free_unpacked(onnx, NULL);
	again = read_model(&changed);
	assert_int_equal(again->trees.n_nodes, 10);
	assert_int_equal(again->trees.tree_start[1], 7);
	assert_int_equal(again->trees.n_leaves, 2);
	sum_row(again, values, &sum);
	assert_true(sum == 0.5f + 0.25f);
	values[0] = 5;
	sum_row(again, values, &sum);
	assert_true(sum == 0.5f + 0.5f);
	values[1] = 9;
	sum_row(again, values, &sum);
	assert_true(sum == 0.25f + 0.5f);
	mlops_model_free(again);
	mlops_model_free(model);
	mlops_buffer_release(&file);
	mlops_buffer_release(&changed);
}

/* What other programs and the design rely on: names, order, no clock, no path. */
static void what_is_in_it(void **state)
{
	static const char *const keys[] = { "mlops.features", "mlops.classes", "mlops.settings", "mlops.seed",
					    "mlops.kind" };
	struct mlops_model *model = onnx_sample_new(3, 2, 2, 1);
	struct mlops_buffer file = MLOPS_BUFFER_INIT;
	Onnx__ModelProto *onnx;

	(void)state;
	write_model(model, &file);
	onnx = onnx__model_proto__unpack(NULL, file.length, (const uint8_t *)file.data);
	assert_non_null(onnx);
	assert_string_equal(onnx->producer_name, "mlops");
	assert_null(onnx->doc_string);
	assert_int_equal(onnx->n_metadata_props, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(onnx->metadata_props[i]->key, keys[i]);
	assert_string_equal(onnx->metadata_props[4]->value, "failure_prediction");
	assert_string_equal(
		onnx->metadata_props[0]->value,
		"[{\"name\":\"temp\"},{\"name\":\"pressure \\\"bar\\\"\"},"
		"{\"name\":\"Type\",\"categories\":[\"H\",\"L\",\"M, \\\"m\\\"\"]},{\"name\":\"d\xc3\xa9"
		"bit\"}]");
	assert_string_equal(onnx->metadata_props[1]->value, "[\"ok\",\"worn\",\"br\xc3\xb6"
							    "ken\"]");
	assert_int_equal(onnx->graph->n_node, 4);
	assert_string_equal(onnx->graph->node[0]->op_type, "TreeEnsembleRegressor");
	assert_string_equal(onnx->graph->node[3]->op_type, "Gather");
	assert_string_equal(onnx->graph->output[0]->name, "probabilities");
	assert_string_equal(onnx->graph->output[1]->name, "label");
	onnx__model_proto__free_unpacked(onnx, NULL);
	mlops_buffer_release(&file);
	mlops_model_free(model);
}

static void refused_on_writing(void **state)
{
	struct mlops_model *model = onnx_sample_new(2, 2, 2, 1);
	struct mlops_buffer file = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	model->classes[1][0] = '\xff';
	assert_false(mlops_onnx_write(model, &file, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, "class '?orn' is not UTF-8, which a model file needs");
	model->classes[1][0] = 'w';
	assert_true(mlops_metadata_set(&model->metadata, "kind", "x", NULL));
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_onnx_write(model, &file, &error));
	assert_int_equal(error.code, MLOPS_BUG);
	assert_string_equal(error.message, "metadata key \"kind\" is taken");
	assert_int_equal(file.length, 0);
	mlops_buffer_release(&file);
	mlops_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),	      cmocka_unit_test(only_leaves),
		cmocka_unit_test(order_of_leaves),    cmocka_unit_test(other_encodings),
		cmocka_unit_test(another_order),      cmocka_unit_test(what_is_in_it),
		cmocka_unit_test(refused_on_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
