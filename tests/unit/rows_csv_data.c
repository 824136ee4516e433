/* Files from the world outside: csv-spectrum with its meaning as JSON, and sensor data with their quirks. */
#include "tests/unit/table_text.h"

#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct table {
	struct mlops_source *source;
	struct mlops_reader *reader;
	struct mlops_chunk *chunk;
};

static const char *data_directory(void)
{
	const char *data = getenv("MLOPS_DATA");

	return data != NULL ? data : "../shared/data";
}

static void data_path(char *path, size_t size, const char *file)
{
	snprintf(path, size, "%s/%s", data_directory(), file);
}

/* Every column bound as guessed, or as text. */
static struct table open_table(struct mlops_source *source, const struct mlops_read_options *options,
			       bool as_text)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table table = { .source = source };
	struct mlops_binding bindings[64];
	enum mlops_column_type types[64];

	assert_non_null(source);
	table.reader = mlops_reader_open(source, options, &error);
	if (table.reader == NULL)
		fail_msg("%s: %s", mlops_source_name(source), error.message);
	assert_true(table.reader->n_columns <= 64);
	for (size_t i = 0; i < table.reader->n_columns; i++) {
		types[i] = as_text ? MLOPS_COLUMN_TEXT : table.reader->columns[i].guess;
		bindings[i] = (struct mlops_binding){ i, types[i] };
	}
	assert_true(mlops_reader_bind(table.reader, bindings, table.reader->n_columns, &error));
	table.chunk = mlops_chunk_new(types, table.reader->n_columns, &error);
	assert_non_null(table.chunk);
	return table;
}

static bool next(struct table *table)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (!mlops_reader_next(table->reader, table->chunk, &error))
		fail_msg("%s:%lu: %s", error.source, (unsigned long)error.line, error.message);
	return table->chunk->rows > 0;
}

static void close_table(struct table *table)
{
	mlops_chunk_free(table->chunk);
	mlops_reader_free(table->reader);
	mlops_source_free(table->source);
}

static size_t column(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->reader->n_columns; i++)
		if (strcmp(table->reader->columns[i].name, name) == 0)
			return i;
	fail_msg("there is no column %s", name);
	return 0;
}

/* Copies of csv-spectrum that went through a version control system may have lost the CRs of its *_crlf
 * files. */
static void load(const char *path, bool crlf, struct mlops_buffer *csv)
{
	struct mlops_buffer raw = MLOPS_BUFFER_INIT;

	assert_true(mlops_file_read(path, 1 << 20, &raw, NULL));
	for (size_t i = 0; i < raw.length; i++) {
		if (crlf && raw.data[i] == '\n' && (i == 0 || raw.data[i - 1] != '\r'))
			mlops_buffer_append_char(csv, '\r');
		mlops_buffer_append_char(csv, raw.data[i]);
	}
	mlops_buffer_release(&raw);
}

static void check_spectrum(const char *name)
{
	static const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	char path[4096];
	char file[128];
	struct mlops_buffer csv = MLOPS_BUFFER_INIT;
	json_t *rows;
	struct table table;

	snprintf(file, sizeof file, "conformance/csv-spectrum/json/%s.json", name);
	data_path(path, sizeof path, file);
	rows = json_load_file(path, 0, NULL);
	assert_non_null(rows);
	snprintf(file, sizeof file, "conformance/csv-spectrum/csvs/%s.csv", name);
	data_path(path, sizeof path, file);
	load(path, strstr(name, "_crlf") != NULL, &csv);
	table = open_table(mlops_source_from_memory(csv.data, csv.length, path, NULL), &options, true);
	assert_true(next(&table));
	assert_int_equal(table.chunk->rows, json_array_size(rows));
	for (size_t row = 0; row < table.chunk->rows; row++) {
		const char *key;
		json_t *value;
		size_t i = 0;

		json_object_foreach(json_array_get(rows, row), key, value)
		{
			struct mlops_cell cell = mlops_chunk_cell(table.chunk, i, row);

			assert_string_equal(table.reader->columns[i].name, key);
			assert_int_equal(cell.length, json_string_length(value));
			assert_memory_equal(cell.bytes, json_string_value(value), cell.length);
			i++;
		}
		assert_int_equal(i, table.reader->n_columns);
	}
	assert_false(next(&table));
	close_table(&table);
	mlops_buffer_release(&csv);
	json_decref(rows);
}

