/* A forecaster from a file, which must be the graph that the writer makes of one with these sizes. */
#include "model/onnx_forecast.h"

/* What the file says of the forecaster's sizes. */
struct sizes {
	size_t length, horizon, season, hidden;
	bool own_scale;
};

static const Onnx__TensorProto *tensor_called(const Onnx__GraphProto *graph, const char *name)
{
	for (size_t i = 0; i < graph->n_initializer; i++)
		if (strcmp(mlops_onnx_or_empty(graph->initializer[i]->name), name) == 0)
			return graph->initializer[i];
	return NULL;
}

static bool read_values(const struct mlops_onnx_form *form, const Onnx__GraphProto *graph, struct sizes *sizes,
			struct mlops_error *error)
{
	int32_t type;
	size_t columns;

	if (!mlops_onnx_same_number(form, "the number of inputs", (int64_t)graph->n_input, 1, error) ||
	    !mlops_onnx_same_text(form, "the input", graph->input[0]->name, "history", error) ||
	    !mlops_onnx_value_shape(graph->input[0], &type, &sizes->length, error) ||
	    !mlops_onnx_same_number(form, "the type of the input", type, MLOPS_ONNX_FLOAT, error) ||
	    !mlops_onnx_same_number(form, "the number of outputs", (int64_t)graph->n_output,
				    (int64_t)form->n_outputs, error))
		return false;
	for (size_t i = 0; i < form->n_outputs; i++) {
		if (!mlops_onnx_same_text(form, "an output", graph->output[i]->name, form->outputs[i].name, error) ||
		    !mlops_onnx_value_shape(graph->output[i], &type, &columns, error) ||
		    !mlops_onnx_same_number(form, "the type of an output", type, form->outputs[i].type, error))
			return false;
		if (i == 0)
			sizes->horizon = columns;
		if (!mlops_onnx_same_number(form, "the number of columns of an output", (int64_t)columns,
					    (int64_t)sizes->horizon, error))
			return false;
	}
	return true;
}

static bool read_hidden(const Onnx__GraphProto *graph, struct sizes *sizes, struct mlops_error *error)
{
	int64_t hidden = 0;

	for (size_t i = 0; i < graph->n_node && hidden == 0; i++)
		if (strcmp(mlops_onnx_or_empty(graph->node[i]->op_type), "LSTM") == 0)
			hidden = mlops_onnx_int_of(graph->node[i], "hidden_size", -1);
	if (hidden < 1 || hidden > MLOPS_FORECAST_MAX_HIDDEN)
		return mlops_error_set(error, MLOPS_DATA, "the graph has no LSTM of 1 to %d units",
				       MLOPS_FORECAST_MAX_HIDDEN);
	sizes->hidden = (size_t)hidden;
	return true;
}

/* The season is what the last place of season_before says: length - season. */
static bool read_season(const Onnx__GraphProto *graph, struct sizes *sizes, struct mlops_error *error)
{
	const Onnx__TensorProto *places = tensor_called(graph, "season_before");
	int64_t last;

	sizes->season = 0;
	if (places == NULL)
		return true;
	last = places->n_int64_data > 0 ? places->int64_data[places->n_int64_data - 1] : -1;
	if (last < 0 || last > (int64_t)sizes->length - 2)
		return mlops_error_set(error, MLOPS_DATA, "constant \"season_before\" says no season");
	sizes->season = sizes->length - (size_t)last;
	return true;
}

/* That the file has the numbers which the sizes ask for, before memory is taken for them. */
static bool holds(const Onnx__GraphProto *graph, const char *name, size_t n, struct mlops_error *error)
{
	const Onnx__TensorProto *tensor = tensor_called(graph, name);
	struct mlops_onnx_reals reals = { .n = 0 };

	if (tensor != NULL && !mlops_onnx_tensor_reals(tensor, name, &reals, error))
		return false;
	return reals.n == n ? true
			    : mlops_error_set(error, MLOPS_DATA, "constant \"%s\" has %zu values, expected %zu", name,
					      reals.n, n);
}

static bool read_sizes(const struct mlops_onnx_form *form, const Onnx__GraphProto *graph, struct sizes *sizes,
		       struct mlops_error *error)
{
	if (!read_values(form, graph, sizes, error) || !read_hidden(graph, sizes, error))
		return false;
	if (sizes->length < 2 || sizes->length > MLOPS_FORECAST_MAX_LENGTH || sizes->horizon < 1 ||
	    sizes->horizon > MLOPS_FORECAST_MAX_HORIZON)
		return mlops_error_set(error, MLOPS_DATA,
				       "a history of %zu values and a forecast of %zu, expected 2 to %d and 1 to %d",
				       sizes->length, sizes->horizon, MLOPS_FORECAST_MAX_LENGTH,
				       MLOPS_FORECAST_MAX_HORIZON);
	if (!read_season(graph, sizes, error))
		return false;
	sizes->own_scale = tensor_called(graph, "fixed_scale") != NULL;
	return holds(graph, "linear", sizes->horizon * sizes->length, error) &&
	       holds(graph, "recurrent_weights_1", 4 * sizes->hidden * sizes->hidden, error) &&
	       holds(graph, "recurrent_weights_2", 4 * sizes->hidden * sizes->hidden, error);
}

