/* Each build of the CSV kernels gives what the reference gives, and the reference what RFC 4180 says. */
#include "base/rng.h"
#include "kernel/table.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 700

struct room {
	char bytes[MLOPS_CSV_AHEAD + MOST + MLOPS_CSV_BEHIND + 64];
	uint32_t ends[MOST + 9];
	uint32_t row_ends[MOST + 1];
	struct mlops_csv_cut cut;
};

/* The text at an odd place, amid bytes that look as if they belonged to it. */
static const char *put_text(struct room *room, size_t offset, const char *text, size_t length)
{
	static const char around[] = "\"\n,.7-\r";
	char *to = room->bytes + MLOPS_CSV_AHEAD + offset;

	for (size_t i = 0; i < sizeof room->bytes; i++)
		room->bytes[i] = around[(i + length) % (sizeof around - 1)];
	memcpy(to, text, length);
	return to;
}

static const struct mlops_csv_cut *cut(const struct mlops_kernels *kernels, struct room *room, size_t offset,
				       const char *text, size_t length)
{
	const char *bytes = put_text(room, offset, text, length);

	memset(room->ends, 0xee, sizeof room->ends);
	memset(room->row_ends, 0xee, sizeof room->row_ends);
	room->cut = (struct mlops_csv_cut){ .ends = room->ends + 1, .row_ends = room->row_ends, .rows = 77 };
	kernels->csv_cut(bytes, length, ',', &room->cut);
	return &room->cut;
}

/* "3.7.12 2?": rows end behind bytes 3, 7, ...: a point behind a field's end, a space behind a row's. */
static void check_cut(const char *text, const char *expected)
{
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		struct room room;
		const struct mlops_csv_cut *found = cut(mlops_kernels_at(k), &room, 3, text, strlen(text));
		char seen[400] = "";
		size_t length = 0;
		size_t n = 0;

		for (size_t r = 0; r < found->rows; r++) {
			for (; n < found->row_ends[r]; n++)
				length += (size_t)snprintf(seen + length, sizeof seen - length, "%u.",
							   found->ends[n]);
			seen[length - 1] = ' ';
		}
		snprintf(seen + length, sizeof seen - length, "%s%s", found->quotes ? "q" : "",
			 found->doubtful ? "?" : "");
		assert_string_equal(seen, expected);
	}
}

static void cut_plain(void **state)
{
	(void)state;
	check_cut("", "");
	check_cut("a", "");
	check_cut("a,b", "");
	check_cut("\n", "0 ");
	check_cut("a,b\n1,2\n3", "1.3 5.7 ");
	check_cut(",\r\n\r\n,\n", "0.2 4 5.6 ");
}

static void cut_quotes(void **state)
{
	(void)state;
	check_cut("\"a,b\",c\n", "5.7 q");
	check_cut("x\n\"a\nb\"\n", "1 7 q");
	check_cut("\"\"\n\"\"\"\"\n\"\"\"a\"\n", "2 7 13 q");
	check_cut("\"a\"\r\n1,\"b\"\r\nc", "4 6.11 q");
	check_cut("1\n\"a\"", "1 ");
	check_cut("1\n\"a\"\r", "1 ?");
	check_cut("1\n\"a\"\rb\n", "1 ?");
	check_cut("1\n\"a\" \n", "1 ?");
	check_cut("1,2\na\",b\n", "1.3 ?");
	check_cut("\"1\",2\n3,a\"b\n", "3.5 q?");
	check_cut("1\n\"a\nb,c\n", "1 ");
	/* The same across the ends of blocks. */
	check_cut("012345678901234567890123456789012345678901234567890123456789012\n\"a\"\n", "63 67 q");
	check_cut("01234567890123456789012345678901234567890123456789012345678901,\"a\n\"\n", "62.67 q");
	check_cut("01234567890123456789012345678901234567890123456789012345678,\"a\"\r\n3\n", "59.64 66 q");
	check_cut("0123456789012345678901234567890123456789012345678901234567,\"a\"\"\"\n3\n", "58.64 66 q");
	check_cut("01234567890123456789012345678901234567890123456789012345678,\"a\"\"\"\n3\n", "59.65 67 q");
	check_cut("01234567890123456789012345678901234567890123456789012345678,\"a\"\"b\"\n", "59.66 q");
	check_cut("01234567890123456789012345678901234567890123456789012345678,\"a\"x\"\n", "?");
	check_cut("012345678901234567890123456789012345678901234567890123456789,\"a\"x\n", "?");
	check_cut("0123456789012345678901234567890123456789012345678901234567890123\"\n", "?");
}

