/* Rows to regular series: steps, gaps, what is filled, what is refused, and resampling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "rows/series.h"
#include "tests/unit/rows_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)

static struct mlops_series_set *read_set(const char *text, const struct mlops_select_options *select,
					 const struct mlops_series_options *options, struct mlops_error *error)
{
	static const struct mlops_select_options usual = { .time = NULL };
	struct mlops_series_set *set = NULL;
	struct mlops_series_columns columns;
	struct table table;

	table_open(&table, text);
	if (mlops_series_select(table.reader, select != NULL ? select : &usual, &columns, error))
		set = mlops_series_read(table.reader, &columns, options, error);
	table_close(&table);
	return set;
}

/* "step 1min; a: 10:00:00 1 2 | 10:05:00 7", without the day. */
static void print_set(const struct mlops_series_set *set, struct mlops_buffer *text)
{
	char time[MLOPS_TIME_TEXT];

	mlops_time_print_duration(time, set->every);
	mlops_buffer_append_format(text, "step %s", time);
	for (size_t i = 0; i < set->n; i++) {
		const struct mlops_series *series = &set->items[i];

		mlops_buffer_append_format(text, "; %s:", series->id);
		for (size_t s = 0; s < series->n_segments; s++) {
			const struct mlops_segment *segment = &series->segments[s];

			mlops_time_print(time, segment->first_time);
			mlops_buffer_append_format(text, "%s %.8s", s > 0 ? " |" : "", time + 11);
			for (size_t v = 0; v < segment->length; v++)
				mlops_buffer_append_format(text, " %g", (double)series->values[segment->start + v]);
		}
	}
}

static struct mlops_series_counts assert_set(const char *rows, const struct mlops_series_options *options,
					     const char *expected)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_series_set *set = read_set(rows, NULL, options, &error);
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_series_counts counts;

	if (set == NULL)
		fail_msg("%s:%u: %s", error.source, (unsigned)error.line, error.message);
	print_set(set, &text);
	assert_string_equal(mlops_buffer_string(&text), expected);
	counts = set->counts;
	mlops_buffer_release(&text);
	mlops_series_free(set);
	return counts;
}

static void assert_refused(const char *rows, const struct mlops_series_options *options, enum mlops_code code,
			   uint64_t line, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_series_set *set = read_set(rows, NULL, options, &error);

	if (set != NULL)
		fail_msg("no error, where '%s' was expected", message);
	assert_string_equal(error.message, message);
	assert_int_equal(error.line, line);
	assert_int_equal(error.code, code);
}

static const struct mlops_series_options as_they_are = { .every = 0 };

static void regular_rows_are_one_segment(void **state)
{
	struct mlops_series_counts counts;

	(void)state;
	counts = assert_set("time,v\n2024-01-01T10:00:00Z,1\n2024-01-01T10:01:00Z,2\n2024-01-01T10:02:00Z,-0\n", &as_they_are,
			    "step 1min; : 10:00:00 1 2 0");
	assert_int_equal(counts.rows, 3);
	assert_int_equal(counts.filled + counts.gaps + counts.missing + counts.untimed, 0);
}

static void mixed_sensors_are_told_apart(void **state)
{
	(void)state;
	assert_set("time,sensor_id,v\n"
		   "2024-01-01T10:00:00Z,a,1\n2024-01-01T10:00:30Z,b,10\n2024-01-01T10:01:00Z,a,2\n"
		   "2024-01-01T10:01:30Z,b,20\n2024-01-01T10:02:00Z,a,3\n2024-01-01T10:02:30Z,b,30\n",
		   &as_they_are, "step 1min; a: 10:00:00 1 2 3; b: 10:00:30 10 20 30");
}

static void short_gaps_are_filled_and_long_ones_cut(void **state)
{
	static const char rows[] = "time,v\n"
				   "2024-01-01T10:00:00Z,1\n2024-01-01T10:01:00Z,2\n2024-01-01T10:02:00Z,\n"
				   "2024-01-01T10:05:00Z,5\n2024-01-01T10:06:00Z,6\n"
				   "2024-01-01T10:11:00Z,11\n2024-01-01T10:12:00Z,12\n2024-01-01T10:13:00Z,\n";
	const struct mlops_series_options longer = { .hold = 4 * MINUTE }, shorter = { .hold = 2 * MINUTE };
	struct mlops_series_counts counts;

	(void)state;
	counts = assert_set(rows, &as_they_are, "step 1min; : 10:00:00 1 2 2 2 2 5 6 | 10:11:00 11 12");
	assert_int_equal(counts.filled, 3);
	assert_int_equal(counts.gaps, 1);
	assert_int_equal(counts.missing, 2);
	assert_set(rows, &longer, "step 1min; : 10:00:00 1 2 2 2 2 5 6 6 6 6 6 11 12");
	assert_set(rows, &shorter, "step 1min; : 10:00:00 1 2 | 10:05:00 5 6 | 10:11:00 11 12");
}

