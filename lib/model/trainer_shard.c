#include "model/trainer_shard.h"

#include "base/rng.h"
#include "model/trainer.h"

#include <string.h>

/* Both layers take so many steps in turn: what they hand each other stays in the cache, and so do their sums.
 */
enum { BLOCK_STEPS = 8 };

static size_t drop_chunks(const struct mlops_network *network)
{
	return (MLOPS_TRAINER_SHARD * network->stride + MLOPS_DROPOUT_CHUNK - 1) / MLOPS_DROPOUT_CHUNK;
}

static size_t keep_row(const struct mlops_network *network)
{
	return drop_chunks(network) * (MLOPS_DROPOUT_CHUNK / 16);
}

static size_t output_row(const struct mlops_network *network)
{
	return mlops_network_round_up(network->shape.outputs, MLOPS_GEMM_PANEL);
}

/* The next n floats. */
static float *take(float *memory, size_t *next, size_t n)
{
	float *taken = memory == NULL ? NULL : memory + *next;

	*next += mlops_network_round_up(n, MLOPS_GEMM_WIDTH);
	return taken;
}

size_t mlops_trainer_shard_place(const struct mlops_network *network, float *memory,
				 struct mlops_trainer_shard *shard)
{
	const struct mlops_network_shape *shape = &network->shape;
	size_t rows = MLOPS_TRAINER_SHARD, units = rows * network->stride, steps = shape->steps;
	size_t gates = 4 * shape->hidden, next = 0;

	shard->memory = memory;
	for (size_t l = 0; l < MLOPS_NETWORK_LAYERS; l++) {
		struct mlops_shard_layer *gradient = &shard->gradient.layers[l];

		shard->hidden[l] = take(memory, &next, (steps + 1) * units);
		shard->cell[l] = take(memory, &next, (steps + 1) * units);
		shard->saved[l] = take(memory, &next, steps * MLOPS_LSTM_SAVED * units);
		shard->at_hidden[l] = take(memory, &next, units);
		shard->at_cell[l] = take(memory, &next, units);
		gradient->input_weights =
			take(memory, &next, mlops_network_packed(network->layers[l].inputs, gates));
		gradient->hidden_weights = take(memory, &next, mlops_network_packed(shape->hidden, gates));
		gradient->bias = take(memory, &next, 4 * network->stride);
	}
	shard->input = take(memory, &next, steps * rows * shape->inputs);
	shard->keep = (uint16_t *)(void *)take(memory, &next, (steps + 1) * keep_row(network) / 2);
	shard->dropped = take(memory, &next, BLOCK_STEPS * units);
	shard->head_input = take(memory, &next, units);
	shard->outputs = take(memory, &next, rows * output_row(network));
	shard->sums = take(memory, &next, BLOCK_STEPS * rows * network->sums_row + MLOPS_LSTM_WIDTH);
	shard->at_input = take(memory, &next, BLOCK_STEPS * units);
	shard->gradient.head_weights =
		take(memory, &next, mlops_network_packed(shape->hidden, shape->outputs));
	shard->gradient.head_bias = take(memory, &next, shape->outputs);
	return next;
}

static void draw_keep(const struct mlops_network *network, const struct mlops_trainer_shard *shard,
		      const struct mlops_trainer_drops *drops, uint32_t threshold, size_t step)
{
	size_t chunks = drop_chunks(network);

	mlops_kernels()->dropout_draw(&(struct mlops_dropout){
		.key = { (uint32_t)drops->seed, (uint32_t)(drops->seed >> 32) },
		.index = drops->step,
		.purpose = MLOPS_RNG_DROPOUT,
		.first = (shard->number * (network->shape.steps + 1) + step) * chunks * 16,
		.threshold = threshold,
		.chunks = chunks,
		.keep = shard->keep + step * keep_row(network),
	});
}

/* Rows of units of one step after the other, with what was drawn for them. */
static void drop(const struct mlops_network *network, const struct mlops_trainer_shard *shard,
		 uint32_t threshold, size_t first, size_t steps, const float *from, float *to)
{
	size_t units = shard->rows * network->stride;
	float scale = 65536.0f / (65536.0f - (float)threshold);

	for (size_t s = 0; s < steps; s++)
		mlops_kernels()->dropout_apply(shard->keep + (first + s) * keep_row(network), scale,
					       from + s * units, units / 16, to + s * units);
}

/* The second layer's inputs of some steps. */
static const float *drop_hidden(const struct mlops_network *network, const struct mlops_trainer_shard *shard,
				const struct mlops_trainer_drops *drops, size_t first, size_t steps)
{
	const float *hidden = shard->hidden[0] + (first + 1) * shard->rows * network->stride;

	if (drops->threshold == 0)
		return hidden;
	drop(network, shard, drops->threshold, first, steps, hidden, shard->dropped);
	return shard->dropped;
}

