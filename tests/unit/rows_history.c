/* JSON bodies that ask for forecasts: what is taken, what is refused, and how they are told from rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rows/history.h"

#include <stdlib.h>
#include <string.h>

/* All histories of a text as "SENSOR:STEPS:COUNT=VALUES;", then what went wrong. */
static void read_text(const char *json, size_t keep, enum mlops_on_error on_error, struct mlops_buffer *text)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_source *source = mlops_source_from_memory(json, strlen(json), "t", &error);
	struct mlops_buffer head = MLOPS_BUFFER_INIT;
	struct mlops_history history = { .keep = keep };
	struct mlops_history_reader *reader;
	enum mlops_json_step step = MLOPS_JSON_STEP_OK;

	options.on_error = on_error;
	options.max_line = 4096;
	reader = mlops_history_open(source, &head, &options, &error);
	while (reader != NULL && step == MLOPS_JSON_STEP_OK) {
		step = mlops_history_next(reader, true, &history, &error);
		if (step != MLOPS_JSON_STEP_OK)
			break;
		mlops_buffer_append(text, history.sensor, history.sensor_length);
		mlops_buffer_append_format(text, ":%d:%d=", (int)history.steps, (int)history.count);
		for (size_t i = 0; i < history.n; i++)
			mlops_buffer_append_format(text, "%s%g", i > 0 ? "," : "", (double)history.values[i]);
		mlops_buffer_append_char(text, ';');
	}
	if (error.code != MLOPS_OK)
		mlops_buffer_append_format(text, "%s:%d: %s", error.source, (int)error.line, error.message);
	if (reader != NULL && mlops_history_counts(reader)->skipped_rows > 0)
		mlops_buffer_append_format(text, "skipped %d", (int)mlops_history_counts(reader)->skipped_rows);
	mlops_history_release(&history);
	mlops_history_close(reader);
	mlops_source_free(source);
}

static void assert_read(const char *json, enum mlops_on_error on_error, const char *expected)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	read_text(json, 3, on_error, &text);
	assert_string_equal(mlops_buffer_string(&text), expected);
	mlops_buffer_release(&text);
}

static void one_many_or_a_list(void **state)
{
	(void)state;
	assert_read("{\"sensor_id\":\"TAG-001\",\"historical_data\":[1.2,1.5],\"forecast_steps\":5}", MLOPS_ON_ERROR_STOP,
		    "\"TAG-001\":5:2=1.2,1.5;");
	assert_read("{\"historical_data\":[1, 2 ,3e1,\n-4]}\n{\"sensor_id\":17,\"historical_data\":[],\"unit\":{\"a\":[1]}}",
		    MLOPS_ON_ERROR_STOP, ":0:4=2,30,-4;17:0:0=;");
	assert_read("[{\"historical_data\":[1],\"sensor_id\":\"a\\\"\\u00e9\"},{\"historical_data\":[2],\"sensor_id\":null,"
		    "\"forecast_steps\":null}]", MLOPS_ON_ERROR_STOP, "\"a\\\"\\u00e9\":0:1=1;:0:1=2;");
	assert_read("[]", MLOPS_ON_ERROR_STOP, "");
	assert_read("", MLOPS_ON_ERROR_STOP, "t:0: the input is empty");
}

