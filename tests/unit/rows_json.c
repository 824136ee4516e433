/* The JSON reader: what a table looks like, what is refused and how, and that blocks may be cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "rows/json_scan.h"
#include "rows/reader.h"
#include "rows/select.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mlops_read_options defaults = MLOPS_READ_OPTIONS_INIT;

struct table {
	struct mlops_source *source;
	struct mlops_reader *reader;
	struct mlops_chunk *chunk;
	struct mlops_read_options options;
};

static void open_cut(struct table *table, const char *text, size_t length, size_t cut,
		     const struct mlops_read_options *options)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	table->options = *options;
	table->chunk = NULL;
	table->source = mlops_source_from_memory(text + cut, length - cut, "t.json", &error);
	assert_non_null(table->source);
	table->reader = mlops_json_open_reader(table->source, text, cut, &table->options, &error);
	if (table->reader == NULL)
		fail_msg("%s:%u: %s", error.source, (unsigned)error.line, error.message);
}

static void open_text(struct table *table, const char *text, const struct mlops_read_options *options)
{
	open_cut(table, text, strlen(text), 0, options);
}

static void close_table(struct table *table)
{
	mlops_chunk_free(table->chunk);
	mlops_reader_free(table->reader);
	mlops_source_free(table->source);
}

/* types: n, x (text) or t (time), one letter a column from the first on. */
static void bind(struct table *table, const char *letters)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_binding bindings[16];
	enum mlops_column_type types[16];
	size_t n = strlen(letters);

	for (size_t i = 0; i < n; i++) {
		types[i] = letters[i] == 'n' ? MLOPS_COLUMN_NUMBER : letters[i] == 'x' ? MLOPS_COLUMN_TEXT :
			   MLOPS_COLUMN_TIME;
		bindings[i] = (struct mlops_binding){ .column = i, .type = types[i] };
	}
	assert_true(mlops_reader_bind(table->reader, bindings, n, &error));
	table->chunk = mlops_chunk_new(types, n, &error);
	assert_non_null(table->chunk);
}

static void assert_next(struct table *table, size_t rows)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (!mlops_reader_next(table->reader, table->chunk, &error))
		fail_msg("%s:%u: %s", error.source, (unsigned)error.line, error.message);
	assert_int_equal(table->chunk->rows, rows);
}

static void assert_cell(struct table *table, size_t column, size_t row, const char *text, bool is_number)
{
	struct mlops_cell cell = mlops_chunk_cell(table->chunk, column, row);

	assert_int_equal(cell.present, text != NULL);
	if (text == NULL)
		return;
	assert_int_equal(cell.length, strlen(text));
	assert_memory_equal(cell.bytes, text, cell.length);
	assert_int_equal(cell.is_number, is_number);
}

/* Reads all of text with every column bound as letters say; the error that comes must be this one. */
static void assert_fails(const char *text, const char *letters, const struct mlops_read_options *options,
			 uint64_t line, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table table = { .options = *options };

	table.source = mlops_source_from_memory(text, strlen(text), "t.json", &error);
	table.reader = mlops_json_open_reader(table.source, "", 0, &table.options, &error);
	if (table.reader != NULL) {
		bind(&table, letters);
		while (mlops_reader_next(table.reader, table.chunk, &error))
			if (table.chunk->rows == 0)
				fail_msg("no error for %s", text);
	}
	assert_string_equal(error.message, message);
	assert_string_equal(error.source, "t.json");
	assert_int_equal(error.line, line);
	assert_int_equal(error.code, MLOPS_DATA);
	close_table(&table);
}

