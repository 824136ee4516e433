/*
 * Any bytes as a request: the service must not crash, read out of bounds or leak, and each answer has a status and, where
 * it refuses, a problem that is JSON.  The first line is the method, the path, the content type and the authorization,
 * with tabs between; the rest is the body.
 */
#include "service/service.h"

#include "model/fit.h"
#include "model/onnx.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t no_time(void)
{
	return 0;
}

/* A registry with one champion, made once. */
static void add_model(struct mlops_store *store)
{
	static const float a[] = { 1, 2, 3, 4, 5, 60 }, b[] = { 2, 1, 2, 1, 2, 1 };
	static const float *const columns[] = { a, b };
	struct mlops_matrix matrix = { columns, 2, NULL, 6 };
	struct mlops_feature features[] = { { .name = (char[]){ "a" } }, { .name = (char[]){ "b" } } };
	struct mlops_settings settings;
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_version version = { .name = (char[]){ "pumps" }, .kind = (char[]){ "anomaly_detection" } };
	struct mlops_change change = { .name = version.name, .to = 1 };
	struct mlops_model *model;

	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	model = mlops_isolation_forest_fit(&settings, 1, &matrix, NULL, NULL, NULL);
	if (model == NULL || !mlops_model_set_features(model, features, 2, NULL) ||
	    !mlops_onnx_write(model, &bytes, NULL) ||
	    !mlops_store_add_version(store, &version, bytes.data, bytes.length, NULL) ||
	    !mlops_store_promote(store, &change, NULL))
		abort();
	mlops_model_free(model);
	mlops_buffer_release(&bytes);
}

static struct mlops_service *the_service(void)
{
	static char directory[] = "/tmp/fuzz-service-XXXXXX";
	static struct mlops_service *service;
	struct mlops_store *store;

	if (service != NULL)
		return service;
	if (mkdtemp(directory) == NULL)
		abort();
	store = mlops_store_open(&(struct mlops_store_options){ .location = directory, .create = true }, NULL);
	if (store == NULL)
		abort();
	add_model(store);
	mlops_store_close(store);
	service = mlops_service_new(&(struct mlops_service_options){ .served = { .location = directory },
								      .token = "t",
								      .program_version = "1",
								      .body_limit = 1 << 16,
								      .now = no_time },
				    NULL);
	if (service == NULL || !mlops_service_reload(service, NULL, NULL))
		abort();
	return service;
}

/* Cuts the next word out of a line; NULL where there is none. */
static char *word(char **line)
{
	char *begin = *line, *end;

	if (begin == NULL)
		return NULL;
	end = strchr(begin, '\t');
	*line = end == NULL ? NULL : end + 1;
	if (end != NULL)
		*end = '\0';
	return begin;
}

static void check(const struct mlops_http_answer *answer)
{
	json_t *problem;

	if (answer->status < 200 || answer->status > 599 || answer->content_type == NULL)
		abort();
	if (answer->status < 400)
		return;
	problem = json_loadb(answer->body.data, answer->body.length, 0, NULL);
	if (json_integer_value(json_object_get(problem, "status")) != answer->status ||
	    json_string_value(json_object_get(problem, "detail")) == NULL)
		abort();
	json_decref(problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mlops_service *service = the_service();
	const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);
	size_t length = newline == NULL ? size : (size_t)(newline - data);
	char *head = strndup((const char *)data, length), *line = head;
	struct mlops_http_request request;
	struct mlops_http_answer answer = { .status = 0 };
	const struct mlops_route *route;

	if (head == NULL)
		return 0;
	request.method = word(&line);
	request.path = word(&line);
	request.content_type = word(&line);
	request.authorization = word(&line);
	if (request.path == NULL)
		request.path = "/";
	request.body = newline == NULL ? (const uint8_t *)"" : newline + 1;
	request.body_length = newline == NULL ? 0 : size - length - 1;
	mlops_service_begin(service);
	if (mlops_service_admit(service, &request, &route, &answer) &&
	    request.body_length <= mlops_service_body_limit(service, route))
		mlops_service_answer(service, route, &request, &answer);
	if (answer.status != 0)
		check(&answer);
	mlops_service_end(service, route, answer.status, 1);
	mlops_http_answer_release(&answer);
	free(head);
	return 0;
}
