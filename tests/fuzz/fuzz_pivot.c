/*
 * Reads any bytes as samples in the long layout and makes rows of them.  The first two bytes choose steps, holding,
 * lateness, tags and what becomes of bad cells; the rest is CSV or JSON with the columns that it names.  Rows of one
 * sensor come in the order of their times, at the multiples of the step where there is one; no sample is counted twice;
 * and in chunks of one row the same rows come as in large ones.
 */
#include "rows/pivot.h"

#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS	  12	/* bound at most */
#define MOST_ROWS 20000 /* a small step and a long hold make rows without end */
#define SENSORS	  64

static void expect(bool holds)
{
	if (!holds)
		abort();
}

struct last {
	char id[32];
	size_t length;
	int64_t time;
};

struct reading {
	struct last sensors[SENSORS];
	size_t n_sensors;
	uint64_t rows, digest;
};

/* FNV-1a over all that was read. */
static void add(uint64_t *digest, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		*digest = (*digest ^ at[i]) * UINT64_C(0x100000001b3);
}

/* Where the sensor's last time is kept, or NULL: too many, or a long name. */
static int64_t *time_of(struct reading *reading, struct mlops_cell id)
{
	struct last *last = reading->sensors;

	if (id.length > sizeof last->id)
		return NULL;
	for (; last < reading->sensors + reading->n_sensors; last++)
		if (last->length == id.length && memcmp(last->id, id.bytes, id.length) == 0)
			return &last->time;
	if (reading->n_sensors == SENSORS)
		return NULL;
	reading->n_sensors++;
	last->length = id.length;
	last->time = INT64_MIN;
	memcpy(last->id, id.bytes, id.length);
	return &last->time;
}

/* Columns of the chunk: the time, the id as text, then tags as numbers. */
static void take_row(struct reading *reading, const struct mlops_chunk *chunk, size_t row, bool has_id,
		     const struct mlops_pivot_options *pivot)
{
	int64_t time = chunk->columns[0].times[row];
	struct mlops_cell id = has_id ? mlops_chunk_cell(chunk, 1, row) : (struct mlops_cell){ .bytes = "" };
	int64_t *before = time_of(reading, id);

	expect(time != MLOPS_TIME_MISSING);
	expect(pivot->every == 0 || time % pivot->every == 0);
	if (before != NULL) {
		expect(time > *before);
		*before = time;
	}
	add(&reading->digest, &time, sizeof time);
	add(&reading->digest, &chunk->lines[row], sizeof chunk->lines[row]);
	add(&reading->digest, id.bytes, id.length);
	for (size_t c = has_id ? 2 : 1; c < chunk->n_columns; c++) {
		float value = chunk->columns[c].numbers[row];

		expect(!isinf(value));
		value = isnan(value) ? -12345.0f : value;
		add(&reading->digest, &value, sizeof value);
	}
	reading->rows++;
}

static uint64_t read_rows(struct mlops_reader *reader, const struct mlops_pivot_options *pivot)
{
	struct reading reading = { .digest = UINT64_C(0xcbf29ce484222325) };
	bool has_id = reader->id_column != SIZE_MAX;
	size_t n = reader->n_columns < COLUMNS ? reader->n_columns : COLUMNS;
	struct mlops_binding bindings[COLUMNS];
	enum mlops_column_type types[COLUMNS];
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_chunk *chunk;

	expect(reader->has_time && reader->time_column == 0 && (!has_id || reader->id_column == 1));
	for (size_t i = 0; i < n; i++) {
		types[i] = i == 0 ? MLOPS_COLUMN_TIME : i == 1 && has_id ? MLOPS_COLUMN_TEXT : MLOPS_COLUMN_NUMBER;
		bindings[i] = (struct mlops_binding){ i, types[i] };
	}
	chunk = mlops_chunk_new(types, n, &error);
	expect(chunk != NULL && mlops_reader_bind(reader, bindings, n, &error));
	while (reading.rows < MOST_ROWS && mlops_reader_next(reader, chunk, &error) && chunk->rows > 0)
		for (size_t row = 0; row < chunk->rows && reading.rows < MOST_ROWS; row++)
			take_row(&reading, chunk, row, has_id, pivot);
	expect(error.code == MLOPS_OK || error.code == MLOPS_DATA);
	expect(error.code == MLOPS_OK || error.message[0] != '\0');
	if (reading.rows < MOST_ROWS) {
		expect(reading.rows == reader->counts.rows);
		add(&reading.digest, &reader->counts.late, sizeof reader->counts.late);
		add(&reading.digest, &reader->counts.stray, sizeof reader->counts.stray);
		/* behind an error the others count what was read ahead, too */
		if (error.code == MLOPS_OK)
			add(&reading.digest, &reader->counts, sizeof reader->counts);
	}
	add(&reading.digest, error.message, strlen(error.message));
	mlops_chunk_free(chunk);
	return reading.digest;
}

static uint64_t read_samples(const uint8_t *bytes, size_t length, const struct mlops_read_options *options)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source = mlops_source_from_memory(bytes, length, "fuzz", NULL);
	struct mlops_reader *reader;
	uint64_t digest = 0;

	expect(source != NULL);
	reader = mlops_reader_open(source, options, &error);
	if (reader == NULL)
		expect(error.code == MLOPS_DATA && error.message[0] != '\0');
	else if (!reader->no_rows)
		digest = read_rows(reader, options->pivot);
	mlops_reader_free(reader);
	mlops_source_free(source);
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t steps[] = { 0, 1000000, 60000000, INT64_C(3600000000) };
	static const int64_t holds[] = { 0, 90000000, INT64_C(86400000000), INT64_MAX };
	static const int64_t lateness[] = { 0, 1000000, INT64_C(3600000000), INT64_C(315576000000000) };
	static const char *const tags[] = { "b", "a" };
	struct mlops_pivot_options pivot = { .tags = tags };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	uint64_t expected;

	if (size < 2)
		return 0;
	pivot.every = steps[data[0] & 3];
	pivot.hold = holds[data[0] >> 2 & 3];
	pivot.lateness = lateness[data[0] >> 4 & 3];
	pivot.n_tags = data[0] >> 6 == 3 ? 2 : 0;
	pivot.quality = (data[1] & 3) == 3 ? "none" : NULL;
	options.on_error = (enum mlops_on_error)((data[1] >> 2 & 3) % 3);
	options.pivot = &pivot;
	expected = read_samples(data + 2, size - 2, &options);
	options.one_row = true;
	expect(read_samples(data + 2, size - 2, &options) == expected);
	return 0;
}
