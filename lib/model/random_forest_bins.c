#include "model/random_forest_bins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* A worker's own memory. */
struct scratch {
	uint32_t *keys, *other;    /* [n_rows] */
	size_t positions[DIGITS];
};

struct job {
	const struct mlops_matrix *matrix;
	struct mlops_bins *bins;
	struct scratch *scratch; /* [workers] */
};

/* An integer that is ordered as the float is; both zeros are the same. */
static uint32_t key_of(float value)
{
	uint32_t bits;

	value = value + 0.0f;
	memcpy(&bits, &value, sizeof bits);
	return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float value_of(uint32_t key)
{
	uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
	float value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* Radix sort by 11, 11 and 10 bits; the sorted keys are in the returned array. */
static const uint32_t *sort(struct scratch *scratch, size_t n)
{
	uint32_t *from = scratch->keys, *to = scratch->other;

	for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
		size_t *positions = scratch->positions;
		size_t sum = 0;
		uint32_t *swap;

		memset(positions, 0, sizeof scratch->positions);
		for (size_t i = 0; i < n; i++)
			positions[from[i] >> shift & (DIGITS - 1)]++;
		for (size_t d = 0; d < DIGITS; d++) {
			size_t count = positions[d];

			positions[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[positions[from[i] >> shift & (DIGITS - 1)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	return from;
}

static size_t count_distinct(const uint32_t *sorted, size_t n)
{
	size_t distinct = n > 0;

	for (size_t i = 1; i < n; i++)
		distinct += sorted[i] != sorted[i - 1];
	return distinct;
}

/* Fills bins from the left, each with its share of the rows that are left over; a value goes to the bin whose share it
 * misses less.  Equal values stay together. */
static size_t cut(const uint32_t *sorted, size_t n, size_t distinct, float *smallest, float *largest)
{
	size_t n_bins = 0, in_bin = 0;
	size_t left_over = n;

	for (size_t i = 0; i < n;) {
		size_t end = i + 1;
		size_t room = MLOPS_MAX_BINS - n_bins; /* bins not closed, the current one among them */
		size_t share;
		bool closes;

		while (end < n && sorted[end] == sorted[i])
			end++;
		share = (left_over + room - 1) / room;
		closes = distinct <= MLOPS_MAX_BINS || 2 * in_bin + (end - i) > 2 * share;
		if (in_bin > 0 && room > 1 && closes) {
			n_bins++;
			left_over -= in_bin;
			in_bin = 0;
		}
		if (in_bin == 0)
			smallest[n_bins] = value_of(sorted[i]);
		largest[n_bins] = value_of(sorted[i]);
		in_bin += end - i;
		i = end;
	}
	return n > 0 ? n_bins + 1 : 0;
}

/* The first bin whose largest value is not below x. */
static uint8_t find_bin(const float *largest, size_t n_bins, float x)
{
	size_t low = 0;

	for (size_t n = n_bins - 1; n > 0;) {
		size_t half = (n + 1) / 2;

		low = largest[low + half - 1] < x ? low + half : low;
		n -= half;
	}
	return (uint8_t)low;
}

static void bin_feature(void *context, size_t feature, unsigned worker)
{
	struct job *job = context;
	const struct mlops_matrix *matrix = job->matrix;
	struct mlops_bins *bins = job->bins;
	struct scratch *scratch = &job->scratch[worker];
	float *smallest = bins->smallest + feature * MLOPS_MAX_BINS;
	float *largest = bins->largest + feature * MLOPS_MAX_BINS;
	uint8_t *codes = bins->codes + feature * bins->n_rows;
	const uint32_t *sorted;
	size_t n = 0;

	for (size_t r = 0; r < matrix->n_rows; r++) {
		float x = mlops_matrix_at(matrix, r, feature);

		if (!isnan(x))
			scratch->keys[n++] = key_of(x);
	}
	sorted = sort(scratch, n);
	bins->n_bins[feature] = cut(sorted, n, count_distinct(sorted, n), smallest, largest);
	for (size_t r = 0; r < matrix->n_rows; r++) {
		float x = mlops_matrix_at(matrix, r, feature);

		codes[r] = isnan(x) ? MLOPS_MISSING_CODE : find_bin(largest, bins->n_bins[feature], x);
	}
}

bool mlops_bins_make(const struct mlops_matrix *matrix, struct mlops_pool *pool, struct mlops_bins *bins,
		     struct mlops_error *error)
{
	size_t workers = mlops_pool_workers(pool);
	size_t n_features = matrix->n_columns;
	struct job job = { .matrix = matrix, .bins = bins };
	bool done = false;

	*bins = (struct mlops_bins){ .n_features = n_features, .n_rows = matrix->n_rows };
	bins->codes = calloc(n_features, matrix->n_rows);
	bins->smallest = calloc(n_features, MLOPS_MAX_BINS * sizeof *bins->smallest);
	bins->largest = calloc(n_features, MLOPS_MAX_BINS * sizeof *bins->largest);
	bins->n_bins = calloc(n_features, sizeof *bins->n_bins);
	job.scratch = calloc(workers, sizeof *job.scratch);
	if (bins->codes == NULL || bins->smallest == NULL || bins->largest == NULL || bins->n_bins == NULL ||
	    job.scratch == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t w = 0; w < workers; w++) {
		job.scratch[w].keys = calloc(matrix->n_rows, sizeof *job.scratch[w].keys);
		job.scratch[w].other = calloc(matrix->n_rows, sizeof *job.scratch[w].other);
		if (job.scratch[w].keys == NULL || job.scratch[w].other == NULL) {
			mlops_error_set_memory(error);
			goto out;
		}
	}
	mlops_pool_run(pool, n_features, bin_feature, &job);
	done = true;
out:
	for (size_t w = 0; job.scratch != NULL && w < workers; w++) {
		free(job.scratch[w].keys);
		free(job.scratch[w].other);
	}
	free(job.scratch);
	if (!done)
		mlops_bins_release(bins);
	return done;
}

void mlops_bins_release(struct mlops_bins *bins)
{
	free(bins->codes);
	free(bins->smallest);
	free(bins->largest);
	free(bins->n_bins);
	*bins = (struct mlops_bins){ .n_features = 0 };
}

float mlops_bins_threshold(const struct mlops_bins *bins, size_t feature, size_t lower, size_t higher)
{
	float below = bins->largest[feature * MLOPS_MAX_BINS + lower];
	float above = bins->smallest[feature * MLOPS_MAX_BINS + higher];
	float middle = (float)(((double)below + (double)above) / 2);

	return middle < above ? middle : below;
}
