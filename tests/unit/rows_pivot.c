#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows/pivot.h"
#include "rows/pivot_sensor.h"
#include "rows/quality.h"
#include "table_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)

static void check(const struct mlops_pivot_options *pivot, const char *csv, const char *types,
		  const char *expected)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	char *text;

	options.pivot = pivot;
	text = table_text_of(csv, strlen(csv), &options, types);
	assert_string_equal(text, expected);
	free(text);
}

static void the_last_known_value(void **state)
{
	struct mlops_pivot_options pivot = { .every = 60 * SECOND };

	(void)state;
	check(&pivot, "timestamp,tag,value\n5,b,1\n10,a,10\n65,b,2\n300,a,12\n", "XNN",
	      "timestamp T, a N, b N\n3: 1970-01-01T00:01:00Z 10 1\n4: 1970-01-01T00:02:00Z 10 2\n"
	      "4: 1970-01-01T00:03:00Z 10 2\n4: 1970-01-01T00:04:00Z - 2\n5: 1970-01-01T00:05:00Z 12 -\nrows "
	      "5\n");
	pivot.hold = 30 * SECOND;
	/* Nothing is known at 180 and 240: no rows there.  A sample at a row's time belongs to it. */
	check(&pivot, "time,signal,val\n60,a,1\n119,a,2\n300,a,3\n310,a,4\n", "XN",
	      "time T, a N\n2: 1970-01-01T00:01:00Z 1\n3: 1970-01-01T00:02:00Z 2\n4: 1970-01-01T00:05:00Z "
	      "3\nrows 3\n");
	check(&pivot, "time,tag,value\n-90,a,1\n-60,a,2\n", "XN",
	      "time T, a N\n3: 1969-12-31T23:59:00Z 2\nrows 1\n");
}

static void a_row_for_each_time(void **state)
{
	struct mlops_pivot_options pivot = { .every = 0 };

	(void)state;
	check(&pivot, "time,tag,value\n1,b,1\n1,a,2\n2,a,3\n2,a,4\n", "TTT",
	      "time T, a N, b N\n3: '1970-01-01T00:00:01Z' 2# 1#\n5: '1970-01-01T00:00:02Z' 4# -\nrows 2\n");
	pivot.hold = SECOND;
	check(&pivot, "time,tag,value\n1,b,1\n1,a,2\n2,a,3\n4,a,5\n", "XNN",
	      "time T, a N, b N\n3: 1970-01-01T00:00:01Z 2 1\n4: 1970-01-01T00:00:02Z 3 1\n5: "
	      "1970-01-01T00:00:04Z 5 -\n"
	      "rows 3\n");
}

static void late_samples(void **state)
{
	static const char csv[] = "time,tag,value\n10,a,1\n30,a,3\n20,a,2\n50,a,5\n29,a,9\n40,a,4\n";
	struct mlops_pivot_options pivot = { .lateness = 10 * SECOND };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_source *source = mlops_source_from_memory(csv, strlen(csv), "t", NULL);
	const struct mlops_binding binding = { 1, MLOPS_COLUMN_NUMBER };
	const enum mlops_column_type type = MLOPS_COLUMN_NUMBER;
	struct mlops_chunk *chunk = mlops_chunk_new(&type, 1, NULL);
	struct mlops_reader *reader;

	(void)state;
	options.pivot = &pivot;
	reader = mlops_reader_open(source, &options, NULL);
	assert_true(mlops_reader_bind(reader, &binding, 1, NULL));
	assert_true(mlops_reader_next(reader, chunk, NULL));
	assert_int_equal(chunk->rows, 5);
	for (size_t i = 0; i < 5; i++)
		assert_true(chunk->columns[0].numbers[i] == (float)(i + 1));
	assert_true(mlops_reader_next(reader, chunk, NULL));
	assert_int_equal(chunk->rows, 0);
	assert_int_equal(reader->counts.late, 1);
	mlops_reader_free(reader);
	mlops_chunk_free(chunk);
	mlops_source_free(source);
}

