/*
 * The service without its sockets: requests in, answers out.
 *
 *	struct mlops_service *service = mlops_service_new(&options, &error);
 *	mlops_service_reload(service, &change, &error);
 *
 *	// a request's head has come:
 *	mlops_service_begin(service);
 *	if (mlops_service_admit(service, &request, &route, &answer))
 *		mlops_service_answer(service, route, &request, &answer); // when the body is in request too
 *	... send the answer ...
 *	mlops_http_answer_release(&answer);
 *	mlops_service_end(service, route, answer.status, microseconds);
 *
 *	mlops_service_free(service);
 *
 * Everything but new and free may be called from any thread.  What it answers to which request: lib/service/routes.c.
 */
#ifndef MLOPS_SERVICE_SERVICE_H
#define MLOPS_SERVICE_SERVICE_H

#include "service/http.h"
#include "service/jobs.h"
#include "service/served.h"

#include <stdbool.h>

struct mlops_service_options {
	struct mlops_served_options served;
	const char *token;           /* of the administrator; NULL: what needs it is refused */
	const char *program_version;
	size_t body_limit;           /* bytes */
	int64_t (*now)(void);        /* microseconds since 1970 */
	struct mlops_jobs_options jobs; /* but for now */
};

struct mlops_service;
struct mlops_route;

/* Serves nothing until the first reload.  What options points to must outlive it. */
struct mlops_service *mlops_service_new(const struct mlops_service_options *options, struct mlops_error *error);
/* Waits for jobs that still run, at most as long as mlops_jobs_free. */
void mlops_service_free(struct mlops_service *service);

/* Trains nothing from now on, and tells the jobs to end. */
void mlops_service_stop_jobs(struct mlops_service *service);

/* mlops_served_reload, remembered for /readyz and /metrics. */
bool mlops_service_reload(struct mlops_service *service, struct mlops_served_change *change, struct mlops_error *error);

/* Finds the route of a request by its method and path, and looks whether the caller may take it.  False: answer says why
 * not; *route is NULL when there is none. */
bool mlops_service_admit(struct mlops_service *service, const struct mlops_http_request *request,
			 const struct mlops_route **route, struct mlops_http_answer *answer);

/* The most bytes that a body may have on this route; a route that takes none passes over a small one. */
size_t mlops_service_body_limit(const struct mlops_service *service, const struct mlops_route *route);

void mlops_service_answer(struct mlops_service *service, const struct mlops_route *route,
			  const struct mlops_http_request *request, struct mlops_http_answer *answer);

/* For /metrics: begin and end surround a request.  route NULL: none was found. */
void mlops_service_begin(struct mlops_service *service);
void mlops_service_end(struct mlops_service *service, const struct mlops_route *route, int status, uint64_t microseconds);

#endif
