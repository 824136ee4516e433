#include "base/text.h"
#include "mlflow/answer.h"
#include "mlflow/session.h"
#include "net/url.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The server's limits of a batch, and of what it would cut off without a word. */
#define METRICS 1000
#define PARAMS 100
#define TAGS 100
#define TOGETHER 1000
#define PARAM_LENGTH 6000
#define TAG_LENGTH 8000

#define PAGE 200
#define PAGES 100000

static bool keep_location(struct mlops_mlflow *mlflow, const char *run_id, const char *location, struct mlops_error *error)
{
	char *copy = location == NULL ? NULL : strdup(location);

	if (location == NULL)
		return mlops_error_set(error, MLOPS_DATA, "%s: the answer is none of MLflow's: a run without artifacts",
				       mlflow->shown);
	if (copy == NULL)
		return mlops_error_set_memory(error);
	free(mlflow->run_location);
	mlflow->run_location = copy;
	snprintf(mlflow->run, sizeof mlflow->run, "%s", run_id);
	return true;
}

/* Appends { "key": key, "value": value } to array. */
static bool append_pair(json_t *array, const struct mlops_mlflow_pair *pair, size_t limit, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];
	json_t *object;

	mlops_text_mask(quoted, pair->key, strlen(pair->key));
	if (strlen(pair->value) > limit)
		return mlops_error_set(error, MLOPS_DATA, "'%s' has %zu bytes, MLflow keeps %zu", quoted, strlen(pair->value),
				       limit);
	object = json_pack("{s:s, s:s}", "key", pair->key, "value", pair->value);
	if (object == NULL && mlops_text_is_utf8(pair->value, strlen(pair->value)))
		return mlops_error_set_memory(error);
	if (object == NULL)
		return mlops_error_set(error, MLOPS_DATA, "the value of '%s' is not UTF-8", quoted);
	return json_array_append_new(array, object) == 0 || mlops_error_set_memory(error);
}

static json_t *new_run_body(struct mlops_mlflow *mlflow, const struct mlops_mlflow_new_run *run, struct mlops_error *error)
{
	json_t *body = json_object(), *tags = json_array();
	bool ok = body != NULL && tags != NULL;

	if (!ok)
		mlops_error_set_memory(error);
	if (ok && run->user != NULL)
		ok = append_pair(tags, &(struct mlops_mlflow_pair){ "mlflow.user", run->user }, TAG_LENGTH, error);
	for (size_t i = 0; ok && i < run->n_tags; i++)
		ok = append_pair(tags, &run->tags[i], TAG_LENGTH, error);
	if (ok && (json_object_set_new(body, "experiment_id", json_string(mlflow->experiment)) != 0 ||
		   json_object_set_new(body, "start_time", json_integer(run->started / 1000)) != 0 ||
		   (run->name != NULL && json_object_set_new(body, "run_name", json_string(run->name)) != 0) ||
		   json_object_set(body, "tags", tags) != 0))
		ok = mlops_error_set(error, MLOPS_DATA, "a run's name has to be UTF-8, and there has to be memory for it");
	json_decref(tags);
	if (ok)
		return body;
	json_decref(body);
	return NULL;
}

static json_t *search(struct mlops_mlflow *mlflow, const char *filter, size_t most, const char *page,
		      struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = "POST", .path = "/api/2.0/mlflow/runs/search", .what = "runs/search",
	};
	json_t *body = json_pack("{s:[s], s:I, s:[s], s:s*, s:s*}", "experiment_ids", mlflow->experiment, "max_results",
				 (json_int_t)most, "order_by", "attributes.start_time DESC", "filter", filter, "page_token",
				 page);
	json_t *answer;

	if (body == NULL) {
		mlops_error_set(error, MLOPS_DATA, "a filter that is not UTF-8, or no memory for it");
		return NULL;
	}
	request.body = body;
	answer = mlops_mlflow_ask(mlflow, &request, error);
	json_decref(body);
	return answer;
}

/* Is there a run with the tag that only it has?  run_id stays empty when there is not. */
static bool look(struct mlops_mlflow *mlflow, const struct mlops_mlflow_new_run *run, char run_id[33],
		 struct mlops_error *error)
{
	struct mlops_mlflow_run_list runs = { .n = 0 };
	struct mlops_buffer filter = MLOPS_BUFFER_INIT;
	const char *value = NULL;
	json_t *answer = NULL;
	bool ok = false;

