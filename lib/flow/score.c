#include "flow/score.h"

#include "flow/evaluate.h"
#include "flow/explain.h"
#include "flow/stream.h"
#include "rows/dictionary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const anomaly_outputs[] = { "anomaly_score", "anomaly_probability", "anomaly" };
static const char *const failure_outputs[] = { "failure_probability", "failure", "label", "probabilities" };
static const char because_output[] = "because";

/* More threads than this wait for the reader and the sink, and each needs memory. */
enum { MOST_WORKERS = 16 };

/* What a worker needs for a chunk at a time. */
struct worker {
	struct mlops_chunk *chunk;
	float **encoded;           /* [n_features] category codes of the chunk, NULL for numbers */
	const float **columns;     /* [n_features] of the chunk */
	float *sums;               /* [MLOPS_CHUNK_ROWS * n_outputs] */
	float *probabilities;      /* [n_classes] */
	float *effects;            /* [n_features * rows of the chunk], where they are explained */
	struct mlops_buffer because;
	uint64_t positives, unknown_categories;
	uint64_t tenths[MLOPS_SCORE_TENTHS];
};

/* Everything one scoring needs; columns of a chunk are the features, then the passed-through ones. */
struct scoring {
	const struct mlops_score_request *request;
	const struct mlops_model *model;
	size_t n_features;
	size_t *passed;                       /* [n_passed] reader columns that go through, time, id first */
	size_t n_passed;
	struct mlops_dictionary **categories; /* [n_features], NULL for numbers */
	enum mlops_column_type *types;        /* [n_features + n_passed] */
	struct mlops_writer *writer;
	struct mlops_buffer header;           /* until it is sent */
	struct mlops_explainer *explainer;    /* NULL: nothing is explained */
	struct worker *workers;               /* [n_workers] */
	unsigned n_workers;
	uint64_t rows;                        /* handed on */
};

static bool is_output(const struct scoring *scoring, const char *name)
{
	const struct mlops_model *model = scoring->model;
	const char *const *outputs =
		model->kind == MLOPS_ANOMALY_DETECTION ? anomaly_outputs : failure_outputs;
	size_t n = model->kind == MLOPS_ANOMALY_DETECTION ? 3 : 4;

	for (size_t i = 0; i < n; i++)
		if (strcmp(outputs[i], name) == 0)
			return true;
	return scoring->request->explain > 0 && strcmp(because_output, name) == 0;
}

/* The name under which a column goes through: its own, or one that is neither an output's nor another column's. */
static struct mlops_buffer name_passed(const struct scoring *scoring, const char *name)
{
	const struct mlops_reader *reader = scoring->request->reader;
	struct mlops_buffer field = MLOPS_BUFFER_INIT;
	bool taken = is_output(scoring, name);

	mlops_buffer_append_string(&field, name);
	while (taken && !field.failed) {
		struct mlops_buffer longer = MLOPS_BUFFER_INIT;

		mlops_buffer_append_format(&longer, "input_%s", mlops_buffer_string(&field));
		mlops_buffer_release(&field);
		field = longer;
		taken = mlops_select_column(reader, mlops_buffer_string(&field), NULL) != MLOPS_NO_COLUMN;
	}
	return field;
}

static bool pass_column(struct scoring *scoring, size_t column, struct mlops_error *error)
{
	struct mlops_buffer field;
	bool ok;

	for (size_t i = 0; i < scoring->n_passed; i++)
		if (scoring->passed[i] == column)
			return true;
	scoring->passed[scoring->n_passed++] = column;
	field = name_passed(scoring, scoring->request->reader->columns[column].name);
	(void)mlops_buffer_string(&field);
	ok = field.failed ? mlops_error_set_memory(error)
			  : mlops_writer_add_field(scoring->writer, field.data, NULL, error);
	mlops_buffer_release(&field);
	return ok;
}

static bool choose_passed(struct scoring *scoring, const struct mlops_selection *selection,
			  struct mlops_error *error)
{
	const struct mlops_score_request *request = scoring->request;
	const struct mlops_reader *reader = request->reader;

