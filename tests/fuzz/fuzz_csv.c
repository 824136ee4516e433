/*
 * Reads any bytes as CSV.  The first two bytes choose options, the rest is the input.  Each column is bound
 * as a number, as text and as a time; what comes out is held against what the headers promise.  The first
 * record is also cut from two blocks, as a slow source would give them, and must come out as it does from
 * one.  One input of four is made long by repeating it, and read once more by three threads from a pipe that
 * gives it in pieces: rows, counts and error must be the same.
 */
#include "rows/csv_scan.h"
#include "rows/reader.h"

#include "base/thread.h"
#include "base/time.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS	    20 /* bound at most */
#define LONG_TEXT   ((size_t)320 << 10) /* several parts for each thread */
#define FIRST_PIECE ((size_t)128 << 10) /* more than the window, which tells what the columns are */

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* FNV-1a over all that was read. */
static void add(uint64_t *digest, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		*digest = (*digest ^ at[i]) * UINT64_C(0x100000001b3);
}

static void take_row(const struct mlops_chunk *chunk, size_t row, uint64_t *digest)
{
	add(digest, &chunk->lines[row], sizeof *chunk->lines);
	for (size_t column = 0; column < chunk->n_columns; column += 3) {
		struct mlops_cell cell = mlops_chunk_cell(chunk, column + 1, row);
		float number = chunk->columns[column].numbers[row];

		expect(!isinf(number));
		expect(cell.present ? cell.length > 0 : cell.length == 0 && !cell.is_number);
		number = isnan(number) ? -12345.0f : number;
		add(digest, &number, sizeof number);
		add(digest, cell.bytes, cell.length);
		add(digest, &cell.is_number, sizeof cell.is_number);
		add(digest, &chunk->columns[column + 2].times[row], sizeof(int64_t));
	}
}

static void check_chunk(const struct mlops_chunk *chunk, size_t limit, uint64_t *digest)
{
	expect(chunk->rows <= limit);
	for (size_t row = 0; row < chunk->rows; row++) {
		expect(chunk->lines[row] > (row > 0 ? chunk->lines[row - 1] : 1));
		take_row(chunk, row, digest);
	}
}

static uint64_t read_rows(struct mlops_reader *reader, size_t limit)
{
	struct mlops_binding bindings[3 * COLUMNS];
	enum mlops_column_type types[3 * COLUMNS];
	size_t n_columns = reader->n_columns < COLUMNS ? reader->n_columns : COLUMNS;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_chunk *chunk;
	uint64_t digest = UINT64_C(0xcbf29ce484222325);
	uint64_t rows = 0;

	for (size_t i = 0; i < 3 * n_columns; i++) {
		types[i] = i % 3 == 0	? MLOPS_COLUMN_NUMBER
			   : i % 3 == 1 ? MLOPS_COLUMN_TEXT
					: MLOPS_COLUMN_TIME;
		bindings[i] = (struct mlops_binding){ i / 3, types[i] };
	}
	chunk = mlops_chunk_new(types, 3 * n_columns, &error);
	expect(chunk != NULL && mlops_reader_bind(reader, bindings, 3 * n_columns, &error));
	while (mlops_reader_next(reader, chunk, &error) && chunk->rows > 0) {
		check_chunk(chunk, limit, &digest);
		rows += chunk->rows;
	}
	expect(rows == reader->counts.rows);
	expect(error.code == MLOPS_OK || error.code == MLOPS_DATA);
	expect(error.code == MLOPS_OK || error.message[0] != '\0');
	add(&digest, &reader->counts, sizeof reader->counts);
	add(&digest, &error.line, sizeof error.line);
	add(&digest, error.message, strlen(error.message));
	mlops_chunk_free(chunk);
	return digest;
}

/* What a source holds, as a digest; 0 where it can't be opened. */
static uint64_t read_source(struct mlops_source *source, const struct mlops_read_options *options)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reader *reader = mlops_reader_open(source, options, &error);
	uint64_t digest = 0;

	if (reader != NULL)
		digest = read_rows(reader, options->one_row ? 1 : MLOPS_CHUNK_ROWS);
	else
		expect(error.code == MLOPS_DATA && error.message[0] != '\0');
	mlops_reader_free(reader);
	mlops_source_free(source);
	return digest;
}

static uint64_t read_memory(const void *bytes, size_t length, const struct mlops_read_options *options)
{
	struct mlops_source *source = mlops_source_from_memory(bytes, length, "fuzz", NULL);

	expect(source != NULL);
	return read_source(source, options);
}

struct pieces {
	const char *bytes;
	size_t length, at, size;
	int fd;
};

