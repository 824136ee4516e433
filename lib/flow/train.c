#include "flow/train.h"

#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"
#include "check/profile.h"
#include "flow/describe.h"
#include "flow/train_forecast.h"
#include "flow/validate.h"
#include "model/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the steps of one training hand on to each other. */
struct training {
	const struct mlops_train_request *request;
	struct mlops_train_result *result;
	struct mlops_dataset *data;
	struct mlops_dataset *test; /* --test FILE */
	struct mlops_split split;
	struct mlops_metrics metrics;
	struct mlops_forest_report forest; /* of the final model */
	double *importance;                /* [n_features] */
	const char *importance_kind;
	const char *step;
};

static bool report_rows(void *context, uint64_t rows)
{
	struct training *training = context;

	return training->request->progress == NULL ||
	       training->request->progress(training->request->progress_context, training->step, rows, 0);
}

static bool report_trees(void *context, size_t done, size_t total)
{
	struct training *training = context;

	return training->request->progress(training->request->progress_context, training->step, done, total);
}

static bool too_little(struct training *training, struct mlops_error *error, const char *source, uint64_t rows)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	training->result->failure_reason = "insufficient_data";
	mlops_validation_say_few(&text, rows, training->request->min_rows);
	mlops_error_set_at(error, MLOPS_DATA, source, 0, "%s", mlops_buffer_string(&text));
	mlops_buffer_release(&text);
	return false;
}

/* A name as it may stand in a line of notices. */
static const char *masked(char buffer[MLOPS_TEXT_QUOTED], const char *name)
{
	return mlops_text_mask(buffer, name, strlen(name));
}

static void notice_columns(struct training *training, const struct mlops_selection *selection)
{
	struct mlops_buffer *notices = &training->result->notices;
	const struct mlops_reader *reader = training->request->reader;
	char name[MLOPS_TEXT_QUOTED];

	for (size_t i = 0; i < selection->n_passed_over; i++)
		mlops_buffer_append_format(notices, "column \"%s\" holds text and is left out\n",
					   masked(name, reader->columns[selection->passed_over[i]].name));
}

static void notice_constants(struct training *training)
{
	struct mlops_buffer *notices = &training->result->notices;
	const struct mlops_dataset *data = training->data;
	char name[MLOPS_TEXT_QUOTED];

	for (size_t f = 0; f < data->n_features; f++) {
		float first = NAN;
		size_t r;

		for (r = 0; r < data->n_rows; r++) {
			float value = data->columns[f][r];

			if (isnan(value))
				continue;
			if (isnan(first))
				first = value;
			else if (value < first || value > first)
				break;
		}
		if (r == data->n_rows)
			mlops_buffer_append_format(notices, "column \"%s\" %s: nothing can be learnt from it\n",
						   masked(name, data->features[f].name),
						   isnan(first) ? "has no value in any row" : "has the same value in all rows");
	}
}

static bool read_rows(struct training *training, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	struct mlops_select_options select = request->select;
	struct mlops_selection selection = { 0 };
	struct mlops_dataset_options options = {
		.positive = request->positive, .progress = report_rows, .progress_context = training,
	};
	char name[MLOPS_TEXT_QUOTED];

	select.texts = request->kind == MLOPS_FAILURE_PREDICTION;
	if (request->kind == MLOPS_FAILURE_PREDICTION && select.target == NULL)
		return mlops_error_set(error, MLOPS_USAGE, "failure_prediction needs --target, the column that says what failed");
	training->step = "read";
	if (!mlops_select(request->reader, &select, &selection, error))
		return false;
	notice_columns(training, &selection);
	training->data = mlops_dataset_read(request->reader, &selection, &options, error);
	mlops_selection_release(&selection);
	training->result->counts = request->reader->counts;
	if (training->data == NULL) {
		if (training->result->counts.rows == 0)
			training->result->failure_reason = "insufficient_data";
		return false;
	}
	training->result->rows = training->data->n_rows;
	if (training->data->n_rows < request->min_rows)
		return too_little(training, error, request->reader->name, training->data->n_rows);
	if (training->data->missing_targets > 0)
		mlops_buffer_append_format(&training->result->notices, "%llu row%s without a value in \"%s\" %s left out\n",
					   (unsigned long long)training->data->missing_targets,
					   training->data->missing_targets == 1 ? "" : "s",
					   masked(name, request->select.target),
					   training->data->missing_targets == 1 ? "is" : "are");
	notice_constants(training);
	return true;
}