	scoring->passed = calloc(reader->n_columns > 0 ? reader->n_columns : 1, sizeof *scoring->passed);
	if (scoring->passed == NULL)
		return mlops_error_set_memory(error);
	if (selection->time != MLOPS_NO_COLUMN && !pass_column(scoring, selection->time, error))
		return false;
	if (selection->id != MLOPS_NO_COLUMN && !pass_column(scoring, selection->id, error))
		return false;
	if (request->keep == MLOPS_KEEP_ALL)
		for (size_t c = 0; c < reader->n_columns; c++)
			if (!pass_column(scoring, c, error))
				return false;
	for (size_t i = 0; request->keep == MLOPS_KEEP_LIST && i < request->n_keep; i++) {
		size_t column = mlops_select_column(reader, request->keep_names[i], error);

		if (column == MLOPS_NO_COLUMN || !pass_column(scoring, column, error))
			return false;
	}
	return true;
}

static bool add_scores(struct scoring *scoring, struct mlops_error *error)
{
	const struct mlops_model *model = scoring->model;

	if (model->kind == MLOPS_ANOMALY_DETECTION) {
		for (size_t i = 0; i < 3; i++)
			if (!mlops_writer_add_field(scoring->writer, anomaly_outputs[i], NULL, error))
				return false;
		return true;
	}
	if (model->n_classes == 2)
		return mlops_writer_add_field(scoring->writer, "failure_probability", NULL, error) &&
		       mlops_writer_add_field(scoring->writer, "failure", NULL, error);
	if (!mlops_writer_add_field(scoring->writer, "label", NULL, error))
		return false;
	for (size_t c = 0; c < model->n_classes; c++)
		if (!mlops_writer_add_field(scoring->writer, model->classes[c], "probabilities", error))
			return false;
	return true;
}

static bool add_outputs(struct scoring *scoring, struct mlops_error *error)
{
	if (!add_scores(scoring, error))
		return false;
	if (scoring->request->explain == 0)
		return true;
	scoring->explainer = mlops_explainer_new(scoring->model, scoring->request->explain, error);
	return scoring->explainer != NULL && mlops_writer_add_field(scoring->writer, because_output, NULL, error);
}

static bool prepare_categories(struct scoring *scoring, struct mlops_error *error)
{
	const struct mlops_feature *features = scoring->model->features;

	scoring->categories = calloc(scoring->n_features, sizeof(struct mlops_dictionary *));
	if (scoring->categories == NULL)
		return mlops_error_set_memory(error);
	for (size_t f = 0; features != NULL && f < scoring->n_features; f++) {
		if (features[f].categories == NULL)
			continue;
		scoring->categories[f] = mlops_dictionary_new(error);
		if (scoring->categories[f] == NULL)
			return false;
		for (size_t c = 0; c < features[f].n_categories; c++)
			if (mlops_dictionary_add(scoring->categories[f], features[f].categories[c],
						 strlen(features[f].categories[c])) == MLOPS_DICTIONARY_NONE)
				return mlops_error_set_memory(error);
	}
	return true;
}

static bool prepare_worker(const struct scoring *scoring, struct worker *worker, struct mlops_error *error)
{
	const struct mlops_model *model = scoring->model;

	worker->encoded = calloc(scoring->n_features, sizeof *worker->encoded);
	worker->columns = calloc(scoring->n_features, sizeof *worker->columns);
	/* Not cleared: for a single row that would be a good part of the work. */
	worker->sums = reallocarray(NULL, MLOPS_CHUNK_ROWS * model->trees.n_outputs, sizeof *worker->sums);
	worker->probabilities =
		calloc(model->n_classes > 0 ? model->n_classes : 1, sizeof *worker->probabilities);
	if (worker->encoded == NULL || worker->columns == NULL || worker->sums == NULL ||
	    worker->probabilities == NULL)
		return mlops_error_set_memory(error);
	if (scoring->explainer != NULL) {
		worker->effects = reallocarray(NULL, MLOPS_CHUNK_ROWS * sizeof *worker->effects, scoring->n_features);
		if (worker->effects == NULL)
			return mlops_error_set_memory(error);
	}
	for (size_t f = 0; f < scoring->n_features; f++) {
		if (scoring->categories[f] == NULL)
			continue;
		worker->encoded[f] = malloc(MLOPS_CHUNK_ROWS * sizeof *worker->encoded[f]);
		if (worker->encoded[f] == NULL)
			return mlops_error_set_memory(error);
	}
	worker->chunk = mlops_chunk_new(scoring->types, scoring->n_features + scoring->n_passed, error);
	return worker->chunk != NULL;
}

