/* Judging forecasters, cutting series by time, checkpoints, and the road of forecasting, without a fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/checkpoint.h"
#include "flow/compare.h"
#include "flow/evaluate_forecast.h"
#include "flow/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A forecaster that repeats the last value, give or take `margin` at every level. */
static struct mlops_model *naive_model(size_t length, size_t horizon, float margin)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_model *model = calloc(1, sizeof *model);
	struct mlops_forecaster *forecaster = mlops_forecaster_new(length, horizon, 0, 1, &error);

	assert_non_null(model);
	assert_non_null(forecaster);
	forecaster->fixed_scale = forecaster->input_scale = forecaster->output_scale = 1;
	for (size_t i = 0; i < MLOPS_FORECAST_LEVELS * forecaster->n_margins; i++)
		forecaster->margins[i] = margin;
	assert_true(mlops_forecaster_prepare(forecaster, &error));
	model->kind = MLOPS_TIME_SERIES_FORECAST;
	model->forecaster = forecaster;
	return model;
}

/* One series of segments of the given lengths, one step of 10 apart, each behind a gap of 100. */
struct made {
	struct mlops_series_set set;
	struct mlops_series series;
	struct mlops_segment segments[4];
	float values[64];
};

static void make_series(struct made *made, const float *values, const size_t *lengths, size_t n)
{
	int64_t time = 1000;

	memset(made, 0, sizeof *made);
	made->set = (struct mlops_series_set){ .n = 1, .items = &made->series, .every = 10 };
	made->series = (struct mlops_series){ .id = (char *)(uintptr_t)"", .values = made->values, .segments = made->segments };
	for (size_t s = 0; s < n; s++) {
		made->segments[s] = (struct mlops_segment){
			.start = made->series.n_values, .length = lengths[s], .first_time = time,
		};
		made->series.n_values += lengths[s];
		time += (int64_t)lengths[s] * 10 + 100;
	}
	made->series.n_segments = n;
	memcpy(made->values, values, made->series.n_values * sizeof *values);
}

static void assert_metric(const struct mlops_metrics *metrics, const char *name, double expected)
{
	double value = mlops_metrics_get(metrics, name);

	if (!(fabs(value - expected) < 1e-12))
		fail_msg("%s is %.15g, not %.15g", name, value, expected);
}

static void figures_are_those_of_the_paper(void **state)
{
	/* steps ahead of the cut: 1 2 1 2 1, mean 7/5; windows begin at 6 and 7 */
	static const float values[] = { 0, 1, 3, 4, 6, 7, 10, 9 };
	static const size_t length = 8;
	struct mlops_model *model = naive_model(2, 1, 1.5f);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_metrics metrics = { 0 };
	int64_t cut = 1060;
	struct made made;
	struct mlops_forecast_test test = { .set = &made.set, .cuts = &cut, .length = 2, .steps = 1, .season = 3 };
	uint64_t windows;

	(void)state;
	make_series(&made, values, &length, 1);
	assert_true(mlops_flow_evaluate_forecast(model->forecaster, &test, NULL, &metrics, &windows, &error));
	assert_int_equal(windows, 2);
	assert_metric(&metrics, "mae", 2);          /* 3 and 1 */
	assert_metric(&metrics, "rmse", sqrt(5));
	assert_metric(&metrics, "mase", 2 / 1.4);
	assert_metric(&metrics, "naive_mae", 2);
	assert_metric(&metrics, "skill", 0);
	assert_metric(&metrics, "seasonal_mae", 4.5); /* 10 - 4 and 9 - 6 */
	assert_metric(&metrics, "seasonal_skill", 1 - 4 / 9.0);
	assert_metric(&metrics, "coverage", 0.5);
	assert_false(mlops_forecast_loses(&metrics));
	mlops_model_free(model);
}

