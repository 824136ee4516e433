/* What CSV means: delimiters, quotes, names, types, missing words, and that blocks of any size give the same.
 */
#include "tests/unit/table_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static const struct mlops_read_options defaults = MLOPS_READ_OPTIONS_INIT;

static void check_with(const struct mlops_read_options *options, const char *csv, const char *types,
		       const char *expected)
{
	char *text = table_text_of(csv, strlen(csv), options, types);

	assert_string_equal(text, expected);
	free(text);
}

static void check(const char *csv, const char *expected)
{
	check_with(&defaults, csv, NULL, expected);
}

static void plain(void **state)
{
	(void)state;
	check("a,b\n1,2.5\n-3,x\n4,y\n", "a N, b T\n2: 1 2.5#\n3: -3 'x'\n4: 4 'y'\nrows 3\n");
	check("a,b\n1,2", "a N, b N\n2: 1 2\nrows 1\n");
	check("a,b\n1,", "a N, b N-\n2: 1 -\nrows 1\n");
	check("a\n1\n\n\r\n2\n\n", "a N\n2: 1\n5: 2\nrows 2\n");
	check("\n\r\n a , b\t\n1,2\n", "a N, b N\n4: 1 2\nrows 1\n");
	check("a,b\n", "a N-, b N-\nrows 0\n");
	check("a,b", "a N-, b N-\nrows 0\n");
	check("a\n1\r", "a N\n2: 1\nrows 1\n");
	check("a,b\r\n1,x\r\n2,y\r\n", "a N, b T\n2: 1 'x'\n3: 2 'y'\nrows 2\n");
	check("\xef\xbb\xbf"
	      "a,b\n1,2\n",
	      "a N, b N\n2: 1 2\nrows 1\n");
}

static void formats(void **state)
{
	static const struct mlops_read_options csv = { .format = MLOPS_FORMAT_CSV };
	static const struct mlops_read_options json = { .format = MLOPS_FORMAT_JSON, .max_line = 1 << 20 };

	(void)state;
	check("\xef\xbb\xbf\n {\"a\":1}\n", "a N\n2: 1\nrows 1\n");
	check("[{\"a\":1}]", "a N\n1: 1\nrows 1\n");
	check_with(&json, "{\"a\":1}\n", NULL, "a N\n1: 1\nrows 1\n");
	check_with(&csv, "{a,b\n1,2\n", NULL, "{a N, b N\n2: 1 2\nrows 1\n");
}

static void delimiters(void **state)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	check("a;b\n1;2\n", "a N, b N\n2: 1 2\nrows 1\n");
	check("a\tb\n1\t2\n", "a N, b N\n2: 1 2\nrows 1\n");
	check("a|b\n1|2\n", "a N, b N\n2: 1 2\nrows 1\n");
	check("\"x,y,z\";b\n1;2\n", "x,y,z N, b N\n2: 1 2\nrows 1\n");
	check("\"x;\"\";y\",b\n1,2\n", "x;\";y N, b N\n2: 1 2\nrows 1\n");
	options.delimiter = ';';
	check_with(&options, "a,a;b\n1,5;2\n", NULL, "a,a N, b N\n2: 1.5 2\nrows 1\n");
}

static void decimal_marks(void **state)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	check("a;b\n1,5;2\n", "a N, b N\n2: 1.5 2\nrows 1\n");
	check("a;b\n1.5;2\n", "a N, b N\n2: 1.5 2\nrows 1\n");
	check("a,b\n\"1,5\",2\n", "a T, b N\n2: '1,5' 2\nrows 1\n");
	options.decimal = ',';
	check_with(&options, "a,b\n\"1,5\",2\n", NULL, "a N, b N\n2: 1.5 2\nrows 1\n");
	options.decimal = '.';
	check_with(&options, "a;b\n1,5;2\n", NULL, "a T, b N\n2: '1,5' 2\nrows 1\n");
}

