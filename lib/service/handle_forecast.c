#include "service/routes.h"

#include "flow/forecast.h"
#include "model/forecaster.h"

#include <stdio.h>

#define USUAL_NAME "time_series_forecast"

/* The model of a request that names none: the one that mlops-forecast takes, else the only forecaster there is. */
static struct mlops_served_model *usual_forecaster(const struct mlops_served_set *set, struct mlops_http_answer *answer)
{
	struct mlops_served_model *usual = mlops_served_find(set, USUAL_NAME, NULL), *only = NULL;
	size_t forecasters = 0;

	if (usual != NULL && usual->model->kind == MLOPS_TIME_SERIES_FORECAST)
		return usual;
	for (size_t i = 0; i < set->n; i++)
		if (set->models[i]->model->kind == MLOPS_TIME_SERIES_FORECAST) {
			only = set->models[i];
			forecasters++;
		}
	if (forecasters == 0)
		mlops_http_problem(answer, 404, "no model that forecasts is loaded; GET /models lists those that are");
	else if (forecasters > 1)
		mlops_http_problem(answer, 422, "%zu models forecast, and none is called " USUAL_NAME
						"; POST /models/NAME/forecast says which", forecasters);
	return forecasters == 1 ? only : NULL;
}

static void forecast(struct mlops_served_model *served, const struct mlops_http_request *request,
		     struct mlops_http_answer *answer)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_read_options read_options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_forecast_request wanted = {
		.model = served->model, .name = served->key, .version = served->version.version, .read = &read_options,
		.level = MLOPS_FORECAST_LEVEL, .sink = mlops_service_append, .sink_context = &answer->body,
	};
	struct mlops_forecast_result result = { .forecasts = 0 };

	snprintf(answer->model, sizeof answer->model, "%s", served->key);
	answer->version = served->version.version;
	if (!mlops_service_format(request->content_type, &read_options.format, answer))
		return;
	wanted.source = mlops_source_from_memory(request->body, request->body_length, MLOPS_HTTP_BODY, &error);
	if (wanted.source != NULL && mlops_flow_forecast(&wanted, &result, &error))
		atomic_fetch_add(&served->rows, result.forecasts);
	else
		mlops_http_error(answer, &error);
	mlops_source_free(wanted.source);
}

void mlops_handle_forecast(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			   struct mlops_http_answer *answer)
{
	struct mlops_served_set *set = mlops_served_take(service->served);
	struct mlops_served_model *model =
		name[0] != '\0' ? mlops_service_model(set, name, answer) : usual_forecaster(set, answer);

	if (model != NULL)
		forecast(model, request, answer);
	mlops_served_drop(service->served, set);
}