static void reads_json_lines(void **state)
{
	struct table table;

	(void)state;
	open_text(
		&table,
		"\n{\"temp\": 1.5, \"state\":\"on\"}\r\n\n {\"state\":\"off\",\"extra\":null,\"temp\":-2e1}\n"
		"{\"temp\":\"12.5\"}",
		&defaults);
	assert_int_equal(table.reader->n_columns, 3);
	assert_string_equal(table.reader->columns[0].name, "temp");
	assert_string_equal(table.reader->columns[1].name, "state");
	assert_string_equal(table.reader->columns[2].name, "extra");
	assert_int_equal(table.reader->columns[0].guess, MLOPS_COLUMN_NUMBER);
	assert_int_equal(table.reader->columns[1].guess, MLOPS_COLUMN_TEXT);
	assert_false(table.reader->columns[1].all_missing);
	assert_int_equal(table.reader->columns[2].guess, MLOPS_COLUMN_NUMBER);
	assert_true(table.reader->columns[2].all_missing);
	bind(&table, "nx");
	assert_next(&table, 3);
	assert_true(table.chunk->columns[0].numbers[0] == 1.5f);
	assert_true(table.chunk->columns[0].numbers[1] == -20);
	assert_true(table.chunk->columns[0].numbers[2] == 12.5f);
	assert_cell(&table, 1, 0, "on", false);
	assert_cell(&table, 1, 1, "off", false);
	assert_cell(&table, 1, 2, NULL, false);
	assert_int_equal(table.chunk->lines[0], 2);
	assert_int_equal(table.chunk->lines[1], 4);
	assert_int_equal(table.chunk->lines[2], 5);
	assert_int_equal(table.reader->counts.rows, 3);
	assert_next(&table, 0);
	close_table(&table);
}

static void reads_array_and_single_object(void **state)
{
	struct table table;

	(void)state;
	open_text(&table, "\xef\xbb\xbf [\n {\"a\":1,\n  \"b\":[1,{\"c\":2}]},\n {\"a\":2}\n]\n", &defaults);
	bind(&table, "n");
	assert_next(&table, 2);
	assert_true(table.chunk->columns[0].numbers[1] == 2);
	assert_int_equal(table.chunk->lines[0], 2);
	assert_int_equal(table.chunk->lines[1], 4);
	assert_next(&table, 0);
	assert_next(&table, 0);
	close_table(&table);

	open_text(&table, "{\n\"a\": 7\n}", &defaults);
	bind(&table, "n");
	assert_next(&table, 1);
	assert_true(table.chunk->columns[0].numbers[0] == 7);
	close_table(&table);
}

static void converts_cells(void **state)
{
	static const char *const na[] = { "-200" };
	struct mlops_read_options options = defaults;
	struct table table;

	(void)state;
	options.na = na;
	options.n_na = 1;
	open_text(&table,
		  "{\"n\":true,\"x\":1.50,\"t\":\"2024-01-31T18:00:00Z\"}\n"
		  "{\"n\":false,\"x\":\"150\",\"t\":1706724000}\n"
		  "{\"n\":\"Bad\",\"x\":\"No Data\",\"t\":null}\n"
		  "{\"n\":-200.0,\"x\":true,\"t\":\"NaN\"}\n"
		  "{\"n\":null,\"x\":\"\\u00e9\\n\\ud83d\\ude00\\\"\",\"t\":\"2024-01-31 18:00\"}\n",
		  &options);
	bind(&table, "nxt");
	assert_next(&table, 5);
	assert_true(table.chunk->columns[0].numbers[0] == 1);
	assert_true(table.chunk->columns[0].numbers[1] == 0);
	for (size_t i = 2; i < 5; i++)
		assert_true(isnan(table.chunk->columns[0].numbers[i]));
	assert_cell(&table, 1, 0, "1.50", true);
	assert_cell(&table, 1, 1, "150", false);
	assert_cell(&table, 1, 2, NULL, false);
	assert_cell(&table, 1, 3, "true", false);
	assert_cell(&table, 1, 4, "\xc3\xa9\n\xf0\x9f\x98\x80\"", false);
	assert_true(table.chunk->columns[2].times[0] == 1706724000000000);
	assert_true(table.chunk->columns[2].times[1] == 1706724000000000);
	assert_true(table.chunk->columns[2].times[2] == MLOPS_TIME_MISSING);
	assert_true(table.chunk->columns[2].times[3] == MLOPS_TIME_MISSING);
	assert_true(table.chunk->columns[2].times[4] == 1706724000000000);
	close_table(&table);
}

