#include "rows/time_column.h"

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "rows/cell.h"
#include "rows/select.h"

#include <stdlib.h>
#include <string.h>

#define FEWEST_CALENDAR 3 /* year, month and day */

struct time_reader {
	struct mlops_reader base;
	const struct mlops_read_options *options;
	struct mlops_reader *inner;
	size_t *parts; /* [n_parts] the inner reader's columns that make up the time */
	size_t n_parts;
	size_t *inner_columns;	     /* [base.n_columns]; that of the time is its first part */
	struct mlops_buffer label;   /* the parts' names, for messages */
	struct mlops_binding *bound; /* [n_bound] */
	size_t n_bound;
	size_t n_inner; /* columns of chunk: those that pass, then the parts if the time is bound */
	struct mlops_chunk *chunk;
	bool wanted;		  /* the time is bound */
	struct mlops_buffer text; /* the parts of one time */
	int64_t times[MLOPS_CHUNK_ROWS];
	bool keep[MLOPS_CHUNK_ROWS];
	struct mlops_read_counts own; /* what happened here, on top of the inner reader's */
	struct mlops_error failed;    /* comes after the rows ahead of it have been handed out */
};

static bool find_parts(struct time_reader *reader, struct mlops_error *error)
{
	const struct mlops_read_options *options = reader->options;

	reader->n_parts = options->n_time_columns > 0 ? options->n_time_columns : 1;
	reader->parts = calloc(reader->n_parts, sizeof *reader->parts);
	if (reader->parts == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < options->n_time_columns; i++) {
		reader->parts[i] = mlops_select_column(reader->inner, options->time_columns[i], error);
		if (reader->parts[i] == MLOPS_NO_COLUMN)
			return false;
		for (size_t k = 0; k < i; k++)
			if (reader->parts[k] == reader->parts[i])
				return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0,
							  "column \"%s\" is named twice for the time",
							  options->time_columns[i]);
	}
	if (options->n_time_columns == 0)
		reader->parts[0] = mlops_select_time(reader->inner);
	if (reader->parts[0] == MLOPS_NO_COLUMN)
		return mlops_error_set_at(
			error, MLOPS_DATA, reader->base.name, 0,
			"a time zone or format is given, but no column is called timestamp, time, ts, date "
			"or datetime; name the one that is the time");
	for (size_t i = 0; i < reader->n_parts; i++) {
		if (i > 0)
			mlops_buffer_append_char(&reader->label, ',');
		mlops_buffer_append_string(&reader->label, reader->inner->columns[reader->parts[i]].name);
	}
	(void)mlops_buffer_string(&reader->label);
	return !reader->label.failed || mlops_error_set_memory(error);
}

static bool is_part(const struct time_reader *reader, size_t column)
{
	for (size_t i = 0; i < reader->n_parts; i++)
		if (reader->parts[i] == column)
			return true;
	return false;
}

static bool make_columns(struct time_reader *reader, struct mlops_error *error)
{
	const struct mlops_reader *inner = reader->inner;
	struct mlops_reader *base = &reader->base;

	base->columns = calloc(inner->n_columns, sizeof *base->columns);
	reader->inner_columns = calloc(inner->n_columns, sizeof *reader->inner_columns);
	if (base->columns == NULL || reader->inner_columns == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < inner->n_columns; i++) {
		struct mlops_column_info *info = &base->columns[base->n_columns];
		bool joined = is_part(reader, i) && reader->n_parts > 1;

		if (joined && i != reader->parts[0])
			continue;
		*info = inner->columns[i];
		info->name = strdup(joined ? "timestamp" : inner->columns[i].name);
		if (info->name == NULL)
			return mlops_error_set_memory(error);
		if (i == reader->parts[0]) {
			base->time_column = base->n_columns;
			info->guess = MLOPS_COLUMN_TEXT;
		} else if (reader->n_parts > 1 && strcmp(info->name, "timestamp") == 0) {
			base->n_columns++;
			return mlops_error_set_at(
				error, MLOPS_DATA, base->name, 0,
				"the columns of the time would become \"timestamp\", which is there already");
		}
		reader->inner_columns[base->n_columns++] = i;
	}
	base->has_time = true;
	return true;
}

static bool time_bind(struct mlops_reader *base, const struct mlops_binding *bindings, size_t n,
		      struct mlops_error *error)
{
	struct time_reader *reader = (struct time_reader *)base;
	struct mlops_binding *inner = calloc(n + reader->n_parts, sizeof *inner);
	enum mlops_column_type *types = calloc(n + reader->n_parts, sizeof *types);
	bool ok = false;

