#include "cli/rows_open.h"

#include "cli/secret.h"
#include "rows/postgres.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool cli_input_is_database(const struct cli_rows *rows)
{
	return rows->table != NULL || rows->query != NULL;
}

/* What --database-url-file has, or the secret DATABASE_URL; none leaves url empty. */
static bool find_url(const struct cli_rows *rows, char url[CLI_SECRET_ROOM], struct mlops_error *error)
{
	bool found;

	url[0] = '\0';
	if (rows->database_url_file != NULL)
		return cli_secret_read(rows->database_url_file, url, error);
	if (!cli_secret("DATABASE_URL", url, &found, error))
		return false;
	if (!found)
		url[0] = '\0';
	return true;
}

static bool describe(const struct cli_rows *rows, const char *path, char url[CLI_SECRET_ROOM],
		     struct mlops_postgres_options *database, struct mlops_error *error)
{
	if (strcmp(path, "-") != 0)
		return mlops_error_set(error, MLOPS_USAGE, "rows come from %s or from a database, not both",
				       path);
	if (!find_url(rows, url, error))
		return false;
	*database = (struct mlops_postgres_options){
		.url = url[0] != '\0' ? url : NULL,
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
	char url[CLI_SECRET_ROOM];
	struct mlops_postgres_options database;

	if (!cli_input_is_database(rows))
		return cli_input_open_file(path, input, error);
	if (describe(rows, path, url, &database, error)) {
		if (input->session == NULL)
			input->session = mlops_postgres_session_new(&database, error);
		if (input->session != NULL)
			input->reader = mlops_postgres_open(input->session, &database, &input->options, error);
	}
	explicit_bzero(url, sizeof url);
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

void cli_input_end(struct cli_input *input)
{
	mlops_reader_free(input->reader);
	mlops_source_free(input->source);
	input->reader = NULL;
	input->source = NULL;
}

void cli_input_close(struct cli_input *input)
{
	cli_input_end(input);
	mlops_postgres_session_free(input->session);
	input->session = NULL;
}

bool cli_input_name(const struct cli_rows *rows, const char *path, struct mlops_buffer *name,
		    struct mlops_error *error)
{
	char url[CLI_SECRET_ROOM];
	struct mlops_postgres_options database;
	bool ok = true;

	if (cli_input_is_database(rows))
		ok = describe(rows, path, url, &database, error) &&
		     mlops_postgres_name(&database, name, error);
	else
		mlops_buffer_append_string(name, strcmp(path, "-") == 0 ? "standard input" : path);
	(void)mlops_buffer_string(name);
	explicit_bzero(url, sizeof url);
	return ok && (!name->failed || mlops_error_set_memory(error));
}
