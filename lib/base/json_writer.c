#include "base/json_writer.h"

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"

#include <math.h>
#include <string.h>

#define DEEPEST 32
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Puts the comma before an item, unless it is the first one or the value of a key.  Texts one after
 * the other outside of brackets are JSON Lines: no commas there. */
static void begin_item(struct mlops_json *json)
{
	uint32_t bit;

	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->depth == 0 || json->depth > DEEPEST)
		return;
	bit = UINT32_C(1) << (json->depth - 1);
	if ((json->has_item & bit) != 0)
		mlops_buffer_append_char(json->out, ',');
	json->has_item |= bit;
}

void mlops_json_open(struct mlops_json *json, char bracket)
{
	begin_item(json);
	mlops_buffer_append_char(json->out, bracket);
	json->depth++;
	if (json->depth > DEEPEST)
		json->out->failed = true;
	else
		json->has_item &= ~(UINT32_C(1) << (json->depth - 1));
}

void mlops_json_close(struct mlops_json *json, char bracket)
{
	mlops_buffer_append_char(json->out, bracket);
	if (json->depth > 0)
		json->depth--;
}

/* Does any of eight bytes need a look: a control character, a quote, a backslash, or one that is not
 * ASCII? */
static inline bool is_special(uint64_t eight)
{
	uint64_t quote = eight ^ EACH_BYTE('"');
	uint64_t backslash = eight ^ EACH_BYTE('\\');
	uint64_t found = eight | (eight - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) |
			 (backslash - EACH_BYTE(1));

	return (found & EACH_BYTE(0x80)) != 0;
}

static size_t plain_length(const char *bytes, size_t length)
{
	size_t at = 0;
	uint64_t eight;

	while (length - at >= sizeof eight) {
		memcpy(&eight, bytes + at, sizeof eight);
		if (is_special(eight))
			break;
		at += sizeof eight;
	}
	for (; at < length; at++) {
		unsigned char c = (unsigned char)bytes[at];

		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return at;
}

static void escape(struct mlops_buffer *out, unsigned char c)
{
	static const char short_forms[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};
	char text[2] = { '\\', (char)c };

	if (c < 0x20 && short_forms[c] == 0) {
		mlops_buffer_append_format(out, "\\u%04x", c);
		return;
	}
	if (c < 0x20)
		text[1] = short_forms[c];
	mlops_buffer_append(out, text, sizeof text);
}

static void append_quoted(struct mlops_buffer *out, const char *bytes, size_t length)
{
	size_t at = 0;

	mlops_buffer_append_char(out, '"');
	while (at < length) {
		size_t step = plain_length(bytes + at, length - at);

		mlops_buffer_append(out, bytes + at, step);
		at += step;
		if (at == length)
			break;
		if ((unsigned char)bytes[at] < 0x80) {
			escape(out, (unsigned char)bytes[at++]);
			continue;
		}
		step = mlops_text_utf8_step(bytes + at, length - at);
		if (step == 0) {
			mlops_buffer_append_string(out, REPLACEMENT);
			at++;
		} else {
			mlops_buffer_append(out, bytes + at, step);
			at += step;
		}
	}
	mlops_buffer_append_char(out, '"');
}

void mlops_json_key(struct mlops_json *json, const char *key)
{
	begin_item(json);
	append_quoted(json->out, key, strlen(key));
	mlops_buffer_append_char(json->out, ':');
	json->after_key = true;
}

void mlops_json_text(struct mlops_json *json, const char *bytes, size_t length)
{
	begin_item(json);
	append_quoted(json->out, bytes, length);
}

void mlops_json_string(struct mlops_json *json, const char *string)
{
	if (string == NULL)
		mlops_json_null(json);
	else
		mlops_json_text(json, string, strlen(string));
}

void mlops_json_raw(struct mlops_json *json, const char *bytes, size_t length)
{
	begin_item(json);
	mlops_buffer_append(json->out, bytes, length);
}

void mlops_json_float(struct mlops_json *json, float value)
{
	char text[MLOPS_NUMBER_TEXT];

	if (!isfinite(value))
		mlops_json_null(json);
	else
		mlops_json_raw(json, text, mlops_number_print_float(text, value));
}

void mlops_json_double(struct mlops_json *json, double value)
{
	char text[MLOPS_NUMBER_TEXT];

	if (!isfinite(value))
		mlops_json_null(json);
	else
		mlops_json_raw(json, text, mlops_number_print_double(text, value));
}

static void append_integer(struct mlops_json *json, bool negative, uint64_t size)
{
	char field[21], *at = field + sizeof field;

	do {
		*--at = (char)('0' + size % 10);
		size /= 10;
	} while (size > 0);
	if (negative)
		*--at = '-';
	mlops_json_raw(json, at, (size_t)(field + sizeof field - at));
}

void mlops_json_int(struct mlops_json *json, int64_t value)
{
	append_integer(json, value < 0, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void mlops_json_uint(struct mlops_json *json, uint64_t value)
{
	append_integer(json, false, value);
}

void mlops_json_bool(struct mlops_json *json, bool value)
{
	mlops_json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void mlops_json_null(struct mlops_json *json)
{
	mlops_json_raw(json, "null", 4);
}

void mlops_json_member_string(struct mlops_json *json, const char *key, const char *string)
{
	mlops_json_key(json, key);
	mlops_json_string(json, string);
}

void mlops_json_member_double(struct mlops_json *json, const char *key, double value)
{
	mlops_json_key(json, key);
	mlops_json_double(json, value);
}

void mlops_json_member_uint(struct mlops_json *json, const char *key, uint64_t value)
{
	mlops_json_key(json, key);
	mlops_json_uint(json, value);
}

void mlops_json_member_bool(struct mlops_json *json, const char *key, bool value)
{
	mlops_json_key(json, key);
	mlops_json_bool(json, value);
}

void mlops_json_member_time(struct mlops_json *json, const char *key, int64_t microseconds)
{
	char text[MLOPS_TIME_TEXT];

	if (microseconds != 0)
		mlops_time_print(text, microseconds);
	mlops_json_member_string(json, key, microseconds != 0 ? text : NULL);
}
