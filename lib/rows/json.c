/* Columns and cells of JSON; which objects there are, json_stream.h knows. */
#include "rows/cell.h"
#include "rows/dictionary.h"
#include "rows/json_stream.h"

#include "base/text.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_ROWS 1000
#define CHUNK_BYTES ((size_t)4 << 20) /* a chunk ends with the object that passes this */
#define MAX_COLUMNS 65536

/* The last object's value of a column; stale unless row is the reader's. */
struct value {
	struct mlops_json_slice slice;
	uint64_t row;
};

struct json_reader {
	struct mlops_reader base;
	struct mlops_read_options options;
	struct mlops_json_stream stream;
	struct mlops_buffer scratch; /* a string without its escapes */
	struct mlops_dictionary *names;
	struct value *values;        /* [n_columns] */
	uint64_t row;                /* number of the object in values */
	size_t expected;             /* the column whose key comes next if this object is like the last one */
	size_t twice;                /* a column whose key came twice in this object, or SIZE_MAX */
	struct mlops_binding *bindings;
	size_t n_bindings;
	bool is_bound;
	struct mlops_error failed;   /* comes behind the rows ahead of it */
};

/* What the first window said about a column. */
struct impression {
	size_t present, numbers;
};

static bool data_error(const struct json_reader *reader, const char *message, struct mlops_error *error)
{
	return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, reader->stream.line, "%s", message);
}

static bool slice_is(const struct json_reader *reader, size_t column, const char *bytes, size_t length)
{
	size_t name_length;
	const char *name = mlops_dictionary_text(reader->names, (uint32_t)column, &name_length);

	return name_length == length && memcmp(name, bytes, length) == 0;
}

/* The bytes a string stands for; they stay until the next call.  NULL when memory ran out. */
static const char *string_of(struct json_reader *reader, const struct mlops_json_slice *slice, size_t *length)
{
	const char *raw = mlops_json_stream_bytes(&reader->stream) + slice->start;
	char *out;

	*length = slice->length;
	if (!slice->escaped)
		return raw;
	mlops_buffer_clear(&reader->scratch);
	out = mlops_buffer_reserve(&reader->scratch, slice->length);
	if (out != NULL)
		*length = mlops_json_unescape(out, raw, slice->length);
	return out;
}

/* Forgets the values of the object before, if they are still there. */
static void begin_row(struct json_reader *reader)
{
	if (reader->row == reader->stream.object)
		return;
	reader->row = reader->stream.object;
	reader->expected = 0;
	reader->twice = SIZE_MAX;
}

/* Puts a member's value into its column's place. */
static bool take_member(void *context, const struct mlops_json_scan *scan, struct mlops_error *error)
{
	struct json_reader *reader = context;
	const char *name;
	size_t length, column;

	begin_row(reader);
	column = reader->expected;
	name = string_of(reader, &scan->key, &length);
	if (name == NULL)
		return mlops_error_set_memory(error);
	if (column >= reader->base.n_columns || !slice_is(reader, column, name, length)) {
		uint32_t code = mlops_dictionary_find(reader->names, name, length);

		if (code == MLOPS_DICTIONARY_NONE)
			return true;
		column = code;
	}
	if (reader->values[column].row == reader->row)
		reader->twice = column;
	reader->values[column] = (struct value){ .slice = scan->value, .row = reader->row };
	reader->expected = column + 1;
	return true;
}

static const char *kind_name(enum mlops_json_kind kind)
{
	switch (kind) {
	case MLOPS_JSON_ARRAY:
		return "an array";
	case MLOPS_JSON_OBJECT:
		return "an object";
	case MLOPS_JSON_TRUE:
		return "true";
	case MLOPS_JSON_FALSE:
		return "false";
	default:
		return "a value";
	}
}