static void quotes(void **state)
{
	(void)state;
	check("a,b\n\"1\",\"x\ny\"\n2,\"say \"\"hi\"\", you\"\r\n",
	      "a N, b T\n2: 1 'x\ny'\n4: 2 'say \"hi\", you'\nrows 2\n");
	check("a,b\n\"\",\"\"\"\"\n", "a N-, b T\n2: - '\"'\nrows 1\n");
	check("a\n\"\"\n", "a N-\n2: -\nrows 1\n");
	check("a,b\n5\" pipe,\"7\"", "a T, b N\n2: '5\" pipe' 7\nrows 1\n");
	check_with(&defaults, "a,b,c\n\"1\",1,01\n", "TTT", "a N, b N, c N\n2: '1' 1# '01'\nrows 1\n");
	check("\"a\"\"b\",\"c\nd\"\n1,2\n", "a\"b N, c\nd N\n3: 1 2\nrows 1\n");
	check("a\n\"x\"\r", "a T\n2: 'x'\nrows 1\n");
}

static void row_names(void **state)
{
	(void)state;
	check("a,b\n\"1\",5,6\n\"2\",7,8\n", "row N, a N, b N\n2: 1 5 6\n3: 2 7 8\nrows 2\n");
	check("a,b\nx,5,6\n", "row T, a N, b N\n2: 'x' 5 6\nrows 1\n");
	check(",a,b\n0,5,6\n1,7,8\n", "row N, a N, b N\n2: 0 5 6\n3: 1 7 8\nrows 2\n");
	check("\"\",a\nx,5\n", "row T, a N\n2: 'x' 5\nrows 1\n");
	check(",a,row\n0,5,6\n", "data t.csv:1: column \"row\" is there twice\n");
	check(",a\n1,0,5\n2,,6\n", "data t.csv:1: column 1 has values but no name\n");
	check("a,b\n1,2,3\n1,2\n", "a N, b N\nrows 0\ndata t.csv:2: row has 3 fields, the header has 2\n");
	check("a,b\n1,2,\n3,4,\n", "a N, b N\nrows 0\ndata t.csv:2: row has 3 fields, the header has 2\n");
	check("a,b\n1,2,3\n4,5,6\n7,8\n",
	      "a N, b N\nrows 0\ndata t.csv:2: row has 3 fields, the header has 2\n");
}

static void names(void **state)
{
	(void)state;
	check("a,b,a\n1,2,3\n", "data t.csv:1: column \"a\" is there twice\n");
	check("\na, a \n1,2\n", "data t.csv:2: column \"a\" is there twice\n");
	check("a,,b,\n1,,2,NA\n", "a N, b N\n2: 1 2\nrows 1\n");
	check("a,,b\n1,,2\n1,7,2\n", "data t.csv:1: column 2 has values but no name\n");
	check(",\n,\n", "data t.csv:1: the header names no column\n");
	check("a,t\xb0\n1,2\n",
	      "data t.csv:1: the column name 't?' is not UTF-8; convert the input, for example with iconv\n");
	check("a,b\r1,2\r", "data t.csv:1: lines end in CR alone; end them in LF or CRLF\n");
	check("a,\"b\"c\n1,2\n", "data t.csv:1: field 2 of the header: text after the closing quote\n");
}

static void missing_words(void **state)
{
	static const char *const na[] = { "-200", "err" };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	check("a,b\n1,x\n na ,nan\nNULL,None\nbad,No Data\nnodata,Missing\n,   \n",
	      "a N, b T\n2: 1 'x'\n3: - -\n4: - -\n5: - -\n6: - -\n7: - -\nrows 6\n");
	options.na = na;
	options.n_na = 2;
	check_with(&options, "a,b\n1,-200\n-200.0,-200.0\n-2e2,\"-200\"\n err ,err\n", "NT",
		   "a N, b N-\n2: 1 -\n3: - -200.0#\n4: - -\n5: - -\nrows 4\n");
	check_with(&options, "a;b\n1,5;-200,0\n", "NN", "a N, b N-\n2: 1.5 -\nrows 1\n");
	check_with(&options, "a\nErr\n", "N",
		   "a T\nrows 0, parse 1\ndata t.csv:2: column \"a\": 'Err' is not a number\n");
}

