#include "model/random_forest_bins.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

struct cell {
	uint32_t key; /* ordered as the value is */
	uint32_t row;
};

/* A worker's own memory. */
struct scratch {
	struct cell *cells, *spare; /* [n_rows] */
	size_t positions[DIGITS];
};

struct job {
	const struct mlops_matrix *matrix;
	size_t limit;
	struct mlops_bins *bins;
	struct scratch *scratch; /* [workers] */
	atomic_bool out_of_memory;
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

/* Radix sort by 11, 11 and 10 bits; returns where the sorted cells are. */
static const struct cell *sort(struct scratch *scratch, size_t n)
{
	struct cell *from = scratch->cells, *to = scratch->spare;

	for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
		size_t *positions = scratch->positions;
		struct cell *swap = from;
		size_t sum = 0;

		memset(positions, 0, sizeof scratch->positions);
		for (size_t i = 0; i < n; i++)
			positions[from[i].key >> shift & (DIGITS - 1)]++;
		for (size_t d = 0; d < DIGITS; d++) {
			size_t count = positions[d];

			positions[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[positions[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
		from = to;
		to = swap;
	}
	return from;
}

static size_t count_distinct(const struct cell *sorted, size_t n)
{
	size_t distinct = n > 0 ? 1 : 0;

	for (size_t i = 1; i < n; i++)
		distinct += sorted[i].key != sorted[i - 1].key;
	return distinct;
}

/* Fills bins from the left, each with its share of the rows that are left over; a value goes to the bin whose
 * share it misses less.  Equal values stay together.  limit is the number of bins, or of distinct values when
 * they are fewer. */
static void cut(struct mlops_binned *binned, const struct cell *sorted, size_t n, size_t limit,
		bool each_value)
{
	size_t bin = 0, in_bin = 0, left_over = n;

	for (size_t i = 0; i < n;) {
		float value = value_of(sorted[i].key);
		size_t room = limit - bin; /* bins that are not closed, the current one among them */
		size_t share = (left_over + room - 1) / room;
		size_t end = i + 1;

		while (end < n && sorted[end].key == sorted[i].key)
			end++;
		if (in_bin > 0 && room > 1 && (each_value || 2 * in_bin + (end - i) > 2 * share)) {
			bin++;
			left_over -= in_bin;
			in_bin = 0;
		}
		if (in_bin == 0)
			binned->bins[bin].smallest = value;
		binned->bins[bin].largest = value;
		in_bin += end - i;
		for (; i < end; i++)
			binned->codes[sorted[i].row] = (uint16_t)bin;
	}
	binned->n_bins = n > 0 ? bin + 1 : 0;
}

static bool bin_values(const struct job *job, size_t feature, struct scratch *scratch)
{
	const struct mlops_matrix *matrix = job->matrix;
	struct mlops_binned *binned = &job->bins->features[feature];
	const struct cell *sorted;
	size_t n = 0, distinct, n_bins;

	for (size_t r = 0; r < matrix->n_rows; r++) {
		float x = mlops_matrix_at(matrix, r, feature);

		if (!isnan(x))
			scratch->cells[n++] = (struct cell){ .key = key_of(x), .row = (uint32_t)r };
	}
	sorted = sort(scratch, n);
	distinct = count_distinct(sorted, n);
	n_bins = distinct < job->limit ? distinct : job->limit;
	binned->codes = calloc(matrix->n_rows, sizeof *binned->codes);
	binned->bins = calloc(n_bins + 1, sizeof *binned->bins);
	binned->any_missing = n < matrix->n_rows;
	if (binned->codes == NULL || binned->bins == NULL)
		return false;
	cut(binned, sorted, n, n_bins, distinct <= job->limit);
	for (size_t r = 0; n < matrix->n_rows && r < matrix->n_rows; r++) {
		if (isnan(mlops_matrix_at(matrix, r, feature)))
			binned->codes[r] = MLOPS_GROW_MISSING;
	}
	return true;
}

static void bin_feature(void *context, size_t feature, unsigned worker)
{
	struct job *job = context;

	if (!bin_values(job, feature, &job->scratch[worker]))
		atomic_store(&job->out_of_memory, true);
}

enum { TURNED_ROWS = 4096 };

static void turn_rows(void *context, size_t task, unsigned worker)
{
	const struct mlops_bins *bins = ((struct job *)context)->bins;
	size_t width = bins->n_features;
	size_t first = task * TURNED_ROWS;
	size_t end = first + TURNED_ROWS < bins->n_rows ? first + TURNED_ROWS : bins->n_rows;

	(void)worker;
	for (size_t f = 0; f < width; f++) {
		for (size_t r = first; r < end; r++)
			bins->by_row[r * width + f] = bins->features[f].codes[r];
	}
}

bool mlops_bins_make(const struct mlops_matrix *matrix, size_t limit, struct mlops_pool *pool,
		     struct mlops_bins *bins, struct mlops_error *error)
{
	size_t workers = mlops_pool_workers(pool);
	size_t n_features = matrix->n_columns;
	struct job job = { .matrix = matrix, .limit = limit, .bins = bins };
	bool good;

	*bins = (struct mlops_bins){ .n_features = n_features, .n_rows = matrix->n_rows };
	bins->features = calloc(n_features, sizeof *bins->features);
	bins->by_row = calloc(matrix->n_rows, n_features * sizeof *bins->by_row);
	job.scratch = calloc(workers, sizeof *job.scratch);
	good = bins->features != NULL && bins->by_row != NULL && job.scratch != NULL;
	for (size_t w = 0; good && w < workers; w++) {
		job.scratch[w].cells = calloc(matrix->n_rows, sizeof *job.scratch[w].cells);
		job.scratch[w].spare = calloc(matrix->n_rows, sizeof *job.scratch[w].spare);
		good = job.scratch[w].cells != NULL && job.scratch[w].spare != NULL;
	}
	if (good) {
		mlops_pool_run(pool, n_features, bin_feature, &job);
		good = !atomic_load(&job.out_of_memory);
	}
	if (good)
		mlops_pool_run(pool, (matrix->n_rows + TURNED_ROWS - 1) / TURNED_ROWS, turn_rows, &job);
	for (size_t w = 0; job.scratch != NULL && w < workers; w++) {
		free(job.scratch[w].cells);
		free(job.scratch[w].spare);
	}
	free(job.scratch);
	if (!good) {
		mlops_bins_release(bins);
		return mlops_error_set_memory(error);
	}
	return true;
}

void mlops_bins_release(struct mlops_bins *bins)
{
	for (size_t f = 0; bins->features != NULL && f < bins->n_features; f++) {
		free(bins->features[f].codes);
		free(bins->features[f].bins);
	}
	free(bins->features);
	free(bins->by_row);
	*bins = (struct mlops_bins){ .n_features = 0 };
}

float mlops_bins_threshold(const struct mlops_binned *binned, size_t lower, size_t higher)
{
	float below = binned->bins[lower].largest, above = binned->bins[higher].smallest;
	float middle = (float)(((double)below + (double)above) / 2);

	return middle < above ? middle : below;
}
