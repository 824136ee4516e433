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

/* By bytes, lowest first; bytes that all values share cost nothing. */
void mlops_sketch_sort(float *values, size_t n, uint32_t *scratch)
{
	uint32_t counts[4][256] = { 0 };
	uint32_t *from = scratch;
	uint32_t *to = scratch + n;

	for (size_t i = 0; i < n; i++) {
		uint32_t key = to_key(values[i]);

		from[i] = key;
		counts[0][key & 255]++;
		counts[1][key >> 8 & 255]++;
		counts[2][key >> 16 & 255]++;
		counts[3][key >> 24]++;
	}
	for (unsigned byte = 0; byte < 4 && n > 0; byte++) {
		uint32_t *count = counts[byte];
		uint32_t *kept = from;
		uint32_t sum = 0;

		if (count[from[0] >> 8 * byte & 255] == n)
			continue;
		for (size_t b = 0; b < 256; b++) {
			uint32_t here = count[b];

			count[b] = sum;
			sum += here;
		}
		for (size_t i = 0; i < n; i++)
			to[count[from[i] >> 8 * byte & 255]++] = from[i];
		from = to;
		to = kept;
	}
	for (size_t i = 0; i < n; i++)
		values[i] = from_key(from[i]);
}

/* Every other one of the values of two runs, which end in infinity, in order. */
static void merge(const float *a, const float *b, bool odd, float *out)
{
	for (size_t i = 0; i < HALF; i++) {
		bool first = *a <= *b;
		float one = first ? *a : *b;
		float two;

		a += first;
		b += !first;
		first = *a <= *b;
		two = first ? *a : *b;
		a += first;
		b += !first;
		out[i] = odd ? two : one;
	}
	out[HALF] = INFINITY;
}

static float *take_room(struct mlops_sketch *sketch, unsigned level)
{
	if (sketch->runs[level] == NULL)
		sketch->runs[level] = malloc((HALF + 1) * sizeof(float));
	return sketch->runs[level];
}

void mlops_sketch_add_block(struct mlops_sketch *sketch, const float *sorted)
{
	float carry[HALF + 1];
	float merged[HALF + 1];
	bool odd = (sketch->odd & 1) != 0;
	unsigned level = 0;
	float *room;

	sketch->n += MLOPS_SKETCH_BLOCK;
	sketch->odd ^= 1;
	for (size_t i = 0; i < HALF; i++)
		carry[i] = sorted[2 * i + odd];
	carry[HALF] = INFINITY;
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
