#include "rows/row_files.h"

#include "base/file_writer.h"
#include "rows/csv_scan.h"
#include "rows/json_scan.h"

#include <stdlib.h>
#include <string.h>

#define SPARE ((size_t)1 << 20) /* bytes that are done before the rest is moved to the front */

struct mlops_row_files {
	struct mlops_file_writer *good, *bad; /* NULL: not wanted */
	const char *source;
	struct mlops_buffer raw; /* what was read */
	size_t at;               /* in raw: the first byte that is not written */
	uint64_t line;           /* its line */
	char delimiter;
	bool json, begun;
	bool pending, pending_valid; /* the row that begins at `at` */
};

struct mlops_row_files *mlops_row_files_new(const struct mlops_row_files_options *options,
					    struct mlops_error *error)
{
	struct mlops_row_files *files = calloc(1, sizeof *files);
	bool ok = files != NULL || mlops_error_set_memory(error);

	if (ok && options->good != NULL)
		ok = (files->good = mlops_file_writer_open(options->good, error)) != NULL;
	if (ok && options->bad != NULL)
		ok = (files->bad = mlops_file_writer_open(options->bad, error)) != NULL;
	if (!ok) {
		mlops_row_files_free(files);
		return NULL;
	}
	files->source = options->source;
	files->delimiter = options->delimiter;
	files->line = 1;
	return files;
}

void mlops_row_files_free(struct mlops_row_files *files)
{
	if (files == NULL)
		return;
	mlops_file_writer_free(files->good);
	mlops_file_writer_free(files->bad);
	mlops_buffer_release(&files->raw);
	free(files);
}

void mlops_row_files_copy(void *context, const void *bytes, size_t length)
{
	struct mlops_row_files *files = context;

	if (files->at > SPARE && files->at > files->raw.length / 2) {
		files->raw.length -= files->at;
		memmove(files->raw.data, files->raw.data + files->at, files->raw.length);
		files->at = 0;
	}
	mlops_buffer_append(&files->raw, bytes, length);
}

static bool put(struct mlops_row_files *files, bool valid, size_t length, struct mlops_error *error)
{
	struct mlops_file_writer *writer = valid ? files->good : files->bad;
	const char *bytes = files->raw.data + files->at;

	files->at += length;
	return writer == NULL || length == 0 || mlops_file_writer_put(writer, bytes, length, error);
}

/* Bytes from `at` to the beginning of that line. */
static size_t length_to(const struct mlops_row_files *files, uint64_t line)
{
	const char *begin = files->raw.data + files->at;
	const char *end = files->raw.data + files->raw.length;
	const char *at = begin;

	for (uint64_t l = files->line; l < line && at < end; l++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		at = newline != NULL ? newline + 1 : end;
	}
	return (size_t)(at - begin);
}

static size_t to_next_line(const char *bytes, size_t length, size_t at)
{
	const char *newline = at < length ? memchr(bytes + at, '\n', length - at) : NULL;

	return newline != NULL ? (size_t)(newline - bytes) + 1 : length;
}

/* How many of the bytes from `at` on, which begin with a row, are that row with its line's end. */
static size_t length_of_row(const struct mlops_row_files *files, size_t length)
{
	const char *bytes = files->raw.data + files->at;
	struct mlops_csv_record record = { .fields = NULL };
	struct mlops_json_scan scan;
	size_t skip = 0;

	if (!files->json) {
		mlops_csv_record_begin(&record);
		return mlops_csv_scan(&record, bytes, length, true, files->delimiter) ? record.position
										      : length;
	}
	while (skip < length && bytes[skip] != '{')
		skip++;
	mlops_json_scan_start(&scan);
	for (;;)
		switch (mlops_json_scan_next(&scan, bytes + skip, length - skip)) {
		case MLOPS_JSON_MEMBER:
			continue;
		case MLOPS_JSON_END:
			return to_next_line(bytes, length, skip + scan.at);
		case MLOPS_JSON_MORE:
		case MLOPS_JSON_BROKEN:
			return to_next_line(bytes, length, 0);
		}
}

static bool is_blank(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r' && bytes[i] != '\n')
			return false;
	return true;
}

/* length bytes in which the reader found no row: rows that it left out, and empty lines. */
static bool put_rest(struct mlops_row_files *files, size_t length, struct mlops_error *error)
{
	size_t end = files->at + length;
	bool ok = true;

	while (files->at < end && ok) {
		const char *bytes = files->raw.data + files->at;
		size_t part = to_next_line(bytes, end - files->at, 0);

		if (is_blank(bytes, part))
			files->at += part;
		else
			ok = put(files, false, part, error);
	}
	return ok;
}

/* The pending row, and what lies between it and that line. */
static bool put_pending(struct mlops_row_files *files, uint64_t line, size_t length,
			struct mlops_error *error)
{
	size_t row = length;
	bool ok = true;

	if (files->pending) {
		if (line - files->line > 1)
			row = length_of_row(files, length);
		ok = put(files, files->pending_valid, row, error) && put_rest(files, length - row, error);
	} else {
		ok = put_rest(files, length, error);
	}
	files->line = line;
	files->pending = false;
	return ok;
}

/* What stands ahead of the first row: the header, in both files. */
static bool begin(struct mlops_row_files *files, struct mlops_error *error)
{
	struct mlops_csv_sniff sniff = { .candidates = ",;\t|", .at_start = true };
	const char *bytes = files->raw.data;
	size_t length = files->raw.length;
	size_t text = 0;
	size_t header;

	files->begun = true;
	while (text < length && (is_blank(bytes + text, 1) || (unsigned char)bytes[text] >= 0x80))
		text++;
	if (text < length && bytes[text] == '[')
		return mlops_error_set_at(
			error, MLOPS_DATA, files->source, 0,
			"one array of objects can't be split by rows; CSV and JSON Lines can");
	files->json = text < length && bytes[text] == '{';
	if (files->json)
		return true;
	if (files->delimiter == 0) {
		(void)mlops_csv_sniff(&sniff, bytes + text, length - text, true);
		files->delimiter = mlops_csv_sniff_result(&sniff);
	}
	files->at = text;
	header = text + length_of_row(files, length - text);
	files->at = 0;
	if (files->good != NULL && !mlops_file_writer_put(files->good, bytes, header, error))
		return false;
	if (files->bad != NULL && !mlops_file_writer_put(files->bad, bytes, header, error))
		return false;
	for (size_t i = 0; i < header; i++)
		files->line += bytes[i] == '\n';
	files->at = header;
	return true;
}

bool mlops_row_files_rows(void *context, uint64_t first_row, const uint64_t *lines, const bool *valid,
			  size_t n, struct mlops_error *error)
{
	struct mlops_row_files *files = context;
	bool ok = !files->raw.failed || mlops_error_set_memory(error);

	(void)first_row;
	if (ok && !files->begun)
		ok = begin(files, error);
	for (size_t i = 0; i < n && ok; i++) {
		ok = put_pending(files, lines[i], length_to(files, lines[i]), error);
		files->pending = true;
		files->pending_valid = valid[i];
	}
	return ok;
}

bool mlops_row_files_finish(struct mlops_row_files *files, struct mlops_error *error)
{
	bool ok = !files->raw.failed || mlops_error_set_memory(error);

	if (ok && !files->begun)
		ok = begin(files, error);
	/* Rows behind the last one were left out. */
	ok = ok && put_pending(files, UINT64_MAX, files->raw.length - files->at, error);
	return ok && (files->good == NULL || mlops_file_writer_finish(files->good, error)) &&
	       (files->bad == NULL || mlops_file_writer_finish(files->bad, error));
}