static void release_worker(const struct scoring *scoring, struct worker *worker)
{
	mlops_chunk_free(worker->chunk);
	for (size_t f = 0; worker->encoded != NULL && f < scoring->n_features; f++)
		free(worker->encoded[f]);
	free(worker->encoded);
	free(worker->columns);
	free(worker->sums);
	free(worker->probabilities);
	free(worker->effects);
	mlops_buffer_release(&worker->because);
}

static bool bind(struct scoring *scoring, const struct mlops_selection *selection, struct mlops_error *error)
{
	size_t n = scoring->n_features + scoring->n_passed;
	struct mlops_binding *bindings = calloc(n, sizeof *bindings);
	bool ok = false;

	scoring->types = calloc(n, sizeof *scoring->types);
	if (bindings == NULL || scoring->types == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t f = 0; f < scoring->n_features; f++) {
		bindings[f].column = selection->features[f];
		bindings[f].type = scoring->categories[f] != NULL ? MLOPS_COLUMN_TEXT : MLOPS_COLUMN_NUMBER;
	}
	for (size_t p = 0; p < scoring->n_passed; p++) {
		bindings[scoring->n_features + p].column = scoring->passed[p];
		bindings[scoring->n_features + p].type = MLOPS_COLUMN_TEXT;
	}
	for (size_t i = 0; i < n; i++)
		scoring->types[i] = bindings[i].type;
	ok = mlops_reader_bind(scoring->request->reader, bindings, n, error);
out:
	free(bindings);
	return ok;
}

static bool prepare(struct scoring *scoring, struct mlops_error *error)
{
	const struct mlops_score_request *request = scoring->request;
	const struct mlops_model *model = request->model;
	struct mlops_select_options options = {
		.time = request->time,
		.id = request->id,
		.features = request->features,
		.n_features = request->n_features,
	};
	struct mlops_selection selection = { 0 };
	bool ok = false;

	if (model->features != NULL && request->n_features > 0)
		return mlops_error_set(error, MLOPS_USAGE,
				       "the model names its features; a list of features is for files that don't");
	if (request->reader->no_rows) {
		scoring->writer = mlops_writer_new(request->format, error);
		return scoring->writer != NULL && add_outputs(scoring, error);
	}
	if (!mlops_flow_select_for_model(model, request->reader, &options, &selection, error))
		goto out;
	scoring->n_features = selection.n_features;
	scoring->writer = mlops_writer_new(request->format, error);
	ok = scoring->writer != NULL && choose_passed(scoring, &selection, error) &&
	     add_outputs(scoring, error) && prepare_categories(scoring, error) &&
	     bind(scoring, &selection, error);
out:
	mlops_selection_release(&selection);
	return ok;
}

static void encode_column(const struct scoring *scoring, struct worker *worker, size_t feature)
{
	const struct mlops_chunk *chunk = worker->chunk;
	float *codes = worker->encoded[feature];

	for (size_t r = 0; r < chunk->rows; r++) {
		struct mlops_cell cell = mlops_chunk_cell(chunk, feature, r);
		uint32_t code = MLOPS_DICTIONARY_NONE;

		if (cell.present) {
			code = mlops_dictionary_find(scoring->categories[feature], cell.bytes, cell.length);
			worker->unknown_categories += code == MLOPS_DICTIONARY_NONE;
		}
		codes[r] = code == MLOPS_DICTIONARY_NONE ? NAN : (float)code;
	}
}