	for (size_t i = 0; run->unique != NULL && i < run->n_tags; i++)
		if (strcmp(run->tags[i].key, run->unique) == 0)
			value = run->tags[i].value;
	if (value == NULL || strpbrk(value, "'\"\\") != NULL)
		return mlops_error_set(error, MLOPS_BUG, "a run needs a tag of its own, without quotes");
	mlops_buffer_append_format(&filter, "tags.`%s` = '%s'", run->unique, value);
	mlops_buffer_string(&filter);
	if (filter.failed)
		mlops_error_set_memory(error);
	else
		answer = search(mlflow, filter.data, 1, NULL, error);
	if (answer != NULL && mlops_mlflow_take_runs(answer, &runs, error)) {
		ok = true;
		run_id[0] = '\0';
		if (runs.n > 0) {
			memcpy(run_id, runs.items[0].id, sizeof runs.items[0].id);
			ok = keep_location(mlflow, run_id, runs.items[0].artifact_uri, error);
		}
	}
	json_decref(answer);
	mlops_mlflow_run_list_release(&runs);
	mlops_buffer_release(&filter);
	return ok;
}

static bool take_new_run(struct mlops_mlflow *mlflow, const json_t *answer, char run_id[33], struct mlops_error *error)
{
	struct mlops_mlflow_run run = { .name = NULL };
	bool ok = mlops_mlflow_take_run(json_object_get(answer, "run"), &run, error);

	if (ok) {
		memcpy(run_id, run.id, sizeof run.id);
		ok = keep_location(mlflow, run_id, run.artifact_uri, error);
	}
	mlops_mlflow_run_release(&run);
	return ok;
}

bool mlops_mlflow_create_run(struct mlops_mlflow *mlflow, const struct mlops_mlflow_new_run *run, char run_id[33],
			     struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = "POST", .path = "/api/2.0/mlflow/runs/create", .what = "runs/create", .once = true,
	};
	json_t *body, *answer = NULL;
	bool ok = false;

	run_id[0] = '\0';
	mlops_mlflow_begin(mlflow);
	if (!mlops_mlflow_find_experiment(mlflow, error))
		return false;
	body = new_run_body(mlflow, run, error);
	if (body == NULL)
		return false;
	request.body = body;
	for (;;) {
		struct mlops_error trouble = MLOPS_ERROR_INIT;
		unsigned retried = mlflow->retried;

		answer = mlops_mlflow_ask(mlflow, &request, &trouble);
		if (answer != NULL)
			ok = take_new_run(mlflow, answer, run_id, error);
		if (answer != NULL)
			break;
		if (!request.again || !mlops_mlflow_wait(mlflow, request.what, request.retry_after, &trouble)) {
			mlops_error_set(error, trouble.code, "%s", trouble.message);
			break;
		}
		/* The answer may have been lost, not the request. */
		ok = look(mlflow, run, run_id, error);
		if (!ok || run_id[0] != '\0')
			break;
		ok = false;
		mlflow->retried = retried + 1;
	}
	json_decref(answer);
	json_decref(body);
	return ok;
}

const char *mlops_mlflow_run_location(struct mlops_mlflow *mlflow, const char *run_id, struct mlops_error *error)
{
	struct mlops_mlflow_request request = { .method = "GET", .what = "runs/get" };
	struct mlops_mlflow_run run = { .name = NULL };
	json_t *answer;
	char path[128];
	bool ok;

	if (!mlops_mlflow_is_id(run_id)) {
		mlops_error_set(error, MLOPS_DATA, "'%.40s' is no id of a run", run_id);
		return NULL;
	}
	if (mlflow->run_location != NULL && strcmp(mlflow->run, run_id) == 0)
		return mlflow->run_location;
	snprintf(path, sizeof path, "/api/2.0/mlflow/runs/get?run_id=%s", run_id);
	request.path = path;
	answer = mlops_mlflow_ask(mlflow, &request, error);
	ok = answer != NULL && mlops_mlflow_take_run(json_object_get(answer, "run"), &run, error) &&
	     keep_location(mlflow, run_id, run.artifact_uri, error);
	mlops_mlflow_run_release(&run);
	json_decref(answer);
	return ok ? mlflow->run_location : NULL;
}

static bool append_metric(json_t *array, const struct mlops_mlflow_metric *metric, struct mlops_error *error)
{
	/* A bare NaN would be stored as 0; json_real has no infinities. */
	const char *text = isnan(metric->value) ? "NaN" : metric->value > 0 ? "Infinity" : "-Infinity";
	json_t *object = json_pack("{s:s, s:o, s:I, s:I}", "key", metric->key, "value",
				   isfinite(metric->value) ? json_real(metric->value) : json_string(text), "timestamp",
				   (json_int_t)(metric->when / 1000), "step", (json_int_t)metric->step);

	return (object != NULL && json_array_append_new(array, object) == 0) || mlops_error_set_memory(error);
}

static size_t batch_size(size_t left, size_t limit)
{
	return left < limit ? left : limit;
}

