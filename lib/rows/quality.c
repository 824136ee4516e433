#include "rows/quality.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

static const struct {
	const char *word;
	enum mlops_quality quality;
} words[] = {
	{ "good", MLOPS_QUALITY_GOOD },
	{ "ok", MLOPS_QUALITY_GOOD },
	{ "valid", MLOPS_QUALITY_GOOD },
	{ "true", MLOPS_QUALITY_GOOD },
	{ "uncertain", MLOPS_QUALITY_UNCERTAIN },
	{ "questionable", MLOPS_QUALITY_UNCERTAIN },
	{ "bad", MLOPS_QUALITY_BAD },
	{ "invalid", MLOPS_QUALITY_BAD },
	{ "false", MLOPS_QUALITY_BAD },
	{ "no", MLOPS_QUALITY_BAD },
	{ "error", MLOPS_QUALITY_BAD },
};

/* A whole number below 2^32, decimal (1.0 too, as some write it) or hexadecimal. */
static bool read_code(const char *bytes, size_t length, uint64_t *code)
{
	unsigned base = 10;

	if (length > 2 && bytes[0] == '0' && (bytes[1] == 'x' || bytes[1] == 'X')) {
		base = 16;
		bytes += 2;
		length -= 2;
	} else if (length > 2 && bytes[length - 2] == '.' && bytes[length - 1] == '0') {
		length -= 2;
	}
	if (length == 0 || length > 10)
		return false;
	*code = 0;
	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];
		unsigned digit = c >= '0' && c <= '9'	? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
							: 99;

		if (digit >= base)
			return false;
		*code = *code * base + digit;
	}
	return *code <= UINT32_MAX;
}

enum mlops_quality mlops_quality_read(const char *bytes, size_t length, bool classic)
{
	uint64_t code;

	if (read_code(bytes, length, &code)) {
		uint64_t answer = code > UINT16_MAX ? code >> 30 : code >> 6 & 3;

		if (code > UINT16_MAX || (code == 0 && !classic))
			return answer == 0   ? MLOPS_QUALITY_GOOD
			       : answer == 1 ? MLOPS_QUALITY_UNCERTAIN
					     : MLOPS_QUALITY_BAD;
		return answer == 3   ? MLOPS_QUALITY_GOOD
		       : answer == 1 ? MLOPS_QUALITY_UNCERTAIN
				     : MLOPS_QUALITY_BAD;
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = strlen(words[i].word);

		if (length >= n && mlops_text_equal_ignore_case(bytes, n, words[i].word, n))
			return words[i].quality;
	}
	return MLOPS_QUALITY_UNKNOWN;
}

bool mlops_quality_is_classic(const char *bytes, size_t length)
{
	uint64_t code;

	return read_code(bytes, length, &code) && code > 0 && code <= UINT16_MAX;
}
