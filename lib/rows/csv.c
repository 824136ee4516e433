#include "rows/csv.h"

#include <stdlib.h>
#include <string.h>

static struct mlops_csv_reader *of(struct mlops_reader *reader)
{
	return (struct mlops_csv_reader *)reader;
}

static bool csv_bind(struct mlops_reader *reader, const struct mlops_binding *bindings, size_t n,
		     struct mlops_error *error)
{
	struct mlops_csv_reader *csv = of(reader);

	if (csv->bound != NULL)
		return mlops_error_set(error, MLOPS_BUG, "a reader's columns are bound twice");
	for (size_t i = 0; i < n; i++)
		if (bindings[i].column >= reader->n_columns)
			return mlops_error_set(error, MLOPS_BUG, "column %zu of %zu is bound",
					       bindings[i].column, reader->n_columns);
	csv->bound = calloc(n > 0 ? n : 1, sizeof *csv->bound);
	if (csv->bound == NULL)
		return mlops_error_set_memory(error);
	if (n > 0)
		memcpy(csv->bound, bindings, n * sizeof *csv->bound);
	csv->n_bound = n;
	csv->only_numbers = true;
	for (size_t i = 0; i < n; i++)
		csv->only_numbers = csv->only_numbers && bindings[i].type == MLOPS_COLUMN_NUMBER;
	return mlops_csv_batch_init(&csv->batch, error) && mlops_csv_parts_new(csv, error);
}

/* False when there are no more rows for this chunk: it is full, the input has ended, or failed says why. */
static bool put_next_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	switch (mlops_csv_input_step(&csv->input, &csv->failed)) {
	case MLOPS_CSV_RECORD:
		switch (mlops_csv_put_row(csv, chunk)) {
		case MLOPS_CSV_KEEP:
			chunk->rows++;
			return true;
		case MLOPS_CSV_LEAVE_OUT:
			return true;
		case MLOPS_CSV_FAIL:
			return false;
		}
		return false;
	case MLOPS_CSV_MORE:
		if (csv->options->interactive && chunk->rows > 0 && !mlops_source_ready(csv->input.source))
			return false;
		return mlops_csv_input_fill(&csv->input, &csv->failed);
	case MLOPS_CSV_END:
	case MLOPS_CSV_FAILED:
		break;
	}
	return false;
}

/* A row by itself is not worth a batch; nor can one begin within a record that was looked at already. */
static bool put_batch(struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t limit)
{
	return limit > 1 && !csv->input.begun && mlops_csv_put_batch(csv, chunk, limit);
}

void mlops_csv_fill(struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t limit)
{
	while (csv->failed.code == MLOPS_OK && chunk->rows < limit &&
	       (put_batch(csv, chunk, limit) || put_next_row(csv, chunk)))
		;
}

static bool csv_next(struct mlops_reader *reader, struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct mlops_csv_reader *csv = of(reader);
	size_t limit = csv->options->one_row ? 1 : MLOPS_CHUNK_ROWS;

	mlops_chunk_clear(chunk);
	if (csv->bound == NULL || chunk->n_columns != csv->n_bound)
		return mlops_error_set(error, MLOPS_BUG, "a chunk of %zu columns for a reader with %zu bound",
				       chunk->n_columns, csv->n_bound);
	if (csv->failed.code == MLOPS_OK && (csv->parts == NULL || !mlops_csv_parts_next(csv, chunk)))
		mlops_csv_fill(csv, chunk, limit);
	reader->counts.rows += chunk->rows;
	if (chunk->rows > 0 || csv->failed.code == MLOPS_OK)
		return true;
	if (error != NULL && error->code == MLOPS_OK)
		*error = csv->failed;
	return false;
}

static void csv_free(struct mlops_reader *reader)
{
	struct mlops_csv_reader *csv = of(reader);

	/* first, because threads may still read with all the rest */
	mlops_csv_parts_free(csv->parts);
	for (size_t i = 0; i < reader->n_columns; i++)
		free(reader->columns[i].name);
	free(reader->columns);
	mlops_csv_input_release(&csv->input);
	free(csv->input.record.fields);
	free(csv->fields);
	free(csv->bound);
	free(csv->na_values);
	mlops_csv_batch_release(&csv->batch);
	mlops_buffer_release(&csv->scratch);
	free(csv);
}

const struct mlops_reader_ops mlops_csv_ops = { csv_bind, csv_next, csv_free };