static void knows_escaped_keys(void **state)
{
	struct table table;

	(void)state;
	open_text(&table, "{\"a\\u0062\":1}\n{\"ab\":2}\n{\"\\u0061b\":3}\n", &defaults);
	assert_int_equal(table.reader->n_columns, 1);
	assert_string_equal(table.reader->columns[0].name, "ab");
	bind(&table, "n");
	assert_next(&table, 3);
	assert_true(table.chunk->columns[0].numbers[2] == 3);
	close_table(&table);
}

static void refuses_what_is_not_json(void **state)
{
	char deep[400];

	(void)state;
	assert_fails(" ", "", &defaults, 0, "the input is empty");
	assert_fails("{\"a\":1}\n5", "n", &defaults, 2, "broken JSON: expected an object, found '5'");
	assert_fails("[{\"a\":1},]", "n", &defaults, 1, "broken JSON: expected an object, found ']'");
	assert_fails("[{\"a\":1} {\"a\":1}]", "n", &defaults, 1,
		     "broken JSON: expected \",\" or \"]\" behind an object, found '{'");
	assert_fails("[{\"a\":1}]\n[", "n", &defaults, 2,
		     "broken JSON: expected nothing behind the array, found '['");
	assert_fails("[{\"a\":1}\n", "n", &defaults, 2,
		     "broken JSON: the input ends before the array's \"]\"");
	assert_fails("{\"a\":1}\n\n{\"a\":\n1", "n", &defaults, 3,
		     "broken JSON: the input ends inside an object");
	assert_fails("{a:1}", "n", &defaults, 1, "broken JSON: expected a key in quotes or \"}\", found 'a'");
	assert_fails("{\"a\":1,}", "n", &defaults, 1, "broken JSON: expected a key in quotes, found '}'");
	assert_fails("{\"a\" 1}", "n", &defaults, 1, "broken JSON: expected \":\" behind a key, found '1'");
	assert_fails("{\"a\":}", "n", &defaults, 1, "broken JSON: expected a value, found '}'");
	assert_fails("{\"a\":NaN}", "n", &defaults, 1, "broken JSON: expected a value, found 'NaN'");
	assert_fails("{\"a\":01}", "n", &defaults, 1, "broken JSON: expected a value, found '01'");
	assert_fails("{\"a\":[1,]}", "n", &defaults, 1, "broken JSON: expected a value, found ']'");
	assert_fails("{\"a\":[1}", "n", &defaults, 1, "broken JSON: expected \",\" or \"]\", found '}'");
	assert_fails("{\"a\":1 \"b\":2}", "n", &defaults, 1,
		     "broken JSON: expected \",\" or \"}\", found '\"'");
	assert_fails("{\"a\":\"x\n\"}", "n", &defaults, 1, "broken JSON: a string is not closed on its line");
	assert_fails("{\"a\":\"\x01\"}", "n", &defaults, 1,
		     "broken JSON: a control character in a string is not escaped");
	assert_fails("{\"a\":\"\xff\"}", "n", &defaults, 1, "broken JSON: a string is not UTF-8");
	assert_fails("{\"a\":\"\\x\"}", "n", &defaults, 1, "broken JSON: a string has a wrong escape");
	assert_fails("{\"a\":\"\\ud800\"}", "n", &defaults, 1, "broken JSON: a string has a wrong escape");
	assert_fails("{\"a\":\"\\udc00\\ud800\"}", "n", &defaults, 1,
		     "broken JSON: a string has a wrong escape");
	assert_fails("{\"\":1}", "n", &defaults, 1, "a key is empty");
	assert_fails("{\"a\\u0000b\":1}", "n", &defaults, 1, "key \"a?b\" has a NUL character in it");
	assert_fails("{\"a\":1}\n{\"a\":1,\"\\u0061\":2}", "n", &defaults, 2,
		     "key \"a\" twice in one object");
	memset(deep, '[', sizeof deep);
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof deep - 1] = '\0';
	assert_fails(deep, "n", &defaults, 1, "broken JSON: more than 64 levels of arrays and objects");
}

