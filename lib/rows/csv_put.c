#include "rows/csv.h"

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "rows/cell.h"

#include <math.h>
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

/* What becomes of a row that is not as it should be: kept only where its bad cells can be made missing. */
static enum mlops_csv_verdict judge_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	const struct mlops_csv_input *input = &csv->input;
	const struct mlops_csv_record *record = &input->record;
	const char *source = mlops_source_name(input->source);
	bool ragged = record->n_fields != csv->n_fields;
	char name[MLOPS_TEXT_QUOTED];

	switch (csv->options->on_error) {
	case MLOPS_ON_ERROR_NULL:
		csv->base.counts.ragged += ragged;
		chunk->marks[chunk->rows] |= ragged ? MLOPS_MARK_RAGGED : 0;
		return MLOPS_CSV_KEEP;
	case MLOPS_ON_ERROR_SKIP:
		csv->base.counts.ragged++;
		csv->base.counts.skipped_rows++;
		return MLOPS_CSV_LEAVE_OUT;
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
	return MLOPS_CSV_FAIL;
}

static enum mlops_csv_verdict judge_cell(struct mlops_csv_reader *csv, struct mlops_chunk *chunk,
					 enum mlops_cell_status status, size_t column, const char *bytes,
					 size_t length)
{
	struct mlops_read_counts *counts = &csv->base.counts;

	if (status == MLOPS_CELL_NOT_FINITE)
		counts->not_finite++;
	else
		counts->parse++;
	switch (csv->options->on_error) {
	case MLOPS_ON_ERROR_NULL:
		counts->nulled_cells++;
		chunk->marks[chunk->rows] |=
			status == MLOPS_CELL_NOT_FINITE ? MLOPS_MARK_NOT_FINITE : MLOPS_MARK_PARSE;
		return MLOPS_CSV_KEEP;
	case MLOPS_ON_ERROR_SKIP:
		counts->skipped_rows++;
		return MLOPS_CSV_LEAVE_OUT;
	case MLOPS_ON_ERROR_STOP:
		break;
	}
	mlops_cell_error(status, mlops_source_name(csv->input.source), csv->input.line,
			 csv->base.columns[column].name, bytes, length, &csv->failed);
	return MLOPS_CSV_FAIL;
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

enum mlops_csv_verdict mlops_csv_put_cell(struct mlops_csv_reader *csv, struct mlops_chunk *chunk,
					  size_t slot, const struct mlops_csv_field *field)
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
		return MLOPS_CSV_FAIL;
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
			return MLOPS_CSV_FAIL;
		}
		break;
	}
	return status == MLOPS_CELL_OK ? MLOPS_CSV_KEEP
				       : judge_cell(csv, chunk, status, bound->column, bytes, length);
}

/* A row of which some cells, maybe none that is bound, cannot be had. */
static enum mlops_csv_verdict put_flawed_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	const struct mlops_csv_record *record = &csv->input.record;
	enum mlops_csv_verdict verdict = judge_row(csv, chunk);

	for (size_t slot = 0; slot < csv->n_bound && verdict == MLOPS_CSV_KEEP; slot++) {
		size_t index = csv->fields[csv->bound[slot].column];
		const struct mlops_csv_field *field = &record->fields[index];
		bool lacking = index >= record->n_fields;

		if (!lacking && (field->flags & MLOPS_CSV_BROKEN) == 0 &&
		    !(csv->input.has_nul &&
		      memchr(csv->input.bytes + field->begin, '\0', field->length) != NULL)) {
			verdict = mlops_csv_put_cell(csv, chunk, slot, field);
			continue;
		}
		csv->base.counts.nulled_cells++;
		csv->base.counts.parse += !lacking;
		chunk->marks[chunk->rows] |= lacking ? 0 : MLOPS_MARK_PARSE;
		if (!put_missing(csv, chunk, slot))
			verdict = MLOPS_CSV_FAIL;
	}
	return verdict;
}

enum mlops_csv_verdict mlops_csv_put_row(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	const struct mlops_csv_record *record = &csv->input.record;
	enum mlops_csv_verdict verdict = MLOPS_CSV_KEEP;

	chunk->lines[chunk->rows] = csv->input.line;
	if (record->n_fields != csv->n_fields || record->broken || csv->input.has_nul)
		return put_flawed_row(csv, chunk);
	for (size_t slot = 0; slot < csv->n_bound && verdict == MLOPS_CSV_KEEP; slot++)
		verdict = mlops_csv_put_cell(csv, chunk, slot,
					     &record->fields[csv->fields[csv->bound[slot].column]]);
	return verdict;
}
