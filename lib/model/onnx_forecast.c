#include "model/onnx_forecast.h"

#include <float.h>
#include <math.h>

#define LEVEL_ROW 40 /* of the margins: level 0.9 */

/* Which forecasters have a step. */
enum { ALL = 0, OWN_SCALE = 1, SEASON = 2, NO_SEASON = 4 };

#define AXIS(value) .attributes = { { "axis", value } }

static const struct {
	int of;
	struct mlops_onnx_step step;
} layout[] = {
	{ ALL, { "Gather", NULL, { "history", "last_place" }, "last", AXIS(1) } },
	{ OWN_SCALE, { "Slice", NULL, { "history", "one", "length", "one" }, "later", { { NULL, 0 } } } },
	{ OWN_SCALE, { "Slice", NULL, { "history", "zero", "last_place", "one" }, "earlier", { { NULL, 0 } } } },
	{ OWN_SCALE, { "Sub", NULL, { "later", "earlier" }, "step", { { NULL, 0 } } } },
	{ OWN_SCALE, { "Abs", NULL, { "step" }, "step_size", { { NULL, 0 } } } },
	{ OWN_SCALE, { "MatMul", NULL, { "step_size", "mean_of_steps" }, "mean_step", { { NULL, 0 } } } },
	{ OWN_SCALE, { "Max", NULL, { "mean_step", "fixed_scale" }, "scale_unheld", { { NULL, 0 } } } },
	{ OWN_SCALE, { "Min", NULL, { "scale_unheld", "largest_scale" }, "scale", { { NULL, 0 } } } },
	{ ALL, { "Sub", NULL, { "history", "last" }, "difference", { { NULL, 0 } } } },
	{ ALL, { "Div", NULL, { "difference", "scale" }, "z_unheld", { { NULL, 0 } } } },
	{ ALL, { "Clip", NULL, { "z_unheld", "least_z", "largest_z" }, "z", { { NULL, 0 } } } },
	{ ALL, { "Gemm", NULL, { "z", "linear", "bias" }, "line", { { "transB", 1 } } } },
	{ ALL, { "Mul", NULL, { "z", "input_scale" }, "inputs", { { NULL, 0 } } } },
	{ ALL, { "Gather", NULL, { "inputs", "recent" }, "values", AXIS(1) } },
	{ ALL, { "Transpose", NULL, { "values" }, "values_by_time", { { NULL, 0 } } } },
	{ NO_SEASON, { "Unsqueeze", NULL, { "values_by_time", "two" }, "sequence", { { NULL, 0 } } } },
	{ SEASON, { "Unsqueeze", NULL, { "values_by_time", "two" }, "value_input", { { NULL, 0 } } } },
	{ SEASON, { "Gather", NULL, { "inputs", "season_before" }, "seasonal_anywhere", AXIS(1) } },
	{ SEASON, { "Mul", NULL, { "seasonal_anywhere", "inside" }, "seasonal", { { NULL, 0 } } } },
	{ SEASON, { "Transpose", NULL, { "seasonal" }, "seasonal_by_time", { { NULL, 0 } } } },
	{ SEASON, { "Unsqueeze", NULL, { "seasonal_by_time", "two" }, "season_input", { { NULL, 0 } } } },
	{ SEASON, { "Concat", NULL, { "value_input", "season_input" }, "sequence", AXIS(2) } },
	{ ALL,
	  { "LSTM",
	    NULL,
	    { "sequence", "input_weights_1", "recurrent_weights_1", "biases_1" },
	    "layer_1",
	    { { "hidden_size", 0 } } } },
	{ ALL, { "Squeeze", NULL, { "layer_1", "one" }, "states_1", { { NULL, 0 } } } },
	{ ALL,
	  { "LSTM",
	    NULL,
	    { "states_1", "input_weights_2", "recurrent_weights_2", "biases_2" },
	    "layer_2",
	    { { "hidden_size", 0 } } } },
	{ ALL, { "Squeeze", NULL, { "layer_2", "one" }, "states_2", { { NULL, 0 } } } },
	{ ALL, { "Gather", NULL, { "states_2", "last_step" }, "last_state", AXIS(0) } },
	{ ALL, { "Gemm", NULL, { "last_state", "head", "head_bias" }, "network", { { "transB", 1 } } } },
	{ ALL, { "Mul", NULL, { "network", "output_scale" }, "correction", { { NULL, 0 } } } },
	{ ALL, { "Add", NULL, { "line", "correction" }, "change_in_scales", { { NULL, 0 } } } },
	{ ALL, { "Mul", NULL, { "change_in_scales", "scale" }, "change", { { NULL, 0 } } } },
	{ ALL, { "Add", NULL, { "last", "change" }, "forecast_unheld", { { NULL, 0 } } } },
	{ ALL, { "Clip", NULL, { "forecast_unheld", "least", "largest" }, "forecast", { { NULL, 0 } } } },
	{ ALL, { "Gather", NULL, { "margins", "level" }, "margins_at_level", AXIS(0) } },
	{ ALL, { "Gather", NULL, { "margins_at_level", "ahead" }, "margins_ahead", AXIS(0) } },
	{ ALL, { "Mul", NULL, { "scale", "margins_ahead" }, "distance", { { NULL, 0 } } } },
	{ ALL, { "Sub", NULL, { "forecast", "distance" }, "lower_unheld", { { NULL, 0 } } } },
	{ ALL, { "Clip", NULL, { "lower_unheld", "least", "largest" }, "lower", { { NULL, 0 } } } },
	{ ALL, { "Add", NULL, { "forecast", "distance" }, "upper_unheld", { { NULL, 0 } } } },
	{ ALL, { "Clip", NULL, { "upper_unheld", "least", "largest" }, "upper", { { NULL, 0 } } } },
};

