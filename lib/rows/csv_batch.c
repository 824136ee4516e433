#include "rows/csv.h"

#include "kernel/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Text, ends of fields and values of one tile stay in the first cache. */
#define FIRST_TILE ((size_t)16 << 10)
/* Longer rows are taken one by one: what can be saved is little then. */
#define LARGEST_TILE ((size_t)256 << 10)

/* A run of rows of a tile, all with the fields they should have. */
struct run {
	const char *bytes;    /* the tile */
	const uint32_t *ends; /* of the run's fields; ends[-1] is there */
	size_t rows;
};

static bool set_tile(struct mlops_csv_batch *batch, size_t tile)
{
	uint32_t *ends = realloc(batch->ends, (tile + 9) * sizeof *ends);
	uint32_t *row_ends;

	if (ends == NULL)
		return false;
	batch->ends = ends;
	batch->ends[0] = UINT32_MAX;
	row_ends = realloc(batch->row_ends, tile * sizeof *row_ends);
	if (row_ends == NULL)
		return false;
	batch->row_ends = row_ends;
	batch->tile = tile;
	return true;
}

bool mlops_csv_batch_init(struct mlops_csv_batch *batch, struct mlops_error *error)
{
	return set_tile(batch, FIRST_TILE) || mlops_error_set_memory(error);
}

void mlops_csv_batch_release(struct mlops_csv_batch *batch)
{
	free(batch->ends);
	free(batch->row_ends);
}

static void replace_na(const struct mlops_csv_reader *csv, float *values, size_t n)
{
	for (size_t k = 0; k < csv->n_na_values; k++) {
		float na = csv->na_values[k];

		for (size_t i = 0; i < n; i++)
			values[i] = values[i] == na ? NAN : values[i];
	}
}

static size_t convert_numbers(const struct mlops_csv_reader *csv, const struct run *run, bool quotes,
			      struct mlops_chunk *chunk)
{
	const struct mlops_kernels *kernels = mlops_kernels();
	size_t unusual = 0;

	for (size_t slot = 0; slot < csv->n_bound; slot++) {
		size_t field = csv->fields[csv->bound[slot].column];
		const struct mlops_csv_fields fields = {
			.bytes = run->bytes,
			.ends = run->ends + field,
			.stride = csv->n_fields,
			.mark = csv->decimal,
			.crlf = field + 1 == csv->n_fields,
			.quotes = quotes,
		};
		float *values = chunk->columns[slot].numbers;

		if (csv->bound[slot].type != MLOPS_COLUMN_NUMBER)
			continue;
		values += chunk->rows;
		unusual += kernels->csv_numbers(&fields, run->rows, values);
		replace_na(csv, values, run->rows);
	}
	return unusual;
}

static uint64_t count_newlines(const char *at, const char *end)
{
	uint64_t count = 0;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		count++;
		at++;
	}
	return count;
}

static void number_lines(struct mlops_csv_input *input, const struct run *run, size_t n_fields, bool quotes,
			 uint64_t *lines)
{
	for (size_t r = 0; r < run->rows; r++) {
		const uint32_t *ends = run->ends + r * n_fields;

		lines[r] = input->next_line++;
		if (quotes)
			input->next_line += count_newlines(run->bytes + (uint32_t)(ends[-1] + 1),
							   run->bytes + ends[n_fields - 1]);
	}
}

static struct mlops_csv_field find_field(const char *bytes, const uint32_t *end, bool last)
{
	struct mlops_csv_field field = { .begin = end[-1] + 1, .length = end[0] - (end[-1] + 1) };
	const char *at = bytes + field.begin;

	if (last && field.length > 0 && at[field.length - 1] == '\r')
		field.length--;
	if (field.length > 0 && *at == '"') {
		field.begin++;
		field.length -= 2;
		field.flags = MLOPS_CSV_QUOTED;
		if (memchr(at + 1, '"', field.length) != NULL)
			field.flags |= MLOPS_CSV_ESCAPED;
	}
	return field;
}

static bool is_unusual(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits == MLOPS_CSV_UNUSUAL;
}

/* Row chunk->rows, whose plain numbers are there: what else it has, in the order of a row by itself. */
static enum mlops_csv_verdict put_rest(struct mlops_csv_reader *csv, const struct run *run, size_t row,
				       struct mlops_chunk *chunk)
{
	enum mlops_csv_verdict verdict = MLOPS_CSV_KEEP;

	for (size_t slot = 0; slot < csv->n_bound && verdict == MLOPS_CSV_KEEP; slot++) {
		size_t index = csv->fields[csv->bound[slot].column];
		struct mlops_csv_field field;

		if (csv->bound[slot].type == MLOPS_COLUMN_NUMBER &&
		    !is_unusual(chunk->columns[slot].numbers[chunk->rows]))
			continue;
		field = find_field(run->bytes, run->ends + row * csv->n_fields + index,
				   index + 1 == csv->n_fields);
		verdict = mlops_csv_put_cell(csv, chunk, slot, &field);
	}
	return verdict;
}

