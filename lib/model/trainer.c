#include "model/trainer.h"

#include "model/trainer_shard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct mlops_trainer {
	struct mlops_trainer_options options;
	struct mlops_network *network;
	struct mlops_trainer_weights weights;
	struct mlops_trainer_drops drops;
	size_t count; /* the network's parameters and the extra ones */
	float *parameters, *gradient, *moments[2];
	uint64_t step; /* updates so far */
	size_t n_shards;
	struct mlops_trainer_shard *shards;
	size_t n; /* sequences of the batch */
	float *memory, *shard_memory;

	/* What a run over the pool works on. */
	const float *sequences, *output_gradient;
	float *outputs;
	struct mlops_adam adam;
};

/* Which outputs or gates of which layer a task has. */
struct part {
	size_t layer; /* MLOPS_NETWORK_LAYERS: the head */
	size_t first, n;
};

static const size_t head = MLOPS_NETWORK_LAYERS;

static bool check_options(const struct mlops_trainer_options *options, struct mlops_error *error)
{
	const struct {
		const char *name;
		float value, least, below;
	} limits[] = {
		{ "learning rate", options->learning_rate, 0, INFINITY },
		{ "beta1", options->beta1, 0, 1 },
		{ "beta2", options->beta2, 0, 1 },
		{ "epsilon", options->epsilon, 0, INFINITY },
		{ "weight decay", options->weight_decay, 0, INFINITY },
		{ "dropout", options->dropout, 0, 1 },
		{ "head dropout", options->head_dropout, 0, 1 },
		{ "clip", options->clip, 0, INFINITY },
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (!(limits[i].value >= limits[i].least && limits[i].value < limits[i].below))
			return mlops_error_set(error, MLOPS_DATA,
					       "trainer: %s %g, not at least %g and below %g", limits[i].name,
					       (double)limits[i].value, (double)limits[i].least,
					       (double)limits[i].below);
	if (options->batch < 1 || options->batch > 1 << 20)
		return mlops_error_set(error, MLOPS_DATA, "trainer: batch %zu, not between 1 and %d",
				       options->batch, 1 << 20);
	return true;
}

static bool allocate(struct mlops_trainer *trainer)
{
	const struct mlops_network_shape *shape = &trainer->network->shape;
	size_t back = mlops_network_packed(4 * shape->hidden, shape->hidden);
	size_t head_back = mlops_network_packed(shape->outputs, shape->hidden);
	size_t vector = mlops_network_round_up(trainer->count, MLOPS_GEMM_PANEL);
	size_t floats = 4 * vector + 3 * back + head_back;
	size_t of_shard;
	float *next;

	trainer->n_shards = (trainer->options.batch + MLOPS_TRAINER_SHARD - 1) / MLOPS_TRAINER_SHARD;
	trainer->shards = calloc(trainer->n_shards, sizeof *trainer->shards);
	if (trainer->shards == NULL)
		return false;
	of_shard = mlops_trainer_shard_place(trainer->network, NULL, trainer->shards);
	if (of_shard > SIZE_MAX / sizeof(float) / trainer->n_shards)
		return false;
	trainer->memory = aligned_alloc(64, floats * sizeof(float));
	trainer->shard_memory = aligned_alloc(64, trainer->n_shards * of_shard * sizeof(float));
	if (trainer->memory == NULL || trainer->shard_memory == NULL)
		return false;
	memset(trainer->memory, 0, floats * sizeof(float));
	memset(trainer->shard_memory, 0, trainer->n_shards * of_shard * sizeof(float));
	next = trainer->memory;
	trainer->parameters = next;
	trainer->gradient = next + vector;
	trainer->moments[0] = next + 2 * vector;
	trainer->moments[1] = next + 3 * vector;
	next += 4 * vector;
	trainer->weights = (struct mlops_trainer_weights){
		.input_weights = next,
		.hidden_weights = { next + back, next + 2 * back },
		.head_weights = next + 3 * back,
	};
	for (size_t s = 0; s < trainer->n_shards; s++) {
		trainer->shards[s].number = s;
		mlops_trainer_shard_place(trainer->network, trainer->shard_memory + s * of_shard,
					  &trainer->shards[s]);
	}
	return true;
}

/* Rows first ... first + n - 1 of a matrix [rows, columns] as rows of a packed one. */
static void pack_rows(const float *matrix, size_t rows, size_t columns, size_t first, size_t n, float *packed)
{
	for (size_t j = first; j < first + n; j++) {
		for (size_t k = 0; k < columns; k += MLOPS_GEMM_PANEL) {
			size_t width = columns - k < MLOPS_GEMM_PANEL ? columns - k : MLOPS_GEMM_PANEL;

			memcpy(packed + k * rows + j * MLOPS_GEMM_PANEL, matrix + j * columns + k,
			       width * sizeof(float));
		}
	}
}

/* Packs what a part has of the parameters. */
static void pack(struct mlops_trainer *trainer, const struct part *part)
{
	struct mlops_network *network = trainer->network;
	size_t hidden = network->shape.hidden;
	const float *parameters = trainer->parameters;
	const struct mlops_layer_places *places;

	if (part->layer == head) {
		mlops_network_pack_head(network, parameters, part->first, part->n);
		pack_rows(parameters + network->places.head_weights, network->shape.outputs, hidden,
			  part->first, part->n, trainer->weights.head_weights);
		return;
	}
	places = &network->places.layers[part->layer];
	mlops_network_pack_layer(network, parameters, part->layer, part->first, part->n);
	pack_rows(parameters + places->hidden_weights, 4 * hidden, hidden, part->first, part->n,
		  trainer->weights.hidden_weights[part->layer]);
	if (part->layer == 1)
		pack_rows(parameters + places->input_weights, 4 * hidden, hidden, part->first, part->n,
			  trainer->weights.input_weights);
}

static size_t panels(size_t columns)
{
	return (columns + MLOPS_GEMM_PANEL - 1) / MLOPS_GEMM_PANEL;
}

/* A task for each panel of each layer's gates, then of the head's outputs. */
static size_t count_parts(const struct mlops_trainer *trainer)
{
	const struct mlops_network_shape *shape = &trainer->network->shape;

	return MLOPS_NETWORK_LAYERS * panels(4 * shape->hidden) + panels(shape->outputs);
}

static struct part part_of_task(const struct mlops_trainer *trainer, size_t task)
{
	const struct mlops_network_shape *shape = &trainer->network->shape;
	size_t each = panels(4 * shape->hidden);
	size_t layer = task / each < head ? task / each : head;
	size_t first = (task - layer * each) * MLOPS_GEMM_PANEL;
	size_t left = (layer == head ? shape->outputs : 4 * shape->hidden) - first;

	return (struct part){ layer, first, left < MLOPS_GEMM_PANEL ? left : MLOPS_GEMM_PANEL };
}

static void pack_all(struct mlops_trainer *trainer)
{
	for (size_t task = 0; task < count_parts(trainer); task++) {
		struct part part = part_of_task(trainer, task);

		pack(trainer, &part);
	}
}

static uint32_t threshold(float odds)
{
	return (uint32_t)fminf(65535, roundf(odds * 65536));
}

struct mlops_trainer *mlops_trainer_new(const struct mlops_network_shape *shape,
					const struct mlops_trainer_options *options, const float *parameters,
					struct mlops_error *error)
{
	struct mlops_trainer *trainer;

	if (!check_options(options, error))
		return NULL;
	trainer = calloc(1, sizeof *trainer);
	if (trainer == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	trainer->options = *options;
	trainer->drops = (struct mlops_trainer_drops){
		.seed = options->seed,
		.threshold = threshold(options->dropout),
		.head_threshold = threshold(options->head_dropout),
	};
	trainer->count = mlops_network_parameters(shape) + options->extra;
	trainer->network = mlops_network_new(shape, parameters, error);
	if (trainer->network == NULL || !allocate(trainer)) {
		mlops_error_set_memory(error);
		mlops_trainer_free(trainer);
		return NULL;
	}
	memcpy(trainer->parameters, parameters, trainer->count * sizeof *parameters);
	pack_all(trainer);
	return trainer;
}

void mlops_trainer_free(struct mlops_trainer *trainer)
{
	if (trainer == NULL)
		return;
	mlops_network_free(trainer->network);
	free(trainer->shards);
	free(trainer->memory);
	free(trainer->shard_memory);
	free(trainer);
}

static size_t shards_of_batch(const struct mlops_trainer *trainer)
{
	return (trainer->n + MLOPS_TRAINER_SHARD - 1) / MLOPS_TRAINER_SHARD;
}

static void forward(void *context, size_t task, unsigned worker)
{
	struct mlops_trainer *trainer = context;
	const struct mlops_network_shape *shape = &trainer->network->shape;
	struct mlops_trainer_shard *shard = &trainer->shards[task];
	size_t first = task * MLOPS_TRAINER_SHARD, left = trainer->n - first;

	(void)worker;
	shard->rows = left < MLOPS_TRAINER_SHARD ? left : MLOPS_TRAINER_SHARD;
	mlops_trainer_shard_forward(trainer->network, shard, &trainer->drops,
				    trainer->sequences + first * shape->steps * shape->inputs,
				    trainer->outputs + first * shape->outputs);
}

void mlops_trainer_forward(struct mlops_trainer *trainer, const float *sequences, size_t n,
			   struct mlops_pool *pool, float *outputs)
{
	trainer->n = n;
	trainer->sequences = sequences;
	trainer->outputs = outputs;
	trainer->drops.step = (uint32_t)trainer->step;
	mlops_pool_run(pool, shards_of_batch(trainer), forward, trainer);
}

static void backward(void *context, size_t task, unsigned worker)
{
	struct mlops_trainer *trainer = context;
	size_t first = task * MLOPS_TRAINER_SHARD;

	(void)worker;
	mlops_trainer_shard_backward(trainer->network, &trainer->weights, &trainer->shards[task],
				     &trainer->drops,
				     trainer->output_gradient + first * trainer->network->shape.outputs);
}

/* Adds up what the shards have at `packed`, a place in the first one: some columns of a matrix [depth,
 * columns], which are rows of the flat vector's. */
static void add_matrix(struct mlops_trainer *trainer, const struct part *part, const float *packed,
		       size_t depth, size_t place)
{
	size_t offset = (size_t)(packed - trainer->shards[0].memory) + part->first * depth;
	size_t n_shards = shards_of_batch(trainer);
	float *gradient = trainer->gradient + place + part->first * depth;

	for (size_t k = 0; k < depth; k++) {
		float sums[MLOPS_GEMM_PANEL];

		memcpy(sums, trainer->shards[0].memory + offset + k * MLOPS_GEMM_PANEL, sizeof sums);
		for (size_t s = 1; s < n_shards; s++) {
			const float *more = trainer->shards[s].memory + offset + k * MLOPS_GEMM_PANEL;

			for (size_t i = 0; i < MLOPS_GEMM_PANEL; i++)
				sums[i] += more[i];
		}
		for (size_t i = 0; i < part->n; i++)
			gradient[i * depth + k] = sums[i];
	}
}

/* The same of a vector. */
static float add_value(const struct mlops_trainer *trainer, const float *value)
{
	size_t offset = (size_t)(value - trainer->shards[0].memory);
	float sum = trainer->shards[0].memory[offset];

	for (size_t s = 1; s < shards_of_batch(trainer); s++)
		sum += trainer->shards[s].memory[offset];
	return sum;
}

static void add_part(void *context, size_t task, unsigned worker)
{
	struct mlops_trainer *trainer = context;
	const struct mlops_network *network = trainer->network;
	const struct mlops_shard_gradient *gradient = &trainer->shards[0].gradient;
	size_t hidden = network->shape.hidden;
	struct part part = part_of_task(trainer, task);
	const struct mlops_layer_places *places = &network->places.layers[part.layer];

	(void)worker;
	if (part.layer == head) {
		add_matrix(trainer, &part, gradient->head_weights, hidden, network->places.head_weights);
		for (size_t j = part.first; j < part.first + part.n; j++)
			trainer->gradient[network->places.head_bias + j] =
				add_value(trainer, gradient->head_bias + j);
		return;
	}
	add_matrix(trainer, &part, gradient->layers[part.layer].input_weights, places->inputs,
		   places->input_weights);
	add_matrix(trainer, &part, gradient->layers[part.layer].hidden_weights, hidden,
		   places->hidden_weights);
	for (size_t j = part.first; j < part.first + part.n; j++) {
		size_t gate = j / hidden * network->stride + j % hidden;
		float sum = add_value(trainer, gradient->layers[part.layer].bias + gate);

		trainer->gradient[places->input_bias + j] = sum;
		trainer->gradient[places->hidden_bias + j] = sum;
	}
}

void mlops_trainer_backward(struct mlops_trainer *trainer, const float *output_gradient,
			    const float *extra_gradient, struct mlops_pool *pool)
{
	trainer->output_gradient = output_gradient;
	mlops_pool_run(pool, shards_of_batch(trainer), backward, trainer);
	mlops_pool_run(pool, count_parts(trainer), add_part, trainer);
	if (trainer->options.extra > 0)
		memcpy(trainer->gradient + trainer->network->places.total, extra_gradient,
		       trainer->options.extra * sizeof *extra_gradient);
}

/* By squaring: the same on every machine, which pow isn't. */
static double power(double base, uint64_t exponent)
{
	double result = 1;

	for (; exponent > 0; exponent >>= 1, base *= base)
		if (exponent & 1)
			result *= base;
	return result;
}

static void step(struct mlops_trainer *trainer, size_t first, size_t n)
{
	mlops_kernels()->adam(&trainer->adam, trainer->gradient + first, n, trainer->moments[0] + first,
			      trainer->moments[1] + first, trainer->parameters + first);
}

static void update_part(void *context, size_t task, unsigned worker)
{
	struct mlops_trainer *trainer = context;
	const struct mlops_network_places *places = &trainer->network->places;
	size_t hidden = trainer->network->shape.hidden;
	struct part part = part_of_task(trainer, task);

	(void)worker;
	if (part.layer == head) {
		step(trainer, places->head_weights + part.first * hidden, part.n * hidden);
		step(trainer, places->head_bias + part.first, part.n);
	} else {
		const struct mlops_layer_places *layer = &places->layers[part.layer];

		step(trainer, layer->input_weights + part.first * layer->inputs, part.n * layer->inputs);
		step(trainer, layer->hidden_weights + part.first * hidden, part.n * hidden);
		step(trainer, layer->input_bias + part.first, part.n);
		step(trainer, layer->hidden_bias + part.first, part.n);
	}
	pack(trainer, &part);
}

double mlops_trainer_update(struct mlops_trainer *trainer, struct mlops_pool *pool)
{
	const struct mlops_trainer_options *options = &trainer->options;
	double norm = sqrt(mlops_kernels()->sum_squares(trainer->gradient, trainer->count));
	double scale = options->clip > 0 ? (double)options->clip / (norm + 1e-6) : 1;

	if (!isfinite(norm))
		return norm;
	trainer->step++;
	trainer->adam = (struct mlops_adam){
		.beta1 = options->beta1,
		.rest1 = (float)(1 - (double)options->beta1),
		.beta2 = options->beta2,
		.rest2 = (float)(1 - (double)options->beta2),
		.scale = (float)fmin(scale, 1),
		.keep = (float)(1 - (double)options->learning_rate * (double)options->weight_decay),
		.step = (float)((double)options->learning_rate /
				(1 - power((double)options->beta1, trainer->step))),
		.root = (float)(1 / sqrt(1 - power((double)options->beta2, trainer->step))),
		.epsilon = options->epsilon,
	};
	mlops_pool_run(pool, count_parts(trainer), update_part, trainer);
	step(trainer, trainer->network->places.total, options->extra);
	return norm;
}

void mlops_trainer_set_learning_rate(struct mlops_trainer *trainer, float learning_rate)
{
	trainer->options.learning_rate = learning_rate;
}

const struct mlops_network *mlops_trainer_network(const struct mlops_trainer *trainer)
{
	return trainer->network;
}

const float *mlops_trainer_extra(const struct mlops_trainer *trainer)
{
	return trainer->parameters + trainer->network->places.total;
}

void mlops_trainer_parameters(const struct mlops_trainer *trainer, float *parameters)
{
	memcpy(parameters, trainer->parameters, trainer->count * sizeof *parameters);
}

void mlops_trainer_gradient(const struct mlops_trainer *trainer, float *gradient)
{
	memcpy(gradient, trainer->gradient, trainer->count * sizeof *gradient);
}

static void put(unsigned char *to, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << 8 * i;
	return value;
}

/* Number of parameters, number of steps, parameters, both moments. */
enum { SAVED_HEAD = 16, SAVED_VECTORS = 3 };

void mlops_trainer_save(const struct mlops_trainer *trainer, struct mlops_buffer *bytes)
{
	const float *const vectors[SAVED_VECTORS] = { trainer->parameters, trainer->moments[0],
						      trainer->moments[1] };
	unsigned char head_bytes[SAVED_HEAD];

	put(head_bytes, trainer->count, 8);
	put(head_bytes + 8, trainer->step, 8);
	mlops_buffer_append(bytes, head_bytes, sizeof head_bytes);
	for (size_t v = 0; v < SAVED_VECTORS; v++) {
		for (size_t i = 0; i < trainer->count; i++) {
			unsigned char float_bytes[4];
			uint32_t word;

			memcpy(&word, vectors[v] + i, sizeof word);
			put(float_bytes, word, sizeof float_bytes);
			mlops_buffer_append(bytes, float_bytes, sizeof float_bytes);
		}
	}
}

bool mlops_trainer_restore(struct mlops_trainer *trainer, const char *bytes, size_t length,
			   struct mlops_error *error)
{
	float *const vectors[SAVED_VECTORS] = { trainer->parameters, trainer->moments[0],
						trainer->moments[1] };
	const unsigned char *from = (const unsigned char *)bytes;
	size_t floats = SAVED_VECTORS * trainer->count;

	if (length != SAVED_HEAD + 4 * floats || get(from, 8) != trainer->count)
		return mlops_error_set(error, MLOPS_DATA,
				       "saved training: %zu bytes, not those of %zu parameters", length,
				       trainer->count);
	for (size_t i = 0; i < floats; i++) {
		uint32_t word = (uint32_t)get(from + SAVED_HEAD + 4 * i, 4);

		if ((word & 0x7f800000) == 0x7f800000)
			return mlops_error_set(error, MLOPS_DATA,
					       "saved training: a parameter is not finite");
	}
	trainer->step = get(from + 8, 8);
	for (size_t i = 0; i < floats; i++) {
		uint32_t word = (uint32_t)get(from + SAVED_HEAD + 4 * i, 4);

		memcpy(vectors[i / trainer->count] + i % trainer->count, &word, sizeof word);
	}
	pack_all(trainer);
	return true;
}