/* A sequence's values, step after step, become a step's values, sequence after sequence. */
static void turn_input(const struct mlops_network_shape *shape, struct mlops_trainer_shard *shard,
		       const float *sequences)
{
	size_t inputs = shape->inputs;

	for (size_t t = 0; t < shape->steps; t++)
		for (size_t r = 0; r < shard->rows; r++)
			for (size_t k = 0; k < inputs; k++)
				shard->input[(t * shard->rows + r) * inputs + k] =
					sequences[(r * shape->steps + t) * inputs + k];
}

static struct mlops_layer_run run_from(const struct mlops_network *network, struct mlops_trainer_shard *shard,
				       size_t layer, size_t t, size_t steps)
{
	size_t units = shard->rows * network->stride;

	return (struct mlops_layer_run){
		.rows = shard->rows,
		.steps = steps,
		.fresh = t == 0,
		.hidden = shard->hidden[layer] + t * units,
		.cell = shard->cell[layer] + t * units,
		.saved = shard->saved[layer] + t * MLOPS_LSTM_SAVED * units,
		.sums = shard->sums,
	};
}

void mlops_trainer_shard_forward(const struct mlops_network *network, struct mlops_trainer_shard *shard,
				 const struct mlops_trainer_drops *drops, const float *sequences,
				 float *outputs)
{
	const struct mlops_network_shape *shape = &network->shape;
	size_t units = shard->rows * network->stride, of_step = shard->rows * shape->inputs;
	const float *last = shard->hidden[1] + shape->steps * units;

	turn_input(shape, shard, sequences);
	for (size_t t = 0; t < shape->steps; t += BLOCK_STEPS) {
		size_t left = shape->steps - t, steps = left < BLOCK_STEPS ? left : BLOCK_STEPS;
		struct mlops_layer_run layer_1 = run_from(network, shard, 0, t, steps);
		struct mlops_layer_run layer_2 = run_from(network, shard, 1, t, steps);

		layer_1.input = shard->input + t * of_step;
		layer_1.input_step = of_step;
		layer_1.input_row = shape->inputs;
		mlops_network_run_layer(network, 0, &layer_1);
		for (size_t s = t; drops->threshold > 0 && s < t + steps; s++)
			draw_keep(network, shard, drops, drops->threshold, s);
		layer_2.input = drop_hidden(network, shard, drops, t, steps);
		layer_2.input_step = units;
		layer_2.input_row = network->stride;
		mlops_network_run_layer(network, 1, &layer_2);
	}
	if (drops->head_threshold > 0) {
		draw_keep(network, shard, drops, drops->head_threshold, shape->steps);
		drop(network, shard, drops->head_threshold, shape->steps, 1, last, shard->head_input);
	} else {
		memcpy(shard->head_input, last, units * sizeof(float));
	}
	mlops_network_run_head(network, shard->head_input, shard->rows, shard->outputs);
	for (size_t r = 0; r < shard->rows; r++)
		memcpy(outputs + r * shape->outputs,
		       shard->outputs + r * mlops_network_round_up(shape->outputs, MLOPS_GEMM_WIDTH),
		       shape->outputs * sizeof(float));
}

/* gradient (+)= inputs^T at_sums, over `rows` rows of both. */
static void weights_gradient(const float *inputs, size_t width, size_t input_row, const float *at_sums,
			     size_t at_sums_row, size_t columns, size_t rows, bool add, float *gradient)
{
	struct mlops_gemm gemm = {
		.rows = width,
		.columns = columns,
		.parts = { {
			.a = inputs,
			.a_row = 1,
			.a_step = input_row,
			.b = at_sums,
			.b_panel = MLOPS_GEMM_PANEL,
			.b_step = at_sums_row,
			.depth = rows,
		} },
		.n_parts = 1,
		.add = add,
		.c = gradient,
		.c_row = MLOPS_GEMM_PANEL,
		.c_panel = width * MLOPS_GEMM_PANEL,
	};

	mlops_kernels()->gemm(&gemm);
}

/* result = at_sums times weights packed for the way back. */
static void hand_back(const struct mlops_network *network, const float *at_sums, size_t at_sums_row,
		      size_t rows, const float *weights, size_t depth, float *result)
{
	struct mlops_gemm gemm = {
		.rows = rows,
		.columns = network->shape.hidden,
		.parts = { mlops_network_part(at_sums, at_sums_row, weights, depth) },
		.n_parts = 1,
		.c = result,
		.c_row = network->stride,
		.c_panel = MLOPS_GEMM_PANEL,
	};

	mlops_kernels()->gemm(&gemm);
}

