/*
 * Sixteen digits at once, and with them numbers of up to MLOPS_CSV_LONGEST bytes.  For sources that are built
 * once for each instruction set.
 */
#ifndef MLOPS_KERNEL_CSV_DIGITS_H
#define MLOPS_KERNEL_CSV_DIGITS_H

#include "kernel/build.h"
#include "kernel/csv_number.h"

#if defined __SSE4_1__
#include <immintrin.h>

/* From entry n on: 16 bytes of which the last n are set. */
static const uint8_t mlops_csv_kept[2 * MLOPS_CSV_WIDTH] = {
	[MLOPS_CSV_WIDTH] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

/* Where each byte comes from when byte n is taken out and what is ahead of it moves up. */
#define FROM(n, i) ((i) > (n) ? (i) : (i) > 0 ? (i) - 1 : 0x80)
#define EIGHT(n, i) \
	FROM(n, i), FROM(n, i + 1), FROM(n, i + 2), FROM(n, i + 3), FROM(n, i + 4), FROM(n, i + 5), \
		FROM(n, i + 6), FROM(n, i + 7)
#define WITHOUT(n) { EIGHT(n, 0), EIGHT(n, 8) }

static const uint8_t mlops_csv_without[MLOPS_CSV_WIDTH + 1][MLOPS_CSV_WIDTH] = {
	WITHOUT(0),  WITHOUT(1),  WITHOUT(2),  WITHOUT(3),  WITHOUT(4),	 WITHOUT(5),
	WITHOUT(6),  WITHOUT(7),  WITHOUT(8),  WITHOUT(9),  WITHOUT(10), WITHOUT(11),
	WITHOUT(12), WITHOUT(13), WITHOUT(14), WITHOUT(15), WITHOUT(-1),
};

#undef WITHOUT
#undef EIGHT
#undef FROM

static inline __m128i load_sixteen(const void *from)
{
	return _mm_loadu_si128(from);
}

/* Two digits, then four, then eight at a time (Mula, "SIMD-ized parsing of numbers"): the first eight of
 * sixteen digits are the low half of the result. */
static inline uint64_t join_digits(__m128i digits)
{
	__m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
	__m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
	__m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));

	return (uint64_t)_mm_cvtsi128_si64(eights);
}

static inline uint64_t join_halves(uint64_t halves)
{
	return (uint32_t)halves * UINT64_C(100000000) + (halves >> 32);
}

/* Sixteen bytes of a number, of which the last `length` count: their digits without the mark, and where it
 * stands, 16 if nowhere.  False where there is anything else, or a second mark. */
static inline bool take_half(const char *bytes, size_t length, char mark, uint64_t *digits, unsigned *marked)
{
	__m128i text = load_sixteen(bytes);
	__m128i keep = load_sixteen(mlops_csv_kept + length);
	__m128i values = _mm_and_si128(_mm_sub_epi8(text, _mm_set1_epi8('0')), keep);
	__m128i marks = _mm_and_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(mark)), keep);
	__m128i wrong = _mm_andnot_si128(marks, _mm_subs_epu8(values, _mm_set1_epi8(9)));
	unsigned bits = (unsigned)_mm_movemask_epi8(marks);

	*marked = (unsigned)__builtin_ctz(bits | 1u << MLOPS_CSV_WIDTH);
	*digits =
		join_halves(join_digits(_mm_shuffle_epi8(values, load_sixteen(mlops_csv_without[*marked]))));
	return _mm_testz_si128(wrong, wrong) && (bits & (bits - 1)) == 0;
}

/* A plain number of any length.  False where it is unusual. */
static inline bool put_long(const struct mlops_csv_place *place, char mark, float *value)
{
	const uint64_t ten_to_15 = UINT64_C(1000000000000000);
	size_t length = place->length < MLOPS_CSV_WIDTH ? place->length : MLOPS_CSV_WIDTH;
	size_t ahead = place->length - length;
	unsigned low_mark, high_mark = MLOPS_CSV_WIDTH, power = 0;
	uint64_t low, high = 0;

	if (ahead > MLOPS_CSV_WIDTH ||
	    !take_half(place->end - MLOPS_CSV_WIDTH, length, mark, &low, &low_mark) ||
	    (ahead > 0 && !take_half(place->end - 2 * MLOPS_CSV_WIDTH, ahead, mark, &high, &high_mark)))
		return false;
	if (low_mark < MLOPS_CSV_WIDTH) {
		if (high_mark < MLOPS_CSV_WIDTH || place->length == 1 ||
		    high >= MLOPS_CSV_LARGEST / ten_to_15)
			return false;
		power = MLOPS_CSV_WIDTH - 1 - low_mark;
		return put_wide(high * ten_to_15 + low, power, place->sign, value);
	}
	if (high_mark < MLOPS_CSV_WIDTH)
		power = 2 * MLOPS_CSV_WIDTH - 1 - high_mark;
	if (place->length == 0 || high >= MLOPS_CSV_LARGEST / (10 * ten_to_15))
		return false;
	return put_wide(high * 10 * ten_to_15 + low, power, place->sign, value);
}
#else
static inline bool put_long(const struct mlops_csv_place *place, char mark, float *value)
{
	unsigned marks = 0, behind_mark = 0;
	uint64_t mantissa = 0;

	if (place->length > MLOPS_CSV_LONGEST)
		return false;
	for (const char *at = place->end - place->length; at < place->end; at++) {
		unsigned digit = (unsigned)(unsigned char)*at - '0';

		if (*at == mark) {
			marks++;
			continue;
		}
		if (digit > 9 || mantissa >= MLOPS_CSV_LARGEST / 10)
			return false;
		mantissa = mantissa * 10 + digit;
		behind_mark += marks;
	}
	return marks <= 1 && place->length > marks && put_wide(mantissa, behind_mark, place->sign, value);
}
#endif

#define MLOPS_CSV_GROUP 64 /* numbers that are converted together */

/* Converts n <= MLOPS_CSV_GROUP numbers, as mlops_kernel_csv_numbers does. */
typedef size_t mlops_csv_convert(const struct mlops_csv_fields *fields, const uint32_t *ends, size_t n, float *values);

/* The whole kernel from what it does with a group. */
MLOPS_KERNEL_INLINE size_t mlops_csv_by_groups(const struct mlops_csv_fields *fields, size_t n, float *values,
					       mlops_csv_convert *convert)
{
	struct mlops_csv_fields simple = *fields;
	size_t unusual = 0;

	/* constants, for the compiler to leave out what isn't asked for */
	simple.crlf = simple.quotes = false;
	for (size_t r = 0; r < n; r += MLOPS_CSV_GROUP) {
		const uint32_t *ends = fields->ends + r * fields->stride;
		size_t group = n - r < MLOPS_CSV_GROUP ? n - r : MLOPS_CSV_GROUP;

		if (fields->crlf || fields->quotes)
			unusual += convert(fields, ends, group, values + r);
		else
			unusual += convert(&simple, ends, group, values + r);
	}
	return unusual;
}

#endif
