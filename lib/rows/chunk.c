#include "rows/chunk.h"

#include <stdlib.h>
#include <string.h>

#define FLAG_PRESENT 1
#define FLAG_NUMBER 2

static bool column_init(struct mlops_column *column, enum mlops_column_type type)
{
	column->type = type;
	switch (type) {
	case MLOPS_COLUMN_NUMBER:
		column->numbers = malloc(MLOPS_CHUNK_ROWS * sizeof *column->numbers);
		return column->numbers != NULL;
	case MLOPS_COLUMN_TIME:
		column->times = malloc(MLOPS_CHUNK_ROWS * sizeof *column->times);
		return column->times != NULL;
	case MLOPS_COLUMN_TEXT:
		column->starts = calloc(MLOPS_CHUNK_ROWS + 1, sizeof *column->starts);
		column->flags = malloc(MLOPS_CHUNK_ROWS * sizeof *column->flags);
		return column->starts != NULL && column->flags != NULL;
	}
	return false;
}

struct mlops_chunk *mlops_chunk_new(const enum mlops_column_type *types, size_t n_columns,
				    struct mlops_error *error)
{
	struct mlops_chunk *chunk = calloc(1, sizeof *chunk);

	if (chunk == NULL)
		goto memory;
	chunk->lines = malloc(MLOPS_CHUNK_ROWS * sizeof *chunk->lines);
	chunk->marks = calloc(MLOPS_CHUNK_ROWS, sizeof *chunk->marks);
	chunk->columns = calloc(n_columns > 0 ? n_columns : 1, sizeof *chunk->columns);
	if (chunk->lines == NULL || chunk->marks == NULL || chunk->columns == NULL)
		goto memory;
	chunk->n_columns = n_columns;
	for (size_t i = 0; i < n_columns; i++)
		if (!column_init(&chunk->columns[i], types[i]))
			goto memory;
	return chunk;

memory:
	mlops_chunk_free(chunk);
	mlops_error_set_memory(error);
	return NULL;
}

void mlops_chunk_free(struct mlops_chunk *chunk)
{
	if (chunk == NULL)
		return;
	for (size_t i = 0; i < chunk->n_columns; i++) {
		struct mlops_column *column = &chunk->columns[i];

		free(column->numbers);
		free(column->times);
		free(column->starts);
		free(column->flags);
		mlops_buffer_release(&column->bytes);
	}
	free(chunk->columns);
	free(chunk->lines);
	free(chunk->marks);
	free(chunk);
}

void mlops_chunk_clear(struct mlops_chunk *chunk)
{
	chunk->rows = 0;
	memset(chunk->marks, 0, MLOPS_CHUNK_ROWS);
	for (size_t i = 0; i < chunk->n_columns; i++)
		mlops_buffer_clear(&chunk->columns[i].bytes);
}

bool mlops_chunk_put_text(struct mlops_chunk *chunk, size_t column, const char *bytes, size_t length,
			  bool present, bool is_number)
{
	struct mlops_column *text = &chunk->columns[column];
	size_t row = chunk->rows;

	/* A row that was begun and given up left bytes behind. */
	text->bytes.length = text->starts[row];
	if (present && length > 0) {
		if (length > UINT32_MAX - text->bytes.length)
			return false;
		mlops_buffer_append(&text->bytes, bytes, length);
		if (text->bytes.failed)
			return false;
	}
	text->starts[row + 1] = (uint32_t)text->bytes.length;
	text->flags[row] = (uint8_t)((present ? FLAG_PRESENT : 0) | (is_number ? FLAG_NUMBER : 0));
	return true;
}

/* Cells move to the front only, so that none is overwritten before it has moved. */
static void keep_texts(struct mlops_column *text, const bool *keep, size_t rows)
{
	size_t at = 0, kept = 0;

	for (size_t row = 0; row < rows; row++) {
		size_t start = text->starts[row];
		size_t length = text->starts[row + 1] - start;

		if (!keep[row])
			continue;
		if (length > 0)
			memmove(text->bytes.data + at, text->bytes.data + start, length);
		text->flags[kept] = text->flags[row];
		text->starts[kept++] = (uint32_t)at;
		at += length;
	}
	text->starts[kept] = (uint32_t)at;
	text->bytes.length = at;
}

void mlops_chunk_keep_rows(struct mlops_chunk *chunk, const bool *keep)
{
	size_t kept = 0;

	for (size_t i = 0; i < chunk->n_columns; i++)
		if (chunk->columns[i].type == MLOPS_COLUMN_TEXT)
			keep_texts(&chunk->columns[i], keep, chunk->rows);
	for (size_t row = 0; row < chunk->rows; row++) {
		if (!keep[row])
			continue;
		for (size_t i = 0; i < chunk->n_columns; i++) {
			if (chunk->columns[i].type == MLOPS_COLUMN_NUMBER)
				chunk->columns[i].numbers[kept] = chunk->columns[i].numbers[row];
			else if (chunk->columns[i].type == MLOPS_COLUMN_TIME)
				chunk->columns[i].times[kept] = chunk->columns[i].times[row];
		}
		chunk->marks[kept] = chunk->marks[row];
		chunk->lines[kept++] = chunk->lines[row];
	}
	chunk->rows = kept;
}

struct mlops_cell mlops_chunk_cell(const struct mlops_chunk *chunk, size_t column, size_t row)
{
	const struct mlops_column *text = &chunk->columns[column];
	size_t start = text->starts[row];
	size_t length = text->starts[row + 1] - start;

	return (struct mlops_cell){
		.bytes = length > 0 ? text->bytes.data + start : "",
		.length = length,
		.present = (text->flags[row] & FLAG_PRESENT) != 0,
		.is_number = (text->flags[row] & FLAG_NUMBER) != 0,
	};
}
