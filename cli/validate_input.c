#include "cli/validate_input.h"

#include "base/file.h"
#include "cli/model_file.h"
#include "rows/row_texts.h"

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

static bool is_valid(const struct cli_valid_rows *rows, const struct cli_input *input,
		     const char **reason, struct mlops_error *error)
{
	struct mlops_select_options select = *rows->select;
	struct mlops_validate_request request = {
		.select = &select,
		.min_rows = rows->min_rows,
		.schema = cli_schema_read(rows->schema, error),
		.reader = input->reader,
	};
	struct mlops_validation *validation = NULL;
	bool ok = false;

	if (request.schema == NULL)
		return false;
	/* While some rows are checked, others are read: a pool does one thing at a time. */
	request.pool = mlops_pool_new(mlops_pool_workers(input->options.pool), error);
	if (request.pool == NULL) {
		mlops_schema_free(request.schema);
		return false;
	}
	validation = mlops_flow_validate(&request, error);
	mlops_pool_free(request.pool);
	if (validation != NULL)
		ok = mlops_validation_verdict(validation, input->reader->name, reason, error);
	mlops_validation_free(validation);
	return ok;
}

bool cli_valid_rows_open(const struct cli_valid_rows *rows, const char *path, struct cli_input *input,
			 struct mlops_buffer *bytes, const char **reason, struct mlops_error *error)
{
	bool piped = !cli_input_is_database(rows->rows) && strcmp(path, "-") == 0;
	bool ok;

	if (rows->schema == NULL)
		return cli_input_open(rows->rows, path, input, error);
	if (!cli_input_is_database(rows->rows)) {
		input->source = mlops_source_open(path, error);
		if (input->source == NULL)
			return false;
		piped = piped || !mlops_source_is_file(input->source);
		/* A file is read twice; what comes through a pipe has to be kept. */
		if (piped && !keep_all(input->source, bytes, error))
			return false;
		cli_input_close(input);
	}
	for (int pass = 0; pass < 2; pass++) {
		ok = piped ? cli_input_open_memory(bytes, path, input, error) :
			     cli_input_open(rows->rows, path, input, error);
		if (!ok || pass == 1)
			return ok;
		if (!is_valid(rows, input, reason, error))
			return false;
		cli_input_end(input);
	}
	return false;
}

bool cli_row_files_open(struct cli_row_files *files, const struct cli_rows *rows, const char *path,
			struct cli_input *input, struct mlops_validate_request *request, struct mlops_error *error)
{
	struct mlops_row_files_options options = { .good = files->good, .bad = files->bad,
						   .delimiter = rows->delimiter };

	files->made = rows->layout != 0 || cli_input_is_database(rows);
	if (files->made) {
		if (!cli_input_open(rows, path, input, error))
			return false;
		input->reader = mlops_row_texts_open(input->reader, &options, error);
		request->rows = mlops_row_texts_rows;
		request->rows_context = input->reader;
		return input->reader != NULL;
	}
	input->source = mlops_source_open(path, error);
	if (input->source == NULL)
		return false;
	options.source = mlops_source_name(input->source);
	files->copied = mlops_row_files_new(&options, error);
	if (files->copied == NULL)
		return false;
	mlops_source_tee(input->source, mlops_row_files_copy, files->copied);
	request->rows = mlops_row_files_rows;
	request->rows_context = files->copied;
	input->reader = mlops_reader_open(input->source, &input->options, error);
	return input->reader != NULL;
}

bool cli_row_files_finish(struct cli_row_files *files, struct cli_input *input, struct mlops_error *error)
{
	if (files->made)
		return mlops_row_texts_finish(input->reader, error);
	return files->copied == NULL || mlops_row_files_finish(files->copied, error);
}
