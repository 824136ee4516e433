#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows/writer.h"

#include <stdlib.h>
#include <string.h>

struct received {
	struct mlops_buffer bytes;
	size_t calls;
	size_t refuse_after; /* calls; 0: never */
};

static bool receive(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	struct received *received = context;

	if (received->refuse_after != 0 && received->calls >= received->refuse_after)
		return mlops_error_set(error, MLOPS_CLOSED, "nobody listens");
	received->calls++;
	mlops_buffer_append(&received->bytes, bytes, length);
	return true;
}

static struct mlops_writer *make_writer(enum mlops_write_format format, struct received *received)
{
	static const char *const fields[][2] = { { "time,stamp", NULL }, { "score", NULL }, { "a\"b", "odds" },
						 { "no", "odds" }, { "failure", NULL } };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_writer *writer = mlops_writer_new(format, receive, received, &error);

	assert_non_null(writer);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		assert_true(mlops_writer_add_field(writer, fields[i][0], fields[i][1], &error));
	return writer;
}

static void put_row(struct mlops_writer *writer, struct mlops_cell first, const char *text, struct mlops_error *error)
{
	mlops_writer_put_cell(writer, first);
	mlops_writer_put_unit(writer, 0.25f);
	mlops_writer_put_unit(writer, 1);
	mlops_writer_put_string(writer, text);
	mlops_writer_put_bool(writer, text[0] == 'y');
	assert_true(mlops_writer_end_row(writer, error));
}

static void put_rows(struct mlops_writer *writer)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	put_row(writer, (struct mlops_cell){ "1.50", 4, true, true }, "yes", &error);
	put_row(writer, (struct mlops_cell){ "1.50", 4, true, false }, "no, \"never\"", &error);
	put_row(writer, (struct mlops_cell){ .present = false }, "two\nlines", &error);
	put_row(writer, (struct mlops_cell){ "", 0, true, false }, " y", &error);
	assert_true(mlops_writer_flush(writer, &error));
	mlops_writer_free(writer);
}

static void test_json(void **state)
{
	struct received received = { 0 };
	(void)state;

	put_rows(make_writer(MLOPS_WRITE_JSONL, &received));
	assert_string_equal(mlops_buffer_string(&received.bytes),
		"{\"time,stamp\":1.50,\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\"yes\"},\"failure\":true}\n"
		"{\"time,stamp\":\"1.50\",\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\"no, \\\"never\\\"\"},"
		"\"failure\":false}\n"
		"{\"time,stamp\":null,\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\"two\\nlines\"},\"failure\":false}\n"
		"{\"time,stamp\":\"\",\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\" y\"},\"failure\":false}\n");
	mlops_buffer_release(&received.bytes);
}

static void test_csv(void **state)
{
	struct received received = { 0 };
	(void)state;

	put_rows(make_writer(MLOPS_WRITE_CSV, &received));
	assert_string_equal(mlops_buffer_string(&received.bytes),
			    "\"time,stamp\",score,\"odds_a\"\"b\",odds_no,failure\n"
			    "1.50,0.25,1,yes,true\n"
			    "1.50,0.25,1,\"no, \"\"never\"\"\",false\n"
			    ",0.25,1,\"two\nlines\",false\n"
			    "\"\",0.25,1,\" y\",false\n");
	mlops_buffer_release(&received.bytes);
}

static void test_no_rows(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct received received = { 0 };
	struct mlops_writer *writer = make_writer(MLOPS_WRITE_CSV, &received);
	(void)state;

	assert_true(mlops_writer_flush(writer, &error));
	assert_true(mlops_writer_flush(writer, &error));
	mlops_writer_free(writer);
	assert_string_equal(mlops_buffer_string(&received.bytes),
			    "\"time,stamp\",score,\"odds_a\"\"b\",odds_no,failure\n");
	mlops_buffer_release(&received.bytes);

	received = (struct received){ 0 };
	writer = make_writer(MLOPS_WRITE_JSONL, &received);
	assert_true(mlops_writer_flush(writer, &error));
	assert_int_equal(received.calls, 0);
	mlops_writer_free(writer);
}

/* A row is handed on when there is enough to make it worth a call, and a sink that refuses stops the writer. */
static void test_sink(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct received received = { .refuse_after = 2 };
	struct mlops_writer *writer = mlops_writer_new(MLOPS_WRITE_JSONL, receive, &received, &error);
	size_t rows = 0;
	bool ok = true;
	(void)state;

	assert_non_null(writer);
	assert_true(mlops_writer_add_field(writer, "x", NULL, &error));
	while (ok && rows < 1000000) {
		mlops_writer_put_bool(writer, true);
		ok = mlops_writer_end_row(writer, &error);
		rows++;
	}
	assert_false(ok);
	assert_string_equal(error.message, "nobody listens");
	assert_int_equal(error.code, MLOPS_CLOSED);
	assert_int_equal(received.calls, 2);
	assert_in_range(rows, 1000, 100000);
	mlops_writer_free(writer);
	mlops_buffer_release(&received.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_no_rows),
		cmocka_unit_test(test_sink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
