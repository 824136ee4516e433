/*
 * Reads any bytes as CSV.  The first two bytes choose options, the rest is the input.  Each column is bound
 * as a number, as text and as a time; what comes out is held against what the headers promise.  The first
 * record is also cut from two blocks, as a slow source would give them, and must come out as it does from
 * one.
 */
#include "rows/csv_scan.h"
#include "rows/reader.h"

#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 20 /* bound at most */

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_chunk(const struct mlops_chunk *chunk, size_t limit)
{
	expect(chunk->rows <= limit);
	for (size_t row = 0; row < chunk->rows; row++) {
		expect(chunk->lines[row] > (row > 0 ? chunk->lines[row - 1] : 1));
		for (size_t column = 0; column < chunk->n_columns; column += 3) {
			struct mlops_cell cell = mlops_chunk_cell(chunk, column + 1, row);
			volatile char last = '\0';

			expect(!isinf(chunk->columns[column].numbers[row]));
			expect(cell.present ? cell.length > 0 : cell.length == 0 && !cell.is_number);
			if (cell.length > 0)
				last = cell.bytes[cell.length - 1];
			(void)last;
		}
	}
}

static void read_rows(struct mlops_reader *reader, size_t limit)
{
	struct mlops_binding bindings[3 * COLUMNS];
	enum mlops_column_type types[3 * COLUMNS];
	size_t n_columns = reader->n_columns < COLUMNS ? reader->n_columns : COLUMNS;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_chunk *chunk;
	uint64_t rows = 0;

	for (size_t i = 0; i < 3 * n_columns; i++) {
		types[i] = i % 3 == 0   ? MLOPS_COLUMN_NUMBER
			   : i % 3 == 1 ? MLOPS_COLUMN_TEXT
					: MLOPS_COLUMN_TIME;
		bindings[i] = (struct mlops_binding){ i / 3, types[i] };
	}
	chunk = mlops_chunk_new(types, 3 * n_columns, &error);
	expect(chunk != NULL && mlops_reader_bind(reader, bindings, 3 * n_columns, &error));
	while (mlops_reader_next(reader, chunk, &error) && chunk->rows > 0) {
		check_chunk(chunk, limit);
		rows += chunk->rows;
	}
	expect(rows == reader->counts.rows);
	expect(error.code == MLOPS_OK || error.code == MLOPS_DATA);
	expect(error.code == MLOPS_OK || error.message[0] != '\0');
	mlops_chunk_free(chunk);
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
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source;
	struct mlops_reader *reader;

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
	source = mlops_source_from_memory(data + 2, size - 2, "fuzz.csv", &error);
	expect(source != NULL);
	reader = mlops_reader_open(source, &options, &error);
	if (reader != NULL)
		read_rows(reader, options.one_row ? 1 : MLOPS_CHUNK_ROWS);
	else
		expect(error.code == MLOPS_DATA && error.message[0] != '\0');
	mlops_reader_free(reader);
	mlops_source_free(source);
	return 0;
}
