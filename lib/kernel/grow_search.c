#include "kernel/build.h"

#include <string.h>

#if defined __AVX2__
#include <immintrin.h>
#endif

#if defined __AVX512DQ__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES (VECTOR_BYTES / 8)
#define WORDS (MLOPS_GROW_MOST_BINS / 64)

typedef double lanes __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(8)));
typedef uint64_t integers __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(8)));

/* Splits that may be the best one: sets of bins, a bit each, and what lies below each bin of the set. */
struct candidates {
	uint64_t occupied[WORDS];
	uint64_t set[WORDS];
	size_t n, n_words;
	uint64_t left[MLOPS_GROW_MOST_BINS + 1 + LANES]; /* class 0, and class 1 in the upper half */
	uint32_t rows[MLOPS_GROW_MOST_BINS + 1];	 /* if they are counted */
	double score[MLOPS_GROW_MOST_BINS + 1 + LANES];
};

static inline uint64_t pair(const uint32_t *counts)
{
	return counts[0] | (uint64_t)counts[1] << 32;
}

/* Which of n bins have rows of each class; n is at most 64. */
static inline __attribute__((always_inline)) void find_classes(const uint32_t *counts, size_t n, size_t width,
							       uint64_t *class_0, uint64_t *class_1)
{
	uint64_t a = 0, b = 0;
	size_t bin = 0;

#if defined __AVX2__
	for (; width == 2 && bin + 4 <= n; bin += 4) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(counts + 2 * bin));
		__m256i is_0 = _mm256_cmpeq_epi32(x, _mm256_setzero_si256());
		int empty_0 = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_slli_epi64(is_0, 32)));
		int empty_1 = _mm256_movemask_pd(_mm256_castsi256_pd(is_0));

		a |= (uint64_t)(~empty_0 & 15) << bin;
		b |= (uint64_t)(~empty_1 & 15) << bin;
	}
#endif
	for (; bin < n; bin++) {
		a |= (uint64_t)(counts[bin * width] > 0) << bin;
		b |= (uint64_t)(counts[bin * width + 1] > 0) << bin;
	}
	*class_0 = a;
	*class_1 = b;
}

/* Moves marks that lie outside of set up to the next place of set. */
static inline uint64_t carry(uint64_t marks, uint64_t set)
{
	return ((~set + (marks & ~set)) & set) | (marks & set);
}

/* Whatever the bins hold, the same steps: whether one is empty, or of one class, is as good as random. */
static inline __attribute__((always_inline)) void collect(struct mlops_grow_bins *bins, size_t width,
							  bool takes_all, struct candidates *candidates)
{
	uint64_t left = pair(bins->left);
	uint64_t last_0 = 0, last_1 = 0; /* classes of the last occupied bin so far */
	uint32_t rows = width > 2 ? bins->left[2] : 0;
	size_t n = 0, w = 0;

	bins->n_occupied = 0;
	for (size_t first = 0; first < bins->n_bins; first += 64, w++) {
		size_t n_bins = bins->n_bins - first < 64 ? bins->n_bins - first : 64;
		const uint32_t *counts = bins->counts + first * width;
		uint64_t class_0, class_1, occupied, before_0, before_1, set;

		find_classes(counts, n_bins, width, &class_0, &class_1);
		occupied = class_0 | class_1;
		/* classes of the occupied bin before each, which may be in a word before */
		before_0 = carry(class_0 << 1 | last_0, occupied);
		before_1 = carry(class_1 << 1 | last_1, occupied);
		set = (before_0 | before_1) & occupied;
		if (!takes_all)
			set &= (before_0 | class_0) & (before_1 | class_1);
		candidates->occupied[w] = occupied;
		candidates->set[w] = set;
		for (size_t bin = 0; bin < n_bins; bin++) {
			candidates->left[n] = left;
			if (width > 2)
				candidates->rows[n] = rows;
			n += set >> bin & 1;
			left += pair(counts + bin * width);
			if (width > 2)
				rows += counts[bin * width + 2];
		}
		if (occupied == 0)
			continue;
		if (bins->n_occupied == 0)
			bins->lowest = first + (size_t)__builtin_ctzll(occupied);
		bins->highest = first + 63 - (size_t)__builtin_clzll(occupied);
		bins->n_occupied += (size_t)__builtin_popcountll(occupied);
		last_0 = class_0 >> (bins->highest - first) & 1;
		last_1 = class_1 >> (bins->highest - first) & 1;
	}
	candidates->left[n] = left;
	if (width > 2)
		candidates->rows[n] = rows;
	candidates->n = n;
	candidates->n_words = w;
}

/* Integers below 2^32 as the last bits of 2^52 + x. */
static inline lanes to_doubles(integers x)
{
	return (lanes)(x | 0x4330000000000000) - 0x1p52;
}

