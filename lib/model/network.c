#include "model/network.h"

#include "base/rng.h"
#include "model/network_layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_ROWS = 16,  /* sequences of a task: each weight that is read serves all of them */
	BLOCK_STEPS = 8,  /* steps whose inputs go through the second layer's weights at once */
	SINGLE_STEPS = 64 /* the same of a sequence alone */
};

bool mlops_network_check(const struct mlops_network_shape *shape, struct mlops_error *error)
{
	const struct {
		const char *name;
		size_t value, most;
	} limits[] = {
		{ "inputs", shape->inputs, MLOPS_NETWORK_MOST_INPUTS },
		{ "hidden units", shape->hidden, MLOPS_NETWORK_MOST_HIDDEN },
		{ "outputs", shape->outputs, MLOPS_NETWORK_MOST_OUTPUTS },
		{ "steps", shape->steps, MLOPS_NETWORK_MOST_STEPS },
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (limits[i].value < 1 || limits[i].value > limits[i].most)
			return mlops_error_set(error, MLOPS_DATA, "network: %zu %s, not between 1 and %zu",
					       limits[i].value, limits[i].name, limits[i].most);
	return true;
}

size_t mlops_network_parameters(const struct mlops_network_shape *shape)
{
	return mlops_network_places(shape).total;
}

void mlops_network_init(const struct mlops_network_shape *shape, uint64_t seed, float *parameters)
{
	struct mlops_network_places places = mlops_network_places(shape);
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_WEIGHTS, 0);
	double bound = 1 / sqrt((double)shape->hidden);

	for (size_t i = 0; i < places.head_weights; i++)
		parameters[i] = (float)(bound * (2 * mlops_rng_unit(&rng) - 1));
	memset(parameters + places.head_weights, 0,
	       (places.total - places.head_weights) * sizeof *parameters);
}

static size_t layer_floats(const struct mlops_network_shape *shape, size_t inputs)
{
	size_t gates = 4 * shape->hidden;

	return mlops_network_packed(inputs, gates) + mlops_network_packed(shape->hidden, gates) +
	       mlops_network_round_up(gates, MLOPS_GEMM_PANEL);
}

/* Everything begins on a line of the cache, as all sizes are multiples of MLOPS_GEMM_PANEL. */
static void share_out(struct mlops_network *network)
{
	const struct mlops_network_shape *shape = &network->shape;
	size_t gates = 4 * shape->hidden;
	float *next = network->memory;

	for (size_t l = 0; l < MLOPS_NETWORK_LAYERS; l++) {
		struct mlops_layer *layer = &network->layers[l];

		layer->inputs = network->places.layers[l].inputs;
		layer->input_weights = next;
		layer->hidden_weights = layer->input_weights + mlops_network_packed(layer->inputs, gates);
		layer->bias = layer->hidden_weights + mlops_network_packed(shape->hidden, gates);
		next = layer->bias + mlops_network_round_up(gates, MLOPS_GEMM_PANEL);
	}
	network->head_weights = next;
	network->head_bias = next + mlops_network_packed(shape->hidden, shape->outputs);
}

struct mlops_network *mlops_network_new(const struct mlops_network_shape *shape, const float *parameters,
					struct mlops_error *error)
{
	struct mlops_network *network = calloc(1, sizeof *network);
	size_t floats = layer_floats(shape, shape->inputs) + layer_floats(shape, shape->hidden) +
			mlops_network_packed(shape->hidden + 1, shape->outputs);

