/* The network against the same in double precision, whose gradient is that of finite differences. */
#include "base/rng.h"
#include "kernel/table.h"
#include "model/trainer.h"
#include "network_double.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A network with weights drawn, sequences and the gradient at its outputs, in both precisions. */
struct sample {
	struct mlops_network_shape shape;
	size_t n, count;
	float *parameters, *sequences, *weights, *outputs, *gradient;
	double *exact_parameters, *exact_sequences, *exact_weights, *exact_outputs, *exact_gradient;
};

static float *draw(size_t n, double width, uint32_t index, double **exact)
{
	struct mlops_rng rng = mlops_rng_start(5, MLOPS_RNG_SIMULATE, index);
	float *values = calloc(n, sizeof *values);

	*exact = calloc(n, sizeof **exact);
	assert_non_null(values);
	assert_non_null(*exact);
	for (size_t i = 0; i < n; i++) {
		values[i] = (float)(width * (2 * mlops_rng_unit(&rng) - 1));
		(*exact)[i] = (double)values[i];
	}
	return values;
}

static struct sample sample_new(size_t inputs, size_t hidden, size_t outputs, size_t steps, size_t n)
{
	struct sample sample = { .shape = { inputs, hidden, outputs, steps }, .n = n };

	sample.count = mlops_network_parameters(&sample.shape);
	sample.parameters = draw(sample.count, 1 / sqrt((double)hidden), 1, &sample.exact_parameters);
	sample.sequences = draw(n * steps * inputs, 2, 2, &sample.exact_sequences);
	sample.weights = draw(n * outputs, 1, 3, &sample.exact_weights);
	sample.outputs = draw(n * outputs, 0, 4, &sample.exact_outputs);
	sample.gradient = draw(sample.count, 0, 5, &sample.exact_gradient);
	return sample;
}

static void sample_free(struct sample *sample)
{
	free(sample->parameters);
	free(sample->sequences);
	free(sample->weights);
	free(sample->outputs);
	free(sample->gradient);
	free(sample->exact_parameters);
	free(sample->exact_sequences);
	free(sample->exact_weights);
	free(sample->exact_outputs);
	free(sample->exact_gradient);
}

static double exact_loss(struct sample *sample, double *gradient)
{
	return double_network(&sample->shape, sample->exact_parameters, sample->exact_sequences, sample->n,
			      sample->exact_weights, sample->exact_outputs, gradient);
}

static void exact_gradient_is_that_of_differences(void **state)
{
	struct sample sample = sample_new(2, 5, 3, 7, 3);
	const double width = 1e-5;

	(void)state;
	exact_loss(&sample, sample.exact_gradient);
	for (size_t i = 0; i < sample.count; i++) {
		double at = sample.exact_parameters[i], above, below;

		sample.exact_parameters[i] = at + width;
		above = exact_loss(&sample, NULL);
		sample.exact_parameters[i] = at - width;
		below = exact_loss(&sample, NULL);
		sample.exact_parameters[i] = at;
		assert_true(fabs((above - below) / (2 * width) - sample.exact_gradient[i]) < 1e-9);
	}
	sample_free(&sample);
}

static double norm(const double *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i] * values[i];
	return sqrt(sum);
}

/* |a - b| / |b| as vectors. */
static double difference(const float *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	return sqrt(sum) / norm(b, n);
}

static void run(struct sample *sample, struct mlops_pool *pool)
{
	struct mlops_network *network = mlops_network_new(&sample->shape, sample->parameters, NULL);

	assert_non_null(network);
	assert_true(mlops_network_run(network, sample->sequences, sample->n, pool, sample->outputs, NULL));
	mlops_network_free(network);
}

static struct mlops_trainer *train(struct sample *sample, struct mlops_trainer_options options,
				   struct mlops_pool *pool)
{
	struct mlops_trainer *trainer;

	options.batch = sample->n;
	trainer = mlops_trainer_new(&sample->shape, &options, sample->parameters, NULL);
	assert_non_null(trainer);
	mlops_trainer_forward(trainer, sample->sequences, sample->n, pool, sample->outputs);
	mlops_trainer_backward(trainer, sample->weights, NULL, pool);
	mlops_trainer_gradient(trainer, sample->gradient);
	return trainer;
}

