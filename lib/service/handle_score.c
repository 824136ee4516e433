#include "service/routes.h"

#include "flow/score.h"
#include "rows/source.h"

#include <math.h>

static bool score(struct mlops_served_model *served, const struct mlops_http_request *request, enum mlops_format format,
		  struct mlops_http_answer *answer, struct mlops_error *error)
{
	struct mlops_read_options read_options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_score_request wanted = {
		.model = served->model, .threshold = NAN, .sink = mlops_service_append, .sink_context = &answer->body,
	};
	struct mlops_score_result result;
	struct mlops_source *source =
		mlops_source_from_memory(request->body, request->body_length, MLOPS_HTTP_BODY, error);
	bool ok = false;

	read_options.format = format;
	if (source != NULL)
		wanted.reader = mlops_reader_open(source, &read_options, error);
	if (wanted.reader != NULL) {
		ok = mlops_flow_score(&wanted, &result, error);
		mlops_reader_free(wanted.reader);
	}
	mlops_source_free(source);
	if (ok) {
		atomic_fetch_add(&served->rows, result.rows);
		atomic_fetch_add(&served->positives, result.positives);
		for (size_t t = 0; t < MLOPS_SCORE_TENTHS; t++)
			atomic_fetch_add(&served->tenths[t], result.tenths[t]);
	}
	return ok;
}

void mlops_handle_score(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			struct mlops_http_answer *answer)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_served_set *set = mlops_served_take(service->served);
	struct mlops_served_model *model = mlops_service_model(set, name, answer);
	enum mlops_format format;

	if (model == NULL)
		goto out;
	if (!mlops_service_format(request->content_type, &format, answer))
		goto out;
	if (!score(model, request, format, answer, &error))
		mlops_http_error(answer, &error);
out:
	mlops_served_drop(service->served, set);
}