/* A bad cell, or a row with a key twice.  Returns true to go on with a missing value or without the row. */
static bool tolerate(struct json_reader *reader, struct mlops_chunk *chunk, enum mlops_cell_status status,
		     const struct mlops_error *trouble, struct mlops_error *error)
{
	if (reader->options.on_error == MLOPS_ON_ERROR_STOP) {
		if (error != NULL)
			*error = *trouble;
		return false;
	}
	if (status == MLOPS_CELL_NOT_FINITE)
		reader->base.counts.not_finite++;
	else
		reader->base.counts.parse++;
	if (reader->options.on_error == MLOPS_ON_ERROR_NULL) {
		reader->base.counts.nulled_cells++;
		chunk->marks[chunk->rows] |=
			status == MLOPS_CELL_NOT_FINITE ? MLOPS_MARK_NOT_FINITE : MLOPS_MARK_PARSE;
	}
	return true;
}

static enum mlops_cell_status convert_text(const struct json_reader *reader, enum mlops_column_type type,
					   enum mlops_json_kind kind, const char *bytes, size_t length,
					   void *out)
{
	const struct mlops_read_options *options = &reader->options;
	/* JSON's own numbers have a point; strings may have been copied from a CSV file with commas */
	char decimal = kind == MLOPS_JSON_STRING && options->decimal != 0 ? options->decimal : '.';

	if (type == MLOPS_COLUMN_TIME)
		return mlops_cell_to_time(options, bytes, length, out);
	return mlops_cell_to_number(options, bytes, length, decimal, out);
}

static void set_missing(struct mlops_column *column, size_t row)
{
	if (column->type == MLOPS_COLUMN_NUMBER)
		column->numbers[row] = NAN;
	else
		column->times[row] = MLOPS_TIME_MISSING;
}

/* Number and time cells.  *is_bad: the cell could not be converted, and that was tolerated. */
static bool convert_cell(struct json_reader *reader, size_t column_index, struct mlops_chunk *chunk,
			 size_t slot, bool *is_bad, struct mlops_error *error)
{
	struct mlops_column *column = &chunk->columns[slot];
	size_t row = chunk->rows;
	const struct mlops_column_info *info = &reader->base.columns[column_index];
	struct mlops_json_slice slice = reader->values[column_index].slice;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	enum mlops_cell_status status = MLOPS_CELL_OK;
	bool is_time = column->type == MLOPS_COLUMN_TIME;
	size_t length = slice.length;
	const char *bytes;

	*is_bad = false;
	if (reader->values[column_index].row != reader->row || slice.kind == MLOPS_JSON_NULL) {
		set_missing(column, row);
		return true;
	}
	if (slice.kind == MLOPS_JSON_STRING || slice.kind == MLOPS_JSON_NUMBER) {
		bytes = string_of(reader, &slice, &length);
		if (bytes == NULL)
			return mlops_error_set_memory(error);
		status = convert_text(reader, column->type, slice.kind, bytes, length,
				      is_time ? (void *)&column->times[row] : (void *)&column->numbers[row]);
		if (status == MLOPS_CELL_OK)
			return true;
		mlops_cell_error(status, reader->base.name, reader->stream.line, info->name, bytes, length,
				 &trouble);
	} else if (!is_time && (slice.kind == MLOPS_JSON_TRUE || slice.kind == MLOPS_JSON_FALSE)) {
		column->numbers[row] = slice.kind == MLOPS_JSON_TRUE ? 1 : 0;
		return true;
	} else {
		char name[MLOPS_TEXT_QUOTED];

		mlops_error_set_at(&trouble, MLOPS_DATA, reader->base.name, reader->stream.line,
				   "column \"%s\": expected a %s, found %s",
				   mlops_text_mask(name, info->name, strlen(info->name)),
				   is_time ? "time" : "number", kind_name(slice.kind));
	}
	*is_bad = true;
	set_missing(column, row);
	return tolerate(reader, chunk, status, &trouble, error);
}

