#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time.h"
#include "rows/pgcopy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_FIELDS 4

/* One COPY while it is put together and read. */
struct fixture {
	struct mlops_read_options options;
	struct mlops_pgcopy_field fields[MOST_FIELDS];
	size_t slots[MOST_FIELDS];
	struct mlops_read_counts counts;
	struct mlops_pgcopy copy;
	struct mlops_chunk *chunk;
	struct mlops_buffer bytes;
};

static void put(struct fixture *fixture, const void *bytes, size_t length)
{
	mlops_buffer_append(&fixture->bytes, bytes, length);
}

static void put_int(struct fixture *fixture, uint64_t value, size_t size)
{
	for (size_t i = size; i > 0; i--)
		mlops_buffer_append_char(&fixture->bytes, (char)(value >> (8 * (i - 1))));
}

static void put_header(struct fixture *fixture)
{
	put(fixture, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
}

static void put_field(struct fixture *fixture, const void *bytes, size_t length)
{
	put_int(fixture, length, 4);
	put(fixture, bytes, length);
}

static void put_number(struct fixture *fixture, uint64_t value, size_t size)
{
	put_int(fixture, size, 4);
	put_int(fixture, value, size);
}

/* Field i of the COPY is column i of the chunk. */
static void begin(struct fixture *fixture, size_t n, const enum mlops_pgcopy_type *types,
		  const enum mlops_column_type *columns)
{
	static const char *const names[MOST_FIELDS] = { "a", "b", "c", "d" };

	*fixture = (struct fixture){ .options = MLOPS_READ_OPTIONS_INIT };
	for (size_t i = 0; i < n; i++) {
		fixture->fields[i] = (struct mlops_pgcopy_field){ .type = types[i], .name = names[i] };
		fixture->slots[i] = i;
	}
	fixture->copy = (struct mlops_pgcopy){ .options = &fixture->options,
					       .source = "table t",
					       .fields = fixture->fields,
					       .n_fields = n,
					       .slots = fixture->slots,
					       .n_slots = n,
					       .counts = &fixture->counts };
	fixture->chunk = mlops_chunk_new(columns, n, NULL);
	assert_non_null(fixture->chunk);
	put_header(fixture);
}

static enum mlops_pgcopy_step take_all(struct fixture *fixture)
{
	size_t used;

	assert_true(mlops_pgcopy_init(&fixture->copy, NULL));
	return mlops_pgcopy_take(&fixture->copy, fixture->bytes.data, fixture->bytes.length, &used,
				 fixture->chunk, MLOPS_CHUNK_ROWS);
}

static void end(struct fixture *fixture)
{
	mlops_pgcopy_release(&fixture->copy);
	mlops_chunk_free(fixture->chunk);
	mlops_buffer_release(&fixture->bytes);
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static uint32_t bits_of_float(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

/* A cell of one row of one field, as number, text and time. */
static void check_cell(enum mlops_pgcopy_type type, const void *bytes, size_t length, double number,
		       const char *text, const char *time)
{
	static const enum mlops_column_type columns[] = { MLOPS_COLUMN_NUMBER, MLOPS_COLUMN_TEXT,
							  MLOPS_COLUMN_TIME };
	struct fixture fixture;
	char printed[MLOPS_TIME_TEXT];

	for (size_t i = 0; i < 3; i++) {
		struct mlops_cell cell;

		begin(&fixture, 1, &type, &columns[i]);
		fixture.options.on_error = MLOPS_ON_ERROR_NULL;
		put_int(&fixture, 1, 2);
		put_field(&fixture, bytes, length);
		put_int(&fixture, 0xffff, 2);
		assert_int_equal(take_all(&fixture), MLOPS_PGCOPY_END);
		assert_int_equal(fixture.chunk->rows, 1);
		assert_int_equal(fixture.chunk->lines[0], 1);
		if (i == 0) {
			float value = fixture.chunk->columns[0].numbers[0];

			if (isnan(number) ? !isnan(value) : value != (float)number)
				fail_msg("%s: %g, not %g", text, (double)value, number);
		} else if (i == 1) {
			cell = mlops_chunk_cell(fixture.chunk, 0, 0);
			assert_int_equal(cell.present, *text != '\0');
			assert_int_equal(cell.length, strlen(text));
			assert_memory_equal(cell.bytes, text, cell.length);
			assert_int_equal(cell.is_number, cell.present && !isnan(number) && *text != 't' &&
								 *text != 'f' && type != MLOPS_PGCOPY_TEXT);
		} else {
			mlops_time_print(printed, fixture.chunk->columns[0].times[0]);
			assert_string_equal(printed, time);
		}
		end(&fixture);
	}
}

static void integers_and_booleans(void **state)
{
	(void)state;
	check_cell(MLOPS_PGCOPY_BOOL, "\1", 1, 1, "true", "");
	check_cell(MLOPS_PGCOPY_BOOL, "\0", 1, 0, "false", "");
	check_cell(MLOPS_PGCOPY_INT2, "\x80\0", 2, -32768, "-32768", "1969-12-31T14:53:52Z");
	check_cell(MLOPS_PGCOPY_INT4, "\x80\0\0\0", 4, -2147483648.0, "-2147483648", "1901-12-13T20:45:52Z");
	check_cell(MLOPS_PGCOPY_INT4, "\x65\xba\x8b\xe0", 4, 1706724320, "1706724320",
		   "2024-01-31T18:05:20Z");
	check_cell(MLOPS_PGCOPY_OID, "\xff\xff\xff\xff", 4, 4294967295.0, "4294967295",
		   "2106-02-07T06:28:15Z");
	check_cell(MLOPS_PGCOPY_INT8, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, 9223372036854775807.0,
		   "9223372036854775807", "");
	check_cell(MLOPS_PGCOPY_INT8, "\0\0\1\x8d\x60\xae\x1e\x80", 8, 1706724040320.0, "1706724040320",
		   "2024-01-31T18:00:40.320000Z");
}

static void reals(void **state)
{
	unsigned char bytes[8];
	static const struct {
		double value, number;
		const char *text;
	} cases[] = { { 0.1, 0.1, "0.1" },
		      { -1.5e300, NAN, "-1.5e+300" },
		      { NAN, NAN, "" },
		      { INFINITY, NAN, "Infinity" },
		      { 16777217.0, 16777216.0, "16777217" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture fixture;
		enum mlops_pgcopy_type type = MLOPS_PGCOPY_FLOAT8;
		enum mlops_column_type column = MLOPS_COLUMN_NUMBER;
		float value;

		begin(&fixture, 1, &type, &column);
		fixture.options.on_error = MLOPS_ON_ERROR_NULL;
		put_int(&fixture, 1, 2);
		put_number(&fixture, bits_of(cases[i].value), 8);
		assert_int_equal(take_all(&fixture), MLOPS_PGCOPY_MORE);
		value = fixture.chunk->columns[0].numbers[0];
		assert_true(isnan(cases[i].number) ? isnan(value) : value == (float)cases[i].number);
		assert_int_equal(fixture.counts.not_finite, isnan(cases[i].number) && !isnan(cases[i].value));
		end(&fixture);
	}
	for (size_t i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(bits_of_float(0.1f) >> (8 * (3 - i)));
	check_cell(MLOPS_PGCOPY_FLOAT4, bytes, 4, 0.1f, "0.1", "1970-01-01T00:00:00.100000Z");
}

/* Digits to base 10,000 with a weight, a sign and decimals to show. */
static void check_numeric(const char *text, double number, unsigned n, const uint16_t *digits, int weight,
			  unsigned sign, unsigned scale)
{
	unsigned char bytes[64];
	const unsigned head[] = { n, (unsigned)weight & 0xffff, sign, scale };
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct fixture fixture;
	enum mlops_pgcopy_type type = MLOPS_PGCOPY_NUMERIC;
	enum mlops_column_type column = MLOPS_COLUMN_NUMBER;
	float value;

	for (size_t i = 0; i < 4 + n; i++) {
		unsigned word = i < 4 ? head[i] : digits[i - 4];

		bytes[2 * i] = (unsigned char)(word >> 8);
		bytes[2 * i + 1] = (unsigned char)word;
	}
	assert_true(mlops_pgcopy_numeric_text(bytes, 8 + 2 * n, &out));
	assert_string_equal(mlops_buffer_string(&out), text);
	mlops_buffer_release(&out);
	begin(&fixture, 1, &type, &column);
	put_int(&fixture, 1, 2);
	put_field(&fixture, bytes, 8 + 2 * n);
	assert_int_equal(take_all(&fixture), MLOPS_PGCOPY_MORE);
	value = fixture.chunk->columns[0].numbers[0];
	if (isnan(number) ? !isnan(value) : value != (float)number)
		fail_msg("%s: %.9g, not %.9g", text, (double)value, number);
	end(&fixture);
}

static void numerics(void **state)
{
	(void)state;
	check_numeric("0", 0, 0, NULL, 0, 0, 0);
	check_numeric("0.00", 0, 0, NULL, 0, 0, 2);
	check_numeric("12345.678", 12345.678, 3, (uint16_t[]){ 1, 2345, 6780 }, 1, 0, 3);
	check_numeric("-0.0001", -0.0001, 1, (uint16_t[]){ 1 }, -1, 0x4000, 4);
	check_numeric("-0.00000012", -0.00000012, 1, (uint16_t[]){ 12 }, -2, 0x4000, 8);
	check_numeric("10000000000000000", 1e16, 1, (uint16_t[]){ 1 }, 4, 0, 0);
	check_numeric("100000000000000000000000000000000000000", 1e38, 1, (uint16_t[]){ 100 }, 9, 0, 0);
	check_numeric("9007199254740993.5", 9007199254740993.5, 5,
		      (uint16_t[]){ 9007, 1992, 5474, 993, 5000 }, 3, 0, 1);
	check_numeric("0.10000000000000000000000001", 0.1, 7, (uint16_t[]){ 1000, 0, 0, 0, 0, 0, 100 }, -1, 0,
		      26);
	check_numeric("NaN", NAN, 0, NULL, 0, 0xC000, 0);
}

static void numerics_that_are_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = { { "", 0 },
		      { "\0\0\0\0\0\0\0", 7 },
		      { "\0\1\0\0\0\0\0\0", 8 },
		      { "\0\0\0\0\x12\x34\0\0", 8 },
		      { "\0\1\0\0\0\0\0\0\x27\x10", 10 },
		      { "\0\0\0\0\0\0\0\0\0", 9 },
		      { "\0\0\0\0\0\0\x40\0", 8 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_buffer out = MLOPS_BUFFER_INIT;

		assert_false(mlops_pgcopy_numeric_text((const unsigned char *)cases[i].bytes, cases[i].length,
						       &out));
		mlops_buffer_release(&out);
	}
}

static void texts_and_times(void **state)
{
	(void)state;
	check_cell(MLOPS_PGCOPY_TEXT, "12.5", 4, 12.5, "12.5", "1970-01-01T00:00:12.500000Z");
	check_cell(MLOPS_PGCOPY_TEXT, "", 0, NAN, "", "");
	check_cell(MLOPS_PGCOPY_TEXT, "No Data", 7, NAN, "", "");
	check_cell(MLOPS_PGCOPY_UUID, "\x12\x3e\x45\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x14\x17\x40\x00", 16,
		   NAN, "123e4567-e89b-12d3-a456-426614174000", "");
	check_cell(MLOPS_PGCOPY_DATE, "\0\0\x22\x5c", 4, NAN, "2024-01-31", "2024-01-31T00:00:00Z");
	check_cell(MLOPS_PGCOPY_DATE, "\x7f\xff\xff\xff", 4, NAN, "infinity", "");
	check_cell(MLOPS_PGCOPY_TIMESTAMP, "\0\2\xb3\x40\x6a\x88\x08\0", 8, NAN, "2024-01-31T18:00:00",
		   "2024-01-31T18:00:00Z");
	check_cell(MLOPS_PGCOPY_TIMESTAMPTZ, "\0\2\xb3\x40\x6a\x88\x08\1", 8, NAN,
		   "2024-01-31T18:00:00.000001Z", "2024-01-31T18:00:00.000001Z");
	check_cell(MLOPS_PGCOPY_TIMESTAMPTZ, "\x80\0\0\0\0\0\0\0", 8, NAN, "-infinity", "");
}

/* Whatever the pieces, the rows are the same. */
static void pieces_of_any_size(void **state)
{
	static const enum mlops_pgcopy_type types[] = { MLOPS_PGCOPY_INT4, MLOPS_PGCOPY_TEXT };
	static const enum mlops_column_type columns[] = { MLOPS_COLUMN_NUMBER, MLOPS_COLUMN_TEXT };

	(void)state;
	for (size_t piece = 1; piece < 80; piece++) {
		struct fixture fixture;
		enum mlops_pgcopy_step step = MLOPS_PGCOPY_MORE;
		size_t at = 0, used;
		int rows = 0;

		begin(&fixture, 2, types, columns);
		for (int row = 0; row < 10; row++) {
			put_int(&fixture, 2, 2);
			put_number(&fixture, (uint64_t)row, 4);
			put_field(&fixture, "abcdefghijk", (size_t)row);
		}
		put_int(&fixture, 0xffff, 2);
		assert_true(mlops_pgcopy_init(&fixture.copy, NULL));
		while (step != MLOPS_PGCOPY_END) {
			size_t left = fixture.bytes.length - at;

			mlops_chunk_clear(fixture.chunk);
			assert_true(left > 0);
			step = mlops_pgcopy_take(&fixture.copy, fixture.bytes.data + at,
						 left < piece ? left : piece, &used, fixture.chunk, 3);
			assert_true(step != MLOPS_PGCOPY_FAILED);
			at += used;
			for (size_t i = 0; i < fixture.chunk->rows; i++, rows++) {
				assert_true(fixture.chunk->columns[0].numbers[i] == (float)rows);
				assert_int_equal(mlops_chunk_cell(fixture.chunk, 1, i).length, rows);
				assert_int_equal(fixture.chunk->lines[i], rows + 1);
			}
		}
		assert_int_equal(rows, 10);
		end(&fixture);
	}
}

static void bad_cells(void **state)
{
	static const enum mlops_pgcopy_type type = MLOPS_PGCOPY_TEXT;
	static const enum mlops_column_type column = MLOPS_COLUMN_NUMBER;

	(void)state;
	for (int policy = MLOPS_ON_ERROR_STOP; policy <= MLOPS_ON_ERROR_NULL; policy++) {
		struct fixture fixture;
		enum mlops_pgcopy_step step;

		begin(&fixture, 1, &type, &column);
		fixture.options.on_error = (enum mlops_on_error)policy;
		for (int row = 0; row < 3; row++) {
			put_int(&fixture, 1, 2);
			put_field(&fixture, row == 1 ? "x" : "1", 1);
		}
		put_int(&fixture, 1, 2);
		put_int(&fixture, 0xffffffff, 4);
		step = take_all(&fixture);
		assert_int_equal(fixture.counts.parse, 1);
		if (policy == MLOPS_ON_ERROR_STOP) {
			assert_int_equal(step, MLOPS_PGCOPY_FAILED);
			assert_int_equal(fixture.chunk->rows, 1);
			assert_int_equal(fixture.copy.failed.code, MLOPS_DATA);
			assert_int_equal(fixture.copy.failed.line, 2);
			assert_string_equal(fixture.copy.failed.source, "table t");
			assert_string_equal(fixture.copy.failed.message, "column \"a\": 'x' is not a number");
		} else {
			assert_int_equal(step, MLOPS_PGCOPY_MORE);
			assert_int_equal(fixture.chunk->rows, policy == MLOPS_ON_ERROR_SKIP ? 3 : 4);
			assert_int_equal(fixture.counts.skipped_rows, policy == MLOPS_ON_ERROR_SKIP);
			assert_int_equal(fixture.counts.nulled_cells, policy == MLOPS_ON_ERROR_NULL);
		}
		end(&fixture);
	}
}

static void marks_for_missing(void **state)
{
	static const enum mlops_pgcopy_type type = MLOPS_PGCOPY_INT2;
	static const enum mlops_column_type column = MLOPS_COLUMN_NUMBER;
	const char *const na[] = { "-200" };
	struct fixture fixture;

	(void)state;
	begin(&fixture, 1, &type, &column);
	fixture.options.na = na;
	fixture.options.n_na = 1;
	put_int(&fixture, 1, 2);
	put_number(&fixture, 0xff38, 2);
	assert_int_equal(take_all(&fixture), MLOPS_PGCOPY_MORE);
	assert_true(isnan(fixture.chunk->columns[0].numbers[0]));
	end(&fixture);
}

static void expect_broken(struct fixture *fixture, const char *message)
{
	assert_int_equal(take_all(fixture), MLOPS_PGCOPY_FAILED);
	assert_int_equal(fixture->copy.failed.code, MLOPS_UNAVAILABLE);
	assert_string_equal(fixture->copy.failed.message, message);
	end(fixture);
}

static void broken_streams(void **state)
{
	static const enum mlops_pgcopy_type type = MLOPS_PGCOPY_INT4;
	static const enum mlops_column_type column = MLOPS_COLUMN_NUMBER;
	struct fixture fixture;

	(void)state;
	begin(&fixture, 1, &type, &column);
	fixture.bytes.data[3] = 'x';
	expect_broken(&fixture, "the server's answer is no binary COPY: its signature is missing");
	begin(&fixture, 1, &type, &column);
	fixture.bytes.data[12] = 1;
	expect_broken(&fixture,
		      "the server's answer is no binary COPY: it is of a kind that is not known here");
	begin(&fixture, 1, &type, &column);
	put_int(&fixture, 2, 2);
	expect_broken(&fixture, "the server's answer is no binary COPY: a row has another number of fields");
	begin(&fixture, 1, &type, &column);
	put_int(&fixture, 1, 2);
	put_field(&fixture, "123", 3);
	expect_broken(&fixture,
		      "the server's answer is no binary COPY: a field has a length that its type has not");
	begin(&fixture, 1, &type, &column);
	put_int(&fixture, 1, 2);
	put_int(&fixture, 0xfffffffe, 4);
	expect_broken(&fixture,
		      "the server's answer is no binary COPY: a field has a length that its type has not");
}

static void types_by_their_number(void **state)
{
	(void)state;
	assert_int_equal(mlops_pgcopy_type_of(701), MLOPS_PGCOPY_FLOAT8);
	assert_int_equal(mlops_pgcopy_type_of(1184), MLOPS_PGCOPY_TIMESTAMPTZ);
	assert_int_equal(mlops_pgcopy_type_of(3802), MLOPS_PGCOPY_UNKNOWN);
	assert_true(mlops_pgcopy_is_number(MLOPS_PGCOPY_BOOL));
	assert_true(mlops_pgcopy_is_number(MLOPS_PGCOPY_NUMERIC));
	assert_false(mlops_pgcopy_is_number(MLOPS_PGCOPY_TEXT));
	assert_false(mlops_pgcopy_is_number(MLOPS_PGCOPY_DATE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_and_booleans),
		cmocka_unit_test(reals),
		cmocka_unit_test(numerics),
		cmocka_unit_test(numerics_that_are_none),
		cmocka_unit_test(texts_and_times),
		cmocka_unit_test(pieces_of_any_size),
		cmocka_unit_test(bad_cells),
		cmocka_unit_test(marks_for_missing),
		cmocka_unit_test(broken_streams),
		cmocka_unit_test(types_by_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
