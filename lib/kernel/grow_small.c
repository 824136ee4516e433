#include "kernel/build.h"

#include <string.h>

#if defined __AVX512BW__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES (VECTOR_BYTES / 2)

typedef int16_t lanes __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(2)));

/* Each row's place is the weight of all rows with smaller keys: that takes rows squared steps, but LANES of
 * them at once. */
void MLOPS_KERNEL(mlops_kernel_small_sort)(const uint16_t *keys, const uint16_t *weights, size_t n,
					   uint16_t missing, struct mlops_small_order *order)
{
	int16_t ordered[MLOPS_SMALL_DRAWS]; /* as signed numbers */
	int16_t below[MLOPS_SMALL_DRAWS];
	uint8_t taken[MLOPS_SMALL_DRAWS] = { 0 };

	for (size_t i = 0; i < n; i++)
		ordered[i] = (int16_t)(keys[i] ^ 0x8000u);
	for (size_t i = n; i % LANES != 0; i++)
		ordered[i] = 0;
	for (size_t i = 0; i < n; i += LANES) {
		lanes mine = *(const lanes *)(ordered + i);
		lanes sum = { 0 };

		for (size_t j = 0; j < n; j++)
			sum += (lanes)(mine > ordered[j]) & (int16_t)weights[j];
		*(lanes *)(below + i) = sum;
	}
	order->first = order->missing = 0;
	for (size_t i = 0; i < n; i++) {
		size_t group = (size_t)below[i];

		order->place[i] = (uint8_t)(group + taken[group]);
		taken[group] = (uint8_t)(taken[group] + weights[i]);
		order->first |= UINT64_C(1) << group;
		if (keys[i] == missing)
			order->missing = ~UINT64_C(0) << group;
	}
}

/* Moves marks that lie outside of set up to the next place of set. */
static inline uint64_t carry(uint64_t marks, uint64_t set)
{
	return ((~set + (marks & ~set)) & set) | (marks & set);
}

struct search {
	uint64_t all, positive, starts;
	uint32_t total, total_positive;
	size_t min_leaf, n;
	const double *purity;
};

static inline void offer(const struct search *search, uint64_t left, bool missing_left,
			 struct mlops_small_split *best, unsigned place)
{
	uint32_t draws = (uint32_t)__builtin_popcountll(search->all & left);
	uint32_t positive = (uint32_t)__builtin_popcountll(search->positive & left);
	uint32_t negative = draws - positive;
	double score = search->purity[negative * 64 + positive] +
		       search->purity[(search->total - search->total_positive - negative) * 64 +
				      (search->total_positive - positive)];

	if (!(score > best->score))
		return;
	if (search->min_leaf > 1) {
		size_t rows = (size_t)__builtin_popcountll(search->starts & left);

		if (rows < search->min_leaf || search->n - rows < search->min_leaf)
			return;
	}
	best->score = score;
	best->place = place;
	best->missing_left = missing_left;
	best->left[0] = negative;
	best->left[1] = positive;
}

bool MLOPS_KERNEL(mlops_kernel_small_split)(const struct mlops_small_node *node,
					    const struct mlops_small_order *order,
					    struct mlops_small_split *best)
{
	struct search search = { .min_leaf = node->min_leaf, .n = node->n, .purity = node->purity };
	uint64_t candidates, before, missing;
	double score = best->score;

	for (size_t i = 0; i < node->n; i++) {
		size_t row = node->rows[i];
		unsigned place = order->place[row];

		search.all |= node->draws[row] << place;
		search.positive |= node->positive[row] << place;
		search.starts |= UINT64_C(1) << place;
	}
	/* The first places of values, seen among the node's rows alone; nothing lies below the lowest one. */
	candidates = carry(order->first, search.all) & (search.all - 1);
	if (candidates == 0)
		return false;
	search.total = (uint32_t)__builtin_popcountll(search.all);
	search.total_positive = (uint32_t)__builtin_popcountll(search.positive);
	missing = order->missing & search.all;
	/* Between two values of one and the same class there is no best split (Fayyad, Irani: "On the
	 * handling of continuous-valued attributes in decision tree generation", Machine Learning 8, 1992).
	 */
	before = carry(search.positive << 1, search.all);
	before = (before ^ search.positive) & search.all & (search.all - 1);
	if (node->min_leaf <= 1 && (before & ~candidates) == 0)
		candidates &= before;
	for (uint64_t left = candidates; left != 0; left &= left - 1) {
		unsigned place = (unsigned)__builtin_ctzll(left);
		uint64_t below = (left & -left) - 1;

		offer(&search, below, false, best, place);
		if (missing != 0 && (missing & (left & -left)) == 0)
			offer(&search, below | missing, true, best, place);
	}
	if (best->score > score)
		best->saw_missing = missing != 0;
	return true;
}
