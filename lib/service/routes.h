/*
 * Inside the service: the table of routes, the handlers in it, and what they work on.  Only lib/service includes
 * this.
 */
#ifndef MLOPS_SERVICE_ROUTES_H
#define MLOPS_SERVICE_ROUTES_H

#include "rows/reader.h"
#include "service/ledger_page.h"
#include "service/request_metrics.h"
#include "service/service.h"

enum mlops_route_access { MLOPS_ROUTE_OPEN, MLOPS_ROUTE_ADMIN };
enum mlops_route_body { MLOPS_BODY_NONE, MLOPS_BODY_ROWS, MLOPS_BODY_HISTORIES };

/* name: what stood in the path's place of {name}, or NULL. */
typedef void mlops_handler(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			   struct mlops_http_answer *answer);

struct mlops_route {
	const char *method;
	const char *path; /* "/models/{name}/score"; at most one place in braces */
	enum mlops_route_access access;
	enum mlops_route_body body;
	int status;          /* when all is well */
	const char *answers; /* content type */
	const char *summary; /* for /openapi.json */
	mlops_handler *handler;
};

#define MLOPS_MOST_ROUTES 16

/* All routes. */
const struct mlops_route *mlops_routes(size_t *n);

/* Does path fit the route's?  name gets what the braces stand for (one segment, not an empty one), or nothing. */
bool mlops_route_fits(const struct mlops_route *route, const char *path, char name[201]);

/* Finds the route by method and path.  name [201] gets what the braces stand for.  NULL with *allow: the path has other
 * methods (a constant text); without: there is no such path. */
const struct mlops_route *mlops_route_find(const char *method, const char *path, char name[201], const char **allow);

struct mlops_service {
	struct mlops_service_options options;
	struct mlops_served *served;
	struct mlops_jobs *jobs;
	struct mlops_request_metrics metrics;
	struct mlops_ledger_page ledger;
	int64_t started;
	_Atomic bool reload_ok;          /* of the last reload */
	_Atomic int64_t reload_success;  /* when one last went well; 0 never */
	_Atomic int64_t reload_duration; /* of the last, microseconds */
};

/* The model that a request names, and its name in the answer; NULL with a 404. */
struct mlops_served_model *mlops_service_model(const struct mlops_served_set *set, const char *name,
					       struct mlops_http_answer *answer);

/* What a media type says of the body; false with a 415 for one that can't hold data. */
bool mlops_service_format(const char *content_type, enum mlops_format *format, struct mlops_http_answer *answer);

/* A sink (flow/score.h) whose context is the answer's body. */
bool mlops_service_append(void *context, const void *bytes, size_t length, struct mlops_error *error);

mlops_handler mlops_handle_health, mlops_handle_ready, mlops_handle_metrics, mlops_handle_openapi;
mlops_handler mlops_handle_models, mlops_handle_model, mlops_handle_reload;
mlops_handler mlops_handle_score, mlops_handle_forecast;
mlops_handler mlops_handle_train, mlops_handle_jobs, mlops_handle_job;

/* {"openapi":"3.1.0",…} from the table. */
void mlops_openapi_write(const char *program_version, struct mlops_buffer *out);

#endif
