/* Fitting forecasters: what is learnt, from which windows, and that it is the same however it was done. */
#include "tests/unit/forecaster_sample.h"

#include "base/rng.h"
#include "model/forecast_interval.h"
#include "model/forecaster_fit.h"
#include "model/onnx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/table.h"

enum { N = 400 };

static float series[2 * N];

static void set(struct mlops_settings *settings, const char *assignment)
{
	assert_true(mlops_settings_parse(settings, assignment, NULL));
}

/* Small enough for a test: 24 values of history, a few epochs. */
static struct mlops_settings small_settings(void)
{
	struct mlops_settings settings;

	mlops_settings_default(MLOPS_TIME_SERIES_FORECAST, &settings);
	set(&settings, "seq_length=24");
	set(&settings, "epochs=3");
	set(&settings, "hidden=8");
	return settings;
}

static struct mlops_forecast_data one_series(struct mlops_forecast_segment *segment, size_t n)
{
	*segment = (struct mlops_forecast_segment){ .values = series, .n = n };
	return (struct mlops_forecast_data){ .segments = segment, .n_segments = 1, .n_series = 1 };
}

/* Hénon's map: what comes next is a parabola of what was, which no line says. */
static struct mlops_forecast_data crooked_series(struct mlops_forecast_segment *segment, float *values, size_t n)
{
	values[0] = values[1] = 0.1f;
	for (size_t t = 2; t < n; t++)
		values[t] = 1 - 1.4f * values[t - 1] * values[t - 1] + 0.3f * values[t - 2];
	*segment = (struct mlops_forecast_segment){ .values = values, .n = n };
	return (struct mlops_forecast_data){ .segments = segment, .n_segments = 1, .n_series = 1 };
}

static struct mlops_forecaster *fit(const struct mlops_forecast_data *data, const struct mlops_forecast_options *options,
				    struct mlops_forecast_report *report)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_forecaster *forecaster = mlops_forecaster_fit(data, options, report, &error);

	if (forecaster == NULL)
		fail_msg("%s", error.message);
	return forecaster;
}

/* The bytes of the model file, which hold every number of a forecaster. */
static void bytes_of(struct mlops_forecaster *forecaster, struct mlops_buffer *bytes)
{
	struct mlops_model model = { .kind = MLOPS_TIME_SERIES_FORECAST, .forecaster = forecaster };

	mlops_buffer_clear(bytes);
	assert_true(mlops_onnx_write(&model, bytes, NULL));
	mlops_forecaster_free(forecaster);
}

static void expect_same(const struct mlops_buffer *found, const struct mlops_buffer *expected)
{
	assert_int_equal(found->length, expected->length);
	assert_memory_equal(found->data, expected->data, expected->length);
}

static void a_seasonal_series(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	struct mlops_forecast_data data = one_series(&segment, N);
	struct mlops_forecaster *forecaster = fit(&data, &options, &report);
	float forecast[30];
	struct mlops_forecast answer = { .forecast = forecast };
	double error = 0;

	(void)state;
	assert_int_equal(report.season, 12);
	assert_int_equal(report.longer_season, 0);
	assert_int_equal(report.validation_windows, 50);
	assert_int_equal(report.training_windows, N - 50 - 24);
	assert_true(report.start < report.naive && report.start < report.seasonal);
	assert_true(report.best <= report.start);
	assert_true(report.epochs >= 1 && report.epochs <= 3 && report.best_epoch <= report.epochs);
	/* fed back over two seasons and a half it keeps the season */
	assert_true(mlops_forecaster_extend(forecaster, series + N - 24, 1, 30, 0.9, NULL, &answer, NULL));
	for (size_t k = 0; k < 30; k++)
		error += fabs((double)series[N + k] - (double)forecast[k]) / 30;
	assert_true(error < 0.5);
	mlops_forecaster_free(forecaster);
}

/* x_(t+1) - x_t = 0.8 (x_t - x_(t-1)): the line finds it, and nothing is left for margins. */
static void the_line_is_an_autoregression(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	struct mlops_forecast_data data;
	struct mlops_forecaster *forecaster;
	static float values[N];
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SIMULATE, 0);
	float forecast;

	(void)state;
	for (size_t t = 2; t < N; t++)
		values[t] = values[t - 1] + 0.8f * (values[t - 1] - values[t - 2]) +
			    (t % 50 == 2 ? (float)(10 * mlops_rng_unit(&rng)) : 0);
	set(&settings, "seq_length=4");
	set(&settings, "epochs=0");
	data = one_series(&segment, N);
	segment.values = values;
	forecaster = fit(&data, &options, &report);
	assert_int_equal(report.epochs, 0);
	assert_true(report.penalty < 1e-3);
	assert_true(mlops_forecaster_predict(forecaster, (const float[]){ 1, 2, 5, 10 }, 1, NULL, &forecast, NULL));
	assert_true(fabs((double)forecast - 14) < 0.2);
	mlops_forecaster_free(forecaster);
}

