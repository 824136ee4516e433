/* What handlers have in common. */
#include "service/routes.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct mlops_served_model *mlops_service_model(const struct mlops_served_set *set, const char *name,
					       struct mlops_http_answer *answer)
{
	char asked[MLOPS_TEXT_QUOTED];
	const char *nearest;
	struct mlops_served_model *model = mlops_served_find(set, name, &nearest);

	if (model != NULL) {
		snprintf(answer->model, sizeof answer->model, "%s", model->key);
		answer->version = model->version.version;
		return model;
	}
	mlops_text_mask(asked, name, strlen(name));
	if (nearest != NULL)
		mlops_http_problem(answer, 404, "model '%s' is not loaded (did you mean '%s'?)", asked, nearest);
	else
		mlops_http_problem(answer, 404, "model '%s' is not loaded; GET /models lists those that are", asked);
	return NULL;
}

/* curl -d says that it sends a form. */
bool mlops_service_format(const char *content_type, enum mlops_format *format, struct mlops_http_answer *answer)
{
	static const struct {
		const char *type;
		enum mlops_format format;
	} types[] = {
		{ "text/csv", MLOPS_FORMAT_CSV },
		{ "application/csv", MLOPS_FORMAT_CSV },
		{ "application/json", MLOPS_FORMAT_JSON },
		{ "application/x-ndjson", MLOPS_FORMAT_JSON },
		{ "application/jsonl", MLOPS_FORMAT_JSON },
		{ "text/plain", MLOPS_FORMAT_AUTO },
		{ "application/octet-stream", MLOPS_FORMAT_AUTO },
		{ "application/x-www-form-urlencoded", MLOPS_FORMAT_AUTO },
	};
	size_t length = content_type == NULL ? 0 : strcspn(content_type, "; \t");

	*format = MLOPS_FORMAT_AUTO;
	if (length == 0)
		return true;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (mlops_text_equal_ignore_case(types[i].type, strlen(types[i].type), content_type, length)) {
			*format = types[i].format;
			return true;
		}
	mlops_http_problem(answer, 415, "data are text/csv, application/json or application/x-ndjson");
	return false;
}

bool mlops_service_append(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	struct mlops_buffer *body = context;

	mlops_buffer_append(body, bytes, length);
	return !body->failed || mlops_error_set_memory(error);
}
