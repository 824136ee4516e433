/* Careful access to attributes and tensors: whatever the file leaves out or gets wrong has a defined answer
 * here. */
#include "model/onnx_graph.h"

#include "base/text.h"

#include <string.h>

#define VARINT_MOST 10

static uint32_t load32(const uint8_t *raw)
{
	return (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 24;
}

double mlops_onnx_real(const struct mlops_onnx_reals *reals, size_t i)
{
	if (reals->floats != NULL)
		return (double)reals->floats[i];
	if (reals->doubles != NULL)
		return reals->doubles[i];
	if (reals->raw_is_double) {
		const uint8_t *raw = reals->raw + 8 * i;
		uint64_t bits = (uint64_t)load32(raw) | (uint64_t)load32(raw + 4) << 32;
		double value;
		memcpy(&value, &bits, sizeof(value));
		return value;
	}
	return (double)mlops_onnx_raw_float(reals, i);
}

const Onnx__AttributeProto *mlops_onnx_attribute(const Onnx__NodeProto *node, const char *name)
{
	for (size_t i = 0; i < node->n_attribute; i++) {
		if (strcmp(mlops_onnx_or_empty(node->attribute[i]->name), name) == 0)
			return node->attribute[i];
	}
	return NULL;
}

static bool bulk_of(const ProtobufCMessage *message, unsigned field, struct mlops_onnx_bulk *bulk)
{
	for (unsigned i = 0; i < message->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *unknown = &message->unknown_fields[i];
		if (unknown->tag == mlops_onnx_bulk_tag(field) && unknown->len == 1 + sizeof(*bulk)) {
			memcpy(bulk, unknown->data + 1, sizeof(*bulk)); /* behind the length */
			return true;
		}
	}
	return false;
}

struct mlops_onnx_ints mlops_onnx_ints_of(const Onnx__NodeProto *node, const char *name)
{
	const Onnx__AttributeProto *attribute = mlops_onnx_attribute(node, name);
	struct mlops_onnx_ints ints = { .n = 0 };
	if (attribute == NULL)
		return ints;
	if (bulk_of(&attribute->base, MLOPS_ONNX_ATTRIBUTE_INTS, &ints.bulk)) {
		ints.n = ints.bulk.n;
	} else {
		ints.n = attribute->n_ints;
		ints.values = attribute->ints;
	}
	return ints;
}

struct mlops_onnx_strings mlops_onnx_strings_of(const Onnx__NodeProto *node, const char *name)
{
	const Onnx__AttributeProto *attribute = mlops_onnx_attribute(node, name);
	struct mlops_onnx_strings strings = { .n = 0 };
	if (attribute == NULL)
		return strings;
	if (bulk_of(&attribute->base, MLOPS_ONNX_ATTRIBUTE_STRINGS, &strings.bulk)) {
		strings.n = strings.bulk.n;
	} else {
		strings.n = attribute->n_strings;
		strings.values = attribute->strings;
	}
	return strings;
}

/* Where the bytes come from, it has been checked that they hold n entries. */
static uint64_t take_varint(struct mlops_onnx_bulk *bulk, unsigned *size)
{
	uint64_t value = 0;
	uint8_t byte;
	*size = 0;
	do {
		byte = *bulk->at++;
		if (*size < VARINT_MOST)
			value |= (uint64_t)(byte & 0x7f) << 7 * *size;
		++*size;
	} while (byte >= 0x80);
	return value;
}

int64_t mlops_onnx_next_int(struct mlops_onnx_ints *ints)
{
	unsigned size;
	if (ints->values != NULL)
		return *ints->values++;
	if (!ints->bulk.packed)
		take_varint(&ints->bulk, &size);
	uint64_t value = take_varint(&ints->bulk, &size);
	return size <= VARINT_MOST ? (int64_t)value : INT64_MIN;
}

ProtobufCBinaryData mlops_onnx_next_string(struct mlops_onnx_strings *strings)
{
	unsigned size;
	if (strings->values != NULL)
		return *strings->values++;
	take_varint(&strings->bulk, &size);
	ProtobufCBinaryData string = { .len = take_varint(&strings->bulk, &size) };
	string.data = (uint8_t *)(uintptr_t)strings->bulk.at;
	strings->bulk.at += string.len;
	return string;
}

const uint8_t *mlops_onnx_bytes_of(const struct mlops_onnx_ints *ints)
{
	bool single = ints->values == NULL && ints->bulk.packed &&
		      (size_t)(ints->bulk.end - ints->bulk.at) == ints->n;
	return single ? ints->bulk.at : NULL;
}

bool mlops_onnx_raw_data(const Onnx__TensorProto *tensor, ProtobufCBinaryData *raw)
{
	struct mlops_onnx_bulk bulk;
	*raw = tensor->raw_data;
	if (tensor->has_raw_data || !bulk_of(&tensor->base, MLOPS_ONNX_TENSOR_RAW_DATA, &bulk))
		return tensor->has_raw_data;
	struct mlops_onnx_strings only = { .n = 1, .bulk = bulk };
	*raw = mlops_onnx_next_string(&only);
	return true;
}

int64_t mlops_onnx_int_of(const Onnx__NodeProto *node, const char *name, int64_t fallback)
{
	const Onnx__AttributeProto *attribute = mlops_onnx_attribute(node, name);
	return attribute != NULL && attribute->has_i ? attribute->i : fallback;
}

bool mlops_onnx_string_of(const Onnx__NodeProto *node, const char *name, const char *fallback,
			  const char *wanted, struct mlops_error *error)
{
	const Onnx__AttributeProto *attribute = mlops_onnx_attribute(node, name);
	if (attribute == NULL || !attribute->has_s) {
		if (strcmp(fallback, wanted) == 0)
			return true;
		return mlops_error_set(error, MLOPS_DATA, "attribute \"%s\" is missing, expected '%s'", name,
				       wanted);
	}
	if (mlops_onnx_string_is(attribute->s, wanted))
		return true;
	char found[MLOPS_TEXT_QUOTED];
	mlops_text_mask(found, (const char *)attribute->s.data, attribute->s.len);
	return mlops_error_set(error, MLOPS_DATA, "attribute \"%s\" is '%s', expected '%s'", name, found,
			       wanted);
}

bool mlops_onnx_tensor_reals(const Onnx__TensorProto *tensor, const char *what,
			     struct mlops_onnx_reals *reals, struct mlops_error *error)
{
	*reals = (struct mlops_onnx_reals){ .n = 0 };
	bool is_double = tensor->has_data_type && tensor->data_type == MLOPS_ONNX_DOUBLE;
	if (!is_double && !(tensor->has_data_type && tensor->data_type == MLOPS_ONNX_FLOAT))
		return mlops_error_set(error, MLOPS_DATA,
				       "tensor \"%s\" is of type %d, expected float or double", what,
				       tensor->has_data_type ? (int)tensor->data_type : 0);
	if (tensor->has_data_location && tensor->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT)
		return mlops_error_set(error, MLOPS_DATA, "tensor \"%s\" keeps its values in another file",
				       what);
	size_t width = is_double ? sizeof(double) : sizeof(float);
	ProtobufCBinaryData raw;
	if (mlops_onnx_raw_data(tensor, &raw)) {
		if (raw.len % width != 0)
			return mlops_error_set(error, MLOPS_DATA,
					       "tensor \"%s\" has %zu bytes, expected a multiple of %zu",
					       what, raw.len, width);
		reals->n = raw.len / width;
		reals->raw = raw.data;
		reals->raw_is_double = is_double;
	} else if (is_double) {
		reals->n = tensor->n_double_data;
		reals->doubles = tensor->double_data;
	} else {
		reals->n = tensor->n_float_data;
		reals->floats = tensor->float_data;
	}
	size_t expected = 1;
	for (size_t d = 0; d < tensor->n_dims; d++) {
		if (tensor->dims[d] < 0 ||
		    __builtin_mul_overflow(expected, (size_t)tensor->dims[d], &expected))
			return mlops_error_set(error, MLOPS_DATA, "tensor \"%s\" has an impossible shape",
					       what);
	}
	if (expected != reals->n)
		return mlops_error_set(error, MLOPS_DATA,
				       "tensor \"%s\" has %zu values, but its shape says %zu", what, reals->n,
				       expected);
	return true;
}

bool mlops_onnx_reals_of(const Onnx__NodeProto *node, const char *name, struct mlops_onnx_reals *reals,
			 struct mlops_error *error)
{
	*reals = (struct mlops_onnx_reals){ .n = 0 };
	const Onnx__AttributeProto *attribute = mlops_onnx_attribute(node, name);
	if (attribute == NULL)
		return true;
	if (attribute->t != NULL)
		return mlops_onnx_tensor_reals(attribute->t, name, reals, error);
	reals->n = attribute->n_floats;
	reals->floats = attribute->floats;
	return true;
}

bool mlops_onnx_value_shape(const Onnx__ValueInfoProto *value, int32_t *type, size_t *columns,
			    struct mlops_error *error)
{
	char name[MLOPS_TEXT_QUOTED];
	const char *text = mlops_onnx_or_empty(value->name);
	mlops_text_mask(name, text, strlen(text));
	*columns = 0;
	if (value->type == NULL || value->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
	    !value->type->tensor_type->has_elem_type)
		return mlops_error_set(error, MLOPS_DATA, "\"%s\" is not a tensor", name);
	const Onnx__TypeProto__Tensor *tensor = value->type->tensor_type;
	*type = tensor->elem_type;
	if (tensor->shape == NULL)
		return true;
	if (tensor->shape->n_dim != 2)
		return mlops_error_set(error, MLOPS_DATA,
				       "\"%s\" has %zu dimensions, expected rows and columns", name,
				       tensor->shape->n_dim);
	const Onnx__TensorShapeProto__Dimension *dimension = tensor->shape->dim[1];
	if (dimension->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
		return true;
	if (dimension->dim_value < 1 || dimension->dim_value > MLOPS_ONNX_MAX_FEATURES)
		return mlops_error_set(error, MLOPS_DATA, "\"%s\" has %lld columns", name,
				       (long long)dimension->dim_value);
	*columns = (size_t)dimension->dim_value;
	return true;
}
