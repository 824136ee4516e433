#include "rows/pivot.h"

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "rows/dictionary.h"
#include "rows/pivot_sensor.h"
#include "rows/quality.h"
#include "rows/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_SAMPLES 65536
#define MOST_TAGS      65535
#define HOLD_STEPS     3 /* as mlops_series has it */
#define NO_TAG	       UINT32_MAX

static const char *const tag_names[] = { "tag",	     "tagname", "tag_name", "signal",
					 "variable", "point",	"name",	    NULL };
static const char *const value_names[] = { "value", "val", "reading", NULL };
static const char *const quality_names[] = { "quality", "status", "q", NULL };
static const char *const id_names[] = { "sensor_id", "machine_id", "unit", NULL };

/* Columns of the inner chunk. */
enum { TIME, TAG, VALUE, QUALITY_OR_ID, ID };

/* A sample that has been read and has not gone to its sensor yet. */
struct sample {
	int64_t time;
	uint64_t line;
	uint32_t tag, id;
	float value;
	uint8_t quality[2]; /* as OPC UA and as OPC DA has it */
};

struct pivot_reader {
	struct mlops_reader base;
	const struct mlops_read_options *options;
	struct mlops_reader *inner;
	struct mlops_pivot_grid grid;
	size_t columns[5]; /* of the inner reader, or MLOPS_NO_COLUMN; TIME, TAG, VALUE, quality, id */
	struct mlops_chunk *chunk;
	struct mlops_dictionary *tags; /* all that came; code to column is the next one */
	uint32_t *tag_column;	       /* [n_known] which of the tags' columns, or NO_TAG */
	size_t n_known, n_known_room;
	struct mlops_dictionary *ids;
	struct mlops_pivot_sensor *sensors; /* [n_sensors] */
	size_t n_sensors, n_sensors_room;
	struct sample *queue; /* [n_queue] */
	size_t n_queue, queue_room, queue_at;
	bool in_window, classic, inner_ended;
	struct mlops_error failed;   /* comes behind what is in the queue */
	struct mlops_binding *bound; /* [n_bound] */
	size_t n_bound;
	size_t current; /* the sensor whose rows are handed out, or SIZE_MAX */
	size_t flushed; /* sensors that have given their last rows */
	float *values;	/* [n_tags] a row */
	uint64_t late, stray, skipped, parse, nulled;
};

static size_t find_column(const struct pivot_reader *reader, const char *name, const char *const *defaults)
{
	const struct mlops_reader *inner = reader->inner;

	for (; name == NULL && *defaults != NULL; defaults++)
		for (size_t i = 0; i < inner->n_columns; i++) {
			const char *column = inner->columns[i].name;

			if (mlops_text_equal_ignore_case(column, strlen(column), *defaults,
							 strlen(*defaults)))
				return i;
		}
	return MLOPS_NO_COLUMN;
}

