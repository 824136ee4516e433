/* The CSV reader's inside: its opening (csv_open.c), its reading (csv.c), that of one row (csv_put.c), of many
 * (csv_batch.c) and by several threads (csv_parts.c). */
#ifndef MLOPS_ROWS_CSV_H
#define MLOPS_ROWS_CSV_H

#include "base/buffer.h"
#include "base/thread.h"
#include "rows/csv_input.h"
#include "rows/reader.h"

/* Where the fields of many rows end. */
struct mlops_csv_batch {
	uint32_t *ends;     /* [tile + 9]; ends[0] stands for the end of a row ahead of the first */
	uint32_t *row_ends; /* [tile] */
	size_t tile;        /* bytes looked at in one go */
};

struct mlops_csv_reader {
	struct mlops_reader base;
	const struct mlops_read_options *options;
	struct mlops_csv_input input;
	char decimal;
	size_t n_fields;             /* of each row */
	size_t *fields;              /* [base.n_columns] each column's field */
	struct mlops_binding *bound; /* [n_bound] */
	size_t n_bound;
	bool only_numbers;           /* all that is bound */
	struct mlops_csv_batch batch;
	struct mlops_csv_parts *parts; /* NULL: all is read by the calling thread */
	float *na_values;            /* [n_na_values] */
	size_t n_na_values;
	struct mlops_buffer scratch; /* a cell without its doubled quotes */
	struct mlops_error failed;   /* comes after the rows ahead of it have been handed out */
};

extern const struct mlops_reader_ops mlops_csv_ops;

/* A field's bytes, with "" made "; in scratch where need be, else in record.  NULL when memory ran out. */
const char *mlops_csv_text(const char *record, const struct mlops_csv_field *field,
			   struct mlops_buffer *scratch, size_t *length);

enum mlops_csv_verdict { MLOPS_CSV_KEEP, MLOPS_CSV_LEAVE_OUT, MLOPS_CSV_FAIL };

/* The cell of row chunk->rows, which begins in line input.line, from a field of input.bytes; bad ones are
 * counted and judged.  MLOPS_CSV_FAIL: csv->failed says why. */
enum mlops_csv_verdict mlops_csv_put_cell(struct mlops_csv_reader *csv, struct mlops_chunk *chunk,
					  size_t slot, const struct mlops_csv_field *field);

/* The record of csv->input as row chunk->rows, which the caller then counts. */
enum mlops_csv_verdict mlops_csv_put_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk);

bool mlops_csv_batch_init(struct mlops_csv_batch *batch, struct mlops_error *error);
void mlops_csv_batch_release(struct mlops_csv_batch *batch);

/* Rows that are complete in the buffer, until the chunk has limit of them or csv->failed is set.  False where
 * there are none, or the next one must be looked at by itself. */
bool mlops_csv_put_batch(struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t limit);

/* How many of bytes[0..length), which begin with a record, are complete rows, as far as a batch goes. */
size_t mlops_csv_cut_rows(struct mlops_csv_reader *csv, const char *bytes, size_t length);

/* Adds rows until the chunk has limit of them, the input ends or would make an interactive reader wait, or
 * csv->failed is set. */
void mlops_csv_fill(struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t limit);

/*
 * Reading by the threads of options->pool: the buffer is cut at ends of records into parts, each task fills a
 * chunk from one of them, and the chunks are handed out in the order of the input.  Rows, their lines, the
 * counts and the error are those of one thread; which rows come in one chunk may be different.
 */
bool mlops_csv_parts_new(struct mlops_csv_reader *csv, struct mlops_error *error);
void mlops_csv_parts_free(struct mlops_csv_parts *parts);

/* Fills chunk, or sets csv->failed.  False where nothing can be cut: a record longer than a part, the end. */
bool mlops_csv_parts_next(struct mlops_csv_reader *csv, struct mlops_chunk *chunk);

#endif
