#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows/writer.h"

#include <stdlib.h>
#include <string.h>

static struct mlops_writer *make_writer(enum mlops_write_format format, struct mlops_buffer *out)
{
	static const char *const fields[][2] = { { "time,stamp", NULL },
						 { "score", NULL },
						 { "a\"b", "odds" },
						 { "no", "odds" },
						 { "failure", NULL } };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_writer *writer = mlops_writer_new(format, &error);

	assert_non_null(writer);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		assert_true(mlops_writer_add_field(writer, fields[i][0], fields[i][1], &error));
	assert_true(mlops_writer_begin(writer, out, &error));
	return writer;
}

static void put_row(const struct mlops_writer *writer, struct mlops_buffer *out, struct mlops_cell first,
		    const char *text)
{
	struct mlops_row row;

	mlops_row_begin(&row, writer, out);
	mlops_row_put_cell(&row, first);
	mlops_row_put_unit(&row, 0.25f);
	mlops_row_put_unit(&row, 1);
	mlops_row_put_string(&row, text);
	mlops_row_put_bool(&row, text[0] == 'y');
	mlops_row_end(&row);
}

static void put_rows(const struct mlops_writer *writer, struct mlops_buffer *out)
{
	put_row(writer, out, (struct mlops_cell){ "1.50", 4, true, true }, "yes");
	put_row(writer, out, (struct mlops_cell){ "1.50", 4, true, false }, "no, \"never\"");
	put_row(writer, out, (struct mlops_cell){ .present = false }, "two\nlines");
	put_row(writer, out, (struct mlops_cell){ "", 0, true, false }, " y");
	assert_false(out->failed);
}

static const char json_rows[] =
	"{\"time,stamp\":1.50,\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\"yes\"},\"failure\":true}\n"
	"{\"time,stamp\":\"1.50\",\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\"no, \\\"never\\\"\"},"
	"\"failure\":false}\n"
	"{\"time,stamp\":null,\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\"two\\nlines\"},\"failure\":false}\n"
	"{\"time,stamp\":\"\",\"score\":0.25,\"odds\":{\"a\\\"b\":1,\"no\":\" y\"},\"failure\":false}\n";

/* A value that is JSON already, as it stands in JSON and quoted in CSV. */
static void test_json_value(void **state)
{
	static const struct { enum mlops_write_format format; const char *expected; } cases[] = {
		{ MLOPS_WRITE_JSONL, "{\"because\":[{\"feature\":\"a\"}]}\n" },
		{ MLOPS_WRITE_CSV, "because\n\"[{\"\"feature\"\":\"\"a\"\"}]\"\n" },
	};
	const char *value = "[{\"feature\":\"a\"}]";

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_buffer out = MLOPS_BUFFER_INIT;
		struct mlops_writer *writer = mlops_writer_new(cases[i].format, &error);
		struct mlops_row row;

		assert_true(mlops_writer_add_field(writer, "because", NULL, &error));
		assert_true(mlops_writer_begin(writer, &out, &error));
		mlops_row_begin(&row, writer, &out);
		mlops_row_put_json(&row, value, strlen(value));
		mlops_row_end(&row);
		assert_string_equal(mlops_buffer_string(&out), cases[i].expected);
		mlops_buffer_release(&out);
		mlops_writer_free(writer);
	}
}

static void test_json(void **state)
{
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_writer *writer = make_writer(MLOPS_WRITE_JSONL, &out);
	(void)state;

	assert_int_equal(out.length, 0);
	put_rows(writer, &out);
	mlops_writer_free(writer);
	assert_string_equal(mlops_buffer_string(&out), json_rows);
	mlops_buffer_release(&out);
}

static void test_csv(void **state)
{
	static const char header[] = "\"time,stamp\",score,\"odds_a\"\"b\",odds_no,failure\n";
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_writer *writer = make_writer(MLOPS_WRITE_CSV, &out);
	(void)state;

	assert_string_equal(mlops_buffer_string(&out), header);
	mlops_buffer_clear(&out);
	put_rows(writer, &out);
	mlops_writer_free(writer);
	assert_string_equal(mlops_buffer_string(&out),
			    "1.50,0.25,1,yes,true\n"
			    "1.50,0.25,1,\"no, \"\"never\"\"\",false\n"
			    ",0.25,1,\"two\nlines\",false\n"
			    "\"\",0.25,1,\" y\",false\n");
	mlops_buffer_release(&out);
}

/* However much room there happens to be: names and cells of any length, in a buffer that grows in the middle
 * of rows. */
static void test_lengths(void **state)
{
	struct mlops_buffer cell = MLOPS_BUFFER_INIT, name = MLOPS_BUFFER_INIT;
	(void)state;

	for (size_t length = 0; length < 600; length += 1 + length / 50) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_writer *writer = mlops_writer_new(MLOPS_WRITE_JSONL, &error);
		struct mlops_buffer out = MLOPS_BUFFER_INIT, expected = MLOPS_BUFFER_INIT;

		assert_non_null(writer);
		assert_true(mlops_writer_add_field(writer, mlops_buffer_string(&name), NULL, &error));
		assert_true(mlops_writer_add_field(writer, "p", "g", &error));
		assert_true(mlops_writer_begin(writer, &out, &error));
		for (int i = 0; i < 20; i++) {
			struct mlops_row row;

			mlops_row_begin(&row, writer, &out);
			mlops_row_put_string(&row, mlops_buffer_string(&cell));
			mlops_row_put_unit(&row, 0.1234567f);
			mlops_row_end(&row);
			mlops_buffer_append_format(&expected, "{\"%s\":\"%s\",\"g\":{\"p\":0.1234567}}\n",
						   mlops_buffer_string(&name), mlops_buffer_string(&cell));
		}
		assert_string_equal(mlops_buffer_string(&out), mlops_buffer_string(&expected));
		mlops_buffer_release(&out);
		mlops_buffer_release(&expected);
		mlops_writer_free(writer);
		while (name.length < length)
			mlops_buffer_append_char(&name, 'n');
		while (cell.length < 3 * length)
			mlops_buffer_append_char(&cell, 'c');
	}
	mlops_buffer_release(&name);
	mlops_buffer_release(&cell);
}

/* A buffer that can't grow says so, and nothing is written out of bounds. */
static void test_memory(void **state)
{
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_writer *writer = make_writer(MLOPS_WRITE_JSONL, &out);
	(void)state;

	out.failed = true;
	put_row(writer, &out, (struct mlops_cell){ "x", 1, true, false }, "no");
	assert_int_equal(out.length, 0);
	assert_true(out.failed);
	mlops_writer_free(writer);
	mlops_buffer_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_value),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