static bool choose_columns(struct pivot_reader *reader, struct mlops_error *error)
{
	const struct mlops_pivot_options *pivot = reader->options->pivot;
	const struct {
		const char *name;
		const char *const *defaults;
		const char *what; /* NULL: it need not be there */
	} roles[] = { [TAG] = { pivot->tag, tag_names, "tag" },
		      [VALUE] = { pivot->value, value_names, "value" },
		      [QUALITY_OR_ID] = { pivot->quality, quality_names, NULL },
		      [ID] = { pivot->id, id_names, NULL } };

	reader->columns[TIME] = mlops_select_time(reader->inner);
	if (reader->options->n_time_columns == 1)
		reader->columns[TIME] = mlops_select_column(reader->inner, reader->options->time_columns[0],
							    error);
	else if (reader->columns[TIME] == MLOPS_NO_COLUMN)
		mlops_error_set_at(
			error, MLOPS_DATA, reader->base.name, 0,
			"no column is called timestamp, time, ts, date or datetime; samples need a time");
	if (reader->columns[TIME] == MLOPS_NO_COLUMN)
		return false;
	for (size_t i = TAG; i <= ID; i++) {
		bool none = roles[i].name != NULL && roles[i].what == NULL &&
			    strcmp(roles[i].name, "none") == 0;
		size_t *column = &reader->columns[i];

		*column = find_column(reader, roles[i].name, roles[i].defaults);
		if (roles[i].name != NULL && !none) {
			*column = mlops_select_column(reader->inner, roles[i].name, error);
			if (*column == MLOPS_NO_COLUMN)
				return false;
		}
		if (*column == MLOPS_NO_COLUMN && roles[i].what != NULL)
			return mlops_error_set_at(
				error, MLOPS_DATA, reader->base.name, 0,
				"long layout: no column is called %s%s; name the one that holds the %s",
				roles[i].defaults[0], i == TAG ? ", signal or name" : " or reading",
				roles[i].what);
		for (size_t k = TIME; k < i && *column != MLOPS_NO_COLUMN; k++)
			if (reader->columns[k] == *column) {
				if (roles[i].name != NULL)
					return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0,
								  "column \"%s\" is named twice",
								  roles[i].name);
				*column = MLOPS_NO_COLUMN;
			}
	}
	return true;
}

static bool bind_inner(struct pivot_reader *reader, struct mlops_error *error)
{
	static const enum mlops_column_type types[] = { MLOPS_COLUMN_TIME, MLOPS_COLUMN_TEXT,
							MLOPS_COLUMN_NUMBER, MLOPS_COLUMN_TEXT,
							MLOPS_COLUMN_TEXT };
	struct mlops_binding bindings[5];
	size_t n = 0;

	for (size_t i = TIME; i <= ID; i++)
		if (reader->columns[i] != MLOPS_NO_COLUMN)
			bindings[n++] = (struct mlops_binding){ reader->columns[i], types[i] };
	reader->chunk = mlops_chunk_new(types, n, error);
	return reader->chunk != NULL && mlops_reader_bind(reader->inner, bindings, n, error);
}

/* The tag's code, NO_TAG when it is to be left out. */
static bool know_tag(struct pivot_reader *reader, struct mlops_cell cell, uint32_t *code)
{
	*code = mlops_dictionary_find(reader->tags, cell.bytes, cell.length);
	/* After the window a new tag has no column; what is not kept needs no memory. */
	if (*code != MLOPS_DICTIONARY_NONE || !reader->in_window)
		return true;
	if (reader->n_known == MOST_TAGS)
		return true;
	*code = mlops_dictionary_add(reader->tags, cell.bytes, cell.length);
	if (*code == MLOPS_DICTIONARY_NONE)
		return false;
	if (reader->n_known == reader->n_known_room) {
		size_t room = reader->n_known_room == 0 ? 64 : 2 * reader->n_known_room;
		uint32_t *columns = reallocarray(reader->tag_column, room, sizeof *columns);

		if (columns == NULL)
			return false;
		reader->tag_column = columns;
		reader->n_known_room = room;
	}
	reader->tag_column[reader->n_known++] = NO_TAG;
	return true;
}

