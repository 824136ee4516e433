#include "kernel/build.h"

#include <string.h>

#if defined __SSE4_1__
#include <immintrin.h>
#endif

#define WIDTH 16  /* bytes of a plain number without its sign */
#define GROUP 64  /* numbers that are taken apart before they are put together */
#define EXACT (UINT64_C(1) << 53)
#define MISSING UINT32_C(0x7fc00000)

/* The power of ten that a number whose mark stands at this byte of 16 is divided by; 16: it has none. */
static const double divisors[WIDTH + 1] = {
	1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0, 1e0,
};

struct field {
	const char *end;
	size_t length;   /* without the sign */
	uint32_t sign;   /* the highest bit, or 0 */
	bool empty;
};

static inline struct field find_field(const char *bytes, const uint32_t *ends, bool crlf)
{
	uint32_t begin = ends[-1] + 1;
	uint32_t end = ends[0];
	uint32_t negative;

	if (crlf)
		end -= end > begin && bytes[end - 1] == '\r';
	/* A delimiter may be a minus sign. */
	negative = (bytes[begin] == '-') & (end > begin);
	return (struct field){ bytes + end, end - begin - negative, negative << 31, end == begin };
}

/* Clinger, "How to read floating point numbers accurately", 1990: mantissa and divisor are exact, so that the
 * quotient is rounded once; then it is rounded to float. */
static inline void put_number(uint64_t mantissa, double divisor, uint32_t sign, float *value)
{
	float number = (float)((double)(int64_t)mantissa / divisor);
	uint32_t bits;

	memcpy(&bits, &number, sizeof bits);
	bits |= sign;
	memcpy(value, &bits, sizeof bits);
}

static inline size_t put_other(bool empty, float *value)
{
	uint32_t bits = empty ? MISSING : MLOPS_CSV_UNUSUAL;

	memcpy(value, &bits, sizeof bits);
	return !empty;
}

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

static inline __m128i load(const void *from)
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

/* As put_number, for mantissas of at most fifteen digits, so that all steps but the quotient are exact. */
static inline void put_pair(const uint64_t halves[2], double divisor, const uint32_t signs[2],
			    float values[2])
{
	__m128i both = _mm_shuffle_epi32(load(halves), _MM_SHUFFLE(3, 1, 2, 0));
	__m128d high = _mm_cvtepi32_pd(both);
	__m128d low = _mm_cvtepi32_pd(_mm_unpackhi_epi64(both, both));
	__m128d mantissas = _mm_add_pd(_mm_mul_pd(high, _mm_set1_pd(1e8)), low);
	__m128 numbers = _mm_cvtpd_ps(_mm_div_pd(mantissas, _mm_set1_pd(divisor)));
	__m128i bits = _mm_or_si128(_mm_castps_si128(numbers), _mm_loadl_epi64((const __m128i *)signs));

	_mm_storel_epi64((__m128i *)values, bits);
}

static unsigned find_mark(const struct field *field, char mark)
{
	unsigned last = field->length < WIDTH ? (1u << field->length) - 1 : 0xffff;
	unsigned marks = (unsigned)_mm_movemask_epi8(
		_mm_cmpeq_epi8(load(field->end - WIDTH), _mm_set1_epi8(mark)));

	marks &= last << (WIDTH - __builtin_popcount(last));
	return (unsigned)__builtin_ctz(marks | 1u << WIDTH);
}

/* Numbers with as many digits behind the mark as the first one has, as most columns hold them: then nothing
 * about the mark needs looking up.  False where one of them is different; values is undefined then. */
static inline bool convert_even(const char *bytes, const uint32_t *ends, size_t stride, size_t n, char mark,
				bool crlf, float *values)
{
	struct field first = find_field(bytes, ends, crlf);
	unsigned at = find_mark(&first, mark);
	size_t shortest = at < WIDTH ? WIDTH + 1 - at : 1;
	size_t longest = at < WIDTH ? WIDTH : WIDTH - 1;
	double divisor = divisors[at];
	__m128i shuffle = load(without[at]);
	__m128i at_mark = _mm_cmpeq_epi8(
		_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
		_mm_set1_epi8((char)at));
	/* The mark becomes a digit of which there is only zero. */
	__m128i zeros = _mm_blendv_epi8(_mm_set1_epi8('0'), _mm_set1_epi8(mark), at_mark);
	__m128i highest = _mm_andnot_si128(at_mark, _mm_set1_epi8(9));
	__m128i wrong = _mm_setzero_si128();
	size_t out_of_range = 0;
	uint64_t halves[GROUP];
	uint32_t signs[GROUP];

	for (size_t r = 0; r < n; r++) {
		struct field field = find_field(bytes, ends + r * stride, crlf);
		size_t spare = longest - field.length;
		__m128i digits = _mm_sub_epi8(load(field.end - WIDTH), zeros);

		out_of_range |= spare | (field.length - shortest);
		digits = _mm_and_si128(digits, load(kept + (field.length < WIDTH ? field.length : WIDTH)));
		wrong = _mm_or_si128(wrong, _mm_subs_epu8(digits, highest));
		halves[r] = join_digits(_mm_shuffle_epi8(digits, shuffle));
		signs[r] = field.sign;
	}
	if ((ptrdiff_t)out_of_range < 0 || !_mm_testz_si128(wrong, wrong))
		return false;
	for (size_t r = 0; r + 2 <= n; r += 2)
		put_pair(&halves[r], divisor, &signs[r], &values[r]);
	if (n % 2 != 0)
		put_number(join_halves(halves[n - 1]), divisor, signs[n - 1], &values[n - 1]);
	return true;
}

