#include "flow/train_forecast.h"

#include "base/text.h"
#include "base/time.h"
#include "check/profile.h"
#include "flow/checkpoint.h"
#include "flow/describe.h"
#include "flow/evaluate_forecast.h"
#include "model/forecaster_fit.h"
#include "model/onnx.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the steps of one training hand on to each other. */
struct training {
	const struct mlops_train_request *request;
	struct mlops_train_result *result;
	const struct mlops_series_set *set;
	struct mlops_series_set *own;  /* set, when it was read here */
	struct mlops_series_set *test; /* --test FILE */
	int64_t *cuts;                 /* [set->n], when a part is held out */
	struct mlops_forecast_segment *segments;
	char identity[MLOPS_SHA256_TEXT];
	struct mlops_checkpoint resumed, kept;
	struct mlops_forecast_report report; /* of the fit that is the model */
	struct mlops_metrics metrics;
	uint64_t windows;
	const char *step;
};

static size_t setting(const struct mlops_train_request *request, const char *name)
{
	return (size_t)mlops_settings_get(&request->settings, name);
}

static bool report_rows(void *context, uint64_t rows)
{
	const struct mlops_train_request *request = context;

	return request->progress == NULL || request->progress(request->progress_context, "read", rows, 0);
}

struct mlops_series_set *mlops_flow_read_series(const struct mlops_train_request *request, struct mlops_reader *reader,
						struct mlops_error *error)
{
	struct mlops_series_options options = {
		.every = request->forecast.every, .hold = request->forecast.hold, .progress = report_rows,
		.progress_context = (void *)(uintptr_t)request,
	};
	struct mlops_series_columns columns;

	if (!mlops_series_select(reader, &request->select, &columns, error))
		return NULL;
	return mlops_series_read(reader, &columns, &options, error);
}

__attribute__((format(printf, 4, 5)))
static void notice_count(struct training *training, uint64_t n, const char *unit, const char *format, ...)
{
	struct mlops_buffer *notices = &training->result->notices;
	char text[300];
	va_list arguments;

	if (n == 0)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	mlops_buffer_append_format(notices, "%llu %s%s %s\n", (unsigned long long)n, unit, n == 1 ? "" : "s", text);
}

static bool is_constant(const struct mlops_series *series)
{
	for (size_t i = 1; i < series->n_values; i++)
		if (series->values[i] < series->values[0] || series->values[i] > series->values[0])
			return false;
	return true;
}

static void notice_rows(struct training *training)
{
	const struct mlops_series_counts *counts = &training->set->counts;

	notice_count(training, counts->untimed, "row", "without a time, or without a sensor, left out");
	notice_count(training, counts->late, "row", "behind a later one left out");
	notice_count(training, counts->filled, "missing point", "filled with the value before");
	notice_count(training, counts->gaps, "gap", "too long to be filled: the series is cut there (--hold)");
}

static bool read_series(struct training *training, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	struct mlops_train_result *result = training->result;
	const struct mlops_series_set *set = request->forecast.series;
	char name[MLOPS_TEXT_QUOTED];
	size_t constant = 0;

	if (set == NULL) {
		set = training->own = mlops_flow_read_series(request, request->reader, error);
		result->counts = request->reader->counts;
		if (set == NULL) {
			if (result->counts.rows == 0)
				result->failure_reason = "insufficient_data";
			return false;
		}
	}
	training->set = set;
	result->rows = set->counts.rows;
	if (result->rows < request->min_rows) {
		result->failure_reason = "insufficient_data";
		return mlops_error_set(error, MLOPS_DATA, "%llu usable row%s, at least %llu are needed (--min-rows)",
				       (unsigned long long)result->rows, result->rows == 1 ? "" : "s",
				       (unsigned long long)request->min_rows);
	}
	for (size_t i = 0; i < set->n; i++)
		constant += is_constant(&set->items[i]);
	if (constant == set->n)
		return mlops_error_set(error, MLOPS_DATA,
				       "column \"%s\" has the same value in all rows%s: there is nothing to forecast",
				       mlops_text_mask(name, set->column, strlen(set->column)),
				       set->n > 1 ? " of each sensor" : "");
	notice_count(training, constant, "sensor", "with the same value in all rows");
	notice_rows(training);
	return true;
}