static bool read_ints(const struct mlops_onnx_form *form, const Onnx__TensorProto *tensor,
		      const struct mlops_onnx_tensor *to, struct mlops_error *error)
{
	if (!mlops_onnx_same_number(form, to->name, tensor->data_type, MLOPS_ONNX_INT64, error) ||
	    !mlops_onnx_same_number(form, "the number of a constant's values", (int64_t)tensor->n_int64_data,
				    (int64_t)to->n, error))
		return false;
	for (size_t i = 0; i < to->n; i++)
		if (!mlops_onnx_same_number(form, to->name, tensor->int64_data[i], to->ints[i], error))
			return false;
	return true;
}

static bool read_floats(const struct mlops_onnx_form *form, const Onnx__TensorProto *tensor,
			const struct mlops_onnx_tensor *to, struct mlops_error *error)
{
	struct mlops_onnx_reals reals;

	if (!mlops_onnx_same_number(form, to->name, tensor->data_type, MLOPS_ONNX_FLOAT, error) ||
	    !mlops_onnx_tensor_reals(tensor, to->name, &reals, error) ||
	    !mlops_onnx_same_number(form, "the number of a constant's values", (int64_t)reals.n, (int64_t)to->n,
				    error))
		return false;
	for (size_t i = 0; i < to->n; i++) {
		float value = (float)mlops_onnx_real(&reals, i);

		if (to->learnt)
			to->floats[i] = value;
		else if (memcmp(&value, &to->floats[i], sizeof(value)) != 0)
			return mlops_error_set(error, MLOPS_DATA,
					       "constant \"%s\" has another value than this program writes", to->name);
	}
	return true;
}

static bool read_tensor(const struct mlops_onnx_form *form, const Onnx__TensorProto *tensor,
			const struct mlops_onnx_tensor *to, struct mlops_error *error)
{
	if (!mlops_onnx_same_text(form, "a constant", tensor->name, to->name, error) ||
	    !mlops_onnx_same_number(form, "the number of a constant's dimensions", (int64_t)tensor->n_dims,
				    (int64_t)to->n_dims, error))
		return false;
	for (size_t d = 0; d < to->n_dims; d++)
		if (!mlops_onnx_same_number(form, "a dimension of a constant", tensor->dims[d], to->dims[d], error))
			return false;
	return to->ints != NULL ? read_ints(form, tensor, to, error) : read_floats(form, tensor, to, error);
}

static bool read_graph(const struct mlops_onnx_form *form, const Onnx__ModelProto *file,
		       const struct mlops_onnx_forecast *layout, struct mlops_error *error)
{
	const Onnx__GraphProto *graph = file->graph;

	if (!mlops_onnx_same_number(form, "the number of operators", (int64_t)graph->n_node,
				    (int64_t)layout->n_steps, error) ||
	    !mlops_onnx_same_number(form, "the number of constants", (int64_t)graph->n_initializer,
				    (int64_t)layout->n_tensors, error) ||
	    !mlops_onnx_same_number(form, "the number of sparse constants", (int64_t)graph->n_sparse_initializer, 0,
				    error) ||
	    !mlops_onnx_same_number(form, "the number of functions", (int64_t)file->n_functions, 0, error))
		return false;
	for (size_t i = 0; i < layout->n_steps; i++)
		if (!mlops_onnx_step_check(form, &layout->steps[i], graph->node[i], false, error))
			return false;
	for (size_t i = 0; i < layout->n_tensors; i++)
		if (!read_tensor(form, graph->initializer[i], &layout->tensors[i], error))
			return false;
	return true;
}

bool mlops_onnx_forecast_read(const struct mlops_onnx_form *form, const Onnx__ModelProto *file,
			      struct mlops_forecaster **forecaster, struct mlops_error *error)
{
	struct mlops_onnx_scratch scratch = { .blocks = NULL };
	struct mlops_onnx_forecast *layout = mlops_onnx_scratch_take(&scratch, 1, sizeof(*layout));
	struct mlops_forecaster *read = NULL;
	struct sizes sizes = { 0 };
	bool fine = false;

	if (!read_sizes(form, file->graph, &sizes, error))
		goto out;
	read = mlops_forecaster_new(sizes.length, sizes.horizon, sizes.season, sizes.hidden, error);
	if (read == NULL)
		goto out;
	read->window_share = sizes.own_scale ? 1 : 0;
	if (layout == NULL || !mlops_onnx_forecast_graph(read, &scratch, layout)) {
		mlops_error_set_memory(error);
		goto out;
	}
	if (!read_graph(form, file, layout, error))
		goto out;
	mlops_onnx_forecast_adopt(layout, read);
	fine = mlops_onnx_forecast_check(read, MLOPS_DATA, error) && mlops_forecaster_prepare(read, error);
out:
	mlops_onnx_scratch_release(&scratch);
	if (!fine) {
		mlops_forecaster_free(read);
		read = NULL;
	}
	*forecaster = read;
	return fine;
}