static void guesses(void **state)
{
	(void)state;
	check_with(&defaults, "a\n1\nx\n", "T", "a T\n2: 1#\n3: 'x'\nrows 2\n");
	check_with(&defaults, "a\n1\n2\nx\nNA\nNA\n", "T", "a N\n2: 1#\n3: 2#\n4: 'x'\n5: -\n6: -\nrows 5\n");
	check_with(&defaults, "a\n1e400\n", "T", "a N\n2: 1e400#\nrows 1\n");
}

static void bindings(void **state)
{
	(void)state;
	check_with(&defaults, "t,a,b\n2024-01-31 18:00,bad thing,1\n1706724000,x,2\nNA,y,3\n", "X.N",
		   "t T, a T, b N\n2: 2024-01-31T18:00:00Z 1\n3: 2024-01-31T18:00:00Z 2\n4: - 3\nrows 3\n");
}

static void one_column_bound_twice(void **state)
{
	static const struct mlops_binding both[] = { { 0, MLOPS_COLUMN_TEXT }, { 0, MLOPS_COLUMN_TIME } };
	static const enum mlops_column_type types[] = { MLOPS_COLUMN_TEXT, MLOPS_COLUMN_TIME };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source = mlops_source_from_memory("t\n2024-01-31\n", 13, "t.csv", &error);
	struct mlops_reader *reader = mlops_reader_open(source, &defaults, &error);
	struct mlops_chunk *chunk = mlops_chunk_new(types, 2, &error);
	struct mlops_cell cell;

	(void)state;
	assert_true(mlops_reader_bind(reader, both, 2, &error));
	assert_true(mlops_reader_next(reader, chunk, &error));
	assert_int_equal(chunk->rows, 1);
	cell = mlops_chunk_cell(chunk, 0, 0);
	assert_int_equal(cell.length, 10);
	assert_memory_equal(cell.bytes, "2024-01-31", 10);
	assert_true(chunk->columns[1].times[0] == INT64_C(1706659200000000));
	assert_false(mlops_reader_bind(reader, both, 2, &error));
	assert_int_equal(error.code, MLOPS_BUG);
	mlops_chunk_free(chunk);
	mlops_reader_free(reader);
	mlops_source_free(source);
}

/* A socket of packets gives one packet a read: sends csv cut at the places where cut says so. */
static struct mlops_source *packets(int sockets[2], const char *csv, size_t length, const size_t *cuts,
				    size_t n_cuts)
{
	size_t from = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cuts[i] : length;

		if (to > from)
			assert_int_equal(send(sockets[0], csv + from, to - from, 0), to - from);
		from = to;
	}
	shutdown(sockets[0], SHUT_WR);
	return mlops_source_from_fd(sockets[1], "t.csv", NULL);
}

static void check_cuts(const struct mlops_read_options *options, const char *csv, size_t length,
		       const size_t *cuts, size_t n_cuts, const char *types, const char *expected)
{
	int sockets[2];
	struct mlops_source *source = packets(sockets, csv, length, cuts, n_cuts);
	char *text = table_text(source, options, types);

	assert_string_equal(text, expected);
	free(text);
	mlops_source_free(source);
	close(sockets[0]);
	close(sockets[1]);
}

static void blocks_of_any_size(void **state)
{
	static const char *const nasty[] = {
		"\xef\xbb\xbf\r\n\"a;\"\"x\",b "
		",\"c\nd\",t\r\n1,\"x\r\ny\",\"\"\"\",2024-01-31\r\n\r\n\n-2.5e1,,\"\",\r\n"
		"\"3\",\"a,\"\"b\"\",c\"\"\",5\" pipe,1706724000\n4,last,NA,bad\r",
		"a,b\n1,\"x\"y\n\"2\"z,3\r\n4\n5,6,7\n8,abc\n9,1e400\n10,\"12\"",
		"a,b\n1,2\n3,\"4\n5,6\n7,8\n",
	};
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	options.on_error = MLOPS_ON_ERROR_NULL;
	for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
		size_t length = strlen(nasty[i]);
		size_t all[256];
		char *expected = table_text_of(nasty[i], length, &options, i == 0 ? "NTTX" : "NN");

		assert_true(length < 256);
		for (size_t cut = 1; cut < length; cut++) {
			all[cut - 1] = cut;
			check_cuts(&options, nasty[i], length, &cut, 1, i == 0 ? "NTTX" : "NN", expected);
		}
		check_cuts(&options, nasty[i], length, all, length - 1, i == 0 ? "NTTX" : "NN", expected);
		options.one_row = true;
		check_cuts(&options, nasty[i], length, all, length - 1, i == 0 ? "NTTX" : "NN", expected);
		options.one_row = false;
		free(expected);
	}
}

