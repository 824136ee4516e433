#include "config.h"

#include "model/onnx_forecast.h"
#include "model/onnx_graph.h"

#include <string.h>

void *mlops_onnx_new_messages(struct mlops_onnx_scratch *scratch, const ProtobufCMessageDescriptor *type, size_t n)
{
	void **list = mlops_onnx_scratch_take(scratch, n, sizeof(*list));
	for (size_t i = 0; list != NULL && i < n; i++) {
		list[i] = mlops_onnx_scratch_take(scratch, 1, type->sizeof_message);
		if (list[i] == NULL)
			return NULL;
		protobuf_c_message_init(type, list[i]);
	}
	return list;
}

static bool write_opsets(const struct mlops_onnx_form *form, struct mlops_onnx_scratch *scratch,
			 Onnx__ModelProto *file)
{
	size_t n = form->ml_opset > 0 ? 2 : 1;

	file->opset_import = mlops_onnx_new_messages(scratch, &onnx__operator_set_id_proto__descriptor, n);
	if (scratch->failed)
		return false;
	file->n_opset_import = n;
	file->opset_import[0]->domain = mlops_onnx_text("");
	file->opset_import[0]->has_version = true;
	file->opset_import[0]->version = form->opset;
	if (n == 1)
		return true;
	file->opset_import[1]->domain = mlops_onnx_text(MLOPS_ONNX_ML);
	file->opset_import[1]->has_version = true;
	file->opset_import[1]->version = form->ml_opset;
	return true;
}

bool mlops_onnx_value_write(struct mlops_onnx_scratch *scratch, Onnx__ValueInfoProto *value, const char *name,
			    int32_t type, size_t columns)
{
	Onnx__TypeProto *holder = mlops_onnx_scratch_take(scratch, 1, sizeof(*holder));
	Onnx__TypeProto__Tensor *tensor = mlops_onnx_scratch_take(scratch, 1, sizeof(*tensor));
	Onnx__TensorShapeProto *shape = mlops_onnx_scratch_take(scratch, 1, sizeof(*shape));
	if (scratch->failed)
		return false;
	onnx__type_proto__init(holder);
	onnx__type_proto__tensor__init(tensor);
	onnx__tensor_shape_proto__init(shape);
	shape->dim = mlops_onnx_new_messages(scratch, &onnx__tensor_shape_proto__dimension__descriptor, 2);
	if (scratch->failed)
		return false;
	shape->n_dim = 2;
	shape->dim[0]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
	shape->dim[0]->dim_param = mlops_onnx_text("N");
	shape->dim[1]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
	shape->dim[1]->dim_value = (int64_t)columns;
	tensor->has_elem_type = true;
	tensor->elem_type = type;
	tensor->shape = shape;
	holder->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	holder->tensor_type = tensor;
	value->name = mlops_onnx_text(name);
	value->type = holder;
	return true;
}

static bool write_constants(const struct mlops_onnx_form *form, const struct mlops_model *model,
			    struct mlops_onnx_scratch *scratch, Onnx__GraphProto *graph)
{
	size_t n = form->n_constants + (form->labels ? 1 : 0);
	graph->initializer = mlops_onnx_new_messages(scratch, &onnx__tensor_proto__descriptor, n);
	if (scratch->failed)
		return false;
	graph->n_initializer = n;
	for (size_t i = 0; i < form->n_constants; i++) {
		const struct mlops_onnx_constant *constant = &form->constants[i];
		Onnx__TensorProto *tensor = graph->initializer[i];
		float *value = mlops_onnx_scratch_take(scratch, 1, sizeof(*value));
		if (value == NULL)
			return false;
		*value = constant->value;
		if (constant->member != MLOPS_ONNX_FIXED)
			memcpy(value, (const char *)model + constant->member, sizeof(*value));
		tensor->name = mlops_onnx_text(constant->name);
		tensor->has_data_type = true;
		tensor->data_type = MLOPS_ONNX_FLOAT;
		tensor->n_float_data = 1;
		tensor->float_data = value;
	}
	if (!form->labels)
		return true;
	Onnx__TensorProto *classes = graph->initializer[form->n_constants];
	int64_t *dims = mlops_onnx_scratch_take(scratch, 1, sizeof(*dims));
	ProtobufCBinaryData *texts = mlops_onnx_scratch_take(scratch, model->n_classes, sizeof(*texts));
	if (scratch->failed)
		return false;
	dims[0] = (int64_t)model->n_classes;
	for (size_t k = 0; k < model->n_classes; k++)
		texts[k] = (ProtobufCBinaryData){ strlen(model->classes[k]), (uint8_t *)model->classes[k] };
	classes->name = mlops_onnx_text("classes");
	classes->n_dims = 1;
	classes->dims = dims;
	classes->has_data_type = true;
	classes->data_type = MLOPS_ONNX_STRING;
	classes->n_string_data = model->n_classes;
	classes->string_data = texts;
	return true;
}