/* Rows that were left out leave a gap, which later ones close. */
static void move_row(const struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t from, size_t to)
{
	chunk->lines[to] = chunk->lines[from];
	for (size_t slot = 0; slot < csv->n_bound; slot++)
		if (csv->bound[slot].type == MLOPS_COLUMN_NUMBER)
			chunk->columns[slot].numbers[to] = chunk->columns[slot].numbers[from];
}

static bool put_run(struct mlops_csv_reader *csv, const struct run *run, bool quotes,
		    struct mlops_chunk *chunk)
{
	size_t first = chunk->rows;
	size_t unusual = convert_numbers(csv, run, quotes, chunk);

	number_lines(&csv->input, run, csv->n_fields, quotes, chunk->lines + first);
	if (unusual == 0 && csv->only_numbers) {
		chunk->rows += run->rows;
		return true;
	}
	csv->input.bytes = run->bytes;
	for (size_t row = 0; row < run->rows; row++) {
		if (chunk->rows != first + row)
			move_row(csv, chunk, first + row, chunk->rows);
		csv->input.line = chunk->lines[chunk->rows];
		switch (put_rest(csv, run, row, chunk)) {
		case MLOPS_CSV_KEEP:
			chunk->rows++;
			break;
		case MLOPS_CSV_LEAVE_OUT:
			break;
		case MLOPS_CSV_FAIL:
			return false;
		}
	}
	return true;
}

static bool is_empty(const char *line, size_t length)
{
	return length == 0 || (length == 1 && *line == '\r');
}

/* A row with too many or too few fields. */
static bool put_ragged(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	if (mlops_csv_input_step(&csv->input, &csv->failed) != MLOPS_CSV_RECORD)
		return false;
	switch (mlops_csv_put_row(csv, chunk)) {
	case MLOPS_CSV_KEEP:
		chunk->rows++;
		return true;
	case MLOPS_CSV_LEAVE_OUT:
		return true;
	case MLOPS_CSV_FAIL:
		break;
	}
	return false;
}

static size_t regular_rows(const struct mlops_csv_reader *csv, const char *bytes, const uint32_t *ends,
			   const struct mlops_csv_cut *cut, size_t row, size_t most)
{
	uint32_t n_fields = (uint32_t)csv->n_fields;
	uint32_t before = row > 0 ? cut->row_ends[row - 1] : 0;
	size_t last = cut->rows - row < most ? cut->rows : row + most;
	size_t r;

	for (r = row; r < last && cut->row_ends[r] - before == n_fields; before = cut->row_ends[r++]) {
		uint32_t begin = ends[(ptrdiff_t)before - 1] + 1;

		if (n_fields == 1 && is_empty(bytes + begin, ends[before] - begin))
			break;
	}
	return r - row;
}

size_t mlops_csv_cut_rows(struct mlops_csv_reader *csv, const char *bytes, size_t length)
{
	struct mlops_csv_batch *batch = &csv->batch;
	struct mlops_csv_cut cut = { .ends = batch->ends + 1, .row_ends = batch->row_ends };

	mlops_kernels()->csv_cut(bytes, length < batch->tile ? length : batch->tile, csv->input.delimiter,
				 &cut);
	return cut.rows > 0 ? (size_t)cut.ends[cut.row_ends[cut.rows - 1] - 1] + 1 : 0;
}

bool mlops_csv_put_batch(struct mlops_csv_reader *csv, struct mlops_chunk *chunk, size_t limit)
{
	struct mlops_csv_input *input = &csv->input;
	struct mlops_csv_batch *batch = &csv->batch;
	size_t start = input->at;
	const char *bytes = input->buffer + start;
	struct mlops_csv_cut cut = { .ends = batch->ends + 1, .row_ends = batch->row_ends };
	size_t length = (input->nul < input->end ? input->nul : input->end) - start;

	if (length > batch->tile)
		length = batch->tile;
	if (length > input->max_line)
		length = input->max_line;
	mlops_kernels()->csv_cut(bytes, length, input->delimiter, &cut);
	if (cut.rows == 0) {
		/* Without memory for more, rows are taken one by one. */
		if (!cut.doubtful && length == batch->tile && length < LARGEST_TILE)
			return set_tile(batch, 2 * length);
		return false;
	}
	for (size_t row = 0; row < cut.rows && chunk->rows < limit;) {
		size_t fields = row > 0 ? cut.row_ends[row - 1] : 0;
		struct run run = { .bytes = bytes, .ends = cut.ends + fields };
		size_t begin = (uint32_t)(run.ends[-1] + 1);
		size_t end = cut.ends[cut.row_ends[row] - 1];

		run.rows = regular_rows(csv, bytes, cut.ends, &cut, row, limit - chunk->rows);
		input->at = start + begin;
		if (run.rows > 0) {
			row += run.rows;
			if (!put_run(csv, &run, cut.quotes, chunk))
				break;
			end = cut.ends[cut.row_ends[row - 1] - 1];
		} else {
			row++;
			if (is_empty(bytes + begin, end - begin))
				input->next_line++;
			else if (!put_ragged(csv, chunk))
				break;
		}
		input->at = start + end + 1;
	}
	return true;
}
