#include "service/routes.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void mlops_handle_train(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			struct mlops_http_answer *answer)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_json json = { .out = &answer->body };
	char id[MLOPS_JOB_ID], url[sizeof id + 6];

	(void)request;
	if (!mlops_jobs_start(service->jobs, name, id, &error)) {
		mlops_http_error(answer, &error);
		return;
	}
	snprintf(url, sizeof url, "/jobs/%s", id);
	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "job", id);
	mlops_json_member_string(&json, "model", name);
	mlops_json_member_string(&json, "status_url", url);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(&answer->body, '\n');
}

void mlops_handle_jobs(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
		       struct mlops_http_answer *answer)
{
	struct mlops_json json = { .out = &answer->body };

	(void)request;
	(void)name;
	mlops_json_open(&json, '{');
	mlops_json_key(&json, "jobs");
	mlops_jobs_write_all(service->jobs, &json);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(&answer->body, '\n');
}

void mlops_handle_job(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
		      struct mlops_http_answer *answer)
{
	struct mlops_json json = { .out = &answer->body };
	char asked[MLOPS_TEXT_QUOTED];

	(void)request;
	if (mlops_jobs_write(service->jobs, name, &json))
		mlops_buffer_append_char(&answer->body, '\n');
	else
		mlops_http_problem(answer, 404, "no job '%s', or it is long over; GET /jobs lists those that are known",
				   mlops_text_mask(asked, name, strlen(name)));
}
