/* Rows by their verdict into two files, as they came; files that appear complete or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_writer.h"
#include "flow/validate.h"
#include "rows/row_files.h"
#include "rows/row_texts.h"

static char directory[] = "/tmp/mlops-row-files-XXXXXX";
static char good[64], bad[64];

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(good, sizeof good, "%s/good", directory);
	snprintf(bad, sizeof bad, "%s/bad", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(good);
	unlink(bad);
	return rmdir(directory);
}

static void assert_file(const char *path, const char *expected)
{
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (!mlops_file_read(path, 1 << 28, &bytes, &error))
		fail_msg("%s", error.message);
	assert_int_equal(bytes.length, strlen(expected));
	assert_memory_equal(bytes.data != NULL ? bytes.data : "", expected, bytes.length);
	mlops_buffer_release(&bytes);
}

/* Rows with x or y over 100 are bad. */
static bool split(const char *text, enum mlops_on_error on_error, unsigned threads, struct mlops_error *error)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_row_files_options paths = { .good = good, .bad = bad, .source = "t" };
	const char *set = "range.most=100";
	struct mlops_validate_request request = { .set = &set, .n_set = 1, .rows = mlops_row_files_rows };
	struct mlops_source *source = mlops_source_from_memory(text, strlen(text), "t", error);
	struct mlops_pool *pool = mlops_pool_new(threads, error);
	struct mlops_row_files *files = mlops_row_files_new(&paths, error);
	struct mlops_validation *validation;
	bool ok;

	assert_non_null(files);
	assert_false(mlops_source_is_file(source));
	mlops_source_tee(source, mlops_row_files_copy, files);
	options.on_error = on_error;
	options.pool = request.pool = pool;
	request.reader = mlops_reader_open(source, &options, error);
	assert_non_null(request.reader);
	request.rows_context = files;
	validation = mlops_flow_validate(&request, error);
	ok = validation != NULL && mlops_row_files_finish(files, error);
	mlops_validation_free(validation);
	mlops_row_files_free(files);
	mlops_reader_free(request.reader);
	mlops_pool_free(pool);
	mlops_source_free(source);
	return ok;
}

static void splits_csv(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_true(split("x;y\r\n\r\n1;2\r\n\"3\nx\";4\r\n500;6\r\n\r\nabc;1\r\n7;8", MLOPS_ON_ERROR_NULL, 1,
			  &error));
	assert_file(good, "x;y\r\n1;2\r\n7;8");
	assert_file(bad, "x;y\r\n\"3\nx\";4\r\n500;6\r\nabc;1\r\n");

	/* those that the reader leaves out are bad ones, the first and the last too */
	assert_true(split("x,y\nabc,1\n1,2\nabc,2\nabc,3\n500,6\n\n7,8\n\"9\n\",x\n", MLOPS_ON_ERROR_SKIP, 1,
			  &error));
	assert_file(good, "x,y\n1,2\n7,8\n");
	assert_file(bad, "x,y\nabc,1\nabc,2\nabc,3\n500,6\n\"9\n\",x\n");

	assert_true(split("x\n", MLOPS_ON_ERROR_SKIP, 1, &error));
	assert_file(good, "x\n");
	assert_file(bad, "x\n");
}

