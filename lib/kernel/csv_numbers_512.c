/* csv_numbers.c in vectors of 64 bytes: eight numbers at a time. */
#include "kernel/build.h"
#include "kernel/csv_digits.h"

#if defined __AVX512BW__

#define EIGHT 8

/* The last 16 bytes of each number, and how many of them and of those ahead it has, with its sign.  Of eight
 * numbers those at even places come first, then the others: as two vectors whose halves of digits, packed,
 * are in order again. */
struct texts {
	char bytes[MLOPS_CSV_GROUP][MLOPS_CSV_WIDTH] __attribute__((aligned(64)));
	uint8_t lengths[MLOPS_CSV_GROUP];
};

static inline void collect_one(const struct mlops_csv_fields *fields, const uint32_t *ends, size_t slot,
			       struct texts *texts)
{
	uint32_t begin = ends[-1] + 1, end = ends[0], length;

	if (fields->crlf)
		end -= end > begin && fields->bytes[end - 1] == '\r';
	length = end - begin;
	if (fields->quotes && length > 1 && fields->bytes[begin] == '"') {
		length -= 2;
		end--;
	}
	memcpy(texts->bytes[slot], fields->bytes + end - MLOPS_CSV_WIDTH, MLOPS_CSV_WIDTH);
	texts->lengths[slot] = (uint8_t)(length < UINT8_MAX ? length : UINT8_MAX);
}

MLOPS_KERNEL_INLINE void collect(const struct mlops_csv_fields *fields, const uint32_t *ends, size_t n,
				 struct texts *texts)
{
	static const uint8_t slots[EIGHT] = { 0, 4, 1, 5, 2, 6, 3, 7 };
	size_t r = 0;

	for (; r + EIGHT <= n; r += EIGHT) {
#pragma GCC unroll 8
		for (size_t k = 0; k < EIGHT; k++, ends += fields->stride)
			collect_one(fields, ends, r + slots[k], texts);
	}
	for (size_t k = 0; r + k < n; k++, ends += fields->stride)
		collect_one(fields, ends, r + slots[k], texts);
	for (size_t k = n - r; k > 0 && k < EIGHT; k++)
		texts->lengths[r + slots[k]] = 0;
}

/* What stands where in four numbers: a bit for each byte. */
struct four {
	__m512i digits; /* pairs of pairs: each 32 bits are four digits */
	uint64_t digits_at, marks_at, wrong, minus;
};

/* Takes the marks out: bytes ahead of a mark, which upto has with those of the mark, move up. */
static inline __m512i join_fours(__m512i digits, uint64_t upto)
{
	__m512i plain = _mm512_mask_mov_epi8(digits, upto, _mm512_bslli_epi128(digits, 1));
	__m512i pairs = _mm512_maddubs_epi16(plain, _mm512_set1_epi16(0x010a));

	return _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00010064));
}

static inline struct four look(const char *texts, const uint8_t *lengths, char mark)
{
	const __m128i behind = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
	const __m512i spread =
		_mm512_set_epi64(0x0303030303030303, 0x0303030303030303, 0x0202020202020202,
				 0x0202020202020202, 0x0101010101010101, 0x0101010101010101, 0, 0);
	__m512i bytes_behind = _mm512_broadcast_i32x4(behind);
	__m512i text = _mm512_load_si512(texts);
	uint32_t four_lengths;
	__m512i length;
	struct four four;
	uint64_t inside, first;

	memcpy(&four_lengths, lengths, sizeof four_lengths);
	length = _mm512_shuffle_epi8(_mm512_set1_epi32((int)four_lengths), spread);
	inside = _mm512_cmpgt_epu8_mask(length, bytes_behind);
	first = _mm512_cmpeq_epi8_mask(length, _mm512_add_epi8(bytes_behind, _mm512_set1_epi8(1)));
	four.minus = _mm512_mask_cmpeq_epi8_mask(first, text, _mm512_set1_epi8('-'));
	inside &= ~four.minus;
	four.marks_at = _mm512_mask_cmpeq_epi8_mask(inside, text, _mm512_set1_epi8(mark));
	four.digits_at = inside & ~four.marks_at;
	four.digits = _mm512_maskz_sub_epi8(inside, text, _mm512_set1_epi8('0'));
	four.wrong = _mm512_mask_cmpgt_epu8_mask(four.digits_at, four.digits, _mm512_set1_epi8(9));
	return four;
}

/* A number's 16 bits in each 16 bits, in the numbers' order. */
static inline __m128i in_order(uint64_t even, uint64_t odd)
{
	return _mm_unpacklo_epi16(_mm_cvtsi64_si128((int64_t)even), _mm_cvtsi64_si128((int64_t)odd));
}

