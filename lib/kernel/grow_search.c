#include "kernel/build.h"

#include <string.h>

#if defined __AVX512F__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES (VECTOR_BYTES / 8)

typedef double lanes __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(8)));

/* Splits that may be the best one. */
struct candidates {
	double left[2][MLOPS_GROW_MOST_BINS + LANES];
	double score[MLOPS_GROW_MOST_BINS + LANES];
	uint16_t lower[MLOPS_GROW_MOST_BINS + 1];
	uint16_t higher[MLOPS_GROW_MOST_BINS + 1];
	size_t n;
};

/* Without branches: whether a bin is empty, or of one class, is as good as random.  Returns the number of
 * occupied bins. */
static size_t collect(const struct mlops_grow_bins *bins, struct candidates *candidates)
{
	uint32_t left[2] = { bins->left[0], bins->left[1] };
	unsigned before = 0; /* classes of the last occupied bin, a bit each */
	size_t lower = 0, occupied = 0, n = 0;

	for (size_t bin = 0; bin < bins->n_bins; bin++) {
		uint32_t a = bins->counts[2 * bin], b = bins->counts[2 * bin + 1];
		unsigned classes = (unsigned)(a > 0) | (unsigned)(b > 0) << 1;
		size_t is_occupied = classes != 0;

		candidates->left[0][n] = left[0];
		candidates->left[1][n] = left[1];
		candidates->lower[n] = (uint16_t)lower;
		candidates->higher[n] = (uint16_t)bin;
		n += is_occupied & (before != 0) & ((classes | before) == 3);
		left[0] += a;
		left[1] += b;
		lower = is_occupied ? bin : lower;
		before = is_occupied ? classes : before;
		occupied += is_occupied;
	}
	candidates->n = n;
	return occupied;
}

/* What all candidates are worth with so many more on the left. */
static void score(const struct mlops_grow_bins *bins, const uint32_t more[2], struct candidates *candidates)
{
	lanes weight_0 = (lanes){ 0 } + bins->class_weight[0],
	      weight_1 = (lanes){ 0 } + bins->class_weight[1];
	lanes total_0 = (lanes){ 0 } + (double)bins->total[0],
	      total_1 = (lanes){ 0 } + (double)bins->total[1];

	for (size_t i = 0; i < LANES; i++)
		candidates->left[0][candidates->n + i] = candidates->left[1][candidates->n + i] = 1;
	for (size_t i = 0; i < candidates->n; i += LANES) {
		lanes left_0 = *(const lanes *)(candidates->left[0] + i) + (double)more[0];
		lanes left_1 = *(const lanes *)(candidates->left[1] + i) + (double)more[1];
		lanes a = weight_0 * left_0, b = weight_1 * left_1;
		lanes c = weight_0 * (total_0 - left_0), d = weight_1 * (total_1 - left_1);

		*(lanes *)(candidates->score + i) = (a * a + b * b) / (a + b) + (c * c + d * d) / (c + d);
	}
}

/* The first of the best ones, or SIZE_MAX when none beats *best. */
static size_t find_best(const struct candidates *candidates, double *best)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < candidates->n; i++) {
		if (candidates->score[i] > *best) {
			*best = candidates->score[i];
			found = i;
		}
	}
	return found;
}

static void keep(const struct mlops_grow_bins *bins, const struct candidates *candidates, size_t found,
		 bool missing_left, struct mlops_grow_best *best)
{
	best->lower = candidates->lower[found];
	best->higher = candidates->higher[found];
	best->missing_left = missing_left;
	for (int k = 0; k < 2; k++)
		best->left[k] = (uint32_t)candidates->left[k][found] + (missing_left ? bins->missing[k] : 0);
}

size_t MLOPS_KERNEL(mlops_kernel_grow_search)(const struct mlops_grow_bins *bins,
					      struct mlops_grow_best *best)
{
	static const uint32_t none[2] = { 0, 0 };
	struct candidates candidates;
	size_t occupied = collect(bins, &candidates);
	size_t found;

	memset(bins->counts, 0, bins->n_bins * 2 * sizeof *bins->counts);
	score(bins, none, &candidates);
	found = find_best(&candidates, &best->score);
	if (found != SIZE_MAX)
		keep(bins, &candidates, found, false, best);
	if ((bins->missing[0] | bins->missing[1]) != 0) {
		score(bins, bins->missing, &candidates);
		found = find_best(&candidates, &best->score);
		if (found != SIZE_MAX)
			keep(bins, &candidates, found, true, best);
	}
	return occupied;
}