/* The quality of a row; false when its row is to be left out or reader->failed says why it cannot be read. */
static bool read_quality(struct pivot_reader *reader, size_t row, struct sample *sample)
{
	struct mlops_cell cell = mlops_chunk_cell(reader->chunk, QUALITY_OR_ID, row);
	const char *name = reader->inner->columns[reader->columns[QUALITY_OR_ID]].name;
	char masked_name[MLOPS_TEXT_QUOTED], masked[MLOPS_TEXT_QUOTED];

	/* "Bad" is one of the words for missing: it, and no quality, are not good. */
	sample->quality[0] = sample->quality[1] = MLOPS_QUALITY_BAD;
	if (!cell.present)
		return true;
	if (reader->in_window && mlops_quality_is_classic(cell.bytes, cell.length))
		reader->classic = true;
	sample->quality[0] = (uint8_t)mlops_quality_read(cell.bytes, cell.length, false);
	sample->quality[1] = (uint8_t)mlops_quality_read(cell.bytes, cell.length, true);
	if (sample->quality[0] != MLOPS_QUALITY_UNKNOWN)
		return true;
	reader->parse++;
	sample->quality[0] = sample->quality[1] = MLOPS_QUALITY_BAD;
	if (reader->options->on_error == MLOPS_ON_ERROR_NULL) {
		reader->nulled++;
		return true;
	}
	if (reader->options->on_error == MLOPS_ON_ERROR_SKIP)
		reader->skipped++;
	else
		mlops_error_set_at(
			&reader->failed, MLOPS_DATA, reader->base.name, reader->chunk->lines[row],
			"column \"%s\": '%s' is no quality such as Good, Uncertain, Bad, 192 or 0x80000000",
			mlops_text_mask(masked_name, name, strlen(name)),
			mlops_text_mask(masked, cell.bytes, cell.length));
	return false;
}

static bool grow_queue(struct pivot_reader *reader)
{
	size_t room = reader->queue_room == 0 ? MLOPS_CHUNK_ROWS : 2 * reader->queue_room;
	struct sample *queue = reallocarray(reader->queue, room, sizeof *queue);

	if (queue == NULL)
		return mlops_error_set_memory(&reader->failed);
	reader->queue = queue;
	reader->queue_room = room;
	return true;
}

static bool queue_row(struct pivot_reader *reader, size_t row)
{
	const struct mlops_chunk *chunk = reader->chunk;
	struct mlops_cell tag = mlops_chunk_cell(chunk, TAG, row);
	size_t id_slot = reader->columns[QUALITY_OR_ID] != MLOPS_NO_COLUMN ? ID : QUALITY_OR_ID;
	struct sample sample = { .time = chunk->columns[TIME].times[row],
				 .line = chunk->lines[row],
				 .value = chunk->columns[VALUE].numbers[row] };

	if (!tag.present || sample.time == MLOPS_TIME_MISSING) {
		reader->stray++;
		return true;
	}
	if (reader->columns[QUALITY_OR_ID] != MLOPS_NO_COLUMN && !read_quality(reader, row, &sample))
		return reader->failed.code == MLOPS_OK;
	if (!know_tag(reader, tag, &sample.tag))
		return mlops_error_set_memory(&reader->failed);
	if (sample.tag == MLOPS_DICTIONARY_NONE ||
	    (!reader->in_window && reader->tag_column[sample.tag] == NO_TAG)) {
		reader->stray++;
		return true;
	}
	if (reader->columns[ID] != MLOPS_NO_COLUMN) {
		struct mlops_cell id = mlops_chunk_cell(chunk, id_slot, row);

		sample.id = mlops_dictionary_add(reader->ids, id.bytes, id.length);
		if (sample.id == MLOPS_DICTIONARY_NONE)
			return mlops_error_set_memory(&reader->failed);
	}
	if (reader->n_queue == reader->queue_room && !grow_queue(reader))
		return false;
	reader->queue[reader->n_queue++] = sample;
	return true;
}

/* The inner reader's next rows behind those in the queue. */
static void fill_queue(struct pivot_reader *reader)
{
	if (!mlops_reader_next(reader->inner, reader->chunk, &reader->failed))
		return;
	reader->inner_ended = reader->chunk->rows == 0;
	for (size_t row = 0; row < reader->chunk->rows; row++)
		if (!queue_row(reader, row))
			break;
}

static bool add_column(struct pivot_reader *reader, const char *name, enum mlops_column_type guess,
		       struct mlops_error *error)
{
	struct mlops_column_info *info = &reader->base.columns[reader->base.n_columns];
	char masked[MLOPS_TEXT_QUOTED];

