/* Writes a small model file of each form into the given directory. */
#include "tests/unit/forecaster_sample.h"
#include "tests/unit/onnx_sample.h"

#include "base/file.h"

#include <stdio.h>

/* Takes the model. */
static bool make(const char *directory, const char *name, struct mlops_model *model)
{
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

static const struct forecaster_sizes one_series = { 6, 2, 3, 2, false };
static const struct forecaster_sizes many_series = { 3, 1, 0, 1, true };

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_onnx_seeds DIRECTORY\n");
		return 64;
	}
	return make(argv[1], "anomaly", onnx_sample_new(0, 2, 2, 9)) &&
			       make(argv[1], "failure", onnx_sample_new(2, 2, 2, 9)) &&
			       make(argv[1], "labels", onnx_sample_new(3, 2, 2, 9)) &&
			       make(argv[1], "forecast", forecaster_sample_model(&one_series, 9)) &&
			       make(argv[1], "forecast_many", forecaster_sample_model(&many_series, 9))
		       ? 0
		       : 1;
}
