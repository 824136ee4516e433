#include "flow/forecast.h"

#include "base/json_writer.h"
#include "base/time.h"
#include "flow/stream.h"
#include "rows/history.h"
#include "rows/series.h"

#include <stdlib.h>
#include <string.h>

#define MOST_WORKERS 64
#define PIECE 64                        /* histories that a worker takes at once */
#define MOST_VALUES ((size_t)1 << 16)   /* forecast values in memory at once, unless one history has more */

/* What a line is about. */
struct item {
	char *sensor; /* [sensor_length] JSON of the input's; NULL: id is the name, NULL: none */
	size_t sensor_length, sensor_room;
	const char *id;
	size_t steps;
	int64_t last_time; /* with times; else MLOPS_TIME_MISSING */
};

struct worker {
	struct item *items;       /* [PIECE] */
	float *histories;         /* [PIECE][length] */
	size_t n;
	struct mlops_history history;
	float *forecast, *lower, *upper;
	size_t room;              /* values in each of them */
};

struct forecasting {
	const struct mlops_forecast_request *request;
	const struct mlops_forecaster *forecaster;
	const char *source;       /* for messages */
	struct mlops_history_reader *histories; /* NULL: the input was rows, which are in set */
	struct mlops_series_set *set;
	size_t at;                /* the next series */
	struct worker workers[MOST_WORKERS];
	struct mlops_forecast_result *result;
};

static bool prepare_worker(const struct forecasting *forecasting, struct worker *worker, struct mlops_error *error)
{
	if (worker->items != NULL)
		return true;
	worker->items = calloc(PIECE, sizeof *worker->items);
	worker->histories = calloc(PIECE * forecasting->forecaster->length, sizeof *worker->histories);
	worker->history.keep = forecasting->forecaster->length;
	return (worker->items != NULL && worker->histories != NULL) || mlops_error_set_memory(error);
}

static void release_worker(struct worker *worker)
{
	for (size_t i = 0; worker->items != NULL && i < PIECE; i++)
		free(worker->items[i].sensor);
	free(worker->items);
	free(worker->histories);
	mlops_history_release(&worker->history);
	free(worker->forecast);
	free(worker->lower);
	free(worker->upper);
}

/* True when fewer points than the model needs are to be left out; else false, with an error. */
static bool pass_over(struct forecasting *forecasting)
{
	bool skip = forecasting->request->read->on_error == MLOPS_ON_ERROR_SKIP;

	forecasting->result->too_short += skip;
	return skip;
}

static bool take_history(struct forecasting *forecasting, struct worker *worker, struct mlops_error *error)
{
	const struct mlops_history *history = &worker->history;
	const struct mlops_forecast_request *request = forecasting->request;
	struct item *item = &worker->items[worker->n];
	size_t length = forecasting->forecaster->length;

	if (history->n < length)
		return pass_over(forecasting) ||
		       mlops_error_set_at(error, MLOPS_DATA, forecasting->source, history->line,
					  "\"historical_data\" has %llu value%s, the model needs the last %zu (seq_length)",
					  (unsigned long long)history->count, history->count == 1 ? "" : "s", length);
	if (history->sensor_length > item->sensor_room) {
		char *sensor = realloc(item->sensor, history->sensor_length);

		if (sensor == NULL)
			return mlops_error_set_memory(error);
		item->sensor = sensor;
		item->sensor_room = history->sensor_length;
	}
	if (history->sensor_length > 0)
		memcpy(item->sensor, history->sensor, history->sensor_length);
	item->sensor_length = history->sensor_length;
	item->id = NULL;
	item->last_time = MLOPS_TIME_MISSING;
	item->steps = forecasting->forecaster->horizon;
	if (request->steps > 0 || history->steps > 0)
		item->steps = (size_t)(request->steps > 0 ? request->steps : history->steps);
	memcpy(worker->histories + worker->n * length, history->values, length * sizeof *history->values);
	worker->n++;
	return true;
}

static bool take_histories(struct forecasting *forecasting, struct worker *worker, struct mlops_error *error)
{
	while (worker->n < PIECE) {
		enum mlops_json_step step =
			mlops_history_next(forecasting->histories, worker->n == 0, &worker->history, error);

		if (step == MLOPS_JSON_STEP_FAILED)
			return false;
		if (step != MLOPS_JSON_STEP_OK)
			return true;
		if (!take_history(forecasting, worker, error))
			return false;
	}
	return true;
}

static bool too_short(const struct forecasting *forecasting, const struct mlops_series *series, size_t last,
		      struct mlops_error *error)
{
	bool named = forecasting->set->has_ids;

	return mlops_error_set_at(error, MLOPS_DATA, forecasting->source, 0,
				  "%s%.100s%s %zu point%s%s, the model needs the last %zu (seq_length)%s",
				  named ? "sensor \"" : "the series", named ? series->id : "", named ? "\" has" : " has", last,
				  last == 1 ? "" : "s", series->n_segments > 1 ? " behind its last gap" : "",
				  forecasting->forecaster->length, named ? "; --on-error skip leaves it out" : "");
}

