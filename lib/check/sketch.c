#include "check/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALF (MLOPS_SKETCH_BLOCK / 2)

/* Bits in the order of the values they stand for, and back. */
static uint32_t to_key(float value)
{
	uint32_t bits;

	value += 0.0f;
	memcpy(&bits, &value, sizeof bits);
	return bits ^ ((uint32_t)((int32_t)bits >> 31) | UINT32_C(0x80000000));
}

static float from_key(uint32_t key)
{
	float value;

	key ^= ((key >> 31) - 1) | UINT32_C(0x80000000);
	memcpy(&value, &key, sizeof value);
	return value;
}

/* Stable, by one byte.  Values that follow each other often have a byte in common, and then each has to wait until the
 * one ahead of it has moved its place on: so two streams, from the front and from the end, fill the places from both
 * sides. */
static void sort_by_byte(const uint32_t *from, uint32_t *to, size_t n, const uint32_t *counts, unsigned shift)
{
	uint16_t front[256], end[256];
	uint32_t sum = 0;
	size_t half = n / 2;

	for (size_t b = 0; b < 256; b++) {
		front[b] = (uint16_t)sum;
		sum += counts[b];
		end[b] = (uint16_t)sum;
	}
	for (size_t i = 0; i < half; i++) {
		uint32_t first = from[i], last = from[n - 1 - i];

		to[front[first >> shift & 255]++] = first;
		to[--end[last >> shift & 255]] = last;
	}
	if (n % 2 != 0)
		to[front[from[half] >> shift & 255]] = from[half];
}

/* By bytes, lowest first; bytes that all values share cost nothing. */
void mlops_sketch_sort(float *values, size_t n, uint32_t *scratch)
{
	uint32_t counts[2][4][256] = { 0 };
	uint32_t *from = scratch;
	uint32_t *to = scratch + n;

	for (size_t i = 0; i < n; i++) {
		uint32_t key = to_key(values[i]);
		uint32_t (*count)[256] = counts[i & 1];

		from[i] = key;
		count[0][key & 255]++;
		count[1][key >> 8 & 255]++;
		count[2][key >> 16 & 255]++;
		count[3][key >> 24]++;
	}
	for (unsigned byte = 0; byte < 4 && n > 0; byte++) {
		uint32_t *count = counts[0][byte];
		uint32_t *kept = from;

		for (size_t b = 0; b < 256; b++)
			count[b] += counts[1][byte][b];
		if (count[from[0] >> 8 * byte & 255] == n)
			continue;
		sort_by_byte(from, to, n, count, 8 * byte);
		from = to;
		to = kept;
	}
	for (size_t i = 0; i < n; i++)
		values[i] = from_key(from[i]);
}

/* The least of two runs' next values, and it is behind us; the same from their ends. */
static inline float take_least(const float **a, const float **b)
{
	bool first = **a <= **b;
	float least = first ? **a : **b;

	*a += first;
	*b += !first;
	return least;
}

static inline float take_most(const float **a, const float **b)
{
	bool first = **a > **b;
	float most = first ? **a : **b;

	*a -= first;
	*b -= !first;
	return most;
}

/* Every other one of the values of two runs, in order.  One half is merged from the front and one from the end, side by
 * side, for each value waits for the one ahead of it; neither reads beyond a run, which is as long as that half. */
static void merge(const float *a, const float *b, bool odd, float *out)
{
	const float *a_end = a + HALF - 1, *b_end = b + HALF - 1;

	for (size_t i = 0; i < HALF / 2; i++) {
		float first = take_least(&a, &b);
		float second = take_least(&a, &b);
		float last = take_most(&a_end, &b_end);
		float before = take_most(&a_end, &b_end);

		out[i] = odd ? second : first;
		out[HALF - 1 - i] = odd ? last : before;
	}
}

static float *take_room(struct mlops_sketch *sketch, unsigned level)
{
	if (sketch->runs[level] == NULL)
		sketch->runs[level] = malloc(HALF * sizeof(float));
	return sketch->runs[level];
}

