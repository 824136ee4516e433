/* Validation of whole tables: what is found, and that it does not depend on threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/rows_batch.h"
#include "flow/validate.h"

static struct mlops_validation *validate(const char *text, struct mlops_validate_request *request,
					 unsigned threads, struct mlops_error *error)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_source *source = mlops_source_from_memory(text, strlen(text), "t", error);
	struct mlops_pool *pool = mlops_pool_new(threads, error);
	struct mlops_validation *validation;

	options.on_error = MLOPS_ON_ERROR_NULL;
	options.pool = request->pool = pool;
	request->reader = mlops_reader_open(source, &options, error);
	assert_non_null(request->reader);
	validation = mlops_flow_validate(request, error);
	mlops_reader_free(request->reader);
	mlops_pool_free(pool);
	mlops_source_free(source);
	return validation;
}

static struct mlops_schema *schema_of(const char *text)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_schema *schema = mlops_schema_read(text, strlen(text), "s", &error);

	if (schema == NULL)
		fail_msg("%s", error.message);
	return schema;
}

static const char *said(const struct mlops_validation *validation, struct mlops_buffer *out)
{
	mlops_buffer_clear(out);
	mlops_validation_write_findings(validation, out);
	mlops_validation_write_profile(validation, out);
	mlops_validation_write_summary(validation, out);
	return mlops_buffer_string(out);
}

static void says_what_is_wrong(void **state)
{
	static const char rows[] = "time,pump,t,s\n"
				   "2024-01-01T00:00:00Z,a,1,on\n"
				   "2024-01-01T00:00:00Z,b,abc,off\n"
				   "2024-01-01T00:01:00Z,a,500,on\n"
				   "2024-01-01T00:01:00Z,c,2,hot\n"
				   "2024-01-01T00:01:00Z,a,,on\n";
	static const char schema[] =
		"{\"mlops_schema\":1,\"time\":\"time\",\"id\":\"pump\",\"sensors\":[\"a\",\"b\",\"d\"],"
		"\"columns\":[{\"name\":\"t\",\"range\":{\"least\":0,\"most\":100}},{\"name\":\"u\"},"
		"{\"name\":\"s\",\"type\":\"text\",\"categories\":[\"on\",\"off\"]}]}";
	struct mlops_validate_request request = { .schema = schema_of(schema) };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_validation *validation = validate(rows, &request, 1, &error);
	const char *reason = NULL;

	(void)state;
	if (validation == NULL)
		fail_msg("%s", error.message);
	mlops_validation_write_findings(validation, &out);
	mlops_validation_write_summary(validation, &out);
	assert_string_equal(
		mlops_buffer_string(&out),
		"{\"check\":\"columns\",\"column\":\"u\",\"severity\":\"error\",\"rows\":0,\"first_line\":"
		"null,"
		"\"message\":\"no column \\\"u\\\"\",\"flag\":4,\"lines\":[]}\n"
		"{\"check\":\"parse\",\"column\":null,\"severity\":\"error\",\"rows\":1,\"first_line\":3,"
		"\"message\":\"1 row has a cell that is not a number or a time\",\"flag\":4,\"lines\":[3]}\n"
		"{\"check\":\"sensors\",\"column\":null,\"severity\":\"error\",\"rows\":1,\"first_line\":5,"
		"\"message\":\"1 row of a sensor that the schema does not list\",\"flag\":4,\"lines\":[5]}\n"
		"{\"check\":\"sensors\",\"column\":null,\"severity\":\"warning\",\"rows\":0,\"first_line\":"
		"null,"
		"\"message\":\"sensor \\\"d\\\" has no rows\",\"flag\":3,\"lines\":[]}\n"
		"{\"check\":\"duplicate_time\",\"column\":null,\"severity\":\"error\",\"rows\":1,\"first_"
		"line\":6,"
		"\"message\":\"1 time that was there already\",\"flag\":4,\"lines\":[6]}\n"
		"{\"check\":\"range\",\"column\":\"t\",\"severity\":\"error\",\"rows\":1,\"first_line\":4,"
		"\"message\":\"column \\\"t\\\": 1 value outside 0 to 100, the worst 500 in line "
		"4\",\"flag\":4,\"lines\":[4]}\n"
		"{\"check\":\"category\",\"column\":\"s\",\"severity\":\"error\",\"rows\":1,\"first_line\":5,"
		"\"message\":\"column \\\"s\\\": 1 text that the schema does not "
		"list\",\"flag\":4,\"lines\":[5]}\n"
		"{\"summary\":true,\"valid\":false,\"rows\":5,\"invalid_rows\":4,\"invalid_ratio\":0.8,"
		"\"missing_ratio\":{\"t\":0.4,\"s\":0},\"reasons\":{\"missing\":0,\"not_finite\":0,\"out_of_"
		"range\":2,"
		"\"duplicate\":1,\"parse\":1,\"timestamp\":0,\"sensor\":0,\"drift\":0,\"schema\":1,"
		"\"insufficient\":0}}\n");
	assert_false(mlops_validation_verdict(validation, "t.csv", &reason, &error));
	assert_string_equal(reason, "invalid_data");
	assert_string_equal(error.message, "no column \"u\" (and 5 more findings)");
	mlops_buffer_release(&out);
	mlops_validation_free(validation);
}

static void says_that_rows_are_too_few(void **state)
{
	const char *set[] = { "rows.least=3" };
	struct mlops_validate_request request = { .set = set, .n_set = 1 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_validation *validation = validate("x\n1\n2\n", &request, 1, &error);
	const char *reason = NULL;

	(void)state;
	assert_non_null(validation);
	assert_false(mlops_validation_verdict(validation, "t.csv", &reason, &error));
	assert_string_equal(reason, "insufficient_data");
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.source, "t.csv");
	assert_string_equal(error.message, "2 usable rows, at least 3 are needed (--min-rows)");
	mlops_validation_free(validation);
}

/* Two machines by turns, 30,000 rows; faults of the second are its own. */
static char *two_machines(void)
{
	char *text = malloc(30000 * 60 + 100);
	char *at = text;

	at += sprintf(at, "ts,machine_id,a,b\n");
	for (int r = 0; r < 30000; r++) {
		double wave = (r / 2 % 97) * 0.5 + (r / 2 % 13) * 0.1;
		int time = 1700000000 + r / 2 * 60;

		if (r == 20001)
			wave += 500; /* one machine's spike */
		if (r == 25000)
			time -= 3600;
		at += sprintf(at, "%d,%s,%.2f,%s\n", time, r % 2 == 0 ? "m1" : "m2",
			      wave + (r % 2 == 0 ? 0 : 300),
			      r % 1000 == 7 ? ""
			      : r % 2 == 0  ? "5"
					    : "6.5");
	}
	return text;
}