static void expect_constant(float value)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	struct mlops_forecast_data data = one_series(&segment, 100);
	struct mlops_forecaster *forecaster;
	float values[100], forecast[5], lower[5], upper[5];
	struct mlops_forecast answer = { forecast, lower, upper };

	for (size_t t = 0; t < 100; t++)
		values[t] = value;
	segment.values = values;
	forecaster = fit(&data, &options, &report);
	assert_int_equal(report.epochs, 0);
	assert_int_equal(report.season, 0);
	assert_true(mlops_forecaster_extend(forecaster, values, 1, 5, 0.99, NULL, &answer, NULL));
	assert_memory_equal(forecast, values, sizeof forecast);
	assert_memory_equal(lower, values, sizeof lower);
	assert_memory_equal(upper, values, sizeof upper);
	mlops_forecaster_free(forecaster);
}

static void constant_series(void **state)
{
	(void)state;
	expect_constant(0);
	expect_constant(-17.25f);
	expect_constant(FLT_MAX);
	expect_constant(FLT_MIN);
}

static void a_straight_line_goes_on(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	struct mlops_forecast_data data = one_series(&segment, 200);
	struct mlops_forecaster *forecaster;
	float values[220], forecast[20];
	struct mlops_forecast answer = { .forecast = forecast };

	(void)state;
	for (size_t t = 0; t < 220; t++)
		values[t] = 1000 + 3 * (float)t;
	segment.values = values;
	forecaster = fit(&data, &options, &report);
	assert_true(mlops_forecaster_extend(forecaster, values + 200 - 24, 1, 20, 0.9, NULL, &answer, NULL));
	for (size_t k = 0; k < 20; k++)
		assert_true(fabs((double)forecast[k] - (double)values[200 + k]) < 0.5);
	mlops_forecaster_free(forecaster);
}

/* Values at the end of float's range: every number that comes out is one. */
static void huge_values(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	struct mlops_forecast_data data = one_series(&segment, 120);
	struct mlops_forecaster *forecaster;
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	float values[120], forecast[50], lower[50], upper[50];
	struct mlops_forecast answer = { forecast, lower, upper };

	(void)state;
	for (size_t t = 0; t < 120; t++)
		values[t] = t % 3 == 0 ? FLT_MAX : t % 3 == 1 ? -FLT_MAX : (float)t;
	segment.values = values;
	forecaster = fit(&data, &options, &report);
	assert_true(mlops_forecaster_extend(forecaster, values, 1, 50, 0.99, NULL, &answer, NULL));
	for (size_t k = 0; k < 50; k++)
		assert_true(isfinite(forecast[k]) && isfinite(lower[k]) && isfinite(upper[k]));
	bytes_of(forecaster, &bytes); /* which refuses numbers that are none */
	mlops_buffer_release(&bytes);
}

/* Two series a thousand times apart, one of them in two pieces: each is forecast at its own level. */
static void several_series(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	static float large[N];
	struct mlops_forecast_segment segments[3] = {
		{ series, 180, 0 }, { series + 200, 200, 0 }, { large, N - 40, 1 }
	};
	struct mlops_forecast_data data = { .segments = segments, .n_segments = 3, .n_series = 2 };
	struct mlops_forecaster *forecaster;
	float forecast[12], lower[12], upper[12];
	struct mlops_forecast answer = { forecast, lower, upper };

	(void)state;
	for (size_t t = 0; t < N; t++)
		large[t] = 50000 + 1000 * series[t];
	forecaster = fit(&data, &options, &report);
	assert_int_equal(report.season, 12);
	assert_true(forecaster->window_share > 0);
	/* of the first series the last 47 of 380 values, of the second the last 45 of 360 */
	assert_int_equal(report.validation_windows, 47 + 45);
	assert_int_equal(report.training_windows, 180 - 24 + 200 - 47 - 24 + 360 - 45 - 24);
	assert_true(report.best < report.naive && report.best < report.seasonal);
	assert_true(mlops_forecaster_extend(forecaster, large + N - 40 - 24, 1, 12, 0.9, NULL, &answer, NULL));
	for (size_t k = 0; k < 12; k++) {
		assert_true(fabs((double)forecast[k] - (double)large[N - 40 + k]) < 600);
		assert_true(upper[k] - lower[k] > 100 && upper[k] - lower[k] < 5000);
	}
	assert_true(mlops_forecaster_extend(forecaster, series + N - 24, 1, 12, 0.9, NULL, &answer, NULL));
	for (size_t k = 0; k < 12; k++)
		assert_true(fabs((double)forecast[k] - (double)series[N + k]) < 0.6);
	mlops_forecaster_free(forecaster);
}

