/*
 * Rows out: JSON Lines or CSV, the same fields in every row.
 *
 *	struct mlops_writer *writer = mlops_writer_new(MLOPS_WRITE_JSONL, &error);
 *	mlops_writer_add_field(writer, "timestamp", NULL, &error);        // once a field, in order
 *	...
 *	mlops_writer_begin(writer, &out, &error);                          // the header, where there is one
 *	mlops_row_begin(&row, writer, &out);                               // a row: one put a field, in order
 *	mlops_row_put_cell(&row, cell);
 *	mlops_row_put_unit(&row, 0.61f);
 *	mlops_row_end(&row);
 *	if (out.failed) ...                                                // memory ran out; looked at once
 *
 * A writer that has begun does not change: threads may write rows with it at once, each into a buffer of its
 * own.  CSV begins with a header line (also when there are no rows) and quotes as RFC 4180 says; missing values
 * are empty there and null in JSON.
 */
#ifndef MLOPS_ROWS_WRITER_H
#define MLOPS_ROWS_WRITER_H

#include "rows/chunk.h"

enum mlops_write_format { MLOPS_WRITE_JSONL, MLOPS_WRITE_CSV };

struct mlops_writer;
struct mlops_writer_field;

/* A row while it is written; nothing in it is the caller's. */
struct mlops_row {
	const struct mlops_writer *writer;
	const struct mlops_writer_field *field; /* the next one */
	struct mlops_buffer *out;
	char *at;                               /* in out; NULL when memory ran out */
};

struct mlops_writer *mlops_writer_new(enum mlops_write_format format, struct mlops_error *error);
void mlops_writer_free(struct mlops_writer *writer);

/* group: fields that follow each other with the same group are members of one JSON object of that name; in
 * CSV the column is called GROUP_NAME.  NULL: none. */
bool mlops_writer_add_field(struct mlops_writer *writer, const char *name, const char *group,
			    struct mlops_error *error);

/* Behind the last field and ahead of the first row, once. */
bool mlops_writer_begin(struct mlops_writer *writer, struct mlops_buffer *out, struct mlops_error *error);

/* Until mlops_row_end, out belongs to the row. */
void mlops_row_begin(struct mlops_row *row, const struct mlops_writer *writer, struct mlops_buffer *out);
/* Numbers stay as they were written. */
void mlops_row_put_cell(struct mlops_row *row, struct mlops_cell cell);
void mlops_row_put_string(struct mlops_row *row, const char *string);
/* A text that is JSON already; in CSV it is quoted. */
void mlops_row_put_json(struct mlops_row *row, const char *bytes, size_t length);
/* value in [0, 1]; 7 decimals at most. */
void mlops_row_put_unit(struct mlops_row *row, float value);
void mlops_row_put_bool(struct mlops_row *row, bool value);
void mlops_row_end(struct mlops_row *row);

#endif
