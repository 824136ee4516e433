#include "rows/json_stream.h"

#include "base/text.h"

#include <string.h>

#define BLOCK_BYTES ((size_t)64 << 10)

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool data_error(const struct mlops_json_stream *stream, const char *message, struct mlops_error *error)
{
	return mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(stream->source), stream->line, "%s",
				  message);
}

/* More bytes behind those in the buffer. */
static enum mlops_json_step fill(struct mlops_json_stream *stream, bool has_rows, struct mlops_error *error)
{
	size_t got;
	char *room;

	if (stream->ended)
		return MLOPS_JSON_STEP_END;
	if (stream->options->interactive && has_rows && !mlops_source_ready(stream->source))
		return MLOPS_JSON_STEP_WAIT;
	/* The window is read twice, so what it holds must stay. */
	if (!stream->in_window && stream->at > 0) {
		stream->buffer.length -= stream->at;
		memmove(stream->buffer.data, stream->buffer.data + stream->at, stream->buffer.length);
		stream->at = 0;
	}
	room = mlops_buffer_reserve(&stream->buffer, BLOCK_BYTES);
	if (room == NULL) {
		mlops_error_set_memory(error);
		return MLOPS_JSON_STEP_FAILED;
	}
	if (!mlops_source_read(stream->source, room, BLOCK_BYTES, &got, error))
		return MLOPS_JSON_STEP_FAILED;
	stream->buffer.length += got;
	stream->ended = got == 0;
	return got == 0 ? MLOPS_JSON_STEP_END : MLOPS_JSON_STEP_OK;
}

static void count_lines(struct mlops_json_stream *stream, size_t end)
{
	const char *from = stream->buffer.data + stream->at;
	const char *stop = stream->buffer.data + end;

	while (from < stop && (from = memchr(from, '\n', (size_t)(stop - from))) != NULL) {
		stream->line++;
		from++;
	}
	stream->at = end;
}

static bool too_long(const struct mlops_json_stream *stream, struct mlops_error *error)
{
	return mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(stream->source), stream->line,
				  "row is longer than %zu bytes", stream->options->max_line);
}

static enum mlops_json_step pass_over_line(struct mlops_json_stream *stream, bool has_rows,
					   struct mlops_error *error)
{
	while (stream->resync) {
		size_t length = stream->buffer.length - stream->at;
		const char *from = stream->buffer.data + stream->at;
		const char *newline = length > 0 ? memchr(from, '\n', length) : NULL;
		enum mlops_json_step step;

		/* A newline too far off is none, wherever the blocks end. */
		if (newline != NULL &&
		    (size_t)(newline - from) + stream->passed_over <= stream->options->max_line) {
			count_lines(stream, stream->at + (size_t)(newline - from) + 1);
			stream->resync = false;
			break;
		}
		stream->at += length;
		stream->passed_over += length;
		if (stream->passed_over > stream->options->max_line) {
			too_long(stream, error);
			return MLOPS_JSON_STEP_FAILED;
		}
		step = fill(stream, has_rows, error);
		if (step == MLOPS_JSON_STEP_END)
			stream->resync = false;
		if (step != MLOPS_JSON_STEP_OK)
			return step;
	}
	return MLOPS_JSON_STEP_OK;
}

/* To the next byte that is not white space. */
static enum mlops_json_step pass_over_space(struct mlops_json_stream *stream, bool has_rows,
					    struct mlops_error *error)
{
	for (;;) {
		enum mlops_json_step step;

		while (stream->at < stream->buffer.length && is_space(stream->buffer.data[stream->at]))
			stream->line += stream->buffer.data[stream->at++] == '\n';
		if (stream->at < stream->buffer.length)
			return MLOPS_JSON_STEP_OK;
		if (stream->in_window && stream->at >= MLOPS_JSON_WINDOW)
			return MLOPS_JSON_STEP_END;
		step = fill(stream, has_rows, error);
		if (step != MLOPS_JSON_STEP_OK)
			return step;
	}
}

