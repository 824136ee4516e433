#include "kernel/build.h"
#include "kernel/csv_digits.h"

/* csv_numbers_512.c has these for wider vectors. */
#if !defined __AVX512BW__

#define WIDTH MLOPS_CSV_WIDTH

/* The power of ten that a number whose mark stands at this byte of 16 is divided by; 16: it has none. */
static const double divisors[WIDTH + 1] = {
	1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0, 1e0,
};

#if defined __SSE4_1__
/* As put_number, for mantissas of at most fifteen digits, so that all steps but the quotient are exact. */
static inline void put_pair(const uint64_t halves[2], double divisor, const uint32_t signs[2],
			    float values[2])
{
	__m128i both = _mm_shuffle_epi32(load_sixteen(halves), _MM_SHUFFLE(3, 1, 2, 0));
	__m128d high = _mm_cvtepi32_pd(both);
	__m128d low = _mm_cvtepi32_pd(_mm_unpackhi_epi64(both, both));
	__m128d mantissas = _mm_add_pd(_mm_mul_pd(high, _mm_set1_pd(1e8)), low);
	__m128 numbers = _mm_cvtpd_ps(_mm_div_pd(mantissas, _mm_set1_pd(divisor)));
	__m128i bits = _mm_or_si128(_mm_castps_si128(numbers), _mm_loadl_epi64((const __m128i *)signs));

	_mm_storel_epi64((__m128i *)values, bits);
}

static unsigned find_mark(const struct mlops_csv_place *place, char mark)
{
	unsigned last = place->length < WIDTH ? (1u << place->length) - 1 : 0xffff;
	unsigned marks = (unsigned)_mm_movemask_epi8(
		_mm_cmpeq_epi8(load_sixteen(place->end - WIDTH), _mm_set1_epi8(mark)));

	marks &= last << (WIDTH - __builtin_popcount(last));
	return (unsigned)__builtin_ctz(marks | 1u << WIDTH);
}

/* Numbers with as many digits behind the mark as the first one has, as most columns hold them: then nothing
 * about the mark needs looking up.  False where one of them is different; values is undefined then. */
MLOPS_KERNEL_INLINE bool convert_even(const struct mlops_csv_fields *fields, const uint32_t *ends, size_t n,
				      float *values)
{
	struct mlops_csv_place first = find_place(fields, ends);
	unsigned at = find_mark(&first, fields->mark);
	size_t shortest = at < WIDTH ? WIDTH + 1 - at : 1;
	size_t longest = at < WIDTH ? WIDTH : WIDTH - 1;
	double divisor = divisors[at];
	__m128i shuffle = load_sixteen(mlops_csv_without[at]);
	__m128i at_mark = _mm_cmpeq_epi8(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
					 _mm_set1_epi8((char)at));
	/* The mark becomes a digit of which there is only zero. */
	__m128i zeros = _mm_blendv_epi8(_mm_set1_epi8('0'), _mm_set1_epi8(fields->mark), at_mark);
	__m128i highest = _mm_andnot_si128(at_mark, _mm_set1_epi8(9));
	__m128i wrong = _mm_setzero_si128();
	size_t out_of_range = 0;
	uint64_t halves[MLOPS_CSV_GROUP];
	uint32_t signs[MLOPS_CSV_GROUP];

	for (size_t r = 0; r < n; r++) {
		struct mlops_csv_place place = find_place(fields, ends + r * fields->stride);
		size_t spare = longest - place.length;
		__m128i digits = _mm_sub_epi8(load_sixteen(place.end - WIDTH), zeros);

		out_of_range |= spare | (place.length - shortest);
		digits = _mm_and_si128(
			digits, load_sixteen(mlops_csv_kept + (place.length < WIDTH ? place.length : WIDTH)));
		wrong = _mm_or_si128(wrong, _mm_subs_epu8(digits, highest));
		halves[r] = join_digits(_mm_shuffle_epi8(digits, shuffle));
		signs[r] = place.sign;
	}
	if ((ptrdiff_t)out_of_range < 0 || !_mm_testz_si128(wrong, wrong))
		return false;
	for (size_t r = 0; r + 2 <= n; r += 2)
		put_pair(&halves[r], divisor, &signs[r], &values[r]);
	if (n % 2 != 0)
		put_number(join_halves(halves[n - 1]), divisor, signs[n - 1], &values[n - 1]);
	return true;
}

