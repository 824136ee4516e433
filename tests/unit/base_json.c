#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json_writer.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static void commas_and_nesting(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &buffer };

	(void)state;
	mlops_json_open(&json, '{');
	mlops_json_member_uint(&json, "rows", 17);
	mlops_json_key(&json, "empty");
	mlops_json_open(&json, '[');
	mlops_json_close(&json, ']');
	mlops_json_key(&json, "list");
	mlops_json_open(&json, '[');
	mlops_json_int(&json, -1);
	mlops_json_open(&json, '{');
	mlops_json_close(&json, '}');
	mlops_json_open(&json, '[');
	mlops_json_null(&json);
	mlops_json_bool(&json, false);
	mlops_json_close(&json, ']');
	mlops_json_raw(&json, "1.50", 4);
	mlops_json_close(&json, ']');
	mlops_json_member_string(&json, "none", NULL);
	mlops_json_member_string(&json, "name", "a");
	mlops_json_member_double(&json, "x", 0.5);
	mlops_json_member_bool(&json, "yes", true);
	mlops_json_member_time(&json, "when", INT64_C(1704067200000000));
	mlops_json_member_time(&json, "never", 0);
	mlops_json_close(&json, '}');
	assert_string_equal(mlops_buffer_string(&buffer),
			    "{\"rows\":17,\"empty\":[],\"list\":[-1,{},[null,false],1.50],\"none\":null,"
			    "\"name\":\"a\",\"x\":0.5,\"yes\":true,\"when\":\"2024-01-01T00:00:00Z\",\"never\":null}");
	mlops_buffer_release(&buffer);
}

static void lines_have_no_commas_between_them(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &buffer };

	(void)state;
	for (int line = 0; line < 2; line++) {
		mlops_json_open(&json, '{');
		mlops_json_member_uint(&json, "a", 1);
		mlops_json_member_uint(&json, "b", 2);
		mlops_json_close(&json, '}');
		mlops_buffer_append_char(&buffer, '\n');
	}
	assert_string_equal(mlops_buffer_string(&buffer), "{\"a\":1,\"b\":2}\n{\"a\":1,\"b\":2}\n");
	mlops_buffer_release(&buffer);
}

static void thirty_two_deep(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &buffer };
	char expected[4 * 32 + 1] = "";

	(void)state;
	for (int depth = 0; depth < 32; depth++) {
		if (depth > 0)
			mlops_json_uint(&json, 0);
		mlops_json_open(&json, '[');
		strcat(expected, depth > 0 ? "0,[" : "[");
	}
	for (int depth = 0; depth < 32; depth++) {
		mlops_json_close(&json, ']');
		strcat(expected, "]");
	}
	assert_string_equal(mlops_buffer_string(&buffer), expected);
	for (int depth = 0; depth < 33; depth++)
		mlops_json_open(&json, '[');
	assert_true(buffer.failed);
	mlops_buffer_release(&buffer);
}

static void assert_text(const char *bytes, size_t length, const char *expected)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &buffer };

	mlops_json_text(&json, bytes, length);
	assert_string_equal(mlops_buffer_string(&buffer), expected);
	mlops_buffer_release(&buffer);
}

static void text_is_escaped(void **state)
{
	(void)state;
	assert_text("", 0, "\"\"");
	assert_text("plain text of more than eight bytes", 35, "\"plain text of more than eight bytes\"");
	assert_text("say \"hi\"\\", 9, "\"say \\\"hi\\\"\\\\\"");
	assert_text("\b\f\n\r\t\x01\x1f\0\x7f", 9, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000\x7f\"");
	assert_text("21 \u00b0C \u20ac \U0001f600", 15, "\"21 \u00b0C \u20ac \U0001f600\"");
	assert_text("a\xffz", 3, "\"a\ufffdz\"");
	assert_text("\xed\xa0\x80", 3, "\"\ufffd\ufffd\ufffd\"");
	assert_text("\xe2\x82", 2, "\"\ufffd\ufffd\"");
}

/* Every byte at every place of a block of eight, read back by another program's reader. */
static void any_byte_anywhere(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		for (size_t place = 0; place < 17; place++) {
			struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
			struct mlops_json json = { .out = &buffer };
			char text[17], expected[20];
			size_t more = byte < 0x80 ? 0 : 2;
			json_t *read;

			memset(text, '~', sizeof text);
			memset(expected, '~', sizeof expected);
			text[place] = (char)byte;
			if (byte < 0x80)
				expected[place] = (char)byte;
			else
				memcpy(expected + place, "\ufffd", 3);
			mlops_json_text(&json, text, sizeof text);
			read = json_loadb(buffer.data, buffer.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			assert_non_null(read);
			assert_int_equal(json_string_length(read), sizeof text + more);
			assert_memory_equal(json_string_value(read), expected, sizeof text + more);
			json_decref(read);
			mlops_buffer_release(&buffer);
		}
	}
}

static void numbers(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &buffer };

	(void)state;
	mlops_json_open(&json, '[');
	mlops_json_float(&json, 0.1f);
	mlops_json_double(&json, 0.1);
	mlops_json_double(&json, 0.1f);
	mlops_json_float(&json, NAN);
	mlops_json_float(&json, -INFINITY);
	mlops_json_double(&json, NAN);
	mlops_json_double(&json, INFINITY);
	mlops_json_int(&json, INT64_MIN);
	mlops_json_int(&json, INT64_MAX);
	mlops_json_int(&json, 0);
	mlops_json_uint(&json, UINT64_MAX);
	mlops_json_close(&json, ']');
	assert_string_equal(mlops_buffer_string(&buffer),
			    "[0.1,0.1,0.10000000149011612,null,null,null,null,"
			    "-9223372036854775808,9223372036854775807,0,18446744073709551615]");
	mlops_buffer_release(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_and_nesting),
		cmocka_unit_test(lines_have_no_commas_between_them),
		cmocka_unit_test(thirty_two_deep),
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(any_byte_anywhere),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
