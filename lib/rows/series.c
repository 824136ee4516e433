#include "rows/series_grow.h"

#include "base/buffer.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"
#include "rows/dictionary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *masked(char buffer[MLOPS_TEXT_QUOTED], const char *name)
{
	return mlops_text_mask(buffer, name, strlen(name));
}

/* Several columns could hold the values: which? */
static bool ask_for_target(const struct mlops_reader *reader, const struct mlops_selection *selection,
			   struct mlops_error *error)
{
	struct mlops_buffer names = MLOPS_BUFFER_INIT;
	char name[MLOPS_TEXT_QUOTED];
	const size_t most = 8;

	for (size_t i = 0; i < selection->n_features && i < most; i++)
		mlops_buffer_append_format(&names, "%s\"%s\"", i > 0 ? ", " : "",
					   masked(name, reader->columns[selection->features[i]].name));
	if (selection->n_features > most)
		mlops_buffer_append_string(&names, ", …");
	mlops_error_set_at(error, MLOPS_DATA, reader->name, 0,
			   "%zu columns hold numbers; --target says which is the series: %.600s", selection->n_features,
			   mlops_buffer_string(&names));
	mlops_buffer_release(&names);
	return false;
}

bool mlops_series_select(const struct mlops_reader *reader, const struct mlops_select_options *select,
			 struct mlops_series_columns *columns, struct mlops_error *error)
{
	struct mlops_select_options options = *select;
	struct mlops_selection selection;
	char name[MLOPS_TEXT_QUOTED];
	bool ok = true;

	options.target = NULL;
	options.texts = false;
	options.features = select->target != NULL ? &select->target : NULL;
	options.n_features = select->target != NULL;
	if (!mlops_select(reader, &options, &selection, error))
		return false;
	*columns = (struct mlops_series_columns){
		.time = selection.time, .id = selection.id, .value = selection.features[0],
	};
	if (selection.n_features > 1)
		ok = ask_for_target(reader, &selection, error);
	else if (columns->value == columns->time || columns->value == columns->id)
		ok = mlops_error_set_at(error, MLOPS_DATA, reader->name, 0,
					"column \"%s\" is the %s; it can't be the series too",
					masked(name, reader->columns[columns->value].name),
					columns->value == columns->time ? "time" : "sensor");
	mlops_selection_release(&selection);
	return ok;
}

/* A reading in progress. */
struct reading {
	struct mlops_reader *reader;
	const struct mlops_series_columns *columns;
	const struct mlops_series_options *options;
	struct mlops_dictionary *ids;
	struct mlops_series_growing *items; /* [n], by the ids' numbers */
	size_t n, room;
	size_t time, id;                    /* columns of the chunk or MLOPS_NO_COLUMN; 0 has the values */
	uint64_t untimed;
};

static bool row_error(const struct reading *reading, size_t column, uint64_t line, const char *what,
		      struct mlops_error *error)
{
	char name[MLOPS_TEXT_QUOTED];

	return mlops_error_set_at(error, MLOPS_DATA, reading->reader->name, line, "column \"%s\" %s",
				  masked(name, reading->reader->columns[column].name), what);
}

static struct mlops_series_growing *add_series(struct reading *reading, struct mlops_error *error)
{
	struct mlops_series_growing *growing;

	if (reading->n == reading->room) {
		size_t room = reading->room + reading->room / 2 + 4;

		growing = reallocarray(reading->items, room, sizeof *growing);
		if (growing == NULL) {
			mlops_error_set_memory(error);
			return NULL;
		}
		reading->items = growing;
		reading->room = room;
	}
	growing = &reading->items[reading->n];
	*growing = (struct mlops_series_growing){ .most = MLOPS_SERIES_HOLD_STEPS };
	if (reading->options->every > 0 && reading->options->hold > 0)
		growing->most = (uint64_t)(reading->options->hold / reading->options->every);
	growing->series.id = strdup(mlops_dictionary_text(reading->ids, (uint32_t)reading->n, NULL));
	if (growing->series.id == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	reading->n++;
	return growing;
}

/* The series of a row; NULL with an error. */
static struct mlops_series_growing *series_of(struct reading *reading, struct mlops_cell id, uint64_t line,
					      struct mlops_error *error)
{
	uint32_t number;

