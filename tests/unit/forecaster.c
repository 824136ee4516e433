/* What a forecaster says of a history, from its numbers. */
#include "tests/unit/forecaster_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

enum { LENGTH = 5, HORIZON = 2, N = 300 };

static const struct forecaster_sizes sizes = { LENGTH, HORIZON, 3, 4, false };

static float histories[N * LENGTH];

static int make_histories(void **state)
{
	(void)state;
	for (size_t i = 0; i < N * LENGTH; i++)
		histories[i] = 20 + 3 * sinf((float)(i * i % 97));
	return 0;
}

static void expect_near(float found, double expected, double tolerance)
{
	if (!(fabs((double)found - expected) <= tolerance * fmax(1, fabs(expected))))
		fail_msg("%.9g, expected %.9g", (double)found, expected);
}

/* The formula of the header, with the network's share taken from the network itself. */
static void the_formula(void **state)
{
	static const float history[LENGTH] = { 3, 4, 1, 2, 5 };
	struct forecaster_sizes some = sizes;

	(void)state;
	for (int own = 0; own < 2; own++) {
		struct mlops_forecaster *forecaster;
		float z[LENGTH], sequence[2 * LENGTH], network[HORIZON], forecast[HORIZON];
		/* mean step (1 + 3 + 1 + 3) / 4 = 2 */
		double scale = own ? 2 : 1.5;

		some.own_scale = own;
		forecaster = forecaster_sample_new(&some, 1);
		assert_non_null(forecaster);
		expect_near(mlops_forecaster_transform(forecaster, history, z, sequence), scale, 1e-7);
		for (size_t t = 0; t < LENGTH; t++) {
			double next_before = t + 1 >= 3 ? ((double)history[t + 1 - 3] - 5) / scale : 0;

			expect_near(z[t], ((double)history[t] - 5) / scale, 1e-6);
			expect_near(sequence[2 * t], 0.375 * ((double)history[t] - 5) / scale, 1e-6);
			expect_near(sequence[2 * t + 1], 0.375 * next_before, 1e-6);
		}
		assert_true(mlops_network_run(forecaster->network, sequence, 1, NULL, network, NULL));
		assert_true(mlops_forecaster_predict(forecaster, history, 1, NULL, forecast, NULL));
		for (size_t k = 0; k < HORIZON; k++) {
			double change = (double)forecaster->bias[k] + 0.75 * (double)network[k];

			for (size_t t = 0; t < LENGTH; t++)
				change += (double)forecaster->linear[k * LENGTH + t] * (double)z[t];
			expect_near(forecast[k], 5 + scale * change, 1e-6);
		}
		mlops_forecaster_free(forecaster);
	}
}

/* However many are asked for at a time, and by how many threads. */
static void many_are_as_one(void **state)
{
	struct mlops_forecaster *forecaster = forecaster_sample_new(&sizes, 2);
	struct mlops_pool *pool = mlops_pool_new(3, NULL);
	static float alone[N * HORIZON], together[N * HORIZON];

	(void)state;
	assert_non_null(forecaster);
	for (size_t i = 0; i < N; i++)
		assert_true(mlops_forecaster_predict(forecaster, histories + i * LENGTH, 1, NULL, alone + i * HORIZON,
						     NULL));
	assert_true(mlops_forecaster_predict(forecaster, histories, N, pool, together, NULL));
	assert_memory_equal(alone, together, sizeof alone);
	mlops_pool_free(pool);
	mlops_forecaster_free(forecaster);
}

/* Beyond the horizon forecasts are fed back; lengths shorter and longer than the horizon. */
static void steps_are_fed_back(void **state)
{
	static const struct forecaster_sizes cases[] = { { 5, 2, 0, 3, false }, { 2, 5, 2, 3, true } };

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		struct mlops_forecaster *forecaster = forecaster_sample_new(&cases[c], 3);
		size_t length = cases[c].length, horizon = cases[c].horizon;
		float chain[5 + 15], part[5], forecast[11];
		struct mlops_forecast answer = { .forecast = forecast };

		assert_non_null(forecaster);
		memcpy(chain, histories, length * sizeof *chain);
		for (size_t done = 0; done < 11; done += horizon) {
			assert_true(mlops_forecaster_predict(forecaster, chain + done, 1, NULL, part, NULL));
			for (size_t k = 0; k < horizon && length + done + k < 20; k++)
				chain[length + done + k] = part[k];
		}
		assert_true(mlops_forecaster_extend(forecaster, histories, 1, 11, 0.9, NULL, &answer, NULL));
		assert_memory_equal(forecast, chain + length, sizeof forecast);
		mlops_forecaster_free(forecaster);
	}
}

