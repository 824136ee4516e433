#include "flow/rows_batch.h"

#include "base/time.h"
#include "rows/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool new_column(struct mlops_rows_batch *batch, size_t c)
{
	struct mlops_batch_texts *texts = &batch->texts[c];

	if (!batch->layout.is_text[c]) {
		batch->numbers[c] = malloc(MLOPS_BATCH_ROWS * sizeof(float));
		return batch->numbers[c] != NULL;
	}
	texts->starts = calloc(MLOPS_BATCH_ROWS + 1, sizeof *texts->starts);
	texts->present = malloc(MLOPS_BATCH_ROWS);
	return texts->starts != NULL && texts->present != NULL;
}

static bool new_times(struct mlops_rows_batch *batch)
{
	batch->times = malloc(MLOPS_BATCH_ROWS * sizeof *batch->times);
	batch->seconds = malloc(MLOPS_BATCH_ROWS * sizeof *batch->seconds);
	return batch->times != NULL && batch->seconds != NULL;
}

static bool new_sensors(struct mlops_rows_batch *batch, struct mlops_error *error)
{
	size_t most = batch->layout.most_series;

	batch->order = malloc(MLOPS_BATCH_ROWS * sizeof *batch->order);
	batch->series = malloc(MLOPS_BATCH_ROWS * sizeof *batch->series);
	batch->counts = calloc(most + 1, sizeof *batch->counts);
	batch->places = calloc(most + 1, sizeof *batch->places);
	batch->sensors = mlops_dictionary_new(error);
	return batch->order != NULL && batch->series != NULL && batch->counts != NULL &&
	       batch->places != NULL && batch->sensors != NULL;
}

static bool bind(struct mlops_rows_batch *batch, struct mlops_reader *reader, struct mlops_error *error)
{
	const struct mlops_batch_layout *layout = &batch->layout;
	struct mlops_binding *bindings = calloc(layout->n + 2, sizeof *bindings);
	size_t n = layout->n;
	bool ok;

	batch->types = calloc(layout->n + 2, sizeof *batch->types);
	if (bindings == NULL || batch->types == NULL) {
		free(bindings);
		return mlops_error_set_memory(error);
	}
	for (size_t c = 0; c < n; c++)
		bindings[c] = (struct mlops_binding){ layout->columns[c], layout->is_text[c]
										  ? MLOPS_COLUMN_TEXT
										  : MLOPS_COLUMN_NUMBER };
	if (layout->time != MLOPS_NO_COLUMN)
		bindings[n++] = (struct mlops_binding){ layout->time, MLOPS_COLUMN_TIME };
	if (layout->id != MLOPS_NO_COLUMN)
		bindings[n++] = (struct mlops_binding){ layout->id, MLOPS_COLUMN_TEXT };
	for (size_t i = 0; i < n; i++)
		batch->types[i] = bindings[i].type;
	ok = mlops_reader_bind(reader, bindings, n, error);
	free(bindings);
	batch->chunk = ok ? mlops_chunk_new(batch->types, n, error) : NULL;
	return batch->chunk != NULL;
}

struct mlops_rows_batch *mlops_rows_batch_new(const struct mlops_batch_layout *layout,
					      struct mlops_reader *reader, struct mlops_error *error)
{
	struct mlops_rows_batch *batch = calloc(1, sizeof *batch);
	bool ok;

	if (batch == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	batch->layout = *layout;
	batch->epoch = MLOPS_TIME_MISSING;
	batch->numbers = calloc(layout->n + 1, sizeof *batch->numbers);
	batch->texts = calloc(layout->n + 1, sizeof *batch->texts);
	batch->lines = malloc(MLOPS_BATCH_ROWS * sizeof *batch->lines);
	batch->marks = malloc(MLOPS_BATCH_ROWS);
	batch->segments = calloc(layout->most_series + 1, sizeof *batch->segments);
	ok = batch->numbers != NULL && batch->texts != NULL && batch->lines != NULL && batch->marks != NULL &&
	     batch->segments != NULL;
	for (size_t c = 0; c < layout->n && ok; c++)
		ok = new_column(batch, c);
	ok = ok && (layout->time == MLOPS_NO_COLUMN || new_times(batch)) &&
	     (layout->id == MLOPS_NO_COLUMN || new_sensors(batch, error));
	if (!ok)
		mlops_error_set_memory(error);
	if (ok && bind(batch, reader, error))
		return batch;
	mlops_rows_batch_free(batch);
	return NULL;
}

void mlops_rows_batch_free(struct mlops_rows_batch *batch)
{
	if (batch == NULL)
		return;
	for (size_t c = 0; c < batch->layout.n; c++) {
		if (batch->numbers != NULL)
			free(batch->numbers[c]);
		if (batch->texts != NULL) {
			mlops_buffer_release(&batch->texts[c].bytes);
			free(batch->texts[c].starts);
			free(batch->texts[c].present);
		}
	}
	free(batch->numbers);
	free(batch->texts);
	free(batch->times);
	free(batch->seconds);
	free(batch->lines);
	free(batch->marks);
	free(batch->order);
	free(batch->series);
	free(batch->segments);
	free(batch->counts);
	free(batch->places);
	free(batch->types);
	mlops_dictionary_free(batch->sensors);
	mlops_chunk_free(batch->chunk);
	free(batch);
}

static void take_texts(struct mlops_batch_texts *to, size_t at, const struct mlops_chunk *chunk, size_t c,
		       size_t from, size_t n)
{
	const struct mlops_column *column = &chunk->columns[c];
	uint32_t first = column->starts[from];
	uint32_t base = (uint32_t)to->bytes.length;

	if (column->starts[from + n] > first)
		mlops_buffer_append(&to->bytes, column->bytes.data + first, column->starts[from + n] - first);
	for (size_t i = 0; i < n; i++) {
		to->starts[at + i + 1] = base + (column->starts[from + i + 1] - first);
		to->present[at + i] = column->flags[from + i] & 1;
	}
}

static void take_times(struct mlops_rows_batch *batch, const int64_t *times, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t time = times[i];

		if (batch->epoch == MLOPS_TIME_MISSING)
			batch->epoch = time;
		batch->times[batch->rows + i] = time;
		batch->seconds[batch->rows + i] =
			time == MLOPS_TIME_MISSING ? NAN : (double)(time - batch->epoch) / 1e6;
	}
}

