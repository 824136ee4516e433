/*
 * Reads any bytes as a binary COPY.  The first byte says how many fields there are, how bad cells are
 * treated and in how large pieces the rest comes; then a byte a field with its type and how it is bound.
 * With the header given for free, so that the fuzzer need not find it; in one piece and in small ones the
 * same rows must come out.
 */
#include "rows/pgcopy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FIELDS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum mlops_pgcopy_step step;
	uint64_t rows, sum;
	enum mlops_code code;
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static uint64_t look_at(const struct mlops_chunk *chunk)
{
	uint64_t sum = 0;

	for (size_t c = 0; c < chunk->n_columns; c++)
		for (size_t row = 0; row < chunk->rows; row++) {
			const struct mlops_column *column = &chunk->columns[c];

			if (column->type == MLOPS_COLUMN_NUMBER) {
				expect(!isinf(column->numbers[row]));
				sum += isnan(column->numbers[row]) ? 7 : 1;
			} else if (column->type == MLOPS_COLUMN_TIME) {
				sum += (uint64_t)column->times[row];
			} else {
				struct mlops_cell cell = mlops_chunk_cell(chunk, c, row);

				expect(cell.present == (cell.length > 0));
				for (size_t i = 0; i < cell.length; i++)
					sum += (unsigned char)cell.bytes[i];
			}
		}
	return sum;
}

static struct outcome read_all(const uint8_t *setup, size_t n, const uint8_t *data, size_t size, size_t piece)
{
	static const char *const na[] = { "-200" };
	struct mlops_read_options options = { .format = MLOPS_FORMAT_AUTO,
					      .na = na,
					      .n_na = 1,
					      .on_error = (enum mlops_on_error)(setup[0] / 8 % 3) };
	struct mlops_pgcopy_field fields[MOST_FIELDS];
	enum mlops_column_type types[MOST_FIELDS];
	size_t slots[MOST_FIELDS];
	struct mlops_read_counts counts = { .rows = 0 };
	struct mlops_pgcopy copy = { .options = &options,
				     .source = "t",
				     .fields = fields,
				     .n_fields = n,
				     .slots = slots,
				     .n_slots = n,
				     .counts = &counts };
	struct outcome outcome = { .step = MLOPS_PGCOPY_MORE };
	struct mlops_chunk *chunk;
	size_t at = 0, used;

	for (size_t i = 0; i < n; i++) {
		fields[i] = (struct mlops_pgcopy_field){ .type = (enum mlops_pgcopy_type)(
								 1 + setup[1 + i] % MLOPS_PGCOPY_TIMESTAMPTZ),
							 .name = "c" };
		types[i] = (enum mlops_column_type)(setup[1 + i] / 32 % 3);
		slots[i] = n - 1 - i;
	}
	chunk = mlops_chunk_new(types, n, NULL);
	expect(chunk != NULL && mlops_pgcopy_init(&copy, NULL));
	copy.begun = true;
	while (at < size && outcome.step != MLOPS_PGCOPY_END && outcome.step != MLOPS_PGCOPY_FAILED) {
		size_t left = size - at;

		mlops_chunk_clear(chunk);
		outcome.step = mlops_pgcopy_take(&copy, data + at, left < piece ? left : piece, &used, chunk,
						 100);
		expect(used <= left && chunk->rows <= 100);
		at += used;
		outcome.rows += chunk->rows;
		outcome.sum += look_at(chunk);
	}
	outcome.code = copy.failed.code;
	expect((outcome.step == MLOPS_PGCOPY_FAILED) == (outcome.code != MLOPS_OK));
	mlops_pgcopy_release(&copy);
	mlops_chunk_free(chunk);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size > 0 ? data[0] % (MOST_FIELDS + 1) : 0;
	struct outcome whole, pieces;

	if (size < n + 1)
		return 0;
	whole = read_all(data, n, data + n + 1, size - n - 1, SIZE_MAX);
	pieces = read_all(data, n, data + n + 1, size - n - 1, 1 + data[0] / 24);
	expect(whole.rows == pieces.rows && whole.sum == pieces.sum && whole.code == pieces.code);
	return 0;
}