static void missing_ends_are_dropped(void **state)
{
	(void)state;
	assert_set("time,v\n2024-01-01T10:00:00Z,\n2024-01-01T10:01:00Z,2\n2024-01-01T10:02:00Z,3\n2024-01-01T10:03:00Z,\n",
		   &as_they_are, "step 1min; : 10:01:00 2 3");
}

static void rows_without_a_time_column_are_a_step_apart(void **state)
{
	const struct mlops_series_options every = { .every = MINUTE }, hold = { .hold = MINUTE };
	struct mlops_series_counts counts;

	(void)state;
	counts = assert_set("v\n1\n2\nNA\n4\nNA\nNA\nNA\nNA\n9\n", &as_they_are,
			    "step 0s; : 00:00:00 1 2 2 4 | 00:00:00 9");
	assert_int_equal(counts.filled, 1);
	assert_refused("v\n1\n", &every, MLOPS_USAGE, 0,
		       "--every is a time, and the rows have no time column (--time names one)");
	assert_refused("v\n1\n", &hold, MLOPS_USAGE, 0,
		       "--hold is a time, and the rows have no time column (--time names one)");
}

static void blank_rows_are_counted(void **state)
{
	struct mlops_series_counts counts;

	(void)state;
	counts = assert_set("time,sensor,v\n2024-01-01T10:00:00Z,a,1\n2024-01-01T10:01:00Z,a,2\n,,\n,a,5\n2024-01-01T10:02:00Z,,\n",
			    &as_they_are, "step 1min; a: 10:00:00 1 2");
	assert_int_equal(counts.untimed, 3);
	assert_refused("time,sensor,v\n2024-01-01T10:00:00Z,a,1\n2024-01-01T10:00:00Z,,1\n", &as_they_are, MLOPS_DATA, 3,
		       "column \"sensor\" is empty in a row that has a value");
}

static void irregular_times_are_refused_with_their_line(void **state)
{
	(void)state;
	assert_refused("time,v\n2024-01-01T10:00:00Z,1\n2024-01-01T10:01:00Z,2\n2024-01-01T10:02:00Z,3\n2024-01-01T10:03:20Z,4\n",
		       &as_they_are, MLOPS_DATA, 5,
		       "time 2024-01-01T10:03:20Z is 80s behind the one before it, most rows are 1min apart; --every 1min "
		       "brings rows to one step");
	/* the wrong difference is a run's own step */
	assert_refused("time,sensor,v\n"
		       "2024-01-01T10:00:00Z,a,1\n2024-01-01T10:00:00Z,b,1\n2024-01-01T10:00:40Z,a,1\n2024-01-01T10:01:00Z,b,2\n"
		       "2024-01-01T10:01:40Z,a,3\n2024-01-01T10:02:40Z,a,4\n2024-01-01T10:02:00Z,b,2\n",
		       &as_they_are, MLOPS_DATA, 4,
		       "time 2024-01-01T10:00:40Z of a is 40s behind the one before it, most rows are 1min apart; --every "
		       "1min brings rows to one step");
	assert_refused("time,v\n2024-01-01,1\n2024-02-01,2\n2024-03-01,3\n2024-04-01,4\n", &as_they_are, MLOPS_DATA, 4,
		       "time 2024-03-01T00:00:00Z is 29d behind the one before it, most rows are 31d apart; --time none takes "
		       "rows as they follow each other");
	assert_refused("time,v\n2024-01-01T10:00:00Z,1\n2024-01-01T10:01:00Z,2\n2024-01-01T10:01:00Z,3\n", &as_they_are,
		       MLOPS_DATA, 4,
		       "time 2024-01-01T10:01:00Z comes twice; --every DURATION takes the last value ahead of each point of "
		       "time");
	assert_refused("time,v\n2024-01-01T10:00:00Z,1\n2024-01-01T10:01:00Z,2\n2024-01-01T10:00:30Z,3\n", &as_they_are,
		       MLOPS_DATA, 4,
		       "time 2024-01-01T10:00:30Z comes behind 2024-01-01T10:01:00Z; sort the rows, or let --every DURATION "
		       "leave out those that come late");
}

