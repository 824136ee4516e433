/* What a trainer does beside gradients: steps, clipping, dropout, saving, refusing. */
#include "base/rng.h"
#include "model/trainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 6, ROWS = 10, EXTRA = 3, MOST = 1024 };

static const struct mlops_network_shape shape = { .inputs = 1, .hidden = 7, .outputs = 2, .steps = STEPS };

static float sequences[ROWS * STEPS], output_gradient[ROWS * 2];
static const float extra_gradient[EXTRA] = { 0.5f, 0, -2 };

static int draw(void **state)
{
	struct mlops_rng rng = mlops_rng_start(1, MLOPS_RNG_SIMULATE, 0);

	(void)state;
	for (size_t i = 0; i < ROWS * STEPS; i++)
		sequences[i] = (float)mlops_rng_unit(&rng) - 0.5f;
	for (size_t i = 0; i < ROWS * 2; i++)
		output_gradient[i] = (float)mlops_rng_unit(&rng) - 0.2f;
	return 0;
}

static struct mlops_trainer *trainer_new(const struct mlops_trainer_options *options)
{
	float parameters[MOST] = { 0 };
	struct mlops_trainer *trainer;

	assert_true(mlops_network_parameters(&shape) + EXTRA <= MOST);
	mlops_network_init(&shape, 4, parameters);
	trainer = mlops_trainer_new(&shape, options, parameters, NULL);
	assert_non_null(trainer);
	return trainer;
}

static double step(struct mlops_trainer *trainer)
{
	float outputs[ROWS * 2];

	mlops_trainer_forward(trainer, sequences, ROWS, NULL, outputs);
	mlops_trainer_backward(trainer, output_gradient, extra_gradient, NULL);
	return mlops_trainer_update(trainer, NULL);
}

static const struct mlops_trainer_options plain = { .learning_rate = 0.01f,
						    .beta1 = 0.9f,
						    .beta2 = 0.999f,
						    .epsilon = 1e-8f,
						    .batch = ROWS,
						    .extra = EXTRA };

static void init_fills_the_layers_and_leaves_the_head_zero(void **state)
{
	float parameters[MOST], other[MOST];
	size_t count = mlops_network_parameters(&shape), head = count - 2 * (7 + 1);
	double sum = 0, squares = 0, bound = 1 / sqrt(7);

	(void)state;
	assert_int_equal(count, 4 * 7 * (1 + 7 + 2) + 4 * 7 * (7 + 7 + 2) + 2 * 8);
	mlops_network_init(&shape, 1, parameters);
	for (size_t i = 0; i < count; i++) {
		sum += (double)parameters[i];
		squares += (double)parameters[i] * (double)parameters[i];
		assert_true(i < head ? fabs((double)parameters[i]) <= bound : parameters[i] == 0);
	}
	assert_true(fabs(sum / (double)head) < 3 * bound / sqrt(3 * (double)head));
	assert_true(fabs(squares / (double)head / (bound * bound / 3) - 1) < 0.15);
	mlops_network_init(&shape, 2, other);
	assert_memory_not_equal(parameters, other, head * sizeof *other);
}