static void no_window_reaches_over_a_gap(void **state)
{
	static const float values[] = { 0, 1, 3, 4, 6, 7, 10, 9 };
	static const size_t lengths[] = { 4, 4 };
	struct mlops_model *model = naive_model(3, 1, 1);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_metrics metrics = { 0 };
	struct made made;
	struct mlops_forecast_test test = { .set = &made.set, .length = 3, .steps = 1 };
	uint64_t windows;

	(void)state;
	make_series(&made, values, lengths, 2);
	assert_true(mlops_flow_evaluate_forecast(model->forecaster, &test, NULL, &metrics, &windows, &error));
	assert_int_equal(windows, 2);
	assert_true(isnan(mlops_metrics_get(&metrics, "seasonal_mae")));
	test.length = 4;
	assert_false(mlops_flow_evaluate_forecast(model->forecaster, &test, NULL, &metrics, &windows, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, "no window to judge on: nowhere do 1 values without a gap come behind 4");
	mlops_model_free(model);
}

static void a_season_is_looked_for_whole_seasons_back(void **state)
{
	/* two steps in a season of one: both take the last value */
	static const float values[] = { 5, 5, 5, 6, 8 };
	static const size_t length = 5;
	struct mlops_model *model = naive_model(2, 2, 1);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_metrics metrics = { 0 };
	int64_t cut = 1030;
	struct made made;
	struct mlops_forecast_test test = { .set = &made.set, .cuts = &cut, .length = 2, .steps = 2, .season = 1 };
	uint64_t windows;

	(void)state;
	make_series(&made, values, &length, 1);
	assert_true(mlops_flow_evaluate_forecast(model->forecaster, &test, NULL, &metrics, &windows, &error));
	assert_int_equal(windows, 1);
	assert_metric(&metrics, "seasonal_mae", 2);
	/* nothing moved ahead of the cut: there is no scale */
	assert_true(isnan(mlops_metrics_get(&metrics, "mase")));
	assert_true(isnan(mlops_metrics_get(&metrics, "skill")));
	mlops_model_free(model);
}

static void series_are_cut_where_a_share_of_the_points_lies_behind(void **state)
{
	static const float values[64] = { 0 };
	static const size_t lengths[] = { 6, 4 };
	struct made made;
	int64_t cut;

	(void)state;
	make_series(&made, values, lengths, 2);
	mlops_flow_cut_series(&made.set, 0.2, &cut);
	assert_int_equal(cut, 1000 + 6 * 10 + 100 + 2 * 10);
	assert_int_equal(mlops_flow_values_before(&made.set, &made.segments[0], cut), 6);
	assert_int_equal(mlops_flow_values_before(&made.set, &made.segments[1], cut), 2);
	/* the cut falls into the gap: the first point behind it */
	mlops_flow_cut_series(&made.set, 0.4, &cut);
	assert_int_equal(cut, 1000 + 6 * 10 + 100);
	mlops_flow_cut_series(&made.set, 0.5, &cut);
	assert_int_equal(cut, 1000 + 5 * 10);
	assert_int_equal(mlops_flow_values_before(&made.set, &made.segments[0], 0), 0);
	assert_int_equal(mlops_flow_values_before(&made.set, &made.segments[0], 1001), 1);
}

static void checkpoints_come_back(void **state)
{
	static const char identity[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char fit[] = "bytes\nof\0a fit";
	struct mlops_checkpoint written = { .refit = true, .windows = 17, .fit = fit, .fit_length = sizeof fit }, read;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;

	(void)state;
	strcpy(written.identity, identity);
	mlops_metrics_add(&written.metrics, "mae", 1.25);
	mlops_metrics_add(&written.metrics, "skill", -0.5);
	mlops_checkpoint_write(&written, &bytes);
	assert_true(mlops_checkpoint_read(bytes.data, bytes.length, identity, &read, &error));
	assert_true(read.refit);
	assert_int_equal(read.windows, 17);
	assert_int_equal(read.fit_length, sizeof fit);
	assert_memory_equal(read.fit, fit, sizeof fit);
	assert_true(mlops_metrics_get(&read.metrics, "mae") == 1.25);
	assert_true(mlops_forecast_loses(&read.metrics));
	/* every byte counts, wherever the file is cut */
	for (size_t i = 0; i < bytes.length; i++) {
		error = (struct mlops_error)MLOPS_ERROR_INIT;
		bytes.data[i] ^= 1;
		assert_false(mlops_checkpoint_read(bytes.data, bytes.length, identity, &read, &error));
		assert_int_equal(error.code, MLOPS_DATA);
		bytes.data[i] ^= 1;
		error = (struct mlops_error)MLOPS_ERROR_INIT;
		assert_false(mlops_checkpoint_read(bytes.data, i, identity, &read, &error));
		assert_int_equal(error.code, MLOPS_DATA);
	}
	written.identity[0] = '1';
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_checkpoint_read(bytes.data, bytes.length, written.identity, &read, &error));
	assert_string_equal(error.message, "the checkpoint is of another training: rows, settings, seed or test part were others; "
					   "remove it to start from the beginning");
	mlops_buffer_release(&bytes);
}

static bool collect(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	mlops_buffer_append(context, bytes, length);
	return !((struct mlops_buffer *)context)->failed || mlops_error_set_memory(error);
}

/* What forecasting `input` prints, and then what went wrong. */
static void assert_forecast(const struct mlops_model *model, const char *input, struct mlops_forecast_request request,
			    const char *expected)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_forecast_result result;

	request.model = model;
	request.name = "m";
	request.source = mlops_source_from_memory(input, strlen(input), "t", &error);
	request.read = &options;
	request.level = 0.5;
	request.sink = collect;
	request.sink_context = &out;
	if (!mlops_flow_forecast(&request, &result, &error))
		mlops_buffer_append_format(&out, "%s:%d: %s", error.source, (int)error.line, error.message);
	assert_string_equal(mlops_buffer_string(&out), expected);
	mlops_buffer_release(&out);
	mlops_source_free(request.source);
}