static void refuses_bad_cells(void **state)
{
	struct mlops_read_options options = defaults;

	(void)state;
	assert_fails("{\"a\":1}\n{\"a\":\"abc\"}", "n", &defaults, 2, "column \"a\": 'abc' is not a number");
	assert_fails("{\"a\":1}\n{\"a\":{}}", "n", &defaults, 2,
		     "column \"a\": expected a number, found an object");
	assert_fails("{\"a\":1}\n{\"a\":[1]}", "x", &defaults, 2,
		     "column \"a\": expected a text, found an array");
	assert_fails("{\"a\":1}\n{\"a\":true}", "t", &defaults, 2,
		     "column \"a\": expected a time, found true");
	options.max_line = 20;
	assert_fails("{\"a\":1}\n{\"a\":\"0123456789012345678\"}", "n", &options, 2,
		     "row is longer than 20 bytes");
}

static void skips_and_counts(void **state)
{
	struct mlops_read_options options = defaults;
	struct table table;

	(void)state;
	options.on_error = MLOPS_ON_ERROR_SKIP;
	open_text(
		&table,
		"garbage {\"a\":9}\n{\"a\":1}\n{\"a\":2\n{\"a\":3}\n{\"a\":\"x\"}\n{\"a\":4,\"a\":5}\n{\"a\":1e39}\n"
		"{\"a\":[]}\n{\"a\":6}\n{\"a",
		&options);
	bind(&table, "n");
	assert_next(&table, 3);
	assert_true(table.chunk->columns[0].numbers[0] == 1);
	assert_true(table.chunk->columns[0].numbers[1] == 3);
	assert_true(table.chunk->columns[0].numbers[2] == 6);
	assert_int_equal(table.chunk->lines[1], 4);
	assert_int_equal(table.chunk->lines[2], 9);
	assert_next(&table, 0);
	assert_int_equal(table.reader->counts.rows, 3);
	assert_int_equal(table.reader->counts.skipped_rows, 7);
	assert_int_equal(table.reader->counts.ragged, 4);
	assert_int_equal(table.reader->counts.parse, 2);
	assert_int_equal(table.reader->counts.not_finite, 1);
	assert_int_equal(table.reader->counts.nulled_cells, 0);
	close_table(&table);
	assert_fails("[{\"a\":1},\n{\"a\":2,\n{\"a\":3}]", "n", &options, 2,
		     "broken JSON: expected a key in quotes, found '{'");
}

static void nulls_and_counts(void **state)
{
	struct mlops_read_options options = defaults;
	struct table table;

	(void)state;
	options.on_error = MLOPS_ON_ERROR_NULL;
	open_text(&table, "[{\"a\":1,\"b\":\"u\"},{\"a\":\"x\",\"b\":{}},{\"a\":1e39,\"b\":\"v\"}]",
		  &options);
	bind(&table, "nx");
	assert_next(&table, 3);
	assert_true(isnan(table.chunk->columns[0].numbers[1]));
	assert_true(isnan(table.chunk->columns[0].numbers[2]));
	assert_cell(&table, 1, 1, NULL, false);
	assert_cell(&table, 1, 2, "v", false);
	assert_int_equal(table.reader->counts.nulled_cells, 3);
	assert_int_equal(table.reader->counts.parse, 2);
	assert_int_equal(table.reader->counts.not_finite, 1);
	assert_int_equal(table.reader->counts.skipped_rows, 0);
	close_table(&table);
	assert_fails("{\"a\":1}\n{\"a\"}\n", "n", &options, 2,
		     "broken JSON: expected \":\" behind a key, found '}'");
}

/* The rows as text: what must be the same however the bytes come. */
static void print_rows(struct table *table, char *out, size_t room)
{
	size_t used = 0;

	bind(table, "nxn");
	for (;;) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		if (!mlops_reader_next(table->reader, table->chunk, &error))
			fail_msg("%s:%u: %s", error.source, (unsigned)error.line, error.message);
		if (table->chunk->rows == 0)
			break;
		for (size_t row = 0; row < table->chunk->rows; row++) {
			struct mlops_cell cell = mlops_chunk_cell(table->chunk, 1, row);

			used += (size_t)snprintf(out + used, room - used, "%u:%g %.*s%d%d %g\n",
						 (unsigned)table->chunk->lines[row],
						 (double)table->chunk->columns[0].numbers[row],
						 (int)cell.length, cell.bytes, cell.present, cell.is_number,
						 (double)table->chunk->columns[2].numbers[row]);
			assert_true(used < room);
		}
	}
	snprintf(out + used, room - used, "%u %u", (unsigned)table->reader->counts.rows,
		 (unsigned)table->reader->counts.skipped_rows);
}

