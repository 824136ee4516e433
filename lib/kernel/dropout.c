#include "kernel/build.h"
#include "kernel/lanes.h"
#include "kernel/lstm.h"

#include <string.h>

/* A number of 32 bits in each; what is left above does no harm. */
#define WIDE (LANES / 2)

typedef uint64_t wide __attribute__((vector_size(LANES * 4), may_alias, aligned(8)));
typedef uint32_t narrow __attribute__((vector_size(LANES * 2), may_alias, aligned(4)));

static inline wide multiply(wide a, uint32_t factor)
{
#if defined __AVX512F__
	return (wide)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(factor));
#elif defined __AVX2__
	return (wide)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(factor));
#elif defined __SSE4_2__
	return (wide)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(factor));
#else
	return (a & UINT32_MAX) * factor;
#endif
}

/* words[w][l]: word w of block first + l, for as many l as there are in a vector. */
static inline void philox(const struct mlops_dropout *job, uint64_t first, uint32_t (*words)[16])
{
	uint32_t k0 = job->key[0], k1 = job->key[1];
	wide position, c0, c1, c2 = (wide){ 0 } + job->index, c3 = (wide){ 0 } + job->purpose;
	wide all[4];

	for (size_t l = 0; l < WIDE; l++)
		position[l] = first + l;
	c0 = position;
	c1 = position >> 32;
	for (int round = 0; round < 10; round++) {
		wide product_0 = multiply(c0, 0xD2511F53u), product_1 = multiply(c2, 0xCD9E8D57u);

		c0 = (product_1 >> 32) ^ c1 ^ k0;
		c1 = product_1;
		c2 = (product_0 >> 32) ^ c3 ^ k1;
		c3 = product_0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	all[0] = c0;
	all[1] = c1;
	all[2] = c2;
	all[3] = c3;
	for (size_t w = 0; w < 4; w++)
		*(narrow *)words[w] = __builtin_convertvector(all[w], narrow);
}

/* Bit l: whether values[l] is at least the threshold; both are less than 2^16. */
static inline uint16_t compare(const uint32_t values[16], uint32_t shift, uint32_t threshold)
{
	uint32_t keep = 0;

	for (size_t l = 0; l < 16; l += LANES) {
		lanes_int half = (lanes_int)((*(const lanes_bits *)(values + l) >> shift) & 0xffff);
		lanes_int not_less = ~(half < (int32_t)threshold);

#if defined __AVX512F__
		keep |= (uint32_t)_mm512_movepi32_mask((__m512i)not_less) << l;
#elif defined __AVX2__
		keep |= (uint32_t)_mm256_movemask_ps((__m256)not_less) << l;
#elif defined __SSE4_2__
		keep |= (uint32_t)_mm_movemask_ps((__m128)not_less) << l;
#else
		for (size_t i = 0; i < LANES; i++)
			keep |= (not_less[i] & 1u) << (l + i);
#endif
	}
	return (uint16_t)keep;
}

void MLOPS_KERNEL(mlops_kernel_dropout_draw)(const struct mlops_dropout *job)
{
	for (size_t c = 0; c < job->chunks; c++) {
		uint16_t *keep = job->keep + c * (MLOPS_DROPOUT_CHUNK / 16);
		uint32_t words[4][16];

		for (size_t l = 0; l < 16; l += WIDE)
			philox(job, job->first + 16 * c + l, (uint32_t (*)[16])(words[0] + l));
		for (size_t w = 0; w < 4; w++) {
			keep[2 * w] = compare(words[w], 0, job->threshold);
			keep[2 * w + 1] = compare(words[w], 16, job->threshold);
		}
	}
}

static inline lanes keep_lanes(lanes x, uint32_t keep)
{
#if defined __AVX512F__
	return _mm512_maskz_mov_ps((__mmask16)keep, x);
#else
	lanes_int bits;

	for (size_t l = 0; l < LANES; l++)
		bits[l] = 1 << l;
	bits &= (int32_t)keep;
	return (lanes)((lanes_int)x & (bits != 0));
#endif
}

void MLOPS_KERNEL(mlops_kernel_dropout_apply)(const uint16_t *keep, float scale, const float *from,
					      size_t groups, float *to)
{
	for (size_t g = 0; g < groups; g++)
		for (size_t l = 0; l < 16; l += LANES)
			lanes_store(to + 16 * g + l, keep_lanes(scale * lanes_load(from + 16 * g + l),
								(uint32_t)keep[g] >> l));
}
