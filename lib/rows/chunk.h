/*
 * A chunk: a few thousand rows of a table, column by column.  Everything that moves rows moves chunks.
 *
 * A number column holds float32; NaN marks a missing value, and infinities never occur.  A text column holds each cell's
 * bytes as they stood in the source (unquoted, UTF-8 or not); a missing cell has length 0 and `present` false.  A time
 * column holds microseconds since 1970 (base/time.h), MLOPS_TIME_MISSING where missing.
 *
 * marks says of each row what was wrong with it where the reader went on all the same (MLOPS_ON_ERROR_NULL).
 *
 * A chunk is made for a fixed list of column types and filled again and again by a reader; its memory does not
 * grow with the number of chunks.  The caller owns it.
 */
#ifndef MLOPS_ROWS_CHUNK_H
#define MLOPS_ROWS_CHUNK_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_CHUNK_ROWS 4096 /* the most rows a chunk holds */

/* What a mark says; several may be set. */
#define MLOPS_MARK_PARSE 1      /* a cell is not a number, or not a time */
#define MLOPS_MARK_NOT_FINITE 2 /* a number is infinite, or too large for float32 */
#define MLOPS_MARK_RAGGED 4     /* too few or too many fields */

enum mlops_column_type { MLOPS_COLUMN_NUMBER, MLOPS_COLUMN_TEXT, MLOPS_COLUMN_TIME };

/* A text column's cell; its bytes stay valid until the chunk is filled again. */
struct mlops_cell {
	const char *bytes;
	size_t length;
	bool present;   /* false: missing */
	bool is_number; /* the source wrote it bare and it is a number as JSON has it: 1.50, not "1.50" */
};

struct mlops_column {
	enum mlops_column_type type;
	float *numbers;               /* NUMBER: [MLOPS_CHUNK_ROWS] */
	int64_t *times;               /* TIME: [MLOPS_CHUNK_ROWS] */
	struct mlops_buffer bytes;    /* TEXT: the cells' bytes one behind the other */
	uint32_t *starts;             /* TEXT: [MLOPS_CHUNK_ROWS + 1] offsets into bytes */
	uint8_t *flags;               /* TEXT: [MLOPS_CHUNK_ROWS] bit 0 present, bit 1 is_number */
};

struct mlops_chunk {
	size_t rows;
	size_t n_columns;
	struct mlops_column *columns; /* [n_columns] */
	uint64_t *lines;              /* [MLOPS_CHUNK_ROWS] each row's line in its source, 1-based */
	uint8_t *marks;               /* [MLOPS_CHUNK_ROWS] MLOPS_MARK_… of each row */
};

struct mlops_chunk *mlops_chunk_new(const enum mlops_column_type *types, size_t n_columns, struct mlops_error *error);
void mlops_chunk_free(struct mlops_chunk *chunk);

/* rows = 0, every text column emptied, no row marked. */
void mlops_chunk_clear(struct mlops_chunk *chunk);

/* Sets the text cell of row chunk->rows (cells of a column come in row order); false when memory ran out. */
bool mlops_chunk_put_text(struct mlops_chunk *chunk, size_t column, const char *bytes, size_t length, bool present,
			  bool is_number);

/* Leaves only the rows whose keep[] is true, in their order. */
void mlops_chunk_keep_rows(struct mlops_chunk *chunk, const bool *keep);

struct mlops_cell mlops_chunk_cell(const struct mlops_chunk *chunk, size_t column, size_t row);

#endif
