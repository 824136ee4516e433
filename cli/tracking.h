/* The MLflow server that the environment names, by the variables that MLflow itself reads. */
#ifndef CLI_TRACKING_H
#define CLI_TRACKING_H

#include "mlflow/mlflow.h"

/*
 * *tracking is NULL unless MLFLOW_TRACKING_URI is http(s)://…; else what the server is told and how: it lives as long as the
 * program, and retries are notices.  User and password that the environment lacks are those of ~/.mlflow/credentials, section
 * [mlflow].  Read once.  MLOPS_CONFIG for a variable that can't be right.
 */
bool cli_tracking(const struct mlops_tracking **tracking, struct mlops_error *error);

#endif