static void refused(const struct mlops_forecast_data *data, const struct mlops_forecast_options *options,
		    enum mlops_code code, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_forecast_report report;

	assert_null(mlops_forecaster_fit(data, options, &report, &error));
	assert_string_equal(error.message, message);
	assert_int_equal(error.code, code);
}

static void too_short(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segments[3] = { { series, 27, 0 }, { series, 20, 0 }, { series, 25, 0 } };
	struct mlops_forecast_data data = { .segments = segments, .n_segments = 1, .n_series = 1 };

	(void)state;
	set(&settings, "forecast_horizon=2");
	assert_int_equal(mlops_forecast_fewest(&settings), 28);
	refused(&data, &options, MLOPS_DATA,
		"28 values without a gap are needed (seq_length 24 and twice forecast_horizon 2), the longest stretch "
		"has 27");
	data.n_segments = 3;
	refused(&data, &options, MLOPS_DATA,
		"28 values without a gap are needed (seq_length 24 and twice forecast_horizon 2), the longest stretch "
		"has 27");
	/* the last piece is all validation, and has no window */
	segments[0].n = 60;
	segments[2].n = 25;
	data.n_segments = 3;
	refused(&data, &options, MLOPS_DATA,
		"gaps leave no stretch of 26 values both for training and for validation: seq_length 24 and "
		"forecast_horizon 2 ask for one each");
	data.n_segments = 0;
	refused(&data, &options, MLOPS_DATA,
		"28 values without a gap are needed (seq_length 24 and twice forecast_horizon 2), the longest stretch "
		"has 0");
	segments[0].n = 28;
	data.n_segments = 1;
	mlops_forecaster_free(fit(&data, &options, &report));
	assert_int_equal(report.training_windows, 1);
	assert_int_equal(report.validation_windows, 1);
}

static void threads_and_kernels(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 7 };
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings, .seed = 5 };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	float values[200];
	struct mlops_forecast_data data = crooked_series(&segment, values, 200);
	struct mlops_buffer expected = MLOPS_BUFFER_INIT, found = MLOPS_BUFFER_INIT;

	(void)state;
	set(&settings, "forecast_horizon=3");
	set(&settings, "learning_rate=0.01");
	assert_true(mlops_kernels_force("reference"));
	bytes_of(fit(&data, &options, &report), &expected);
	assert_true(report.best_epoch > 0);
	for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
		/* without fused multiply-add other bits come out */
		if (strcmp(mlops_kernels_at(k)->name, "v2") == 0)
			continue;
		assert_true(mlops_kernels_force(mlops_kernels_at(k)->name));
		for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
			options.pool = mlops_pool_new(threads[i], NULL);
			bytes_of(fit(&data, &options, &report), &found);
			expect_same(&found, &expected);
			mlops_pool_free(options.pool);
		}
	}
	assert_true(mlops_kernels_force(NULL));
	options.pool = NULL;
	options.seed = 6;
	bytes_of(fit(&data, &options, &report), &found);
	assert_true(found.length != expected.length || memcmp(found.data, expected.data, found.length) != 0);
	mlops_buffer_release(&expected);
	mlops_buffer_release(&found);
}

/* A fit that is watched, keeps its checkpoints and can be broken off. */
struct watch {
	struct mlops_buffer checkpoint;
	size_t saves, reports, stop_at_epoch; /* 0: never */
	bool fail_to_save;
	double best;
};

static bool keep(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	struct watch *watch = context;

	watch->saves++;
	if (watch->fail_to_save)
		return mlops_error_set(error, MLOPS_IO, "the disk is full");
	mlops_buffer_clear(&watch->checkpoint);
	mlops_buffer_append(&watch->checkpoint, bytes, length);
	return true;
}

static bool look(void *context, const struct mlops_forecast_progress *progress)
{
	struct watch *watch = context;

	watch->reports++;
	assert_true(progress->epoch >= 1 && progress->epoch <= progress->epochs);
	assert_true(progress->batch >= 1 && progress->batch <= progress->batches);
	assert_true(progress->loss > 0 && progress->best <= progress->validation);
	watch->best = progress->best;
	/* in the middle of an epoch: what was done of it is lost */
	return progress->epoch != watch->stop_at_epoch || progress->batch < 3;
}

