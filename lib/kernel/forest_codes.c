#include "kernel/build.h"
#include "kernel/forest.h"

#include <math.h>

#if defined __SSE2__
#include <immintrin.h>
#endif

/* How many of a group's cuts are below x. */
#if defined __AVX512F__
static inline uint32_t count_below(const float *group, float x)
{
	__mmask16 below = _mm512_cmp_ps_mask(_mm512_load_ps(group), _mm512_set1_ps(x), _CMP_LT_OQ);

	return (uint32_t)__builtin_popcount(below);
}
#elif defined __AVX2__
static inline uint32_t count_below(const float *group, float x)
{
	__m256 wanted = _mm256_set1_ps(x);
	int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(group), wanted, _CMP_LT_OQ));
	int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(group + 8), wanted, _CMP_LT_OQ));

	return (uint32_t)__builtin_popcount((unsigned)low | (unsigned)high << 8);
}
#elif defined __SSE2__
static inline __m128i four_below(const float *cuts, __m128 x)
{
	return _mm_castps_si128(_mm_cmplt_ps(_mm_load_ps(cuts), x));
}

static inline uint32_t count_below(const float *group, float x)
{
	__m128 wanted = _mm_set1_ps(x);
	__m128i low = _mm_packs_epi32(four_below(group, wanted), four_below(group + 4, wanted));
	__m128i high = _mm_packs_epi32(four_below(group + 8, wanted), four_below(group + 12, wanted));

	return (uint32_t)__builtin_popcount((unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high)));
}
#else
static inline uint32_t count_below(const float *group, float x)
{
	uint32_t count = 0;

	for (size_t i = 0; i < MLOPS_MUX_GROUP; i++)
		count += group[i] < x;
	return count;
}
#endif

/* Sixteen values, anywhere. */
typedef float values16 __attribute__((vector_size(64), may_alias, aligned(4)));
typedef int32_t flags16 __attribute__((vector_size(64)));

static bool has_missing(const float *values, size_t n)
{
	flags16 seen = { 0 };
	bool any = false;
	size_t r = 0;

	for (; r + 16 <= n; r += 16) {
		values16 x = *(const values16 *)(values + r);

		seen |= x != x;
	}
	for (size_t i = 0; i < 16; i++)
		any |= seen[i] != 0;
	for (; r < n; r++)
		any |= isnan(values[r]);
	return any;
}

/* n_levels and n_top are the feature's, but constants to the compiler. */
MLOPS_KERNEL_INLINE void search(const struct mlops_mux_feature *feature, uint32_t n_levels, uint32_t n_top,
				const float *values, size_t n, int16_t *codes)
{
	const float *top = feature->levels[n_levels - 1];

	for (size_t r = 0; r < n; r++) {
		uint32_t found = count_below(top, values[r]);

		if (n_top > 1)
			found += count_below(top + MLOPS_MUX_GROUP, values[r]);
		for (uint32_t level = n_levels - 1; level-- > 0;) {
			size_t first = (size_t)found * MLOPS_MUX_GROUP;

			found = (uint32_t)first + count_below(feature->levels[level] + first, values[r]);
		}
		codes[r] = (int16_t)found;
	}
}

bool MLOPS_KERNEL(mlops_kernel_mux_codes)(const struct mlops_mux_feature *feature, const float *values,
					  size_t n, int16_t missing, int16_t *codes)
{
	switch (feature->n_levels * 2 + feature->n_top) {
	case 3:
		search(feature, 1, 1, values, n, codes);
		break;
	case 4:
		search(feature, 1, 2, values, n, codes);
		break;
	case 5:
		search(feature, 2, 1, values, n, codes);
		break;
	case 6:
		search(feature, 2, 2, values, n, codes);
		break;
	case 7:
		search(feature, 3, 1, values, n, codes);
		break;
	case 8:
		search(feature, 3, 2, values, n, codes);
		break;
	default:
		search(feature, feature->n_levels, feature->n_top, values, n, codes);
	}
	if (!has_missing(values, n))
		return false;
	for (size_t r = 0; r < n; r++)
		codes[r] = isnan(values[r]) ? missing : codes[r];
	return true;
}
