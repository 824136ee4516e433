/* Writes a small model file of each form into the given directory. */
#include "tests/unit/onnx_sample.h"

#include "base/file.h"

#include <stdio.h>

static bool make(const char *directory, const char *name, size_t n_classes)
{
	struct mlops_model *model = onnx_sample_new(n_classes, 2, 2, 9);
	struct mlops_buffer file = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	char path[4096];
	bool done;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	done = model != NULL && mlops_onnx_write(model, &file, &error) &&
	       mlops_file_replace(path, file.data, file.length, 0644, &error);
	if (!done)
		fprintf(stderr, "%s: %s\n", path, error.message);
	mlops_buffer_release(&file);
	mlops_model_free(model);
	return done;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_onnx_seeds DIRECTORY\n");
		return 64;
	}
	return make(argv[1], "anomaly", 0) && make(argv[1], "failure", 2) && make(argv[1], "labels", 3) ? 0
													: 1;
}
