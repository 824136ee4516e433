/* Rows taken many at a time say what they say one by one, by every build of the kernels and several threads.
 */
#include "tests/unit/table_text.h"

#include "base/rng.h"
#include "base/thread.h"
#include "kernel/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>

struct text {
	char *bytes;
	size_t length;
	size_t room;
};

static void put(struct text *text, const char *bytes, size_t length)
{
	if (text->room - text->length < length) {
		text->room = 2 * text->room + length;
		text->bytes = realloc(text->bytes, text->room);
		assert_non_null(text->bytes);
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

static void put_word(struct text *text, const char *word)
{
	put(text, word, strlen(word));
}

/* How often in a thousand cells, or rows, something is as it mostly is not. */
struct oddity {
	uint32_t cells;
	uint32_t rows;
	uint32_t digits; /* more or fewer behind the point */
};

static void put_cell(struct text *text, struct mlops_rng *rng, const struct oddity *odd)
{
	static const char *const words[] = {
		"",
		"NA",
		"-200",
		"abc",
		"1e400",
		"inf",
		" 7.5 ",
		"\"1.25\"",
		"\"a,\"\"b\"\"\"",
		"\"x\ny\"",
		"\"\"",
		"5\" pipe",
		"+1",
		"1e-3",
		".",
		"12345678901234567890.5",
		"\"a\r\nb\"",
		"nul\0l",
		"2024-01-31",
		"\"q\"z",
		"-",
		"7.",
		"-.5",
	};
	char number[32];

	if (mlops_rng_below(rng, 1000) < odd->cells) {
		put_word(text, words[mlops_rng_below(rng, sizeof words / sizeof words[0])]);
	} else {
		int digits = mlops_rng_below(rng, 1000) < odd->digits ? (int)mlops_rng_below(rng, 12) : 6;

		put(text, number,
		    (size_t)snprintf(number, sizeof number, "%.*f", digits, mlops_rng_unit(rng) * 200 - 100));
	}
}

static void make_table(struct text *text, struct mlops_rng *rng, size_t columns, size_t rows,
		       const struct oddity *odd)
{
	bool crlf = mlops_rng_below(rng, 2) != 0;
	char name[32];

	text->length = 0;
	for (size_t i = 0; i < columns; i++)
		put(text, name, (size_t)snprintf(name, sizeof name, "%sc%zu", i > 0 ? "," : "", i));
	put_word(text, "\n");
	for (size_t r = 0; r < rows; r++) {
		uint32_t kind = mlops_rng_below(rng, 1000) < odd->rows ? mlops_rng_below(rng, 6) : 6;
		size_t fields = kind == 0 ? columns + 1 : kind == 1 ? 1 + columns / 2 : columns;

		if (kind == 2) {
			put_word(text, crlf ? "\r\n\n" : "\n\n");
			continue;
		}
		for (size_t i = 0; i < fields; i++) {
			if (i > 0)
				put_word(text, ",");
			put_cell(text, rng, odd);
		}
		if (kind == 3)
			put(text, "\0", 1);
		if (r + 1 < rows || kind != 4)
			put_word(text, crlf != (kind == 5) ? "\r\n" : "\n");
	}
}

/* Says the first line that is different: the whole is too long to be looked at. */
static void assert_same(const char *seen, const char *expected)
{
	size_t line = 0;
	size_t i;

	for (i = 0; seen[i] == expected[i] && seen[i] != '\0'; i++)
		line = seen[i] == '\n' ? i + 1 : line;
	if (seen[i] != expected[i])
		fail_msg("\"%.*s\" instead of \"%.*s\"", (int)strcspn(seen + line, "\n"), seen + line,
			 (int)strcspn(expected + line, "\n"), expected + line);
}

static void check_table(const struct text *text, struct mlops_read_options *options, const char *types)
{
	char *expected;

	options->one_row = true;
	expected = table_text_of(text->bytes, text->length, options, types);
	options->one_row = false;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		char *seen;

		assert_true(mlops_kernels_force(mlops_kernels_at(k)->name));
		seen = table_text_of(text->bytes, text->length, options, types);
		assert_same(seen, expected);
		free(seen);
	}
	mlops_kernels_force(NULL);
	free(expected);
}

static void same_rows(void **state)
{
	static const struct oddity oddities[] = { { 0, 0, 0 }, { 0, 0, 500 }, { 2, 2, 2 }, { 60, 30, 100 } };
	static const char *const na[] = { "-200", "-99,5" };
	struct mlops_rng rng = mlops_rng_start(11, MLOPS_RNG_SIMULATE, 0);
	struct text text = { .bytes = NULL };

	(void)state;
	for (unsigned round = 0; round < 120; round++) {
		struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
		const struct oddity *odd = &oddities[round % 4];
		size_t columns = (size_t[]){ 1, 3, 20, 2500 }[round / 4 % 4];
		size_t rows = (size_t[]){ 6000, 3000, 400, 12 }[round / 4 % 4];

		if (round >= 16)
			rows = 1 + mlops_rng_below(&rng, (uint32_t)rows / 8 + 4);
		make_table(&text, &rng, columns, rows, odd);
		options.delimiter = ',';
		options.max_line = round % 5 == 4 ? 200 : 1 << 20;
		options.na = na;
		options.n_na = round % 3 == 0 ? 2 : 0;
		options.on_error = (enum mlops_on_error[]){ MLOPS_ON_ERROR_NULL, MLOPS_ON_ERROR_SKIP,
							    MLOPS_ON_ERROR_STOP }[round / 3 % 3];
		check_table(&text, &options, "NNNNNN");
		check_table(&text, &options, "NTXN.N");
	}
	free(text.bytes);
}

/* Tables of several parts for each of three threads: few oddities, many, quotes open for long, errors late.
 */
static void same_rows_by_threads(void **state)
{
	static const struct oddity oddities[] = {
		{ 0, 0, 0 }, { 0, 0, 300 }, { 1, 1, 1 }, { 40, 20, 100 }, { 0, 10, 0 },
	};
	struct mlops_rng rng = mlops_rng_start(12, MLOPS_RNG_SIMULATE, 0);
	struct mlops_pool *pool = mlops_pool_new(3, NULL);
	struct text text = { .bytes = NULL };

	(void)state;
	assert_non_null(pool);
	for (unsigned round = 0; round < 30; round++) {
		struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
		size_t columns = (size_t[]){ 1, 4, 20 }[round % 3];
		char *expected, *seen;

		make_table(&text, &rng, columns, 120000 / (columns + 2) + mlops_rng_below(&rng, 2000),
			   &oddities[round % 5]);
		if (round % 7 == 6)
			put_word(&text, "\"a quote that never closes\n1,2\n");
		options.delimiter = ',';
		options.max_line = round % 4 == 3 ? 200 : 1 << 20;
		options.on_error = (enum mlops_on_error[]){ MLOPS_ON_ERROR_NULL, MLOPS_ON_ERROR_SKIP,
							    MLOPS_ON_ERROR_STOP }[round / 2 % 3];
		options.one_row = true;
		expected = table_text_of(text.bytes, text.length, &options, "NTNNNN");
		options.one_row = false;
		options.interactive = round % 2 != 0;
		options.pool = pool;
		seen = table_text_of(text.bytes, text.length, &options, "NTNNNN");
		assert_same(seen, expected);
		free(seen);
		free(expected);
	}
	mlops_pool_free(pool);
	free(text.bytes);
}

/* Writes a text into a pipe in pieces of so many bytes. */
struct pieces {
	const struct text *text;
	size_t bytes;
	useconds_t pause; /* after each */
	int fd;
};

static void *write_pieces(void *argument)
{
	const struct pieces *pieces = argument;
	size_t at = 0;

	while (at < pieces->text->length) {
		size_t left = pieces->text->length - at;
		ssize_t put_there =
			write(pieces->fd, pieces->text->bytes + at, left < pieces->bytes ? left : pieces->bytes);

		if (put_there <= 0)
			break;
		at += (size_t)put_there;
		usleep(pieces->pause);
	}
	close(pieces->fd);
	return NULL;
}

/* A record that a piece's end cuts is looked at, waited for, and may then be part of what a thread reads. */
static void same_rows_from_a_pipe(void **state)
{
	static const struct oddity oddity = { 0, 0, 0 };
	struct mlops_rng rng = mlops_rng_start(13, MLOPS_RNG_SIMULATE, 0);
	struct mlops_pool *pool = mlops_pool_new(3, NULL);
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct text text = { .bytes = NULL };
	char *expected;

	(void)state;
	assert_non_null(pool);
	make_table(&text, &rng, 6, 30000, &oddity);
	options.delimiter = ',';
	expected = table_text_of(text.bytes, text.length, &options, "NNNNNN");
	options.pool = pool;
	options.interactive = true;
	for (unsigned round = 0; round < 12; round++) {
		struct pieces pieces = {
			.text = &text,
			.bytes = (size_t[]){ 997, 10007, 65536, 100003 }[round % 4],
			.pause = (useconds_t[]){ 0, 50, 500 }[round / 4],
		};
		struct mlops_source *source;
		pthread_t writer;
		int ends[2];
		char *seen;

		assert_int_equal(pipe(ends), 0);
		pieces.fd = ends[1];
		assert_int_equal(pthread_create(&writer, NULL, write_pieces, &pieces), 0);
		source = mlops_source_from_fd(ends[0], "t.csv", NULL);
		assert_non_null(source);
		seen = table_text(source, &options, "NNNNNN");
		mlops_source_free(source);
		pthread_join(writer, NULL);
		close(ends[0]);
		assert_same(seen, expected);
		free(seen);
	}
	mlops_pool_free(pool);
	free(expected);
	free(text.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_rows),
		cmocka_unit_test(same_rows_by_threads),
		cmocka_unit_test(same_rows_from_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