/* Rows of --test FILE: the same column at the same step. */
static bool read_test(struct training *training, struct mlops_error *error)
{
	struct mlops_train_request like = *training->request;
	char own[MLOPS_TIME_TEXT], other[MLOPS_TIME_TEXT];

	like.select.target = training->set->column;
	training->test = mlops_flow_read_series(&like, like.test_reader, error);
	if (training->test == NULL)
		return false;
	if (training->test->every == training->set->every || training->test->every == 0)
		return true;
	mlops_time_print_duration(own, training->set->every);
	mlops_time_print_duration(other, training->test->every);
	return mlops_error_set_at(error, MLOPS_DATA, like.test_reader->name, 0,
				  "the rows are %s apart, those that are learnt from %s; --every brings both to one step",
				  other, own);
}

/* The segments ahead of the cuts (NULL: all) as the fit takes them; of series that have any. */
static struct mlops_forecast_data data_of(struct training *training, const int64_t *cuts, size_t *longest)
{
	const struct mlops_series_set *set = training->set;
	struct mlops_forecast_data data = { .segments = training->segments };

	*longest = 0;
	for (size_t i = 0; i < set->n; i++) {
		const struct mlops_series *series = &set->items[i];
		size_t before = data.n_segments;

		for (size_t s = 0; s < series->n_segments; s++) {
			const struct mlops_segment *segment = &series->segments[s];
			size_t n = cuts != NULL ? mlops_flow_values_before(set, segment, cuts[i]) : segment->length;

			if (n == 0)
				continue;
			if (n > *longest)
				*longest = n;
			training->segments[data.n_segments++] = (struct mlops_forecast_segment){
				.values = series->values + segment->start, .n = n, .series = data.n_series,
			};
		}
		data.n_series += data.n_segments > before;
	}
	return data;
}

static bool too_short(struct training *training, size_t longest, bool part, struct mlops_error *error)
{
	const struct mlops_series_counts *counts = &training->set->counts;

	training->result->failure_reason = "insufficient_data";
	return mlops_error_set(error, MLOPS_DATA,
			       "the longest stretch without a gap has %zu values%s; %zu are needed (seq_length + 2 * "
			       "forecast_horizon)%s",
			       longest, part ? " ahead of the test part" : "",
			       mlops_forecast_fewest(&training->request->settings),
			       counts->gaps > 0 ? "; a longer --hold or --every bridges gaps" : "");
}

static bool show(void *context, const struct mlops_forecast_progress *at)
{
	const struct training *training = context;
	const struct mlops_train_request *request = training->request;
	size_t batch = setting(request, "batch_size");
	char note[120];

	snprintf(note, sizeof note, "%s, epoch %zu of %zu, loss %.4g, validation %.4g", training->step, at->epoch, at->epochs,
		 at->loss, at->validation);
	return request->progress(request->progress_context, note,
				 ((uint64_t)(at->epoch - 1) * at->batches + at->batch) * batch,
				 (uint64_t)at->epochs * at->batches * batch);
}

/* What the fit keeps, and the figures of the one before. */
static bool save(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	struct training *training = context;
	const struct mlops_train_forecast *forecast = &training->request->forecast;
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	bool ok;

	training->kept.fit = bytes;
	training->kept.fit_length = length;
	mlops_checkpoint_write(&training->kept, &out);
	ok = out.failed ? mlops_error_set_memory(error)
			: forecast->save(forecast->save_context, out.data, out.length, error);
	mlops_buffer_release(&out);
	return ok;
}

static bool fit(struct training *training, const int64_t *cuts, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	size_t longest;
	struct mlops_forecast_data data = data_of(training, cuts, &longest);
	bool resumes = training->resumed.fit_length > 0 && training->resumed.refit == training->kept.refit;
	struct mlops_forecast_options options = {
		.settings = &request->settings, .seed = request->seed, .pool = request->pool,
		.warm_start = request->forecast.warm_start != NULL ? request->forecast.warm_start->forecaster : NULL,
		.checkpoint = resumes ? training->resumed.fit : NULL,
		.checkpoint_length = resumes ? training->resumed.fit_length : 0,
		.report = request->progress != NULL ? show : NULL,
		.save = request->forecast.save != NULL ? save : NULL,
		.context = training,
	};
	struct mlops_model *model;

	if (longest < mlops_forecast_fewest(&request->settings))
		return too_short(training, longest, cuts != NULL, error);
	model = calloc(1, sizeof *model);
	if (model == NULL)
		return mlops_error_set_memory(error);
	mlops_model_free(training->result->model);
	training->result->model = model;
	model->kind = MLOPS_TIME_SERIES_FORECAST;
	model->forecaster = mlops_forecaster_fit(&data, &options, &training->report, error);
	return model->forecaster != NULL;
}