static void does_not_depend_on_threads(void **state)
{
	char *text = two_machines();
	struct mlops_buffer first = MLOPS_BUFFER_INIT;
	struct mlops_buffer other = MLOPS_BUFFER_INIT;

	(void)state;
	for (unsigned threads = 1; threads <= 5; threads++) {
		struct mlops_validate_request request = { .strict = true, .profile = true };
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_validation *validation = validate(text, &request, threads, &error);

		assert_non_null(validation);
		if (threads == 1) {
			said(validation, &first);
			assert_non_null(strstr(first.data,
					       "\"check\":\"spike\",\"column\":\"a\",\"severity\":\"error\","
					       "\"rows\":1,\"first_line\":20003"));
			assert_non_null(strstr(first.data,
					       "\"check\":\"backward_time\",\"column\":null,\"severity\":"
					       "\"error\",\"rows\":1,\"first_line\":25002"));
			/* neither machine differs from its own last value by 300 */
			assert_null(strstr(first.data, "\"check\":\"step\""));
		} else {
			assert_string_equal(said(validation, &other), first.data);
		}
		mlops_validation_free(validation);
	}
	mlops_buffer_release(&first);
	mlops_buffer_release(&other);
	free(text);
}

static void refuses_wrong_settings(void **state)
{
	const char *set[] = { "gap.mots=3" };
	const char *checks[] = { "gpa" };
	struct mlops_validate_request request = { .set = set, .n_set = 1 };
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_null(validate("x\n1\n", &request, 1, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_string_equal(error.message, "unknown setting of gap 'mots'; did you mean 'most'?");
	request = (struct mlops_validate_request){ .checks = checks, .n_checks = 1 };
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_null(validate("x\n1\n", &request, 1, &error));
	assert_string_equal(error.message, "unknown check 'gpa'; did you mean 'gap'?");
}

static void writes_junit(void **state)
{
	const char *set[] = { "range.most=1" };
	const char *checks[] = { "range", "rows" };
	struct mlops_validate_request request = { .set = set, .n_set = 1, .checks = checks, .n_checks = 2 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_validation *validation = validate("a<b\n1\n2\n", &request, 1, &error);
	struct mlops_buffer out = MLOPS_BUFFER_INIT;

	(void)state;
	assert_non_null(validation);
	mlops_validation_write_junit(validation, "t&u.csv", &out);
	assert_string_equal(mlops_buffer_string(&out),
			    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			    "<testsuite name=\"mlops-validate\" tests=\"2\" failures=\"1\">\n"
			    "  <testcase classname=\"t&amp;u.csv\" name=\"rows\">\n  </testcase>\n"
			    "  <testcase classname=\"t&amp;u.csv\" name=\"range\">\n"
			    "    <failure message=\"column &quot;a&lt;b&quot;: 1 value outside -infinity to "
			    "1, the worst 2 in line 3\"/>\n"
			    "  </testcase>\n</testsuite>\n");
	mlops_buffer_release(&out);
	mlops_validation_free(validation);
}

/* Whole batches, whatever the chunks were; rows of a sensor in their order. */
static void cuts_batches(void **state)
{
	static const size_t columns[] = { 1 };
	static const bool texts[] = { false };
	const struct mlops_batch_layout layout = { columns, texts, 1, MLOPS_NO_COLUMN, 0, 10 };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	char *text = malloc(200000);
	char *at = text + sprintf(text, "id,x\n");
	struct mlops_source *source;
	struct mlops_reader *reader;
	struct mlops_rows_batch *batch;

	(void)state;
	for (int r = 0; r < 10000; r++)
		at += sprintf(at, "s%d,%d\n", r % 3, r);
	source = mlops_source_from_memory(text, (size_t)(at - text), "t", &error);
	reader = mlops_reader_open(source, &options, &error);
	batch = mlops_rows_batch_new(&layout, reader, &error);
	assert_non_null(batch);
	assert_true(mlops_rows_batch_next(batch, reader, &error));
	assert_int_equal(batch->rows, MLOPS_BATCH_ROWS);
	assert_int_equal(batch->n_segments, 3);
	for (uint32_t i = batch->segments[1].begin; i < batch->segments[1].end; i++)
		assert_int_equal(batch->order[i], 3 * (i - batch->segments[1].begin) + 1);
	assert_true(mlops_rows_batch_next(batch, reader, &error));
	assert_int_equal(batch->rows, 10000 - MLOPS_BATCH_ROWS);
	assert_int_equal(batch->first_row, MLOPS_BATCH_ROWS);
	assert_true(batch->numbers[0][0] == MLOPS_BATCH_ROWS);
	assert_int_equal(batch->lines[0], MLOPS_BATCH_ROWS + 2);
	assert_true(mlops_rows_batch_next(batch, reader, &error));
	assert_int_equal(batch->rows, 0);
	mlops_rows_batch_free(batch);
	mlops_reader_free(reader);
	mlops_source_free(source);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(says_that_rows_are_too_few),
		cmocka_unit_test(does_not_depend_on_threads),
		cmocka_unit_test(refuses_wrong_settings),
		cmocka_unit_test(writes_junit),
		cmocka_unit_test(cuts_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
