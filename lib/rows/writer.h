/*
 * Rows out: JSON Lines or CSV, the same fields in every row.
 *
 *	struct mlops_writer *writer = mlops_writer_new(MLOPS_WRITE_JSONL, sink, context, &error);
 *	mlops_writer_add_field(writer, "timestamp", NULL, &error);        // once a field, in order
 *	...
 *	mlops_writer_put_cell(writer, cell);                               // a row: one put a field, in order
 *	mlops_writer_put_unit(writer, 0.61f);
 *	mlops_writer_end_row(writer, &error);                              // hands a full buffer on
 *	mlops_writer_flush(writer, &error);                                // before waiting, and at the end
 *
 * CSV begins with a header line (also when there are no rows, on the first flush) and quotes as RFC 4180 says; missing
 * values are empty there and null in JSON.
 */
#ifndef MLOPS_ROWS_WRITER_H
#define MLOPS_ROWS_WRITER_H

#include "rows/chunk.h"

enum mlops_write_format { MLOPS_WRITE_JSONL, MLOPS_WRITE_CSV };

/* Takes bytes; false with an error stops everything. */
typedef bool mlops_sink(void *context, const void *bytes, size_t length, struct mlops_error *error);

struct mlops_writer;

struct mlops_writer *mlops_writer_new(enum mlops_write_format format, mlops_sink *sink, void *context,
				      struct mlops_error *error);
void mlops_writer_free(struct mlops_writer *writer);

/* group: fields that follow each other with the same group are members of one JSON object of that name; in CSV the
 * column is called GROUP_NAME.  NULL: none. */
bool mlops_writer_add_field(struct mlops_writer *writer, const char *name, const char *group, struct mlops_error *error);

void mlops_writer_put_cell(struct mlops_writer *writer, struct mlops_cell cell); /* numbers stay as they were written */
void mlops_writer_put_string(struct mlops_writer *writer, const char *string);
void mlops_writer_put_unit(struct mlops_writer *writer, float value);            /* in [0, 1]; 7 decimals at most */
void mlops_writer_put_bool(struct mlops_writer *writer, bool value);

bool mlops_writer_end_row(struct mlops_writer *writer, struct mlops_error *error);
bool mlops_writer_flush(struct mlops_writer *writer, struct mlops_error *error);

#endif
