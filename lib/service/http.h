/*
 * A request and its answer as the handlers see them.  No server library is in it, so that a test or a fuzzer can play the
 * server.
 *
 * Errors are application/problem+json (RFC 9457): {"type":"urn:mlops:data","title":…,"status":422,"detail":…}, with "line"
 * where a row is to blame.
 */
#ifndef MLOPS_SERVICE_HTTP_H
#define MLOPS_SERVICE_HTTP_H

#include "base/buffer.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct mlops_http_request {
	const char *method;        /* "GET" */
	const char *path;          /* percent-decoded, NUL-terminated, without the query */
	const char *content_type;  /* NULL: none */
	const char *authorization; /* NULL: none */
	const void *body;
	size_t body_length;
};

struct mlops_http_answer {
	int status;
	const char *content_type; /* a constant */
	struct mlops_buffer body;
	const char *allow;        /* methods, with a 405; a constant */
	bool authenticate;        /* WWW-Authenticate: Bearer, with a 401 */
	char model[201];          /* which model spoke, and in which version; empty: none */
	uint32_t version;
};

void mlops_http_answer_release(struct mlops_http_answer *answer);

/* The answer becomes a problem; the body so far is dropped. */
void mlops_http_problem(struct mlops_http_answer *answer, int status, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));

/* What rows are read from, in messages; there it is left out. */
#define MLOPS_HTTP_BODY "request body"

/* The same for an error of the library: its code gives status and type. */
void mlops_http_error(struct mlops_http_answer *answer, const struct mlops_error *error);

#endif
