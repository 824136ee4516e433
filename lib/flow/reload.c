#include "flow/reload.h"

#include "base/json_writer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST_PAUSE 0.1
#define LAST_PAUSE  2.0

/* The champion of that name, or NULL. */
static const struct mlops_version *champion_of(const struct mlops_version_list *versions, const char *name)
{
	for (size_t i = 0; i < versions->n; i++)
		if (versions->items[i].champion && strcmp(versions->items[i].name, name) == 0)
			return &versions->items[i];
	return NULL;
}

/* Compares one model of the answer, and adds it to what is reported. */
static bool take_model(const json_t *model, const struct mlops_reload_request *request, struct mlops_json *json,
		       struct mlops_error *error)
{
	const char *name = json_string_value(json_object_get(model, "name"));
	json_int_t version = json_integer_value(json_object_get(model, "version"));
	const struct mlops_version *champion = name == NULL ? NULL : champion_of(request->versions, name);

	if (name == NULL || version < 1)
		return mlops_error_set(error, MLOPS_DATA, "the answer is not that of mlops-serve");
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "name", name);
	mlops_json_member_uint(json, "version", (uint64_t)version);
	mlops_json_close(json, '}');
	return champion == NULL || champion->version == version ||
	       mlops_error_set(error, MLOPS_NEGATIVE, "serves version %lld of model '%.100s', the champion is %u",
			       (long long)version, name, champion->version);
}

static bool take_answer(const struct mlops_http_result *answer, const struct mlops_reload_request *request,
			struct mlops_reload_result *result, struct mlops_error *error)
{
	json_t *document = json_loadb(answer->body.data, answer->body.length, 0, NULL);
	json_t *models = json_object_get(document, "models"), *model;
	struct mlops_json json = { .out = &result->models };
	bool ok = json_is_array(models) || mlops_error_set(error, MLOPS_DATA, "the answer is not that of mlops-serve");
	size_t i;

	mlops_buffer_clear(&result->models);
	mlops_json_open(&json, '[');
	json_array_foreach(models, i, model)
		if (!take_model(model, request, &json, error))
			ok = false;
	mlops_json_close(&json, ']');
	json_decref(document);
	return ok;
}

/* What a refusal means; *again: it may pass by itself. */
static void take_refusal(const struct mlops_http_result *answer, struct mlops_error *error, bool *again)
{
	json_t *document = json_loadb(answer->body.data, answer->body.length, 0, NULL);
	const char *detail = json_string_value(json_object_get(document, "detail"));
	enum mlops_code code = MLOPS_UNAVAILABLE;

	*again = answer->status >= 500 || answer->status == 409 || answer->status == 429;
	if (answer->status == 401 || answer->status == 403)
		code = MLOPS_DENIED;
	else if (answer->status == 422)
		code = MLOPS_NEGATIVE;
	else if (!*again)
		code = MLOPS_DATA;
	mlops_error_set(error, code, "status %d: %.600s", answer->status,
			detail != NULL ? detail : "not a service's answer; is the URL right?");
	json_decref(document);
}

static bool attempt(struct mlops_http_client *client, const struct mlops_reload_request *request, double seconds,
		    struct mlops_reload_result *result, struct mlops_error *error, bool *again)
{
	char url[1024];
	size_t length = strlen(request->url);
	struct mlops_http_call call = {
		.method = "POST", .url = url, .token = request->token, .ca_file = request->ca_file, .timeout = seconds,
	};
	struct mlops_http_result answer;
	bool ok;

	while (length > 0 && request->url[length - 1] == '/')
		length--;
	*again = false;
	if (length > sizeof url - 32)
		return mlops_error_set(error, MLOPS_USAGE, "the URL is too long");
	snprintf(url, sizeof url, "%.*s/models/reload", (int)length, request->url);
	ok = mlops_http_client_send(client, &call, &answer, error);
	if (!ok) {
		*again = error->code == MLOPS_UNAVAILABLE;
	} else if (answer.status != 200) {
		take_refusal(&answer, error, again);
		ok = false;
	} else {
		ok = take_answer(&answer, request, result, error);
		*again = !ok && error->code == MLOPS_NEGATIVE;
	}
	mlops_http_result_release(&answer);
	return ok;
}

static void pause_for(double seconds)
{
	struct timespec time = { .tv_sec = (time_t)seconds };

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	nanosleep(&time, NULL);
}

void mlops_flow_reload(struct mlops_http_client *client, const struct mlops_reload_request *request,
		       struct mlops_reload_result *result)
{
	double pause = FIRST_PAUSE, left;
	bool again = true;

	*result = (struct mlops_reload_result){ .started = request->now(), .models = MLOPS_BUFFER_INIT };
	do {
		if (result->attempts > 0)
			pause_for(pause);
		if (result->attempts > 1)
			pause = pause * 2 < LAST_PAUSE ? pause * 2 : LAST_PAUSE;
		left = request->timeout - (double)(request->now() - result->started) / 1e6;
		result->error = (struct mlops_error)MLOPS_ERROR_INIT;
		result->attempts++;
		if (attempt(client, request, left > 0.1 ? left : 0.1, result, &result->error, &again))
			break;
		left = request->timeout - (double)(request->now() - result->started) / 1e6;
	} while (again && left > pause);
	result->duration = request->now() - result->started;
}

void mlops_reload_result_release(struct mlops_reload_result *result)
{
	mlops_buffer_release(&result->models);
}