/* As a database's come; the reader stays the caller's. */
static void rows_of_a_reader_are_answered(const struct mlops_model *model)
{
	static const char *const texts[] = { "time,v\n2024-01-01,1\n2024-01-02,2\n", "v\n1\n" };
	static const char *const expected[] = {
		"{\"sensor_id\":null,\"model\":\"m\",\"version\":null,\"forecast_steps\":1,\"forecast\":[2],\"lower\":[1.5],"
		"\"upper\":[2.5],\"level\":0.5,\"timestamps\":[\"2024-01-03T00:00:00Z\"]}\n",
		"t:0: the series has 1 point, the model needs the last 2 (seq_length)",
	};

	for (size_t i = 0; i < 2; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
		struct mlops_buffer out = MLOPS_BUFFER_INIT;
		struct mlops_source *source = mlops_source_from_memory(texts[i], strlen(texts[i]), "t", &error);
		struct mlops_forecast_request request = {
			.model = model, .name = "m", .read = &options, .level = 0.5, .sink = collect, .sink_context = &out,
			.reader = mlops_reader_open(source, &options, &error),
		};
		struct mlops_forecast_result result;

		assert_non_null(request.reader);
		if (!mlops_flow_forecast(&request, &result, &error))
			mlops_buffer_append_format(&out, "%s:%d: %s", error.source, (int)error.line, error.message);
		assert_string_equal(mlops_buffer_string(&out), expected[i]);
		mlops_reader_free(request.reader);
		mlops_buffer_release(&out);
		mlops_source_free(source);
	}
}

