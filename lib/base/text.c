#include "base/text.h"

#include <stdint.h>
#include <string.h>

/* Longer names get no suggestion; that bounds the work and needs no memory. */
#define LONGEST_NAME 128

#define CUT "\u2026"
#define MASK_LIMIT (MLOPS_TEXT_QUOTED - sizeof CUT - 4)

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions, and exchanges of neighbours, each
 * costing 1. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][LONGEST_NAME + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);
			unsigned best = above[j - 1] + (x != y);

			best = least(best, above[j] + 1);
			best = least(best, row[j - 1] + 1);
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
				best = least(best, before[j - 2] + 1);
			row[j] = best;
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[b_length];
}

const char *mlops_text_nearest(const char *name, const char *const *known, size_t count)
{
	size_t length = strlen(name);
	const char *nearest = NULL;
	unsigned smallest = UINT32_MAX;

	if (length == 0 || length > LONGEST_NAME)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t known_length, longer;
		unsigned edits;

		if (known[i] == NULL)
			continue;
		known_length = strlen(known[i]);
		if (known_length > LONGEST_NAME)
			continue;
		longer = known_length > length ? known_length : length;
		edits = distance(name, length, known[i], known_length);
		if (3 * (size_t)edits <= longer && edits < smallest) {
			smallest = edits;
			nearest = known[i];
		}
	}
	return nearest;
}

size_t mlops_text_utf8_step(const char *bytes, size_t length)
{
	const unsigned char *byte = (const unsigned char *)bytes;
	size_t step;
	/* The second byte's bounds keep out overlong forms, surrogates, and what is above U+10FFFF. */
	unsigned char low = 0x80, high = 0xbf;

	if (length == 0)
		return 0;
	if (byte[0] < 0x80)
		return 1;
	if (byte[0] < 0xc2 || byte[0] > 0xf4)
		return 0;
	step = byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
	if (length < step)
		return 0;
	switch (byte[0]) {
	case 0xe0:
		low = 0xa0;
		break;
	case 0xed:
		high = 0x9f;
		break;
	case 0xf0:
		low = 0x90;
		break;
	case 0xf4:
		high = 0x8f;
		break;
	}
	if (byte[1] < low || byte[1] > high)
		return 0;
	for (size_t i = 2; i < step; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
	}
	return step;
}

/* Would a terminal act on this character, or show the text in another order than it is?  C0, DEL, C1,
 * bidi marks. */
static bool is_control(const char *bytes, size_t step)
{
	const unsigned char *byte = (const unsigned char *)bytes;

	switch (step) {
	case 1:
		return byte[0] < 0x20 || byte[0] == 0x7f;
	case 2:
		return byte[0] == 0xc2 && byte[1] < 0xa0;
	case 3:
		return (byte[0] == 0xe2 && byte[1] == 0x80 && byte[2] >= 0xa8 && byte[2] <= 0xae) ||
		       (byte[0] == 0xe2 && byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9);
	default:
		return false;
	}
}

const char *mlops_text_mask(char buffer[MLOPS_TEXT_QUOTED], const char *bytes, size_t length)
{
	size_t used = 0, at = 0;

	while (at < length) {
		size_t step = mlops_text_utf8_step(bytes + at, length - at);
		bool masked = step == 0 || is_control(bytes + at, step);
		size_t size = masked ? 1 : step;

		if (used + size > MASK_LIMIT) {
			memcpy(buffer + used, CUT, sizeof CUT - 1);
			used += sizeof CUT - 1;
			break;
		}
		if (masked)
			buffer[used] = '?';
		else
			memcpy(buffer + used, bytes + at, step);
		used += size;
		at += step == 0 ? 1 : step;
	}
	buffer[used] = '\0';
	return buffer;
}

bool mlops_text_is_utf8(const char *bytes, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t step;
		uint64_t eight;

		if (length - at >= sizeof eight) {
			memcpy(&eight, bytes + at, sizeof eight);
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				at += sizeof eight;
				continue;
			}
		}
		step = mlops_text_utf8_step(bytes + at, length - at);
		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

bool mlops_text_equal_ignore_case(const char *a, size_t a_length, const char *b, size_t b_length)
{
	if (a_length != b_length)
		return false;
	for (size_t i = 0; i < a_length; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}