static void agree(size_t inputs, size_t hidden, size_t outputs, size_t steps, size_t n)
{
	struct mlops_trainer_options options = MLOPS_TRAINER_OPTIONS_INIT;
	struct sample sample = sample_new(inputs, hidden, outputs, steps, n);
	struct mlops_network_shape *shape = &sample.shape;
	size_t layers = sample.count - outputs * (hidden + 1);
	size_t first = 4 * hidden * (inputs + hidden + 2);

	exact_loss(&sample, sample.exact_gradient);
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		assert_true(mlops_kernels_force(mlops_kernels_at(k)->name));
		run(&sample, NULL);
		for (size_t i = 0; i < n * outputs; i++)
			assert_true(fabs((double)sample.outputs[i] - sample.exact_outputs[i]) < 1e-6);
		memset(sample.outputs, 0, n * outputs * sizeof *sample.outputs);
		mlops_trainer_free(train(&sample, options, NULL));
		for (size_t i = 0; i < n * outputs; i++)
			assert_true(fabs((double)sample.outputs[i] - sample.exact_outputs[i]) < 1e-6);
		assert_true(difference(sample.gradient, sample.exact_gradient, first) < 1e-5);
		assert_true(difference(sample.gradient + first, sample.exact_gradient + first,
				       layers - first) < 1e-5);
		assert_true(difference(sample.gradient + layers, sample.exact_gradient + layers,
				       sample.count - layers) < 1e-5);
	}
	assert_true(mlops_kernels_force(NULL));
	assert_int_equal(sample.count, mlops_network_parameters(shape));
	sample_free(&sample);
}

static void agrees_with_double(void **state)
{
	(void)state;
	agree(1, 64, 1, 60, 32);
	agree(1, 1, 1, 1, 1);
	agree(2, 3, 5, 2, 9);
	agree(3, 50, 40, 17, 13);
	agree(1, 100, 7, 9, 3);
	agree(20, 16, 33, 8, 25);
	agree(1, 50, 1, 60, 1);
}

/* Everything that a short training leaves behind, with dropout and a batch whose last shard is not full. */
struct memory {
	float outputs[13 * 2], gradient[2048], parameters[2048];
	double norm;
};

static void short_training(struct sample *sample, struct mlops_pool *pool, struct memory *memory)
{
	struct mlops_trainer_options options = MLOPS_TRAINER_OPTIONS_INIT;
	struct mlops_trainer *trainer;

	options.dropout = 0.2f;
	options.head_dropout = 0.1f;
	options.clip = 0.5f;
	memset(memory, 0, sizeof *memory);
	trainer = train(sample, options, pool);
	for (int step = 0; step < 3; step++) {
		memory->norm = mlops_trainer_update(trainer, pool);
		mlops_trainer_forward(trainer, sample->sequences, sample->n, pool, memory->outputs);
		mlops_trainer_backward(trainer, sample->weights, NULL, pool);
	}
	mlops_trainer_gradient(trainer, memory->gradient);
	mlops_trainer_parameters(trainer, memory->parameters);
	mlops_trainer_free(trainer);
}

static void same_bits_for_any_threads_and_builds(void **state)
{
	struct sample sample = sample_new(2, 10, 2, 19, 13);
	const unsigned threads[] = { 1, 2, 3, 7 };
	struct memory expected, found;
	float outputs[13 * 2];

	(void)state;
	assert_true(mlops_kernels_force("reference"));
	short_training(&sample, NULL, &expected);
	run(&sample, NULL);
	memcpy(outputs, sample.outputs, sizeof outputs);
	assert_true(expected.norm > 0.5);
	for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
		const char *name = mlops_kernels_at(k)->name;

		if (strcmp(name, "v2") == 0)
			continue;
		assert_true(mlops_kernels_force(name));
		for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
			struct mlops_pool *pool = mlops_pool_new(threads[i], NULL);

			short_training(&sample, pool, &found);
			assert_memory_equal(&found, &expected, sizeof found);
			run(&sample, pool);
			assert_memory_equal(sample.outputs, outputs, sizeof outputs);
			mlops_pool_free(pool);
		}
	}
	assert_true(mlops_kernels_force(NULL));
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_gradient_is_that_of_differences),
		cmocka_unit_test(agrees_with_double),
		cmocka_unit_test(same_bits_for_any_threads_and_builds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