	if (network == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	network->shape = *shape;
	network->places = mlops_network_places(shape);
	network->stride = mlops_network_round_up(shape->hidden, MLOPS_LSTM_WIDTH);
	/* not a power of two: rows would fall on the same lines of the cache */
	network->sums_row = mlops_network_round_up(4 * shape->hidden, MLOPS_LSTM_WIDTH) + MLOPS_LSTM_WIDTH;
	network->memory = aligned_alloc(64, floats * sizeof(float));
	if (network->memory == NULL) {
		mlops_error_set_memory(error);
		mlops_network_free(network);
		return NULL;
	}
	memset(network->memory, 0, floats * sizeof(float));
	share_out(network);
	for (size_t l = 0; l < MLOPS_NETWORK_LAYERS; l++)
		mlops_network_pack_layer(network, parameters, l, 0, 4 * shape->hidden);
	mlops_network_pack_head(network, parameters, 0, shape->outputs);
	return network;
}

void mlops_network_free(struct mlops_network *network)
{
	if (network == NULL)
		return;
	free(network->memory);
	free(network);
}

/* A worker's own memory. */
struct scratch {
	float *hidden[MLOPS_NETWORK_LAYERS], *cell[MLOPS_NETWORK_LAYERS], *sums, *outputs;
};

struct job {
	const struct mlops_network *network;
	const float *sequences;
	size_t n, block_rows, block_steps;
	float *outputs;
	float *memory;
	size_t worker_floats;
};

/* Floats of a worker; with memory, where they are. */
static size_t scratch_of(const struct job *job, float *memory, struct scratch *scratch)
{
	const struct mlops_network *network = job->network;
	size_t rows = job->block_rows, steps = job->block_steps;
	size_t hidden = (steps + 1) * rows * network->stride, cell = rows * network->stride;
	size_t sums = steps * rows * network->sums_row + MLOPS_LSTM_WIDTH;
	size_t outputs = rows * mlops_network_round_up(network->shape.outputs, MLOPS_GEMM_WIDTH);

	if (memory != NULL)
		*scratch = (struct scratch){
			.hidden = { memory, memory + hidden },
			.cell = { memory + 2 * hidden, memory + 2 * hidden + cell },
			.sums = memory + 2 * (hidden + cell),
			.outputs = memory + 2 * (hidden + cell) + sums,
		};
	return mlops_network_round_up(2 * (hidden + cell) + sums + outputs, MLOPS_GEMM_WIDTH);
}

/* Both layers in turn, some steps each: what the first says stays in the cache for the second. */
static void run_block(void *context, size_t task, unsigned worker)
{
	const struct job *job = context;
	const struct mlops_network *network = job->network;
	const struct mlops_network_shape *shape = &network->shape;
	size_t first = task * job->block_rows;
	size_t rows = job->n - first < job->block_rows ? job->n - first : job->block_rows;
	size_t of_step = rows * network->stride,
	       outputs = mlops_network_round_up(shape->outputs, MLOPS_GEMM_WIDTH);
	const float *sequences = job->sequences + first * shape->steps * shape->inputs;
	struct scratch scratch;
	struct mlops_layer_run layer_1, layer_2;

	scratch_of(job, job->memory + worker * job->worker_floats, &scratch);
	layer_1 = (struct mlops_layer_run){
		.rows = rows,
		.input_step = shape->inputs,
		.input_row = shape->steps * shape->inputs,
		.hidden = scratch.hidden[0],
		.cell = scratch.cell[0],
		.sums = scratch.sums,
	};
	layer_2 = (struct mlops_layer_run){
		.rows = rows,
		.input = scratch.hidden[0] + of_step,
		.input_step = of_step,
		.input_row = network->stride,
		.hidden = scratch.hidden[1],
		.cell = scratch.cell[1],
		.sums = scratch.sums,
	};
	for (size_t t = 0; t < shape->steps; t += job->block_steps) {
		size_t left = shape->steps - t, steps = left < job->block_steps ? left : job->block_steps;

		layer_1.fresh = layer_2.fresh = t == 0;
		layer_1.steps = layer_2.steps = steps;
		layer_1.input = sequences + t * shape->inputs;
		mlops_network_run_layer(network, 0, &layer_1);
		mlops_network_run_layer(network, 1, &layer_2);
		for (size_t l = 0; l < MLOPS_NETWORK_LAYERS; l++)
			memcpy(scratch.hidden[l], scratch.hidden[l] + steps * of_step,
			       of_step * sizeof(float));
	}
	mlops_network_run_head(network, scratch.hidden[1], rows, scratch.outputs);
	for (size_t r = 0; r < rows; r++)
		memcpy(job->outputs + (first + r) * shape->outputs, scratch.outputs + r * outputs,
		       shape->outputs * sizeof(float));
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool mlops_network_run(const struct mlops_network *network, const float *sequences, size_t n,
		       struct mlops_pool *pool, float *outputs, struct mlops_error *error)
{
	size_t workers = mlops_pool_workers(pool), share = (n + workers - 1) / workers, tasks, bytes;
	struct job job = { .network = network, .sequences = sequences, .n = n, .outputs = outputs };

	if (n == 0)
		return true;
	job.block_rows = least(share > 8 ? BLOCK_ROWS : mlops_network_round_up(share, 8), n);
	job.block_steps = least(n == 1 ? SINGLE_STEPS : BLOCK_STEPS, network->shape.steps);
	job.worker_floats = scratch_of(&job, NULL, NULL);
	tasks = (n + job.block_rows - 1) / job.block_rows;
	bytes = workers * job.worker_floats * sizeof(float);
	job.memory = aligned_alloc(64, mlops_network_round_up(bytes, 64));
	if (job.memory == NULL)
		return mlops_error_set_memory(error);
	mlops_pool_run(pool, tasks, run_block, &job);
	free(job.memory);
	return true;
}