static bool convert_text_cell(struct json_reader *reader, size_t column_index, struct mlops_chunk *chunk,
			      size_t column, bool *is_bad, struct mlops_error *error)
{
	const struct mlops_column_info *info = &reader->base.columns[column_index];
	struct mlops_json_slice slice = reader->values[column_index].slice;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	char name[MLOPS_TEXT_QUOTED];
	const char *bytes = "";
	size_t length = 0;
	bool present = reader->values[column_index].row == reader->row && slice.kind != MLOPS_JSON_NULL;

	*is_bad = false;
	if (present && slice.kind >= MLOPS_JSON_ARRAY) {
		mlops_error_set_at(&trouble, MLOPS_DATA, reader->base.name, reader->stream.line,
				   "column \"%s\": expected a text, found %s",
				   mlops_text_mask(name, info->name, strlen(info->name)),
				   kind_name(slice.kind));
		if (!tolerate(reader, chunk, MLOPS_CELL_NOT_NUMBER, &trouble, error))
			return false;
		*is_bad = true;
		present = false;
	}
	if (present) {
		bytes = string_of(reader, &slice, &length);
		if (bytes == NULL)
			return mlops_error_set_memory(error);
		if (mlops_cell_is_missing(&reader->options, bytes, length))
			present = false;
	}
	if (!mlops_chunk_put_text(chunk, column, bytes, present ? length : 0, present,
				  present && slice.kind == MLOPS_JSON_NUMBER))
		return mlops_error_set_memory(error);
	return true;
}

/* *take: the row is complete and counts. */
static bool convert_row(struct json_reader *reader, struct mlops_chunk *chunk, bool *take,
			struct mlops_error *error)
{
	*take = true;
	begin_row(reader);
	if (reader->twice != SIZE_MAX) {
		char name[MLOPS_TEXT_QUOTED];
		const char *key = reader->base.columns[reader->twice].name;

		if (reader->options.on_error != MLOPS_ON_ERROR_SKIP)
			return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, reader->stream.line,
						  "key \"%s\" twice in one object",
						  mlops_text_mask(name, key, strlen(key)));
		reader->base.counts.ragged++;
		*take = false;
		return true;
	}
	for (size_t i = 0; i < reader->n_bindings; i++) {
		struct mlops_column *column = &chunk->columns[i];
		size_t index = reader->bindings[i].column;
		bool is_bad, fine;

		if (column->type == MLOPS_COLUMN_TEXT)
			fine = convert_text_cell(reader, index, chunk, i, &is_bad, error);
		else
			fine = convert_cell(reader, index, chunk, i, &is_bad, error);
		if (!fine)
			return false;
		if (is_bad && reader->options.on_error == MLOPS_ON_ERROR_SKIP) {
			*take = false;
			return true;
		}
	}
	return true;
}

static bool json_next(struct mlops_reader *base, struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct json_reader *reader = (struct json_reader *)base;
	size_t limit = reader->options.one_row ? 1 : MLOPS_CHUNK_ROWS;
	size_t bytes = 0;

	mlops_chunk_clear(chunk);
	while (reader->failed.code == MLOPS_OK && chunk->rows < limit && bytes < CHUNK_BYTES) {
		enum mlops_json_step step = mlops_json_stream_next(&reader->stream, chunk->rows > 0, &reader->failed);
		bool take;

		if (step != MLOPS_JSON_STEP_OK || !convert_row(reader, chunk, &take, &reader->failed))
			break;
		if (take) {
			chunk->lines[chunk->rows++] = reader->stream.line;
			base->counts.rows++;
			bytes += reader->stream.scan.at;
		} else {
			base->counts.skipped_rows++;
		}
		mlops_json_stream_advance(&reader->stream);
	}
	if (chunk->rows > 0 || reader->failed.code == MLOPS_OK)
		return true;
	if (error != NULL && error->code == MLOPS_OK)
		*error = reader->failed;
	return false;
}

static bool json_bind(struct mlops_reader *base, const struct mlops_binding *bindings, size_t n,
		      struct mlops_error *error)
{
	struct json_reader *reader = (struct json_reader *)base;