/* What the candidates are worth with so many more on the left. */
static void score(const struct mlops_grow_bins *bins, const uint32_t more[2], struct candidates *candidates)
{
	lanes weight_0 = (lanes){ 0 } + bins->class_weight[0],
	      weight_1 = (lanes){ 0 } + bins->class_weight[1];
	lanes total_0 = (lanes){ 0 } + (double)bins->total[0],
	      total_1 = (lanes){ 0 } + (double)bins->total[1];

	for (size_t i = 0; i < LANES; i++)
		candidates->left[candidates->n + i] = 1;
	for (size_t i = 0; i < candidates->n; i += LANES) {
		integers left = *(const integers *)(candidates->left + i);
		lanes left_0 = to_doubles(left & 0xffffffff) + (double)more[0];
		lanes left_1 = to_doubles(left >> 32) + (double)more[1];
		lanes a = weight_0 * left_0, b = weight_1 * left_1;
		lanes c = weight_0 * (total_0 - left_0), d = weight_1 * (total_1 - left_1);

		*(lanes *)(candidates->score + i) = (a * a + b * b) / (a + b) + (c * c + d * d) / (c + d);
	}
}

static void refuse_small_leaves(const struct mlops_grow_bins *bins, uint32_t more,
				struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->n; i++) {
		uint32_t rows = candidates->rows[i] + more;

		if (rows < bins->min_leaf || bins->total[2] - rows < bins->min_leaf)
			candidates->score[i] = -1;
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

/* The bins beside a candidate. */
static void place(const struct mlops_grow_bins *bins, const struct candidates *candidates, size_t number,
		  struct mlops_grow_best *best)
{
	uint64_t set, below;
	size_t w = 0;

	while (w < candidates->n_words && number >= (size_t)__builtin_popcountll(candidates->set[w]))
		number -= (size_t)__builtin_popcountll(candidates->set[w++]);
	best->lower = bins->highest;
	best->higher = bins->n_bins;
	if (w == candidates->n_words)
		return;
	for (set = candidates->set[w]; number > 0; number--)
		set &= set - 1;
	best->higher = 64 * w + (size_t)__builtin_ctzll(set);
	below = candidates->occupied[w] & ((set & -set) - 1);
	while (below == 0)
		below = candidates->occupied[--w];
	best->lower = 64 * w + 63 - (size_t)__builtin_clzll(below);
}

static void search_candidates(const struct mlops_grow_bins *bins, struct candidates *candidates,
			      const uint32_t *missing, bool missing_left, struct mlops_grow_best *best)
{
	static const uint32_t none[3] = { 0 };
	const uint32_t *more = missing_left ? missing : none;
	size_t width = mlops_grow_width(bins->cells);
	size_t found;

	score(bins, more, candidates);
	if (bins->min_leaf > 1)
		refuse_small_leaves(bins, more[2], candidates);
	found = find_best(candidates, &best->score);
	if (found == SIZE_MAX)
		return;
	place(bins, candidates, found, best);
	best->missing_left = missing_left;
	best->saw_missing = (missing[0] | missing[1]) != 0;
	best->left[0] = (uint32_t)candidates->left[found] + more[0];
	best->left[1] = (uint32_t)(candidates->left[found] >> 32) + more[1];
	if (bins->cells.with_rows)
		best->left[2] = candidates->rows[found] + more[2];
	memcpy(best->missing, missing, width * sizeof *missing);
}

void MLOPS_KERNEL(mlops_kernel_grow_search)(struct mlops_grow_bins *bins, struct mlops_grow_best *best)
{
	size_t width = mlops_grow_width(bins->cells);
	uint32_t missing[3] = { 0 };
	struct candidates candidates;
	bool missing_alone;

	if (bins->cells.n_classes != 2) {
		mlops_kernel_grow_search_reference(bins, best);
		return;
	}
	if (!bins->cells.with_rows)
		collect(bins, 2, false, &candidates);
	else
		collect(bins, 3, bins->min_leaf > 1, &candidates);
	memcpy(missing, bins->counts + bins->n_bins * width, width * sizeof *missing);
	memset(bins->counts, 0, (bins->n_bins + 1) * width * sizeof *bins->counts);
	if ((missing[0] | missing[1]) == 0) {
		search_candidates(bins, &candidates, missing, false, best);
		return;
	}
	/* all values on the left is one more candidate, with missing ones on the right */
	missing_alone = bins->is_whole && bins->n_occupied > 0;
	candidates.n += missing_alone;
	search_candidates(bins, &candidates, missing, false, best);
	candidates.n -= missing_alone;
	search_candidates(bins, &candidates, missing, true, best);
}