static bool unexpected(const struct mlops_json_stream *stream, const char *expected,
		       struct mlops_error *error)
{
	char found[MLOPS_TEXT_QUOTED];
	const char *bytes = stream->buffer.data + stream->at;
	size_t rest = stream->buffer.length - stream->at;
	size_t n = 1;

	/* a word or a number whole, for it says more than its first letter */
	while (n < rest && n < 32 && memchr(" \t\r\n,:\"{}[]", bytes[n], 11) == NULL)
		n++;
	return mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(stream->source), stream->line,
				  "broken JSON: expected %s, found '%s'", expected,
				  mlops_text_mask(found, bytes, n));
}

/* OK when an object begins at `at`.  Errors here have not moved `at`. */
static enum mlops_json_step find_object(struct mlops_json_stream *stream, bool has_rows,
					struct mlops_error *error)
{
	for (;;) {
		enum mlops_json_step step = pass_over_space(stream, has_rows, error);
		char c;

		if (step == MLOPS_JSON_STEP_END && stream->ended && stream->is_array &&
		    stream->place != MLOPS_JSON_AFTER_ARRAY) {
			data_error(stream, "broken JSON: the input ends before the array's \"]\"", error);
			return MLOPS_JSON_STEP_FAILED;
		}
		if (step != MLOPS_JSON_STEP_OK)
			return step;
		c = stream->buffer.data[stream->at];
		if (stream->place == MLOPS_JSON_AFTER_ARRAY) {
			unexpected(stream, "nothing behind the array", error);
			return MLOPS_JSON_STEP_FAILED;
		}
		if (stream->is_array && c == ']' && stream->place != MLOPS_JSON_AFTER_COMMA) {
			stream->place = MLOPS_JSON_AFTER_ARRAY;
		} else if (stream->is_array && stream->place == MLOPS_JSON_AFTER_OBJECT) {
			if (c != ',') {
				unexpected(stream, "\",\" or \"]\" behind an object", error);
				return MLOPS_JSON_STEP_FAILED;
			}
			stream->place = MLOPS_JSON_AFTER_COMMA;
		} else if (c == '{') {
			return MLOPS_JSON_STEP_OK;
		} else {
			unexpected(stream, "an object", error);
			return MLOPS_JSON_STEP_FAILED;
		}
		stream->at++;
	}
}

/* Scans the object at `at` to its end.  FAILED with *is_broken: the object is at fault, not the source. */
static enum mlops_json_step scan_object(struct mlops_json_stream *stream, bool has_rows, bool *is_broken,
					struct mlops_error *error)
{
	char message[MLOPS_JSON_MESSAGE];

	*is_broken = false;
	if (!stream->scanning) {
		mlops_json_scan_start(&stream->scan);
		stream->scanning = true;
		stream->object++;
	}
	for (;;) {
		const char *bytes = stream->buffer.data + stream->at;
		size_t length = stream->buffer.length - stream->at;
		enum mlops_json_step step;

		switch (mlops_json_scan_next(&stream->scan, bytes, length)) {
		case MLOPS_JSON_MEMBER:
			if (stream->member != NULL && !stream->member(stream->context, &stream->scan, error))
				return MLOPS_JSON_STEP_FAILED;
			continue;
		case MLOPS_JSON_END:
			stream->scanning = false;
			if (stream->scan.at <= stream->options->max_line)
				return MLOPS_JSON_STEP_OK;
			too_long(stream, error);
			return MLOPS_JSON_STEP_FAILED;
		case MLOPS_JSON_BROKEN:
			stream->scanning = false;
			if (stream->scan.at > stream->options->max_line) {
				too_long(stream, error);
				return MLOPS_JSON_STEP_FAILED;
			}
			*is_broken = true;
			data_error(stream, mlops_json_scan_message(&stream->scan, bytes, length, message),
				   error);
			return MLOPS_JSON_STEP_FAILED;
		case MLOPS_JSON_MORE:
			break;
		}
		if (length > stream->options->max_line) {
			too_long(stream, error);
			return MLOPS_JSON_STEP_FAILED;
		}
		step = fill(stream, has_rows, error);
		if (step == MLOPS_JSON_STEP_END) {
			stream->scanning = false;
			*is_broken = true;
			data_error(stream, "broken JSON: the input ends inside an object", error);
			return MLOPS_JSON_STEP_FAILED;
		}
		if (step != MLOPS_JSON_STEP_OK)
			return step;
	}
}

