/*
 * Opening what the options about rows describe: a file, standard input, or PostgreSQL, with the secret that
 * it takes.
 *
 *	struct cli_input input = { .options = cli_read_options(&settings->rows) };
 *	input.options.pool = ...;
 *	if (cli_input_open(&settings->rows, path, &input, &error))
 *		... input.reader ...
 *	cli_input_close(&input);
 */
#ifndef CLI_ROWS_OPEN_H
#define CLI_ROWS_OPEN_H

#include "cli/rows_options.h"

struct cli_input {
	struct mlops_read_options options;
	struct mlops_source *source; /* NULL: a database */
	struct mlops_reader *reader;
	struct mlops_postgres_session *session; /* of a database, which is read once more in the same session */
};

/* path: "-" is standard input, or nothing where rows say that they come from a database; with a path besides
 * that, and with options for a database that is not read, MLOPS_USAGE. */
bool cli_input_open(const struct cli_rows *rows, const char *path, struct cli_input *input,
		    struct mlops_error *error);

/* A file whatever rows say, as --test is. */
bool cli_input_open_file(const char *path, struct cli_input *input, struct mlops_error *error);

/* What was read from path before; bytes must outlive input. */
bool cli_input_open_memory(const struct mlops_buffer *bytes, const char *path, struct cli_input *input,
			   struct mlops_error *error);

/* Ends a reading, so that the same may be opened again: a database as it was the first time. */
void cli_input_end(struct cli_input *input);

/* After a failure, too. */
void cli_input_close(struct cli_input *input);

/* Do rows come from a database? */
bool cli_input_is_database(const struct cli_rows *rows);

/* What the ledger says of where rows came from, appended to name: the path, "standard input", or table and
 * database. */
bool cli_input_name(const struct cli_rows *rows, const char *path, struct mlops_buffer *name,
		    struct mlops_error *error);

#endif