static void count_score(struct worker *worker, float score)
{
	static const float ends[MLOPS_SCORE_TENTHS - 1] = { 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f };
	size_t tenth = 0;

	while (tenth < MLOPS_SCORE_TENTHS - 1 && score > ends[tenth])
		tenth++;
	worker->tenths[tenth]++;
}

static void write_row(const struct scoring *scoring, struct worker *worker, size_t row,
		      struct mlops_buffer *out)
{
	const struct mlops_score_request *request = scoring->request;
	const struct mlops_model *model = scoring->model;
	const float *sums = worker->sums + row * model->trees.n_outputs;
	bool has_threshold = !isnan(request->threshold);
	bool many = model->kind == MLOPS_FAILURE_PREDICTION && model->n_classes != 2;
	bool positive = false;
	float score = 0;
	size_t label = 0;
	struct mlops_row record;

	if (model->kind == MLOPS_ANOMALY_DETECTION) {
		score = mlops_model_anomaly_score(model, sums[0]);
		positive = has_threshold ? (double)score >= request->threshold
					 : mlops_model_is_anomaly(model, sums[0]);
	} else {
		label = mlops_model_probabilities(model, sums, worker->probabilities);
		if (!many) {
			score = worker->probabilities[1];
			positive = has_threshold ? (double)score >= request->threshold : label == 1;
		}
	}
	worker->positives += positive;
	if (!many)
		count_score(worker, score);
	if (request->only_positive && !positive)
		return;
	mlops_row_begin(&record, scoring->writer, out);
	for (size_t p = 0; p < scoring->n_passed; p++)
		mlops_row_put_cell(&record, mlops_chunk_cell(worker->chunk, scoring->n_features + p, row));
	if (many) {
		mlops_row_put_string(&record, model->classes[label]);
		for (size_t c = 0; c < model->n_classes; c++)
			mlops_row_put_unit(&record, worker->probabilities[c]);
	} else {
		mlops_row_put_unit(&record, score);
		if (model->kind == MLOPS_ANOMALY_DETECTION)
			mlops_row_put_unit(&record, mlops_model_anomaly_probability(model, score));
		mlops_row_put_bool(&record, positive);
	}
	if (scoring->explainer != NULL) {
		mlops_buffer_clear(&worker->because);
		mlops_explainer_write(scoring->explainer, worker->effects, worker->chunk->rows, row, &worker->because);
		out->failed |= worker->because.failed;
		mlops_row_put_json(&record, worker->because.data, worker->because.length);
	}
	mlops_row_end(&record);
}

static bool take_chunk(void *context, unsigned number, size_t *rows, struct mlops_error *error)
{
	struct scoring *scoring = context;
	struct worker *worker = &scoring->workers[number];
	bool ok;

	if (worker->chunk == NULL && !prepare_worker(scoring, worker, error))
		return false;
	ok = mlops_reader_next(scoring->request->reader, worker->chunk, error);
	*rows = worker->chunk->rows;
	return ok;
}

static bool score_chunk(void *context, unsigned number, struct mlops_buffer *out, struct mlops_error *error)
{
	const struct scoring *scoring = context;
	struct worker *worker = &scoring->workers[number];
	const struct mlops_chunk *chunk = worker->chunk;
	struct mlops_matrix matrix = {
		.columns = worker->columns, .n_columns = scoring->n_features, .n_rows = chunk->rows,
	};

	for (size_t f = 0; f < scoring->n_features; f++) {
		if (scoring->categories[f] != NULL)
			encode_column(scoring, worker, f);
		worker->columns[f] =
			scoring->categories[f] != NULL ? worker->encoded[f] : chunk->columns[f].numbers;
	}
	if (!mlops_trees_sum(&scoring->model->trees, &matrix, NULL, worker->sums, error))
		return false;
	if (scoring->explainer != NULL &&
	    !mlops_explainer_effects(scoring->explainer, &matrix, worker->sums, worker->effects, error))
		return false;
	for (size_t r = 0; r < chunk->rows; r++)
		write_row(scoring, worker, r, out);
	return !out->failed || mlops_error_set_memory(error);
}

