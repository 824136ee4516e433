#include "rows/csv.h"

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "rows/cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *mlops_csv_text(const char *record, const struct mlops_csv_field *field,
			   struct mlops_buffer *scratch, size_t *length)
{
	const char *from = record + field->begin;
	const char *end = from + field->length;
	char *to;

	*length = field->length;
	if ((field->flags & MLOPS_CSV_ESCAPED) == 0)
		return from;
	mlops_buffer_clear(scratch);
	to = mlops_buffer_reserve(scratch, field->length);
	if (to == NULL)
		return NULL;
	*length = 0;
	while (from < end) {
		if (*from == '"' && end - from > 1 && from[1] == '"')
			from++;
		to[(*length)++] = *from++;
	}
	return to;
}

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
	return true;
}

enum verdict { KEEP, LEAVE_OUT, FAIL };

/* What becomes of a row that is not as it should be: kept only where its bad cells can be made missing. */
static enum verdict judge_row(struct mlops_csv_reader *csv)
{
	const struct mlops_csv_input *input = &csv->input;
	const struct mlops_csv_record *record = &input->record;
	const char *source = mlops_source_name(input->source);
	bool ragged = record->n_fields != csv->n_fields;
	char name[MLOPS_TEXT_QUOTED];

	switch (csv->options->on_error) {
	case MLOPS_ON_ERROR_NULL:
		csv->base.counts.ragged += ragged;
		return KEEP;
	case MLOPS_ON_ERROR_SKIP:
		csv->base.counts.ragged++;
		csv->base.counts.skipped_rows++;
		return LEAVE_OUT;
	case MLOPS_ON_ERROR_STOP:
		break;
	}
	if (input->has_nul) {
		mlops_error_set_at(&csv->failed, MLOPS_DATA, source, input->line, "NUL byte in the input");
	} else if (ragged) {
		mlops_error_set_at(&csv->failed, MLOPS_DATA, source, input->line,
				   "row has %zu field%s, the header has %zu", record->n_fields,
				   record->n_fields == 1 ? "" : "s", csv->n_fields);
	} else {
		for (size_t i = 0; i < csv->base.n_columns; i++)
			if (csv->fields[i] == record->broken_field) {
				const char *column = csv->base.columns[i].name;

				mlops_error_set_at(&csv->failed, MLOPS_DATA, source, input->line,
						   "column \"%s\": text after the closing quote",
						   mlops_text_mask(name, column, strlen(column)));
			}
		mlops_error_set_at(&csv->failed, MLOPS_DATA, source, input->line,
				   "field %zu: text after the closing quote", record->broken_field + 1);
	}
	return FAIL;
}

static enum verdict judge_cell(struct mlops_csv_reader *csv, enum mlops_cell_status status, size_t column,
			       const char *bytes, size_t length)
{
	struct mlops_read_counts *counts = &csv->base.counts;

	if (status == MLOPS_CELL_NOT_FINITE)
		counts->not_finite++;
	else
		counts->parse++;
	switch (csv->options->on_error) {
	case MLOPS_ON_ERROR_NULL:
		counts->nulled_cells++;
		return KEEP;
	case MLOPS_ON_ERROR_SKIP:
		counts->skipped_rows++;
		return LEAVE_OUT;
	case MLOPS_ON_ERROR_STOP:
		break;
	}
	mlops_cell_error(status, mlops_source_name(csv->input.source), csv->input.line,
			 csv->base.columns[column].name, bytes, length, &csv->failed);
	return FAIL;
}

static bool out_of_memory(struct mlops_csv_reader *csv)
{
	return mlops_error_set_memory(&csv->failed);
}

static bool put_missing(struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t slot)
{
	struct mlops_column *column = &chunk->columns[slot];

	switch (csv->bound[slot].type) {
	case MLOPS_COLUMN_NUMBER:
		column->numbers[chunk->rows] = NAN;
		return true;
	case MLOPS_COLUMN_TIME:
		column->times[chunk->rows] = MLOPS_TIME_MISSING;
		return true;
	case MLOPS_COLUMN_TEXT:
		break;
	}
	return mlops_chunk_put_text(chunk, slot, "", 0, false, false) || out_of_memory(csv);
}

static enum mlops_cell_status to_number(const struct mlops_csv_reader *csv, const char *bytes, size_t length,
					float *value)
{
	if (mlops_number_parse_float(bytes, length, csv->decimal, value) != MLOPS_NUMBER_OK)
		return mlops_cell_to_number(csv->options, bytes, length, csv->decimal, value);
	for (size_t i = 0; i < csv->n_na_values; i++)
		if (*value == csv->na_values[i]) {
			*value = NAN;
			break;
		}
	return MLOPS_CELL_OK;
}

