#include "model/network_layers.h"

#include <string.h>

/* Inputs so wide go through their weights for many steps at once. */
enum { WIDE_INPUT = 16 };

size_t mlops_network_round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

size_t mlops_network_packed(size_t depth, size_t columns)
{
	return depth * mlops_network_round_up(columns, MLOPS_GEMM_PANEL);
}

struct mlops_network_places mlops_network_places(const struct mlops_network_shape *shape)
{
	struct mlops_network_places places;
	size_t gates = 4 * shape->hidden, next = 0;

	for (size_t l = 0; l < MLOPS_NETWORK_LAYERS; l++) {
		struct mlops_layer_places *layer = &places.layers[l];

		layer->inputs = l == 0 ? shape->inputs : shape->hidden;
		layer->input_weights = next;
		layer->hidden_weights = layer->input_weights + gates * layer->inputs;
		layer->input_bias = layer->hidden_weights + gates * shape->hidden;
		layer->hidden_bias = layer->input_bias + gates;
		next = layer->hidden_bias + gates;
	}
	places.head_weights = next;
	places.head_bias = places.head_weights + shape->outputs * shape->hidden;
	places.total = places.head_bias + shape->outputs;
	return places;
}

/* The gates, or outputs, first ... first + n - 1 of a matrix [all of them, depth] become columns of a packed
 * one. */
static void pack(const float *matrix, size_t depth, size_t first, size_t n, float *packed)
{
	for (size_t j = first; j < first + n; j += MLOPS_GEMM_PANEL) {
		size_t width = first + n - j < MLOPS_GEMM_PANEL ? first + n - j : MLOPS_GEMM_PANEL;

		for (size_t k = 0; k < depth; k++)
			for (size_t i = 0; i < width; i++)
				packed[j * depth + k * MLOPS_GEMM_PANEL + i] = matrix[(j + i) * depth + k];
	}
}

void mlops_network_pack_layer(struct mlops_network *network, const float *parameters, size_t layer,
			      size_t first, size_t n)
{
	const struct mlops_layer_places *places = &network->places.layers[layer];
	struct mlops_layer *packed = &network->layers[layer];

	pack(parameters + places->input_weights, places->inputs, first, n, packed->input_weights);
	pack(parameters + places->hidden_weights, network->shape.hidden, first, n, packed->hidden_weights);
	for (size_t j = first; j < first + n; j++)
		packed->bias[j] = parameters[places->input_bias + j] + parameters[places->hidden_bias + j];
}

void mlops_network_pack_head(struct mlops_network *network, const float *parameters, size_t first, size_t n)
{
	pack(parameters + network->places.head_weights, network->shape.hidden, first, n,
	     network->head_weights);
	memcpy(network->head_bias + first, parameters + network->places.head_bias + first, n * sizeof(float));
}

struct mlops_gemm_part mlops_network_part(const float *a, size_t a_row, const float *packed, size_t depth)
{
	return (struct mlops_gemm_part){
		.a = a,
		.a_row = a_row,
		.a_step = 1,
		.b = packed,
		.b_panel = depth * MLOPS_GEMM_PANEL,
		.b_step = MLOPS_GEMM_PANEL,
		.depth = depth,
	};
}

void mlops_network_run_layer(const struct mlops_network *network, size_t layer,
			     const struct mlops_layer_run *run)
{
	const struct mlops_kernels *kernels = mlops_kernels();
	const struct mlops_layer *weights = &network->layers[layer];
	size_t hidden = network->shape.hidden, stride = network->stride, of_step = run->rows * stride;
	bool wide = weights->inputs >= WIDE_INPUT && run->input_step == run->rows * run->input_row;
	struct mlops_gemm gemm = { .columns = 4 * hidden,
				   .c_row = network->sums_row,
				   .c_panel = MLOPS_GEMM_PANEL };
	struct mlops_lstm_forward step = {
		.rows = run->rows, .units = hidden, .stride = stride, .sums_row = network->sums_row
	};

	if (run->fresh) {
		memset(run->hidden, 0, of_step * sizeof(float));
		memset(run->cell, 0, of_step * sizeof(float));
	}
	if (wide) {
		gemm.rows = run->steps * run->rows;
		gemm.start = weights->bias;
		gemm.n_parts = 1;
		gemm.parts[0] = mlops_network_part(run->input, run->input_row, weights->input_weights,
						   weights->inputs);
		gemm.c = run->sums;
		kernels->gemm(&gemm);
	}
	gemm.rows = run->rows;
	gemm.start = wide ? NULL : weights->bias;
	gemm.add = true;
	for (size_t t = 0; t < run->steps; t++) {
		float *sums = run->sums + t * run->rows * network->sums_row;
		size_t cell = run->saved != NULL ? t * of_step : 0;

		gemm.n_parts = 0;
		if (!wide)
			gemm.parts[gemm.n_parts++] =
				mlops_network_part(run->input + t * run->input_step, run->input_row,
						   weights->input_weights, weights->inputs);
		if (t > 0 || !run->fresh)
			gemm.parts[gemm.n_parts++] = mlops_network_part(run->hidden + t * of_step, stride,
									weights->hidden_weights, hidden);
		gemm.c = sums;
		gemm.backwards = t % 2 == 1;
		kernels->gemm(&gemm);
		step.sums = sums;
		step.cell = run->cell + cell;
		step.next_cell = run->cell + cell + (run->saved != NULL ? of_step : 0);
		step.hidden = run->hidden + (t + 1) * of_step;
		step.saved = run->saved != NULL ? run->saved + t * MLOPS_LSTM_SAVED * of_step : NULL;
		kernels->lstm_forward(&step);
	}
}

void mlops_network_run_head(const struct mlops_network *network, const float *hidden, size_t rows,
			    float *outputs)
{
	const struct mlops_network_shape *shape = &network->shape;
	struct mlops_gemm gemm = {
		.rows = rows,
		.columns = shape->outputs,
		.parts = { mlops_network_part(hidden, network->stride, network->head_weights,
					      shape->hidden) },
		.n_parts = 1,
		.start = network->head_bias,
		.c = outputs,
		.c_row = mlops_network_round_up(shape->outputs, MLOPS_GEMM_WIDTH),
		.c_panel = MLOPS_GEMM_PANEL,
	};

	mlops_kernels()->gemm(&gemm);
}
