/*
 * One JSON object after the other out of a source: JSON Lines, one array of objects, or one object.
 *
 * The object found last lies whole at mlops_json_stream_bytes and has stream->scan.at bytes.  Its members
 * were given to `member` on the way, which may also have seen members of objects that turned out broken and
 * were passed over: `object` counts every object begun.  While in_window is set nothing is dropped, so that
 * the caller can go back to the start.
 */
#ifndef MLOPS_ROWS_JSON_STREAM_H
#define MLOPS_ROWS_JSON_STREAM_H

#include "rows/json_scan.h"
#include "rows/reader.h"

#define MLOPS_JSON_WINDOW ((size_t)64 << 10)

enum mlops_json_step {
	MLOPS_JSON_STEP_OK,
	MLOPS_JSON_STEP_END,
	MLOPS_JSON_STEP_WAIT, /* there are rows to hand out, and the source would make us wait */
	MLOPS_JSON_STEP_FAILED
};

/* Where we stand between two objects. */
enum mlops_json_place {
	MLOPS_JSON_BEFORE_FIRST,
	MLOPS_JSON_AFTER_OBJECT,
	MLOPS_JSON_AFTER_COMMA,
	MLOPS_JSON_AFTER_ARRAY
};

struct mlops_json_stream {
	struct mlops_source *source;
	const struct mlops_read_options *options;
	struct mlops_read_counts *counts; /* broken lines that are passed over are counted here */
	/* may be NULL */
	bool (*member)(void *context, const struct mlops_json_scan *scan, struct mlops_error *error);
	void *context;

	struct mlops_buffer buffer;
	size_t at;           /* bytes of buffer done with */
	uint64_t line;       /* of at, from 1 */
	uint64_t window_line;/* of the window's start */
	uint64_t object;     /* number of the object begun last, from 1 */
	enum mlops_json_place place;
	bool is_array;
	bool ended;          /* the source has no more bytes */
	bool in_window;
	bool resync;         /* passing over the rest of a broken line */
	size_t passed_over;  /* bytes of it so far */
	bool scanning;       /* the object at `at` was begun */
	struct mlops_json_scan scan;
};

/* Passes over what stands before the first object, which tells an array from JSON Lines.  stream was filled
 * with source, options, counts, line 1 and the bytes that were read already. */
bool mlops_json_stream_start(struct mlops_json_stream *stream, struct mlops_error *error);

/* The next whole object.  has_rows: the caller has something to hand out meanwhile. */
enum mlops_json_step mlops_json_stream_next(struct mlops_json_stream *stream, bool has_rows,
					    struct mlops_error *error);

/* Goes behind the object found last. */
void mlops_json_stream_advance(struct mlops_json_stream *stream);

/* Ends the window: back to its first byte. */
void mlops_json_stream_rewind(struct mlops_json_stream *stream);

static inline const char *mlops_json_stream_bytes(const struct mlops_json_stream *stream)
{
	return stream->buffer.data + stream->at;
}

#endif
