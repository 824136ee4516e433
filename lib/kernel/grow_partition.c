#include "kernel/build.h"

#include <string.h>

#if defined __AVX512BW__ || defined __AVX2__
#include <immintrin.h>
#endif

#if defined __AVX512BW__

enum { STEP = 8 };

/* Eight rows to the end of either side; both have room for eight.  The mask comes from a comparison of the
 * old kind: gcc 12 may spill a mask of eight bits, and then count the ones in four bytes. */
static inline unsigned divide(const struct mlops_grow_row *rows, __m128i keys, __m128i last,
			      struct mlops_grow_row *left, struct mlops_grow_row *right)
{
	__m512i row = _mm512_loadu_si512(rows);
	__m128i is_left = _mm_cmpeq_epi16(_mm_min_epu16(keys, last), keys);
	unsigned mask = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(is_left, _mm_setzero_si128()));

	_mm512_storeu_si512(left, _mm512_maskz_compress_epi64((__mmask8)mask, row));
	_mm512_storeu_si512(right, _mm512_maskz_compress_epi64((__mmask8)~mask, row));
	return (unsigned)__builtin_popcount(mask);
}

#elif defined __AVX2__

enum { STEP = 4 };

/* Where the rows of a mask come from, as words of four bytes. */
static const uint32_t order[16][8] = {
	{ 0 },
	{ 0, 1 },
	{ 2, 3 },
	{ 0, 1, 2, 3 },
	{ 4, 5 },
	{ 0, 1, 4, 5 },
	{ 2, 3, 4, 5 },
	{ 0, 1, 2, 3, 4, 5 },
	{ 6, 7 },
	{ 0, 1, 6, 7 },
	{ 2, 3, 6, 7 },
	{ 0, 1, 2, 3, 6, 7 },
	{ 4, 5, 6, 7 },
	{ 0, 1, 4, 5, 6, 7 },
	{ 2, 3, 4, 5, 6, 7 },
	{ 0, 1, 2, 3, 4, 5, 6, 7 },
};

static inline unsigned divide(const struct mlops_grow_row *rows, __m128i keys, __m128i last,
			      struct mlops_grow_row *left, struct mlops_grow_row *right)
{
	__m256i row = _mm256_loadu_si256((const __m256i *)rows);
	__m128i is_left = _mm_cmpeq_epi16(_mm_min_epu16(keys, last), keys);
	unsigned mask = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cvtepi16_epi32(is_left)));
	__m256i to_left = _mm256_loadu_si256((const __m256i *)order[mask]);
	__m256i to_right = _mm256_loadu_si256((const __m256i *)order[15 - mask]);

	_mm256_storeu_si256((__m256i *)left, _mm256_permutevar8x32_epi32(row, to_left));
	_mm256_storeu_si256((__m256i *)right, _mm256_permutevar8x32_epi32(row, to_right));
	return (unsigned)__builtin_popcount(mask);
}

#endif

size_t MLOPS_KERNEL(mlops_kernel_grow_partition)(struct mlops_grow_row *rows, const uint16_t *keys, size_t n,
						 uint32_t last, bool missing_left,
						 struct mlops_grow_row *spare)
{
	/* One more makes a missing value's code 0, the first one. */
	uint16_t more = missing_left ? 1 : 0;
	uint16_t limit = (uint16_t)(last + more);
	size_t left = 0, i = 0;

#if defined __AVX512BW__ || defined __AVX2__
	__m128i all_last = _mm_set1_epi16((short)limit), all_more = _mm_set1_epi16((short)more);

	for (; i + STEP <= n; i += STEP) {
		__m128i some = STEP == 8 ? _mm_loadu_si128((const __m128i *)(keys + i))
					 : _mm_loadl_epi64((const __m128i *)(keys + i));

		left += divide(rows + i, _mm_add_epi16(some, all_more), all_last, rows + left,
			       spare + (i - left));
	}
#endif
	for (; i < n; i++) {
		struct mlops_grow_row row = rows[i];
		size_t is_left = (uint16_t)(keys[i] + more) <= limit;

		rows[left] = row;
		spare[i - left] = row;
		left += is_left;
	}
	memcpy(rows + left, spare, (n - left) * sizeof *rows);
	return left;
}