static void broken_off_and_resumed(void **state)
{
	struct mlops_settings settings = small_settings();
	struct watch watch = { .stop_at_epoch = 0 };
	struct mlops_forecast_options options = { .settings = &settings, .report = look, .save = keep, .context = &watch };
	struct mlops_forecast_report report, again;
	struct mlops_forecast_segment segment;
	float values[200];
	struct mlops_forecast_data data = crooked_series(&segment, values, 200);
	struct mlops_buffer expected = MLOPS_BUFFER_INIT, found = MLOPS_BUFFER_INIT, first = MLOPS_BUFFER_INIT;

	(void)state;
	set(&settings, "epochs=4");
	set(&settings, "learning_rate=0.01");
	bytes_of(fit(&data, &options, &report), &expected);
	assert_int_equal(watch.saves, report.epochs);
	assert_int_equal(watch.reports, report.epochs * 5); /* 151 windows in batches of 32 */
	assert_true(fabs(watch.best - report.best) < 1e-9);
	for (size_t epoch = 2; epoch <= 4; epoch++) {
		watch.stop_at_epoch = epoch;
		options.checkpoint = NULL;
		refused(&data, &options, MLOPS_CLOSED, "training was stopped");
		mlops_buffer_clear(&first);
		mlops_buffer_append(&first, watch.checkpoint.data, watch.checkpoint.length);
		watch.stop_at_epoch = 0;
		options.checkpoint = first.data;
		options.checkpoint_length = first.length;
		bytes_of(fit(&data, &options, &again), &found);
		expect_same(&found, &expected);
		assert_memory_equal(&again, &report, sizeof again);
	}
	/* from the last checkpoint there is nothing left to do */
	mlops_buffer_clear(&first);
	mlops_buffer_append(&first, watch.checkpoint.data, watch.checkpoint.length);
	options.checkpoint = first.data;
	options.checkpoint_length = first.length;
	watch.saves = 0;
	bytes_of(fit(&data, &options, &again), &found);
	assert_int_equal(watch.saves, 0);
	expect_same(&found, &expected);
	mlops_buffer_release(&expected);
	mlops_buffer_release(&found);
	mlops_buffer_release(&first);
	mlops_buffer_release(&watch.checkpoint);
}

static void checkpoints_that_do_not_belong(void **state)
{
	struct mlops_settings settings = small_settings();
	struct watch watch = { .stop_at_epoch = 2 };
	struct mlops_forecast_options options = { .settings = &settings, .report = look, .save = keep, .context = &watch };
	struct mlops_forecast_segment segment;
	struct mlops_forecast_data data = one_series(&segment, 200);
	struct mlops_buffer checkpoint = MLOPS_BUFFER_INIT;
	static const char other[] = "the checkpoint is of a training with other data, settings, seed or start";

	(void)state;
	refused(&data, &options, MLOPS_CLOSED, "training was stopped");
	watch.stop_at_epoch = 0;
	mlops_buffer_append(&checkpoint, watch.checkpoint.data, watch.checkpoint.length);
	options.checkpoint = checkpoint.data;
	options.checkpoint_length = checkpoint.length;
	options.seed = 1;
	refused(&data, &options, MLOPS_DATA, other);
	options.seed = 0;
	set(&settings, "dropout=0.1");
	refused(&data, &options, MLOPS_DATA, other);
	set(&settings, "dropout=0.2");
	segment.n = 199;
	refused(&data, &options, MLOPS_DATA, other);
	segment.n = 200;
	series[3] += 1;
	refused(&data, &options, MLOPS_DATA, other);
	series[3] -= 1;
	options.checkpoint_length--;
	refused(&data, &options, MLOPS_DATA, "the checkpoint is damaged or cut short");
	options.checkpoint_length = 20;
	refused(&data, &options, MLOPS_DATA, "not a checkpoint of a forecaster's training");
	options.checkpoint_length = checkpoint.length;
	checkpoint.data[200] = (char)(checkpoint.data[200] ^ 1);
	refused(&data, &options, MLOPS_DATA, "the checkpoint is damaged or cut short");
	options.checkpoint = NULL;
	watch.fail_to_save = true;
	refused(&data, &options, MLOPS_IO, "the disk is full");
	mlops_buffer_release(&checkpoint);
	mlops_buffer_release(&watch.checkpoint);
}