static void series_must_agree_on_the_step(void **state)
{
	static const char rows[] = "time,tag,v\n"
				   "2024-01-01T10:00:00Z,a,1\n2024-01-01T10:01:00Z,a,2\n2024-01-01T10:02:00Z,a,3\n"
				   "2024-01-01T10:03:00Z,a,4\n2024-01-01T10:00:00Z,b,1\n2024-01-01T10:05:00Z,b,2\n"
				   "2024-01-01T10:10:00Z,b,3\n";
	const struct mlops_series_options options = { .every = 5 * MINUTE };

	(void)state;
	assert_refused(rows, &as_they_are, MLOPS_DATA, 0,
		       "the rows of b are 5min apart, those of other series 1min; --every 5min brings all to one step");
	assert_set(rows, &options, "step 5min; a: 10:00:00 1; b: 10:00:00 1 2 3");
}

static void resampling_takes_the_last_value(void **state)
{
	/* late and double rows, rows between points, a short and a long gap, and an end that reaches no point */
	static const char rows[] = "time,v\n"
				   "2024-01-01T10:00:10Z,1\n2024-01-01T10:00:50Z,2\n2024-01-01T10:01:50Z,3\n"
				   "2024-01-01T10:01:20Z,99\n2024-01-01T10:01:50Z,4\n2024-01-01T10:02:30Z,\n"
				   "2024-01-01T10:05:00Z,5\n2024-01-01T10:20:01Z,6\n2024-01-01T10:21:00Z,7\n"
				   "2024-01-01T10:21:30Z,8\n";
	const struct mlops_series_options options = { .every = MINUTE }, held = { .every = MINUTE, .hold = MINUTE };
	struct mlops_series_counts counts;

	(void)state;
	counts = assert_set(rows, &options, "step 1min; : 10:01:00 2 4 4 4 5 | 10:21:00 7");
	assert_int_equal(counts.late, 1);
	assert_int_equal(counts.superseded, 3);
	assert_int_equal(counts.missing, 1);
	assert_int_equal(counts.filled, 2);
	assert_int_equal(counts.gaps, 1);
	assert_set(rows, &held, "step 1min; : 10:01:00 2 4 | 10:05:00 5 | 10:21:00 7");
}

static void resampling_before_1970(void **state)
{
	const struct mlops_series_options options = { .every = MINUTE };

	(void)state;
	assert_set("time,v\n1969-12-31T23:57:30Z,1\n1969-12-31T23:59:00Z,2\n1970-01-01T00:00:00Z,3\n", &options,
		   "step 1min; : 23:58:00 1 2 3");
}

static void far_times_do_not_overflow(void **state)
{
	const struct mlops_series_options options = { .every = INT64_MAX };

	(void)state;
	assert_set("time,v\n1678-01-01T00:00:00Z,1\n2261-12-31T23:59:59Z,2\n", &as_they_are,
		   "step 18429206399s; : 00:00:00 1 2");
	assert_refused("time,v\n2024-01-01T00:00:00Z,1\n", &options, MLOPS_DATA, 0,
		       "no whole step lies within the rows; is --every too long?");
}

static void nothing_there(void **state)
{
	(void)state;
	assert_refused("time,v\n", &as_they_are, MLOPS_DATA, 0, "no data rows");
	assert_refused("time,v\n2024-01-01T10:00:00Z,\n2024-01-01T10:01:00Z,NA\n", &as_they_are, MLOPS_DATA, 0,
		       "column \"v\" has no value in any row");
	assert_refused("time,v\n,1\n,2\n", &as_they_are, MLOPS_DATA, 0, "column \"time\" is empty in every row");
	assert_refused("time,v\n2024-01-01T10:00:00Z,1\n2024-01-01T10:01:00Z,1e300\n", &as_they_are, MLOPS_DATA, 3,
		       "column \"v\": '1e300' is infinite or too large for float32");
}

