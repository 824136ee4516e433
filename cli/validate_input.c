#include "cli/validate_input.h"

#include "base/file.h"
#include "cli/model_file.h"

#include <string.h>
#include <unistd.h>

struct mlops_schema *cli_schema_read(const char *path, struct mlops_error *error)
{
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_schema *schema = NULL;

	if (mlops_file_read(path, CLI_SCHEMA_LIMIT, &bytes, error))
		schema = mlops_schema_read(bytes.data != NULL ? bytes.data : "", bytes.length, path, error);
	mlops_buffer_release(&bytes);
	return schema;
}

static struct mlops_table_profile *read_rows(const char *path, const struct mlops_read_options *options,
					     const struct mlops_select_options *select,
					     struct mlops_pool *pool, struct mlops_error *error)
{
	static const char *const none[] = { "rows" };
	struct mlops_source *source = mlops_source_open(path, error);
	struct mlops_validate_request request = {
		.select = select, .checks = none, .n_checks = 1, .pool = pool
	};
	struct mlops_validation *validation;
	struct mlops_table_profile *profile = NULL;

	if (source == NULL)
		return NULL;
	request.reader = mlops_reader_open(source, options, error);
	if (request.reader != NULL) {
		validation = mlops_flow_validate(&request, error);
		if (validation != NULL) {
			profile = validation->profile;
			validation->profile = NULL;
		}
		mlops_validation_free(validation);
		mlops_reader_free(request.reader);
	}
	mlops_source_free(source);
	return profile;
}

static char **category_names(void *context, const char *feature, size_t *n)
{
	const struct mlops_model *model = context;

	for (size_t f = 0; model->features != NULL && f < model->trees.n_features; f++)
		if (strcmp(model->features[f].name, feature) == 0) {
			*n = model->features[f].n_categories;
			return model->features[f].categories;
		}
	return NULL;
}

static struct mlops_table_profile *read_model(const char *text, struct mlops_error *error)
{
	struct mlops_table_profile *profile = NULL;
	struct cli_model loaded;
	const char *json;

	if (!cli_model_load(text, NULL, &loaded, error))
		return NULL;
	json = mlops_metadata_get(&loaded.model->metadata, "profile");
	if (json == NULL)
		mlops_error_set_at(error, MLOPS_DATA, text, 0,
				   "the model's file does not say what its training data looked like");
	else
		profile = mlops_table_profile_read(json, text, category_names, loaded.model, error);
	cli_model_release(&loaded);
	return profile;
}

struct mlops_table_profile *cli_reference_read(const char *text, const struct mlops_read_options *options,
					       const struct mlops_select_options *select,
					       struct mlops_pool *pool, struct mlops_error *error)
{
	size_t length = strlen(text);
	bool is_model = length > 5 && strcmp(text + length - 5, ".onnx") == 0;

	if (!is_model && (strcmp(text, "-") == 0 || access(text, F_OK) == 0))
		return read_rows(text, options, select, pool, error);
	return read_model(text, error);
}
