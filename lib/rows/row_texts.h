/*
 * A reader around a reader: the rows that it hands out go by their verdict into two CSV files, where the input has no
 * text that could be copied (rows/row_files.h), as a database's or the samples that a pivot makes rows of.
 *
 *	reader = mlops_row_texts_open(reader, &options, &error);
 *	request.reader = reader; request.rows = mlops_row_texts_rows; request.rows_context = reader;
 *	... mlops_flow_validate ...
 *	ok = mlops_row_texts_finish(reader, &error);                   // the files appear
 *	mlops_reader_free(reader);                                     // unfinished: there are none
 *
 * Both files have a header and all columns, each value as the reader gives its text; what is missing is empty.  Rows that
 * the reader leaves out (MLOPS_ON_ERROR_SKIP) are in neither.  Memory holds the rows that are read and not yet judged.
 */
#ifndef MLOPS_ROWS_ROW_TEXTS_H
#define MLOPS_ROWS_ROW_TEXTS_H

#include "rows/row_files.h"

/* Of options the paths count.  reader becomes part of the result; on failure it is freed. */
struct mlops_reader *mlops_row_texts_open(struct mlops_reader *reader, const struct mlops_row_files_options *options,
					  struct mlops_error *error);

/* A mlops_validate_rows: a verdict for each row, in the order in which they were handed out. */
bool mlops_row_texts_rows(void *reader, uint64_t first_row, const uint64_t *lines, const bool *valid, size_t n,
			  struct mlops_error *error);

bool mlops_row_texts_finish(struct mlops_reader *reader, struct mlops_error *error);

#endif
