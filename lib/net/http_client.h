/*
 * HTTP as a client, by libcurl: bounded in time and size, nothing secret in any message.
 *
 *	struct mlops_http_client *client = mlops_http_client_new(&error);
 *	struct mlops_http_call call = { .method = "POST", .url = url, .token = token, .timeout = 10 };
 *	struct mlops_http_result result;
 *	if (mlops_http_client_send(client, &call, &result, &error))
 *		... result.status, result.body ...
 *	mlops_http_result_release(&result);
 *	mlops_http_client_free(client);
 *
 * A client keeps its connections; it is for one thread at a time.
 */
#ifndef MLOPS_NET_HTTP_CLIENT_H
#define MLOPS_NET_HTTP_CLIENT_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct mlops_http_client;

struct mlops_http_call {
	const char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE"; any may have a body */
	const char *url;          /* http:// or https:// */
	const char *username, *password; /* Authorization: Basic, both or none; before the token */
	const char *token;        /* Authorization: Bearer; NULL: none */
	const char *content_type; /* of body; NULL: none */
	const void *body;
	size_t body_length;
	const char *ca_file;      /* PEM, of a private authority; NULL: the system's */
	const char *client_certificate; /* PEM with certificate and key; or NULL */
	bool insecure;            /* take any certificate, where ca_file is NULL */
	bool once;                /* on a connection of its own: libcurl repeats by itself what a used one lost */
	double timeout;           /* seconds for all of it; connecting gets at most 10 of them */
	double stall;             /* seconds without a byte that end it; 0: only timeout does */
	size_t answer_limit;      /* bytes; 0: 16 MB */
};

struct mlops_http_result {
	int status;
	char content_type[128]; /* without parameters; empty: none */
	double retry_after;     /* seconds that the answer asks to wait; 0: it does not */
	double seconds;         /* that the call took, also where no answer came */
	struct mlops_buffer body;
};

struct mlops_http_client *mlops_http_client_new(struct mlops_error *error);
void mlops_http_client_free(struct mlops_http_client *client);

/* False when no whole answer came: MLOPS_UNAVAILABLE (refused, no such host, time-out, cut off), MLOPS_USAGE for what is
 * no URL, MLOPS_CONFIG for a certificate that can't be trusted, MLOPS_DATA for an answer that is too large.  An
 * answer with an error's status is an answer.  Redirections are not followed.  Release result in any case. */
bool mlops_http_client_send(struct mlops_http_client *client, const struct mlops_http_call *call,
			    struct mlops_http_result *result, struct mlops_error *error);
void mlops_http_result_release(struct mlops_http_result *result);

/* url without user, password, query and fragment, for messages; returns buffer. */
const char *mlops_url_redacted(const char *url, char buffer[256]);

#endif
