#include "mlflow/answer.h"
#include "mlflow/session.h"
#include "net/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROXIED "mlflow-artifacts:/"
#define ENDPOINT "/api/2.0/mlflow-artifacts/artifacts/"

/* The address below ENDPOINT of "mlflow-artifacts:/PATH" or "mlflow-artifacts://HOST/PATH", the same host. */
static const char *path_of(const struct mlops_mlflow *mlflow, const char *location, struct mlops_error *error)
{
	const char *path = location + strlen(PROXIED), *host = strstr(mlflow->url, "://");
	size_t length = host == NULL ? 0 : strlen(host + 3);

	if (strncmp(location, PROXIED, strlen(PROXIED)) != 0) {
		mlops_error_set(error, MLOPS_CONFIG,
				"%s: artifacts at '%.100s' do not go through the server; start it with --serve-artifacts and "
				"--artifacts-destination", mlflow->shown, location);
		return NULL;
	}
	if (path[0] == '/' && length > 0 && strncmp(path + 1, host + 3, length) == 0 && path[1 + length] == '/')
		path += 2 + length;
	else if (path[0] == '/') {
		mlops_error_set(error, MLOPS_CONFIG, "%s: artifacts at '%.100s' are on another server", mlflow->shown, location);
		return NULL;
	}
	/* What would lead out of the run, the server refuses in many ways; here it is one. */
	for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2)
		if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
			mlops_error_set(error, MLOPS_DATA, "%s: '%.100s' is no place of artifacts", mlflow->shown, location);
			return NULL;
		}
	return path;
}

/* Where a logged model of MLflow 3, "m-…", has its files. */
static bool append_model_location(struct mlops_mlflow *mlflow, const char *id, struct mlops_buffer *location,
				  struct mlops_error *error)
{
	struct mlops_mlflow_request request = { .method = "GET", .what = "logged-models/get" };
	char path[128];
	const char *uri;
	json_t *answer;

	if (strncmp(id, "m-", 2) != 0 || strlen(id) > 64 || strspn(id + 2, "0123456789abcdefghijklmnopqrstuvwxyz") + 2 != strlen(id))
		return mlops_error_set(error, MLOPS_DATA, "%s: 'models:/%.80s' is no logged model", mlflow->shown, id);
	snprintf(path, sizeof path, "/api/2.0/mlflow/logged-models/%s", id);
	request.path = path;
	answer = mlops_mlflow_ask(mlflow, &request, error);
	uri = mlops_mlflow_text(json_object_get(json_object_get(answer, "model"), "info"), "artifact_uri");
	if (uri != NULL)
		mlops_buffer_append_string(location, uri);
	else if (answer != NULL)
		mlops_error_set(error, MLOPS_DATA, "%s: the answer is none of MLflow's: a model without artifacts", mlflow->shown);
	json_decref(answer);
	return uri != NULL;
}

static bool append_source(struct mlops_mlflow *mlflow, const char *source, struct mlops_buffer *location,
			  struct mlops_error *error)
{
	if (strncmp(source, "runs:/", 6) == 0) {
		const char *run = source + 6, *rest = run + strcspn(run, "/"), *base;
		char id[33];

		if (rest - run > 32)
			return mlops_error_set(error, MLOPS_DATA, "%s: '%.100s' names no run", mlflow->shown, source);
		snprintf(id, sizeof id, "%.*s", (int)(rest - run), run);
		base = mlops_mlflow_run_location(mlflow, id, error);
		if (base == NULL)
			return false;
		mlops_buffer_append_string(location, base);
		mlops_buffer_append_string(location, rest);
		return true;
	}
	if (strncmp(source, "models:/", 8) == 0)
		return append_model_location(mlflow, source + 8, location, error);
	mlops_buffer_append_string(location, source);
	return true;
}

/* The request's path of path (or NULL) below location. */
static bool make_path(struct mlops_mlflow *mlflow, struct mlops_buffer *location, const char *path, struct mlops_buffer *out,
		      struct mlops_error *error)
{
	const char *below;

	while (location->length > strlen(PROXIED) && location->data[location->length - 1] == '/')
		location->length--;
	if (path != NULL) {
		mlops_buffer_append_char(location, '/');
		mlops_buffer_append_string(location, path);
	}
	mlops_buffer_string(location);
	if (location->failed)
		return mlops_error_set_memory(error);
	below = path_of(mlflow, location->data, error);
	if (below == NULL)
		return false;
	mlops_buffer_append_string(out, ENDPOINT);
	mlops_url_append(out, below, true);
	mlops_buffer_string(out);
	return !out->failed || mlops_error_set_memory(error);
}

