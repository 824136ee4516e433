/*
 * A forest as attributes of an ensemble operator.
 *
 * Trees are written breadth-first, whatever their order in memory, so that a model that has been read is
 * written again with the same bytes.  Integers go out packed: onnx.proto declares them unpacked (proto2),
 * every protobuf parser must take both, and packed ones are smaller and much faster to read.  protobuf-c
 * would follow the declaration, so such an attribute is handed over as a field that it does not know.
 */
#include "model/onnx_graph.h"

#include <stdlib.h>
#include <string.h>

#define FIELD_FLOATS 7 /* of AttributeProto */
#define FIELD_INTS   8

#define VARINT_MOST 10

/* A packed field while it grows, with room before it for its length. */
struct column {
	uint8_t *memory;
	uint8_t *start, *end;
};

static size_t varint_size(uint64_t value)
{
	size_t size = 1;
	while (value >= 0x80) {
		value >>= 7;
		size++;
	}
	return size;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put_float(uint8_t *at, float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	for (unsigned shift = 0; shift < 32; shift += 8)
		*at++ = (uint8_t)(bits >> shift);
	return at;
}

static bool column_new(struct mlops_onnx_scratch *scratch, struct column *column, size_t n, size_t width)
{
	column->memory = mlops_onnx_scratch_take(scratch, n + VARINT_MOST, width);
	if (column->memory == NULL)
		return false;
	column->start = column->end = column->memory + VARINT_MOST;
	return true;
}

static void column_int(struct column *column, size_t value)
{
	column->end = put_varint(column->end, value);
}

static void column_float(struct column *column, float value)
{
	column->end = put_float(column->end, value);
}

/* The attributes of one node, in the order in which they are added. */
struct attributes {
	struct mlops_onnx_scratch *scratch;
	Onnx__NodeProto *node;
};

static Onnx__AttributeProto *add(struct attributes *to, const char *name,
				 Onnx__AttributeProto__AttributeType type)
{
	Onnx__AttributeProto *attribute = mlops_onnx_scratch_take(to->scratch, 1, sizeof(*attribute));
	if (attribute == NULL)
		return NULL;
	onnx__attribute_proto__init(attribute);
	attribute->name = mlops_onnx_text(name);
	attribute->has_type = true;
	attribute->type = type;
	to->node->attribute[to->node->n_attribute++] = attribute;
	return attribute;
}

static void add_int(struct attributes *to, const char *name, int64_t value)
{
	Onnx__AttributeProto *attribute = add(to, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
	if (attribute == NULL)
		return;
	attribute->has_i = true;
	attribute->i = value;
}

static void add_string(struct attributes *to, const char *name, const char *value)
{
	Onnx__AttributeProto *attribute = add(to, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
	if (attribute == NULL)
		return;
	attribute->has_s = true;
	attribute->s = (ProtobufCBinaryData){ strlen(value), (uint8_t *)mlops_onnx_text(value) };
}

static void add_packed(struct attributes *to, const char *name, bool floats, const struct column *column)
{
	Onnx__AttributeProto *attribute = add(to, name,
					      floats ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS
						     : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
	ProtobufCMessageUnknownField *field = mlops_onnx_scratch_take(to->scratch, 1, sizeof(*field));
	if (attribute == NULL || field == NULL)
		return;
	size_t length = (size_t)(column->end - column->start);
	field->tag = floats ? FIELD_FLOATS : FIELD_INTS;
	field->wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	field->data = column->start - varint_size(length);
	field->len = varint_size(length) + length;
	put_varint(field->data, length);
	attribute->base.n_unknown_fields = 1;
	attribute->base.unknown_fields = field;
}

static void add_tensor(struct attributes *to, const char *name, int32_t type, size_t n,
		       const struct column *column)
{
	Onnx__AttributeProto *attribute = add(to, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);
	Onnx__TensorProto *tensor = mlops_onnx_scratch_take(to->scratch, 1, sizeof(*tensor));
	int64_t *dims = mlops_onnx_scratch_take(to->scratch, 1, sizeof(*dims));
	if (attribute == NULL || tensor == NULL || dims == NULL)
		return;
	onnx__tensor_proto__init(tensor);
	dims[0] = (int64_t)n;
	tensor->n_dims = 1;
	tensor->dims = dims;
	tensor->has_data_type = true;
	tensor->data_type = type;
	tensor->has_raw_data = true;
	tensor->raw_data = (ProtobufCBinaryData){ (size_t)(column->end - column->start), column->start };
	attribute->t = tensor;
}

/* One tree breadth-first. */
struct walk {
	const struct mlops_node *nodes; /* the tree's own */
	size_t n;
	uint32_t *order; /* [n] the i-th node is nodes[order[i]] */
	size_t *number;	 /* [n] by node: the writer's number for it */
};

static bool is_leaf(const struct mlops_trees *trees, const struct mlops_node *node)
{
	return mlops_node_left(trees, node) == 0;
}

/* mlops_trees_check has been passed, so this reaches each node once. */
static void walk_tree(const struct mlops_trees *trees, size_t tree, struct walk *walk)
{
	walk->nodes = trees->nodes + trees->tree_start[tree];
	walk->n = trees->tree_start[tree + 1] - trees->tree_start[tree];
	size_t end = 0;
	walk->order[end++] = 0;
	for (size_t i = 0; i < end; i++) {
		uint32_t left = mlops_node_left(trees, &walk->nodes[walk->order[i]]);
		if (left != 0) {
			walk->order[end++] = left;
			walk->order[end++] = left + 1;
		}
	}
}

static bool walk_new(const struct mlops_trees *trees, struct mlops_onnx_scratch *scratch, struct walk *walk)
{
	size_t largest = 1;
	for (size_t t = 0; t < trees->n_trees; t++) {
		size_t n = trees->tree_start[t + 1] - trees->tree_start[t];
		if (n > largest)
			largest = n;
	}
	walk->order = mlops_onnx_scratch_take(scratch, largest, sizeof(*walk->order));
	walk->number = mlops_onnx_scratch_take(scratch, largest, sizeof(*walk->number));
	return !scratch->failed;
}

/* The leaves that differ, numbered as they come: most forests have few. */
struct leaf_table {
	uint64_t *leaves; /* [n] output << 32 | the weight's bits */
	size_t n;
	uint32_t *slots; /* [mask + 1] number + 1, or 0 */
	size_t mask;
};

static bool leaf_table_new(struct mlops_onnx_scratch *scratch, struct leaf_table *table, size_t most)
{
	table->n = 0;
	table->mask = 63;
	while (table->mask / 2 < most)
		table->mask = table->mask * 2 + 1;
	table->leaves = mlops_onnx_scratch_take(scratch, most, sizeof(*table->leaves));
	table->slots = mlops_onnx_scratch_take(scratch, table->mask + 1, sizeof(*table->slots));
	return !scratch->failed;
}

static size_t leaf_number(struct leaf_table *table, uint64_t output, float weight)
{
	uint32_t bits;
	memcpy(&bits, &weight, sizeof(bits));
	uint64_t leaf = output << 32 | bits;
	size_t slot = (size_t)(leaf * UINT64_C(0x9e3779b97f4a7c15) >> 32) & table->mask;
	while (table->slots[slot] != 0 && table->leaves[table->slots[slot] - 1] != leaf)
		slot = (slot + 1) & table->mask;
	if (table->slots[slot] == 0) {
		table->leaves[table->n++] = leaf;
		table->slots[slot] = (uint32_t)table->n;
	}
	return table->slots[slot] - 1;
}

/* Of a leaf with one weight that is not 0, or none. */
static size_t number_of_leaf(const struct mlops_trees *trees, struct leaf_table *table,
			     const struct mlops_node *node)
{
	const float *values = trees->leaf_values + node->leaf * trees->n_outputs;
	size_t output = 0;
	while (output + 1 < trees->n_outputs && values[output] == 0)
		output++;
	if (values[output] == 0 && trees->n_outputs > 1)
		output = 0;
	return leaf_number(table, output, values[output]);
}

/* TreeEnsemble-5: inner nodes and leaves are numbered apart, and nodes with the same leaf share it.  A tree
 * that is a leaf becomes an inner node with that leaf on both sides. */
static bool write_v5(const struct mlops_trees *trees, struct mlops_onnx_scratch *scratch,
		     struct attributes *to)
{
	size_t n_inner = 0, n_leaves = 0;
	for (size_t t = 0; t < trees->n_trees; t++) {
		size_t n = trees->tree_start[t + 1] - trees->tree_start[t];
		n_leaves += n / 2 + 1; /* a binary tree has one leaf more than inner nodes */
		n_inner += n > 1 ? n / 2 : 1;
	}
	struct leaf_table table;
	size_t id = varint_size(n_leaves), feature_width = varint_size(trees->n_features);
	struct walk walk;
	struct column features, yes, no, yes_leaf, no_leaf, missing, modes, splits, targets, weights, roots;
	if (!walk_new(trees, scratch, &walk) || !leaf_table_new(scratch, &table, n_leaves) ||
	    !column_new(scratch, &features, n_inner, feature_width) ||
	    !column_new(scratch, &yes, n_inner, id) || !column_new(scratch, &no, n_inner, id) ||
	    !column_new(scratch, &yes_leaf, n_inner, 1) || !column_new(scratch, &no_leaf, n_inner, 1) ||
	    !column_new(scratch, &missing, n_inner, 1) || !column_new(scratch, &modes, n_inner, 1) ||
	    !column_new(scratch, &splits, n_inner, sizeof(float)) ||
	    !column_new(scratch, &targets, n_leaves, varint_size(trees->n_outputs)) ||
	    !column_new(scratch, &weights, n_leaves, sizeof(float)) ||
	    !column_new(scratch, &roots, trees->n_trees, id))
		return false;

	size_t inner = 0;
	for (size_t t = 0; t < trees->n_trees; t++) {
		walk_tree(trees, t, &walk);
		column_int(&roots, inner);
		size_t next_inner = inner;
		for (size_t i = 0; i < walk.n; i++) {
			const struct mlops_node *node = &walk.nodes[walk.order[i]];
			walk.number[walk.order[i]] =
				is_leaf(trees, node) ? number_of_leaf(trees, &table, node) : next_inner++;
		}
		for (size_t i = 0; i < walk.n; i++) {
			const struct mlops_node *node = &walk.nodes[walk.order[i]];
			uint32_t left = mlops_node_left(trees, node);
			if (left == 0) {
				if (walk.n > 1)
					continue;
				next_inner++;
			}
			/* of a lone leaf, left is 0 too: itself on both sides */
			uint32_t right = left != 0 ? left + 1 : 0;
			column_int(&features, left != 0 ? mlops_node_feature(trees, node) : 0);
			column_float(&splits, left != 0 ? node->threshold : 0.0f);
			column_int(&missing, left != 0 && mlops_node_missing_left(node));
			column_int(&modes, 0);
			column_int(&yes, walk.number[left]);
			column_int(&no, walk.number[right]);
			column_int(&yes_leaf, is_leaf(trees, &walk.nodes[left]));
			column_int(&no_leaf, is_leaf(trees, &walk.nodes[right]));
		}
		inner = next_inner;
	}
	for (size_t i = 0; i < table.n; i++) {
		uint32_t bits = (uint32_t)table.leaves[i];
		float weight;
		memcpy(&weight, &bits, sizeof(weight));
		column_int(&targets, table.leaves[i] >> 32);
		column_float(&weights, weight);
	}

	add_int(to, "aggregate_function", 1);
	add_packed(to, "leaf_targetids", false, &targets);
	add_tensor(to, "leaf_weights", MLOPS_ONNX_FLOAT, table.n, &weights);
	add_int(to, "n_targets", (int64_t)trees->n_outputs);
	add_packed(to, "nodes_falseleafs", false, &no_leaf);
	add_packed(to, "nodes_falsenodeids", false, &no);
	add_packed(to, "nodes_featureids", false, &features);
	add_packed(to, "nodes_missing_value_tracks_true", false, &missing);
	add_tensor(to, "nodes_modes", MLOPS_ONNX_UINT8, n_inner, &modes);
	add_tensor(to, "nodes_splits", MLOPS_ONNX_FLOAT, n_inner, &splits);
	add_packed(to, "nodes_trueleafs", false, &yes_leaf);
	add_packed(to, "nodes_truenodeids", false, &yes);
	add_int(to, "post_transform", 0);
	add_packed(to, "tree_roots", false, &roots);
	return !scratch->failed;
}

static void add_modes(struct attributes *to, const struct mlops_trees *trees, struct walk *walk)
{
	Onnx__AttributeProto *attribute =
		add(to, "nodes_modes", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS);
	ProtobufCBinaryData *modes = mlops_onnx_scratch_take(to->scratch, trees->n_nodes, sizeof(*modes));
	if (attribute == NULL || modes == NULL)
		return;
	attribute->strings = modes;
	for (size_t t = 0; t < trees->n_trees; t++) {
		walk_tree(trees, t, walk);
		for (size_t i = 0; i < walk->n; i++) {
			const char *mode =
				is_leaf(trees, &walk->nodes[walk->order[i]]) ? "LEAF" : "BRANCH_LEQ";
			modes[attribute->n_strings++] =
				(ProtobufCBinaryData){ strlen(mode), (uint8_t *)mlops_onnx_text(mode) };
		}
	}
}

/* TreeEnsembleRegressor-3: nodes and leaves of a tree count from 0.  Weights of 0 are left out, but no leaf
 * is without one. */
static bool write_v3(const struct mlops_trees *trees, struct mlops_onnx_scratch *scratch,
		     struct attributes *to)
{
	size_t n_weights = 0, n_outputs = trees->n_outputs;
	for (size_t i = 0; i < trees->n_nodes; i++) {
		if (!is_leaf(trees, &trees->nodes[i]))
			continue;
		const float *values = trees->leaf_values + trees->nodes[i].leaf * n_outputs;
		size_t kept = 0;
		for (size_t k = 0; k < n_outputs; k++)
			kept += values[k] != 0;
		n_weights += kept > 0 ? kept : 1;
	}
	size_t id = varint_size(trees->n_nodes), n = trees->n_nodes;
	size_t tree_width = varint_size(trees->n_trees), output_width = varint_size(n_outputs);
	struct walk walk;
	struct column tree_ids, ids, features, values, yes, no, missing, leaf_tree_ids, leaf_ids, targets,
		weights;
	if (!walk_new(trees, scratch, &walk) || !column_new(scratch, &tree_ids, n, tree_width) ||
	    !column_new(scratch, &ids, n, id) ||
	    !column_new(scratch, &features, n, varint_size(trees->n_features)) ||
	    !column_new(scratch, &values, n, sizeof(float)) || !column_new(scratch, &yes, n, id) ||
	    !column_new(scratch, &no, n, id) || !column_new(scratch, &missing, n, 1) ||
	    !column_new(scratch, &leaf_tree_ids, n_weights, tree_width) ||
	    !column_new(scratch, &leaf_ids, n_weights, id) ||
	    !column_new(scratch, &targets, n_weights, output_width) ||
	    !column_new(scratch, &weights, n_weights, sizeof(float)))
		return false;

	for (size_t t = 0; t < trees->n_trees; t++) {
		walk_tree(trees, t, &walk);
		for (size_t i = 0; i < walk.n; i++)
			walk.number[walk.order[i]] = i;
		for (size_t i = 0; i < walk.n; i++) {
			const struct mlops_node *node = &walk.nodes[walk.order[i]];
			uint32_t left = mlops_node_left(trees, node);
			column_int(&tree_ids, t);
			column_int(&ids, i);
			column_int(&features, left != 0 ? mlops_node_feature(trees, node) : 0);
			column_float(&values, left != 0 ? node->threshold : 0.0f);
			column_int(&yes, left != 0 ? walk.number[left] : 0);
			column_int(&no, left != 0 ? walk.number[left + 1] : 0);
			column_int(&missing, left != 0 && mlops_node_missing_left(node));
			if (left != 0)
				continue;
			const float *leaf = trees->leaf_values + node->leaf * n_outputs;
			bool any = false;
			for (size_t k = 0; k < n_outputs; k++) {
				if (leaf[k] == 0 && (any || k + 1 < n_outputs))
					continue;
				any = true;
				column_int(&leaf_tree_ids, t);
				column_int(&leaf_ids, i);
				column_int(&targets, k);
				column_float(&weights, leaf[k]);
			}
		}
	}

	add_string(to, "aggregate_function", "SUM");
	add_int(to, "n_targets", (int64_t)n_outputs);
	add_packed(to, "nodes_falsenodeids", false, &no);
	add_packed(to, "nodes_featureids", false, &features);
	add_packed(to, "nodes_missing_value_tracks_true", false, &missing);
	add_modes(to, trees, &walk);
	add_packed(to, "nodes_nodeids", false, &ids);
	add_packed(to, "nodes_treeids", false, &tree_ids);
	add_packed(to, "nodes_truenodeids", false, &yes);
	add_packed(to, "nodes_values", true, &values);
	add_string(to, "post_transform", "NONE");
	add_packed(to, "target_ids", false, &targets);
	add_packed(to, "target_nodeids", false, &leaf_ids);
	add_packed(to, "target_treeids", false, &leaf_tree_ids);
	add_packed(to, "target_weights", true, &weights);
	return !scratch->failed;
}

bool mlops_onnx_trees_are_mixed(const struct mlops_trees *trees)
{
	for (size_t i = 0; trees->n_outputs > 1 && i < trees->n_leaves; i++) {
		size_t kept = 0;
		for (size_t k = 0; k < trees->n_outputs; k++)
			kept += trees->leaf_values[i * trees->n_outputs + k] != 0;
		if (kept > 1)
			return true;
	}
	return false;
}

bool mlops_onnx_trees_write(const struct mlops_trees *trees, struct mlops_onnx_scratch *scratch,
			    Onnx__NodeProto *node, struct mlops_error *error)
{
	struct attributes to = { scratch, node };
	node->attribute = mlops_onnx_scratch_take(scratch, 16, sizeof(*node->attribute));
	if (node->attribute == NULL)
		return mlops_error_set_memory(error);
	bool done = mlops_onnx_trees_are_mixed(trees) ? write_v3(trees, scratch, &to)
						      : write_v5(trees, scratch, &to);
	return done ? true : mlops_error_set_memory(error);
}