	for (size_t i = 0; i < reader->base.n_columns; i++)
		if (strcmp(reader->base.columns[i].name, name) == 0)
			return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0,
						  "there would be two columns \"%s\"",
						  mlops_text_mask(masked, name, strlen(name)));
	*info = (struct mlops_column_info){ .name = strdup(name), .guess = guess };
	if (info->name == NULL)
		return mlops_error_set_memory(error);
	reader->base.n_columns++;
	return true;
}

static bool no_such_tag(struct pivot_reader *reader, const char *name, struct mlops_error *error)
{
	const char **known = calloc(reader->n_known + 1, sizeof *known);
	char masked[MLOPS_TEXT_QUOTED], masked_near[MLOPS_TEXT_QUOTED];
	const char *nearest = NULL;

	for (size_t i = 0; known != NULL && i < reader->n_known; i++)
		known[i] = mlops_dictionary_text(reader->tags, (uint32_t)i, NULL);
	if (known != NULL)
		nearest = mlops_text_nearest(name, known, reader->n_known);
	mlops_text_mask(masked, name, strlen(name));
	mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0, "no sample has the tag \"%s\"%s%s%s",
			   masked, nearest != NULL ? "; did you mean \"" : "",
			   nearest != NULL ? mlops_text_mask(masked_near, nearest, strlen(nearest)) : "",
			   nearest != NULL ? "\"?" : "");
	free(known);
	return false;
}

static bool add_listed_tags(struct pivot_reader *reader, struct mlops_error *error)
{
	const struct mlops_pivot_options *pivot = reader->options->pivot;

	for (size_t i = 0; i < pivot->n_tags; i++) {
		struct mlops_cell cell = { .bytes = pivot->tags[i], .length = strlen(pivot->tags[i]) };
		size_t before = reader->n_known;
		uint32_t code;

		if (!know_tag(reader, cell, &code))
			return mlops_error_set_memory(error);
		if (code == MLOPS_DICTIONARY_NONE)
			return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0,
						  "more than %d tags", MOST_TAGS);
		if (code >= before && reader->inner_ended && reader->failed.code == MLOPS_OK) {
			reader->n_known = before;
			return no_such_tag(reader, pivot->tags[i], error);
		}
		if (!add_column(reader, pivot->tags[i], MLOPS_COLUMN_NUMBER, error))
			return false;
		reader->tag_column[code] = (uint32_t)i;
	}
	reader->grid.n_tags = pivot->n_tags;
	return true;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_seen_tags(struct pivot_reader *reader, struct mlops_error *error)
{
	const char **names = calloc(reader->n_known + 1, sizeof *names);
	bool ok = names != NULL || mlops_error_set_memory(error);

	for (size_t i = 0; i < reader->n_known && ok; i++) {
		size_t length;

		names[i] = mlops_dictionary_text(reader->tags, (uint32_t)i, &length);
		if (strlen(names[i]) != length || !mlops_text_is_utf8(names[i], length))
			ok = mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0,
						"a tag's name is not UTF-8, or has a NUL character in it");
	}
	if (ok)
		qsort(names, reader->n_known, sizeof *names, compare_texts);
	for (size_t i = 0; i < reader->n_known && ok; i++) {
		ok = add_column(reader, names[i], MLOPS_COLUMN_NUMBER, error);
		if (ok)
			reader->tag_column[mlops_dictionary_find(reader->tags, names[i], strlen(names[i]))] =
				(uint32_t)i;
	}
	reader->grid.n_tags = reader->n_known;
	free(names);
	return ok;
}

