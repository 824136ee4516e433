#include "model/onnx_forecast.h"

static bool write_tensor(const struct mlops_onnx_tensor *from, struct mlops_onnx_scratch *scratch,
			 Onnx__TensorProto *tensor)
{
	tensor->name = mlops_onnx_text(from->name);
	tensor->has_data_type = true;
	tensor->n_dims = from->n_dims;
	tensor->dims = mlops_onnx_scratch_take(scratch, 3, sizeof(*tensor->dims));
	if (tensor->dims == NULL)
		return false;
	memcpy(tensor->dims, from->dims, sizeof(from->dims));
	if (from->ints != NULL) {
		tensor->data_type = MLOPS_ONNX_INT64;
		tensor->n_int64_data = from->n;
		tensor->int64_data = from->ints;
	} else {
		tensor->data_type = MLOPS_ONNX_FLOAT;
		tensor->n_float_data = from->n;
		tensor->float_data = from->floats;
	}
	return true;
}

bool mlops_onnx_forecast_write(const struct mlops_onnx_form *form, struct mlops_forecaster *forecaster,
			       struct mlops_onnx_scratch *scratch, Onnx__GraphProto *graph, struct mlops_error *error)
{
	struct mlops_onnx_forecast *layout = mlops_onnx_scratch_take(scratch, 1, sizeof(*layout));

	if (forecaster == NULL)
		return mlops_error_set(error, MLOPS_BUG, "a model without its forecaster");
	if (!mlops_onnx_forecast_check(forecaster, MLOPS_BUG, error) || layout == NULL ||
	    !mlops_onnx_forecast_graph(forecaster, scratch, layout))
		return false;
	graph->name = mlops_onnx_text(mlops_kind_name(form->kind));
	graph->node = mlops_onnx_new_messages(scratch, &onnx__node_proto__descriptor, layout->n_steps);
	graph->initializer = mlops_onnx_new_messages(scratch, &onnx__tensor_proto__descriptor, layout->n_tensors);
	graph->input = mlops_onnx_new_messages(scratch, &onnx__value_info_proto__descriptor, 1);
	graph->output = mlops_onnx_new_messages(scratch, &onnx__value_info_proto__descriptor, form->n_outputs);
	if (scratch->failed)
		return false;
	graph->n_node = layout->n_steps;
	graph->n_initializer = layout->n_tensors;
	graph->n_input = 1;
	graph->n_output = form->n_outputs;
	for (size_t i = 0; i < layout->n_steps; i++)
		if (!mlops_onnx_step_write(&layout->steps[i], scratch, graph->node[i]))
			return false;
	for (size_t i = 0; i < layout->n_tensors; i++)
		if (!write_tensor(&layout->tensors[i], scratch, graph->initializer[i]))
			return false;
	if (!mlops_onnx_value_write(scratch, graph->input[0], "history", MLOPS_ONNX_FLOAT, forecaster->length))
		return false;
	for (size_t i = 0; i < form->n_outputs; i++)
		if (!mlops_onnx_value_write(scratch, graph->output[i], form->outputs[i].name, form->outputs[i].type,
					    forecaster->horizon))
			return false;
	return true;
}
