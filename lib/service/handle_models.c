#include "service/routes.h"

static void write_set(const struct mlops_served_set *set, struct mlops_json *json)
{
	mlops_json_key(json, "models");
	mlops_json_open(json, '[');
	for (size_t i = 0; i < set->n; i++)
		mlops_served_write(set->models[i], json);
	mlops_json_close(json, ']');
}

void mlops_handle_models(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			 struct mlops_http_answer *answer)
{
	struct mlops_served_set *set = mlops_served_take(service->served);
	struct mlops_json json = { .out = &answer->body };

	(void)request;
	(void)name;
	mlops_json_open(&json, '{');
	write_set(set, &json);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(&answer->body, '\n');
	mlops_served_drop(service->served, set);
}

void mlops_handle_model(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			struct mlops_http_answer *answer)
{
	struct mlops_served_set *set = mlops_served_take(service->served);
	struct mlops_json json = { .out = &answer->body };
	const struct mlops_served_model *model = mlops_service_model(set, name, answer);

	(void)request;
	if (model != NULL) {
		mlops_served_write(model, &json);
		mlops_buffer_append_char(&answer->body, '\n');
	}
	mlops_served_drop(service->served, set);
}

void mlops_handle_reload(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			 struct mlops_http_answer *answer)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_json json = { .out = &answer->body };
	struct mlops_served_change change;
	struct mlops_served_set *set;

	(void)request;
	(void)name;
	if (!mlops_service_reload(service, &change, &error)) {
		mlops_http_error(answer, &error);
		return;
	}
	set = mlops_served_take(service->served);
	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "event", "reloaded");
	mlops_json_member_uint(&json, "changed", change.changed);
	mlops_json_member_uint(&json, "removed", change.removed);
	write_set(set, &json);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(&answer->body, '\n');
	mlops_served_drop(service->served, set);
}
