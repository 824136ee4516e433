#include "net/http_client.h"

#include "net/libcurl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT ((size_t)16 << 20)

struct mlops_http_client {
	struct mlops_libcurl lib;
	CURL *curl;
};

struct receiving {
	struct mlops_buffer *body;
	size_t limit;
	bool too_large;
};

struct mlops_http_client *mlops_http_client_new(struct mlops_error *error)
{
	struct mlops_http_client *client = calloc(1, sizeof *client);

	if (client == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	if (mlops_libcurl_load(&client->lib, error)) {
		/* Counted inside libcurl; the first call has to come before other threads use it. */
		if (client->lib.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
			client->curl = client->lib.curl_easy_init();
		if (client->curl != NULL)
			return client;
		mlops_error_set_memory(error);
	}
	free(client);
	return NULL;
}

void mlops_http_client_free(struct mlops_http_client *client)
{
	if (client == NULL)
		return;
	client->lib.curl_easy_cleanup(client->curl);
	client->lib.curl_global_cleanup();
	free(client);
}

void mlops_http_result_release(struct mlops_http_result *result)
{
	mlops_buffer_release(&result->body);
}

const char *mlops_url_redacted(const char *url, char buffer[256])
{
	const char *host = strstr(url, "://");
	size_t scheme = host == NULL ? 0 : (size_t)(host + 3 - url);
	const char *rest = url + scheme;
	size_t authority = strcspn(rest, "/?#");
	const char *end = rest + authority;

	for (const char *at = rest; at < end; at++)
		if (*at == '@') {
			rest = at + 1;
			authority = (size_t)(end - rest);
		}
	snprintf(buffer, 256, "%.*s%.*s", scheme > 16 ? 16 : (int)scheme, url, (int)strcspn(rest, "?#"), rest);
	return buffer;
}

static size_t receive(char *bytes, size_t size, size_t n, void *context)
{
	struct receiving *receiving = context;
	size_t length = size * n;

	if (length > receiving->limit - receiving->body->length) {
		receiving->too_large = true;
		return 0;
	}
	mlops_buffer_append(receiving->body, bytes, length);
	return receiving->body->failed ? 0 : length;
}

static bool set_error(const struct mlops_libcurl *lib, CURLcode code, const struct mlops_http_call *call,
		      const struct receiving *receiving, const char *text, struct mlops_error *error)
{
	char url[256];

	mlops_url_redacted(call->url, url);
	if (receiving->too_large)
		return mlops_error_set(error, MLOPS_DATA, "%s: the answer has more than %zu bytes", url, receiving->limit);
	if (receiving->body->failed || code == CURLE_OUT_OF_MEMORY)
		return mlops_error_set_memory(error);
	switch (code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return mlops_error_set(error, MLOPS_USAGE, "'%s' is no URL as http://127.0.0.1:8080 is", url);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return mlops_error_set(error, MLOPS_CONFIG, "%s: %s", url, text);
	case CURLE_OPERATION_TIMEDOUT:
		if (call->stall > 0)
			return mlops_error_set(error, MLOPS_UNAVAILABLE, "%s: %s", url, text);
		return mlops_error_set(error, MLOPS_UNAVAILABLE, "%s: no answer within %g seconds", url, call->timeout);
	default:
		return mlops_error_set(error, MLOPS_UNAVAILABLE, "%s: %s", url,
				       text[0] != '\0' ? text : lib->curl_easy_strerror(code));
	}
}

static bool set_trust(const struct mlops_libcurl *lib, CURL *curl, const struct mlops_http_call *call)
{
	bool ok = true;

	if (call->ca_file != NULL) {
		ok = lib->curl_easy_setopt(curl, CURLOPT_CAINFO, call->ca_file) == CURLE_OK;
	} else if (call->insecure) {
		lib->curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		lib->curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (call->client_certificate != NULL)
		ok = ok && lib->curl_easy_setopt(curl, CURLOPT_SSLCERT, call->client_certificate) == CURLE_OK &&
		     lib->curl_easy_setopt(curl, CURLOPT_SSLKEY, call->client_certificate) == CURLE_OK;
	return ok;
}

static bool set_credentials(const struct mlops_libcurl *lib, CURL *curl, const struct mlops_http_call *call)
{
	if (call->username != NULL) {
		lib->curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		return lib->curl_easy_setopt(curl, CURLOPT_USERNAME, call->username) == CURLE_OK &&
		       lib->curl_easy_setopt(curl, CURLOPT_PASSWORD, call->password) == CURLE_OK;
	}
	if (call->token == NULL)
		return true;
	lib->curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
	return lib->curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, call->token) == CURLE_OK;
}

/* Only the first option that fails matters: memory. */
static bool set_options(const struct mlops_libcurl *lib, CURL *curl, const struct mlops_http_call *call,
			struct curl_slist *headers)
{
	long milliseconds = (long)(call->timeout * 1000);
	bool ok = lib->curl_easy_setopt(curl, CURLOPT_URL, call->url) == CURLE_OK;

	lib->curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	lib->curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	lib->curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds);
	lib->curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds < 10000 ? milliseconds : 10000L);
	lib->curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, call->once ? 1L : 0L);
	lib->curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (call->stall > 0) {
		lib->curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		lib->curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, call->stall < 1 ? 1L : (long)call->stall);
	}
	if (call->body != NULL || strcmp(call->method, "POST") == 0) {
		lib->curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
		lib->curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body != NULL ? call->body : "");
	}
	ok = ok && lib->curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method) == CURLE_OK;
	return ok && set_trust(lib, curl, call) && set_credentials(lib, curl, call);
}