static bool has(const struct mlops_forecaster *forecaster, int of)
{
	return of == ALL || (of == OWN_SCALE ? forecaster->window_share > 0
					     : (of == SEASON) == (forecaster->season > 0));
}

static void lay_out(const struct mlops_forecaster *forecaster, struct mlops_onnx_forecast *graph)
{
	for (size_t i = 0; i < sizeof(layout) / sizeof(layout[0]); i++) {
		struct mlops_onnx_step step = layout[i].step;

		if (!has(forecaster, layout[i].of))
			continue;
		if (step.attributes[0].name != NULL && strcmp(step.attributes[0].name, "hidden_size") == 0)
			step.attributes[0].value = (int64_t)forecaster->hidden;
		graph->steps[graph->n_steps++] = step;
	}
}

/* Where the gates of ONNX are among ours. */
static const size_t gate_places[] = { 0, 3, 1, 2 };

/* rows [4 hidden, columns] with gates in our order to or from ONNX's. */
static void swap_gates(float *onnx, float *own, size_t hidden, size_t columns, bool to_onnx)
{
	size_t gate = hidden * columns;

	for (size_t g = 0; g < 4; g++) {
		float *there = onnx + g * gate, *here = own + gate_places[g] * gate;

		memcpy(to_onnx ? there : here, to_onnx ? here : there, gate * sizeof(*own));
	}
}

static struct mlops_onnx_tensor *add(struct mlops_onnx_forecast *graph, const char *name, size_t n_dims,
				     size_t first, size_t second, size_t third)
{
	struct mlops_onnx_tensor *tensor = &graph->tensors[graph->n_tensors++];

	*tensor = (struct mlops_onnx_tensor){
		.name = name,
		.n_dims = n_dims,
		.dims = { (int64_t)first, (int64_t)second, (int64_t)third },
		.n = (n_dims > 0 ? first : 1) * (n_dims > 1 ? second : 1) * (n_dims > 2 ? third : 1),
	};
	return tensor;
}

static void add_learnt(struct mlops_onnx_forecast *graph, const char *name, float *floats, size_t n_dims,
		       size_t first, size_t second)
{
	struct mlops_onnx_tensor *tensor = add(graph, name, n_dims, first, second, 1);

	tensor->floats = floats;
	tensor->learnt = true;
}

static float *add_floats(struct mlops_onnx_forecast *graph, struct mlops_onnx_scratch *scratch, const char *name,
			 size_t n_dims, size_t first, size_t second)
{
	struct mlops_onnx_tensor *tensor = add(graph, name, n_dims, first, second, 1);

	return tensor->floats = mlops_onnx_scratch_take(scratch, tensor->n, sizeof(*tensor->floats));
}