static bool take_series(struct forecasting *forecasting, struct worker *worker, struct mlops_error *error)
{
	const struct mlops_series_set *set = forecasting->set;
	size_t length = forecasting->forecaster->length;

	for (; worker->n < PIECE && forecasting->at < set->n; forecasting->at++) {
		const struct mlops_series *series = &set->items[forecasting->at];
		const struct mlops_segment *last = series->segments + series->n_segments - 1;
		size_t points = series->n_segments > 0 ? last->length : 0;
		struct item *item = &worker->items[worker->n];

		if (points < length) {
			if (pass_over(forecasting))
				continue;
			return too_short(forecasting, series, points, error);
		}
		item->sensor_length = 0;
		item->id = set->has_ids ? series->id : NULL;
		item->steps = forecasting->forecaster->horizon;
		if (forecasting->request->steps > 0)
			item->steps = (size_t)forecasting->request->steps;
		item->last_time = set->every > 0 ? mlops_segment_time(set, last, points - 1) : MLOPS_TIME_MISSING;
		memcpy(worker->histories + worker->n * length, series->values + last->start + points - length,
		       length * sizeof *series->values);
		worker->n++;
	}
	return true;
}

static bool take(void *context, unsigned number, size_t *rows, struct mlops_error *error)
{
	struct forecasting *forecasting = context;
	struct worker *worker = &forecasting->workers[number];
	bool ok;

	worker->n = 0;
	*rows = 0;
	if (!prepare_worker(forecasting, worker, error))
		return false;
	ok = forecasting->histories != NULL ? take_histories(forecasting, worker, error)
					    : take_series(forecasting, worker, error);
	*rows = worker->n;
	return ok;
}

static void write_values(struct mlops_json *json, const char *key, const float *values, size_t n)
{
	mlops_json_key(json, key);
	mlops_json_open(json, '[');
	for (size_t i = 0; i < n; i++)
		mlops_json_float(json, values[i]);
	mlops_json_close(json, ']');
}

static void write_times(struct mlops_json *json, int64_t last, int64_t every, size_t n)
{
	char text[MLOPS_TIME_TEXT];

	mlops_json_key(json, "timestamps");
	mlops_json_open(json, '[');
	for (size_t i = 1; i <= n; i++) {
		int64_t ahead, time;

		if (__builtin_mul_overflow(every, (int64_t)i, &ahead) || __builtin_add_overflow(last, ahead, &time)) {
			mlops_json_null(json);
			continue;
		}
		mlops_time_print(text, time);
		mlops_json_string(json, text);
	}
	mlops_json_close(json, ']');
}

static void write_item(const struct forecasting *forecasting, const struct worker *worker, const struct item *item,
		       size_t at, struct mlops_buffer *out)
{
	const struct mlops_forecast_request *request = forecasting->request;
	struct mlops_json json = { .out = out };

	mlops_json_open(&json, '{');
	mlops_json_key(&json, "sensor_id");
	if (item->sensor_length > 0)
		mlops_json_raw(&json, item->sensor, item->sensor_length);
	else
		mlops_json_string(&json, item->id);
	mlops_json_member_string(&json, "model", request->name);
	mlops_json_key(&json, "version");
	if (request->version > 0)
		mlops_json_uint(&json, request->version);
	else
		mlops_json_null(&json);
	mlops_json_member_uint(&json, "forecast_steps", item->steps);
	write_values(&json, "forecast", worker->forecast + at, item->steps);
	write_values(&json, "lower", worker->lower + at, item->steps);
	write_values(&json, "upper", worker->upper + at, item->steps);
	mlops_json_member_double(&json, "level", request->level);
	if (item->last_time != MLOPS_TIME_MISSING)
		write_times(&json, item->last_time, forecasting->set->every, item->steps);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(out, '\n');
}

static bool make_room(struct worker *worker, size_t values, struct mlops_error *error)
{
	if (values <= worker->room)
		return true;
	free(worker->forecast);
	free(worker->lower);
	free(worker->upper);
	worker->forecast = reallocarray(NULL, values, sizeof *worker->forecast);
	worker->lower = reallocarray(NULL, values, sizeof *worker->lower);
	worker->upper = reallocarray(NULL, values, sizeof *worker->upper);
	worker->room = values;
	return (worker->forecast != NULL && worker->lower != NULL && worker->upper != NULL) ||
	       mlops_error_set_memory(error);
}

/* Neighbours that ask for equally many steps are forecast together. */
static bool work(void *context, unsigned number, struct mlops_buffer *out, struct mlops_error *error)
{
	struct forecasting *forecasting = context;
	const struct mlops_forecaster *forecaster = forecasting->forecaster;
	struct worker *worker = &forecasting->workers[number];

	for (size_t first = 0, end; first < worker->n; first = end) {
		size_t steps = worker->items[first].steps;
		struct mlops_forecast answer;

		for (end = first + 1; end < worker->n && worker->items[end].steps == steps; end++)
			if ((end - first + 1) * steps > MOST_VALUES)
				break;
		if (!make_room(worker, (end - first) * steps, error))
			return false;
		answer = (struct mlops_forecast){
			.forecast = worker->forecast, .lower = worker->lower, .upper = worker->upper,
		};
		if (!mlops_forecaster_extend(forecaster, worker->histories + first * forecaster->length, end - first, steps,
					     forecasting->request->level, NULL, &answer, error))
			return false;
		for (size_t i = first; i < end; i++)
			write_item(forecasting, worker, &worker->items[i], (i - first) * steps, out);
	}
	return !out->failed || mlops_error_set_memory(error);
}

