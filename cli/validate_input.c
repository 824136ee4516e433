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
		.select = select, .profile = true, .checks = none, .n_checks = 1, .pool = pool
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

/* Everything that the source has. */
static bool keep_all(struct mlops_source *source, struct mlops_buffer *bytes, struct mlops_error *error)
{
	size_t got = 1;

	while (got > 0) {
		char *to = mlops_buffer_reserve(bytes, 1 << 16);

		if (to == NULL)
			return mlops_error_set_memory(error);
		if (!mlops_source_read(source, to, 1 << 16, &got, error))
			return false;
		bytes->length += got;
	}
	return true;
}

static bool is_valid(const struct cli_valid_rows *rows, struct mlops_source *source, const char **reason,
		     struct mlops_error *error)
{
	struct mlops_select_options select = *rows->select;
	struct mlops_validate_request request = {
		.select = &select,
		.min_rows = rows->min_rows,
		.pool = rows->options->pool,
		.schema = cli_schema_read(rows->schema, error),
	};
	struct mlops_validation *validation = NULL;
	bool ok = false;

	if (request.schema == NULL)
		return false;
	request.reader = mlops_reader_open(source, rows->options, error);
	if (request.reader == NULL) {
		mlops_schema_free(request.schema);
		return false;
	}
	validation = mlops_flow_validate(&request, error);
	if (validation != NULL)
		ok = mlops_validation_verdict(validation, mlops_source_name(source), reason, error);
	mlops_validation_free(validation);
	mlops_reader_free(request.reader);
	return ok;
}

struct mlops_source *cli_valid_rows_open(const struct cli_valid_rows *rows, const char *path,
					 struct mlops_buffer *bytes, const char **reason,
					 struct mlops_error *error)
{
	struct mlops_source *source = mlops_source_open(path, error);
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	bool again = false;
	bool ok;

	if (source == NULL || rows->schema == NULL)
		return source;
	/* A file is read twice; what comes through a pipe has to be kept. */
	again = mlops_source_is_file(source) && strcmp(path, "-") != 0;
	if (!again) {
		ok = keep_all(source, bytes, error);
		mlops_source_free(source);
		source = ok ? mlops_source_from_memory(bytes->data, bytes->length, name, error) : NULL;
	}
	ok = source != NULL && is_valid(rows, source, reason, error);
	mlops_source_free(source);
	if (!ok)
		return NULL;
	return again ? mlops_source_open(path, error)
		     : mlops_source_from_memory(bytes->data, bytes->length, name, error);
}