static int64_t *add_ints(struct mlops_onnx_forecast *graph, struct mlops_onnx_scratch *scratch, const char *name,
			 size_t n_dims, size_t n)
{
	struct mlops_onnx_tensor *tensor = add(graph, name, n_dims, n, 1, 1);

	return tensor->ints = mlops_onnx_scratch_take(scratch, tensor->n, sizeof(*tensor->ints));
}

static void add_float(struct mlops_onnx_forecast *graph, struct mlops_onnx_scratch *scratch, const char *name,
		      float value)
{
	float *floats = add_floats(graph, scratch, name, 0, 1, 1);

	if (floats != NULL)
		*floats = value;
}

/* ints first, first + 1, …; n_dims 0: the one alone. */
static void add_range(struct mlops_onnx_forecast *graph, struct mlops_onnx_scratch *scratch, const char *name,
		      size_t n_dims, size_t first, size_t n)
{
	int64_t *ints = add_ints(graph, scratch, name, n_dims, n);

	for (size_t i = 0; ints != NULL && i < n; i++)
		ints[i] = (int64_t)(first + i);
}

static void add_season(const struct mlops_forecaster *forecaster, struct mlops_onnx_scratch *scratch,
		       struct mlops_onnx_forecast *graph)
{
	size_t steps = forecaster->steps, season = forecaster->season;
	int64_t *places = add_ints(graph, scratch, "season_before", 1, steps);
	float *inside = add_floats(graph, scratch, "inside", 1, steps, 1);

	for (size_t i = 0; places != NULL && inside != NULL && i < steps; i++) {
		size_t next = forecaster->length - steps + i + 1;

		places[i] = next >= season ? (int64_t)(next - season) : 0;
		inside[i] = next >= season ? 1 : 0;
	}
}

/* Names of the tensors of layer 1 and 2. */
static const char *const layer_names[2][3] = {
	{ "input_weights_1", "recurrent_weights_1", "biases_1" },
	{ "input_weights_2", "recurrent_weights_2", "biases_2" },
};

/* The tensors of a layer, whose parameters in our order begin at own; returns those behind them. */
static float *add_layer(size_t layer, size_t inputs, size_t hidden, float *own, struct mlops_onnx_scratch *scratch,
			struct mlops_onnx_forecast *graph)
{
	const size_t columns[3] = { inputs, hidden, 1 };

	for (size_t i = 0; i < 3; i++) {
		size_t rows = i < 2 ? 4 * hidden : 8 * hidden;
		struct mlops_onnx_tensor *tensor =
			add(graph, layer_names[layer][i], i < 2 ? 3 : 2, 1, rows, i < 2 ? columns[i] : 1);

		tensor->learnt = true;
		tensor->floats = mlops_onnx_scratch_take(scratch, tensor->n, sizeof(*tensor->floats));
		for (size_t part = 0; tensor->floats != NULL && part < rows; part += 4 * hidden)
			swap_gates(tensor->floats + part * columns[i], own + part * columns[i], hidden, columns[i],
				   true);
		own += tensor->n;
	}
	return own;
}

bool mlops_onnx_forecast_graph(struct mlops_forecaster *forecaster, struct mlops_onnx_scratch *scratch,
			       struct mlops_onnx_forecast *graph)
{
	size_t length = forecaster->length, horizon = forecaster->horizon, hidden = forecaster->hidden;
	bool own_scale = forecaster->window_share > 0;
	float *mean, *at = forecaster->parameters;