static void more_than_a_chunk(void **state)
{
	struct mlops_buffer csv = MLOPS_BUFFER_INIT;
	struct mlops_buffer expected = MLOPS_BUFFER_INIT;
	char *text;

	(void)state;
	mlops_buffer_append_string(&csv, "a,b\n");
	mlops_buffer_append_string(&expected, "a N, b T\n");
	for (unsigned i = 0; i < 50000; i++) {
		mlops_buffer_append_format(&csv, "%u,\"row \"\"%u\"\"\"\n", i, i * 7);
		mlops_buffer_append_format(&expected, "%u: %u 'row \"%u\"'\n", i + 2, i, i * 7);
	}
	mlops_buffer_append_string(&expected, "rows 50000\n");
	text = table_text_of(csv.data, csv.length, &defaults, NULL);
	assert_string_equal(text, mlops_buffer_string(&expected));
	free(text);
	mlops_buffer_release(&csv);
	mlops_buffer_release(&expected);
}

static void send_text(int socket, const char *text)
{
	assert_int_equal(send(socket, text, strlen(text), 0), strlen(text));
}

static void interactive(void **state)
{
	static const struct mlops_binding binding = { 0, MLOPS_COLUMN_NUMBER };
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source;
	struct mlops_reader *reader;
	struct mlops_chunk *chunk;
	int sockets[2];

	(void)state;
	options.interactive = true;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	source = mlops_source_from_fd(sockets[1], "t.csv", &error);
	assert_false(mlops_source_ready(source));
	send_text(sockets[0], "a,b\n1,2\n3,");
	assert_true(mlops_source_ready(source));
	reader = mlops_reader_open(source, &options, &error);
	assert_non_null(reader);
	chunk = mlops_chunk_new(&binding.type, 1, &error);
	assert_true(mlops_reader_bind(reader, &binding, 1, &error));
	assert_true(mlops_reader_next(reader, chunk, &error));
	assert_int_equal(chunk->rows, 1);
	assert_true(chunk->columns[0].numbers[0] == 1);
	send_text(sockets[0], "4\n5,6\n");
	send_text(sockets[0], "7,8\n9");
	assert_true(mlops_reader_next(reader, chunk, &error));
	assert_int_equal(chunk->rows, 3);
	assert_true(chunk->columns[0].numbers[2] == 7);
	send_text(sockets[0], "9,1");
	shutdown(sockets[0], SHUT_WR);
	assert_true(mlops_reader_next(reader, chunk, &error));
	assert_int_equal(chunk->rows, 1);
	assert_true(chunk->columns[0].numbers[0] == 99);
	assert_true(mlops_reader_next(reader, chunk, &error));
	assert_int_equal(chunk->rows, 0);
	assert_int_equal(reader->counts.rows, 5);
	assert_true(mlops_source_ready(source));
	mlops_chunk_free(chunk);
	mlops_reader_free(reader);
	mlops_source_free(source);
	close(sockets[0]);
	close(sockets[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(formats),
		cmocka_unit_test(delimiters),
		cmocka_unit_test(decimal_marks),
		cmocka_unit_test(quotes),
		cmocka_unit_test(row_names),
		cmocka_unit_test(names),
		cmocka_unit_test(missing_words),
		cmocka_unit_test(guesses),
		cmocka_unit_test(bindings),
		cmocka_unit_test(one_column_bound_twice),
		cmocka_unit_test(blocks_of_any_size),
		cmocka_unit_test(more_than_a_chunk),
		cmocka_unit_test(interactive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