static void same_cut(const char *text, size_t length, size_t offset)
{
	struct room expected;
	struct room room;
	const struct mlops_csv_cut *a = cut(mlops_kernels_at(0), &expected, offset, text, length);

	for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
		const struct mlops_csv_cut *b = cut(mlops_kernels_at(k), &room, offset, text, length);

		assert_int_equal(a->rows, b->rows);
		assert_int_equal(a->quotes, b->quotes);
		assert_int_equal(a->doubtful, b->doubtful);
		if (a->rows == 0)
			continue;
		assert_memory_equal(a->row_ends, b->row_ends, a->rows * sizeof *a->row_ends);
		assert_memory_equal(a->ends, b->ends, a->row_ends[a->rows - 1] * sizeof *a->ends);
	}
}

static void cut_alike(void **state)
{
	/* Bytes to draw from: no quotes, few, many, nothing but quotes and parts; and pieces of valid CSV. */
	static const char *const alphabets[] = { "ab1.,,\n\r", "abcdefgh01234,,,\n\r\"", "a,\n\r\"\"\"",
						 ",\"\n" };
	static const char *const pieces[] = { "\"a\"",	      "\"\"",	  "1.5",     "",
					      "\"b,\"\"\n\"", "\"\r\n\"", "\"\"\"\"" };
	struct mlops_rng rng = mlops_rng_start(4, MLOPS_RNG_SIMULATE, 0);
	char text[MOST];

	(void)state;
	for (unsigned round = 0; round < 30000; round++) {
		unsigned kind = round % 6;
		size_t length = mlops_rng_below(&rng, round % 7 == 0 ? MOST : 140);

		if (kind < 4) {
			size_t n = strlen(alphabets[kind]);

			for (size_t i = 0; i < length; i++)
				text[i] = alphabets[kind][mlops_rng_below(&rng, (uint32_t)n)];
		} else if (kind == 4) {
			for (size_t i = 0; i < length; i++)
				text[i] = (char)mlops_rng_below(&rng, 256);
		} else {
			size_t filled = 0;

			while (filled + 10 < length) {
				const char *piece = pieces[mlops_rng_below(&rng, 7)];
				const char *end = (const char *[]){ ",", ",", "\n",
								    "\r\n" }[mlops_rng_below(&rng, 4)];

				filled += (size_t)snprintf(text + filled, sizeof text - filled, "%s%s", piece,
							   end);
			}
			/* Rarely a quote too much. */
			if (filled > 0 && mlops_rng_below(&rng, 3) == 0)
				text[mlops_rng_below(&rng, (uint32_t)filled)] = '"';
			length = filled;
		}
		same_cut(text, length, mlops_rng_below(&rng, 64));
	}
}

/* What each build makes of one field. */
static void check_field(const char *field, char mark, bool crlf, bool quotes, double expected, bool unusual)
{
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		for (size_t offset = 0; offset < 4; offset++) {
			struct room room;
			const char *bytes = put_text(&room, offset, field, strlen(field));
			uint32_t ends[2] = { UINT32_MAX, (uint32_t)strlen(field) };
			struct mlops_csv_fields fields = { bytes, ends + 1, 1, mark, crlf, quotes };
			float value = 0;
			float wanted = (float)expected;
			uint32_t bits = MLOPS_CSV_UNUSUAL;

			assert_int_equal(mlops_kernels_at(k)->csv_numbers(&fields, 1, &value), unusual);
			if (unusual)
				memcpy(&wanted, &bits, sizeof wanted);
			assert_memory_equal(&value, &wanted, sizeof value);
		}
	}
}

/* It makes no difference whether a field without quotes might have some. */
static void check_number(const char *field, char mark, bool crlf, double expected, bool unusual)
{
	check_field(field, mark, crlf, false, expected, unusual);
	check_field(field, mark, crlf, true, expected, unusual);
}