	*graph = (struct mlops_onnx_forecast){ .n_steps = 0 };
	lay_out(forecaster, graph);
	add_learnt(graph, own_scale ? "fixed_scale" : "scale", &forecaster->fixed_scale, 0, 1, 1);
	add_learnt(graph, "input_scale", &forecaster->input_scale, 0, 1, 1);
	add_learnt(graph, "output_scale", &forecaster->output_scale, 0, 1, 1);
	add_learnt(graph, "linear", forecaster->linear, 2, horizon, length);
	add_learnt(graph, "bias", forecaster->bias, 1, horizon, 1);
	at = add_layer(0, forecaster->season > 0 ? 2 : 1, hidden, at, scratch, graph);
	at = add_layer(1, hidden, hidden, at, scratch, graph);
	add_learnt(graph, "head", at, 2, horizon, hidden);
	add_learnt(graph, "head_bias", at + horizon * hidden, 1, horizon, 1);
	add_learnt(graph, "margins", forecaster->margins, 2, MLOPS_FORECAST_LEVELS, forecaster->n_margins);
	add_range(graph, scratch, "last_place", 1, length - 1, 1);
	add_range(graph, scratch, "recent", 1, length - forecaster->steps, forecaster->steps);
	add_range(graph, scratch, "one", 1, 1, 1);
	add_range(graph, scratch, "two", 1, 2, 1);
	add_range(graph, scratch, "last_step", 0, forecaster->steps - 1, 1);
	add_range(graph, scratch, "level", 0, LEVEL_ROW, 1);
	add_range(graph, scratch, "ahead", 1, 0, horizon);
	add_float(graph, scratch, "least_z", -MLOPS_FORECAST_REACH);
	add_float(graph, scratch, "largest_z", MLOPS_FORECAST_REACH);
	add_float(graph, scratch, "least", -FLT_MAX);
	add_float(graph, scratch, "largest", FLT_MAX);
	if (forecaster->season > 0)
		add_season(forecaster, scratch, graph);
	if (own_scale) {
		add_range(graph, scratch, "zero", 1, 0, 1);
		add_range(graph, scratch, "length", 1, length, 1);
		add_float(graph, scratch, "largest_scale", MLOPS_FORECAST_LARGEST_SCALE);
		mean = add_floats(graph, scratch, "mean_of_steps", 2, length - 1, 1);
		for (size_t t = 0; mean != NULL && t + 1 < length; t++)
			mean[t] = forecaster->window_share / (float)(length - 1);
	}
	return !scratch->failed;
}

void mlops_onnx_forecast_adopt(const struct mlops_onnx_forecast *graph, struct mlops_forecaster *forecaster)
{
	float *own = forecaster->parameters;

	for (size_t i = 0; i < graph->n_tensors; i++) {
		const struct mlops_onnx_tensor *tensor = &graph->tensors[i];
		size_t columns, rows;
		bool of_layer = false;

		for (size_t layer = 0; layer < 2; layer++)
			for (size_t part = 0; part < 3; part++)
				of_layer |= strcmp(tensor->name, layer_names[layer][part]) == 0;
		if (!of_layer)
			continue;
		rows = (size_t)tensor->dims[1];
		columns = tensor->n / rows;
		for (size_t part = 0; part < rows; part += 4 * forecaster->hidden)
			swap_gates(tensor->floats + part * columns, own + part * columns, forecaster->hidden,
				   columns, false);
		own += tensor->n;
	}
}

static bool all_finite(const float *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

static bool margins_ascend(const struct mlops_forecaster *forecaster)
{
	size_t n = forecaster->n_margins;

	for (size_t i = 0; i < MLOPS_FORECAST_LEVELS * n; i++)
		if (!(forecaster->margins[i] >= (i < n ? 0 : forecaster->margins[i - n])))
			return false;
	return true;
}

bool mlops_onnx_forecast_check(const struct mlops_forecaster *forecaster, enum mlops_code code,
			       struct mlops_error *error)
{
	size_t n_linear = forecaster->horizon * forecaster->length;
	size_t n_margins = MLOPS_FORECAST_LEVELS * forecaster->n_margins;

	if (!all_finite(forecaster->linear, n_linear) || !all_finite(forecaster->bias, forecaster->horizon) ||
	    !all_finite(forecaster->parameters, mlops_forecaster_parameters(forecaster)) ||
	    !all_finite(forecaster->margins, n_margins))
		return mlops_error_set(error, code, "a weight of the forecaster is not finite");
	if (!(forecaster->fixed_scale > 0 && forecaster->fixed_scale <= MLOPS_FORECAST_LARGEST_SCALE) ||
	    !(forecaster->input_scale > 0 && isfinite(forecaster->input_scale)) ||
	    !(forecaster->output_scale > 0 && isfinite(forecaster->output_scale)))
		return mlops_error_set(error, code, "a scale of the forecaster is not above 0, or too large");
	if (!margins_ascend(forecaster))
		return mlops_error_set(error, code, "the forecaster's margins do not ascend with the level");
	return true;
}