	if (reading->id != MLOPS_NO_COLUMN && memchr(id.bytes, '\0', id.length) != NULL) {
		row_error(reading, reading->columns->id, line, "has a NUL character in a text", error);
		return NULL;
	}
	number = mlops_dictionary_add(reading->ids, id.bytes, id.length);
	if (number == MLOPS_DICTIONARY_NONE) {
		mlops_error_set_memory(error);
		return NULL;
	}
	if (number >= MLOPS_SERIES_MOST) {
		row_error(reading, reading->columns->id, line,
			  "has more than 100000 different texts; is it the sensor's name?", error);
		return NULL;
	}
	return number < reading->n ? &reading->items[number] : add_series(reading, error);
}

static bool take_row(struct reading *reading, const struct mlops_chunk *chunk, size_t row, struct mlops_error *error)
{
	const struct mlops_series_options *options = reading->options;
	float value = chunk->columns[0].numbers[row];
	uint64_t line = chunk->lines[row];
	struct mlops_cell id = { .bytes = "", .present = true };
	struct mlops_series_growing *growing;
	int64_t time = 0;

	if (reading->id != MLOPS_NO_COLUMN)
		id = mlops_chunk_cell(chunk, reading->id, row);
	if (reading->time != MLOPS_NO_COLUMN)
		time = chunk->columns[reading->time].times[row];
	if (time == MLOPS_TIME_MISSING || (!id.present && isnan(value))) {
		reading->untimed++;
		return true;
	}
	if (!id.present)
		return row_error(reading, reading->columns->id, line, "is empty in a row that has a value", error);
	growing = series_of(reading, id, line, error);
	if (growing == NULL)
		return false;
	growing->series.counts.rows++;
	if (value == 0)
		value = 0; /* one zero, so that equal data have equal bits */
	if (reading->time == MLOPS_NO_COLUMN) {
		growing->series.counts.missing += isnan(value) ? 1 : 0;
		return mlops_series_put(growing, value, growing->point++, error);
	}
	if (options->every > 0)
		return mlops_series_take_resampled(growing, time, value, options->every, error);
	return mlops_series_take_regular(growing, time, value, line, reading->reader->name, error);
}

static bool read_rows(struct reading *reading, struct mlops_error *error)
{
	enum mlops_column_type types[3] = { MLOPS_COLUMN_NUMBER };
	struct mlops_binding bindings[3] = { { .column = reading->columns->value, .type = MLOPS_COLUMN_NUMBER } };
	size_t n = 1;
	struct mlops_chunk *chunk = NULL;
	bool ok = false;

	reading->time = reading->id = MLOPS_NO_COLUMN;
	if (reading->columns->time != MLOPS_NO_COLUMN) {
		bindings[n] = (struct mlops_binding){ .column = reading->columns->time, .type = MLOPS_COLUMN_TIME };
		types[n] = MLOPS_COLUMN_TIME;
		reading->time = n++;
	}
	if (reading->columns->id != MLOPS_NO_COLUMN) {
		bindings[n] = (struct mlops_binding){ .column = reading->columns->id, .type = MLOPS_COLUMN_TEXT };
		types[n] = MLOPS_COLUMN_TEXT;
		reading->id = n++;
	}
	chunk = mlops_chunk_new(types, n, error);
	if (chunk == NULL || !mlops_reader_bind(reading->reader, bindings, n, error))
		goto out;
	for (;;) {
		if (!mlops_reader_next(reading->reader, chunk, error))
			goto out;
		if (chunk->rows == 0)
			break;
		for (size_t row = 0; row < chunk->rows; row++)
			if (!take_row(reading, chunk, row, error))
				goto out;
		if (reading->options->progress != NULL &&
		    !reading->options->progress(reading->options->progress_context, reading->reader->counts.rows)) {
			mlops_error_set(error, MLOPS_CLOSED, "stopped");
			goto out;
		}
	}
	ok = true;
out:
	mlops_chunk_free(chunk);
	return ok;
}

/* From rows to segments; *every becomes the step. */
static bool end_series(struct reading *reading, int64_t *every, struct mlops_error *error)
{
	const struct mlops_series_options *options = reading->options;
	const char *source = reading->reader->name;
	uint64_t step = 0;

	*every = options->every;
	if (reading->time == MLOPS_NO_COLUMN)
		return true;
	if (options->every == 0) {
		if (!mlops_series_find_step(reading->items, reading->n, source, &step, error))
			return false;
		*every = (int64_t)step;
	}
	for (size_t i = 0; i < reading->n; i++) {
		struct mlops_series_growing *growing = &reading->items[i];

		if (options->every > 0) {
			if (!mlops_series_end_resampled(growing, error))
				return false;
			continue;
		}
		if (options->hold > 0 && step > 0)
			growing->most = (uint64_t)options->hold / step;
		if (!mlops_series_regularise(growing, step, source, error))
			return false;
	}
	return true;
}

struct digest {
	struct mlops_sha256 *hash;
	unsigned char block[4096];
	size_t used;
};

/* Low byte first, whatever the machine. */
static void add_word(struct digest *digest, uint64_t word, size_t bytes)
{
	if (sizeof digest->block - digest->used < bytes) {
		mlops_sha256_add(digest->hash, digest->block, digest->used);
		digest->used = 0;
	}
	for (size_t i = 0; i < bytes; i++)
		digest->block[digest->used++] = (unsigned char)(word >> 8 * i);
}

static void add_string(struct digest *digest, const char *string)
{
	size_t length = strlen(string);

	add_word(digest, length, 8);
	for (size_t i = 0; i < length; i++)
		add_word(digest, (unsigned char)string[i], 1);
}

static bool digest_set(struct mlops_series_set *set, struct mlops_error *error)
{
	struct digest digest = { .hash = mlops_sha256_new() };

	if (digest.hash == NULL)
		return mlops_error_set_memory(error);
	add_string(&digest, "mlops series 1");
	add_string(&digest, set->column);
	add_word(&digest, (uint64_t)set->every, 8);
	add_word(&digest, set->n, 8);
	for (size_t i = 0; i < set->n; i++) {
		const struct mlops_series *series = &set->items[i];

		add_string(&digest, series->id);
		add_word(&digest, series->n_segments, 8);
		for (size_t s = 0; s < series->n_segments; s++) {
			add_word(&digest, (uint64_t)series->segments[s].first_time, 8);
			add_word(&digest, series->segments[s].length, 8);
		}
		for (size_t v = 0; v < series->n_values; v++) {
			uint32_t bits;

			memcpy(&bits, &series->values[v], sizeof bits);
			add_word(&digest, bits, 4);
		}
	}
	mlops_sha256_add(digest.hash, digest.block, digest.used);
	mlops_sha256_finish(digest.hash, set->sha256);
	return true;
}

/* What was grown becomes the set's; room that was not needed is given back. */
static void hand_over(struct reading *reading, struct mlops_series_set *set)
{
	for (size_t i = 0; i < reading->n; i++) {
		struct mlops_series *series = &set->items[i];
		float *values;

		*series = reading->items[i].series;
		reading->items[i].series = (struct mlops_series){ .id = NULL };
		values = series->n_values > 0 ? reallocarray(series->values, series->n_values, sizeof *values) : NULL;
		if (values != NULL)
			series->values = values;
	}
	set->n = reading->n;
}

static void add_counts(struct mlops_series_counts *sum, const struct mlops_series_counts *counts)
{
	sum->rows += counts->rows;
	sum->late += counts->late;
	sum->superseded += counts->superseded;
	sum->missing += counts->missing;
	sum->filled += counts->filled;
	sum->gaps += counts->gaps;
}

static bool finish(struct reading *reading, struct mlops_series_set *set, struct mlops_error *error)
{
	const struct mlops_reader *reader = reading->reader;
	size_t points = 0;

	if (reader->counts.rows == 0)
		return mlops_error_set_at(error, MLOPS_DATA, reader->name, 0, "no data rows");
	if (reading->n == 0)
		return row_error(reading, reading->columns->time != MLOPS_NO_COLUMN ? reading->columns->time
										    : reading->columns->id,
				 0, "is empty in every row", error);
	if (!end_series(reading, &set->every, error))
		return false;
	for (size_t i = 0; i < reading->n; i++) {
		points += reading->items[i].series.n_values;
		add_counts(&set->counts, &reading->items[i].series.counts);
	}
	set->counts.untimed = reading->untimed;
	if (points == 0 && set->counts.missing + set->counts.late == set->counts.rows)
		return row_error(reading, reading->columns->value, 0, "has no value in any row", error);
	if (points == 0)
		return mlops_error_set_at(error, MLOPS_DATA, reader->name, 0,
					  "no whole step lies within the rows; is --every too long?");
	set->column = strdup(reader->columns[reading->columns->value].name);
	set->items = calloc(reading->n, sizeof *set->items);
	if (set->column == NULL || set->items == NULL)
		return mlops_error_set_memory(error);
	hand_over(reading, set);
	set->has_ids = reading->id != MLOPS_NO_COLUMN;
	return digest_set(set, error);
}

static void release_series(struct mlops_series *series)
{
	free(series->id);
	free(series->values);
	free(series->segments);
}

struct mlops_series_set *mlops_series_read(struct mlops_reader *reader, const struct mlops_series_columns *columns,
					   const struct mlops_series_options *options, struct mlops_error *error)
{
	struct reading reading = { .reader = reader, .columns = columns, .options = options };
	struct mlops_series_set *set = NULL;
	bool ok = false;

	if (columns->time == MLOPS_NO_COLUMN && (options->every > 0 || options->hold > 0)) {
		mlops_error_set(error, MLOPS_USAGE, "%s is a time, and the rows have no time column (--time names one)",
				options->every > 0 ? "--every" : "--hold");
		return NULL;
	}
	set = calloc(1, sizeof *set);
	reading.ids = mlops_dictionary_new(error);
	if (set == NULL)
		mlops_error_set_memory(error);
	ok = set != NULL && reading.ids != NULL && read_rows(&reading, error) && finish(&reading, set, error);
	for (size_t i = 0; i < reading.n; i++) {
		release_series(&reading.items[i].series);
		free(reading.items[i].raw);
		free(reading.items[i].runs);
	}
	free(reading.items);
	mlops_dictionary_free(reading.ids);
	if (ok)
		return set;
	mlops_series_free(set);
	return NULL;
}

void mlops_series_free(struct mlops_series_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		release_series(&set->items[i]);
	free(set->items);
	free(set->column);
	free(set);
}

bool mlops_series_single(const struct mlops_series_set *set, size_t i, struct mlops_series_set *single,
			 struct mlops_error *error)
{
	*single = *set;
	single->n = 1;
	single->items = &set->items[i];
	single->counts = set->items[i].counts;
	return digest_set(single, error);
}