static void histories_and_rows_are_answered(void **state)
{
	struct mlops_model *model = naive_model(2, 1, 0.5f);
	const struct mlops_forecast_request as_asked = { .steps = 0 };

	(void)state;
	assert_forecast(model, "[{\"historical_data\":[9,1,2],\"sensor_id\":7},{\"historical_data\":[1,3],\"forecast_steps\":2}]",
			as_asked,
			"{\"sensor_id\":7,\"model\":\"m\",\"version\":null,\"forecast_steps\":1,\"forecast\":[2],\"lower\":[1.5],"
			"\"upper\":[2.5],\"level\":0.5}\n"
			"{\"sensor_id\":null,\"model\":\"m\",\"version\":null,\"forecast_steps\":2,\"forecast\":[3,3],"
			"\"lower\":[2.5,2.5],\"upper\":[3.5,3.5],\"level\":0.5}\n");
	assert_forecast(model, "time,tag,v\n2024-01-01,a,1\n2024-01-02,a,2\n",
			(struct mlops_forecast_request){ .version = 3, .steps = 2 },
			"{\"sensor_id\":\"a\",\"model\":\"m\",\"version\":3,\"forecast_steps\":2,\"forecast\":[2,2],"
			"\"lower\":[1.5,1.5],\"upper\":[2.5,2.5],\"level\":0.5,\"timestamps\":[\"2024-01-03T00:00:00Z\","
			"\"2024-01-04T00:00:00Z\"]}\n");
	assert_forecast(model, "v\n1\n", as_asked, "t:0: the series has 1 point, the model needs the last 2 (seq_length)");
	assert_forecast(model, "{\"historical_data\":[1]}", as_asked,
			"t:1: \"historical_data\" has 1 value, the model needs the last 2 (seq_length)");
	assert_forecast(model, "{\"historical_data\":[1,2]}", (struct mlops_forecast_request){ .hold = 1 },
			":0: --hold is for rows, but the input has \"historical_data\"");
	assert_forecast(model, "[]", as_asked, "");
	rows_of_a_reader_are_answered(model);
	model->kind = MLOPS_ANOMALY_DETECTION;
	assert_forecast(model, "", as_asked,
			":0: the model is of kind anomaly_detection; forecasts need one of time_series_forecast");
	mlops_model_free(model);
}

static void a_model_says_how_its_rows_became_series(void **state)
{
	struct mlops_model *model = naive_model(2, 1, 0.5f);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_forecast_origin origin;
	const struct mlops_forecast_request as_asked = { .steps = 0 };

	(void)state;
	assert_true(mlops_metadata_set(&model->metadata, "series",
				       "{\"target\":\"v\",\"step_seconds\":60,\"resampled\":true,\"hold_seconds\":120}", &error));
	assert_true(mlops_forecast_origin_read(model, &origin, &error));
	assert_string_equal(origin.target, "v");
	assert_int_equal(origin.step, 60000000);
	assert_int_equal(origin.hold, 120000000);
	assert_true(origin.resampled);
	mlops_forecast_origin_release(&origin);
	assert_forecast(model, "time,v,w\n2024-01-01T00:00:01Z,1,7\n2024-01-01T00:00:59Z,2,7\n2024-01-01T00:02:00Z,3,7\n", as_asked,
			"{\"sensor_id\":null,\"model\":\"m\",\"version\":null,\"forecast_steps\":1,\"forecast\":[3],\"lower\":[2.5],"
			"\"upper\":[3.5],\"level\":0.5,\"timestamps\":[\"2024-01-01T00:03:00Z\"]}\n");
	assert_forecast(model, "time,w\n2024-01-01T00:00:00Z,1\n", as_asked,
			"t:0: no column \"v\", which the model has learnt; --target says which column to forecast");
	/* what no training wrote is passed over */
	assert_true(mlops_metadata_set(&model->metadata, "series", "{\"target\":7,\"step_seconds\":-1,\"hold_seconds\":1e300}",
				       &error));
	assert_true(mlops_forecast_origin_read(model, &origin, &error));
	assert_null(origin.target);
	assert_true(origin.step == 0 && origin.hold == 0 && !origin.resampled);
	mlops_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_those_of_the_paper),
		cmocka_unit_test(no_window_reaches_over_a_gap),
		cmocka_unit_test(a_season_is_looked_for_whole_seasons_back),
		cmocka_unit_test(series_are_cut_where_a_share_of_the_points_lies_behind),
		cmocka_unit_test(checkpoints_come_back),
		cmocka_unit_test(histories_and_rows_are_answered),
		cmocka_unit_test(a_model_says_how_its_rows_became_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
