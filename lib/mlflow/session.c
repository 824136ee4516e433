#include "mlflow/session.h"

#include "base/text.h"
#include "mlflow/answer.h"
#include "net/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_LIMIT ((size_t)64 << 20)
/* A refusal may be longer than what was asked for. */
#define REFUSAL_LIMIT ((size_t)64 << 10)
#define FIRST_PAUSE 0.5
#define LAST_PAUSE 30.0
#define DEFAULT_TIMEOUT 120.0
#define DEFAULT_PATIENCE 300.0

struct mlops_mlflow *mlops_mlflow_open(const struct mlops_tracking *tracking, struct mlops_error *error)
{
	struct mlops_mlflow *mlflow = calloc(1, sizeof *mlflow);
	struct mlops_url_server server = { .url = NULL };

	if (mlflow == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	mlflow->tracking = tracking;
	mlflow->client = mlops_http_client_new(error);
	if (mlflow->client != NULL && mlops_url_take_apart(tracking->uri, &server, error)) {
		mlflow->url = server.url;
		mlflow->username = server.username;
		mlflow->password = server.password;
		snprintf(mlflow->shown, sizeof mlflow->shown, "%s", server.url);
		return mlflow;
	}
	mlops_url_server_release(&server);
	mlops_mlflow_close(mlflow);
	return NULL;
}

void mlops_mlflow_close(struct mlops_mlflow *mlflow)
{
	if (mlflow == NULL)
		return;
	mlops_http_client_free(mlflow->client);
	free(mlflow->url);
	free(mlflow->username);
	free(mlflow->password);
	free(mlflow->run_location);
	free(mlflow);
}

const char *mlops_mlflow_shown(const struct mlops_mlflow *mlflow)
{
	return mlflow->shown;
}

void mlops_mlflow_begin(struct mlops_mlflow *mlflow)
{
	mlflow->spent = 0;
	mlflow->retried = 0;
}

static double patience(const struct mlops_mlflow *mlflow)
{
	return mlflow->tracking->patience > 0 ? mlflow->tracking->patience : DEFAULT_PATIENCE;
}

static void sleep_for(double seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

bool mlops_mlflow_wait(struct mlops_mlflow *mlflow, const char *what, double least, struct mlops_error *error)
{
	const struct mlops_tracking *tracking = mlflow->tracking;
	unsigned doublings = mlflow->retried < 8 ? mlflow->retried : 8;
	double pause = FIRST_PAUSE * (double)(1u << doublings);
	char message[1024];

	if (pause > LAST_PAUSE)
		pause = LAST_PAUSE;
	if (pause < least)
		pause = least;
	if (mlflow->retried >= tracking->retries || mlflow->spent + pause >= patience(mlflow))
		return false;
	mlflow->retried++;
	if (tracking->notice != NULL) {
		snprintf(message, sizeof message, "%s; trying %s again in %g s (%u of %u)", error->message, what, pause,
			 mlflow->retried, tracking->retries);
		tracking->notice(tracking->notice_context, message);
	}
	sleep_for(pause);
	mlflow->spent += pause;
	*error = (struct mlops_error)MLOPS_ERROR_INIT;
	return true;
}

/* Text of the server for a message: one line of UTF-8. */
static void clean(char *to, size_t room, const char *text, size_t length)
{
	size_t n = 0, step;

	for (size_t i = 0; i < length && n + 5 < room; i += step) {
		step = mlops_text_utf8_step(text + i, length - i);
		if (step == 0 || (step == 1 && ((unsigned char)text[i] <= ' ' || text[i] == 0x7f))) {
			step = 1;
			if (n > 0 && to[n - 1] != ' ')
				to[n++] = ' ';
		} else {
			memcpy(to + n, text + i, step);
			n += step;
		}
	}
	while (n > 0 && to[n - 1] == ' ')
		n--;
	to[n] = '\0';
}

static enum mlops_code code_of(int status, bool again)
{
	if (status == 401 || status == 403)
		return MLOPS_DENIED;
	return again ? MLOPS_UNAVAILABLE : MLOPS_DATA;
}

void mlops_mlflow_refuse(int status, const char *body, size_t length, struct mlops_mlflow_refusal *refusal)
{
	json_t *document = length == 0 ? NULL : json_loadb(body, length, 0, NULL);
	const char *code = mlops_mlflow_text(document, "error_code");
	const char *message = mlops_mlflow_text(document, "message");

	*refusal = (struct mlops_mlflow_refusal){ .again = status == 408 || status == 429 || status >= 500 };
	if (message == NULL)
		message = mlops_mlflow_text(document, "detail");
	if (code != NULL)
		clean(refusal->refusal, sizeof refusal->refusal, code, strlen(code));
	/* An overload that calls itself a bad request. */
	if (status == 400 && message != NULL && strstr(message, "QueuePool limit") != NULL)
		refusal->again = true;
	if (status == 501)
		refusal->again = false;
	if (message != NULL)
		clean(refusal->reason, sizeof refusal->reason, message, strlen(message));
	else if (length > 0 && length < 300 && memchr(body, '<', length) == NULL)
		clean(refusal->reason, sizeof refusal->reason, body, length);
	else if (status == 401)
		snprintf(refusal->reason, sizeof refusal->reason, "user and password, or token, are missing or wrong");
	else if (status == 403)
		snprintf(refusal->reason, sizeof refusal->reason, "permission denied");
	else if (status >= 300 && status < 400)
		snprintf(refusal->reason, sizeof refusal->reason, "it redirects; give the address that it leads to");
	else if (!refusal->again)
		snprintf(refusal->reason, sizeof refusal->reason, "not an answer of MLflow's; is the address right?");
	refusal->code = code_of(status, refusal->again);
	json_decref(document);
}

/* A server, or something between, may repeat what it was sent. */
static void hide(char *text, const char *secret)
{
	char *at;

	if (secret == NULL || secret[0] == '\0')
		return;
	while ((at = strstr(text, secret)) != NULL && secret[0] != '*')
		memset(at, '*', strlen(secret));
}

static void hide_secrets(const struct mlops_mlflow *mlflow, char *text)
{
	hide(text, mlflow->password);
	hide(text, mlflow->tracking->password);
	hide(text, mlflow->tracking->token);
}

static bool refused(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request,
		    const struct mlops_http_result *result, struct mlops_error *error)
{
	struct mlops_mlflow_refusal refusal;

	mlops_mlflow_refuse(result->status, result->body.data, result->body.length, &refusal);
	request->again = refusal.again;
	hide_secrets(mlflow, refusal.reason);
	snprintf(request->refusal, sizeof request->refusal, "%s", refusal.refusal);
	return mlops_error_set(error, refusal.code, "%s: %s: status %d%s%s", mlflow->shown, request->what, result->status,
			       refusal.reason[0] == '\0' ? "" : ": ", refusal.reason);
}

static bool attempt(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request, const char *url, const char *body,
		    struct mlops_http_result *result, struct mlops_error *error)
{
	const struct mlops_tracking *tracking = mlflow->tracking;
	double timeout = tracking->timeout > 0 ? tracking->timeout : DEFAULT_TIMEOUT;
	double left = patience(mlflow) - mlflow->spent;
	bool own = mlflow->username != NULL, pair = tracking->username != NULL && tracking->password != NULL;
	/* Model files may be large: for them only silence is limited. */
	bool file = request->bytes != NULL || request->limit > 0;
	size_t limit = request->limit > 0 ? request->limit : ANSWER_LIMIT;
	struct mlops_http_call call = {
		.method = request->method,
		.url = url,
		.username = own ? mlflow->username : pair ? tracking->username : NULL,
		.password = own ? mlflow->password : tracking->password,
		.token = tracking->token,
		.content_type = request->bytes != NULL ? "application/octet-stream" : body != NULL ? "application/json" : NULL,
		.body = request->bytes != NULL ? request->bytes : body,
		.body_length = request->bytes != NULL ? request->length : body != NULL ? strlen(body) : 0,
		.ca_file = tracking->ca_file,
		.client_certificate = tracking->client_certificate,
		.insecure = tracking->insecure,
		.once = request->once,
		.timeout = file || timeout > left ? left : timeout,
		.stall = file ? timeout : 0,
		.answer_limit = limit > REFUSAL_LIMIT ? limit : REFUSAL_LIMIT,
	};
	bool ok = mlops_http_client_send(mlflow->client, &call, result, error);

	mlflow->spent += result->seconds;
	request->retry_after = result->retry_after;
	request->refusal[0] = '\0';
	request->again = false;
	if (!ok) {
		request->again = error->code == MLOPS_UNAVAILABLE;
		hide_secrets(mlflow, error->message);
		return false;
	}
	if (result->status >= 200 && result->status < 300)
		return result->body.length <= limit ||
		       mlops_error_set(error, MLOPS_DATA, "%s: %s: the answer has more than %zu bytes", mlflow->shown, request->what,
				       limit);
	return refused(mlflow, request, result, error);
}

bool mlops_mlflow_send(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request, struct mlops_http_result *result,
		       struct mlops_error *error)
{
	struct mlops_buffer url = MLOPS_BUFFER_INIT;
	char *body = request->body == NULL ? NULL : json_dumps(request->body, JSON_COMPACT);
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	bool ok = false;

	*result = (struct mlops_http_result){ .body = MLOPS_BUFFER_INIT };
	mlops_buffer_append_string(&url, mlflow->url);
	mlops_buffer_append_string(&url, request->path);
	mlops_buffer_string(&url);
	if (url.failed || (request->body != NULL && body == NULL)) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (;;) {
		ok = attempt(mlflow, request, url.data, body, result, &trouble);
		if (ok)
			mlflow->retried = 0;
		if (ok || !request->again || request->once ||
		    !mlops_mlflow_wait(mlflow, request->what, result->retry_after, &trouble))
			break;
		mlops_http_result_release(result);
		request->repeated = true;
	}
	if (!ok)
		mlops_error_set(error, trouble.code, "%s", trouble.message);
out:
	free(body);
	mlops_buffer_release(&url);
	return ok;
}

json_t *mlops_mlflow_ask(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request, struct mlops_error *error)
{
	struct mlops_http_result result;
	json_t *answer = NULL;

	if (mlops_mlflow_send(mlflow, request, &result, error)) {
		answer = json_loadb(result.body.data != NULL ? result.body.data : "", result.body.length, 0, NULL);
		if (!json_is_object(answer)) {
			json_decref(answer);
			answer = NULL;
			mlops_error_set(error, MLOPS_DATA, "%s: %s: the answer is none of MLflow's; is the address right?",
					mlflow->shown, request->what);
		}
	}
	mlops_http_result_release(&result);
	return answer;
}