static void head_backward(const struct mlops_network *network, const struct mlops_trainer_weights *weights,
			  struct mlops_trainer_shard *shard, const struct mlops_trainer_drops *drops,
			  const float *output_gradient)
{
	const struct mlops_network_shape *shape = &network->shape;
	size_t row = output_row(network);
	float *bias = shard->gradient.head_bias;

	memset(shard->outputs, 0, shard->rows * row * sizeof(float));
	memset(bias, 0, shape->outputs * sizeof(float));
	for (size_t r = 0; r < shard->rows; r++) {
		for (size_t j = 0; j < shape->outputs; j++) {
			shard->outputs[r * row + j] = output_gradient[r * shape->outputs + j];
			bias[j] += shard->outputs[r * row + j];
		}
	}
	weights_gradient(shard->head_input, shape->hidden, network->stride, shard->outputs, row,
			 shape->outputs, shard->rows, false, shard->gradient.head_weights);
	hand_back(network, shard->outputs, row, shard->rows, weights->head_weights, shape->outputs,
		  shard->at_hidden[1]);
	if (drops->head_threshold > 0)
		drop(network, shard, drops->head_threshold, shape->steps, 1, shard->at_hidden[1],
		     shard->at_hidden[1]);
}

/* Steps first ... first + steps - 1 of a layer, the last one first.  The gradient at h comes from at_hidden,
 * and from above where that is given. */
static void layer_backward(const struct mlops_network *network, const float *hidden_weights,
			   struct mlops_trainer_shard *shard, size_t layer, size_t first, size_t steps,
			   const float *above)
{
	const struct mlops_kernels *kernels = mlops_kernels();
	size_t hidden = network->shape.hidden, rows = shard->rows, units = rows * network->stride;
	struct mlops_lstm_backward step = {
		.rows = rows,
		.units = hidden,
		.stride = network->stride,
		.hidden = shard->at_hidden[layer],
		.carry = shard->at_cell[layer],
		.sums_row = network->sums_row,
		.bias = shard->gradient.layers[layer].bias,
	};

	for (size_t s = steps; s-- > 0;) {
		size_t t = first + s;

		step.saved = shard->saved[layer] + t * MLOPS_LSTM_SAVED * units;
		step.soon = t > 0 ? step.saved - MLOPS_LSTM_SAVED * units : NULL;
		step.cell = shard->cell[layer] + t * units;
		step.more = above == NULL ? NULL : above + s * units;
		step.sums = shard->sums + s * rows * network->sums_row;
		kernels->lstm_backward(&step);
		if (t > 0)
			hand_back(network, step.sums, network->sums_row, rows, hidden_weights, 4 * hidden,
				  shard->at_hidden[layer]);
	}
}

/* The same steps' part in the gradient of the layer's weights. */
static void layer_gradient(const struct mlops_network *network, struct mlops_trainer_shard *shard,
			   size_t layer, size_t first, size_t steps, const float *input, size_t input_row)
{
	struct mlops_shard_layer *gradient = &shard->gradient.layers[layer];
	size_t gates = 4 * network->shape.hidden, rows = shard->rows;
	size_t skip = first == 0; /* before the first step h is zero */
	bool add = first + steps < network->shape.steps;

	weights_gradient(input, network->layers[layer].inputs, input_row, shard->sums, network->sums_row,
			 gates, steps * rows, add, gradient->input_weights);
	weights_gradient(shard->hidden[layer] + (first + skip) * rows * network->stride,
			 network->shape.hidden, network->stride,
			 shard->sums + skip * rows * network->sums_row, network->sums_row, gates,
			 (steps - skip) * rows, add, gradient->hidden_weights);
}

void mlops_trainer_shard_backward(const struct mlops_network *network,
				  const struct mlops_trainer_weights *weights,
				  struct mlops_trainer_shard *shard, const struct mlops_trainer_drops *drops,
				  const float *output_gradient)
{
	const struct mlops_network_shape *shape = &network->shape;
	size_t units = shard->rows * network->stride, gates = 4 * shape->hidden;
	size_t first = (shape->steps - 1) / BLOCK_STEPS * BLOCK_STEPS, steps = shape->steps - first;

	head_backward(network, weights, shard, drops, output_gradient);
	memset(shard->at_hidden[0], 0, units * sizeof(float));
	for (size_t l = 0; l < MLOPS_NETWORK_LAYERS; l++) {
		memset(shard->at_cell[l], 0, units * sizeof(float));
		memset(shard->gradient.layers[l].bias, 0, 4 * network->stride * sizeof(float));
	}
	for (;; first -= BLOCK_STEPS, steps = BLOCK_STEPS) {
		const float *input = drop_hidden(network, shard, drops, first, steps);

		layer_backward(network, weights->hidden_weights[1], shard, 1, first, steps, NULL);
		layer_gradient(network, shard, 1, first, steps, input, network->stride);
		hand_back(network, shard->sums, network->sums_row, steps * shard->rows,
			  weights->input_weights, gates, shard->at_input);
		if (drops->threshold > 0)
			drop(network, shard, drops->threshold, first, steps, shard->at_input,
			     shard->at_input);
		layer_backward(network, weights->hidden_weights[0], shard, 0, first, steps, shard->at_input);
		layer_gradient(network, shard, 0, first, steps,
			       shard->input + first * shard->rows * shape->inputs, shape->inputs);
		if (first == 0)
			break;
	}
}