static void same_rows_wherever_blocks_end(void **state)
{
	static const char lines[] =
		"\xef\xbb\xbf\n{\"\\u0061\": -1.5e1 ,\"s\":\"\\ud83d\\ude00\xc3\xa9\\\\\",\"b\":true}\r\n"
		"{ \"x\" : [ {\"y\":\"]}\\\"\"}, null ] , \"a\":2,\"s\":12.50,\"b\":null}{\"a\":3}\n"
		"{\"a\":4,\"s\":\"un\n{\"a\":5,\"s\":\"No Data\",\"b\":\"7\"}\n{}\n";
	static const char array[] =
		" [ {\"a\":1,\"s\":\"\\n\",\"b\":0} ,\n{\"a\":\"2\",\"s\":false},{\"b\":1e2 } ] \n";
	const struct {
		const char *text;
		size_t length;
		const char *expected;
	} cases[] = {
		{ lines, sizeof lines - 1,
		  "2:-15 \xf0\x9f\x98\x80\xc3\xa9\\10 1\n3:2 12.5011 nan\n3:3 00 nan\n5:5 00 7\n6:nan 00 nan\n5 1" },
		{ array, sizeof array - 1, "1:1 00 0\n2:2 false10 nan\n2:nan 00 100\n3 0" },
	};
	struct mlops_read_options options = defaults;
	char rows[1024];

	(void)state;
	options.on_error = MLOPS_ON_ERROR_SKIP;
	for (size_t i = 0; i < 2; i++)
		for (size_t cut = 0; cut <= cases[i].length; cut++) {
			struct table table;

			open_cut(&table, cases[i].text, cases[i].length, cut, &options);
			print_rows(&table, rows, sizeof rows);
			assert_string_equal(rows, cases[i].expected);
			close_table(&table);
		}
}

static void many_rows_and_blocks(void **state)
{
	enum { ROWS = 20000 };
	char *text = malloc(ROWS * 40);
	size_t used = 0, row = 0;
	struct table table;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < ROWS; i++)
		used += (size_t)sprintf(text + used, "{\"i\":%d,\"s\":\"r%d\"}\n", i, i);
	open_cut(&table, text, used, 100, &defaults);
	bind(&table, "nx");
	do {
		struct mlops_error error = MLOPS_ERROR_INIT;

		assert_true(mlops_reader_next(table.reader, table.chunk, &error));
		for (size_t i = 0; i < table.chunk->rows; i++, row++) {
			char expected[16];

			snprintf(expected, sizeof expected, "r%zu", row);
			assert_true(table.chunk->columns[0].numbers[i] == (float)row);
			assert_cell(&table, 1, i, expected, false);
			assert_int_equal(table.chunk->lines[i], row + 1);
		}
	} while (table.chunk->rows > 0);
	assert_int_equal(row, ROWS);
	close_table(&table);
	free(text);
}

static void hands_out_rows_while_waiting(void **state)
{
	struct mlops_read_options options = defaults;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table table;
	int ends[2];

	(void)state;
	options.interactive = true;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "{\"a\":1}\n{\"a\":2", 14), 14);
	table.options = options;
	table.source = mlops_source_from_fd(ends[0], "pipe", &error);
	assert_non_null(table.source);
	table.reader = mlops_json_open_reader(table.source, "", 0, &table.options, &error);
	assert_non_null(table.reader);
	bind(&table, "n");
	assert_next(&table, 1);
	assert_int_equal(write(ends[1], "5}{\"a\":3}", 9), 9);
	assert_next(&table, 2);
	assert_true(table.chunk->columns[0].numbers[0] == 25);
	assert_true(table.chunk->columns[0].numbers[1] == 3);
	close(ends[1]);
	assert_next(&table, 0);
	close(ends[0]);
	close_table(&table);
}