void mlops_json_stream_advance(struct mlops_json_stream *stream)
{
	count_lines(stream, stream->at + stream->scan.at);
	stream->place = MLOPS_JSON_AFTER_OBJECT;
}

void mlops_json_stream_rewind(struct mlops_json_stream *stream)
{
	stream->at = 0;
	stream->line = stream->window_line;
	stream->place = MLOPS_JSON_BEFORE_FIRST;
	stream->resync = stream->scanning = stream->in_window = false;
}

enum mlops_json_step mlops_json_stream_next(struct mlops_json_stream *stream, bool has_rows,
					    struct mlops_error *error)
{
	/* Only in JSON Lines does a new line surely begin a new object. */
	bool can_skip = stream->options->on_error == MLOPS_ON_ERROR_SKIP && !stream->is_array;

	for (;;) {
		struct mlops_error trouble = MLOPS_ERROR_INIT;
		bool is_broken = false;
		enum mlops_json_step step = MLOPS_JSON_STEP_OK;

		if (stream->resync)
			step = pass_over_line(stream, has_rows, &trouble);
		if (step == MLOPS_JSON_STEP_OK && !stream->scanning) {
			step = find_object(stream, has_rows, &trouble);
			is_broken = step == MLOPS_JSON_STEP_FAILED && trouble.code == MLOPS_DATA;
		}
		if (step == MLOPS_JSON_STEP_OK)
			step = scan_object(stream, has_rows, &is_broken, &trouble);
		if (step != MLOPS_JSON_STEP_FAILED)
			return step;
		/* A window without end would be one without a limit to its memory. */
		if (!is_broken || !can_skip || (stream->in_window && stream->at >= MLOPS_JSON_WINDOW)) {
			if (error != NULL)
				*error = trouble;
			return MLOPS_JSON_STEP_FAILED;
		}
		stream->counts->ragged++;
		stream->counts->skipped_rows++;
		stream->resync = true;
		stream->passed_over = 0;
	}
}

bool mlops_json_stream_start(struct mlops_json_stream *stream, struct mlops_error *error)
{
	enum mlops_json_step step;

	/* Of a byte order mark all three bytes are needed; else the first one tells. */
	while (stream->buffer.length == 0 ||
	       (stream->buffer.data[0] == '\xef' && stream->buffer.length < 3)) {
		step = fill(stream, false, error);
		if (step == MLOPS_JSON_STEP_FAILED)
			return false;
		if (step == MLOPS_JSON_STEP_END)
			break;
	}
	if (stream->buffer.length >= 3 && memcmp(stream->buffer.data, "\xef\xbb\xbf", 3) == 0)
		stream->at = 3;
	step = pass_over_space(stream, false, error);
	if (step == MLOPS_JSON_STEP_END)
		return mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(stream->source), 0,
					  "the input is empty");
	if (step == MLOPS_JSON_STEP_FAILED)
		return false;
	if (stream->buffer.data[stream->at] == '[') {
		stream->is_array = true;
		stream->at++;
		step = pass_over_space(stream, false, error);
		if (step == MLOPS_JSON_STEP_FAILED)
			return false;
	}
	/* The window starts at the buffer's start. */
	stream->buffer.length -= stream->at;
	if (stream->buffer.length > 0)
		memmove(stream->buffer.data, stream->buffer.data + stream->at, stream->buffer.length);
	stream->at = 0;
	stream->window_line = stream->line;
	return true;
}