	if (reader->is_bound)
		return mlops_error_set(error, MLOPS_BUG, "a reader is bound twice");
	for (size_t i = 0; i < n; i++)
		if (bindings[i].column >= base->n_columns)
			return mlops_error_set(error, MLOPS_BUG, "column %zu of %zu is bound",
					       bindings[i].column, base->n_columns);
	reader->bindings = calloc(n > 0 ? n : 1, sizeof *reader->bindings);
	if (reader->bindings == NULL)
		return mlops_error_set_memory(error);
	if (n > 0)
		memcpy(reader->bindings, bindings, n * sizeof *bindings);
	reader->n_bindings = n;
	reader->is_bound = true;
	return true;
}

static void json_free(struct mlops_reader *base)
{
	struct json_reader *reader = (struct json_reader *)base;

	if (reader == NULL)
		return;
	for (size_t i = 0; i < base->n_columns; i++)
		free(base->columns[i].name);
	free(base->columns);
	free(reader->values);
	free(reader->bindings);
	mlops_dictionary_free(reader->names);
	mlops_buffer_release(&reader->stream.buffer);
	mlops_buffer_release(&reader->scratch);
	free(reader);
}

static const struct mlops_reader_ops json_ops = { .bind = json_bind, .next = json_next, .free = json_free };

/* The column of a key, made if it is new. */
static bool add_column(struct json_reader *reader, struct impression **impressions, size_t *capacity,
		       size_t *column, struct mlops_error *error)
{
	struct mlops_reader *base = &reader->base;
	char masked[MLOPS_TEXT_QUOTED];
	size_t length;
	const char *name = string_of(reader, &reader->stream.scan.key, &length);
	uint32_t code;

	if (name == NULL)
		return mlops_error_set_memory(error);
	if (length == 0)
		return data_error(reader, "a key is empty", error);
	if (memchr(name, '\0', length) != NULL)
		return mlops_error_set_at(error, MLOPS_DATA, base->name, reader->stream.line,
					  "key \"%s\" has a NUL character in it",
					  mlops_text_mask(masked, name, length));
	code = mlops_dictionary_add(reader->names, name, length);
	if (code == MLOPS_DICTIONARY_NONE)
		return mlops_error_set_memory(error);
	*column = code;
	if (code < base->n_columns)
		return true;
	if (base->n_columns == MAX_COLUMNS)
		return mlops_error_set_at(error, MLOPS_DATA, base->name, reader->stream.line,
					  "more than %d columns", MAX_COLUMNS);
	if (base->n_columns == *capacity) {
		size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
		struct mlops_column_info *columns = reallocarray(base->columns, wanted, sizeof *columns);
		struct impression *more;

		if (columns == NULL)
			return mlops_error_set_memory(error);
		base->columns = columns;
		more = reallocarray(*impressions, wanted, sizeof *more);
		if (more == NULL)
			return mlops_error_set_memory(error);
		*impressions = more;
		*capacity = wanted;
	}
	(*impressions)[code] = (struct impression){ 0 };
	base->columns[code] = (struct mlops_column_info){ .name = strndup(name, length) };
	base->n_columns++;
	return base->columns[code].name != NULL || mlops_error_set_memory(error);
}

static bool note_value(struct json_reader *reader, struct impression *impression, struct mlops_error *error)
{
	const struct mlops_json_slice *slice = &reader->stream.scan.value;
	enum mlops_cell_status status = MLOPS_CELL_NOT_NUMBER;
	float number = 0;

	if (slice->kind == MLOPS_JSON_NULL)
		return true;
	if (slice->kind == MLOPS_JSON_STRING || slice->kind == MLOPS_JSON_NUMBER) {
		size_t length;
		const char *bytes = string_of(reader, slice, &length);

		if (bytes == NULL)
			return mlops_error_set_memory(error);
		status = convert_text(reader, MLOPS_COLUMN_NUMBER, slice->kind, bytes, length, &number);
		if (status == MLOPS_CELL_OK && isnan(number))
			return true;
	} else if (slice->kind == MLOPS_JSON_TRUE || slice->kind == MLOPS_JSON_FALSE) {
		status = MLOPS_CELL_OK;
	}
	impression->present++;
	impression->numbers += status == MLOPS_CELL_OK || status == MLOPS_CELL_NOT_FINITE;
	return true;
}

