#include "flow/score.h"

#include "flow/evaluate.h"
#include "rows/dictionary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const anomaly_outputs[] = { "anomaly_score", "anomaly_probability", "anomaly" };
static const char *const failure_outputs[] = { "failure_probability", "failure", "label", "probabilities" };

/* Everything one scoring needs; columns of the chunk are the features, then the passed-through ones. */
struct scoring {
	const struct mlops_score_request *request;
	const struct mlops_model *model;
	size_t n_features;
	size_t *passed;                       /* [n_passed] reader columns that go through, time and id first */
	size_t n_passed;
	struct mlops_dictionary **categories; /* [n_features], NULL for numbers */
	float **encoded;                      /* [n_features] category codes of a chunk, NULL for numbers */
	const float **columns;                /* [n_features] of the chunk at hand */
	float *sums;                          /* [MLOPS_CHUNK_ROWS * n_outputs] */
	float *probabilities;                 /* [n_classes] */
	struct mlops_chunk *chunk;
	struct mlops_writer *writer;
};

static bool is_output(const struct mlops_model *model, const char *name)
{
	const char *const *outputs = model->kind == MLOPS_ANOMALY_DETECTION ? anomaly_outputs : failure_outputs;
	size_t n = model->kind == MLOPS_ANOMALY_DETECTION ? 3 : 4;

	for (size_t i = 0; i < n; i++)
		if (strcmp(outputs[i], name) == 0)
			return true;
	return false;
}

static bool pass_column(struct scoring *scoring, size_t column, struct mlops_error *error)
{
	const char *name = scoring->request->reader->columns[column].name;
	size_t length = strlen(name) + sizeof "input_";
	char *field;
	bool ok;

	for (size_t i = 0; i < scoring->n_passed; i++)
		if (scoring->passed[i] == column)
			return true;
	scoring->passed[scoring->n_passed++] = column;
	if (!is_output(scoring->model, name))
		return mlops_writer_add_field(scoring->writer, name, NULL, error);
	field = malloc(length);
	if (field == NULL)
		return mlops_error_set_memory(error);
	memcpy(field, "input_", 6);
	memcpy(field + 6, name, strlen(name) + 1);
	ok = mlops_writer_add_field(scoring->writer, field, NULL, error);
	free(field);
	return ok;
}

static bool choose_passed(struct scoring *scoring, const struct mlops_selection *selection, struct mlops_error *error)
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

static bool add_outputs(struct scoring *scoring, struct mlops_error *error)
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

/* Dictionaries of the model's categories, and room for a chunk of codes. */
static bool prepare_categories(struct scoring *scoring, struct mlops_error *error)
{
	size_t n = scoring->n_features > 0 ? scoring->n_features : 1;

	scoring->categories = calloc(n, sizeof *scoring->categories);
	scoring->encoded = calloc(n, sizeof *scoring->encoded);
	scoring->columns = calloc(n, sizeof *scoring->columns);
	if (scoring->categories == NULL || scoring->encoded == NULL || scoring->columns == NULL)
		return mlops_error_set_memory(error);
	for (size_t f = 0; scoring->model->features != NULL && f < scoring->n_features; f++) {
		const struct mlops_feature *feature = &scoring->model->features[f];

		if (feature->n_categories == 0)
			continue;
		scoring->categories[f] = mlops_dictionary_new(error);
		if (scoring->categories[f] == NULL)
			return false;
		for (size_t c = 0; c < feature->n_categories; c++)
			if (mlops_dictionary_add(scoring->categories[f], feature->categories[c],
						 strlen(feature->categories[c])) == MLOPS_DICTIONARY_NONE)
				return mlops_error_set_memory(error);
		scoring->encoded[f] = malloc(MLOPS_CHUNK_ROWS * sizeof *scoring->encoded[f]);
		if (scoring->encoded[f] == NULL)
			return mlops_error_set_memory(error);
	}
	return true;
}

