/* Input that is wrong: what is said, where, and what --on-error makes of it. */
#include "tests/unit/table_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define CHECK(options, csv, types, expected) check_bytes(options, csv, sizeof csv - 1, types, expected)

static const struct mlops_read_options stop = MLOPS_READ_OPTIONS_INIT;
static const struct mlops_read_options skip = { .max_line = 1 << 20, .on_error = MLOPS_ON_ERROR_SKIP };
static const struct mlops_read_options null = { .max_line = 1 << 20, .on_error = MLOPS_ON_ERROR_NULL };

static void check_bytes(const struct mlops_read_options *options, const char *csv, size_t length,
			const char *types, const char *expected)
{
	char *text = table_text_of(csv, length, options, types);

	assert_string_equal(text, expected);
	free(text);
}

static void empty(void **state)
{
	(void)state;
	CHECK(&stop, "", NULL, "data t.csv: the input is empty\n");
	CHECK(&stop, " \r\n\t\n", NULL, "data t.csv: the input is empty\n");
	CHECK(&stop, "\xef\xbb\xbf", NULL, "data t.csv: the input is empty\n");
}

static void bad_cells(void **state)
{
	static const char csv[] = "a,b\n1,2\nabc,1e400\n5,-INF\n6,7\n";

	(void)state;
	CHECK(&stop, csv, "N.",
	      "a N, b N\n2: 1\nrows 1, parse 1\ndata t.csv:3: column \"a\": 'abc' is not a number\n");
	CHECK(&stop, csv, ".N",
	      "a N, b N\n2: 2\nrows 1, not finite 1\n"
	      "data t.csv:3: column \"b\": '1e400' is infinite or too large for float32\n");
	CHECK(&skip, csv, "NN", "a N, b N\n2: 1 2\n5: 6 7\nrows 2, skipped 2, parse 1, not finite 1\n");
	CHECK(&null, csv, "NN",
	      "a N, b N\n2: 1 2\n3: - -\n4: 5 -\n5: 6 7\nrows 4, nulled 3, parse 1, not finite 2\n");
	CHECK(&stop, "a\n4e38\n", "N",
	      "a N\nrows 0, not finite 1\ndata t.csv:2: column \"a\": '4e38' is infinite or too large for "
	      "float32\n");
	CHECK(&stop, "t\n2024-02-30\n", "X",
	      "t T\nrows 0, parse 1\ndata t.csv:2: column \"t\": '2024-02-30' is not a time (ISO 8601, or "
	      "seconds or milliseconds since 1970); a time format tells how others are written\n");
	CHECK(&skip, "t,n\nx,1\n2024-02-28,2\n", "XT",
	      "t T, n N\n3: 2024-02-28T00:00:00Z 2#\nrows 1, skipped 1, parse 1\n");
	CHECK(&null, "t,n\nx,1\n", "XT", "t T, n N\n2: - 1#\nrows 1, nulled 1, parse 1\n");
	/* A row that is given up takes the text along that was stored already. */
	CHECK(&skip, "n,a\nlost,x\nkept,1\n", "TN", "n T, a T\n3: 'kept' 1\nrows 1, skipped 1, parse 1\n");
}

static void ragged(void **state)
{
	static const char csv[] = "a,b,c\n1,2,3\n4,5\n6,7,8,9\n10\n11,12,13\n";

	(void)state;
	CHECK(&stop, csv, NULL,
	      "a N, b N, c N\n2: 1 2 3\nrows 1\ndata t.csv:3: row has 2 fields, the header has 3\n");
	CHECK(&stop, "a,b\n1\n", "NN",
	      "a N-, b N-\nrows 0\ndata t.csv:2: row has 1 field, the header has 2\n");
	CHECK(&skip, csv, NULL, "a N, b N, c N\n2: 1 2 3\n6: 11 12 13\nrows 2, skipped 3, ragged 3\n");
	CHECK(&null, csv, "NNT",
	      "a N, b N, c N\n2: 1 2 3#\n3: 4 5 -\n4: 6 7 8#\n5: 10 - -\n6: 11 12 13#\n"
	      "rows 5, nulled 3, ragged 3\n");
}

static void nul_bytes(void **state)
{
	static const char csv[] = "a,b\n1,2\n3\0,4\n5,6\n";

	(void)state;
	CHECK(&stop, csv, NULL, "a N, b N\n2: 1 2\nrows 1\ndata t.csv:3: NUL byte in the input\n");
	CHECK(&stop, csv, ".N", "a N, b N\n2: 2\nrows 1\ndata t.csv:3: NUL byte in the input\n");
	CHECK(&skip, csv, NULL, "a N, b N\n2: 1 2\n4: 5 6\nrows 2, skipped 1, ragged 1\n");
	CHECK(&null, csv, NULL, "a N, b N\n2: 1 2\n3: - 4\n4: 5 6\nrows 3, nulled 1, parse 1\n");
	CHECK(&null, csv, ".T", "a N, b N\n2: 2#\n3: 4#\n4: 6#\nrows 3\n");
}

static void binary(void **state)
{
	(void)state;
	CHECK(&stop,
	      "\x7f"
	      "ELF\2\1\1\0\0\0\0",
	      NULL, "data t.csv:1: NUL byte in the input: this is a binary file, not CSV\n");
	CHECK(&stop, "\x1f\x8b\x08\0\0", NULL,
	      "data t.csv: the input is compressed with gzip; unpack it first, for example with zcat\n");
	CHECK(&stop, "PK\3\4xxxx", NULL,
	      "data t.csv: the input is a ZIP archive or a spreadsheet; unpack it, or save the sheet as "
	      "CSV\n");
	CHECK(&stop,
	      "\xff\xfe"
	      "a\0,\0",
	      NULL, "data t.csv: the input is UTF-16; convert it to UTF-8, for example with iconv\n");
}