static void write_piece(struct pieces *pieces, size_t size)
{
	size_t left = pieces->length - pieces->at;
	ssize_t done = write(pieces->fd, pieces->bytes + pieces->at, left < size ? left : size);

	/* The reader may have seen enough. */
	pieces->at = done < 0 ? pieces->length : pieces->at + (size_t)done;
}

static void *write_pieces(void *argument)
{
	struct pieces *pieces = argument;

	while (pieces->at < pieces->length)
		write_piece(pieces, pieces->size);
	close(pieces->fd);
	return NULL;
}

static uint64_t read_pipe(const char *bytes, size_t length, size_t piece,
			  const struct mlops_read_options *options)
{
	struct pieces pieces = { .bytes = bytes, .length = length, .size = piece };
	struct mlops_source *source;
	pthread_t writer;
	uint64_t digest;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	expect(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 2 * FIRST_PIECE) >= 0);
	pieces.fd = ends[1];
	write_piece(&pieces, FIRST_PIECE);
	expect(pthread_create(&writer, NULL, write_pieces, &pieces) == 0);
	source = mlops_source_from_fd(ends[0], "fuzz", NULL);
	expect(source != NULL);
	digest = read_source(source, options);
	close(ends[0]);
	pthread_join(writer, NULL);
	return digest;
}

/* The header's line once, what follows again and again. */
static char *make_long(const char *bytes, size_t length, size_t *long_length)
{
	const char *newline = memchr(bytes, '\n', length);
	size_t head = newline != NULL ? (size_t)(newline - bytes) + 1 : 0;
	char *text = malloc(LONG_TEXT + length);
	size_t at = length;

	expect(text != NULL);
	memcpy(text, bytes, length);
	for (; at < LONG_TEXT && length > head; at += length - head)
		memcpy(text + at, bytes + head, length - head);
	*long_length = at;
	return text;
}

static void check_threads(const char *bytes, size_t length, size_t piece, struct mlops_read_options options)
{
	static struct mlops_pool *pool;
	size_t long_length;
	char *text = make_long(bytes, length, &long_length);
	uint64_t expected = read_memory(text, long_length, &options);

	if (pool == NULL)
		pool = mlops_pool_new(3, NULL);
	expect(pool != NULL);
	options.pool = pool;
	expect(read_memory(text, long_length, &options) == expected);
	options.interactive = piece % 2 != 0;
	expect(read_pipe(text, long_length, piece, &options) == expected);
	free(text);
}

static void check_blocks(const char *bytes, size_t length, size_t first, char delimiter)
{
	struct mlops_csv_field fields[2][COLUMNS];
	struct mlops_csv_record whole = { .fields = fields[0], .room = COLUMNS };
	struct mlops_csv_record parts = { .fields = fields[1], .room = COLUMNS };
	bool complete;

	memset(fields, 0, sizeof fields);
	mlops_csv_record_begin(&whole);
	complete = mlops_csv_scan(&whole, bytes, length, true, delimiter);
	mlops_csv_record_begin(&parts);
	if (!mlops_csv_scan(&parts, bytes, first, false, delimiter))
		expect(mlops_csv_scan(&parts, bytes, length, true, delimiter) == complete);
	expect(parts.position == whole.position && parts.length == whole.length);
	expect(parts.n_fields == whole.n_fields && parts.newlines == whole.newlines);
	expect(parts.broken == whole.broken && parts.quote_newlines == whole.quote_newlines);
	expect(memcmp(fields[0], fields[1], sizeof fields[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char delimiters[] = { '\0', '\0', ';', '\t' };
	static const char decimals[] = { '\0', '.', ',', '\0' };
	static const char *const na[] = { "-200", "err" };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	if (size < 2)
		return 0;
	options.format = MLOPS_FORMAT_CSV;
	options.delimiter = delimiters[data[0] & 3];
	options.decimal = decimals[data[0] >> 2 & 3];
	options.on_error = (enum mlops_on_error)((data[0] >> 4 & 3) % 3);
	options.one_row = (data[0] & 64) != 0;
	options.na = na;
	options.n_na = (data[0] & 128) != 0 ? 2 : 0;
	options.max_line = data[1] > 0 ? data[1] : 1 << 16;
	if (size > 3)
		check_blocks((const char *)data + 2, size - 2, 1 + data[1] % (size - 3),
			     options.delimiter != '\0' ? options.delimiter : ',');
	read_memory(data + 2, size - 2, &options);
	if ((data[0] & 3) == 1 && !options.one_row)
		check_threads((const char *)data + 2, size - 2, (size_t)(data[1] + 1) * 97, options);
	return 0;
}