/* The sensor of each row; rows without an id are one more sensor, without a name. */
static bool take_ids(struct mlops_rows_batch *batch, size_t slot, size_t from, size_t n)
{
	uint32_t *series = batch->series + batch->rows;
	struct mlops_cell before = { .length = 0 };

	for (size_t i = 0; i < n; i++) {
		struct mlops_cell cell = mlops_chunk_cell(batch->chunk, slot, from + i);
		uint32_t code;

		if (i > 0 && cell.length == before.length &&
		    memcmp(cell.bytes, before.bytes, cell.length) == 0) {
			series[i] = series[i - 1];
			continue;
		}
		before = cell;
		code = mlops_dictionary_find(batch->sensors, cell.bytes, cell.length);
		if (code == MLOPS_DICTIONARY_NONE &&
		    mlops_dictionary_count(batch->sensors) < batch->layout.most_series) {
			code = mlops_dictionary_add(batch->sensors, cell.bytes, cell.length);
			if (code == MLOPS_DICTIONARY_NONE)
				return false;
		}
		series[i] = code;
	}
	return true;
}

static bool take(struct mlops_rows_batch *batch)
{
	const struct mlops_batch_layout *layout = &batch->layout;
	const struct mlops_chunk *chunk = batch->chunk;
	size_t from = batch->taken;
	size_t room = MLOPS_BATCH_ROWS - batch->rows;
	size_t n = chunk->rows - from < room ? chunk->rows - from : room;
	size_t slot = layout->n;
	bool ok = true;

	for (size_t c = 0; c < layout->n; c++) {
		if (layout->is_text[c]) {
			take_texts(&batch->texts[c], batch->rows, chunk, c, from, n);
			ok = ok && !batch->texts[c].bytes.failed;
		} else {
			memcpy(batch->numbers[c] + batch->rows, chunk->columns[c].numbers + from,
			       n * sizeof(float));
		}
	}
	memcpy(batch->lines + batch->rows, chunk->lines + from, n * sizeof *batch->lines);
	memcpy(batch->marks + batch->rows, chunk->marks + from, n);
	if (layout->time != MLOPS_NO_COLUMN)
		take_times(batch, chunk->columns[slot++].times + from, n);
	if (layout->id != MLOPS_NO_COLUMN)
		ok = take_ids(batch, slot, from, n) && ok;
	batch->rows += n;
	batch->taken += n;
	return ok;
}

/* Rows by sensor, in their order; sensors in the order of their first rows. */
static void sort_rows(struct mlops_rows_batch *batch)
{
	uint32_t begin = 0;

	batch->n_segments = 0;
	for (size_t r = 0; r < batch->rows; r++) {
		uint32_t series = batch->series[r];

		if (series != MLOPS_NO_SERIES && batch->counts[series]++ == 0)
			batch->segments[batch->n_segments++].series = series;
	}
	for (size_t s = 0; s < batch->n_segments; s++) {
		struct mlops_batch_segment *segment = &batch->segments[s];

		segment->begin = batch->places[segment->series] = begin;
		begin += batch->counts[segment->series];
		segment->end = begin;
		batch->counts[segment->series] = 0;
	}
	for (size_t r = 0; r < batch->rows; r++)
		if (batch->series[r] != MLOPS_NO_SERIES)
			batch->order[batch->places[batch->series[r]]++] = (uint32_t)r;
}

bool mlops_rows_batch_next(struct mlops_rows_batch *batch, struct mlops_reader *reader,
			   struct mlops_error *error)
{
	batch->first_row += batch->rows;
	batch->rows = 0;
	for (size_t c = 0; c < batch->layout.n; c++)
		mlops_buffer_clear(&batch->texts[c].bytes);
	do {
		if (batch->taken == batch->chunk->rows) {
			batch->taken = 0;
			if (!mlops_reader_next(reader, batch->chunk, error))
				return false;
			if (batch->chunk->rows == 0)
				break;
		}
		if (!take(batch))
			return mlops_error_set_memory(error);
	} while (batch->rows < MLOPS_BATCH_ROWS);
	if (batch->layout.id != MLOPS_NO_COLUMN) {
		sort_rows(batch);
	} else {
		batch->segments[0] = (struct mlops_batch_segment){ 0, 0, (uint32_t)batch->rows };
		batch->n_segments = batch->rows > 0 ? 1 : 0;
	}
	return true;
}