static bool meet_champion(struct training *training, const struct mlops_forecast_test *test, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_model *champion =
		request->champion != NULL ? request->champion(request->champion_context, &trouble) : NULL;
	struct mlops_contest_sides sides = { training->result->model, champion, request->gate_rows, request->pool };
	bool ok = trouble.code == MLOPS_OK || mlops_error_set(error, trouble.code, "%s", trouble.message);

	if (champion != NULL)
		ok = mlops_contest_windows(&sides, test, training->windows, &training->result->contest, error);
	mlops_model_free(champion);
	return ok;
}

static bool judge(struct training *training, struct mlops_error *error)
{
	const struct mlops_forecaster *forecaster = training->result->model->forecaster;
	const struct mlops_forecast_report *report = &training->report;
	struct mlops_forecast_test test = {
		.set = training->test != NULL ? training->test : training->set,
		.cuts = training->test != NULL ? NULL : training->cuts,
		.length = forecaster->length, .steps = forecaster->horizon,
		.season = report->longer_season > 0 ? report->longer_season : report->season,
	};

	if (training->request->progress != NULL &&
	    !training->request->progress(training->request->progress_context, "evaluate", 0, 0))
		return mlops_error_set(error, MLOPS_CLOSED, "stopped");
	if (!mlops_flow_evaluate_forecast(forecaster, &test, training->request->pool, &training->metrics,
					  &training->windows, error))
		return false;
	return meet_champion(training, &test, error);
}

/* One name for everything that the model's bytes depend on, besides what the fit's own checkpoint checks. */
static bool identify(struct training *training, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &text };

	mlops_buffer_append_format(&text, "%s %s %llu %d %s %.17g ", request->program_version, training->set->sha256,
				   (unsigned long long)request->seed, request->refit,
				   training->test != NULL ? training->test->sha256 : "-", request->test_fraction);
	mlops_settings_write(&request->settings, &json);
	if (!text.failed)
		mlops_sha256_of(text.data, text.length, training->identity);
	mlops_buffer_release(&text);
	memcpy(training->kept.identity, training->identity, sizeof training->kept.identity);
	return !text.failed || mlops_error_set_memory(error);
}

static bool resume(struct training *training, struct mlops_error *error)
{
	const struct mlops_train_forecast *forecast = &training->request->forecast;

	if (forecast->checkpoint == NULL)
		return true;
	if (!mlops_checkpoint_read(forecast->checkpoint, forecast->checkpoint_length, training->identity, &training->resumed,
				   error))
		return false;
	mlops_buffer_append_format(&training->result->notices, "going on from the checkpoint%s\n",
				   training->resumed.refit ? ", in the fit on all rows" : "");
	return true;
}

/* A fit that is judged, then the final one on all rows (or the same with --no-refit). */
static bool fit_and_judge(struct training *training, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	bool part = training->test == NULL && request->test_fraction > 0;
	bool once = !part || !request->refit;

	if (part) {
		training->cuts = calloc(training->set->n, sizeof *training->cuts);
		if (training->cuts == NULL)
			return mlops_error_set_memory(error);
		mlops_flow_cut_series(training->set, request->test_fraction, training->cuts);
	}
	if (!training->resumed.refit) {
		training->step = "fit";
		if (!fit(training, training->cuts, error) || ((part || training->test != NULL) && !judge(training, error)))
			return false;
	} else {
		training->metrics = training->resumed.metrics;
		training->windows = training->resumed.windows;
		snprintf(training->result->contest.obstacle, sizeof training->result->contest.obstacle,
			 "the training went on from a checkpoint behind its evaluation");
	}
	if (once)
		return true;
	training->step = "refit";
	training->kept.refit = true;
	training->kept.metrics = training->metrics;
	training->kept.windows = training->windows;
	if (request->forecast.save != NULL && !training->resumed.refit && !save(training, NULL, 0, error))
		return false;
	return fit(training, NULL, error);
}

