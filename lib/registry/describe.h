/* What the registry knows, as JSON objects: one form for command lines, services and logs. */
#ifndef MLOPS_REGISTRY_DESCRIBE_H
#define MLOPS_REGISTRY_DESCRIBE_H

#include "base/json_writer.h"
#include "registry/store.h"

void mlops_version_write(const struct mlops_version *version, struct mlops_json *json);
void mlops_run_write(const struct mlops_run *run, struct mlops_json *json);
void mlops_decision_write(const struct mlops_decision *decision, struct mlops_json *json);
void mlops_change_write(const struct mlops_change *change, struct mlops_json *json);

#endif
