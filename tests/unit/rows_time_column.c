#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows/select.h"
#include "table_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check(const struct mlops_read_options *options, const char *csv, const char *types,
		  const char *expected)
{
	char *text = table_text_of(csv, strlen(csv), options, types);

	assert_string_equal(text, expected);
	free(text);
}

static struct mlops_time_format *new_format(const char *pattern)
{
	struct mlops_time_format *format = mlops_time_format_new(pattern, NULL);

	assert_non_null(format);
	return format;
}

static void one_column_in_a_zone(void **state)
{
	struct mlops_timezone *zone = mlops_timezone_open("/nowhere", "+01:00", NULL);
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	options.timezone = zone;
	/* The usual name is found; as text and as time it is UTC; other columns are as they were. */
	check(&options, "a,time,b\n1,2024-01-31 18:00,x\n2,2024-01-31T18:00Z,y\n3,,z\n", "NTT",
	      "a N, time T, b T\n2: 1 '2024-01-31T17:00:00Z' 'x'\n3: 2 '2024-01-31T18:00:00Z' 'y'\n4: 3 - "
	      "'z'\nrows 3\n");
	check(&options, "a,time,b\n1,2024-01-31 18:00,x\n", "TXN",
	      "a N, time T, b T\nrows 0, parse 1\ndata t.csv:2: column \"b\": 'x' is not a number\n");
	/* It is not looked at where nobody wants it. */
	check(&options, "a,time\n1,soon\n", "N.", "a N, time T\n2: 1\nrows 1\n");
	mlops_timezone_free(zone);
}

static void formats_and_policies(void **state)
{
	static const char csv[] = "day,a\n31.01.2024,1\n32.01.2024,2\n01.02.2024,3\n";
	struct mlops_time_format *format = new_format("%d.%m.%Y");
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	const char *const columns[] = { "day" };

	(void)state;
	options.time_format = format;
	options.time_columns = columns;
	options.n_time_columns = 1;
	check(&options, csv, "XN",
	      "day T, a N\n2: 2024-01-31T00:00:00Z 1\nrows 1, parse 1\n"
	      "data t.csv:3: column \"day\": '32.01.2024' is not a time as '%d.%m.%Y' has it\n");
	options.on_error = MLOPS_ON_ERROR_SKIP;
	check(&options, csv, "XT",
	      "day T, a N\n2: 2024-01-31T00:00:00Z 1#\n4: 2024-02-01T00:00:00Z 3#\nrows 2, skipped 1, parse "
	      "1\n");
	options.on_error = MLOPS_ON_ERROR_NULL;
	check(&options, csv, "TN",
	      "day T, a N\n2: '2024-01-31T00:00:00Z' 1\n3: - 2\n4: '2024-02-01T00:00:00Z' 3\nrows 3, nulled "
	      "1, parse 1\n");
	check(&options, "{\"day\":\"01.02.2024\",\"a\":3}\n", "XN",
	      "day T, a N\n1: 2024-02-01T00:00:00Z 3\nrows 1\n");
	mlops_time_format_free(format);
}

static void columns_are_joined(void **state)
{
	const char *const two[] = { "Date", "Time" };
	const char *const four[] = { "year", "month", "day", "hour" };
	struct mlops_time_format *format = new_format("day-first");
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	options.time_columns = two;
	options.n_time_columns = COUNT(two);
	check(&options, "Date,x,Time\n2004-03-10,1,18.00.00\n2004-03-10,2,\n", "XN",
	      "timestamp T, x N\n2: 2004-03-10T18:00:00Z 1\n3: - 2\nrows 2\n");
	check(&options, "Date,x,Time\n10/03/2004,1,18.00.00\n", "XN",
	      "timestamp T, x N\nrows 0, parse 1\ndata t.csv:2: column \"Date,Time\": '10/03/2004 18.00.00' "
	      "is not a time "
	      "(ISO 8601, or seconds or milliseconds since 1970); a time format tells how others are "
	      "written\n");
	options.time_format = format;
	check(&options, "Date;x;Time\n10/03/2004;1,5;18.00.00\n", "TN",
	      "timestamp T, x N\n2: '2004-03-10T18:00:00Z' 1.5\nrows 1\n");
	options.time_format = NULL;
	options.time_columns = four;
	options.n_time_columns = COUNT(four);
	check(&options, "No,year,month,day,hour,T\n1,2010,1,2,23,-11\n2,2010,2,30,0,-12\n", "NXN",
	      "No N, timestamp T, T N\n2: 1 2010-01-02T23:00:00Z -11\nrows 1, parse 1\n"
	      "data t.csv:3: column \"year,month,day,hour\": '2010 2 30 0' is not a time (ISO 8601, or "
	      "seconds or "
	      "milliseconds since 1970); a time format tells how others are written\n");
	mlops_time_format_free(format);
}

