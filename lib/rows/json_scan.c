#include "rows/json_scan.h"

#include "base/number.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum state { OPEN, KEY_OR_END, KEY, COLON, VALUE, VALUE_OR_END, NEXT, STRING, BARE };

void mlops_json_scan_start(struct mlops_json_scan *scan)
{
	memset(scan, 0, sizeof *scan);
	scan->state = OPEN;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Ends a number or a word. */
static bool is_border(char c)
{
	return is_space(c) || c == ',' || c == ':' || c == '"' || c == '{' || c == '}' || c == '[' ||
	       c == ']';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool read_hex(const char *raw, size_t length, size_t at, uint32_t *unit)
{
	*unit = 0;
	if (length - at < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		int digit = hex_value(raw[at + i]);

		if (digit < 0)
			return false;
		*unit = *unit << 4 | (uint32_t)digit;
	}
	return true;
}

static size_t encode_utf8(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The escape at raw[*at], which is behind the backslash; returns how many bytes it stands for, 0 if it is
 * wrong. */
static size_t read_escape(const char *raw, size_t length, size_t *at, char out[4])
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	uint32_t unit, low;

	if (*at >= length)
		return 0;
	if (raw[*at] != 'u') {
		const char *found = memchr(letters, raw[*at], sizeof letters - 1);

		if (found == NULL)
			return 0;
		out[0] = meanings[found - letters];
		*at += 1;
		return 1;
	}
	if (!read_hex(raw, length, *at + 1, &unit))
		return 0;
	*at += 5;
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return 0;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		if (length - *at < 6 || raw[*at] != '\\' || raw[*at + 1] != 'u' ||
		    !read_hex(raw, length, *at + 2, &low) || low < 0xdc00 || low > 0xdfff)
			return 0;
		*at += 6;
		unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	}
	return encode_utf8(out, unit);
}

size_t mlops_json_unescape(char *out, const char *raw, size_t length)
{
	size_t written = 0;

	for (size_t at = 0; at < length;) {
		char bytes[4];
		size_t n = 1;

		if (raw[at] == '\\') {
			at++;
			n = read_escape(raw, length, &at, bytes);
			if (n == 0)
				return SIZE_MAX;
		} else {
			bytes[0] = raw[at++];
		}
		if (out != NULL)
			memcpy(out + written, bytes, n);
		written += n;
	}
	return written;
}

static enum mlops_json_event expect(struct mlops_json_scan *scan, const char *expected)
{
	scan->expected = expected;
	scan->found = scan->at;
	return MLOPS_JSON_BROKEN;
}

static enum mlops_json_event complain(struct mlops_json_scan *scan, const char *problem)
{
	scan->problem = problem;
	return MLOPS_JSON_BROKEN;
}

static bool in_object(const struct mlops_json_scan *scan)
{
	return (scan->is_object >> (scan->depth - 1) & 1) != 0;
}

/* A value is complete: MEMBER when it is one of the object's own, MORE to go on. */
static enum mlops_json_event finish_value(struct mlops_json_scan *scan, struct mlops_json_slice value)
{
	scan->state = NEXT;
	if (scan->depth > 1)
		return MLOPS_JSON_MORE;
	scan->value = value;
	return MLOPS_JSON_MEMBER;
}

static enum mlops_json_event enter(struct mlops_json_scan *scan, bool is_object)
{
	if (scan->depth == MLOPS_JSON_DEPTH)
		return complain(scan, "more than 64 levels of arrays and objects");
	/* remembered until the value of the outermost object's member is complete */
	if (scan->depth == 1)
		scan->value = (struct mlops_json_slice){
			.start = scan->at, .kind = is_object ? MLOPS_JSON_OBJECT : MLOPS_JSON_ARRAY
		};
	if (is_object)
		scan->is_object |= (uint64_t)1 << scan->depth;
	else
		scan->is_object &= ~((uint64_t)1 << scan->depth);
	scan->depth++;
	scan->at++;
	scan->state = is_object ? KEY_OR_END : VALUE_OR_END;
	return MLOPS_JSON_MORE;
}

static enum mlops_json_event leave(struct mlops_json_scan *scan)
{
	scan->at++;
	scan->depth--;
	if (scan->depth == 0)
		return MLOPS_JSON_END;
	if (scan->depth == 1)
		scan->value.length = scan->at - scan->value.start;
	return finish_value(scan, scan->value);
}

static void start_token(struct mlops_json_scan *scan, enum state state, size_t start)
{
	scan->state = state;
	scan->token = (struct mlops_json_slice){ .start = start, .kind = MLOPS_JSON_STRING };
	scan->at = start;
	scan->string_is_wide = false;
}

static enum mlops_json_event finish_string(struct mlops_json_scan *scan, const char *bytes)
{
	struct mlops_json_slice *token = &scan->token;

	token->length = scan->at - token->start;
	scan->at++;
	if (scan->string_is_wide && !mlops_text_is_utf8(bytes + token->start, token->length))
		return complain(scan, "a string is not UTF-8");
	if (token->escaped && mlops_json_unescape(NULL, bytes + token->start, token->length) == SIZE_MAX)
		return complain(scan, "a string has a wrong escape");
	if (!scan->string_is_key)
		return finish_value(scan, *token);
	if (scan->depth == 1)
		scan->key = *token;
	scan->state = COLON;
	return MLOPS_JSON_MORE;
}

/* MORE with scan->state still STRING: the bytes are used up. */
static enum mlops_json_event scan_string(struct mlops_json_scan *scan, const char *bytes, size_t length)
{
	while (scan->at < length) {
		unsigned char c = (unsigned char)bytes[scan->at];

		if (c == '"')
			return finish_string(scan, bytes);
		if (c == '\\') {
			if (length - scan->at < 2)
				return MLOPS_JSON_MORE;
			scan->token.escaped = true;
			scan->at++;
			c = (unsigned char)bytes[scan->at];
		}
		if (c < 0x20)
			return complain(scan, c == '\n' ? "a string is not closed on its line" :
							  "a control character in a string is not escaped");
		scan->string_is_wide |= c >= 0x80;
		scan->at++;
	}
	return MLOPS_JSON_MORE;
}

static enum mlops_json_event scan_bare(struct mlops_json_scan *scan, const char *bytes, size_t length)
{
	static const struct {
		const char *word;
		enum mlops_json_kind kind;
	} words[] = { { "null", MLOPS_JSON_NULL },
		      { "false", MLOPS_JSON_FALSE },
		      { "true", MLOPS_JSON_TRUE } };
	struct mlops_json_slice *token = &scan->token;

	while (scan->at < length && !is_border(bytes[scan->at]))
		scan->at++;
	if (scan->at == length)
		return MLOPS_JSON_MORE;
	token->length = scan->at - token->start;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (token->length == strlen(words[i].word) &&
		    memcmp(bytes + token->start, words[i].word, token->length) == 0) {
			token->kind = words[i].kind;
			return finish_value(scan, *token);
		}
	if (!mlops_number_is_json(bytes + token->start, token->length)) {
		scan->expected = "a value";
		scan->found = token->start;
		return MLOPS_JSON_BROKEN;
	}
	token->kind = MLOPS_JSON_NUMBER;
	return finish_value(scan, *token);
}

static enum mlops_json_event scan_value(struct mlops_json_scan *scan, char c)
{
	if (c == '{' || c == '[')
		return enter(scan, c == '{');
	if (c == '"') {
		scan->string_is_key = false;
		start_token(scan, STRING, scan->at + 1);
		return MLOPS_JSON_MORE;
	}
	if (is_border(c))
		return expect(scan, scan->state == VALUE ? "a value" : "a value or \"]\"");
	start_token(scan, BARE, scan->at);
	return MLOPS_JSON_MORE;
}

static enum mlops_json_event scan_punctuation(struct mlops_json_scan *scan, char c)
{
	switch (scan->state) {
	case OPEN:
		return c == '{' ? enter(scan, true) : expect(scan, "an object");
	case KEY_OR_END:
	case KEY:
		if (c == '}' && scan->state == KEY_OR_END)
			return leave(scan);
		if (c != '"')
			return expect(scan,
				      scan->state == KEY ? "a key in quotes" : "a key in quotes or \"}\"");
		scan->string_is_key = true;
		start_token(scan, STRING, scan->at + 1);
		return MLOPS_JSON_MORE;
	case COLON:
		if (c != ':')
			return expect(scan, "\":\" behind a key");
		scan->at++;
		scan->state = VALUE;
		return MLOPS_JSON_MORE;
	case VALUE_OR_END:
		if (c == ']')
			return leave(scan);
		return scan_value(scan, c);
	case VALUE:
		return scan_value(scan, c);
	default:
		if (c == ',') {
			scan->at++;
			scan->state = in_object(scan) ? KEY : VALUE;
			return MLOPS_JSON_MORE;
		}
		if (c == (in_object(scan) ? '}' : ']'))
			return leave(scan);
		return expect(scan, in_object(scan) ? "\",\" or \"}\"" : "\",\" or \"]\"");
	}
}

enum mlops_json_event mlops_json_scan_next(struct mlops_json_scan *scan, const char *bytes, size_t length)
{
	while (scan->at < length) {
		enum mlops_json_event event = MLOPS_JSON_MORE;
		char c = bytes[scan->at];

		if (scan->state == STRING) {
			event = scan_string(scan, bytes, length);
			if (event == MLOPS_JSON_MORE && scan->state == STRING)
				return event;
		} else if (scan->state == BARE) {
			event = scan_bare(scan, bytes, length);
		} else if (is_space(c)) {
			scan->at++;
		} else {
			event = scan_punctuation(scan, c);
		}
		if (event != MLOPS_JSON_MORE)
			return event;
	}
	return MLOPS_JSON_MORE;
}

const char *mlops_json_scan_message(const struct mlops_json_scan *scan, const char *bytes, size_t length,
				    char buffer[MLOPS_JSON_MESSAGE])
{
	char found[MLOPS_TEXT_QUOTED];
	size_t n = 1;

	if (scan->problem != NULL) {
		snprintf(buffer, MLOPS_JSON_MESSAGE, "broken JSON: %s", scan->problem);
		return buffer;
	}
	if (!is_border(bytes[scan->found]))
		while (scan->found + n < length && !is_border(bytes[scan->found + n]))
			n++;
	snprintf(buffer, MLOPS_JSON_MESSAGE, "broken JSON: expected %s, found '%s'", scan->expected,
		 mlops_text_mask(found, bytes + scan->found, n));
	return buffer;
}
