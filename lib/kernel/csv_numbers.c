#include "kernel/build.h"

#include <math.h>
#include <string.h>

#if defined __SSE4_1__
#include <immintrin.h>
#endif

#define WIDTH 16 /* bytes of a plain number without its sign */

/* The power of ten that a number whose mark stands at this byte of 16 is divided by; 16: it has none. */
static const double divisors[WIDTH + 1] = {
	1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0, 1e0,
};

/* What is known of the 16 bytes that end with a number. */
struct decimal {
	uint64_t mantissa;
	unsigned mark; /* where the mark is, 16: nowhere */
	bool digits;   /* nothing but digits and at most one mark, and at least one digit */
};

#if defined __SSE4_1__
/* From entry n on: 16 bytes of which the last n are set. */
static const uint8_t kept[2 * WIDTH] = {
	[WIDTH] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

/* Where each byte comes from when byte n is taken out and what is ahead of it moves up. */
#define FROM(n, i) ((i) > (n) ? (i) : (i) > 0 ? (i) - 1 : 0x80)
#define EIGHT(n, i) \
	FROM(n, i), FROM(n, i + 1), FROM(n, i + 2), FROM(n, i + 3), FROM(n, i + 4), FROM(n, i + 5), \
		FROM(n, i + 6), FROM(n, i + 7)
#define WITHOUT(n) { EIGHT(n, 0), EIGHT(n, 8) }

static const uint8_t without[WIDTH + 1][WIDTH] = {
	WITHOUT(0),  WITHOUT(1),  WITHOUT(2),  WITHOUT(3),  WITHOUT(4),  WITHOUT(5),
	WITHOUT(6),  WITHOUT(7),  WITHOUT(8),  WITHOUT(9),  WITHOUT(10), WITHOUT(11),
	WITHOUT(12), WITHOUT(13), WITHOUT(14), WITHOUT(15), WITHOUT(-1),
};

/* Two digits, then four, eight and sixteen at a time (Mula, "SIMD-ized parsing of numbers"). */
static inline struct decimal convert(const char *end, size_t length, char mark)
{
	const __m128i nine = _mm_set1_epi8(9);
	__m128i text = _mm_loadu_si128((const __m128i *)(end - WIDTH));
	__m128i keep = _mm_loadu_si128((const __m128i *)(kept + length));
	__m128i digits = _mm_and_si128(_mm_sub_epi8(text, _mm_set1_epi8('0')), keep);
	__m128i marks = _mm_and_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(mark)), keep);
	__m128i good = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(digits, nine), digits), marks);
	unsigned mark_bits = (unsigned)_mm_movemask_epi8(marks);
	unsigned at = (unsigned)__builtin_ctz(mark_bits | 1u << WIDTH);
	__m128i packed = _mm_shuffle_epi8(digits, _mm_loadu_si128((const __m128i *)without[at]));
	__m128i pairs = _mm_maddubs_epi16(packed, _mm_set1_epi16(0x010a));
	__m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
	__m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
	uint64_t halves = (uint64_t)_mm_cvtsi128_si64(eights);

	return (struct decimal){
		.mantissa = (uint32_t)halves * UINT64_C(100000000) + (halves >> 32),
		.mark = at,
		.digits = _mm_movemask_epi8(good) == 0xffff && (mark_bits & (mark_bits - 1)) == 0 &&
			  length > (mark_bits != 0),
	};
}
#else
static inline struct decimal convert(const char *end, size_t length, char mark)
{
	struct decimal decimal = { .mark = WIDTH };
	size_t marks = 0;
	size_t others = 0;

	for (size_t i = WIDTH - length; i < WIDTH; i++) {
		char c = end[(ptrdiff_t)i - WIDTH];
		unsigned digit = (unsigned)(unsigned char)c - '0';

		if (c == mark) {
			decimal.mark = (unsigned)i;
			marks++;
		} else {
			others += digit > 9;
			decimal.mantissa = decimal.mantissa * 10 + digit;
		}
	}
	decimal.digits = marks <= 1 && others == 0 && length > marks;
	return decimal;
}
#endif

static inline size_t convert_all(const char *bytes, const uint32_t *ends, size_t stride, size_t n, char mark,
				 bool crlf, float *values)
{
	size_t unusual = 0;

	for (size_t r = 0; r < n; r++) {
		const uint32_t *field = ends + r * stride;
		size_t begin = (uint32_t)(field[-1] + 1);
		size_t end = field[0];
		size_t length;
		struct decimal decimal;
		bool negative, plain;
		uint32_t bits;
		float value;

		if (crlf)
			end -= end > begin && bytes[end - 1] == '\r';
		negative = bytes[begin] == '-';
		length = end - begin;
		length -= negative && length > 0;
		decimal = convert(bytes + end, length < WIDTH ? length : WIDTH, mark);
		plain = decimal.digits && length <= WIDTH && decimal.mantissa <= UINT64_C(1) << 53;
		value = (float)((double)(int64_t)decimal.mantissa / divisors[decimal.mark]);
		memcpy(&bits, &value, sizeof bits);
		bits |= (uint32_t)negative << 31;
		if (!plain)
			bits = end == begin ? UINT32_C(0x7fc00000) : MLOPS_CSV_UNUSUAL;
		memcpy(&values[r], &bits, sizeof bits);
		unusual += bits == MLOPS_CSV_UNUSUAL;
	}
	return unusual;
}

size_t MLOPS_KERNEL(mlops_kernel_csv_numbers)(const char *bytes, const uint32_t *ends, size_t stride,
					      size_t n, char mark, bool crlf, float *values)
{
	if (crlf)
		return convert_all(bytes, ends, stride, n, mark, true, values);
	return convert_all(bytes, ends, stride, n, mark, false, values);
}
