/*
 * The files beside model.onnx that make a directory an MLflow model: MLmodel with its signature, requirements, an example of
 * the input.  mlflow.pyfunc.load_model and `mlflow models serve` take it from there.
 *
 *	struct mlops_mlflow_files files;
 *	if (mlops_mlflow_model_directory(bytes, length, run_id, created, &files, &error))
 *		... send files.items[i].bytes as model/ and files.items[i].name ...
 *	mlops_mlflow_files_release(&files);
 */
#ifndef MLOPS_MLFLOW_MODEL_DIRECTORY_H
#define MLOPS_MLFLOW_MODEL_DIRECTORY_H

#include "base/buffer.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct mlops_mlflow_file {
	const char *name; /* below the directory */
	struct mlops_buffer bytes;
};

struct mlops_mlflow_files {
	size_t n;
	struct mlops_mlflow_file *items;
};

/* Of the model file in model; created is in microseconds since 1970.  In the order to send: MLmodel, which makes it a
 * model, is last.  MLOPS_DATA for a file that is no model of ours. */
bool mlops_mlflow_model_directory(const void *model, size_t length, const char *run_id, int64_t created,
				  struct mlops_mlflow_files *files, struct mlops_error *error);
void mlops_mlflow_files_release(struct mlops_mlflow_files *files);

#endif