	if (reader->bound != NULL) {
		mlops_error_set(error, MLOPS_BUG, "a reader's columns are bound twice");
		goto out;
	}
	reader->bound = calloc(n + 1, sizeof *reader->bound);
	if (inner == NULL || types == NULL || reader->bound == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		if (bindings[i].column >= base->n_columns) {
			mlops_error_set(error, MLOPS_BUG, "column %zu of %zu is bound", bindings[i].column,
					base->n_columns);
			goto out;
		}
		reader->bound[reader->n_bound++] = bindings[i];
		if (bindings[i].column == base->time_column && bindings[i].type != MLOPS_COLUMN_NUMBER)
			reader->wanted = true;
		else
			inner[reader->n_inner++] = (struct mlops_binding){
				.column = reader->inner_columns[bindings[i].column], .type = bindings[i].type
			};
	}
	for (size_t i = 0; i < reader->n_parts && reader->wanted; i++)
		inner[reader->n_inner++] = (struct mlops_binding){ .column = reader->parts[i],
								   .type = MLOPS_COLUMN_TEXT };
	for (size_t i = 0; i < reader->n_inner; i++)
		types[i] = inner[i].type;
	reader->chunk = mlops_chunk_new(types, reader->n_inner, error);
	ok = reader->chunk != NULL && mlops_reader_bind(reader->inner, inner, reader->n_inner, error);
out:
	free(inner);
	free(types);
	return ok;
}

/* Are all parts whole numbers?  Then they are those of a calendar. */
static bool read_calendar(const struct time_reader *reader, size_t row, int numbers[6])
{
	size_t first = reader->n_inner - reader->n_parts;

	if (reader->n_parts < FEWEST_CALENDAR || reader->n_parts > 6 || reader->options->time_format != NULL)
		return false;
	for (size_t i = 0; i < reader->n_parts; i++) {
		struct mlops_cell cell = mlops_chunk_cell(reader->chunk, first + i, row);
		uint64_t number;

		if (!mlops_number_parse_uint(cell.bytes, cell.length, &number) || number > 9999)
			return false;
		numbers[i] = (int)number;
	}
	return true;
}

/* False: reader->text is no time. */
static bool read_time(struct time_reader *reader, size_t row, int64_t *time)
{
	const struct mlops_read_options *options = reader->options;
	int numbers[6] = { 0, 1, 1 };

	mlops_buffer_clear(&reader->text);
	*time = MLOPS_TIME_MISSING;
	for (size_t i = 0; i < reader->n_parts; i++) {
		struct mlops_cell cell = mlops_chunk_cell(reader->chunk,
							  reader->n_inner - reader->n_parts + i, row);

		if (!cell.present)
			return true;
		while (cell.length > 0 && cell.bytes[cell.length - 1] == ' ')
			cell.length--;
		while (cell.length > 0 && *cell.bytes == ' ') {
			cell.bytes++;
			cell.length--;
		}
		if (i > 0)
			mlops_buffer_append_char(&reader->text, ' ');
		mlops_buffer_append(&reader->text, cell.bytes, cell.length);
	}
	if (read_calendar(reader, row, numbers))
		return mlops_time_from_calendar(numbers, options->timezone, time);
	if (options->time_format != NULL)
		return mlops_time_format_parse(options->time_format, reader->text.data, reader->text.length,
					       options->timezone, time);
	return mlops_time_parse(reader->text.data, reader->text.length, options->timezone, time);
}

static void set_failed(struct time_reader *reader, uint64_t line)
{
	const struct mlops_time_format *format = reader->options->time_format;
	char name[MLOPS_TEXT_QUOTED], value[MLOPS_TEXT_QUOTED], pattern[MLOPS_TEXT_QUOTED];

	if (format == NULL)
		mlops_cell_error(MLOPS_CELL_NOT_TIME, reader->base.name, line, reader->label.data,
				 reader->text.data, reader->text.length, &reader->failed);
	else
		mlops_error_set_at(&reader->failed, MLOPS_DATA, reader->base.name, line,
				   "column \"%s\": '%s' is not a time as '%s' has it",
				   mlops_text_mask(name, reader->label.data, reader->label.length),
				   mlops_text_mask(value, reader->text.data, reader->text.length),
				   mlops_text_mask(pattern, mlops_time_format_text(format),
						   strlen(mlops_time_format_text(format))));
}

/* The times of the chunk's rows; those that are to be left out are not kept.  Returns the rows ahead of an
 * error. */
static size_t read_times(struct time_reader *reader, bool *all_kept)
{
	enum mlops_on_error on_error = reader->options->on_error;

	*all_kept = true;
	for (size_t row = 0; row < reader->chunk->rows; row++) {
		reader->keep[row] = true;
		if (read_time(reader, row, &reader->times[row]) && !reader->text.failed)
			continue;
		if (reader->text.failed) {
			mlops_error_set_memory(&reader->failed);
			return row;
		}
		reader->own.parse++;
		if (on_error == MLOPS_ON_ERROR_STOP) {
			set_failed(reader, reader->chunk->lines[row]);
			return row;
		}
		reader->times[row] = MLOPS_TIME_MISSING;
		if (on_error == MLOPS_ON_ERROR_NULL) {
			reader->own.nulled_cells++;
			reader->chunk->marks[row] |= MLOPS_MARK_PARSE;
			continue;
		}
		reader->own.skipped_rows++;
		reader->keep[row] = *all_kept = false;
	}
	return reader->chunk->rows;
}

