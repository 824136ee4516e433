/* The parts of a forecaster's fit that have answers of their own: season, intervals. */
#include "base/rng.h"
#include "model/forecast_interval.h"
#include "model/forecast_line.h"
#include "model/forecast_season.h"
#include "model/forecast_training.h"
#include "tests/unit/forecaster_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

enum { N = 3000 };

static float values[N];

static struct mlops_forecast_season season_of(size_t n, size_t length)
{
	struct mlops_forecast_segment segment = { .values = values, .n = n };
	struct mlops_forecast_data data = { .segments = &segment, .n_segments = 1, .n_series = 1 };
	struct mlops_forecast_season season;

	assert_true(mlops_forecast_season_find(&data, &n, length, &season, NULL));
	return season;
}

static void expect_season(size_t n, size_t length, size_t within, size_t beyond)
{
	struct mlops_forecast_season season = season_of(n, length);

	assert_int_equal(season.within, within);
	assert_int_equal(season.beyond, beyond);
}

static void seasons(void **state)
{
	struct mlops_rng rng = mlops_rng_start(1, MLOPS_RNG_SIMULATE, 0);

	(void)state;
	forecaster_sample_series(values, N, 0, 0.2, 1);
	expect_season(N, 60, 12, 0);
	expect_season(N, 12, 12, 0);
	expect_season(N, 11, 5, 12);
	/* three of them, or it is none */
	expect_season(50, 60, 12, 0);
	expect_season(34, 60, 5, 0);
	expect_season(3, 60, 0, 0);
	for (size_t t = 0; t < N; t++)
		values[t] = (float)mlops_rng_unit(&rng);
	expect_season(N, 60, 0, 0);
	for (size_t t = 1; t < N; t++)
		values[t] += values[t - 1];
	expect_season(N, 60, 0, 0);
	/* smooth, and slower than any lag */
	for (size_t t = 0; t < N; t++)
		values[t] = sinf((float)t / 900);
	expect_season(N, 60, 0, 0);
	for (size_t t = 0; t < N; t++)
		values[t] = 5;
	expect_season(N, 60, 0, 0);
	/* days of 24 that differ, in weeks that do not */
	for (size_t t = 0; t < N; t++)
		values[t] = sinf((float)(t % 24) * 0.2618f) * (1 + (float)(t / 24 % 7));
	expect_season(N, 60, 24, 168);
	expect_season(N, 200, 168, 0);
}

static void effective_numbers(void **state)
{
	static float residuals[2000];
	struct mlops_rng rng = mlops_rng_start(2, MLOPS_RNG_SIMULATE, 0);
	double found, state_now = 0;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		residuals[i] = (float)mlops_rng_unit(&rng);
	found = mlops_forecast_effective(residuals, 2000);
	assert_true(found > 1200 && found <= 2000);
	/* an autoregression of 0.9 is worth (1 - 0.9) / (1 + 0.9) of its number: 105 */
	for (size_t i = 0; i < 2000; i++) {
		state_now = 0.9 * state_now + mlops_rng_unit(&rng) - 0.5;
		residuals[i] = (float)state_now;
	}
	found = mlops_forecast_effective(residuals, 2000);
	assert_true(found > 50 && found < 200);
	for (size_t i = 0; i < 2000; i++)
		residuals[i] = 1;
	assert_true(fabs(mlops_forecast_effective(residuals, 2000) - 2000) < 1e-9);
	assert_true(fabs(mlops_forecast_effective(residuals, 1) - 1) < 1e-9);
	for (size_t i = 0; i < 2000; i++)
		residuals[i] = i < 1000;
	assert_true(mlops_forecast_effective(residuals, 2000) < 5);
}

/* A forecaster that repeats the last value, on a walk of steps -1 … 1: residuals of step k add up k of them. */
static void margins(void **state)
{
	struct mlops_forecaster *forecaster = mlops_forecaster_new(2, 1, 0, 1, NULL);
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SIMULATE, 0);
	struct mlops_forecast_window *windows = calloc(N, sizeof *windows);
	size_t n = 0;

	(void)state;
	assert_non_null(forecaster);
	assert_non_null(windows);
	forecaster->fixed_scale = 0.5f;
	assert_true(mlops_forecaster_prepare(forecaster, NULL));
	values[0] = 0;
	for (size_t t = 1; t < N; t++)
		values[t] = values[t - 1] + 2 * (float)mlops_rng_unit(&rng) - 1;
	for (size_t t = 2; t < N; t++)
		windows[n++] = (struct mlops_forecast_window){ .history = values + t - 2, .future = N - t };
	assert_true(mlops_forecast_intervals_fit(forecaster, windows, n, NULL, NULL));
	/* |step| is uniform in 0 … 1, a scale is a half */
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.5, 0) - 1) < 0.08);
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.9, 0) - 1.8) < 0.08);
	/* a sum of 16 is close to normal with variance 16 / 3 */
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.9, 15) - 2 * 1.645 * sqrt(16.0 / 3)) < 1.5);
	for (size_t step = 0; step < 64; step++)
		for (double level = 0.5; level < 0.985; level += 0.01)
			assert_true(mlops_forecaster_margin(forecaster, level, step) <=
				    mlops_forecaster_margin(forecaster, level + 0.01, step));
	/* of three windows the largest residual is all that is known of high levels; nothing lies 3 steps ahead of them */
	for (size_t i = 0; i < 3; i++)
		windows[i].future = 3 - i;
	assert_true(mlops_forecast_intervals_fit(forecaster, windows, 3, NULL, NULL));
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.9, 0) - mlops_forecaster_margin(forecaster, 0.99, 0)) < 1e-9);
	assert_true(mlops_forecaster_margin(forecaster, 0.9, 2) > 0);
	assert_true(fabs(mlops_forecaster_margin(forecaster, 0.9, 11) / mlops_forecaster_margin(forecaster, 0.9, 2) - 2) < 1e-5);
	free(windows);
	mlops_forecaster_free(forecaster);
}