static enum verdict put_cell(struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t slot,
			     const struct mlops_csv_field *field)
{
	const struct mlops_binding *bound = &csv->bound[slot];
	struct mlops_column *column = &chunk->columns[slot];
	enum mlops_cell_status status = MLOPS_CELL_OK;
	size_t length;
	const char *bytes = mlops_csv_text(csv->input.bytes, field, &csv->scratch, &length);
	bool present;
	bool bare;

	if (bytes == NULL) {
		out_of_memory(csv);
		return FAIL;
	}
	switch (bound->type) {
	case MLOPS_COLUMN_NUMBER:
		status = to_number(csv, bytes, length, &column->numbers[chunk->rows]);
		break;
	case MLOPS_COLUMN_TIME:
		status = mlops_cell_to_time(csv->options, bytes, length, &column->times[chunk->rows]);
		break;
	case MLOPS_COLUMN_TEXT:
		present = !mlops_cell_is_missing(csv->options, bytes, length);
		bare = (field->flags & MLOPS_CSV_QUOTED) == 0;
		if (!mlops_chunk_put_text(chunk, slot, bytes, present ? length : 0, present,
					  present && bare && mlops_number_is_json(bytes, length))) {
			out_of_memory(csv);
			return FAIL;
		}
		break;
	}
	return status == MLOPS_CELL_OK ? KEEP : judge_cell(csv, status, bound->column, bytes, length);
}

/* A row of which some cells, maybe none that is bound, cannot be had. */
static enum verdict put_flawed_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	const struct mlops_csv_record *record = &csv->input.record;
	enum verdict verdict = judge_row(csv);

	for (size_t slot = 0; slot < csv->n_bound && verdict == KEEP; slot++) {
		size_t index = csv->fields[csv->bound[slot].column];
		const struct mlops_csv_field *field = &record->fields[index];
		bool lacking = index >= record->n_fields;

		if (!lacking && (field->flags & MLOPS_CSV_BROKEN) == 0 &&
		    !(csv->input.has_nul &&
		      memchr(csv->input.bytes + field->begin, '\0', field->length) != NULL)) {
			verdict = put_cell(csv, chunk, slot, field);
			continue;
		}
		csv->base.counts.nulled_cells++;
		csv->base.counts.parse += !lacking;
		if (!put_missing(csv, chunk, slot))
			verdict = FAIL;
	}
	return verdict;
}

static enum verdict put_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	const struct mlops_csv_record *record = &csv->input.record;
	enum verdict verdict = KEEP;

	chunk->lines[chunk->rows] = csv->input.line;
	if (record->n_fields != csv->n_fields || record->broken || csv->input.has_nul)
		return put_flawed_row(csv, chunk);
	for (size_t slot = 0; slot < csv->n_bound && verdict == KEEP; slot++)
		verdict = put_cell(csv, chunk, slot, &record->fields[csv->fields[csv->bound[slot].column]]);
	return verdict;
}

/* False when there are no more rows for this chunk: it is full, the input has ended, or failed says why. */
static bool put_next_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	switch (mlops_csv_input_step(&csv->input, &csv->failed)) {
	case MLOPS_CSV_RECORD:
		switch (put_row(csv, chunk)) {
		case KEEP:
			chunk->rows++;
			return true;
		case LEAVE_OUT:
			return true;
		case FAIL:
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

static bool csv_next(struct mlops_reader *reader, struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct mlops_csv_reader *csv = of(reader);
	size_t limit = csv->options->one_row ? 1 : MLOPS_CHUNK_ROWS;

	mlops_chunk_clear(chunk);
	if (csv->bound == NULL || chunk->n_columns != csv->n_bound)
		return mlops_error_set(error, MLOPS_BUG, "a chunk of %zu columns for a reader with %zu bound",
				       chunk->n_columns, csv->n_bound);
	if (csv->failed.code == MLOPS_OK)
		while (chunk->rows < limit && put_next_row(csv, chunk))
			;
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

	for (size_t i = 0; i < reader->n_columns; i++)
		free(reader->columns[i].name);
	free(reader->columns);
	mlops_csv_input_release(&csv->input);
	free(csv->input.record.fields);
	free(csv->fields);
	free(csv->bound);
	free(csv->na_values);
	mlops_buffer_release(&csv->scratch);
	free(csv);
}

const struct mlops_reader_ops mlops_csv_ops = { csv_bind, csv_next, csv_free };