static void one_sensor_after_the_other(void **state)
{
	struct mlops_pivot_options pivot = { .every = 10 * SECOND };

	(void)state;
	check(&pivot,
	      "time,machine_id,tag,value\n10,p,a,1\n20,p,a,2\n10,q,a,3\n20,q,a,4\n25,p,a,5\n30,p,a,6\n",
	      "XTN",
	      "time T, machine_id T, a N\n2: 1970-01-01T00:00:10Z 'p' 1\n4: 1970-01-01T00:00:10Z 'q' 3\n"
	      "3: 1970-01-01T00:00:20Z 'p' 2\n7: 1970-01-01T00:00:30Z 'p' 6\n5: 1970-01-01T00:00:20Z 'q' "
	      "4\nrows 5\n");
}

static void qualities(void **state)
{
	struct mlops_pivot_options pivot = { .every = 10 * SECOND, .hold = 1000 * SECOND };

	(void)state;
	check(&pivot,
	      "time,tag,value,quality\n10,a,1,Good\n20,a,2,Bad\n30,a,3,Uncertain\n40,a,4,192\n50,a,5,0\n60,a,"
	      "6,0x40000000\n"
	      "70,a,7,0x80000000\n80,a,8,\n",
	      "XN",
	      "time T, a N\n2: 1970-01-01T00:00:10Z 1\n3: 1970-01-01T00:00:20Z -\n4: 1970-01-01T00:00:30Z 3\n"
	      "5: 1970-01-01T00:00:40Z 4\n6: 1970-01-01T00:00:50Z -\n7: 1970-01-01T00:01:00Z 6\n"
	      "8: 1970-01-01T00:01:10Z -\n9: 1970-01-01T00:01:20Z -\nrows 8\n");
	check(&pivot, "time,tag,value,status\n10,a,1,0\n20,a,2,2147483648\n", "XN",
	      "time T, a N\n2: 1970-01-01T00:00:10Z 1\n3: 1970-01-01T00:00:20Z -\nrows 2\n");
	check(&pivot, "time,tag,value,q\n10,a,1,good\n20,a,2,fine\n", "XN",
	      "time T, a N\nrows 0, parse 1\ndata t.csv:3: column \"q\": 'fine' is no quality such as Good, "
	      "Uncertain, Bad, "
	      "192 or 0x80000000\n");
}

