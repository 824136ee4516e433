#include "service/routes.h"

#include "base/sha256.h"
#include "base/text.h"

#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>

#define IGNORED_BODY 4096 /* bytes; some clients send {} with every POST */

struct mlops_service *mlops_service_new(const struct mlops_service_options *options, struct mlops_error *error)
{
	struct mlops_service *service = calloc(1, sizeof *service);

	if (service == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	service->options = *options;
	service->started = options->now();
	mlops_ledger_page_init(&service->ledger);
	service->options.jobs.now = options->now;
	service->served = mlops_served_new(&service->options.served, error);
	service->jobs = mlops_jobs_new(&service->options.jobs, error);
	if (service->served != NULL && service->jobs != NULL)
		return service;
	mlops_service_free(service);
	return NULL;
}

void mlops_service_free(struct mlops_service *service)
{
	if (service == NULL)
		return;
	mlops_jobs_free(service->jobs);
	mlops_served_free(service->served);
	mlops_ledger_page_release(&service->ledger);
	free(service);
}

void mlops_service_stop_jobs(struct mlops_service *service)
{
	mlops_jobs_stop(service->jobs);
}

bool mlops_service_reload(struct mlops_service *service, struct mlops_served_change *change, struct mlops_error *error)
{
	int64_t began = service->options.now(), ended;
	bool ok = mlops_served_reload(service->served, began, change, error);

	ended = service->options.now();
	atomic_store(&service->reload_ok, ok);
	atomic_store(&service->reload_duration, ended > began ? ended - began : 0);
	if (ok)
		atomic_store(&service->reload_success, ended);
	return ok;
}

/* "Bearer TOKEN"?  Compared by hashes of one length, so that the time tells nothing of the token. */
static bool is_administrator(const struct mlops_service *service, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	char ours[MLOPS_SHA256_TEXT], theirs[MLOPS_SHA256_TEXT];
	const char *token;

	if (authorization == NULL || strnlen(authorization, sizeof scheme - 1) < sizeof scheme - 1 ||
	    !mlops_text_equal_ignore_case(authorization, sizeof scheme - 1, scheme, sizeof scheme - 1))
		return false;
	token = authorization + sizeof scheme - 1;
	token += strspn(token, " ");
	mlops_sha256_of(service->options.token, strlen(service->options.token), ours);
	mlops_sha256_of(token, strlen(token), theirs);
	return memeql_sec(ours, theirs, sizeof ours) != 0;
}

static bool may_pass(const struct mlops_service *service, const struct mlops_http_request *request,
		     struct mlops_http_answer *answer)
{
	if (service->options.token == NULL) {
		mlops_http_problem(answer, 403,
				   "the service was started without SYSTEM_ADMIN_TOKEN, so nobody may do this");
		return false;
	}
	if (is_administrator(service, request->authorization))
		return true;
	mlops_http_problem(answer, 401, request->authorization == NULL
						? "needs the header Authorization: Bearer $SYSTEM_ADMIN_TOKEN"
						: "the token is not the service's SYSTEM_ADMIN_TOKEN");
	answer->authenticate = true;
	return false;
}

bool mlops_service_admit(struct mlops_service *service, const struct mlops_http_request *request,
			 const struct mlops_route **route, struct mlops_http_answer *answer)
{
	char name[201];
	const char *allow;

	*route = mlops_route_find(request->method, request->path, name, &allow);
	if (*route != NULL)
		return (*route)->access == MLOPS_ROUTE_OPEN || may_pass(service, request, answer);
	if (allow == NULL) {
		mlops_http_problem(answer, 404, "no such path; GET /openapi.json lists them");
	} else {
		mlops_http_problem(answer, 405, "this path takes %s", allow);
		answer->allow = allow;
	}
	return false;
}

size_t mlops_service_body_limit(const struct mlops_service *service, const struct mlops_route *route)
{
	return route->body == MLOPS_BODY_NONE ? IGNORED_BODY : service->options.body_limit;
}

void mlops_service_answer(struct mlops_service *service, const struct mlops_route *route,
			  const struct mlops_http_request *request, struct mlops_http_answer *answer)
{
	char name[201];

	mlops_route_fits(route, request->path, name);
	answer->status = route->status;
	answer->content_type = route->answers;
	route->handler(service, request, name, answer);
	if (answer->body.failed)
		mlops_http_problem(answer, 503, "out of memory");
}

void mlops_service_begin(struct mlops_service *service)
{
	atomic_fetch_add(&service->metrics.in_flight, 1);
}

void mlops_service_end(struct mlops_service *service, const struct mlops_route *route, int status, uint64_t microseconds)
{
	size_t n;
	const struct mlops_route *all = mlops_routes(&n);

	atomic_fetch_sub(&service->metrics.in_flight, 1);
	mlops_request_metrics_count(&service->metrics, route != NULL ? (size_t)(route - all) : n + MLOPS_REQUEST_ROUTES,
				    status, microseconds);
}
