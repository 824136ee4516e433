#include "mlflow/answer.h"
#include "mlflow/session.h"
#include "net/url.h"

#include <stdio.h>
#include <string.h>

static bool take_id(struct mlops_mlflow *mlflow, const char *id, struct mlops_error *error)
{
	if (!mlops_mlflow_is_id(id) || strlen(id) >= sizeof mlflow->experiment)
		return mlops_error_set(error, MLOPS_DATA, "%s: the answer is none of MLflow's: an experiment without an id",
				       mlflow->shown);
	snprintf(mlflow->experiment, sizeof mlflow->experiment, "%s", id);
	return true;
}

/* *found false: there is none, which is no error. */
static bool look(struct mlops_mlflow *mlflow, bool *found, struct mlops_error *error)
{
	const char *name = mlflow->tracking->experiment, *stage;
	struct mlops_buffer path = MLOPS_BUFFER_INIT;
	struct mlops_mlflow_request request = { .method = "GET", .what = "experiments/get-by-name" };
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	json_t *answer = NULL, *experiment;
	bool ok = false;

	mlops_buffer_append_string(&path, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=");
	mlops_url_append(&path, name, false);
	request.path = mlops_buffer_string(&path);
	if (path.failed)
		mlops_error_set_memory(&trouble);
	else
		answer = mlops_mlflow_ask(mlflow, &request, &trouble);
	experiment = json_object_get(answer, "experiment");
	stage = mlops_mlflow_text(experiment, "lifecycle_stage");
	*found = answer != NULL;
	if (answer == NULL)
		ok = strcmp(request.refusal, "RESOURCE_DOES_NOT_EXIST") == 0;
	else if (stage != NULL && strcmp(stage, "deleted") == 0)
		mlops_error_set(&trouble, MLOPS_DATA, "%s: experiment '%.100s' is deleted there; restore it, or use another",
				mlflow->shown, name);
	else
		ok = take_id(mlflow, mlops_mlflow_text(experiment, "experiment_id"), &trouble);
	if (!ok)
		mlops_error_set(error, trouble.code, "%s", trouble.message);
	json_decref(answer);
	mlops_buffer_release(&path);
	return ok;
}

/* *exists: somebody else was faster. */
static bool make(struct mlops_mlflow *mlflow, bool *exists, struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = "POST", .path = "/api/2.0/mlflow/experiments/create", .what = "experiments/create",
	};
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	json_t *body = json_pack("{s:s}", "name", mlflow->tracking->experiment), *answer;
	bool ok = false;

	*exists = false;
	if (body == NULL)
		return mlops_error_set(error, MLOPS_CONFIG, "the experiment's name is not UTF-8");
	request.body = body;
	answer = mlops_mlflow_ask(mlflow, &request, &trouble);
	if (answer != NULL)
		ok = take_id(mlflow, mlops_mlflow_text(answer, "experiment_id"), &trouble);
	else
		ok = *exists = strcmp(request.refusal, "RESOURCE_ALREADY_EXISTS") == 0;
	if (!ok)
		mlops_error_set(error, trouble.code, "%s", trouble.message);
	json_decref(answer);
	json_decref(body);
	return ok;
}

bool mlops_mlflow_find_experiment(struct mlops_mlflow *mlflow, struct mlops_error *error)
{
	bool found, exists;

	if (mlflow->experiment[0] != '\0')
		return true;
	if (!look(mlflow, &found, error))
		return false;
	if (found)
		return true;
	if (!make(mlflow, &exists, error))
		return false;
	if (!exists)
		return true;
	return look(mlflow, &found, error) &&
	       (found || mlops_error_set(error, MLOPS_DATA, "%s: experiment '%.100s' can neither be found nor made",
					 mlflow->shown, mlflow->tracking->experiment));
}