/* Adam in double, from the trainer's own gradients. */
static void steps_are_those_of_adam(void **state)
{
	struct mlops_trainer_options options = plain;
	double m[MOST] = { 0 }, v[MOST] = { 0 }, p[MOST];
	size_t count = mlops_network_parameters(&shape) + EXTRA;
	float parameters[MOST], gradient[MOST];
	struct mlops_trainer *trainer;

	(void)state;
	options.weight_decay = 0.1f;
	options.clip = 1;
	trainer = trainer_new(&options);
	mlops_trainer_parameters(trainer, parameters);
	for (size_t i = 0; i < count; i++)
		p[i] = (double)parameters[i];
	for (int t = 1; t <= 5; t++) {
		double squares = 0, norm, scale;

		if (t == 4) {
			options.learning_rate = 0.5f;
			mlops_trainer_set_learning_rate(trainer, 0.5f);
		}
		norm = step(trainer);
		mlops_trainer_gradient(trainer, gradient);
		mlops_trainer_parameters(trainer, parameters);
		for (size_t i = 0; i < count; i++)
			squares += (double)gradient[i] * (double)gradient[i];
		assert_true(fabs(norm - sqrt(squares)) < 1e-12 * norm);
		assert_true(norm > 1);
		scale = 1 / (norm + 1e-6);
		for (size_t i = 0; i < count; i++) {
			double g = scale * (double)gradient[i], rate = (double)options.learning_rate;

			m[i] = 0.9 * m[i] + 0.1 * g;
			v[i] = 0.999 * v[i] + 0.001 * g * g;
			p[i] -= rate * 0.1 * p[i];
			p[i] -= rate * m[i] / (1 - pow(0.9, t)) / (sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
			assert_true(fabs((double)parameters[i] - p[i]) < 1e-5 * rate / 0.01);
		}
	}
	assert_memory_equal(mlops_trainer_extra(trainer), parameters + count - EXTRA, EXTRA * sizeof(float));
	mlops_trainer_free(trainer);
}

static void extra_parameters_step_alone(void **state)
{
	struct mlops_trainer *trainer = trainer_new(&plain);
	const float *extra = mlops_trainer_extra(trainer);

	(void)state;
	step(trainer);
	assert_true(fabs((double)extra[0] + 0.01) < 1e-6);
	assert_true(extra[1] == 0);
	assert_true(fabs((double)extra[2] - 0.01) < 1e-6);
	mlops_trainer_free(trainer);
}

static void a_gradient_that_is_not_finite_changes_nothing(void **state)
{
	const float bad_gradient[EXTRA] = { 0, NAN, 0 };
	struct mlops_trainer *trainer = trainer_new(&plain), *twin = trainer_new(&plain);
	float outputs[ROWS * 2], before[MOST], after[MOST];
	size_t bytes = (mlops_network_parameters(&shape) + EXTRA) * sizeof *before;

	(void)state;
	mlops_trainer_parameters(trainer, before);
	mlops_trainer_forward(trainer, sequences, ROWS, NULL, outputs);
	mlops_trainer_backward(trainer, output_gradient, bad_gradient, NULL);
	assert_true(isnan(mlops_trainer_update(trainer, NULL)));
	mlops_trainer_parameters(trainer, after);
	assert_memory_equal(after, before, bytes);
	step(trainer);
	step(twin);
	mlops_trainer_parameters(trainer, after);
	mlops_trainer_parameters(twin, before);
	assert_memory_equal(after, before, bytes);
	mlops_trainer_free(trainer);
	mlops_trainer_free(twin);
}

static void the_network_follows_the_parameters(void **state)
{
	struct mlops_trainer *trainer = trainer_new(&plain);
	float parameters[MOST], expected[ROWS * 2], found[ROWS * 2];
	struct mlops_network *network;

	(void)state;
	step(trainer);
	step(trainer);
	mlops_trainer_parameters(trainer, parameters);
	network = mlops_network_new(&shape, parameters, NULL);
	assert_non_null(network);
	assert_true(mlops_network_run(network, sequences, ROWS, NULL, expected, NULL));
	assert_true(mlops_network_run(mlops_trainer_network(trainer), sequences, ROWS, NULL, found, NULL));
	assert_memory_equal(found, expected, sizeof found);
	mlops_trainer_forward(trainer, sequences, ROWS, NULL, found);
	assert_memory_equal(found, expected, sizeof found);
	for (size_t r = 0; r < ROWS; r++) {
		assert_true(mlops_network_run(network, sequences + r * STEPS, 1, NULL, found, NULL));
		assert_memory_equal(found, expected + 2 * r, 2 * sizeof *found);
	}
	mlops_network_free(network);
	mlops_trainer_free(trainer);
}

/* Each value is dropped with its odds, the mean over many draws is what it is without, and steps draw anew.
 */
static void dropout_keeps_the_mean(void **state)
{
	struct mlops_trainer_options options = plain;
	struct mlops_trainer *trainer;
	float parameters[MOST] = { 0 }, outputs[ROWS * 2], last = -1;
	size_t count = mlops_network_parameters(&shape), same = 0, zero = 0;
	double sum = 0;
	const size_t rounds = 400;
	float h = 1 / (1 + expf(-20)) * tanhf(1 / (1 + expf(-20)) * tanhf(20));

	(void)state;
	options.head_dropout = 0.25f;
	options.learning_rate = 0;
	/* One step: the second layer's units all say the same, and the first output has one of them. */
	for (size_t j = 0; j < 4 * 7; j++)
		parameters[count - 16 - 4 * 7 + j] = 20;
	parameters[count - 16] = 1;
	for (size_t i = 0; i < rounds; i++) {
		struct mlops_network_shape one = shape;

		one.steps = 1;
		if (i == 0) {
			trainer = mlops_trainer_new(&one, &options, parameters, NULL);
			assert_non_null(trainer);
		}
		mlops_trainer_forward(trainer, sequences, ROWS, NULL, outputs);
		for (size_t r = 0; r < ROWS; r++) {
			float y = outputs[2 * r];

			assert_true(y == 0 || fabsf(y - h / 0.75f) < 1e-6f);
			zero += y == 0;
			sum += (double)y;
			same += y == last;
			last = y;
		}
		mlops_trainer_backward(trainer, output_gradient, extra_gradient, NULL);
		mlops_trainer_update(trainer, NULL);
	}
	/* 5 standard deviations */
	assert_true(fabs((double)zero - 0.25 * 4000) < 5 * sqrt(4000 * 0.25 * 0.75));
	assert_true(fabs(sum / 4000 / (double)h - 1) < 5 * sqrt(0.25 / 0.75 / 4000));
	assert_true(fabs((double)same - 0.625 * 4000) < 5 * sqrt(4000 * 0.625 * 0.375));
	mlops_trainer_free(trainer);
}

static void saved_training_goes_on_alike(void **state)
{
	struct mlops_trainer_options options = plain;
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT, again = MLOPS_BUFFER_INIT;
	struct mlops_trainer *trainer, *other;
	struct mlops_error error = MLOPS_ERROR_INIT;
	float expected[MOST], found[MOST];
	size_t count = mlops_network_parameters(&shape) + EXTRA;

	(void)state;
	options.dropout = 0.5f;
	trainer = trainer_new(&options);
	other = trainer_new(&options);
	for (int i = 0; i < 3; i++)
		step(trainer);
	mlops_trainer_save(trainer, &bytes);
	assert_false(bytes.failed);
	assert_int_equal(bytes.length, 16 + 12 * count);
	assert_memory_equal(bytes.data + 8, "\3\0\0\0\0\0\0\0", 8);
	step(trainer);
	step(trainer);
	assert_true(mlops_trainer_restore(other, bytes.data, bytes.length, &error));
	mlops_trainer_save(other, &again);
	assert_int_equal(again.length, bytes.length);
	assert_memory_equal(again.data, bytes.data, bytes.length);
	step(other);
	step(other);
	mlops_trainer_parameters(trainer, expected);
	mlops_trainer_parameters(other, found);
	assert_memory_equal(found, expected, count * sizeof *found);

	assert_false(mlops_trainer_restore(other, bytes.data, bytes.length - 1, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, "saved training: 8979 bytes, not those of 747 parameters");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	bytes.data[16 + 4 * 5 + 3] = 0x7f;
	bytes.data[16 + 4 * 5 + 2] = (char)0x80;
	assert_false(mlops_trainer_restore(other, bytes.data, bytes.length, &error));
	assert_string_equal(error.message, "saved training: a parameter is not finite");
	mlops_trainer_parameters(other, found);
	assert_memory_equal(found, expected, count * sizeof *found);
	mlops_buffer_release(&bytes);
	mlops_buffer_release(&again);
	mlops_trainer_free(trainer);
	mlops_trainer_free(other);
}

static void expect_refusal(const struct mlops_trainer_options *options, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	float parameters[MOST] = { 0 };

	assert_null(mlops_trainer_new(&shape, options, parameters, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
}

static void options_out_of_range_are_refused(void **state)
{
	struct mlops_trainer_options options = plain;

	(void)state;
	options.dropout = 1;
	expect_refusal(&options, "trainer: dropout 1, not at least 0 and below 1");
	options = plain;
	options.learning_rate = NAN;
	expect_refusal(&options, "trainer: learning rate nan, not at least 0 and below inf");
	options = plain;
	options.batch = 0;
	expect_refusal(&options, "trainer: batch 0, not between 1 and 1048576");
}

static void shapes_out_of_range_are_refused(void **state)
{
	struct mlops_network_shape bad = shape;
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_true(mlops_network_check(&bad, &error));
	bad.hidden = 0;
	assert_false(mlops_network_check(&bad, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, "network: 0 hidden units, not between 1 and 1024");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	bad = shape;
	bad.steps = 65537;
	assert_false(mlops_network_check(&bad, &error));
	assert_string_equal(error.message, "network: 65537 steps, not between 1 and 65536");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_fills_the_layers_and_leaves_the_head_zero),
		cmocka_unit_test(steps_are_those_of_adam),
		cmocka_unit_test(extra_parameters_step_alone),
		cmocka_unit_test(a_gradient_that_is_not_finite_changes_nothing),
		cmocka_unit_test(the_network_follows_the_parameters),
		cmocka_unit_test(dropout_keeps_the_mean),
		cmocka_unit_test(saved_training_goes_on_alike),
		cmocka_unit_test(options_out_of_range_are_refused),
		cmocka_unit_test(shapes_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, draw, NULL);
}