static bool make_columns(struct pivot_reader *reader, struct mlops_error *error)
{
	const struct mlops_pivot_options *pivot = reader->options->pivot;
	const struct mlops_column_info *columns = reader->inner->columns;
	bool has_id = reader->columns[ID] != MLOPS_NO_COLUMN;

	reader->base.columns = calloc(reader->n_known + pivot->n_tags + 2, sizeof *reader->base.columns);
	if (reader->base.columns == NULL)
		return mlops_error_set_memory(error);
	reader->base.has_time = reader->base.knows_id = true;
	reader->base.id_column = has_id ? 1 : SIZE_MAX;
	if (!add_column(reader, columns[reader->columns[TIME]].name, MLOPS_COLUMN_TEXT, error) ||
	    (has_id && !add_column(reader, columns[reader->columns[ID]].name, MLOPS_COLUMN_TEXT, error)) ||
	    !(pivot->n_tags > 0 ? add_listed_tags(reader, error) : add_seen_tags(reader, error)))
		return false;
	reader->values = calloc(reader->grid.n_tags + 1, sizeof *reader->values);
	return reader->values != NULL || mlops_error_set_memory(error);
}

/* Reads the first samples, which say what the columns are. */
static bool read_window(struct pivot_reader *reader, struct mlops_error *error)
{
	const struct mlops_pivot_options *pivot = reader->options->pivot;

	reader->in_window = true;
	do {
		fill_queue(reader);
	} while (reader->failed.code == MLOPS_OK && !reader->inner_ended &&
		 reader->n_queue < WINDOW_SAMPLES &&
		 (!reader->options->interactive || reader->chunk->rows == MLOPS_CHUNK_ROWS));
	if (reader->n_queue == 0 && reader->failed.code != MLOPS_OK) {
		if (error != NULL && error->code == MLOPS_OK)
			*error = reader->failed;
		return false;
	}
	if (reader->n_known == 0 && pivot->n_tags == 0)
		return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0,
					  "no sample has a tag and a time");
	if (!make_columns(reader, error))
		return false;
	reader->in_window = false;
	return true;
}

/* Gives a sample to its sensor; false when it is left out, or reader->failed is set. */
static bool hand_to_sensor(struct pivot_reader *reader, const struct sample *sample)
{
	uint32_t column = reader->tag_column[sample->tag];
	struct mlops_pivot_sample put = { sample->time, sample->line, column, sample->value };

	if (column == NO_TAG) {
		reader->stray++;
		return false;
	}
	if (sample->quality[reader->classic] == MLOPS_QUALITY_BAD)
		put.value = NAN;
	if (sample->id >= reader->n_sensors) {
		size_t room = sample->id + 1;

		if (room > reader->n_sensors_room) {
			room = room < 16 ? 16 : 2 * room;
			struct mlops_pivot_sensor *sensors = reallocarray(reader->sensors, room,
									  sizeof *sensors);

			if (sensors == NULL)
				return mlops_error_set_memory(&reader->failed);
			reader->sensors = sensors;
			reader->n_sensors_room = room;
		}
		for (; reader->n_sensors <= sample->id; reader->n_sensors++)
			if (!mlops_pivot_sensor_init(&reader->sensors[reader->n_sensors], reader->grid.n_tags,
						     &reader->failed))
				return false;
	}
	switch (mlops_pivot_sensor_put(&reader->sensors[sample->id], &reader->grid, &put)) {
	case MLOPS_PIVOT_PUT:
		return true;
	case MLOPS_PIVOT_LATE:
		reader->late++;
		return false;
	case MLOPS_PIVOT_FULL:
		return mlops_error_set_at(
			&reader->failed, MLOPS_DATA, reader->base.name, sample->line,
			"more than 4 million samples within the lateness; a shorter one needs less memory");
	case MLOPS_PIVOT_NO_MEMORY:
		break;
	}
	return mlops_error_set_memory(&reader->failed);
}

static bool put_value(struct mlops_chunk *chunk, size_t slot, float value)
{
	char text[MLOPS_NUMBER_TEXT];
	size_t length;

	if (chunk->columns[slot].type == MLOPS_COLUMN_NUMBER) {
		chunk->columns[slot].numbers[chunk->rows] = value;
		return true;
	}
	length = isnan(value) ? 0 : mlops_number_print_float(text, value);
	return mlops_chunk_put_text(chunk, slot, text, length, length > 0, length > 0);
}