/* The rows of --test FILE, with the training rows' features, categories and classes. */
static bool read_test(struct training *training, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	const struct mlops_dataset *data = training->data;
	struct mlops_model names = {
		.kind = request->kind,
		.trees = { .n_features = data->n_features },
		.features = data->features,
	};

	if (request->kind == MLOPS_FAILURE_PREDICTION) {
		names.classes = data->classes;
		names.n_classes = data->n_classes;
	}
	training->test = mlops_flow_read_for_model(&names, request->test_reader, &request->select, error);
	return training->test != NULL;
}

static struct mlops_model *fit(struct training *training, const struct mlops_matrix *matrix,
			       struct mlops_forest_report *report, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	const struct mlops_dataset *data = training->data;
	struct mlops_fit_progress progress = { .report = report_trees, .context = training };
	const struct mlops_fit_progress *watched = request->progress != NULL ? &progress : NULL;
	struct mlops_model *model;

	if (request->kind == MLOPS_ANOMALY_DETECTION)
		model = mlops_isolation_forest_fit(&request->settings, request->seed, matrix, request->pool, watched, error);
	else
		model = mlops_random_forest_fit(&request->settings, request->seed, matrix, data->target, data->n_classes,
						request->pool, watched, report, error);
	if (model == NULL)
		return NULL;
	if (!mlops_model_set_features(model, data->features, data->n_features, error) ||
	    (request->kind == MLOPS_FAILURE_PREDICTION &&
	     !mlops_model_set_classes(model, data->classes, data->n_classes, error))) {
		mlops_model_free(model);
		return NULL;
	}
	return model;
}

/* The rows that judge: --test FILE, or the part that was held out. */
static struct mlops_matrix test_matrix(const struct training *training, const struct mlops_dataset **from)
{
	if (training->test != NULL) {
		*from = training->test;
		return mlops_dataset_matrix(training->test, NULL, training->test->n_rows);
	}
	*from = training->data;
	return mlops_dataset_matrix(training->data, training->split.test, training->split.n_test);
}

static bool meet_champion(struct training *training, const struct mlops_model *model, const struct mlops_dataset *rows,
			  const struct mlops_matrix *matrix, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_model *champion =
		request->champion != NULL ? request->champion(request->champion_context, &trouble) : NULL;
	struct mlops_contest_sides sides = { model, champion, request->gate_rows, request->pool };
	bool ok = trouble.code == MLOPS_OK || mlops_error_set(error, trouble.code, "%s", trouble.message);

	if (champion != NULL)
		ok = mlops_contest_rows(&sides, rows, matrix, &training->metrics, &training->result->contest, error);
	mlops_model_free(champion);
	return ok;
}

static bool evaluate(struct training *training, const struct mlops_model *model, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	const struct mlops_dataset *from;
	struct mlops_matrix matrix = test_matrix(training, &from);

	training->step = "evaluate";
	if (!mlops_flow_evaluate(model, &matrix, from->target, from->classes, from->n_classes, request->pool,
				 &training->metrics, error))
		return false;
	if (!meet_champion(training, model, from, &matrix, error))
		return false;
	if (!request->permutation || request->kind != MLOPS_FAILURE_PREDICTION)
		return true;
	training->importance = calloc(training->data->n_features, sizeof *training->importance);
	if (training->importance == NULL)
		return mlops_error_set_memory(error);
	training->importance_kind = "permutation";
	return mlops_permutation_importance(model, &matrix, from->target, request->seed, request->pool,
					    training->importance, error);
}

static void out_of_bag(struct training *training, const struct mlops_matrix *matrix)
{
	const struct mlops_forest_report *report = &training->forest;
	const struct mlops_dataset *data = training->data;
	size_t k = data->n_classes;
	size_t right = 0;

	if (report->n_out_of_bag == 0)
		return;
	for (size_t r = 0; r < matrix->n_rows; r++) {
		const float *row = report->out_of_bag + r * k;

		if (!isnan(row[0]))
			right += mlops_model_decide(row, k) == data->target[matrix->rows != NULL ? matrix->rows[r] : r];
	}
	mlops_metrics_add(&training->metrics, "out_of_bag_accuracy", (double)right / (double)report->n_out_of_bag);
}

