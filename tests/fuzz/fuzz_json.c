/*
 * Any bytes as JSON: the reader must not crash, read out of bounds, leak or run away, and must give the same
 * rows wherever the first block ends.  The first byte chooses the options, the second where to cut.
 */
#include "base/sha256.h"
#include "rows/reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hash_chunk(struct mlops_sha256 *hash, const struct mlops_chunk *chunk)
{
	for (size_t c = 0; c < chunk->n_columns; c++) {
		const struct mlops_column *column = &chunk->columns[c];

		if (column->type == MLOPS_COLUMN_NUMBER)
			mlops_sha256_add(hash, column->numbers, chunk->rows * sizeof *column->numbers);
		else if (column->type == MLOPS_COLUMN_TIME)
			mlops_sha256_add(hash, column->times, chunk->rows * sizeof *column->times);
		for (size_t row = 0; column->type == MLOPS_COLUMN_TEXT && row < chunk->rows; row++) {
			struct mlops_cell cell = mlops_chunk_cell(chunk, c, row);

			mlops_sha256_add(hash, cell.bytes, cell.length);
			mlops_sha256_add(hash, &cell.length, sizeof cell.length);
			mlops_sha256_add(hash, &cell.present, sizeof cell.present);
		}
	}
	mlops_sha256_add(hash, chunk->lines, chunk->rows * sizeof *chunk->lines);
}

/* The hash of all rows, or of the code and line of the error. */
static void read_all(const char *text, size_t length, size_t cut, const struct mlops_read_options *options,
		     char digest[MLOPS_SHA256_TEXT])
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source = mlops_source_from_memory(text + cut, length - cut, "fuzz", &error);
	struct mlops_reader *reader = mlops_json_open_reader(source, text, cut, options, &error);
	struct mlops_sha256 *hash = mlops_sha256_new();
	struct mlops_binding bindings[30];
	enum mlops_column_type types[30];
	struct mlops_chunk *chunk;
	size_t n = 0;

	if (reader != NULL) {
		for (; n < 30 && n / 3 < reader->n_columns; n++) {
			types[n] = (enum mlops_column_type)(n % 3);
			bindings[n] = (struct mlops_binding){ .column = n / 3, .type = types[n] };
			mlops_sha256_add(hash, reader->columns[n / 3].name,
					 strlen(reader->columns[n / 3].name));
		}
		chunk = mlops_chunk_new(types, n, &error);
		if (!mlops_reader_bind(reader, bindings, n, &error))
			abort();
		while (mlops_reader_next(reader, chunk, &error) && chunk->rows > 0)
			hash_chunk(hash, chunk);
		mlops_sha256_add(hash, &reader->counts, sizeof reader->counts);
		mlops_chunk_free(chunk);
		mlops_reader_free(reader);
	}
	if (error.code != MLOPS_OK && error.code != MLOPS_DATA)
		abort();
	mlops_sha256_add(hash, &error.line, sizeof error.line);
	mlops_sha256_finish(hash, digest);
	mlops_source_free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const na[] = { "-200" };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	char whole[MLOPS_SHA256_TEXT], cut_once[MLOPS_SHA256_TEXT];
	const char *text = (const char *)data + 2;
	size_t cut;

	if (size < 2)
		return 0;
	size -= 2;
	cut = data[1] < size ? data[1] : size;
	options.on_error = (enum mlops_on_error)(data[0] % 3);
	options.one_row = (data[0] & 4) != 0;
	options.interactive = (data[0] & 8) != 0;
	options.decimal = (data[0] & 16) != 0 ? ',' : 0;
	options.max_line = (data[0] & 32) != 0 ? 64 : 1 << 20;
	options.na = na;
	options.n_na = (data[0] & 64) != 0;
	read_all(text, size, 0, &options, whole);
	read_all(text, size, cut, &options, cut_once);
	if (strcmp(whole, cut_once) != 0)
		abort();
	return 0;
}
