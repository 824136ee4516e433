/*
 * The rows of an input by their verdict into two files, byte for byte as they came, while they are validated.
 *
 *	struct mlops_row_files *files = mlops_row_files_new(&options, &error);
 *	mlops_source_tee(source, mlops_row_files_copy, files);         // before the reader is opened
 *	request.rows = mlops_row_files_rows; request.rows_context = files;
 *	... mlops_flow_validate ...
 *	ok = mlops_row_files_finish(files, &error);                    // the files appear
 *	mlops_row_files_free(files);                                   // unfinished: there are none
 *
 * A header goes into both.  Rows that the reader left out are bad ones; empty lines are dropped.  Memory
 * holds what was read and not yet judged: some ten thousand rows.  CSV and JSON Lines can be split; one array
 * of objects can't (MLOPS_DATA).
 */
#ifndef MLOPS_ROWS_ROW_FILES_H
#define MLOPS_ROWS_ROW_FILES_H

#include "rows/reader.h"

struct mlops_row_files_options {
	const char *good, *bad; /* paths; NULL: none */
	const char *source;     /* of the rows, for messages */
	char delimiter;         /* 0: found from the header */
};

struct mlops_row_files;

struct mlops_row_files *mlops_row_files_new(const struct mlops_row_files_options *options,
					    struct mlops_error *error);
void mlops_row_files_free(struct mlops_row_files *files);

/* A mlops_source_copy and a mlops_validate_rows. */
void mlops_row_files_copy(void *files, const void *bytes, size_t length);
bool mlops_row_files_rows(void *files, uint64_t first_row, const uint64_t *lines, const bool *valid, size_t n,
			  struct mlops_error *error);

bool mlops_row_files_finish(struct mlops_row_files *files, struct mlops_error *error);

#endif
