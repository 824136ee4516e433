#include "cli/rows_open.h"

#include "base/file.h"
#include "rows/postgres.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_URL 65536

bool cli_input_is_database(const struct cli_rows *rows)
{
	return rows->table != NULL || rows->query != NULL;
}

/* The first line of --database-url-file, or $DATABASE_URL; none leaves url empty. */
static bool find_url(const struct cli_rows *rows, struct mlops_buffer *url, struct mlops_error *error)
{
	const char *variable = getenv("DATABASE_URL");

	if (rows->database_url_file != NULL) {
		if (!mlops_file_read(rows->database_url_file, LONGEST_URL, url, error))
			return false;
		while (url->length > 0 && strchr(" \t\r\n", url->data[url->length - 1]) != NULL)
			url->length--;
		if (url->length == 0 || memchr(url->data, '\n', url->length) != NULL ||
		    memchr(url->data, '\0', url->length) != NULL)
			return mlops_error_set(error, MLOPS_CONFIG, "%s: not one line with a database's URL",
					       rows->database_url_file);
	} else if (variable != NULL) {
		mlops_buffer_append_string(url, variable);
	}
	(void)mlops_buffer_string(url);
	return !url->failed || mlops_error_set_memory(error);
}

static bool describe(const struct cli_rows *rows, const char *path, struct mlops_buffer *url,
		     struct mlops_postgres_options *database, struct mlops_error *error)
{
	if (strcmp(path, "-") != 0)
		return mlops_error_set(error, MLOPS_USAGE, "rows come from %s or from a database, not both",
				       path);
	if (!find_url(rows, url, error))
		return false;
	*database = (struct mlops_postgres_options){
		.url = url->length > 0 ? url->data : NULL,
		.table = rows->table,
		.query = rows->query,
		.connect_timeout = rows->connect_timeout_us,
		.statement_timeout = rows->statement_timeout_us,
		.program = program_invocation_short_name,
	};
	return true;
}

bool cli_input_open_file(const char *path, struct cli_input *input, struct mlops_error *error)
{
	input->source = mlops_source_open(path, error);
	if (input->source != NULL)
		input->reader = mlops_reader_open(input->source, &input->options, error);
	return input->reader != NULL;
}

bool cli_input_open(const struct cli_rows *rows, const char *path, struct cli_input *input,
		    struct mlops_error *error)
{
	struct mlops_buffer url = MLOPS_BUFFER_INIT;
	struct mlops_postgres_options database;

	if (!cli_input_is_database(rows))
		return cli_input_open_file(path, input, error);
	if (describe(rows, path, &url, &database, error))
		input->reader = mlops_postgres_open(&database, &input->options, error);
	if (url.data != NULL)
		explicit_bzero(url.data, url.length);
	mlops_buffer_release(&url);
	return input->reader != NULL;
}

bool cli_input_open_memory(const struct mlops_buffer *bytes, const char *path, struct cli_input *input,
			   struct mlops_error *error)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;

	input->source = mlops_source_from_memory(bytes->data != NULL ? bytes->data : "", bytes->length, name, error);
	if (input->source != NULL)
		input->reader = mlops_reader_open(input->source, &input->options, error);
	return input->reader != NULL;
}

void cli_input_close(struct cli_input *input)
{
	if (input->reader != NULL)
		mlops_reader_free(input->reader);
	mlops_source_free(input->source);
	input->reader = NULL;
	input->source = NULL;
}

bool cli_input_name(const struct cli_rows *rows, const char *path, struct mlops_buffer *name,
		    struct mlops_error *error)
{
	struct mlops_buffer url = MLOPS_BUFFER_INIT;
	struct mlops_postgres_options database;
	bool ok = true;

	if (cli_input_is_database(rows))
		ok = describe(rows, path, &url, &database, error) &&
		     mlops_postgres_name(&database, name, error);
	else
		mlops_buffer_append_string(name, strcmp(path, "-") == 0 ? "standard input" : path);
	(void)mlops_buffer_string(name);
	if (url.data != NULL)
		explicit_bzero(url.data, url.length);
	mlops_buffer_release(&url);
	return ok && (!name->failed || mlops_error_set_memory(error));
}