/* The columns of the object at `at`, which is known to be sound. */
static bool note_object(struct json_reader *reader, struct impression **impressions, size_t *capacity,
			struct mlops_error *error)
{
	const char *bytes = mlops_json_stream_bytes(&reader->stream);
	size_t length = reader->stream.scan.at;
	size_t column = 0;

	mlops_json_scan_start(&reader->stream.scan);
	while (mlops_json_scan_next(&reader->stream.scan, bytes, length) == MLOPS_JSON_MEMBER)
		if (!add_column(reader, impressions, capacity, &column, error) ||
		    !note_value(reader, &(*impressions)[column], error))
			return false;
	return true;
}

/* Reads the window for columns and types, and goes back to its start. */
static bool read_window(struct json_reader *reader, struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct impression *impressions = NULL;
	size_t rows = 0, capacity = 0;
	enum mlops_json_step step = MLOPS_JSON_STEP_OK;
	bool fine = false;

	reader->stream.in_window = true;
	while (rows < WINDOW_ROWS && reader->stream.at < MLOPS_JSON_WINDOW) {
		step = mlops_json_stream_next(&reader->stream, rows > 0, &trouble);
		if (step != MLOPS_JSON_STEP_OK)
			break;
		if (!note_object(reader, &impressions, &capacity, error))
			goto done;
		mlops_json_stream_advance(&reader->stream);
		rows++;
	}
	/* Rows before the first broken one are handed out; then the error comes again. */
	if (rows == 0 && step == MLOPS_JSON_STEP_END && reader->base.counts.skipped_rows == 0) {
		reader->base.no_rows = true;
	} else if (rows == 0) {
		if (step == MLOPS_JSON_STEP_FAILED && error != NULL)
			*error = trouble;
		else
			mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0, "no data rows");
		goto done;
	}
	for (size_t i = 0; i < reader->base.n_columns; i++) {
		const struct impression *seen = &impressions[i];

		reader->base.columns[i].all_missing = seen->present == 0;
		reader->base.columns[i].guess = seen->present > 0 && seen->numbers * 2 <= seen->present ?
						MLOPS_COLUMN_TEXT : MLOPS_COLUMN_NUMBER;
	}
	reader->values = calloc(reader->base.n_columns + 1, sizeof *reader->values);
	if (reader->values == NULL) {
		mlops_error_set_memory(error);
		goto done;
	}
	mlops_json_stream_rewind(&reader->stream);
	reader->stream.member = take_member;
	memset(&reader->base.counts, 0, sizeof reader->base.counts);
	fine = true;

done:
	free(impressions);
	return fine;
}

struct mlops_reader *mlops_json_open_reader(struct mlops_source *source, const void *head, size_t head_length,
					    const struct mlops_read_options *options,
					    struct mlops_error *error)
{
	struct json_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	reader->base.ops = &json_ops;
	reader->base.name = mlops_source_name(source);
	reader->options = *options;
	reader->stream.source = source;
	reader->stream.options = &reader->options;
	reader->stream.counts = &reader->base.counts;
	reader->stream.context = reader;
	reader->stream.line = 1;
	if (head_length > 0)
		mlops_buffer_append(&reader->stream.buffer, head, head_length);
	reader->names = mlops_dictionary_new(error);
	if (reader->names == NULL)
		goto failed;
	if (reader->stream.buffer.failed) {
		mlops_error_set_memory(error);
		goto failed;
	}
	if (!mlops_json_stream_start(&reader->stream, error) || !read_window(reader, error))
		goto failed;
	return &reader->base;

failed:
	json_free(&reader->base);
	return NULL;
}