static void intervals(void **state)
{
	struct mlops_forecaster *forecaster = forecaster_sample_new(&sizes, 4);
	static float forecast[N * 70], lower[N * 70], upper[N * 70];
	struct mlops_forecast answer = { forecast, lower, upper };

	(void)state;
	assert_non_null(forecaster);
	assert_int_equal(forecaster->n_margins, 64);
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.5, 0) - 1) < 1e-9);
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.9, 3) - 12) < 1e-5);
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.99, 0) - 7.125) < 1e-5);
	/* half-way between two levels; beyond the table with the square root */
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.905, 0) - 6.0625) < 1e-5);
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.5, 255) - 16) < 1e-5);
	assert_true(mlops_forecaster_extend(forecaster, histories, N, 70, 0.905, NULL, &answer, NULL));
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < 70; k++) {
			double margin = 1.5 * mlops_forecaster_margin(forecaster, 0.905, k);

			expect_near(lower[i * 70 + k], (double)forecast[i * 70 + k] - margin, 1e-5);
			expect_near(upper[i * 70 + k], (double)forecast[i * 70 + k] + margin, 1e-5);
		}
	}
	mlops_forecaster_free(forecaster);
}

/* In the interval's width it is the history's own scale that counts, not that of what was fed back. */
static void own_scale_of_intervals(void **state)
{
	static const struct forecaster_sizes own = { LENGTH, HORIZON, 0, 3, true };
	static const float history[2 * LENGTH] = { 1, 2, 1, 2, 1, 100, 300, 100, 300, 100 };
	struct mlops_forecaster *forecaster = forecaster_sample_new(&own, 4);
	float forecast[8], lower[8], upper[8];
	struct mlops_forecast answer = { forecast, lower, upper };

	(void)state;
	assert_non_null(forecaster);
	assert_true(mlops_forecaster_extend(forecaster, history, 2, 4, 0.9, NULL, &answer, NULL));
	for (size_t k = 0; k < 4; k++) {
		double margin = mlops_forecaster_margin(forecaster, 0.9, k);

		expect_near(upper[k] - forecast[k], margin, 1e-4);
		expect_near(forecast[4 + k] - lower[4 + k], 200 * margin, 1e-4);
	}
	mlops_forecaster_free(forecaster);
}

static void the_largest_numbers_stay_finite(void **state)
{
	static const struct forecaster_sizes cases[] = { { LENGTH, HORIZON, 3, 4, false }, { LENGTH, HORIZON, 0, 4, true } };
	static const float history[2 * LENGTH] = { FLT_MAX, -FLT_MAX, FLT_MAX, -FLT_MAX, FLT_MAX,
						   -FLT_MAX, 0, FLT_MIN, -0.0f, -FLT_MAX };
	float forecast[40], lower[40], upper[40];
	struct mlops_forecast answer = { forecast, lower, upper };

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		struct mlops_forecaster *forecaster = forecaster_sample_new(&cases[c], 5);

		assert_non_null(forecaster);
		assert_true(mlops_forecaster_extend(forecaster, history, 2, 20, 0.99, NULL, &answer, NULL));
		for (size_t i = 0; i < 40; i++)
			assert_true(isfinite(forecast[i]) && lower[i] <= forecast[i] && forecast[i] <= upper[i] &&
				    isfinite(lower[i]) && isfinite(upper[i]));
		mlops_forecaster_free(forecaster);
	}
}

static void what_is_refused(void **state)
{
	struct mlops_forecaster *forecaster = forecaster_sample_new(&sizes, 6);
	struct mlops_error error = MLOPS_ERROR_INIT;
	float forecast[2];
	struct mlops_forecast answer = { .forecast = forecast };

	(void)state;
	assert_non_null(forecaster);
	assert_false(mlops_forecaster_extend(forecaster, histories, 1, 0, 0.9, NULL, &answer, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_string_equal(error.message, "0 steps ahead: a forecast takes 1 to 100000");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_forecaster_extend(forecaster, histories, 1, 1, 0.995, NULL, &answer, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_string_equal(error.message, "level 0.995: an interval's is from 0.5 to 0.99");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_forecaster_extend(forecaster, histories, 1, 1, NAN, NULL, &answer, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_null(mlops_forecaster_new(4, 1, 5, 8, &error));
	assert_int_equal(error.code, MLOPS_BUG);
	assert_string_equal(error.message, "a forecaster of length 4, horizon 1, season 5 and 8 hidden units");
	mlops_forecaster_free(forecaster);
	mlops_forecaster_free(NULL);
}

static void memory_and_shape(void **state)
{
	struct mlops_forecaster *forecaster = forecaster_sample_new(&sizes, 7);
	struct mlops_network_shape shape = mlops_forecaster_shape(forecaster);

	(void)state;
	assert_int_equal(shape.inputs, 2);
	assert_int_equal(shape.hidden, 4);
	assert_int_equal(shape.outputs, 2);
	assert_int_equal(shape.steps, 5);
	assert_int_equal(mlops_forecaster_parameters(forecaster), mlops_network_parameters(&shape));
	assert_true(mlops_forecaster_memory(forecaster) > 50 * 64 * sizeof(float));
	mlops_forecaster_free(forecaster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_formula),
		cmocka_unit_test(many_are_as_one),
		cmocka_unit_test(steps_are_fed_back),
		cmocka_unit_test(intervals),
		cmocka_unit_test(own_scale_of_intervals),
		cmocka_unit_test(the_largest_numbers_stay_finite),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(memory_and_shape),
	};

	return cmocka_run_group_tests_name("forecaster", tests, make_histories, NULL);
}
