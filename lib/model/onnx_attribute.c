/* Careful access to attributes and tensors: whatever the file leaves out or gets wrong has a defined answer
 * here. */
#include "model/onnx_graph.h"

#include "base/text.h"

#include <string.h>

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
	uint32_t bits = load32(reals->raw + 4 * i);
	float value;
	memcpy(&value, &bits, sizeof(value));
	return (double)value;
}

const Onnx__AttributeProto *mlops_onnx_attribute(const Onnx__NodeProto *node, const char *name)
{
	for (size_t i = 0; i < node->n_attribute; i++) {
		if (strcmp(mlops_onnx_or_empty(node->attribute[i]->name), name) == 0)
			return node->attribute[i];
	}
	return NULL;
}

struct mlops_onnx_ints mlops_onnx_ints_of(const Onnx__NodeProto *node, const char *name)
{
	const Onnx__AttributeProto *attribute = mlops_onnx_attribute(node, name);
	if (attribute == NULL)
		return (struct mlops_onnx_ints){ 0, NULL };
	return (struct mlops_onnx_ints){ attribute->n_ints, attribute->ints };
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
	if (tensor->has_raw_data) {
		if (tensor->raw_data.len % width != 0)
			return mlops_error_set(error, MLOPS_DATA,
					       "tensor \"%s\" has %zu bytes, expected a multiple of %zu",
					       what, tensor->raw_data.len, width);
		reals->n = tensor->raw_data.len / width;
		reals->raw = tensor->raw_data.data;
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