static void one_row_a_chunk(void **state)
{
	struct mlops_read_options options = defaults;
	struct table table;

	(void)state;
	options.one_row = true;
	open_text(&table, "[{\"a\":1},{\"a\":2}]", &options);
	bind(&table, "n");
	assert_next(&table, 1);
	assert_next(&table, 1);
	assert_next(&table, 0);
	close_table(&table);
}

/* What comes before a broken row is not held back, in the window as behind it. */
static void rows_before_an_error_come_first(void **state)
{
	struct mlops_read_options options = defaults;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table table;

	(void)state;
	options.one_row = true;
	open_text(&table, "{\"a\":1}\n{\"a\":2,}\n", &options);
	bind(&table, "n");
	assert_next(&table, 1);
	assert_false(mlops_reader_next(table.reader, table.chunk, &error));
	assert_string_equal(error.message, "broken JSON: expected a key in quotes, found '}'");
	assert_int_equal(error.line, 2);
	close_table(&table);

	/* also where the chunk would hold more: a reader around this one takes rows only without an error */
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	options.one_row = false;
	open_text(&table, "{\"a\":1}\n{\"a\":2}\n{\"a\":\"x\"}\n", &options);
	bind(&table, "n");
	assert_next(&table, 2);
	for (int again = 0; again < 2; again++) {
		error = (struct mlops_error)MLOPS_ERROR_INIT;
		assert_false(mlops_reader_next(table.reader, table.chunk, &error));
		assert_string_equal(error.message, "column \"a\": 'x' is not a number");
		assert_int_equal(error.line, 3);
	}
	close_table(&table);
}

static void unescapes(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(mlops_json_unescape(out, "\\\"\\\\\\/\\b\\f\\n\\r\\t", 16), 8);
	assert_memory_equal(out, "\"\\/\b\f\n\r\t", 8);
	assert_int_equal(mlops_json_unescape(out, "\\u007F\\u07ff\\uFFFF\\uD800\\uDC00", 30), 10);
	assert_memory_equal(out, "\x7f\xdf\xbf\xef\xbf\xbf\xf0\x90\x80\x80", 10);
	assert_int_equal(mlops_json_unescape(NULL, "\\u12", 4), SIZE_MAX);
	assert_int_equal(mlops_json_unescape(NULL, "\\u12g4", 6), SIZE_MAX);
	assert_int_equal(mlops_json_unescape(NULL, "\\ud800\\u0041", 12), SIZE_MAX);
	assert_int_equal(mlops_json_unescape(NULL, "\\", 1), SIZE_MAX);
}

static void an_empty_array_has_no_rows(void **state)
{
	static const char *const texts[] = { "[]", " [ \n ] \n" };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_selection selection;
	struct table table;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		open_text(&table, texts[i], &defaults);
		assert_true(table.reader->no_rows);
		assert_int_equal(table.reader->n_columns, 0);
		close_table(&table);
	}
	open_text(&table, "[{}]", &defaults);
	assert_false(table.reader->no_rows);
	close_table(&table);
	open_text(&table, "[]", &defaults);
	assert_false(mlops_select(table.reader, &(struct mlops_select_options){ .texts = true }, &selection, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, "no data rows");
	close_table(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_array_has_no_rows),
		cmocka_unit_test(reads_json_lines),
		cmocka_unit_test(reads_array_and_single_object),
		cmocka_unit_test(converts_cells),
		cmocka_unit_test(knows_escaped_keys),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(refuses_bad_cells),
		cmocka_unit_test(skips_and_counts),
		cmocka_unit_test(nulls_and_counts),
		cmocka_unit_test(same_rows_wherever_blocks_end),
		cmocka_unit_test(many_rows_and_blocks),
		cmocka_unit_test(hands_out_rows_while_waiting),
		cmocka_unit_test(one_row_a_chunk),
		cmocka_unit_test(rows_before_an_error_come_first),
		cmocka_unit_test(unescapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
