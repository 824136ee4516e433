/* mlflow_directory MODEL.onnx DIRECTORY: writes the files that make DIRECTORY an MLflow model, and prints their names. */
#include "base/file.h"
#include "mlflow/model_directory.h"
#include "model/onnx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool write_file(const char *directory, const char *name, const struct mlops_buffer *bytes, struct mlops_error *error)
{
	char path[4096];
	char *slash;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return mlops_error_set_errno(error, errno, path);
	*slash = '/';
	return mlops_file_replace(path, bytes->data, bytes->length, 0666, error);
}

int main(int argc, char **argv)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer model = MLOPS_BUFFER_INIT;
	struct mlops_mlflow_files files = { .n = 0 };
	bool ok = argc == 3 && mlops_file_read(argv[1], MLOPS_MODEL_FILE_LIMIT, &model, &error) &&
		  mlops_mlflow_model_directory(model.data, model.length, "0123456789abcdef0123456789abcdef", 1700000000000000,
					       &files, &error) &&
		  write_file(argv[2], "model.onnx", &model, &error);

	for (size_t i = 0; ok && i < files.n; i++) {
		puts(files.items[i].name);
		ok = write_file(argv[2], files.items[i].name, &files.items[i].bytes, &error);
	}
	mlops_mlflow_files_release(&files);
	mlops_buffer_release(&model);
	if (!ok)
		fprintf(stderr, "mlflow_directory: %s\n", error.message);
	return ok ? 0 : mlops_code_describe(error.code)->exit_status;
}
