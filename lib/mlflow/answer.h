/* Inside lib/mlflow: answers of the server, which may be anything, taken apart. */
#ifndef MLOPS_MLFLOW_ANSWER_H
#define MLOPS_MLFLOW_ANSWER_H

#include "mlflow/mlflow.h"

#include <jansson.h>

/* A member that is a text; NULL: it is missing or something else. */
const char *mlops_mlflow_text(const json_t *object, const char *key);

/* Letters, digits, '-' and '_', 1 to 32 of them. */
bool mlops_mlflow_is_id(const char *text);

/* Each fills what is empty; after a failure (MLOPS_DATA, memory) it has to be released, too. */
bool mlops_mlflow_take_run(const json_t *answer, struct mlops_mlflow_run *run, struct mlops_error *error);
bool mlops_mlflow_take_runs(const json_t *answer, struct mlops_mlflow_run_list *runs, struct mlops_error *error);
bool mlops_mlflow_take_version(const json_t *answer, struct mlops_mlflow_version *version, struct mlops_error *error);
bool mlops_mlflow_take_versions(const json_t *answer, struct mlops_mlflow_version_list *versions,
				struct mlops_error *error);
bool mlops_mlflow_take_model(const json_t *answer, struct mlops_mlflow_model *model, struct mlops_error *error);

/* Room for one more item of size bytes; NULL when memory ran out. */
void *mlops_mlflow_grow(void **items, size_t n, size_t size);

void mlops_mlflow_run_release(struct mlops_mlflow_run *run);
void mlops_mlflow_model_release(struct mlops_mlflow_model *model);

#endif