static bool send(const struct scoring *scoring, const struct mlops_buffer *bytes, struct mlops_error *error)
{
	const struct mlops_score_request *request = scoring->request;

	return bytes->length == 0 || request->sink(request->sink_context, bytes->data, bytes->length, error);
}

/* The header goes with the first rows, or at the end: not ahead of an error in the first row. */
static bool send_header(struct scoring *scoring, struct mlops_error *error)
{
	bool ok = send(scoring, &scoring->header, error);

	mlops_buffer_clear(&scoring->header);
	return ok;
}

static bool hand_on(void *context, const struct mlops_buffer *out, size_t rows, struct mlops_error *error)
{
	struct scoring *scoring = context;
	const struct mlops_score_request *request = scoring->request;

	if (!send_header(scoring, error) || !send(scoring, out, error))
		return false;
	scoring->rows += rows;
	if (request->progress != NULL && !request->progress(request->progress_context, scoring->rows))
		return mlops_error_set(error, MLOPS_CLOSED, "stopped");
	return true;
}

bool mlops_flow_score(const struct mlops_score_request *request, struct mlops_score_result *result,
		      struct mlops_error *error)
{
	struct scoring scoring = { .request = request, .model = request->model, .n_workers = MOST_WORKERS };
	struct mlops_stream stream = {
		.context = &scoring, .take = take_chunk, .work = score_chunk, .hand_on = hand_on,
	};
	bool many = request->model->kind == MLOPS_FAILURE_PREDICTION && request->model->n_classes != 2;
	bool ok = false;

	*result = (struct mlops_score_result){ 0 };
	if (request->model->kind == MLOPS_TIME_SERIES_FORECAST)
		return mlops_error_set(error, MLOPS_USAGE,
				       "the model is of kind %s, which scores no rows; mlops-forecast asks it for forecasts",
				       mlops_kind_name(request->model->kind));
	if (many && (request->only_positive || !isnan(request->threshold)))
		return mlops_error_set(
			error, MLOPS_USAGE,
			"the model tells %zu classes apart; a threshold and positive rows exist for two only",
			request->model->n_classes);
	if (mlops_pool_workers(request->pool) < MOST_WORKERS)
		scoring.n_workers = mlops_pool_workers(request->pool);
	stream.workers = scoring.n_workers;
	scoring.workers = calloc(scoring.n_workers, sizeof *scoring.workers);
	if (scoring.workers == NULL)
		return mlops_error_set_memory(error);
	ok = prepare(&scoring, error) && mlops_writer_begin(scoring.writer, &scoring.header, error) &&
	     (request->reader->no_rows || mlops_stream_run(&stream, request->pool, error)) &&
	     send_header(&scoring, error);
	result->counts = request->reader->counts;
	result->rows = scoring.rows;
	mlops_writer_free(scoring.writer);
	mlops_explainer_free(scoring.explainer);
	mlops_buffer_release(&scoring.header);
	for (unsigned w = 0; w < scoring.n_workers; w++) {
		result->positives += scoring.workers[w].positives;
		result->unknown_categories += scoring.workers[w].unknown_categories;
		for (size_t t = 0; t < MLOPS_SCORE_TENTHS; t++)
			result->tenths[t] += scoring.workers[w].tenths[t];
		release_worker(&scoring, &scoring.workers[w]);
	}
	for (size_t f = 0; scoring.categories != NULL && f < scoring.n_features; f++)
		mlops_dictionary_free(scoring.categories[f]);
	free(scoring.workers);
	free(scoring.categories);
	free(scoring.types);
	free(scoring.passed);
	return ok;
}