/* Held-out evaluation first, then the final model on all rows (or the same one with --no-refit). */
static bool fit_and_evaluate(struct training *training, struct mlops_error *error)
{
	const struct mlops_train_request *request = training->request;
	const struct mlops_dataset *data = training->data;
	bool judged = training->test != NULL || request->test_fraction > 0;
	bool part = training->test == NULL && training->split.n_test > 0;
	struct mlops_matrix all = mlops_dataset_matrix(data, NULL, data->n_rows);
	struct mlops_matrix train = part ? mlops_dataset_matrix(data, training->split.train, training->split.n_train) : all;
	bool once = !part || !request->refit;
	struct mlops_forest_report *report = &training->forest;
	struct mlops_model *model;

	training->step = "fit";
	model = fit(training, &train, once ? report : NULL, error);
	if (model == NULL)
		return false;
	training->result->model = model;
	if (judged && !evaluate(training, model, error))
		return false;
	if (!once) {
		mlops_model_free(model);
		training->step = "refit";
		training->result->model = model = fit(training, &all, report, error);
		if (model == NULL)
			return false;
	}
	if (request->kind == MLOPS_FAILURE_PREDICTION)
		out_of_bag(training, once ? &train : &all);
	return true;
}

static void write_data(const struct training *training, struct mlops_json *json)
{
	const struct mlops_dataset *data = training->data;
	int64_t first = MLOPS_TIME_MISSING;
	int64_t last = MLOPS_TIME_MISSING;

	mlops_json_open(json, '{');
	mlops_json_member_uint(json, "rows", data->n_rows);
	for (size_t r = 0; data->times != NULL && r < data->n_rows; r++) {
		if (data->times[r] == MLOPS_TIME_MISSING)
			continue;
		if (first == MLOPS_TIME_MISSING || data->times[r] < first)
			first = data->times[r];
		if (last == MLOPS_TIME_MISSING || data->times[r] > last)
			last = data->times[r];
	}
	mlops_description_times(json, first, last);
	mlops_json_member_string(json, "sha256", data->sha256);
	mlops_json_close(json, '}');
}

static void write_importances(const struct training *training, struct mlops_json *json)
{
	const struct mlops_dataset *data = training->data;
	const double *importance = training->importance != NULL ? training->importance
								: training->forest.impurity_importance;
	bool *done;

	if (importance == NULL)
		return;
	done = calloc(data->n_features, sizeof *done);
	if (done == NULL) {
		json->out->failed = true;
		return;
	}
	mlops_json_member_string(json, "importance",
				 training->importance_kind != NULL ? training->importance_kind : "impurity");
	mlops_json_key(json, "importances");
	mlops_json_open(json, '[');
	for (size_t i = 0; i < data->n_features; i++) {
		size_t best = SIZE_MAX;

		for (size_t f = 0; f < data->n_features; f++)
			if (!done[f] && (best == SIZE_MAX || importance[f] > importance[best]))
				best = f;
		done[best] = true;
		mlops_json_open(json, '{');
		mlops_json_member_string(json, "feature", data->features[best].name);
		mlops_json_key(json, "effect");
		mlops_json_float(json, (float)importance[best]);
		mlops_json_close(json, '}');
	}
	mlops_json_close(json, ']');
	free(done);
}

static void write_details(struct training *training)
{
	const struct mlops_train_request *request = training->request;
	const struct mlops_dataset *data = training->data;
	const struct mlops_read_counts *counts = &training->result->counts;
	struct mlops_json json = { .out = &training->result->details };

	/* Members of an object that the caller opens and closes. */
	json.depth = 1;
	mlops_json_member_uint(&json, "seed", request->seed);
	if (training->test != NULL) {
		mlops_json_member_string(&json, "split", "file");
		mlops_json_member_uint(&json, "train_rows", data->n_rows);
		mlops_json_member_uint(&json, "test_rows", training->test->n_rows);
	} else if (training->split.n_test > 0) {
		mlops_json_member_string(&json, "split", mlops_split_name(training->split.how));
		mlops_json_member_uint(&json, "train_rows", training->split.n_train);
		mlops_json_member_uint(&json, "test_rows", training->split.n_test);
	}
	if (counts->skipped_rows > 0)
		mlops_json_member_uint(&json, "skipped_rows", counts->skipped_rows);
	if (counts->nulled_cells > 0)
		mlops_json_member_uint(&json, "nulled_cells", counts->nulled_cells);
	if (counts->ragged > 0)
		mlops_json_member_uint(&json, "ragged_rows", counts->ragged);
	if (counts->late > 0)
		mlops_json_member_uint(&json, "late_samples", counts->late);
	if (counts->stray > 0)
		mlops_json_member_uint(&json, "stray_samples", counts->stray);
	if (data->missing_targets > 0)
		mlops_json_member_uint(&json, "missing_targets", data->missing_targets);
	if (request->kind == MLOPS_FAILURE_PREDICTION) {
		mlops_json_key(&json, "classes");
		mlops_json_open(&json, '[');
		for (size_t c = 0; c < data->n_classes; c++)
			mlops_json_string(&json, data->classes[c]);
		mlops_json_close(&json, ']');
		if (data->n_classes == 2)
			mlops_json_member_string(&json, "positive", data->classes[1]);
	}
	write_importances(training, &json);
}