static void only_the_last_values_are_kept(void **state)
{
	struct mlops_buffer json = MLOPS_BUFFER_INIT, text = MLOPS_BUFFER_INIT;

	(void)state;
	mlops_buffer_append_string(&json, "{\"historical_data\":[0");
	for (int i = 1; i < 500; i++)
		mlops_buffer_append_format(&json, ",%d", i);
	mlops_buffer_append_string(&json, "]}");
	read_text(mlops_buffer_string(&json), 3, MLOPS_ON_ERROR_STOP, &text);
	assert_string_equal(mlops_buffer_string(&text), ":0:500=497,498,499;");
	mlops_buffer_release(&text);
	read_text(mlops_buffer_string(&json), 0, MLOPS_ON_ERROR_STOP, &text);
	assert_string_equal(mlops_buffer_string(&text), ":0:500=;");
	mlops_buffer_release(&text);
	mlops_buffer_release(&json);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *json, *message;
	} cases[] = {
		{ "{\"historical_data\":[1,null]}", "t:1: \"historical_data\"[1] is null; a number is needed" },
		{ "\n{\"historical_data\":[\"1\"]}", "t:2: \"historical_data\"[0] is a text; a number is needed" },
		{ "{\"historical_data\":[1,2,true]}", "t:1: \"historical_data\"[2] is true or false; a number is needed" },
		{ "{\"historical_data\":[[1,2]]}", "t:1: \"historical_data\"[0] is a list; a number is needed" },
		{ "{\"historical_data\":[{\"v\":1}]}", "t:1: \"historical_data\"[0] is an object; a number is needed" },
		{ "{\"historical_data\":[1,1e300]}", "t:1: \"historical_data\"[1]: '1e300' is too large for float32" },
		{ "{\"historical_data\":[NaN]}", "t:1: broken JSON: expected a value, found 'NaN'" },
		{ "{\"historical_data\":[1,]}", "t:1: broken JSON: expected a value, found ']'" },
		{ "{\"historical_data\":5}", "t:1: \"historical_data\" is no list of numbers" },
		{ "{\"sensor_id\":\"a\"}", "t:1: \"historical_data\" is missing, the list of the sensor's last values" },
		{ "{}", "t:1: \"historical_data\" is missing, the list of the sensor's last values" },
		{ "{\"historic_data\":[1]}", "t:1: \"historic_data\" is unknown; did you mean \"historical_data\"?" },
		{ "{\"historical_data\":[1],\"forecast_step\":2}",
		  "t:1: \"forecast_step\" is unknown; did you mean \"forecast_steps\"?" },
		{ "{\"historical_data\":[1],\"historical_data\":[2]}", "t:1: \"historical_data\" comes twice in one object" },
		{ "{\"historical_data\":[1],\"forecast_steps\":0}",
		  "t:1: \"forecast_steps\": '0' is no whole number from 1 to 100000" },
		{ "{\"historical_data\":[1],\"forecast_steps\":2.5}",
		  "t:1: \"forecast_steps\": '2.5' is no whole number from 1 to 100000" },
		{ "{\"historical_data\":[1],\"forecast_steps\":\"5\"}",
		  "t:1: \"forecast_steps\": '5' is no whole number from 1 to 100000" },
		{ "{\"historical_data\":[1],\"forecast_steps\":100001}",
		  "t:1: \"forecast_steps\": '100001' is no whole number from 1 to 100000" },
		{ "{\"historical_data\":[1],\"sensor_id\":[1]}", "t:1: \"sensor_id\" is a list; a text is needed" },
		{ "[1,2]", "t:1: broken JSON: expected an object, found '1'" },
		{ "{\"historical_data\":[1", "t:1: broken JSON: the input ends inside an object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_read(cases[i].json, MLOPS_ON_ERROR_STOP, cases[i].message);
}

static void bad_ones_can_be_skipped(void **state)
{
	(void)state;
	assert_read("{\"historical_data\":[1]}\n{\"historical_data\":[null]}\n{\"historical_data\":[2\n{\"historical_data\":[3]}",
		    MLOPS_ON_ERROR_SKIP, ":0:1=1;:0:1=3;skipped 2");
	assert_read("[{\"historical_data\":[null]},{\"historical_data\":[2]}]", MLOPS_ON_ERROR_SKIP, ":0:1=2;skipped 1");
	/* what was wrong with a broken object is not the next one's fault */
	assert_read("{\"historic_data\":[1]\n{\"historical_data\":[3]}", MLOPS_ON_ERROR_SKIP, ":0:1=3;skipped 1");
}

static void deep_and_huge_ones_are_refused(void **state)
{
	struct mlops_buffer json = MLOPS_BUFFER_INIT;

	(void)state;
	mlops_buffer_append_string(&json, "{\"historical_data\":");
	for (int i = 0; i < 100; i++)
		mlops_buffer_append_char(&json, '[');
	assert_read(mlops_buffer_string(&json), MLOPS_ON_ERROR_STOP,
		    "t:1: broken JSON: more than 64 levels of arrays and objects");
	mlops_buffer_clear(&json);
	mlops_buffer_append_string(&json, "{\"historical_data\":[1");
	for (int i = 0; i < 3000; i++)
		mlops_buffer_append_string(&json, ",1");
	mlops_buffer_append_string(&json, "]}");
	assert_read(mlops_buffer_string(&json), MLOPS_ON_ERROR_STOP, "t:1: row is longer than 4096 bytes");
	mlops_buffer_release(&json);
}

static void histories_are_told_from_rows(void **state)
{
	static const struct {
		const char *text;
		bool histories;
	} cases[] = {
		{ "{\"historical_data\":[1]}", true },
		{ " [ {\"sensor_id\":\"a\",\"forecast_steps\":1", true },
		{ "\xef\xbb\xbf\n{\"a\":[1,2", true },
		{ "{\"a\":[1,]}", true },
		{ "{\"sensor_id\":\"a\",\"value\":1}\n", false },
		{ "{\"sensor_id\":\"a\",\"value\":1", false },
		{ "{\"value\":1,\"meta\":{\"a\":1}}", false },
		{ "[{\"value\":1}]", false },
		{ "time,value\n1,2\n", false },
		{ "", false },
		{ "{\"value\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_buffer head = MLOPS_BUFFER_INIT;
		struct mlops_source *source =
			mlops_source_from_memory(cases[i].text, strlen(cases[i].text), "t", &error);
		bool histories;

		assert_true(mlops_history_probe(source, &head, &histories, &error));
		if (histories != cases[i].histories)
			fail_msg("%s", cases[i].text);
		assert_memory_equal(mlops_buffer_string(&head), cases[i].text, strlen(cases[i].text));
		mlops_buffer_release(&head);
		mlops_source_free(source);
	}
}

/* Rows that were looked at for being histories are read from their start. */
static void rows_go_on_behind_the_probe(void **state)
{
	static const char rows[] = "[{\"value\":1},{\"value\":2}]";
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_source *source = mlops_source_from_memory(rows, strlen(rows), "t", &error);
	struct mlops_binding binding = { .column = 0, .type = MLOPS_COLUMN_NUMBER };
	struct mlops_buffer head = MLOPS_BUFFER_INIT;
	struct mlops_reader *reader;
	struct mlops_chunk *chunk;
	bool histories;

	(void)state;
	assert_true(mlops_history_probe(source, &head, &histories, &error));
	assert_false(histories);
	reader = mlops_reader_open_behind(source, &head, &options, &error);
	assert_non_null(reader);
	assert_true(mlops_reader_bind(reader, &binding, 1, &error));
	chunk = mlops_chunk_new(&binding.type, 1, &error);
	assert_true(mlops_reader_next(reader, chunk, &error));
	assert_int_equal(chunk->rows, 2);
	assert_true(chunk->columns[0].numbers[1] == 2);
	mlops_chunk_free(chunk);
	mlops_reader_free(reader);
	mlops_buffer_release(&head);
	mlops_source_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_many_or_a_list),
		cmocka_unit_test(only_the_last_values_are_kept),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(bad_ones_can_be_skipped),
		cmocka_unit_test(deep_and_huge_ones_are_refused),
		cmocka_unit_test(histories_are_told_from_rows),
		cmocka_unit_test(rows_go_on_behind_the_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