static void words_and_numbers(void **state)
{
	static const struct {
		const char *text;
		enum mlops_quality quality, classic;
	} cases[] = {
		{ "GoodClamped", MLOPS_QUALITY_GOOD, MLOPS_QUALITY_GOOD },
		{ "OK", MLOPS_QUALITY_GOOD, MLOPS_QUALITY_GOOD },
		{ "UncertainLastUsableValue", MLOPS_QUALITY_UNCERTAIN, MLOPS_QUALITY_UNCERTAIN },
		{ "bad_no_communication", MLOPS_QUALITY_BAD, MLOPS_QUALITY_BAD },
		{ "0", MLOPS_QUALITY_GOOD, MLOPS_QUALITY_BAD },
		{ "192.0", MLOPS_QUALITY_GOOD, MLOPS_QUALITY_GOOD },
		{ "219", MLOPS_QUALITY_GOOD, MLOPS_QUALITY_GOOD },
		{ "24", MLOPS_QUALITY_BAD, MLOPS_QUALITY_BAD },
		{ "68", MLOPS_QUALITY_UNCERTAIN, MLOPS_QUALITY_UNCERTAIN },
		{ "0X80310000", MLOPS_QUALITY_BAD, MLOPS_QUALITY_BAD },
		{ "1083179008", MLOPS_QUALITY_UNCERTAIN, MLOPS_QUALITY_UNCERTAIN },
		{ "4294967296", MLOPS_QUALITY_UNKNOWN, MLOPS_QUALITY_UNKNOWN },
		{ "0x", MLOPS_QUALITY_UNKNOWN, MLOPS_QUALITY_UNKNOWN },
		{ "-1", MLOPS_QUALITY_UNKNOWN, MLOPS_QUALITY_UNKNOWN },
		{ "", MLOPS_QUALITY_UNKNOWN, MLOPS_QUALITY_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t length = strlen(cases[i].text);

		assert_int_equal(mlops_quality_read(cases[i].text, length, false), cases[i].quality);
		assert_int_equal(mlops_quality_read(cases[i].text, length, true), cases[i].classic);
	}
	assert_true(mlops_quality_is_classic("192", 3));
	assert_false(mlops_quality_is_classic("0", 1));
	assert_false(mlops_quality_is_classic("0x40000000", 10));
	assert_false(mlops_quality_is_classic("Good", 4));
}

static void expect_refused(const struct mlops_pivot_options *pivot, const char *csv, const char *message)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source = mlops_source_from_memory(csv, strlen(csv), "t.csv", &error);

	options.pivot = pivot;
	assert_null(mlops_reader_open(source, &options, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
	mlops_source_free(source);
}

static void tags_and_columns(void **state)
{
	const char *const tags[] = { "b", "a" }, *const unknown[] = { "a", "tempp" };
	struct mlops_pivot_options pivot = { .tags = tags, .n_tags = 2 };

	(void)state;
	check(&pivot, "time,tag,value\n1,a,1\n1,b,2\n1,c,3\n,a,4\n2,,5\n", "XNN",
	      "time T, b N, a N\n3: 1970-01-01T00:00:01Z 2 1\nrows 1\n");
	pivot.tags = unknown;
	expect_refused(&pivot, "time,tag,value\n1,a,1\n1,temp,2\n",
		       "no sample has the tag \"tempp\"; did you mean \"temp\"?");
	pivot = (struct mlops_pivot_options){ .every = 0 };
	expect_refused(
		&pivot, "time,label,value\n1,a,1\n",
		"long layout: no column is called tag, signal or name; name the one that holds the tag");
	expect_refused(
		&pivot, "time,tag,number\n1,a,1\n",
		"long layout: no column is called value or reading; name the one that holds the value");
	expect_refused(&pivot, "when,tag,value\n1,a,1\n",
		       "no column is called timestamp, time, ts, date or datetime; samples need a time");
	expect_refused(&pivot, "time,tag,value\n1,time,1\n", "there would be two columns \"time\"");
	pivot.tag = "tagg";
	expect_refused(&pivot, "time,tag,value\n1,a,1\n", "no column \"tagg\"; did you mean \"tag\"?");
	pivot = (struct mlops_pivot_options){ .value = "tag" };
	expect_refused(&pivot, "time,tag,value\n1,a,1\n", "column \"tag\" is named twice");
}

/* Samples in any order within the lateness give the rows that the same samples in order give. */
static void order_makes_no_difference(void **state)
{
	enum { N = 5000, TAGS = 3 };
	const struct mlops_pivot_grid grid = { .every = 7, .hold = 40, .lateness = 1000, .n_tags = TAGS };
	uint32_t random = 12345;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct mlops_pivot_sensor both[2];
		struct mlops_pivot_sample samples[N];
		float values[2][TAGS];
		int64_t times[2];
		bool more;

		for (size_t i = 0; i < N; i++) {
			random = random * 1664525 + 1013904223;
			samples[i] = (struct mlops_pivot_sample){ (int64_t)i * 3 + (random >> 8) % 2 * 200, i,
								  random % TAGS, (float)i };
		}
		assert_true(mlops_pivot_sensor_init(&both[0], TAGS, NULL));
		assert_true(mlops_pivot_sensor_init(&both[1], TAGS, NULL));
		for (size_t i = 0; i < N; i++)
			assert_int_equal(mlops_pivot_sensor_put(&both[0], &grid, &samples[i]),
					 MLOPS_PIVOT_PUT);
		for (size_t i = 0; i < N; i++) {
			/* A few places away from its own. */
			size_t k = i - i % 50 + 49 - i % 50;

			assert_int_equal(mlops_pivot_sensor_put(&both[1], &grid, &samples[k]),
					 MLOPS_PIVOT_PUT);
		}
		do {
			more = mlops_pivot_sensor_next(&both[0], &grid, true, &times[0], values[0]);
			assert_int_equal(mlops_pivot_sensor_next(&both[1], &grid, true, &times[1], values[1]),
					 more);
			if (more) {
				assert_int_equal(times[0], times[1]);
				assert_memory_equal(values[0], values[1], sizeof values[0]);
			}
		} while (more);
		mlops_pivot_sensor_release(&both[0]);
		mlops_pivot_sensor_release(&both[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_known_value),
		cmocka_unit_test(a_row_for_each_time),
		cmocka_unit_test(late_samples),
		cmocka_unit_test(one_sensor_after_the_other),
		cmocka_unit_test(qualities),
		cmocka_unit_test(words_and_numbers),
		cmocka_unit_test(tags_and_columns),
		cmocka_unit_test(order_makes_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
