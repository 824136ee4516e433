/*
 * Rows for checks that look at columns: MLOPS_BATCH_ROWS of them at a time, however the reader cuts its
 * chunks, so that what is found does not depend on the number of threads.
 *
 *	struct mlops_rows_batch *batch = mlops_rows_batch_new(&layout, &error);
 *	while (mlops_rows_batch_next(batch, reader, &error) && batch->rows > 0)
 *		...
 *	mlops_rows_batch_free(batch);
 *
 * Rows of one sensor lie in a segment of `order`; without an id column all rows are one segment and order is
 * NULL.
 */
#ifndef MLOPS_FLOW_ROWS_BATCH_H
#define MLOPS_FLOW_ROWS_BATCH_H

#include "rows/dictionary.h"
#include "rows/reader.h"

#define MLOPS_BATCH_ROWS 8192
#define MLOPS_NO_SERIES UINT32_MAX

struct mlops_batch_texts {
	struct mlops_buffer bytes;
	uint32_t *starts; /* [rows + 1] */
	uint8_t *present; /* [rows] */
};

struct mlops_batch_segment {
	uint32_t series;
	uint32_t begin, end; /* in order */
};

/* Which columns are bound: the values, in this order, then time and id. */
struct mlops_batch_layout {
	const size_t *columns; /* [n] of the reader */
	const bool *is_text;   /* [n] */
	size_t n;
	size_t time, id;    /* of the reader, or MLOPS_NO_COLUMN */
	size_t most_series; /* rows of further sensors are in no segment */
};

struct mlops_rows_batch {
	size_t rows;
	uint64_t first_row;              /* 0, 8192, … */
	float **numbers;                 /* [n] each [MLOPS_BATCH_ROWS], NULL for a text */
	struct mlops_batch_texts *texts; /* [n] */
	int64_t *times;                  /* NULL without a time column */
	double *seconds;                 /* since the first time of all; NaN where missing */
	uint64_t *lines;
	uint8_t *marks;   /* MLOPS_MARK_… */
	uint32_t *order;  /* rows by sensor */
	uint32_t *series; /* [rows] each row's sensor */
	struct mlops_batch_segment *segments;
	size_t n_segments;
	struct mlops_dictionary *sensors; /* names of the sensors */
	/* its own */
	struct mlops_batch_layout layout;
	enum mlops_column_type *types;
	struct mlops_chunk *chunk;
	size_t taken; /* rows of the chunk that were used */
	int64_t epoch;
	uint32_t *counts; /* [most_series + 1] */
	uint32_t *places; /* [most_series] */
};

/* Binds the reader.  layout's arrays must live as long. */
struct mlops_rows_batch *mlops_rows_batch_new(const struct mlops_batch_layout *layout,
					      struct mlops_reader *reader, struct mlops_error *error);
void mlops_rows_batch_free(struct mlops_rows_batch *batch);
bool mlops_rows_batch_next(struct mlops_rows_batch *batch, struct mlops_reader *reader,
			   struct mlops_error *error);

#endif