static bool put_times(struct time_reader *reader, struct mlops_chunk *chunk, size_t slot, size_t rows)
{
	char text[MLOPS_TIME_TEXT];

	if (chunk->columns[slot].type == MLOPS_COLUMN_TIME) {
		memcpy(chunk->columns[slot].times, reader->times, rows * sizeof *reader->times);
		return true;
	}
	for (chunk->rows = 0; chunk->rows < rows; chunk->rows++) {
		size_t length = mlops_time_print(text, reader->times[chunk->rows]);

		if (!mlops_chunk_put_text(chunk, slot, text, length, length > 0, false))
			return mlops_error_set_memory(&reader->failed);
	}
	return true;
}

static void swap_columns(struct mlops_column *a, struct mlops_column *b)
{
	struct mlops_column kept = *a;

	*a = *b;
	*b = kept;
}

/* The inner reader's columns change places with the caller's, which the inner reader fills the next time. */
static void hand_over(struct time_reader *reader, struct mlops_chunk *chunk)
{
	size_t inner = 0;
	uint64_t *lines = chunk->lines;
	uint8_t *marks = chunk->marks;

	chunk->lines = reader->chunk->lines;
	reader->chunk->lines = lines;
	chunk->marks = reader->chunk->marks;
	reader->chunk->marks = marks;
	for (size_t slot = 0; slot < reader->n_bound; slot++)
		if (reader->bound[slot].column != reader->base.time_column ||
		    reader->bound[slot].type == MLOPS_COLUMN_NUMBER)
			swap_columns(&chunk->columns[slot], &reader->chunk->columns[inner++]);
}

static void take_counts(struct time_reader *reader, size_t rows)
{
	struct mlops_read_counts *counts = &reader->base.counts;
	uint64_t before = counts->rows;

	*counts = reader->inner->counts;
	counts->rows = before + rows;
	counts->skipped_rows += reader->own.skipped_rows;
	counts->nulled_cells += reader->own.nulled_cells;
	counts->parse += reader->own.parse;
}

static bool time_next(struct mlops_reader *base, struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct time_reader *reader = (struct time_reader *)base;
	bool all_kept = true;
	size_t rows;

	if (reader->bound == NULL || chunk->n_columns != reader->n_bound)
		return mlops_error_set(error, MLOPS_BUG, "a chunk of %zu columns for a reader with %zu bound",
				       chunk->n_columns, reader->n_bound);
	do {
		mlops_chunk_clear(chunk);
		if (reader->failed.code == MLOPS_OK &&
		    !mlops_reader_next(reader->inner, reader->chunk, &reader->failed))
			reader->chunk->rows = 0;
		if (reader->failed.code != MLOPS_OK) {
			take_counts(reader, 0);
			if (error != NULL && error->code == MLOPS_OK)
				*error = reader->failed;
			return false;
		}
		if (reader->chunk->rows == 0)
			break;
		rows = reader->wanted ? read_times(reader, &all_kept) : reader->chunk->rows;
		hand_over(reader, chunk);
		for (size_t slot = 0; slot < reader->n_bound && reader->wanted; slot++)
			if (reader->bound[slot].column == base->time_column &&
			    reader->bound[slot].type != MLOPS_COLUMN_NUMBER &&
			    !put_times(reader, chunk, slot, rows))
				rows = 0;
		chunk->rows = rows;
		if (!all_kept)
			mlops_chunk_keep_rows(chunk, reader->keep);
	} while (chunk->rows == 0);
	take_counts(reader, chunk->rows);
	return true;
}

static void time_free(struct mlops_reader *base)
{
	struct time_reader *reader = (struct time_reader *)base;

	mlops_reader_free(reader->inner);
	for (size_t i = 0; i < base->n_columns; i++)
		free(base->columns[i].name);
	free(base->columns);
	free(reader->inner_columns);
	free(reader->parts);
	free(reader->bound);
	mlops_chunk_free(reader->chunk);
	mlops_buffer_release(&reader->label);
	mlops_buffer_release(&reader->text);
	free(reader);
}

static const struct mlops_reader_ops time_ops = { .bind = time_bind, .next = time_next, .free = time_free };

struct mlops_reader *mlops_time_column_open(struct mlops_reader *inner,
					    const struct mlops_read_options *options,
					    struct mlops_error *error)
{
	struct time_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL) {
		mlops_reader_free(inner);
		mlops_error_set_memory(error);
		return NULL;
	}
	reader->base.ops = &time_ops;
	reader->base.name = inner->name;
	reader->inner = inner;
	reader->options = options;
	if (find_parts(reader, error) && make_columns(reader, error))
		return &reader->base;
	time_free(&reader->base);
	return NULL;
}