static void spectrum(void **state)
{
	static const char *const names[] = {
		"comma_in_quotes",
		"empty",
		"empty_crlf",
		"escaped_quotes",
		"json",
		"newlines",
		"newlines_crlf",
		"quotes_and_newlines",
		"simple",
		"simple_crlf",
		"utf8",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		check_spectrum(names[i]);
}

struct totals {
	size_t rows;
	size_t missing;
	double sum;
};

static struct totals add_up(struct table *table, const char *name)
{
	size_t index = column(table, name);
	struct totals totals = { 0 };

	while (next(table)) {
		for (size_t row = 0; row < table->chunk->rows; row++) {
			float value = table->chunk->columns[index].numbers[row];

			totals.rows++;
			if (isnan(value))
				totals.missing++;
			else
				totals.sum += value;
		}
	}
	return totals;
}

static struct totals totals_of(const char *file, const char *name, size_t n_columns,
			       const struct mlops_read_options *options)
{
	char path[4096];
	struct table table;
	struct totals totals;

	data_path(path, sizeof path, file);
	table = open_table(mlops_source_open(path, NULL), options, false);
	assert_int_equal(table.reader->n_columns, n_columns);
	totals = add_up(&table, name);
	close_table(&table);
	return totals;
}

static void ai4i(void **state)
{
	static const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct totals totals = totals_of("failure/ai4i2020.csv", "Machine failure", 14, &options);

	(void)state;
	assert_int_equal(totals.rows, 10000);
	assert_int_equal(totals.missing, 0);
	assert_true(totals.sum == 339);
	totals = totals_of("failure/ai4i2020.csv", "UDI", 14, &options);
	assert_true(totals.sum == 50005000);
}

static void occupancy(void **state)
{
	static const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	static const struct {
		const char *file;
		size_t rows;
	} files[] = {
		{ "failure/occupancy/datatraining.txt", 8143 },
		{ "failure/occupancy/datatest.txt", 2665 },
		{ "failure/occupancy/datatest2.txt", 9752 },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct totals totals = totals_of(files[i].file, "row", 8, &options);
		double first = i == 1 ? 140 : 1;

		assert_int_equal(totals.rows, files[i].rows);
		assert_true(totals.sum ==
			    (double)files[i].rows * (2 * first + (double)files[i].rows - 1) / 2);
	}
}

static void air_quality(void **state)
{
	static const char *const na[] = { "-200" };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct totals totals = totals_of("forecast/AirQualityUCI.csv", "T", 15, &options);

	(void)state;
	assert_int_equal(totals.rows, 9357 + 114);
	assert_int_equal(totals.missing, 114);
	options.na = na;
	options.n_na = 1;
	totals = totals_of("forecast/AirQualityUCI.csv", "T", 15, &options);
	assert_int_equal(totals.missing, 114 + 366);
	assert_true(fabs(totals.sum / (double)(totals.rows - totals.missing) - 18.318) < 0.001);
}

static void beijing(void **state)
{
	static const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct totals totals = totals_of("forecast/PRSA_data_2010.1.1-2014.12.31.csv", "pm2.5", 13, &options);

	(void)state;
	assert_int_equal(totals.rows, 43824);
	assert_int_equal(totals.missing, 2067);
}

static void types(void **state)
{
	static const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	char path[4096];
	struct table table;

	(void)state;
	data_path(path, sizeof path, "failure/ai4i2020.csv");
	table = open_table(mlops_source_open(path, NULL), &options, false);
	assert_string_equal(table.reader->columns[0].name, "UDI");
	assert_string_equal(table.reader->columns[13].name, "RNF");
	for (size_t i = 0; i < 14; i++)
		assert_int_equal(table.reader->columns[i].guess,
				 i == 1 || i == 2 ? MLOPS_COLUMN_TEXT : MLOPS_COLUMN_NUMBER);
	close_table(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spectrum),    cmocka_unit_test(ai4i),    cmocka_unit_test(occupancy),
		cmocka_unit_test(air_quality), cmocka_unit_test(beijing), cmocka_unit_test(types),
	};

	if (access(data_directory(), R_OK) != 0) {
		printf("1..0 # SKIP there is no %s (set MLOPS_DATA)\n", data_directory());
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
