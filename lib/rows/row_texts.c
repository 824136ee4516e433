#include "rows/row_texts.h"

#include "base/file_writer.h"
#include "rows/writer.h"

#include <stdlib.h>
#include <string.h>

#define SPARE ((size_t)1 << 20) /* bytes that are done before the rest is moved to the front */

struct texts_reader {
	struct mlops_reader base; /* its columns are inner's */
	struct mlops_reader *inner;
	struct mlops_file_writer *good, *bad; /* NULL: not wanted */
	struct mlops_writer *writer;
	struct mlops_buffer raw; /* of each row that is not judged: the length of its line, the line */
	size_t at;		 /* in raw: the first of them */
	struct mlops_chunk *chunk; /* what is bound, then each column as text */
	size_t n_bound;
};

static bool texts_bind(struct mlops_reader *base, const struct mlops_binding *bindings, size_t n,
		       struct mlops_error *error)
{
	struct texts_reader *reader = (struct texts_reader *)base;
	size_t all = n + base->n_columns;
	struct mlops_binding *inner = calloc(all + 1, sizeof *inner);
	enum mlops_column_type *types = calloc(all + 1, sizeof *types);
	bool ok = false;

	if (inner == NULL || types == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t i = 0; i < all; i++) {
		inner[i] = i < n ? bindings[i] : (struct mlops_binding){ i - n, MLOPS_COLUMN_TEXT };
		types[i] = inner[i].type;
	}
	reader->n_bound = n;
	reader->chunk = mlops_chunk_new(types, all, error);
	ok = reader->chunk != NULL && mlops_reader_bind(reader->inner, inner, all, error);
out:
	free(inner);
	free(types);
	return ok;
}

/* The chunk's rows as lines behind those that wait. */
static bool keep_texts(struct texts_reader *reader)
{
	struct mlops_buffer *raw = &reader->raw;

	if (reader->at > SPARE && reader->at > raw->length / 2) {
		raw->length -= reader->at;
		memmove(raw->data, raw->data + reader->at, raw->length);
		reader->at = 0;
	}
	for (size_t r = 0; r < reader->chunk->rows && !raw->failed; r++) {
		size_t begin = raw->length, length = 0;
		struct mlops_row row;

		mlops_buffer_append(raw, &length, sizeof length);
		mlops_row_begin(&row, reader->writer, raw);
		for (size_t c = 0; c < reader->base.n_columns; c++)
			mlops_row_put_cell(&row, mlops_chunk_cell(reader->chunk, reader->n_bound + c, r));
		mlops_row_end(&row);
		if (raw->failed)
			break;
		length = raw->length - begin - sizeof length;
		memcpy(raw->data + begin, &length, sizeof length);
	}
	return !raw->failed;
}

/* What is bound changes places with the caller's, which the inner reader fills the next time. */
static void hand_over(struct texts_reader *reader, struct mlops_chunk *chunk)
{
	struct mlops_chunk kept = *chunk;

	for (size_t i = 0; i < reader->n_bound; i++) {
		struct mlops_column column = chunk->columns[i];

		chunk->columns[i] = reader->chunk->columns[i];
		reader->chunk->columns[i] = column;
	}
	chunk->rows = reader->chunk->rows;
	chunk->lines = reader->chunk->lines;
	chunk->marks = reader->chunk->marks;
	reader->chunk->lines = kept.lines;
	reader->chunk->marks = kept.marks;
}

static bool texts_next(struct mlops_reader *base, struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct texts_reader *reader = (struct texts_reader *)base;
	bool ok;

	mlops_chunk_clear(chunk);
	if (reader->chunk == NULL || chunk->n_columns != reader->n_bound)
		return mlops_error_set(error, MLOPS_BUG, "a chunk of %zu columns for a reader with %zu bound",
				       chunk->n_columns, reader->n_bound);
	ok = mlops_reader_next(reader->inner, reader->chunk, error);
	base->counts = reader->inner->counts;
	if (!ok)
		return false;
	if (!keep_texts(reader))
		return mlops_error_set_memory(error);
	hand_over(reader, chunk);
	return true;
}

static void texts_free(struct mlops_reader *base)
{
	struct texts_reader *reader = (struct texts_reader *)base;

	mlops_reader_free(reader->inner);
	mlops_file_writer_free(reader->good);
	mlops_file_writer_free(reader->bad);
	mlops_writer_free(reader->writer);
	mlops_buffer_release(&reader->raw);
	mlops_chunk_free(reader->chunk);
	free(reader);
}

static const struct mlops_reader_ops texts_ops = { .bind = texts_bind, .next = texts_next, .free = texts_free };

/* The files, each with its header. */
static bool begin(struct texts_reader *reader, const struct mlops_row_files_options *options, struct mlops_error *error)
{
	struct mlops_buffer header = MLOPS_BUFFER_INIT;
	bool ok = true;

	reader->writer = mlops_writer_new(MLOPS_WRITE_CSV, error);
	for (size_t c = 0; c < reader->base.n_columns && reader->writer != NULL && ok; c++)
		ok = mlops_writer_add_field(reader->writer, reader->base.columns[c].name, NULL, error);
	ok = ok && reader->writer != NULL && mlops_writer_begin(reader->writer, &header, error);
	if (ok && options->good != NULL)
		ok = (reader->good = mlops_file_writer_open(options->good, error)) != NULL &&
		     mlops_file_writer_put(reader->good, header.data, header.length, error);
	if (ok && options->bad != NULL)
		ok = (reader->bad = mlops_file_writer_open(options->bad, error)) != NULL &&
		     mlops_file_writer_put(reader->bad, header.data, header.length, error);
	mlops_buffer_release(&header);
	return ok;
}

struct mlops_reader *mlops_row_texts_open(struct mlops_reader *inner, const struct mlops_row_files_options *options,
					  struct mlops_error *error)
{
	struct texts_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL) {
		mlops_reader_free(inner);
		mlops_error_set_memory(error);
		return NULL;
	}
	reader->base = *inner;
	reader->base.ops = &texts_ops;
	reader->inner = inner;
	if (begin(reader, options, error))
		return &reader->base;
	texts_free(&reader->base);
	return NULL;
}

bool mlops_row_texts_rows(void *context, uint64_t first_row, const uint64_t *lines, const bool *valid, size_t n,
			  struct mlops_error *error)
{
	struct texts_reader *reader = context;

	(void)first_row;
	(void)lines;
	for (size_t i = 0; i < n; i++) {
		struct mlops_file_writer *writer = valid[i] ? reader->good : reader->bad;
		const char *line = reader->raw.data + reader->at + sizeof(size_t);
		size_t length;

		memcpy(&length, reader->raw.data + reader->at, sizeof length);
		reader->at += sizeof length + length;
		if (writer != NULL && !mlops_file_writer_put(writer, line, length, error))
			return false;
	}
	return true;
}

bool mlops_row_texts_finish(struct mlops_reader *base, struct mlops_error *error)
{
	struct texts_reader *reader = (struct texts_reader *)base;

	return (reader->good == NULL || mlops_file_writer_finish(reader->good, error)) &&
	       (reader->bad == NULL || mlops_file_writer_finish(reader->bad, error));
}