static bool log_batch(struct mlops_mlflow *mlflow, const char *run_id, const struct mlops_mlflow_items *items,
		      struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = "POST", .path = "/api/2.0/mlflow/runs/log-batch", .what = "runs/log-batch",
	};
	json_t *params = json_array(), *metrics = json_array(), *tags = json_array(), *body = NULL, *answer = NULL;
	bool ok = (params != NULL && metrics != NULL && tags != NULL) || mlops_error_set_memory(error);

	for (size_t i = 0; ok && i < items->n_params; i++)
		ok = append_pair(params, &items->params[i], PARAM_LENGTH, error);
	for (size_t i = 0; ok && i < items->n_metrics; i++)
		ok = append_metric(metrics, &items->metrics[i], error);
	for (size_t i = 0; ok && i < items->n_tags; i++)
		ok = append_pair(tags, &items->tags[i], TAG_LENGTH, error);
	if (ok) {
		body = json_pack("{s:s, s:O, s:O, s:O}", "run_id", run_id, "params", params, "metrics", metrics, "tags", tags);
		ok = body != NULL || mlops_error_set_memory(error);
	}
	if (ok) {
		request.body = body;
		answer = mlops_mlflow_ask(mlflow, &request, error);
		ok = answer != NULL;
	}
	json_decref(answer);
	json_decref(body);
	json_decref(params);
	json_decref(metrics);
	json_decref(tags);
	return ok;
}

bool mlops_mlflow_log(struct mlops_mlflow *mlflow, const char *run_id, const struct mlops_mlflow_items *items,
		      struct mlops_error *error)
{
	struct mlops_mlflow_items left = *items;

	mlops_mlflow_begin(mlflow);
	while (left.n_params > 0 || left.n_metrics > 0 || left.n_tags > 0) {
		struct mlops_mlflow_items now = left;

		now.n_params = batch_size(left.n_params, PARAMS);
		now.n_tags = batch_size(left.n_tags, TAGS);
		now.n_metrics = batch_size(left.n_metrics, batch_size(TOGETHER - now.n_params - now.n_tags, METRICS));
		if (!log_batch(mlflow, run_id, &now, error))
			return false;
		left.n_params -= now.n_params;
		left.n_tags -= now.n_tags;
		left.n_metrics -= now.n_metrics;
		left.params = left.n_params == 0 ? NULL : left.params + now.n_params;
		left.tags = left.n_tags == 0 ? NULL : left.tags + now.n_tags;
		left.metrics = left.n_metrics == 0 ? NULL : left.metrics + now.n_metrics;
	}
	return true;
}

bool mlops_mlflow_end_run(struct mlops_mlflow *mlflow, const char *run_id, const char *status, int64_t ended,
			  struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = "POST", .path = "/api/2.0/mlflow/runs/update", .what = "runs/update",
	};
	json_t *body = json_pack("{s:s, s:s, s:I}", "run_id", run_id, "status", status, "end_time", (json_int_t)(ended / 1000));
	json_t *answer = NULL;
	const char *now;
	bool ok;

	mlops_mlflow_begin(mlflow);
	if (body == NULL)
		return mlops_error_set_memory(error);
	request.body = body;
	answer = mlops_mlflow_ask(mlflow, &request, error);
	/* The server passes over a status that it does not know. */
	now = mlops_mlflow_text(json_object_get(answer, "run_info"), "status");
	ok = answer != NULL && ((now != NULL && strcmp(now, status) == 0) ||
				mlops_error_set(error, MLOPS_DATA, "%s: run %.32s did not become %s", mlflow->shown, run_id, status));
	json_decref(answer);
	json_decref(body);
	return ok;
}

bool mlops_mlflow_runs(struct mlops_mlflow *mlflow, const char *filter, size_t limit, struct mlops_mlflow_run_list *runs,
		       struct mlops_error *error)
{
	char *page = NULL;
	bool ok, more = true;

	*runs = (struct mlops_mlflow_run_list){ .n = 0 };
	mlops_mlflow_begin(mlflow);
	ok = mlops_mlflow_find_experiment(mlflow, error);
	for (size_t pages = 0; ok && more; pages++) {
		size_t most = limit > 0 && limit - runs->n < PAGE ? limit - runs->n : PAGE, before = runs->n;
		json_t *answer = search(mlflow, filter, most, page, error);
		const char *next = mlops_mlflow_text(answer, "next_page_token");

		ok = answer != NULL && mlops_mlflow_take_runs(answer, runs, error);
		free(page);
		page = next == NULL ? NULL : strdup(next);
		/* A server that turned in circles would give pages for ever. */
		more = page != NULL && page[0] != '\0' && runs->n > before && pages < PAGES && (limit == 0 || runs->n < limit);
		json_decref(answer);
	}
	free(page);
	while (ok && limit > 0 && runs->n > limit)
		mlops_mlflow_run_release(&runs->items[--runs->n]);
	if (!ok)
		mlops_mlflow_run_list_release(runs);
	return ok;
}