static struct curl_slist *make_headers(const struct mlops_libcurl *lib, const struct mlops_http_call *call)
{
	char line[160];

	/* An Expect header would cost a round trip; an empty type keeps libcurl from calling the body a form. */
	snprintf(line, sizeof line, "Content-Type:%s%s", call->content_type != NULL ? " " : "",
		 call->content_type != NULL ? call->content_type : "");
	return lib->curl_slist_append(lib->curl_slist_append(NULL, "Expect:"), line);
}

bool mlops_http_client_send(struct mlops_http_client *client, const struct mlops_http_call *call,
			    struct mlops_http_result *result, struct mlops_error *error)
{
	char text[CURL_ERROR_SIZE] = "";
	const struct mlops_libcurl *lib = &client->lib;
	struct curl_slist *headers = make_headers(lib, call);
	struct receiving receiving = {
		.body = &result->body, .limit = call->answer_limit > 0 ? call->answer_limit : DEFAULT_LIMIT,
	};
	CURLcode code = CURLE_OUT_OF_MEMORY;
	const char *type = NULL;
	curl_off_t pause = 0, took = 0;
	long status = 0;

	*result = (struct mlops_http_result){ .body = MLOPS_BUFFER_INIT };
	lib->curl_easy_reset(client->curl);
	lib->curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, text);
	lib->curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, receive);
	lib->curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &receiving);
	if (set_options(lib, client->curl, call, headers))
		code = lib->curl_easy_perform(client->curl);
	lib->curl_slist_free_all(headers);
	lib->curl_easy_getinfo(client->curl, CURLINFO_TOTAL_TIME_T, &took);
	result->seconds = (double)took / 1e6;
	if (code != CURLE_OK)
		return set_error(lib, code, call, &receiving, text, error);
	lib->curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	lib->curl_easy_getinfo(client->curl, CURLINFO_CONTENT_TYPE, &type);
	lib->curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &pause);
	result->status = (int)status;
	result->retry_after = (double)pause;
	if (type != NULL)
		snprintf(result->content_type, sizeof result->content_type, "%.*s", (int)strcspn(type, "; \t"), type);
	return true;
}