static bool put_time(struct mlops_chunk *chunk, size_t slot, int64_t time)
{
	char text[MLOPS_TIME_TEXT];
	size_t length;

	if (chunk->columns[slot].type == MLOPS_COLUMN_TIME) {
		chunk->columns[slot].times[chunk->rows] = time;
		return true;
	}
	length = mlops_time_print(text, time);
	return mlops_chunk_put_text(chunk, slot, text, length, true, false);
}

static bool put_row(struct pivot_reader *reader, struct mlops_chunk *chunk, int64_t time)
{
	size_t first_tag = reader->base.n_columns - reader->grid.n_tags;
	bool ok = true;

	chunk->lines[chunk->rows] = reader->sensors[reader->current].line;
	for (size_t slot = 0; slot < reader->n_bound && ok; slot++) {
		size_t column = reader->bound[slot].column;

		if (column >= first_tag) {
			ok = put_value(chunk, slot, reader->values[column - first_tag]);
		} else if (column == reader->base.time_column) {
			ok = put_time(chunk, slot, time);
		} else {
			size_t length;
			const char *id = mlops_dictionary_text(reader->ids, (uint32_t)reader->current,
							       &length);

			ok = mlops_chunk_put_text(chunk, slot, id, length, length > 0, false);
		}
	}
	chunk->rows += ok;
	return ok || mlops_error_set_memory(&reader->failed);
}

/* The rows of a sensor that can be handed out; false when the chunk is full. */
static bool hand_out(struct pivot_reader *reader, struct mlops_chunk *chunk, size_t limit, bool flush)
{
	int64_t time;

	while (chunk->rows < limit) {
		if (!mlops_pivot_sensor_next(&reader->sensors[reader->current], &reader->grid, flush, &time,
					     reader->values) ||
		    !put_row(reader, chunk, time)) {
			reader->current = SIZE_MAX;
			return true;
		}
	}
	return false;
}

/* Moves on to the next sensor with something to say; false when there is nothing more for this chunk. */
static bool advance(struct pivot_reader *reader, const struct mlops_chunk *chunk)
{
	if (reader->queue_at < reader->n_queue) {
		const struct sample *sample = &reader->queue[reader->queue_at++];

		if (hand_to_sensor(reader, sample))
			reader->current = sample->id;
		return true;
	}
	if (reader->failed.code != MLOPS_OK)
		return false;
	if (!reader->inner_ended) {
		/* What there is goes out before we wait for more. */
		if (chunk->rows > 0 && reader->options->interactive)
			return false;
		reader->n_queue = reader->queue_at = 0;
		fill_queue(reader);
		return true;
	}
	if (reader->flushed == reader->n_sensors)
		return false;
	reader->current = reader->flushed++;
	return true;
}

static void take_counts(struct pivot_reader *reader, size_t rows)
{
	struct mlops_read_counts *counts = &reader->base.counts;
	uint64_t before = counts->rows;

	*counts = reader->inner->counts;
	counts->rows = before + rows;
	counts->late = reader->late;
	counts->stray = reader->stray;
	counts->skipped_rows += reader->skipped;
	counts->nulled_cells += reader->nulled;
	counts->parse += reader->parse;
}

static bool pivot_next(struct mlops_reader *base, struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct pivot_reader *reader = (struct pivot_reader *)base;
	size_t limit = reader->options->one_row ? 1 : MLOPS_CHUNK_ROWS;

	mlops_chunk_clear(chunk);
	if (reader->bound == NULL || chunk->n_columns != reader->n_bound)
		return mlops_error_set(error, MLOPS_BUG, "a chunk of %zu columns for a reader with %zu bound",
				       chunk->n_columns, reader->n_bound);
	for (;;) {
		if (reader->current != SIZE_MAX && !hand_out(reader, chunk, limit, reader->flushed > 0))
			break;
		if (!advance(reader, chunk))
			break;
	}
	take_counts(reader, chunk->rows);
	if (chunk->rows > 0 || reader->failed.code == MLOPS_OK)
		return true;
	if (error != NULL && error->code == MLOPS_OK)
		*error = reader->failed;
	return false;
}