static inline size_t convert_any(const char *bytes, const uint32_t *ends, size_t stride, size_t n, char mark,
				 bool crlf, float *values)
{
	struct field fields[GROUP];
	uint64_t halves[GROUP];
	uint8_t marks_at[GROUP];
	bool plain[GROUP];
	size_t unusual = 0;

	for (size_t r = 0; r < n; r++) {
		struct field field = find_field(bytes, ends + r * stride, crlf);
		__m128i text = load(field.end - WIDTH);
		__m128i keep = load(kept + (field.length < WIDTH ? field.length : WIDTH));
		__m128i digits = _mm_and_si128(_mm_sub_epi8(text, _mm_set1_epi8('0')), keep);
		__m128i marks = _mm_and_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(mark)), keep);
		__m128i wrong = _mm_andnot_si128(marks, _mm_subs_epu8(digits, _mm_set1_epi8(9)));
		unsigned mark_bits = (unsigned)_mm_movemask_epi8(marks);
		unsigned at = (unsigned)__builtin_ctz(mark_bits | 1u << WIDTH);

		fields[r] = field;
		halves[r] = join_digits(_mm_shuffle_epi8(digits, load(without[at])));
		marks_at[r] = (uint8_t)at;
		plain[r] = _mm_testz_si128(wrong, wrong) & ((mark_bits & (mark_bits - 1)) == 0) &
			   (field.length > (mark_bits != 0)) & (field.length <= WIDTH);
	}
	for (size_t r = 0; r < n; r++) {
		uint64_t mantissa = join_halves(halves[r]);

		if (plain[r] && mantissa <= EXACT)
			put_number(mantissa, divisors[marks_at[r]], fields[r].sign, &values[r]);
		else
			unusual += put_other(fields[r].empty, &values[r]);
	}
	return unusual;
}

static inline size_t convert_group(const char *bytes, const uint32_t *ends, size_t stride, size_t n,
				   char mark, bool crlf, float *values)
{
	if (convert_even(bytes, ends, stride, n, mark, crlf, values))
		return 0;
	return convert_any(bytes, ends, stride, n, mark, crlf, values);
}
#else
static inline size_t convert_group(const char *bytes, const uint32_t *ends, size_t stride, size_t n,
				   char mark, bool crlf, float *values)
{
	size_t unusual = 0;

	for (size_t r = 0; r < n; r++) {
		struct field field = find_field(bytes, ends + r * stride, crlf);
		size_t length = field.length < WIDTH ? field.length : WIDTH;
		uint64_t mantissa = 0;
		size_t at = WIDTH;
		size_t marks = 0;
		size_t others = 0;

		for (size_t i = WIDTH - length; i < WIDTH; i++) {
			char c = field.end[(ptrdiff_t)i - WIDTH];
			unsigned digit = (unsigned)(unsigned char)c - '0';

			at = c == mark ? i : at;
			marks += c == mark;
			others += c != mark && digit > 9;
			mantissa = c == mark ? mantissa : mantissa * 10 + digit;
		}
		if (others == 0 && marks <= 1 && length > marks && field.length <= WIDTH && mantissa <= EXACT)
			put_number(mantissa, divisors[at], field.sign, &values[r]);
		else
			unusual += put_other(field.empty, &values[r]);
	}
	return unusual;
}
#endif

size_t MLOPS_KERNEL(mlops_kernel_csv_numbers)(const char *bytes, const uint32_t *ends, size_t stride,
					      size_t n, char mark, bool crlf, float *values)
{
	size_t unusual = 0;

	for (size_t r = 0; r < n; r += GROUP) {
		size_t group = n - r < GROUP ? n - r : GROUP;

		const uint32_t *from = ends + r * stride;

		if (crlf)
			unusual += convert_group(bytes, from, stride, group, mark, true, values + r);
		else
			unusual += convert_group(bytes, from, stride, group, mark, false, values + r);
	}
	return unusual;
}
