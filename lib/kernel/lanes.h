/* For the sources that are built once for each instruction set: float32 lanes side by side, as many as the
 * set has in a register. */
#ifndef MLOPS_KERNEL_LANES_H
#define MLOPS_KERNEL_LANES_H

#include <stddef.h>
#include <stdint.h>

#if defined __AVX512F__
#include <immintrin.h>
#define LANES 16
#elif defined __AVX2__
#include <immintrin.h>
#define LANES 8
#elif defined __SSE4_2__
#include <immintrin.h>
#define LANES 4
#else
#define LANES 4
#endif

/* may_alias: memory holds float; aligned(4): anywhere. */
typedef float lanes __attribute__((vector_size(LANES * 4), may_alias, aligned(4)));
typedef int32_t lanes_int __attribute__((vector_size(LANES * 4), may_alias, aligned(4)));
typedef uint32_t lanes_bits __attribute__((vector_size(LANES * 4), may_alias, aligned(4)));

static inline lanes lanes_all(float value)
{
#if defined __AVX512F__
	return _mm512_set1_ps(value);
#elif defined __AVX2__
	return _mm256_set1_ps(value);
#else
	return (lanes){ value, value, value, value };
#endif
}

static inline lanes lanes_load(const float *from)
{
	return *(const lanes *)from;
}

static inline void lanes_store(float *to, lanes value)
{
	*(lanes *)to = value;
}

/* a b + c, rounded once; on processors of the level v2 twice. */
static inline lanes lanes_multiply_add(lanes a, lanes b, lanes c)
{
#if defined __AVX512F__
	return _mm512_fmadd_ps(a, b, c);
#elif defined __FMA__
	return _mm256_fmadd_ps(a, b, c);
#elif defined __SSE4_2__
	return a * b + c;
#else
	for (size_t l = 0; l < LANES; l++)
		c[l] = __builtin_fmaf(a[l], b[l], c[l]);
	return c;
#endif
}

static inline lanes lanes_sqrt(lanes x)
{
#if defined __AVX512F__
	return _mm512_sqrt_ps(x);
#elif defined __AVX2__
	return _mm256_sqrt_ps(x);
#elif defined __SSE4_2__
	return _mm_sqrt_ps(x);
#else
	for (size_t l = 0; l < LANES; l++)
		x[l] = __builtin_sqrtf(x[l]);
	return x;
#endif
}

/* limit where that is less than x. */
static inline lanes lanes_least(lanes limit, lanes x)
{
#if defined __AVX512F__
	return _mm512_min_ps(limit, x);
#elif defined __AVX2__
	return _mm256_min_ps(limit, x);
#elif defined __SSE4_2__
	return _mm_min_ps(limit, x);
#else
	for (size_t l = 0; l < LANES; l++)
		x[l] = limit[l] < x[l] ? limit[l] : x[l];
	return x;
#endif
}

/* limit where that is more than x. */
static inline lanes lanes_most(lanes limit, lanes x)
{
#if defined __AVX512F__
	return _mm512_max_ps(limit, x);
#elif defined __AVX2__
	return _mm256_max_ps(limit, x);
#elif defined __SSE4_2__
	return _mm_max_ps(limit, x);
#else
	for (size_t l = 0; l < LANES; l++)
		x[l] = limit[l] > x[l] ? limit[l] : x[l];
	return x;
#endif
}

/* The magnitude of one, the sign of the other. */
static inline lanes lanes_sign(lanes magnitude, lanes sign)
{
	const lanes_bits top = (lanes_bits){ 0 } + UINT32_C(0x80000000);

	return (lanes)(((lanes_bits)magnitude & ~top) | ((lanes_bits)sign & top));
}

static inline lanes lanes_absolute(lanes x)
{
	return (lanes)((lanes_bits)x & UINT32_C(0x7fffffff));
}

/* Zero where |x| is less than limit. */
static inline lanes lanes_no_less(lanes x, float limit)
{
#if defined __AVX512F__
	return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(lanes_absolute(x), lanes_all(limit), _CMP_NLT_UQ), x);
#else
	lanes_int less = lanes_absolute(x) < lanes_all(limit);

	return (lanes)((lanes_int)x & ~less);
#endif
}

#endif