static bool bind(struct scoring *scoring, const struct mlops_selection *selection, struct mlops_error *error)
{
	size_t n = scoring->n_features + scoring->n_passed;
	struct mlops_binding *bindings = calloc(n, sizeof *bindings);
	enum mlops_column_type *types = calloc(n, sizeof *types);
	bool ok = false;

	if (bindings == NULL || types == NULL) {
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
		types[i] = bindings[i].type;
	if (!mlops_reader_bind(scoring->request->reader, bindings, n, error))
		goto out;
	scoring->chunk = mlops_chunk_new(types, n, error);
	ok = scoring->chunk != NULL;
out:
	free(bindings);
	free(types);
	return ok;
}

static bool prepare(struct scoring *scoring, struct mlops_error *error)
{
	const struct mlops_score_request *request = scoring->request;
	const struct mlops_model *model = request->model;
	const char **names = mlops_flow_feature_names(model);
	struct mlops_select_options options = {
		.time = request->time,
		.id = request->id,
		.features = names != NULL ? names : request->features,
		.n_features = names != NULL ? model->trees.n_features : request->n_features,
		.texts = names != NULL,
	};
	struct mlops_selection selection = { 0 };
	bool ok = false;

	if (names != NULL && request->n_features > 0) {
		mlops_error_set(error, MLOPS_USAGE, "the model names its features; a list of features is for files that don't");
		goto out;
	}
	if (names == NULL && model->features != NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	if (!mlops_select(request->reader, &options, &selection, error))
		goto out;
	if (selection.n_features != model->trees.n_features) {
		mlops_error_set_at(error, MLOPS_DATA, request->source_name, 0,
				   "the model takes %zu features without names, the rows have %zu number columns",
				   model->trees.n_features, selection.n_features);
		goto out;
	}
	scoring->n_features = selection.n_features;
	scoring->writer = mlops_writer_new(request->format, request->sink, request->sink_context, error);
	scoring->sums = calloc(MLOPS_CHUNK_ROWS * model->trees.n_outputs, sizeof *scoring->sums);
	scoring->probabilities = calloc(model->n_classes > 0 ? model->n_classes : 1, sizeof *scoring->probabilities);
	if (scoring->writer == NULL || scoring->sums == NULL || scoring->probabilities == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	ok = choose_passed(scoring, &selection, error) && add_outputs(scoring, error) &&
	     prepare_categories(scoring, error) && bind(scoring, &selection, error);
out:
	free(names);
	mlops_selection_release(&selection);
	return ok;
}

static void encode_column(struct scoring *scoring, size_t feature, struct mlops_score_result *result)
{
	const struct mlops_chunk *chunk = scoring->chunk;
	float *codes = scoring->encoded[feature];

	for (size_t r = 0; r < chunk->rows; r++) {
		struct mlops_cell cell = mlops_chunk_cell(chunk, feature, r);
		uint32_t code = MLOPS_DICTIONARY_NONE;

		if (cell.present) {
			code = mlops_dictionary_find(scoring->categories[feature], cell.bytes, cell.length);
			result->unknown_categories += code == MLOPS_DICTIONARY_NONE;
		}
		codes[r] = code == MLOPS_DICTIONARY_NONE ? NAN : (float)code;
	}
}

static bool write_row(struct scoring *scoring, size_t row, struct mlops_score_result *result, struct mlops_error *error)
{
	const struct mlops_score_request *request = scoring->request;
	const struct mlops_model *model = scoring->model;
	struct mlops_writer *writer = scoring->writer;
	const float *sums = scoring->sums + row * model->trees.n_outputs;
	bool has_threshold = !isnan(request->threshold);
	bool many = model->kind == MLOPS_FAILURE_PREDICTION && model->n_classes != 2;
	bool positive = false;
	float score = 0;
	size_t label = 0;

	if (model->kind == MLOPS_ANOMALY_DETECTION) {
		score = mlops_model_anomaly_score(model, sums[0]);
		positive = has_threshold ? (double)score >= request->threshold : mlops_model_is_anomaly(model, sums[0]);
	} else {
		label = mlops_model_probabilities(model, sums, scoring->probabilities);
		if (!many) {
			score = scoring->probabilities[1];
			positive = has_threshold ? (double)score >= request->threshold : label == 1;
		}
	}
	result->positives += positive;
	if (request->only_positive && !positive)
		return true;
	for (size_t p = 0; p < scoring->n_passed; p++)
		mlops_writer_put_cell(writer, mlops_chunk_cell(scoring->chunk, scoring->n_features + p, row));
	if (many) {
		mlops_writer_put_string(writer, model->classes[label]);
		for (size_t c = 0; c < model->n_classes; c++)
			mlops_writer_put_unit(writer, scoring->probabilities[c]);
	} else {
		mlops_writer_put_unit(writer, score);
		if (model->kind == MLOPS_ANOMALY_DETECTION)
			mlops_writer_put_unit(writer, mlops_model_anomaly_probability(model, score));
		mlops_writer_put_bool(writer, positive);
	}
	return mlops_writer_end_row(writer, error);
}

static bool score_chunk(struct scoring *scoring, struct mlops_score_result *result, struct mlops_error *error)
{
	const struct mlops_chunk *chunk = scoring->chunk;
	struct mlops_matrix matrix = {
		.columns = scoring->columns, .n_columns = scoring->n_features, .n_rows = chunk->rows,
	};

	for (size_t f = 0; f < scoring->n_features; f++) {
		if (scoring->categories[f] != NULL)
			encode_column(scoring, f, result);
		scoring->columns[f] = scoring->categories[f] != NULL ? scoring->encoded[f] : chunk->columns[f].numbers;
	}
	if (!mlops_trees_sum(&scoring->model->trees, &matrix, scoring->request->pool, scoring->sums, error))
		return false;
	for (size_t r = 0; r < chunk->rows; r++)
		if (!write_row(scoring, r, result, error))
			return false;
	result->rows += chunk->rows;
	return true;
}

bool mlops_flow_score(const struct mlops_score_request *request, struct mlops_score_result *result,
		      struct mlops_error *error)
{
	struct scoring scoring = { .request = request, .model = request->model };
	bool many = request->model->kind == MLOPS_FAILURE_PREDICTION && request->model->n_classes != 2;
	bool ok = false;

	*result = (struct mlops_score_result){ 0 };
	if (many && (request->only_positive || !isnan(request->threshold)))
		return mlops_error_set(error, MLOPS_USAGE,
				       "the model tells %zu classes apart; a threshold and positive rows exist for two only",
				       request->model->n_classes);
	if (!prepare(&scoring, error))
		goto out;
	for (;;) {
		if (!mlops_reader_next(request->reader, scoring.chunk, error)) {
			/* The rows before the bad one are as good as any: they are scored and go out. */
			if (scoring.chunk->rows > 0 && score_chunk(&scoring, result, NULL))
				mlops_writer_flush(scoring.writer, NULL);
			goto out;
		}
		if (scoring.chunk->rows == 0)
			break;
		if (!score_chunk(&scoring, result, error))
			goto out;
		if (request->flush_rows && !mlops_writer_flush(scoring.writer, error))
			goto out;
		if (request->progress != NULL && !request->progress(request->progress_context, result->rows)) {
			mlops_error_set(error, MLOPS_CLOSED, "stopped");
			goto out;
		}
	}
	ok = mlops_writer_flush(scoring.writer, error);
out:
	result->counts = request->reader->counts;
	mlops_writer_free(scoring.writer);
	mlops_chunk_free(scoring.chunk);
	for (size_t f = 0; f < scoring.n_features; f++) {
		if (scoring.categories != NULL)
			mlops_dictionary_free(scoring.categories[f]);
		if (scoring.encoded != NULL)
			free(scoring.encoded[f]);
	}
	free(scoring.passed);
	free(scoring.categories);
	free(scoring.encoded);
	free(scoring.columns);
	free(scoring.sums);
	free(scoring.probabilities);
	return ok;
}