/* Margins are half-way between those of the start and those of the best epoch. */
static void half_of_a_gain_is_believed(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings, .seed = 5 };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	float values[200];
	struct mlops_forecast_data data = crooked_series(&segment, values, 200);
	struct mlops_forecast_windows windows;
	struct mlops_forecaster *best, *start;
	static float margins[MLOPS_FORECAST_LEVELS * MLOPS_FORECAST_STEPS];

	(void)state;
	set(&settings, "forecast_horizon=3");
	set(&settings, "learning_rate=0.01");
	best = fit(&data, &options, &report);
	assert_true(report.best_epoch > 0);
	set(&settings, "epochs=0");
	start = fit(&data, &options, &report);
	memcpy(margins, best->margins, sizeof margins);
	assert_true(mlops_forecast_windows_find(&data, 24, 3, &windows, NULL));
	assert_true(mlops_forecast_intervals_fit(best, windows.validation, windows.n_validation, NULL, NULL));
	assert_true(memcmp(best->margins, start->margins, sizeof margins) != 0);
	for (size_t i = 0; i < sizeof margins / sizeof *margins; i++)
		assert_true(fabsf(margins[i] - 0.5f * (best->margins[i] + start->margins[i])) < 1e-5f);
	mlops_forecast_windows_release(&windows);
	mlops_forecaster_free(best);
	mlops_forecaster_free(start);
}

/* A dozen windows that share a dozen values are one: what is gained on them may be chance. */
static void a_gain_on_few_windows_is_not_believed(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings, .seed = 5 };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	float values[200];
	struct mlops_forecast_data data = crooked_series(&segment, values, 200);
	struct mlops_forecaster *trained, *start;

	(void)state;
	set(&settings, "forecast_horizon=12");
	set(&settings, "learning_rate=0.01");
	trained = fit(&data, &options, &report);
	assert_int_equal(report.epochs, 3);
	assert_int_equal(report.best_epoch, 0);
	assert_true(report.best == report.start);
	set(&settings, "epochs=0");
	start = fit(&data, &options, &report);
	assert_memory_equal(trained->linear, start->linear, 12 * 24 * sizeof *start->linear);
	assert_memory_equal(trained->parameters, start->parameters,
			    mlops_forecaster_parameters(start) * sizeof *start->parameters);
	assert_memory_equal(trained->margins, start->margins,
			    MLOPS_FORECAST_LEVELS * start->n_margins * sizeof *start->margins);
	mlops_forecaster_free(trained);
	mlops_forecaster_free(start);
}

static void warm_start(void **state)
{
	struct mlops_settings settings = small_settings();
	struct mlops_forecast_options options = { .settings = &settings };
	struct mlops_forecast_report report;
	struct mlops_forecast_segment segment;
	struct mlops_forecast_data data = one_series(&segment, 300);
	struct mlops_forecaster *first = fit(&data, &options, &report), *second;

	(void)state;
	data = one_series(&segment, N);
	options.warm_start = first;
	set(&settings, "epochs=0");
	second = fit(&data, &options, &report);
	assert_true(isnan(report.penalty));
	assert_int_equal(report.season, 12);
	/* without an epoch it says what the first one says, with intervals from newer residuals */
	assert_memory_equal(second->linear, first->linear, 24 * sizeof(float));
	assert_memory_equal(second->parameters, first->parameters, mlops_forecaster_parameters(first) * sizeof(float));
	assert_true(memcmp(second->margins, first->margins, first->n_margins * sizeof(float)) != 0);
	mlops_forecaster_free(second);
	set(&settings, "epochs=3");
	second = fit(&data, &options, &report);
	assert_true(report.best <= report.start && report.start < report.naive);
	mlops_forecaster_free(second);
	set(&settings, "hidden=9");
	refused(&data, &options, MLOPS_USAGE, "the model to start from has hidden=8, the settings say 9");
	set(&settings, "hidden=8");
	set(&settings, "seq_length=25");
	refused(&data, &options, MLOPS_USAGE, "the model to start from has seq_length=24, the settings say 25");
	mlops_forecaster_free(first);
}

static int make_series(void **state)
{
	(void)state;
	forecaster_sample_series(series, 2 * N, 50, 0.4, 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seasonal_series),
		cmocka_unit_test(the_line_is_an_autoregression),
		cmocka_unit_test(constant_series),
		cmocka_unit_test(a_straight_line_goes_on),
		cmocka_unit_test(huge_values),
		cmocka_unit_test(several_series),
		cmocka_unit_test(too_short),
		cmocka_unit_test(threads_and_kernels),
		cmocka_unit_test(broken_off_and_resumed),
		cmocka_unit_test(checkpoints_that_do_not_belong),
		cmocka_unit_test(half_of_a_gain_is_believed),
		cmocka_unit_test(a_gain_on_few_windows_is_not_believed),
		cmocka_unit_test(warm_start),
	};

	return cmocka_run_group_tests_name("forecaster_fit", tests, make_series, NULL);
}