static void numbers(void **state)
{
	static const char *const others[] = { "-",
					      ".",
					      "-.",
					      "+1",
					      "1e5",
					      " 1",
					      "1 ",
					      "1.2.3",
					      "--1",
					      "1-",
					      "NA",
					      "1:",
					      "1/2",
					      "1,5",
					      "0x10",
					      "\"",
					      "1\r",
					      "18430000000000000000",
					      "184300000000000000.00",
					      "000000000000000000000000000000001",
					      "1.23456789012345.67",
					      "1.2345678901234567.",
					      "1.2345678901234567e1",
					      "12345678901234567-",
					      "a12345678901234567",
					      "--12345678901234567",
					      "-9999999999999999999999999999999" };

	(void)state;
	check_number("0", '.', false, 0.0, false);
	check_number("-0", '.', false, -0.0, false);
	check_number("7", '.', false, 7.0, false);
	check_number("-1.5", '.', false, -1.5, false);
	check_number("-1,5", ',', false, -1.5, false);
	check_number(".5", '.', false, 0.5, false);
	check_number("5.", '.', false, 5.0, false);
	check_number("-.000000000000001", '.', false, -1e-15, false);
	check_number("00000000000.1250", '.', false, 0.125, false);
	check_number("123456789012345.", '.', false, 123456789012345.0, false);
	check_number("-1.23456789012345", '.', false, -1.23456789012345, false);
	check_number("9007199254740992", '.', false, 9007199254740992.0, false);
	check_number("9007199254740993", '.', false, 9007199254740992.0, false);
	check_number("-9999999999999999", '.', false, -1e16, false);
	check_number("16777217", '.', false, 16777216.0, false);
	check_number("16777217.00000000001", '.', false, 0, true);
	check_number("16777217.00001000000", '.', false, 16777218.0, false);
	check_number("18429999999999999999", '.', false, 1843e16, false);
	check_number("184299999999999999.99", '.', false, 1843e14, false);
	check_number("-1.2345678901234567", '.', false, -1.2345678901234567, false);
	check_number("-0.00000000000012345678901234567", '.', false, -0.00000000000012345678901234567, false);
	check_number("-.0000000000000000000000000000000", '.', false, -0.0, false);
	check_number("-.0000000000000000000000000000001", '.', false, -1e-31, false);
	check_number("-0000000000000000000000000000001.", '.', false, -1, false);
	check_number("", '.', false, NAN, false);
	check_number("", '.', true, NAN, false);
	check_number("\r", '.', true, NAN, false);
	check_number("-2.25\r", '.', true, -2.25, false);
	check_number("-2.25", '.', true, -2.25, false);
	check_number("\r\r", '.', true, 0, true);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		check_number(others[i], '.', false, 0, true);
}

static void numbers_in_quotes(void **state)
{
	(void)state;
	check_field("\"-1.5\"", '.', false, false, 0, true);
	check_field("\"-1.5\"", '.', false, true, -1.5, false);
	check_field("\"7\"\r", '.', true, true, 7, false);
	check_field("\"\"", '.', false, true, NAN, false);
	check_field("\"\"\r", '.', true, true, NAN, false);
	check_field("\"-0.12345678901234567\"", '.', false, true, -0.12345678901234567, false);
	check_field("\"1\r\"", '.', true, true, 0, true);
	check_field("\"-\"", '.', false, true, 0, true);
	check_field("\"\"\"\"", '.', false, true, 0, true);
	check_field("\"1\"\"2\"", '.', false, true, 0, true);
}

