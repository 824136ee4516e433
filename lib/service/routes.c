#include "service/routes.h"

#include <string.h>

#define JSON	 "application/json"
#define NDJSON	 "application/x-ndjson"
#define TEXT	 "text/plain; charset=utf-8"

static const struct mlops_route routes[] = {
	{ "POST", "/models/{name}/score", MLOPS_ROUTE_OPEN, MLOPS_BODY_ROWS, 200, NDJSON,
	  "Score rows: CSV or JSON in, one line of JSON a row out, as mlops-score does.", mlops_handle_score },
	{ "POST", "/forecast", MLOPS_ROUTE_OPEN, MLOPS_BODY_HISTORIES, 200, NDJSON,
	  "The next values of a sensor, with intervals, as mlops-forecast has them.", mlops_handle_forecast },
	{ "POST", "/models/{name}/forecast", MLOPS_ROUTE_OPEN, MLOPS_BODY_HISTORIES, 200, NDJSON, "The same by the model of that name.",
	  mlops_handle_forecast },
	{ "GET", "/models", MLOPS_ROUTE_OPEN, MLOPS_BODY_NONE, 200, JSON,
	  "The models that are loaded: name, version, SHA-256, metrics, since when.", mlops_handle_models },
	{ "GET", "/models/{name}", MLOPS_ROUTE_OPEN, MLOPS_BODY_NONE, 200, JSON, "One of them.", mlops_handle_model },
	{ "POST", "/models/reload", MLOPS_ROUTE_ADMIN, MLOPS_BODY_NONE, 200, JSON,
	  "Load what the registry names by now: all models or none.", mlops_handle_reload },
	{ "POST", "/models/{name}/train", MLOPS_ROUTE_ADMIN, MLOPS_BODY_NONE, 202, JSON,
	  "Train a model, as mlops-retrain does: a job, one at a time for a name.", mlops_handle_train },
	{ "GET", "/jobs", MLOPS_ROUTE_ADMIN, MLOPS_BODY_NONE, 200, JSON, "The jobs, the newest first.", mlops_handle_jobs },
	{ "GET", "/jobs/{id}", MLOPS_ROUTE_ADMIN, MLOPS_BODY_NONE, 200, JSON,
	  "One of them: does it run, how did it end, what did it say?", mlops_handle_job },
	{ "GET", "/healthz", MLOPS_ROUTE_OPEN, MLOPS_BODY_NONE, 200, TEXT, "Is the process alive?", mlops_handle_health },
	{ "GET", "/readyz", MLOPS_ROUTE_OPEN, MLOPS_BODY_NONE, 200, TEXT, "Is there a model to answer with?",
	  mlops_handle_ready },
	{ "GET", "/metrics", MLOPS_ROUTE_OPEN, MLOPS_BODY_NONE, 200, TEXT, "For Prometheus.", mlops_handle_metrics },
	{ "GET", "/openapi.json", MLOPS_ROUTE_OPEN, MLOPS_BODY_NONE, 200, JSON, "This description.", mlops_handle_openapi },
};

const struct mlops_route *mlops_routes(size_t *n)
{
	*n = sizeof routes / sizeof routes[0];
	return routes;
}

bool mlops_route_fits(const struct mlops_route *route, const char *path, char name[201])
{
	const char *pattern = route->path;

	name[0] = '\0';
	while (*pattern != '\0') {
		if (*pattern == '{') {
			size_t length = strcspn(path, "/");

			if (length == 0 || length > 200)
				return false;
			memcpy(name, path, length);
			name[length] = '\0';
			path += length;
			pattern = strchr(pattern, '}') + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

/* A path without braces goes before one with: /models/reload is not the model "reload". */
static bool is_plain(const struct mlops_route *route)
{
	return strchr(route->path, '{') == NULL;
}

const struct mlops_route *mlops_route_find(const char *method, const char *path, char name[201], const char **allow)
{
	size_t n;
	const struct mlops_route *all = mlops_routes(&n), *other = NULL;

	*allow = NULL;
	for (int plain = 1; plain >= 0; plain--)
		for (size_t i = 0; i < n; i++) {
			if (is_plain(&all[i]) != (plain == 1) || !mlops_route_fits(&all[i], path, name))
				continue;
			if (strcmp(all[i].method, method) == 0)
				return &all[i];
			if (strcmp(all[i].method, "GET") == 0 && strcmp(method, "HEAD") == 0)
				return &all[i];
			if (other == NULL)
				other = &all[i];
		}
	if (other != NULL)
		*allow = strcmp(other->method, "GET") == 0 ? "GET, HEAD" : other->method;
	return NULL;
}
