#include "rows/history.h"

#include "base/number.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES ((size_t)64 << 10)

enum member { SENSOR, DATA, STEPS, N_MEMBERS };

static const char *const member_names[N_MEMBERS] = { "sensor_id", "historical_data", "forecast_steps" };

struct mlops_history_reader {
	struct mlops_json_stream stream;
	struct mlops_read_counts counts;
	struct mlops_read_options options;
	/* of the object that is being read */
	struct mlops_json_slice slices[N_MEMBERS];
	bool seen[N_MEMBERS];
	uint64_t object;     /* its number; what was seen of another one is stale */
	char problem[200];   /* the first thing wrong with its members; empty: none */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The member that a key names, N_MEMBERS for others.  Keys with escapes name none: nobody writes these names so. */
static size_t member_of(const char *bytes, const struct mlops_json_slice *key)
{
	size_t m = 0;

	while (m < N_MEMBERS && (strlen(member_names[m]) != key->length ||
				 memcmp(bytes + key->start, member_names[m], key->length) != 0))
		m++;
	return m;
}

/* What the first object's bytes say, as far as there are any. */
enum verdict { ROWS, HISTORIES, UNKNOWN };

static enum verdict look_at(const char *bytes, size_t length)
{
	struct mlops_json_scan scan;
	enum mlops_json_event event;

	mlops_json_scan_start(&scan);
	do {
		size_t m;

		event = mlops_json_scan_next(&scan, bytes, length);
		m = member_of(bytes, &scan.key);
		if (m == DATA || m == STEPS)
			return HISTORIES;
		if (event == MLOPS_JSON_MEMBER ? scan.value.kind == MLOPS_JSON_ARRAY
					       : scan.depth > 1 && (scan.is_object & 2) == 0)
			return HISTORIES;
	} while (event == MLOPS_JSON_MEMBER);
	return event == MLOPS_JSON_MORE ? UNKNOWN : ROWS;
}

static enum verdict judge(const struct mlops_buffer *head)
{
	const char *bytes = head->data;
	size_t at = 0;

	if (head->length < 3)
		return UNKNOWN;
	if (memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < head->length && is_space(bytes[at]))
		at++;
	if (at < head->length && bytes[at] == '[')
		at++;
	while (at < head->length && is_space(bytes[at]))
		at++;
	if (at == head->length)
		return UNKNOWN;
	return bytes[at] == '{' ? look_at(bytes + at, head->length - at) : ROWS;
}

bool mlops_history_probe(struct mlops_source *source, struct mlops_buffer *head, bool *histories,
			 struct mlops_error *error)
{
	enum verdict verdict = UNKNOWN;
	size_t got = 1;

