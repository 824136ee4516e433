/*
 * Any bytes as an answer of an MLflow server, and as its address: nothing crashes, reads out of bounds or leaks, errors are
 * the kinds that the header names, and what is said of a refusal is one line of UTF-8.  The first byte chooses the status.
 */
#include "base/text.h"
#include "mlflow/answer.h"
#include "mlflow/session.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, struct mlops_error *error)
{
	if (ok != (error->code == MLOPS_OK) || (!ok && error->code != MLOPS_DATA))
		abort();
	*error = (struct mlops_error)MLOPS_ERROR_INIT;
}

static void take(const json_t *answer)
{
	struct mlops_mlflow_run_list runs = { .n = 0 };
	struct mlops_mlflow_version_list versions = { .n = 0 };
	struct mlops_mlflow_version version = { .name = NULL };
	struct mlops_mlflow_model model = { .name = NULL };
	struct mlops_error error = MLOPS_ERROR_INIT;
	const char *tag;
	bool ok;

	check(mlops_mlflow_take_runs(answer, &runs, &error), &error);
	check(mlops_mlflow_take_versions(answer, &versions, &error), &error);
	ok = mlops_mlflow_take_version(json_object_get(answer, "model_version"), &version, &error);
	tag = ok ? mlops_mlflow_tag(&version, "mlops.sha256") : NULL;
	if (tag != NULL && strlen(tag) > (size_t)1 << 30)
		abort();
	check(ok, &error);
	check(mlops_mlflow_take_model(json_object_get(answer, "registered_model"), &model, &error), &error);
	mlops_mlflow_run_list_release(&runs);
	mlops_mlflow_version_list_release(&versions);
	mlops_mlflow_version_release(&version);
	mlops_mlflow_model_release(&model);
}

static void take_address(const char *bytes, size_t length)
{
	struct mlops_url_server server;
	struct mlops_error error = MLOPS_ERROR_INIT;
	char *url = strndup(bytes, length);

	if (mlops_url_take_apart(url, &server, &error)) {
		if (strstr(server.url, "://") == NULL || (server.username == NULL) != (server.password == NULL))
			abort();
	} else if (error.code != MLOPS_CONFIG) {
		abort();
	}
	mlops_url_server_release(&server);
	free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 302, 400, 401, 403, 404, 429, 500, 503 };
	struct mlops_mlflow_refusal refusal;
	json_t *answer;

	if (size < 1)
		return 0;
	mlops_mlflow_refuse(statuses[data[0] % 8], (const char *)data + 1, size - 1, &refusal);
	if (!mlops_text_is_utf8(refusal.reason, strlen(refusal.reason)) || strpbrk(refusal.reason, "\r\n\t") != NULL)
		abort();
	answer = json_loadb((const char *)data + 1, size - 1, 0, NULL);
	if (answer != NULL)
		take(answer);
	json_decref(answer);
	take_address((const char *)data + 1, size - 1);
	return 0;
}