static void quotes(void **state)
{
	(void)state;
	CHECK(&stop, "a,b\n1,2\n3,\"4\n5,6\n7,8\n", NULL,
	      "a N, b N\n2: 1 2\nrows 1\ndata t.csv:3: the quote that opens here is never closed\n");
	CHECK(&stop, "a,b\n1,2\n\"x\ny\",\"4\n5,6\n7,8\n", NULL,
	      "a N, b N\n2: 1 2\nrows 1\ndata t.csv:4: the quote that opens here is never closed\n");
	CHECK(&skip, "a,b\n1,2\n3,\"4\n", NULL,
	      "a N, b N\n2: 1 2\nrows 1\ndata t.csv:3: the quote that opens here is never closed\n");
	CHECK(&stop, "a,\"b\n1,2\n", NULL, "data t.csv:1: the quote that opens here is never closed\n");
	CHECK(&stop, "a,b\n1,\"2\"3\n", "NN",
	      "a N-, b N-\nrows 0\ndata t.csv:2: column \"b\": text after the closing quote\n");
	CHECK(&stop, "a,b\n1,\"2\" ,\n", "NN",
	      "a N-, b N-\nrows 0\ndata t.csv:2: row has 3 fields, the header has 2\n");
	CHECK(&skip, "a,b\n1,\"2\"3\n4,5\n", "NN", "a N, b N\n3: 4 5\nrows 1, skipped 1, ragged 1\n");
	CHECK(&null, "a,b\n1,\"2\"3\n\"x\"\r4,5\n", "NN",
	      "a N-, b N-\n2: 1 -\n3: - 5\nrows 2, nulled 2, parse 2\n");
	CHECK(&null, "a,b\n1,\"2\"3\n", "TT", "a N-, b N-\n2: 1# -\nrows 1, nulled 1, parse 1\n");
}

static void long_lines(void **state)
{
	static const struct mlops_read_options short_lines = { .max_line = 8 };
	static const struct mlops_read_options short_skip = { .max_line = 8,
							      .on_error = MLOPS_ON_ERROR_SKIP };

	(void)state;
	CHECK(&short_lines, "a\n12345678\r\n12345\n", NULL, "a N\n2: 12345678\n3: 12345\nrows 2\n");
	CHECK(&short_lines, "a\n1\n123456789\n5\n", NULL,
	      "a N\n2: 1\nrows 1\ndata t.csv:3: the line is longer than 8 bytes\n");
	CHECK(&short_lines, "a\n1\n123456789", NULL,
	      "a N\n2: 1\nrows 1\ndata t.csv:3: the line is longer than 8 bytes\n");
	CHECK(&short_skip, "a\n1\n123456789\n5\n", NULL,
	      "a N\n2: 1\nrows 1\ndata t.csv:3: the line is longer than 8 bytes\n");
	CHECK(&short_lines, "a,b,c,d,e\n", NULL, "data t.csv:1: the line is longer than 8 bytes\n");
	CHECK(&short_lines, "a\n1\n\"\n2\n3\n4\n5\n6\"\n", NULL,
	      "a N\n2: 1\nrows 1\ndata t.csv:3: the quote that opens here is not closed within 8 bytes\n");
}

/* A line of 100 MB is refused once it is longer than allowed, and most of it is never asked for. */
static void hundred_megabytes(void **state)
{
	static const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	char path[] = "/tmp/mlops-csv-XXXXXX";
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source;
	uint64_t read;
	uint64_t size;
	char block[1 << 16];
	char *text;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	memset(block, '7', sizeof block);
	assert_int_equal(write(fd, "a,b\n1,2\n", 8), 8);
	for (size_t written = 0; written < 100000000; written += sizeof block)
		assert_int_equal(write(fd, block, sizeof block), sizeof block);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	source = mlops_source_from_fd(fd, "long.csv", &error);
	text = table_text(source, &options, NULL);
	assert_string_equal(
		text, "a N, b N\n2: 1 2\nrows 1\ndata long.csv:3: the line is longer than 16777216 bytes\n");
	free(text);
	mlops_source_progress(source, &read, &size);
	assert_true(size > 100000000);
	assert_true(read < 18000000);
	mlops_source_free(source);
	close(fd);
}

static void sources(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_null(mlops_source_open("/tmp", &error));
	assert_int_equal(error.code, MLOPS_IO);
	assert_string_equal(error.message, "/tmp: is a directory");
	error.code = MLOPS_OK;
	assert_null(mlops_source_open("/nonexistent/x.csv", &error));
	assert_int_equal(error.code, MLOPS_IO);
	assert_string_equal(error.message, "/nonexistent/x.csv: No such file or directory");
}

static void too_many_columns(void **state)
{
	size_t length = 100000;
	char *csv = malloc(length);

	(void)state;
	memset(csv, ',', length);
	csv[0] = 'a';
	check_bytes(&stop, csv, length, NULL,
		    "data t.csv:1: the header has 100000 fields, more than 65536\n");
	free(csv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),      cmocka_unit_test(bad_cells),
		cmocka_unit_test(ragged),     cmocka_unit_test(nul_bytes),
		cmocka_unit_test(binary),     cmocka_unit_test(quotes),
		cmocka_unit_test(long_lines), cmocka_unit_test(hundred_megabytes),
		cmocka_unit_test(sources),    cmocka_unit_test(too_many_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