static void write_data(const struct mlops_series_set *set, struct mlops_json *json)
{
	int64_t first = MLOPS_TIME_MISSING, last = MLOPS_TIME_MISSING;

	for (size_t i = 0; set->every > 0 && i < set->n; i++) {
		const struct mlops_series *series = &set->items[i];
		const struct mlops_segment *end = series->segments + series->n_segments - 1;

		if (series->n_segments == 0)
			continue;
		if (first == MLOPS_TIME_MISSING || series->segments[0].first_time < first)
			first = series->segments[0].first_time;
		if (mlops_segment_time(set, end, end->length - 1) > last)
			last = mlops_segment_time(set, end, end->length - 1);
	}
	mlops_json_open(json, '{');
	mlops_json_member_uint(json, "rows", set->counts.rows);
	mlops_description_times(json, first, last);
	mlops_json_member_string(json, "sha256", set->sha256);
	mlops_json_close(json, '}');
}

/* What mlops_flow_forecast needs to bring rows to the same series. */
static void write_series(const struct training *training, struct mlops_json *json)
{
	const struct mlops_series_set *set = training->set;
	const struct mlops_train_forecast *forecast = &training->request->forecast;
	const double second = 1000000;

	mlops_json_open(json, '{');
	mlops_json_member_string(json, "target", set->column);
	if (set->every > 0) {
		mlops_json_member_double(json, "step_seconds", (double)set->every / second);
		mlops_json_member_bool(json, "resampled", forecast->every > 0);
		mlops_json_member_double(json, "hold_seconds",
					 (double)(forecast->hold > 0 ? forecast->hold : MLOPS_SERIES_HOLD_STEPS * set->every) /
						 second);
	}
	mlops_json_member_uint(json, "sensors", set->n);
	if (set->n == 1 && set->has_ids)
		mlops_json_member_string(json, "sensor", set->items[0].id);
	mlops_json_close(json, '}');
}

/* The profile of all values as one column. */
static bool write_profile(const struct mlops_series_set *set, struct mlops_json *json, struct mlops_error *error)
{
	struct mlops_feature feature = { .name = set->column };
	struct mlops_dataset dataset = { .n_features = 1, .features = &feature };
	float *column;
	bool ok;

	for (size_t i = 0; i < set->n; i++)
		dataset.n_rows += set->items[i].n_values;
	column = reallocarray(NULL, dataset.n_rows + 1, sizeof *column);
	if (column == NULL)
		return mlops_error_set_memory(error);
	dataset.columns = &column;
	dataset.n_rows = 0;
	for (size_t i = 0; i < set->n; i++) {
		if (set->items[i].n_values > 0)
			memcpy(column + dataset.n_rows, set->items[i].values, set->items[i].n_values * sizeof *column);
		dataset.n_rows += set->items[i].n_values;
	}
	ok = mlops_profile_write(&dataset, json, error);
	free(column);
	return ok;
}

static void write_details(const struct training *training)
{
	const struct mlops_train_request *request = training->request;
	const struct mlops_series_set *set = training->set;
	const struct mlops_forecast_report *report = &training->report;
	const struct mlops_read_counts *counts = &training->result->counts;
	struct mlops_json json = { .out = &training->result->details, .depth = 1 };
	uint64_t points = 0;
	char text[MLOPS_TIME_TEXT];

	for (size_t i = 0; i < set->n; i++)
		points += set->items[i].n_values;
	mlops_json_member_uint(&json, "seed", request->seed);
	mlops_json_member_uint(&json, "sensors", set->n);
	mlops_json_member_uint(&json, "points", points);
	if (set->every > 0) {
		mlops_time_print_duration(text, set->every);
		mlops_json_member_string(&json, "step", text);
	}
	mlops_json_member_uint(&json, "filled", set->counts.filled);
	mlops_json_member_uint(&json, "gaps", set->counts.gaps);
	if (set->counts.late > 0)
		mlops_json_member_uint(&json, "late_rows", set->counts.late);
	if (counts->skipped_rows > 0)
		mlops_json_member_uint(&json, "skipped_rows", counts->skipped_rows);
	if (counts->nulled_cells > 0)
		mlops_json_member_uint(&json, "nulled_cells", counts->nulled_cells);
	if (training->windows > 0) {
		mlops_json_member_string(&json, "split", training->test != NULL ? "file" : "time");
		mlops_json_member_uint(&json, "test_windows", training->windows);
	}
	if (training->cuts != NULL && set->every > 0) {
		mlops_time_print(text, training->cuts[0]);
		mlops_json_member_string(&json, "test_from", text);
	}
	mlops_json_member_uint(&json, "epochs", report->epochs);
	mlops_json_member_uint(&json, "best_epoch", report->best_epoch);
	mlops_json_member_uint(&json, "season", report->season);
}