	while (verdict == UNKNOWN && got > 0 && head->length < HEAD_BYTES) {
		char *room = mlops_buffer_reserve(head, HEAD_BYTES - head->length);

		if (room == NULL)
			return mlops_error_set_memory(error);
		if (!mlops_source_read(source, room, HEAD_BYTES - head->length, &got, error))
			return false;
		head->length += got;
		verdict = judge(head);
	}
	*histories = verdict == HISTORIES;
	return true;
}

/* Remembers a sentence about the object; the first one stays. */
__attribute__((format(printf, 2, 3)))
static void complain(struct mlops_history_reader *reader, const char *format, ...)
{
	va_list arguments;

	if (reader->problem[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(reader->problem, sizeof reader->problem, format, arguments);
	va_end(arguments);
}

static bool take_member(void *context, const struct mlops_json_scan *scan, struct mlops_error *error)
{
	struct mlops_history_reader *reader = context;
	const char *bytes = mlops_json_stream_bytes(&reader->stream);
	size_t m = member_of(bytes, &scan->key);
	char key[MLOPS_TEXT_QUOTED];
	const char *nearest;

	(void)error;
	if (reader->object != reader->stream.object) {
		reader->object = reader->stream.object;
		memset(reader->seen, 0, sizeof reader->seen);
		reader->problem[0] = '\0';
	}
	if (m < N_MEMBERS) {
		if (reader->seen[m])
			complain(reader, "\"%s\" comes twice in one object", member_names[m]);
		reader->seen[m] = true;
		reader->slices[m] = scan->value;
		return true;
	}
	mlops_text_mask(key, bytes + scan->key.start, scan->key.length);
	nearest = mlops_text_nearest(key, member_names, N_MEMBERS);
	if (nearest != NULL)
		complain(reader, "\"%s\" is unknown; did you mean \"%s\"?", key, nearest);
	return true;
}

/* What an element is that is no number. */
static const char *kind_of(const char *bytes)
{
	switch (bytes[0]) {
	case 'n':
		return "null";
	case 't':
	case 'f':
		return "true or false";
	case '"':
		return "a text";
	case '[':
		return "a list";
	default:
		return "an object";
	}
}

static bool make_room(struct mlops_history *history, struct mlops_error *error)
{
	size_t room = history->room + history->room / 2 + 64;
	float *values;

	/* Values that nobody asks for make room first, in large steps. */
	if (history->n > history->keep && history->n >= 2 * history->keep) {
		memmove(history->values, history->values + history->n - history->keep,
			history->keep * sizeof *history->values);
		history->n = history->keep;
	}
	if (history->n < history->room)
		return true;
	values = reallocarray(history->values, room, sizeof *values);
	if (values == NULL)
		return mlops_error_set_memory(error);
	history->values = values;
	history->room = room;
	return true;
}

/* The elements of a list that is JSON already. */
static bool take_values(struct mlops_history_reader *reader, const char *list, size_t length,
			struct mlops_history *history, struct mlops_error *error)
{
	char masked[MLOPS_TEXT_QUOTED];
	size_t at = 1;

	for (;;) {
		size_t start;
		float value;

		while (is_space(list[at]) || list[at] == ',')
			at++;
		if (list[at] == ']')
			break;
		start = at;
		while (at < length && !is_space(list[at]) && list[at] != ',' && list[at] != ']')
			at++;
		if (list[start] != '-' && (list[start] < '0' || list[start] > '9')) {
			complain(reader, "\"historical_data\"[%llu] is %s; a number is needed",
				 (unsigned long long)history->count, kind_of(list + start));
			return true;
		}
		if (mlops_number_parse_float(list + start, at - start, '.', &value) != MLOPS_NUMBER_OK) {
			complain(reader, "\"historical_data\"[%llu]: '%s' is too large for float32",
				 (unsigned long long)history->count, mlops_text_mask(masked, list + start, at - start));
			return true;
		}
		if (!make_room(history, error))
			return false;
		history->values[history->n++] = value;
		history->count++;
	}
	if (history->n > history->keep) {
		memmove(history->values, history->values + history->n - history->keep,
			history->keep * sizeof *history->values);
		history->n = history->keep;
	}
	return true;
}

static void take_steps(struct mlops_history_reader *reader, const char *bytes, const struct mlops_json_slice *slice,
		       struct mlops_history *history)
{
	char masked[MLOPS_TEXT_QUOTED];

	if (slice->kind == MLOPS_JSON_NULL)
		return;
	if (slice->kind != MLOPS_JSON_NUMBER ||
	    !mlops_number_parse_uint(bytes + slice->start, slice->length, &history->steps) || history->steps == 0 ||
	    history->steps > MLOPS_HISTORY_MOST_STEPS)
		complain(reader, "\"forecast_steps\": '%s' is no whole number from 1 to %d",
			 mlops_text_mask(masked, bytes + slice->start, slice->length), MLOPS_HISTORY_MOST_STEPS);
}

/* The sensor as it stands in the object, a string with its quotes. */
static bool take_sensor(struct mlops_history_reader *reader, const char *bytes, const struct mlops_json_slice *slice,
			struct mlops_history *history, struct mlops_error *error)
{
	size_t quote = slice->kind == MLOPS_JSON_STRING;
	size_t length = slice->length + 2 * quote;
	char *sensor;

	if (slice->kind == MLOPS_JSON_NULL)
		return true;
	if (slice->kind != MLOPS_JSON_STRING && slice->kind != MLOPS_JSON_NUMBER) {
		complain(reader, "\"sensor_id\" is %s; a text is needed", kind_of(bytes + slice->start));
		return true;
	}
	if (length > history->sensor_room) {
		sensor = realloc(history->sensor, length);
		if (sensor == NULL)
			return mlops_error_set_memory(error);
		history->sensor = sensor;
		history->sensor_room = length;
	}
	memcpy(history->sensor, bytes + slice->start - quote, length);
	history->sensor_length = length;
	return true;
}

/* The object that the stream has found; what is wrong with it goes to problem. */
static bool take_object(struct mlops_history_reader *reader, struct mlops_history *history, struct mlops_error *error)
{
	const char *bytes = mlops_json_stream_bytes(&reader->stream);
	const struct mlops_json_slice *data = &reader->slices[DATA];

	history->n = 0;
	history->count = history->steps = 0;
	history->sensor_length = 0;
	history->line = reader->stream.line;
	if (reader->object != reader->stream.object) {
		memset(reader->seen, 0, sizeof reader->seen);
		reader->problem[0] = '\0';
	}
	if (reader->seen[SENSOR] && !take_sensor(reader, bytes, &reader->slices[SENSOR], history, error))
		return false;
	if (!reader->seen[DATA])
		complain(reader, "\"historical_data\" is missing, the list of the sensor's last values");
	else if (data->kind != MLOPS_JSON_ARRAY)
		complain(reader, "\"historical_data\" is no list of numbers");
	else if (!take_values(reader, bytes + data->start, data->length, history, error))
		return false;
	if (reader->seen[STEPS])
		take_steps(reader, bytes, &reader->slices[STEPS], history);
	return true;
}

struct mlops_history_reader *mlops_history_open(struct mlops_source *source, const struct mlops_buffer *head,
						const struct mlops_read_options *options, struct mlops_error *error)
{
	struct mlops_history_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	reader->options = *options;
	reader->stream = (struct mlops_json_stream){
		.source = source, .options = &reader->options, .counts = &reader->counts, .member = take_member,
		.context = reader, .line = 1,
	};
	if (head->length > 0)
		mlops_buffer_append(&reader->stream.buffer, head->data, head->length);
	if (reader->stream.buffer.failed)
		mlops_error_set_memory(error);
	else if (mlops_json_stream_start(&reader->stream, error))
		return reader;
	mlops_history_close(reader);
	return NULL;
}

enum mlops_json_step mlops_history_next(struct mlops_history_reader *reader, bool may_wait,
					struct mlops_history *history, struct mlops_error *error)
{
	for (;;) {
		enum mlops_json_step step = mlops_json_stream_next(&reader->stream, !may_wait, error);

		if (step != MLOPS_JSON_STEP_OK)
			return step;
		if (!take_object(reader, history, error))
			return MLOPS_JSON_STEP_FAILED;
		mlops_json_stream_advance(&reader->stream);
		if (reader->problem[0] == '\0') {
			reader->counts.rows++;
			return MLOPS_JSON_STEP_OK;
		}
		if (reader->options.on_error != MLOPS_ON_ERROR_SKIP) {
			mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(reader->stream.source), history->line, "%s",
					   reader->problem);
			return MLOPS_JSON_STEP_FAILED;
		}
		reader->counts.skipped_rows++;
	}
}

const struct mlops_read_counts *mlops_history_counts(const struct mlops_history_reader *reader)
{
	return &reader->counts;
}

void mlops_history_close(struct mlops_history_reader *reader)
{
	if (reader == NULL)
		return;
	mlops_buffer_release(&reader->stream.buffer);
	free(reader);
}

void mlops_history_release(struct mlops_history *history)
{
	free(history->values);
	free(history->sensor);
	*history = (struct mlops_history){ .keep = history->keep };
}