static bool describe(struct training *training, struct mlops_error *error)
{
	struct mlops_train_result *result = training->result;
	struct mlops_description description = { .data = MLOPS_BUFFER_INIT };
	struct mlops_json json = { .out = &description.data };
	bool ok;

	write_data(training, &json);
	json = (struct mlops_json){ .out = &description.features };
	mlops_json_open(&json, '[');
	for (size_t f = 0; f < training->data->n_features; f++)
		mlops_json_string(&json, training->data->features[f].name);
	mlops_json_close(&json, ']');
	json = (struct mlops_json){ .out = &description.profile };
	ok = mlops_profile_write(training->data, &json, error) &&
	     mlops_describe_training(training->request, &training->metrics, &description, result, error);
	mlops_description_release(&description);
	write_details(training);
	result->contest.held_out = training->metrics;
	if (ok && (result->details.failed || result->notices.failed))
		ok = mlops_error_set_memory(error);
	return ok;
}

/* A forest: anomaly_detection or failure_prediction. */
static bool train_forest(const struct mlops_train_request *request, struct mlops_train_result *result,
			 struct mlops_error *error)
{
	struct training training = { .request = request, .result = result };
	bool ok = read_rows(&training, error) && (request->test_reader == NULL || read_test(&training, error)) &&
		  (request->test_reader != NULL || request->test_fraction <= 0 ||
		   mlops_split_rows(training.data, request->split, request->test_fraction, request->seed, &training.split,
				    error)) &&
		  fit_and_evaluate(&training, error) && describe(&training, error) &&
		  mlops_onnx_write(result->model, &result->bytes, error);

	mlops_split_release(&training.split);
	mlops_forest_report_release(&training.forest);
	free(training.importance);
	mlops_dataset_free(training.data);
	mlops_dataset_free(training.test);
	return ok;
}

bool mlops_flow_train(const struct mlops_train_request *request, struct mlops_train_result *result,
		      struct mlops_error *error)
{
	bool ok;

	result->contest = (struct mlops_contest){ .kind = request->kind };
	ok = request->kind == MLOPS_TIME_SERIES_FORECAST ? mlops_flow_train_forecast(request, result, error)
							 : train_forest(request, result, error);
	if (!ok && result->failure_reason == NULL)
		result->failure_reason = error != NULL && error->code == MLOPS_DATA ? "invalid_data" : "internal";
	return ok;
}

void mlops_train_result_write(const struct mlops_train_result *result, struct mlops_json *json)
{
	char sha256[MLOPS_SHA256_TEXT];

	mlops_sha256_of(result->bytes.data, result->bytes.length, sha256);
	mlops_json_member_string(json, "sha256", sha256);
	mlops_json_member_uint(json, "size", result->bytes.length);
	mlops_json_member_uint(json, "rows", result->rows);
	mlops_json_key(json, "features");
	mlops_json_raw(json, result->features.data, result->features.length);
	mlops_json_key(json, "metrics");
	mlops_json_raw(json, result->metrics.data, result->metrics.length);
	mlops_json_key(json, "settings");
	mlops_json_raw(json, result->settings.data, result->settings.length);
	mlops_buffer_append_char(json->out, ',');
	mlops_buffer_append(json->out, result->details.data, result->details.length);
}

void mlops_train_result_release(struct mlops_train_result *result)
{
	mlops_model_free(result->model);
	result->model = NULL;
	mlops_buffer_release(&result->bytes);
	mlops_buffer_release(&result->metrics);
	mlops_buffer_release(&result->settings);
	mlops_buffer_release(&result->features);
	mlops_buffer_release(&result->notices);
	mlops_buffer_release(&result->details);
}