/* What strtod makes of it, in double, then rounded; or it is left to others, which is rare. */
static void numbers_as_strtod(void **state)
{
	struct mlops_rng rng = mlops_rng_start(4, MLOPS_RNG_SIMULATE, 1);
	unsigned left = 0;

	(void)state;
	for (unsigned round = 0; round < 100000; round++) {
		char text[64];
		size_t length = 0;
		size_t size = 1 + mlops_rng_below(&rng, 20);
		size_t mark = mlops_rng_below(&rng, 24);

		if (round % 3 == 0) {
			/* close to half-way between two floats */
			double half =
				ldexp(2.0 * (double)(mlops_rng_u32(&rng) >> 8) + 1, (int)(round % 50) - 45);

			length = (size_t)snprintf(text, sizeof text, "%.*f", (int)(round % 13), half);
		} else {
			if (round % 2 == 0)
				text[length++] = '-';
			for (size_t i = 0; i < size; i++) {
				if (i == mark)
					text[length++] = '.';
				text[length++] = (char)('0' + (i == 0 ? mlops_rng_below(&rng, 2)
								      : mlops_rng_below(&rng, 10)));
			}
		}
		text[length] = '\0';
		for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
			struct room room;
			uint32_t ends[2] = { UINT32_MAX, (uint32_t)length };
			struct mlops_csv_fields fields = {
				put_text(&room, 1, text, length), ends + 1, 1, '.', false, false
			};
			float expected = (float)strtod(text, NULL), value;

			if (mlops_kernels_at(k)->csv_numbers(&fields, 1, &value) == 0)
				assert_memory_equal(&value, &expected, sizeof value);
			else
				left++;
		}
	}
	assert_in_range(left, 1, 20000);
}

static void numbers_alike(void **state)
{
	static const char bytes_of[] = "0123456789012345678901234567890123456789..-e+ \r";
	struct mlops_rng rng = mlops_rng_start(4, MLOPS_RNG_SIMULATE, 0);
	uint32_t all = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct room room;
		uint32_t ends[61] = { UINT32_MAX };
		char text[MOST];
		float expected[60], values[60];
		size_t stride = 1 + mlops_rng_below(&rng, 4);
		size_t rows = 1 + mlops_rng_below(&rng, 60 / (uint32_t)stride - 1);
		struct mlops_csv_fields fields = { .stride = stride, .mark = '.' };
		size_t length = 0;
		size_t column = mlops_rng_below(&rng, (uint32_t)stride);
		size_t unusual;

		for (size_t i = 0; i < rows * stride; i++) {
			size_t size = mlops_rng_below(&rng, i % 8 == 0 ? 36 : 10);
			bool quoted = round % 3 == 0 && mlops_rng_below(&rng, 3) == 0;

			if (quoted)
				text[length++] = '"';

			for (size_t k = 0; k < size && length < MOST - 4; k++)
				text[length++] =
					round % 5 == 4
						? (char)mlops_rng_below(&rng, 256)
						: bytes_of[mlops_rng_below(&rng, round % 5 < 3 ? 41 : 47)];
			if (quoted)
				text[length++] = '"';
			ends[i + 1] = (uint32_t)length;
			text[length++] = ',';
			if (length > MOST - 4)
				length = MOST - 4;
		}
		fields.bytes = put_text(&room, mlops_rng_below(&rng, 64), text, length);
		fields.ends = ends + 1 + column;
		fields.crlf = mlops_rng_below(&rng, 2) != 0;
		fields.quotes = round % 3 == 0;
		unusual = mlops_kernels_at(0)->csv_numbers(&fields, rows, expected);
		all += (uint32_t)(rows - unusual);
		for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
			assert_int_equal(mlops_kernels_at(k)->csv_numbers(&fields, rows, values), unusual);
			assert_memory_equal(values, expected, rows * sizeof *values);
		}
	}
	assert_true(all > 100000);
}

static void force(void **state)
{
	const struct mlops_kernels *fastest = mlops_kernels();
	size_t n = 0;

	(void)state;
	for (; mlops_kernels_at(n) != NULL; n++) {
		assert_true(mlops_kernels_force(mlops_kernels_at(n)->name));
		assert_ptr_equal(mlops_kernels(), mlops_kernels_at(n));
	}
	assert_string_equal(mlops_kernels_at(0)->name, "reference");
	assert_ptr_equal(fastest, mlops_kernels_at(n - 1));
	assert_false(mlops_kernels_force("v9"));
	assert_ptr_equal(mlops_kernels(), fastest);
	assert_true(mlops_kernels_force("reference"));
	assert_true(mlops_kernels_force(NULL));
	assert_ptr_equal(mlops_kernels(), fastest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_plain),         cmocka_unit_test(cut_quotes),
		cmocka_unit_test(cut_alike),         cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_alike),     cmocka_unit_test(force),
		cmocka_unit_test(numbers_in_quotes), cmocka_unit_test(numbers_as_strtod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