static bool pivot_bind(struct mlops_reader *base, const struct mlops_binding *bindings, size_t n,
		       struct mlops_error *error)
{
	struct pivot_reader *reader = (struct pivot_reader *)base;
	size_t first_tag = base->n_columns - reader->grid.n_tags;
	char masked[MLOPS_TEXT_QUOTED];

	if (reader->bound != NULL)
		return mlops_error_set(error, MLOPS_BUG, "a reader's columns are bound twice");
	reader->bound = calloc(n + 1, sizeof *reader->bound);
	if (reader->bound == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < n; i++) {
		size_t column = bindings[i].column;

		if (column >= base->n_columns)
			return mlops_error_set(error, MLOPS_BUG, "column %zu of %zu is bound", column,
					       base->n_columns);
		if (bindings[i].type != MLOPS_COLUMN_TEXT &&
		    bindings[i].type != (column >= first_tag	       ? MLOPS_COLUMN_NUMBER
					 : column == base->time_column ? MLOPS_COLUMN_TIME
								       : MLOPS_COLUMN_TEXT))
			return mlops_error_set_at(error, MLOPS_DATA, base->name, 0,
						  "column \"%s\" is no %s in the long layout",
						  mlops_text_mask(masked, base->columns[column].name,
								  strlen(base->columns[column].name)),
						  bindings[i].type == MLOPS_COLUMN_TIME ? "time" : "number");
		reader->bound[reader->n_bound++] = bindings[i];
	}
	return true;
}

static void pivot_free(struct mlops_reader *base)
{
	struct pivot_reader *reader = (struct pivot_reader *)base;

	mlops_reader_free(reader->inner);
	for (size_t i = 0; i < base->n_columns; i++)
		free(base->columns[i].name);
	free(base->columns);
	mlops_chunk_free(reader->chunk);
	mlops_dictionary_free(reader->tags);
	mlops_dictionary_free(reader->ids);
	for (size_t i = 0; i < reader->n_sensors; i++)
		mlops_pivot_sensor_release(&reader->sensors[i]);
	free(reader->sensors);
	free(reader->tag_column);
	free(reader->queue);
	free(reader->values);
	free(reader->bound);
	free(reader);
}

static const struct mlops_reader_ops pivot_ops = { .bind = pivot_bind,
						   .next = pivot_next,
						   .free = pivot_free };

struct mlops_reader *mlops_pivot_open(struct mlops_reader *inner, const struct mlops_read_options *options,
				      struct mlops_error *error)
{
	const struct mlops_pivot_options *pivot = options->pivot;
	struct pivot_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL) {
		mlops_reader_free(inner);
		mlops_error_set_memory(error);
		return NULL;
	}
	reader->base.ops = &pivot_ops;
	reader->base.name = inner->name;
	reader->inner = inner;
	reader->options = options;
	reader->current = SIZE_MAX;
	reader->grid = (struct mlops_pivot_grid){ .every = pivot->every,
						  .hold = pivot->hold > 0 ? pivot->hold
									  : HOLD_STEPS * pivot->every,
						  .lateness = pivot->lateness };
	reader->tags = mlops_dictionary_new(error);
	reader->ids = mlops_dictionary_new(error);
	if (reader->tags != NULL && reader->ids != NULL && choose_columns(reader, error) &&
	    bind_inner(reader, error) && read_window(reader, error))
		return &reader->base;
	pivot_free(&reader->base);
	return NULL;
}