void mlops_sketch_add_block(struct mlops_sketch *sketch, const float *sorted)
{
	float carry[HALF];
	float merged[HALF];
	bool odd = (sketch->odd & 1) != 0;
	unsigned level = 0;
	float *room;

	sketch->n += MLOPS_SKETCH_BLOCK;
	sketch->odd ^= 1;
	for (size_t i = 0; i < HALF; i++)
		carry[i] = sorted[2 * i + odd];
	for (; (sketch->full >> level & 1) != 0 && level + 1 < MLOPS_SKETCH_LEVELS; level++) {
		odd = (sketch->odd >> (level + 1) & 1) != 0;
		sketch->odd ^= UINT64_C(2) << level;
		sketch->full ^= UINT64_C(1) << level;
		merge(sketch->runs[level], carry, odd, merged);
		memcpy(carry, merged, sizeof carry);
	}
	room = take_room(sketch, level);
	if (room == NULL) {
		sketch->failed = true;
		return;
	}
	memcpy(room, carry, sizeof carry);
	sketch->full |= UINT64_C(1) << level;
}

void mlops_sketch_release(struct mlops_sketch *sketch)
{
	for (size_t h = 0; h < MLOPS_SKETCH_LEVELS; h++)
		free(sketch->runs[h]);
	*sketch = (struct mlops_sketch)MLOPS_SKETCH_INIT;
}

double mlops_sketch_error(uint64_t n)
{
	double levels = n > MLOPS_SKETCH_BLOCK ? ceil(log2((double)n / MLOPS_SKETCH_BLOCK)) : 0;

	return levels > 0 ? (levels + 2) / (2 * MLOPS_SKETCH_BLOCK) : 0;
}

struct weighted {
	float value;
	uint64_t count;
};

static int compare_weighted(const void *a, const void *b)
{
	const struct weighted *x = a;
	const struct weighted *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

bool mlops_sketch_points(const struct mlops_sketch *sketch, const float *rest, size_t n_rest,
			 struct mlops_points *points, struct mlops_error *error)
{
	size_t room = n_rest + (size_t)__builtin_popcountll(sketch->full) * HALF;
	struct weighted *all = calloc(room + 1, sizeof *all);
	size_t n = 0;

	*points = (struct mlops_points){ .values = calloc(room + 1, sizeof(float)),
					 .counts = calloc(room + 1, sizeof(uint64_t)) };
	if (sketch->failed || all == NULL || points->values == NULL || points->counts == NULL) {
		free(all);
		mlops_points_release(points);
		return mlops_error_set_memory(error);
	}
	for (size_t i = 0; i < n_rest; i++)
		all[n++] = (struct weighted){ rest[i], 1 };
	for (size_t h = 0; h < MLOPS_SKETCH_LEVELS; h++)
		for (size_t i = 0; (sketch->full >> h & 1) != 0 && i < HALF; i++)
			all[n++] = (struct weighted){ sketch->runs[h][i], UINT64_C(2) << h };
	qsort(all, n, sizeof *all, compare_weighted);
	for (size_t i = 0; i < n; i++) {
		if (points->n == 0 || points->values[points->n - 1] < all[i].value)
			points->values[points->n++] = all[i].value;
		points->counts[points->n - 1] += all[i].count;
		points->total += all[i].count;
	}
	free(all);
	return true;
}

void mlops_points_release(struct mlops_points *points)
{
	free(points->values);
	free(points->counts);
	*points = (struct mlops_points){ .n = 0 };
}

double mlops_points_quantile(const struct mlops_points *points, double share)
{
	double rank = share * (double)(points->total > 0 ? points->total - 1 : 0);
	uint64_t whole = (uint64_t)rank;
	uint64_t below = 0;

	for (size_t i = 0; i < points->n; i++) {
		double value = points->values[i];

		below += points->counts[i];
		if (whole + 1 < below || i + 1 == points->n)
			return value;
		if (whole < below)
			return value + ((double)points->values[i + 1] - value) * (rank - (double)whole);
	}
	return NAN;
}