/* A window in which nothing moves, before a jump, must not rule the line of all. */
static void flat_windows_do_not_rule(void **state)
{
	struct mlops_forecast_segment segments[2] = { { values, 600, 0 }, { values + 600, 600, 1 } };
	struct mlops_forecast_data data = { .segments = segments, .n_segments = 2, .n_series = 2 };
	struct mlops_forecast_windows windows;
	struct mlops_forecaster *forecaster = mlops_forecaster_new(24, 1, 12, 2, NULL);
	const float scales[2] = { 3, 3 };
	double penalty, mean, each[1200], sum = 0;

	(void)state;
	assert_non_null(forecaster);
	forecaster_sample_series(values, 1200, 0, 0.1, 5);
	for (size_t t = 100; t < 140; t++)
		values[t] = values[100];
	forecaster->fixed_scale = 0.01f;
	forecaster->window_share = 1;
	assert_true(mlops_forecast_windows_find(&data, 24, 1, &windows, NULL));
	assert_true(mlops_forecast_line_fit(forecaster, &windows, scales, NULL, &penalty, NULL));
	assert_true(mlops_forecaster_prepare(forecaster, NULL));
	assert_true(mlops_forecast_error(forecaster, windows.validation, windows.n_validation, scales, NULL, &mean, each, NULL));
	assert_true(mean < 0.1);
	for (size_t w = 0; w < windows.n_validation; w++)
		sum += each[w];
	assert_true(fabs(sum / (double)windows.n_validation - mean) < 1e-9);
	mlops_forecast_windows_release(&windows);
	mlops_forecaster_free(forecaster);
}

/* Fifteen years of months of a level that wanders, and four more.  Adds to errors[0] the one that is made over a year ahead
 * in the four by what is learnt from the fifteen, and to errors[1] that of repeating the last year. */
static void add_errors(uint64_t seed, double errors[2])
{
	const size_t n = 180;
	struct mlops_forecast_segment segment = { values, n, 0 };
	struct mlops_forecast_data data = { .segments = &segment, .n_segments = 1, .n_series = 1 };
	struct mlops_forecast_windows windows;
	struct mlops_forecast_window behind[48 - 12];
	const size_t n_behind = sizeof behind / sizeof *behind;
	struct mlops_forecaster *forecaster = mlops_forecaster_new(60, 12, 12, 2, NULL);
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 0);
	const float scale = 1;
	double penalty, mean, level = 0, months[12];

	assert_non_null(forecaster);
	for (size_t month = 0; month < 12; month++)
		months[month] = 20 * mlops_rng_unit(&rng);
	for (size_t t = 0; t < n + 48; t++) {
		level += 2 * (mlops_rng_unit(&rng) - 0.5);
		values[t] = (float)(level + months[t % 12] + 2 * mlops_rng_unit(&rng));
	}
	for (size_t w = 0; w < n_behind; w++) {
		behind[w] = (struct mlops_forecast_window){ values + n - 60 + w, 12, 0 };
		for (size_t k = 0; k < 12; k++)
			errors[1] += fabs((double)behind[w].history[60 + k] - (double)behind[w].history[48 + k]) /
				     (double)(n_behind * 12);
	}
	assert_true(mlops_forecast_windows_find(&data, 60, 12, &windows, NULL));
	assert_true(mlops_forecast_line_fit(forecaster, &windows, &scale, NULL, &penalty, NULL));
	assert_true(mlops_forecaster_prepare(forecaster, NULL));
	assert_true(mlops_forecast_error(forecaster, behind, n_behind, &scale, NULL, &mean, NULL, NULL));
	errors[0] += mean;
	mlops_forecast_windows_release(&windows);
	mlops_forecaster_free(forecaster);
}

/* With a history of five years sixty weights for each month ahead are too many for eighty windows, and
 * neighbours of those that a regression has learnt from must not judge it. */
static void few_windows_have_few_weights(void **state)
{
	double errors[2] = { 0, 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++)
		add_errors(seed, errors);
	assert_true(errors[0] < 1.03 * errors[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seasons),
		cmocka_unit_test(effective_numbers),
		cmocka_unit_test(margins),
		cmocka_unit_test(flat_windows_do_not_rule),
		cmocka_unit_test(few_windows_have_few_weights),
	};

	return cmocka_run_group_tests_name("forecaster_parts", tests, NULL, NULL);
}