static inline __mmask8 is_any(__m128i bits)
{
	return _mm_test_epi16_mask(bits, bits);
}

/* Eight numbers from slot on; returns a bit for each that is not plain as far as can be told from 16 bytes,
 * or that is empty. */
MLOPS_KERNEL_INLINE unsigned convert_eight(const struct texts *texts, size_t slot, char mark, __m256i *values)
{
	struct four even = look(texts->bytes[slot], &texts->lengths[slot], mark);
	struct four odd = look(texts->bytes[slot + 4], &texts->lengths[slot + 4], mark);
	__m128i marks = in_order(even.marks_at, odd.marks_at);
	__m128i minus_one = _mm_set1_epi16(-1);
	/* Of the one bit that is set: those below and itself; of none: none. */
	__m128i evens_odds = _mm_set_epi64x((int64_t)odd.marks_at, (int64_t)even.marks_at);
	__m128i upto = _mm_andnot_si128(_mm_cmpeq_epi16(evens_odds, _mm_setzero_si128()),
					_mm_or_si128(evens_odds, _mm_add_epi16(evens_odds, minus_one)));
	__m512i fours = _mm512_packus_epi32(join_fours(even.digits, (uint64_t)_mm_extract_epi64(upto, 0)),
					    join_fours(odd.digits, (uint64_t)_mm_extract_epi64(upto, 1)));
	__m512i eights = _mm512_madd_epi16(fours, _mm512_set1_epi32(0x00012710));
	__m512i mantissa = _mm512_add_epi64(_mm512_mul_epu32(eights, _mm512_set1_epi64(100000000)),
					    _mm512_srli_epi64(eights, 32));
	/* The number of digits behind a mark, modulo 16; without one, which counts 64, none. */
	__m512i power = _mm512_lzcnt_epi64(_mm512_cvtepu16_epi64(marks));
	__m512d divisor = _mm512_permutex2var_pd(_mm512_loadu_pd(mlops_csv_powers), power,
						 _mm512_loadu_pd(mlops_csv_powers + EIGHT));
	__m512d quotient = _mm512_div_pd(_mm512_cvtepi64_pd(mantissa), divisor);
	__mmask8 negative = is_any(in_order(even.minus, odd.minus));
	__m256i bits = _mm256_castps_si256(_mm512_cvtpd_ps(quotient));
	__m128i lengths = _mm_loadl_epi64((const __m128i *)(const void *)&texts->lengths[slot]);

	*values = _mm256_mask_or_epi32(bits, negative, bits, _mm256_set1_epi32(INT32_MIN));
	lengths = _mm_cvtepu8_epi16(_mm_unpacklo_epi8(lengths, _mm_srli_epi64(lengths, 32)));
	return (unsigned)is_any(in_order(even.wrong, odd.wrong)) |
	       (unsigned)is_any(_mm_and_si128(marks, _mm_add_epi16(marks, minus_one))) |
	       (unsigned)(uint8_t)~is_any(in_order(even.digits_at, odd.digits_at)) |
	       (unsigned)_mm_cmpgt_epi16_mask(lengths, _mm_set1_epi16(MLOPS_CSV_WIDTH)) |
	       (unsigned)_mm512_cmpgt_epu64_mask(mantissa, _mm512_set1_epi64((int64_t)MLOPS_CSV_EXACT));
}

MLOPS_KERNEL_INLINE size_t convert_group(const struct mlops_csv_fields *fields, const uint32_t *ends,
					 size_t n, float *values)
{
	struct texts texts;
	size_t unusual = 0;

	collect(fields, ends, n, &texts);
	for (size_t r = 0; r < n; r += EIGHT) {
		size_t count = n - r < EIGHT ? n - r : EIGHT;
		unsigned valid = (1u << count) - 1;
		__m256i eight;
		unsigned left = convert_eight(&texts, r, fields->mark, &eight) & valid;

		_mm256_mask_storeu_epi32(values + r, (__mmask8)valid, eight);
		for (; left != 0; left &= left - 1) {
			size_t other = r + (unsigned)__builtin_ctz(left);
			struct mlops_csv_place place = find_place(fields, ends + other * fields->stride);

			if (!put_long(&place, fields->mark, &values[other]))
				unusual += put_other(place.empty, &values[other]);
		}
	}
	return unusual;
}

size_t MLOPS_KERNEL(mlops_kernel_csv_numbers)(const struct mlops_csv_fields *fields, size_t n, float *values)
{
	return mlops_csv_by_groups(fields, n, values, convert_group);
}
#endif