static void splits_json_lines(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_true(split("{\"x\":1}\n\n{\"x\":500}\n{\"x\":\"abc\"}\n{\"x\":\n 2}\n{\"x\":3}",
			  MLOPS_ON_ERROR_SKIP, 1, &error));
	assert_file(good, "{\"x\":1}\n{\"x\":\n 2}\n{\"x\":3}");
	assert_file(bad, "{\"x\":500}\n{\"x\":\"abc\"}\n");

	unlink(good);
	unlink(bad);
	assert_false(split("[{\"x\":1},\n{\"x\":2}]", MLOPS_ON_ERROR_STOP, 1, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message,
			    "one array of objects can't be split by rows; CSV and JSON Lines can");
	/* what went wrong leaves no file behind */
	assert_int_not_equal(access(good, F_OK), 0);
	assert_int_not_equal(access(bad, F_OK), 0);
}

/* Longer than all that is kept, with any number of threads. */
static void splits_long_input(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char *text = malloc(4000000), *first = malloc(4000000), *second = malloc(4000000);
	char *at = text, *to_first = first, *to_second = second;

	(void)state;
	at += sprintf(at, "x,note\n");
	to_first += sprintf(to_first, "x,note\n");
	to_second += sprintf(to_second, "x,note\n");
	for (int r = 0; r < 60000; r++) {
		char row[64];
		bool is_bad = r % 7 == 3 || (r > 30000 && r < 31000);
		int n = sprintf(row, r % 100 == 50 ? "%d,\"a\nb%d\"\n" : "%d,plain %d\n",
				is_bad ? 101 : r % 90, r);

		memcpy(at, row, (size_t)n + 1);
		at += n;
		memcpy(is_bad ? to_second : to_first, row, (size_t)n + 1);
		*(is_bad ? &to_second : &to_first) += n;
	}
	for (unsigned threads = 1; threads <= 3; threads++) {
		if (!split(text, MLOPS_ON_ERROR_STOP, threads, &error))
			fail_msg("%s", error.message);
		assert_file(good, first);
		assert_file(bad, second);
	}
	free(text);
	free(first);
	free(second);
}

static void writes_files_whole_or_not_at_all(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_file_writer *writer = mlops_file_writer_open(good, &error);
	char nowhere[80];

	(void)state;
	unlink(good);
	unlink(bad);
	assert_non_null(writer);
	assert_true(mlops_file_writer_put(writer, "new", 3, &error));
	mlops_file_writer_free(writer);
	assert_int_not_equal(access(good, F_OK), 0);

	for (int i = 0; i < 2; i++) {
		writer = mlops_file_writer_open(good, &error);
		assert_true(mlops_file_writer_put(writer, i == 0 ? "one" : "two", 3, &error));
		assert_true(mlops_file_writer_finish(writer, &error));
		mlops_file_writer_free(writer);
		assert_file(good, i == 0 ? "one" : "two");
	}
	assert_int_equal(symlink(good, bad), 0);
	writer = mlops_file_writer_open(bad, &error);
	assert_true(mlops_file_writer_put(writer, "three", 5, &error) &&
		    mlops_file_writer_finish(writer, &error));
	mlops_file_writer_free(writer);
	assert_file(good, "three");

	assert_null(mlops_file_writer_open(directory, &error));
	assert_int_equal(error.code, MLOPS_IO);
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	snprintf(nowhere, sizeof nowhere, "%s/no/good", directory);
	assert_null(mlops_file_writer_open(nowhere, &error));
	assert_int_equal(error.code, MLOPS_IO);
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	writer = mlops_file_writer_open("/dev/full", &error);
	assert_non_null(writer);
	assert_true(mlops_file_writer_put(writer, "x", 1, &error));
	assert_false(mlops_file_writer_finish(writer, &error));
	assert_int_equal(error.code, MLOPS_IO);
	mlops_file_writer_free(writer);
}

/* The same where the rows have no text that could be copied: columns, not bytes, are what the files get. */
static void splits_what_has_no_text(void **state)
{
	static const char text[] = "t;x;note\r\n1;2;\"a;\"\"b\"\r\n\r\n2;500;NA\r\n3;abc;\" c\"\r\n4;6;d,e\r\n";
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_row_files_options paths = { .good = good, .bad = bad };
	const char *set = "range.most=100";
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	options.on_error = MLOPS_ON_ERROR_NULL;
	for (unsigned threads = 1; threads < 4; threads++) {
		struct mlops_pool *pool = mlops_pool_new(threads, &error);
		struct mlops_source *source = mlops_source_from_memory(text, strlen(text), "t", &error);
		struct mlops_reader *reader = mlops_reader_open(source, &options, &error);
		struct mlops_validate_request request = { .set = &set, .n_set = 1, .rows = mlops_row_texts_rows,
							  .pool = pool };
		struct mlops_validation *validation;

		reader = mlops_row_texts_open(reader, &paths, &error);
		assert_non_null(reader);
		request.reader = request.rows_context = reader;
		validation = mlops_flow_validate(&request, &error);
		assert_non_null(validation);
		assert_int_equal(validation->counts.nulled_cells, 1);
		assert_true(mlops_row_texts_finish(reader, &error));
		assert_file(good, "t,x,note\n1,2,\"a;\"\"b\"\n4,6,\"d,e\"\n");
		assert_file(bad, "t,x,note\n2,500,\n3,abc,\" c\"\n");
		mlops_validation_free(validation);
		mlops_reader_free(reader);
		mlops_source_free(source);
		mlops_pool_free(pool);
	}
}

/* More rows than wait for their verdict: the buffer is moved, none is lost, and what is not finished leaves nothing. */
static void long_inputs_without_text(void **state)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_row_files_options paths = { .good = good, .bad = NULL };
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_validation *validation;

	(void)state;
	mlops_buffer_append_string(&text, "x,words\n");
	for (int i = 0; i < 60000; i++)
		mlops_buffer_append_format(&text, "%d,some words that make the row longer %d\n", i, i * 7);
	(void)mlops_buffer_string(&text);
	for (int finish = 0; finish < 2; finish++) {
		struct mlops_source *source = mlops_source_from_memory(text.data, text.length, "t", &error);
		struct mlops_reader *reader = mlops_row_texts_open(mlops_reader_open(source, &options, &error), &paths,
								   &error);
		struct mlops_validate_request request = { .reader = reader, .rows = mlops_row_texts_rows,
							  .rows_context = reader };

		unlink(good);
		validation = mlops_flow_validate(&request, &error);
		assert_non_null(validation);
		if (finish)
			assert_true(mlops_row_texts_finish(reader, &error));
		mlops_validation_free(validation);
		mlops_reader_free(reader);
		mlops_source_free(source);
		if (finish)
			assert_file(good, text.data);
		else
			assert_int_equal(access(good, F_OK), -1);
	}
	mlops_buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_what_has_no_text),
		cmocka_unit_test(long_inputs_without_text),
		cmocka_unit_test(splits_csv),
		cmocka_unit_test(splits_json_lines),
		cmocka_unit_test(splits_long_input),
		cmocka_unit_test(writes_files_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