static void notice_result(struct training *training)
{
	struct mlops_buffer *notices = &training->result->notices;
	const struct mlops_metrics *metrics = &training->metrics;
	double mae = mlops_metrics_get(metrics, "mae");
	double skill = mlops_metrics_get(metrics, "skill"), seasonal = mlops_metrics_get(metrics, "seasonal_skill");

	if (training->report.longer_season > 0)
		mlops_buffer_append_format(notices,
					   "the values repeat themselves every %zu steps, more than seq_length: --set "
					   "seq_length=%zu may forecast better\n",
					   training->report.longer_season,
					   training->report.longer_season + MLOPS_FORECAST_MEMORY);
	if (skill < 0)
		mlops_buffer_append_format(notices,
					   "the model loses: its mean absolute error on the test part is %.6g, repeating the "
					   "last value makes %.6g\n", mae, mlops_metrics_get(metrics, "naive_mae"));
	if (seasonal < 0)
		mlops_buffer_append_format(notices,
					   "the model loses: its mean absolute error on the test part is %.6g, repeating the "
					   "last season makes %.6g\n", mae, mlops_metrics_get(metrics, "seasonal_mae"));
}

/* Has the model that it starts from seen rows of the test part? */
static void notice_warm_start(struct training *training)
{
	const struct mlops_model *warm = training->request->forecast.warm_start;
	int64_t last;

	if (warm != NULL && training->cuts != NULL && mlops_flow_learnt_until(warm, &last) && last >= training->cuts[0])
		mlops_buffer_append_string(&training->result->notices,
					   "the model that training started from has learnt from rows of the test part: the "
					   "metrics are better than they should be\n");
}

static bool describe(struct training *training, struct mlops_error *error)
{
	const struct mlops_series_set *set = training->set;
	struct mlops_train_result *result = training->result;
	struct mlops_description description = { .data = MLOPS_BUFFER_INIT };
	struct mlops_json json = { .out = &description.data };
	bool ok;

	write_data(set, &json);
	json = (struct mlops_json){ .out = &description.series };
	write_series(training, &json);
	json = (struct mlops_json){ .out = &description.features };
	mlops_json_open(&json, '[');
	mlops_json_string(&json, set->column);
	mlops_json_close(&json, ']');
	json = (struct mlops_json){ .out = &description.profile };
	ok = write_profile(set, &json, error) &&
	     mlops_describe_training(training->request, &training->metrics, &description, result, error);
	mlops_description_release(&description);
	write_details(training);
	notice_result(training);
	notice_warm_start(training);
	result->contest.held_out = training->metrics;
	if (ok && (result->details.failed || result->notices.failed))
		ok = mlops_error_set_memory(error);
	return ok;
}

static bool prepare(struct training *training, struct mlops_error *error)
{
	size_t segments = 0;

	for (size_t i = 0; i < training->set->n; i++)
		segments += training->set->items[i].n_segments;
	training->segments = calloc(segments + 1, sizeof *training->segments);
	return training->segments != NULL || mlops_error_set_memory(error);
}

bool mlops_flow_train_forecast(const struct mlops_train_request *request, struct mlops_train_result *result,
			       struct mlops_error *error)
{
	struct training training = { .request = request, .result = result };
	bool ok = read_series(&training, error) && (request->test_reader == NULL || read_test(&training, error)) &&
		  prepare(&training, error) && identify(&training, error) && resume(&training, error) &&
		  fit_and_judge(&training, error) && describe(&training, error) &&
		  mlops_onnx_write(result->model, &result->bytes, error);

	free(training.cuts);
	free(training.segments);
	mlops_series_free(training.own);
	mlops_series_free(training.test);
	return ok;
}