static bool send_file(struct mlops_mlflow *mlflow, const char *path, const void *bytes, size_t length,
		      struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = "PUT", .path = path, .what = "sending a file", .bytes = length > 0 ? bytes : "", .length = length,
	};
	struct mlops_http_result result;
	bool ok = mlops_mlflow_send(mlflow, &request, &result, error);

	mlops_http_result_release(&result);
	return ok;
}

/* *same: the server has just these bytes. */
static bool compare_file(struct mlops_mlflow *mlflow, const char *path, const void *bytes, size_t length, bool *same,
			 struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = "GET", .path = path, .what = "reading a file back", .limit = length + 1,
	};
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_http_result result;
	bool ok = mlops_mlflow_send(mlflow, &request, &result, &trouble);

	*same = ok && result.body.length == length && (length == 0 || memcmp(result.body.data, bytes, length) == 0);
	/* More than was sent, or nothing at all: the file is not what it should be. */
	if (!ok && trouble.code != MLOPS_DATA)
		mlops_error_set(error, trouble.code, "%s", trouble.message);
	mlops_http_result_release(&result);
	return ok || trouble.code == MLOPS_DATA;
}

bool mlops_mlflow_put(struct mlops_mlflow *mlflow, const char *run_id, const char *path, const void *bytes, size_t length,
		      struct mlops_error *error)
{
	struct mlops_buffer location = MLOPS_BUFFER_INIT, out = MLOPS_BUFFER_INIT;
	const char *base;
	bool ok = false, same = false;

	mlops_mlflow_begin(mlflow);
	base = mlops_mlflow_run_location(mlflow, run_id, error);
	if (base == NULL)
		return false;
	mlops_buffer_append_string(&location, base);
	if (!make_path(mlflow, &location, path, &out, error))
		goto out;
	for (unsigned retried = 0;; retried++) {
		struct mlops_error trouble = MLOPS_ERROR_INIT;

		ok = send_file(mlflow, out.data, bytes, length, error) &&
		     compare_file(mlflow, out.data, bytes, length, &same, error);
		if (!ok || same)
			break;
		mlops_error_set(&trouble, MLOPS_NEGATIVE, "%s: artifact '%.200s' is not there as it was sent", mlflow->shown, path);
		mlflow->retried = retried;
		ok = mlops_mlflow_wait(mlflow, "sending a file", 0, &trouble);
		if (!ok) {
			mlops_error_set(error, trouble.code, "%s", trouble.message);
			break;
		}
	}
out:
	mlops_buffer_release(&location);
	mlops_buffer_release(&out);
	return ok;
}

bool mlops_mlflow_get(struct mlops_mlflow *mlflow, const char *source, const char *path, size_t limit,
		      struct mlops_buffer *bytes, struct mlops_error *error)
{
	struct mlops_buffer location = MLOPS_BUFFER_INIT, out = MLOPS_BUFFER_INIT;
	struct mlops_mlflow_request request = { .method = "GET", .what = "reading a file", .limit = limit > 0 ? limit : 1 };
	struct mlops_http_result result = { .body = MLOPS_BUFFER_INIT };
	bool ok;

	mlops_mlflow_begin(mlflow);
	ok = append_source(mlflow, source, &location, error) && make_path(mlflow, &location, path, &out, error);
	if (ok) {
		request.path = out.data;
		ok = mlops_mlflow_send(mlflow, &request, &result, error);
	}
	if (ok) {
		mlops_buffer_append(bytes, result.body.data, result.body.length);
		ok = !bytes->failed || mlops_error_set_memory(error);
	}
	mlops_http_result_release(&result);
	mlops_buffer_release(&location);
	mlops_buffer_release(&out);
	return ok;
}

bool mlops_mlflow_delete_artifacts(struct mlops_mlflow *mlflow, const char *source, struct mlops_error *error)
{
	struct mlops_buffer location = MLOPS_BUFFER_INIT, out = MLOPS_BUFFER_INIT;
	struct mlops_mlflow_request request = { .method = "DELETE", .what = "deleting artifacts" };
	struct mlops_http_result result = { .body = MLOPS_BUFFER_INIT };
	size_t slashes = 0;
	bool ok;

	mlops_mlflow_begin(mlflow);
	ok = append_source(mlflow, source, &location, error) && make_path(mlflow, &location, NULL, &out, error);
	for (const char *at = ok ? out.data + strlen(ENDPOINT) : ""; *at != '\0'; at++)
		slashes += at[0] == '/' && at[1] != '\0' && at[1] != '/';
	/* Deleting is recursive: never an experiment's folder, or all of them. */
	if (ok && slashes < 2)
		ok = mlops_error_set(error, MLOPS_DATA, "%s: '%.100s' is no folder of one run", mlflow->shown, source);
	if (ok) {
		request.path = out.data;
		ok = mlops_mlflow_send(mlflow, &request, &result, error);
	}
	mlops_http_result_release(&result);
	mlops_buffer_release(&location);
	mlops_buffer_release(&out);
	return ok;
}