MLOPS_KERNEL_INLINE size_t convert_any(const struct mlops_csv_fields *fields, const uint32_t *ends, size_t n,
				       float *values)
{
	struct mlops_csv_place places[MLOPS_CSV_GROUP];
	uint64_t halves[MLOPS_CSV_GROUP];
	uint8_t marks_at[MLOPS_CSV_GROUP];
	bool plain[MLOPS_CSV_GROUP];
	size_t unusual = 0;

	for (size_t r = 0; r < n; r++) {
		struct mlops_csv_place place = find_place(fields, ends + r * fields->stride);
		__m128i text = load_sixteen(place.end - WIDTH);
		__m128i keep = load_sixteen(mlops_csv_kept + (place.length < WIDTH ? place.length : WIDTH));
		__m128i digits = _mm_and_si128(_mm_sub_epi8(text, _mm_set1_epi8('0')), keep);
		__m128i marks = _mm_and_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(fields->mark)), keep);
		__m128i wrong = _mm_andnot_si128(marks, _mm_subs_epu8(digits, _mm_set1_epi8(9)));
		unsigned mark_bits = (unsigned)_mm_movemask_epi8(marks);
		unsigned at = (unsigned)__builtin_ctz(mark_bits | 1u << WIDTH);

		places[r] = place;
		halves[r] = join_digits(_mm_shuffle_epi8(digits, load_sixteen(mlops_csv_without[at])));
		marks_at[r] = (uint8_t)at;
		plain[r] = _mm_testz_si128(wrong, wrong) & ((mark_bits & (mark_bits - 1)) == 0) &
			   (place.length > (mark_bits != 0)) & (place.length <= WIDTH);
	}
	for (size_t r = 0; r < n; r++) {
		uint64_t mantissa = join_halves(halves[r]);

		if (plain[r] && mantissa <= MLOPS_CSV_EXACT)
			put_number(mantissa, divisors[marks_at[r]], places[r].sign, &values[r]);
		else if (!put_long(&places[r], fields->mark, &values[r]))
			unusual += put_other(places[r].empty, &values[r]);
	}
	return unusual;
}

MLOPS_KERNEL_INLINE size_t convert_group(const struct mlops_csv_fields *fields, const uint32_t *ends,
					 size_t n, float *values)
{
	if (convert_even(fields, ends, n, values))
		return 0;
	return convert_any(fields, ends, n, values);
}
#else
MLOPS_KERNEL_INLINE size_t convert_group(const struct mlops_csv_fields *fields, const uint32_t *ends,
					 size_t n, float *values)
{
	size_t unusual = 0;

	for (size_t r = 0; r < n; r++) {
		struct mlops_csv_place place = find_place(fields, ends + r * fields->stride);
		size_t length = place.length < WIDTH ? place.length : WIDTH;
		uint64_t mantissa = 0;
		size_t at = WIDTH;
		size_t marks = 0;
		size_t others = 0;

		for (size_t i = WIDTH - length; i < WIDTH; i++) {
			char c = place.end[(ptrdiff_t)i - WIDTH];
			unsigned digit = (unsigned)(unsigned char)c - '0';

			at = c == fields->mark ? i : at;
			marks += c == fields->mark;
			others += c != fields->mark && digit > 9;
			mantissa = c == fields->mark ? mantissa : mantissa * 10 + digit;
		}
		if (others == 0 && marks <= 1 && length > marks && place.length <= WIDTH &&
		    mantissa <= MLOPS_CSV_EXACT)
			put_number(mantissa, divisors[at], place.sign, &values[r]);
		else if (!put_long(&place, fields->mark, &values[r]))
			unusual += put_other(place.empty, &values[r]);
	}
	return unusual;
}
#endif

size_t MLOPS_KERNEL(mlops_kernel_csv_numbers)(const struct mlops_csv_fields *fields, size_t n, float *values)
{
	return mlops_csv_by_groups(fields, n, values, convert_group);
}
#endif