static bool hand_on(void *context, const struct mlops_buffer *out, size_t rows, struct mlops_error *error)
{
	struct forecasting *forecasting = context;
	const struct mlops_forecast_request *request = forecasting->request;

	if (!request->sink(request->sink_context, out->data, out->length, error))
		return false;
	forecasting->result->forecasts += rows;
	if (request->progress != NULL && !request->progress(request->progress_context, forecasting->result->forecasts))
		return mlops_error_set(error, MLOPS_CLOSED, "stopped");
	return true;
}

static bool run(struct forecasting *forecasting, struct mlops_error *error)
{
	unsigned threads = mlops_pool_workers(forecasting->request->pool);
	struct mlops_stream stream = {
		.context = forecasting, .take = take, .work = work, .hand_on = hand_on,
		.workers = threads < MOST_WORKERS ? threads : MOST_WORKERS,
	};

	return mlops_stream_run(&stream, forecasting->request->pool, error);
}

/* Options that say how rows become series mean nothing for histories. */
static bool check_options(const struct mlops_forecast_request *request, struct mlops_error *error)
{
	const char *given = request->every > 0		       ? "--every"
			    : request->hold > 0		       ? "--hold"
			    : request->select.target != NULL ? "--target"
			    : request->read->n_time_columns > 0 || request->select.time != NULL ? "--time"
			    : request->select.id != NULL     ? "--id"
							     : NULL;

	return given == NULL || mlops_error_set(error, MLOPS_USAGE, "%s is for rows, but the input has \"historical_data\"",
						given);
}

static bool forecast_histories(struct forecasting *forecasting, const struct mlops_buffer *head,
			       struct mlops_error *error)
{
	const struct mlops_forecast_request *request = forecasting->request;
	bool ok;

	if (!check_options(request, error))
		return false;
	forecasting->source = mlops_source_name(request->source);
	forecasting->histories = mlops_history_open(request->source, head, request->read, error);
	if (forecasting->histories == NULL)
		return false;
	ok = run(forecasting, error);
	forecasting->result->counts = *mlops_history_counts(forecasting->histories);
	mlops_history_close(forecasting->histories);
	return ok;
}

static bool forecast_rows(struct forecasting *forecasting, struct mlops_reader *reader, struct mlops_error *error)
{
	const struct mlops_forecast_request *request = forecasting->request;
	bool ok = false;

	if (reader->no_rows)
		return true;
	forecasting->source = reader->name;
	forecasting->set = mlops_flow_series_for_model(request->model, reader, &request->select, request->every,
						       request->hold, error);
	forecasting->result->counts = reader->counts;
	if (forecasting->set != NULL)
		ok = run(forecasting, error);
	mlops_series_free(forecasting->set);
	return ok;
}

/* Histories, or rows: the first bytes tell. */
static bool forecast_source(struct forecasting *forecasting, struct mlops_error *error)
{
	const struct mlops_forecast_request *request = forecasting->request;
	struct mlops_buffer head = MLOPS_BUFFER_INIT;
	struct mlops_reader *reader;
	bool histories = false;
	bool ok = request->read->format == MLOPS_FORMAT_CSV ||
		  mlops_history_probe(request->source, &head, &histories, error);

	if (ok && histories) {
		ok = forecast_histories(forecasting, &head, error);
	} else if (ok) {
		reader = mlops_reader_open_behind(request->source, &head, request->read, error);
		ok = reader != NULL && forecast_rows(forecasting, reader, error);
		mlops_reader_free(reader);
	}
	mlops_buffer_release(&head);
	return ok;
}

bool mlops_flow_forecast(const struct mlops_forecast_request *request, struct mlops_forecast_result *result,
			 struct mlops_error *error)
{
	struct forecasting *forecasting;
	bool ok;

	*result = (struct mlops_forecast_result){ 0 };
	if (request->model->kind != MLOPS_TIME_SERIES_FORECAST)
		return mlops_error_set(error, MLOPS_USAGE, "the model is of kind %s; forecasts need one of %s",
				       mlops_kind_name(request->model->kind),
				       mlops_kind_name(MLOPS_TIME_SERIES_FORECAST));
	forecasting = calloc(1, sizeof *forecasting);
	if (forecasting == NULL)
		return mlops_error_set_memory(error);
	forecasting->request = request;
	forecasting->forecaster = request->model->forecaster;
	forecasting->result = result;
	ok = request->reader != NULL ? forecast_rows(forecasting, request->reader, error) :
				       forecast_source(forecasting, error);
	for (size_t w = 0; w < MOST_WORKERS; w++)
		release_worker(&forecasting->workers[w]);
	free(forecasting);
	return ok;
}