bool mlops_onnx_step_write(const struct mlops_onnx_step *step, struct mlops_onnx_scratch *scratch,
			   Onnx__NodeProto *node)
{
	size_t n_inputs = mlops_onnx_step_inputs(step), n_attributes = 0;
	node->input = mlops_onnx_scratch_take(scratch, n_inputs, sizeof(*node->input));
	node->output = mlops_onnx_scratch_take(scratch, 1, sizeof(*node->output));
	if (scratch->failed)
		return false;
	node->n_input = n_inputs;
	for (size_t i = 0; i < n_inputs; i++)
		node->input[i] = mlops_onnx_text(step->inputs[i]);
	node->n_output = 1;
	node->output[0] = mlops_onnx_text(step->output);
	node->name = mlops_onnx_text(step->output);
	node->op_type = mlops_onnx_text(step->name);
	if (step->domain != NULL)
		node->domain = mlops_onnx_text(step->domain);
	while (n_attributes < 2 && step->attributes[n_attributes].name != NULL)
		n_attributes++;
	if (n_attributes == 0)
		return true;
	node->attribute = mlops_onnx_new_messages(scratch, &onnx__attribute_proto__descriptor, n_attributes);
	if (scratch->failed)
		return false;
	node->n_attribute = n_attributes;
	for (size_t i = 0; i < n_attributes; i++) {
		node->attribute[i]->name = mlops_onnx_text(step->attributes[i].name);
		node->attribute[i]->has_type = true;
		node->attribute[i]->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
		node->attribute[i]->has_i = true;
		node->attribute[i]->i = step->attributes[i].value;
	}
	return true;
}

static bool write_graph(const struct mlops_onnx_form *form, const struct mlops_model *model,
			struct mlops_onnx_scratch *scratch, Onnx__GraphProto *graph)
{
	graph->name = mlops_onnx_text(mlops_kind_name(model->kind));
	graph->node = mlops_onnx_new_messages(scratch, &onnx__node_proto__descriptor, form->n_steps);
	graph->input = mlops_onnx_new_messages(scratch, &onnx__value_info_proto__descriptor, 1);
	graph->output = mlops_onnx_new_messages(scratch, &onnx__value_info_proto__descriptor, form->n_outputs);
	if (scratch->failed)
		return false;
	graph->n_node = form->n_steps;
	for (size_t i = 0; i < form->n_steps; i++) {
		if (!mlops_onnx_step_write(&form->steps[i], scratch, graph->node[i]))
			return false;
	}
	graph->n_input = 1;
	if (!mlops_onnx_value_write(scratch, graph->input[0], "X", MLOPS_ONNX_FLOAT, model->trees.n_features))
		return false;
	graph->n_output = form->n_outputs;
	for (size_t i = 0; i < form->n_outputs; i++) {
		const struct mlops_onnx_output *output = &form->outputs[i];
		if (!mlops_onnx_value_write(scratch, graph->output[i], output->name, output->type,
				 output->per_class ? model->n_classes : 1))
			return false;
	}
	return write_constants(form, model, scratch, graph);
}

static bool check_model(const struct mlops_model *model, struct mlops_error *error)
{
	size_t n_outputs =
		model->kind == MLOPS_FAILURE_PREDICTION && model->n_classes > 2 ? model->n_classes : 1;
	if (model->trees.n_outputs != n_outputs ||
	    (model->kind == MLOPS_FAILURE_PREDICTION && model->n_classes < 2))
		return mlops_error_set(error, MLOPS_BUG, "a model of %zu classes and %zu outputs",
				       model->n_classes, model->trees.n_outputs);
	return mlops_trees_check(&model->trees, error);
}

bool mlops_onnx_write(const struct mlops_model *model, struct mlops_buffer *out, struct mlops_error *error)
{
	const struct mlops_onnx_form *form =
		mlops_onnx_form_of(model->kind, model->n_classes, mlops_onnx_trees_are_mixed(&model->trees));
	struct mlops_onnx_scratch scratch = { .blocks = NULL };
	Onnx__ModelProto file = ONNX__MODEL_PROTO__INIT;
	Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
	bool fine = false, forecast = model->kind == MLOPS_TIME_SERIES_FORECAST;
	if (!forecast && !check_model(model, error))
		goto out;
	file.has_ir_version = true;
	file.ir_version = form->ir_version;
	file.producer_name = mlops_onnx_text(MLOPS_ONNX_PRODUCER);
	file.producer_version = mlops_onnx_text(PACKAGE_VERSION);
	file.graph = &graph;
	if (!write_opsets(form, &scratch, &file) ||
	    !(forecast ? mlops_onnx_forecast_write(form, model->forecaster, &scratch, &graph, error)
		       : write_graph(form, model, &scratch, &graph) &&
				 mlops_onnx_trees_write(&model->trees, &scratch, graph.node[0], error)) ||
	    !mlops_onnx_metadata_write(model, &scratch, &file, error)) {
		mlops_error_set_memory(error);
		goto out;
	}
	size_t length = onnx__model_proto__get_packed_size(&file);
	if (length > MLOPS_MODEL_FILE_LIMIT) {
		mlops_error_set(error, MLOPS_DATA, "the model takes %zu bytes, a file at most %zu", length,
				MLOPS_MODEL_FILE_LIMIT);
		goto out;
	}
	char *at = mlops_buffer_reserve(out, length);
	if (at == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	out->length += onnx__model_proto__pack(&file, (uint8_t *)at);
	fine = true;
out:
	mlops_onnx_scratch_release(&scratch);
	return fine;
}