static void expect_refused(const struct mlops_read_options *options, const char *csv, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source = mlops_source_from_memory(csv, strlen(csv), "t.csv", &error);

	assert_non_null(source);
	assert_null(mlops_reader_open(source, options, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
	mlops_source_free(source);
}

static void what_cannot_be(void **state)
{
	const char *const twice[] = { "a", "a" };
	const char *const unknown[] = { "a", "bb" };
	const char *const both[] = { "a", "b" };
	struct mlops_timezone *zone = mlops_timezone_open("/nowhere", "UTC", NULL);
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	options.timezone = zone;
	expect_refused(&options, "a,b\n1,2\n",
		       "a time zone or format is given, but no column is called timestamp, time, ts, date or "
		       "datetime; "
		       "name the one that is the time");
	options.n_time_columns = 2;
	options.time_columns = twice;
	expect_refused(&options, "a,b\n1,2\n", "column \"a\" is named twice for the time");
	options.time_columns = unknown;
	expect_refused(&options, "a,b\n1,2\n", "no column \"bb\"");
	options.time_columns = both;
	expect_refused(&options, "a,b,timestamp\n1,2,3\n",
		       "the columns of the time would become \"timestamp\", which is there already");
	mlops_timezone_free(zone);
}

static void the_reader_knows_its_time(void **state)
{
	const char *const both[] = { "d", "c" };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_source *source = mlops_source_from_memory("time,d,c\n1,2,3\n", 15, "t.csv", NULL);
	struct mlops_reader *reader;

	(void)state;
	options.time_columns = both;
	options.n_time_columns = 2;
	reader = mlops_reader_open(source, &options, NULL);
	assert_non_null(reader);
	assert_int_equal(mlops_select_time(reader), 1);
	assert_string_equal(reader->columns[1].name, "timestamp");
	mlops_reader_free(reader);
	mlops_source_free(source);
	options = (struct mlops_read_options)MLOPS_READ_OPTIONS_INIT;
	source = mlops_source_from_memory("x,time,d\n1,2,3\n", 15, "t.csv", NULL);
	reader = mlops_reader_open(source, &options, NULL);
	assert_int_equal(mlops_select_time(reader), 1);
	mlops_reader_free(reader);
	mlops_source_free(source);
}

/* More rows than a chunk holds, with the bad ones at chunks' ends. */
static void many_rows(void **state)
{
	struct mlops_time_format *format = new_format("%s");
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	const enum mlops_column_type types[] = { MLOPS_COLUMN_TIME, MLOPS_COLUMN_TEXT, MLOPS_COLUMN_NUMBER };
	const struct mlops_binding bindings[] = { { 0, MLOPS_COLUMN_TIME },
						  { 1, MLOPS_COLUMN_TEXT },
						  { 1, MLOPS_COLUMN_NUMBER } };
	struct mlops_buffer csv = MLOPS_BUFFER_INIT;
	struct mlops_source *source;
	struct mlops_reader *reader;
	struct mlops_chunk *chunk;
	int expected = 0;

	(void)state;
	mlops_buffer_append_string(&csv, "time,n\n");
	for (int i = 0; i < 20000; i++)
		mlops_buffer_append_format(&csv, "%s%d,%d\n", i % 4096 == 4095 || i % 7 == 0 ? "x" : "", i,
					   i);
	options.time_format = format;
	options.on_error = MLOPS_ON_ERROR_SKIP;
	source = mlops_source_from_memory(csv.data, csv.length, "t.csv", NULL);
	reader = mlops_reader_open(source, &options, NULL);
	assert_true(mlops_reader_bind(reader, bindings, COUNT(bindings), NULL));
	chunk = mlops_chunk_new(types, COUNT(types), NULL);
	while (mlops_reader_next(reader, chunk, NULL) && chunk->rows > 0)
		for (size_t row = 0; row < chunk->rows; row++, expected++) {
			struct mlops_cell cell = mlops_chunk_cell(chunk, 1, row);
			char text[16];

			while (expected % 4096 == 4095 || expected % 7 == 0)
				expected++;
			assert_int_equal(chunk->columns[0].times[row], expected * INT64_C(1000000));
			assert_true(chunk->columns[2].numbers[row] == (float)expected);
			assert_int_equal(chunk->lines[row], expected + 2);
			snprintf(text, sizeof text, "%d", expected);
			assert_int_equal(cell.length, strlen(text));
			assert_memory_equal(cell.bytes, text, cell.length);
		}
	assert_int_equal(expected, 19999);
	assert_int_equal(reader->counts.rows + reader->counts.skipped_rows, 20000);
	assert_int_equal(reader->counts.parse, reader->counts.skipped_rows);
	mlops_chunk_free(chunk);
	mlops_reader_free(reader);
	mlops_source_free(source);
	mlops_buffer_release(&csv);
	mlops_time_format_free(format);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_column_in_a_zone),	     cmocka_unit_test(formats_and_policies),
		cmocka_unit_test(columns_are_joined),	     cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(the_reader_knows_its_time), cmocka_unit_test(many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
