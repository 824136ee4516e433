#include "base/sort.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS     3
#define BUCKETS    (1 << DIGIT_BITS)
/* Fewer are merged: the buckets alone would take as long. */
#define LEAST_BY_DIGITS 1500

/* A float's bits. */
typedef uint32_t word __attribute__((may_alias));

/* Of two sorted arrays one; without a branch on what is compared, which nobody could foresee. */
static void merge(const float *a, size_t n_a, const float *b, size_t n_b, float *to)
{
	size_t i = 0, j = 0;

	while (i < n_a && j < n_b) {
		bool from_b = b[j] < a[i];

		to[i + j] = from_b ? b[j] : a[i];
		j += from_b;
		i += !from_b;
	}
	memcpy(to + i + j, a + i, (n_a - i) * sizeof *to);
	memcpy(to + n_a + j, b + j, (n_b - j) * sizeof *to);
}

static void sort_by_merging(float *values, float *spare, size_t n)
{
	float *from = values, *to = spare, *kept;

	for (size_t run = 1; run < n; run *= 2) {
		for (size_t at = 0; at < n; at += 2 * run) {
			size_t n_a = n - at < run ? n - at : run;
			size_t n_b = n - at - n_a < run ? n - at - n_a : run;

			merge(from + at, n_a, from + at + n_a, n_b, to + at);
		}
		kept = from;
		from = to;
		to = kept;
	}
	if (from != values)
		memcpy(values, from, n * sizeof *values);
}

/* Integers in the order of the floats, and back. */
static inline uint32_t to_key(uint32_t bits)
{
	return bits ^ ((uint32_t)((int32_t)bits >> 31) | UINT32_C(0x80000000));
}

static inline uint32_t from_key(uint32_t key)
{
	return key ^ ((uint32_t)((int32_t)~key >> 31) | UINT32_C(0x80000000));
}

static inline size_t digit_of(uint32_t key, unsigned digit)
{
	return key >> (digit * DIGIT_BITS) & (BUCKETS - 1);
}

/* By the lowest digit first, each time keeping the order that there is. */
static void sort_by_digits(float *values, float *spare, size_t n)
{
	uint32_t starts[DIGITS][BUCKETS] = { { 0 } };
	word *from = (word *)(void *)values, *to = (word *)(void *)spare, *kept;

	for (size_t i = 0; i < n; i++) {
		from[i] = to_key(from[i]);
		for (unsigned digit = 0; digit < DIGITS; digit++)
			starts[digit][digit_of(from[i], digit)]++;
	}
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		uint32_t *start = starts[digit];
		uint32_t sum = 0;

		if (start[digit_of(from[0], digit)] == n)
			continue;
		for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
			uint32_t count = start[bucket];

			start[bucket] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[start[digit_of(from[i], digit)]++] = from[i];
		kept = from;
		from = to;
		to = kept;
	}
	for (size_t i = 0; i < n; i++)
		((word *)(void *)values)[i] = from_key(from[i]);
}

void mlops_sort_floats(float *values, float *spare, size_t n)
{
	if (n < LEAST_BY_DIGITS || n > UINT32_MAX)
		sort_by_merging(values, spare, n);
	else
		sort_by_digits(values, spare, n);
}