static void the_column_of_values_is_chosen(void **state)
{
	static const char rows[] = "time,note,a,b\n2024-01-01T10:00:00Z,x,1,2\n2024-01-01T10:01:00Z,y,3,4\n";
	const struct mlops_select_options b = { .target = "b" }, c = { .target = "B" }, note = { .target = "note" };
	const struct mlops_select_options time = { .target = "time", .time = "time" };
	const char *a = "a";
	const struct mlops_select_options without_a = { .ignore = &a, .n_ignore = 1 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_series_set *set;

	(void)state;
	set = read_set(rows, &b, &as_they_are, &error);
	assert_non_null(set);
	assert_string_equal(set->column, "b");
	assert_false(set->has_ids);
	assert_true(set->items[0].values[1] == 4);
	assert_true(mlops_segment_time(set, &set->items[0].segments[0], 1) - set->items[0].segments[0].first_time == MINUTE);
	mlops_series_free(set);
	set = read_set(rows, &without_a, &as_they_are, &error);
	assert_non_null(set);
	assert_string_equal(set->column, "b");
	mlops_series_free(set);
	assert_refused(rows, &as_they_are, MLOPS_DATA, 0, "2 columns hold numbers; --target says which is the series: \"a\", \"b\"");
	assert_null(read_set(rows, &c, &as_they_are, &error));
	assert_string_equal(error.message, "no column \"B\"; did you mean \"b\"?");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_null(read_set(rows, &note, &as_they_are, &error));
	assert_string_equal(error.message, "column \"note\" holds text; features here are numbers");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_null(read_set("time,v\n1,2\n", &time, &as_they_are, &error));
	assert_string_equal(error.message, "column \"time\" is the time; it can't be the series too");
}

static bool stop(void *context, uint64_t rows)
{
	*(uint64_t *)context = rows;
	return false;
}

static void progress_can_stop(void **state)
{
	uint64_t rows = 0;
	struct mlops_series_options options = { .progress = stop, .progress_context = &rows };

	(void)state;
	assert_refused("v\n1\n2\n", &options, MLOPS_CLOSED, 0, "stopped");
	assert_int_equal(rows, 2);
}

static void the_checksum_is_the_data_s(void **state)
{
	static const char csv[] = "time,v\n2024-01-01T10:00:00Z,1.5\n2024-01-01T10:01:00Z,2\n";
	static const char json[] = "{\"time\":\"2024-01-01T10:00:00Z\",\"v\":1.5}\n{\"time\":\"2024-01-01T10:01:00Z\",\"v\":2.0}\n";
	static const char other[] = "time,v\n2024-01-01T10:00:00Z,1.5\n2024-01-01T10:01:00Z,2.5\n";
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_series_set *a = read_set(csv, NULL, &as_they_are, &error);
	struct mlops_series_set *b = read_set(json, NULL, &as_they_are, &error);
	struct mlops_series_set *c = read_set(other, NULL, &as_they_are, &error);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_string_equal(a->sha256, b->sha256);
	assert_string_not_equal(a->sha256, c->sha256);
	mlops_series_free(a);
	mlops_series_free(b);
	mlops_series_free(c);
}

static void one_series_of_several(void **state)
{
	static const char both[] = "tag,v\na,1\nb,7\na,2\nb,NA\nb,8\n", b[] = "tag,v\nb,7\nb,NA\nb,8\n";
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_series_set *set = read_set(both, NULL, &as_they_are, &error);
	struct mlops_series_set *alone = read_set(b, NULL, &as_they_are, &error);
	struct mlops_series_set single;

	(void)state;
	assert_non_null(set);
	assert_non_null(alone);
	assert_int_equal(set->counts.rows, 5);
	assert_true(mlops_series_single(set, 1, &single, &error));
	assert_int_equal(single.n, 1);
	assert_string_equal(single.items[0].id, "b");
	assert_int_equal(single.counts.rows, 3);
	assert_int_equal(single.counts.filled, 1);
	assert_string_equal(single.sha256, alone->sha256);
	mlops_series_free(set);
	mlops_series_free(alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regular_rows_are_one_segment),
		cmocka_unit_test(mixed_sensors_are_told_apart),
		cmocka_unit_test(short_gaps_are_filled_and_long_ones_cut),
		cmocka_unit_test(missing_ends_are_dropped),
		cmocka_unit_test(rows_without_a_time_column_are_a_step_apart),
		cmocka_unit_test(blank_rows_are_counted),
		cmocka_unit_test(irregular_times_are_refused_with_their_line),
		cmocka_unit_test(series_must_agree_on_the_step),
		cmocka_unit_test(resampling_takes_the_last_value),
		cmocka_unit_test(resampling_before_1970),
		cmocka_unit_test(far_times_do_not_overflow),
		cmocka_unit_test(nothing_there),
		cmocka_unit_test(the_column_of_values_is_chosen),
		cmocka_unit_test(progress_can_stop),
		cmocka_unit_test(the_checksum_is_the_data_s),
		cmocka_unit_test(one_series_of_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
