/* Each build of the kernels that find splits gives what the reference gives, and that what was counted by
 * hand. */
#include "base/rng.h"
#include "kernel/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const double class_weight[2] = { 1, 1 };

struct histogram {
	uint32_t counts[2 * MLOPS_GROW_MOST_BINS];
	struct mlops_grow_bins bins;
};

static void draw_histogram(struct mlops_rng *rng, struct histogram *histogram)
{
	struct mlops_grow_bins *bins = &histogram->bins;
	uint32_t odds = 1 + mlops_rng_below(rng, 4);

	memset(histogram, 0, sizeof *histogram);
	bins->counts = histogram->counts;
	bins->n_bins = 1 + mlops_rng_below(rng, MLOPS_GROW_MOST_BINS);
	for (int k = 0; k < 2; k++) {
		bins->left[k] = mlops_rng_below(rng, 3) * mlops_rng_below(rng, 50);
		bins->missing[k] = mlops_rng_below(rng, 2) * mlops_rng_below(rng, 9);
		bins->total[k] = bins->left[k] + bins->missing[k] + mlops_rng_below(rng, 5);
		bins->class_weight[k] = mlops_rng_below(rng, 2) == 0 ? 1 : 0.1 + mlops_rng_unit(rng);
	}
	for (size_t i = 0; i < 2 * bins->n_bins; i++) {
		uint32_t count = mlops_rng_below(rng, 6) < odds ? mlops_rng_below(rng, 3) : 0;

		histogram->counts[i] = count;
		bins->total[i % 2] += count;
	}
}

static void search_alike(void **state)
{
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SIMULATE, 0);
	struct histogram histogram;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct mlops_grow_best expected = { .score = -1 };
		uint32_t counts[2 * MLOPS_GROW_MOST_BINS];
		size_t occupied;

		draw_histogram(&rng, &histogram);
		memcpy(counts, histogram.counts, sizeof counts);
		occupied = mlops_kernel_grow_search_reference(&histogram.bins, &expected);
		for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
			struct mlops_grow_best found = { .score = -1 };

			memcpy(histogram.counts, counts, sizeof counts);
			assert_int_equal(mlops_kernels_at(k)->grow_search(&histogram.bins, &found), occupied);
			assert_memory_equal(&found.score, &expected.score, sizeof found.score);
			assert_int_equal(found.lower, expected.lower);
			assert_int_equal(found.higher, expected.higher);
			assert_int_equal(found.missing_left, expected.missing_left);
			assert_memory_equal(found.left, expected.left, sizeof found.left);
			for (size_t i = 0; i < 2 * MLOPS_GROW_MOST_BINS; i++)
				assert_int_equal(histogram.counts[i], 0);
		}
	}
}

/* 3 0 | 1 0 | 0 0 | 0 4 | 1 1: best below the fourth bin. */
static void search_by_hand(void **state)
{
	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		uint32_t counts[] = { 3, 0, 1, 0, 0, 0, 0, 4, 1, 1 };
		struct mlops_grow_bins bins = {
			.counts = counts, .n_bins = 5, .total = { 5, 5 }, .class_weight = { 1, 1 }
		};
		struct mlops_grow_best best = { .score = -1 };

		assert_int_equal(mlops_kernels_at(k)->grow_search(&bins, &best), 4);
		assert_true(best.score == 4 + 26.0 / 6);
		assert_int_equal(best.lower, 1);
		assert_int_equal(best.higher, 3);
		assert_int_equal(best.left[0], 4);
		assert_int_equal(best.left[1], 0);
	}
}

struct block {
	uint16_t keys[MLOPS_SMALL_DRAWS], weights[MLOPS_SMALL_DRAWS], missing;
	uint64_t draws[MLOPS_SMALL_DRAWS], positive[MLOPS_SMALL_DRAWS];
	uint8_t rows[MLOPS_SMALL_DRAWS];
	size_t n_rows;
	struct mlops_small_node node;
};

/* Rows until their draws are 64 or fewer; a node of some of them that has both classes. */
static void draw_block(struct mlops_rng *rng, const double *purity, struct block *block)
{
	uint32_t limit = 2 + mlops_rng_below(rng, MLOPS_SMALL_DRAWS - 1), draws = 0;
	uint32_t values = mlops_rng_below(rng, 2) == 0 ? 5 : 65536;
	unsigned classes = 0;

	memset(block, 0, sizeof *block);
	block->missing = 65535;
	while (block->n_rows < MLOPS_SMALL_DRAWS) {
		size_t i = block->n_rows;
		uint16_t weight = (uint16_t)(1 + mlops_rng_below(rng, 2) * mlops_rng_below(rng, 4));

		if (draws + weight > limit)
			break;
		draws += weight;
		block->weights[i] = weight;
		block->keys[i] = (uint16_t)mlops_rng_below(rng, values);
		if (mlops_rng_below(rng, 9) == 0)
			block->keys[i] = block->missing;
		block->draws[i] = ~UINT64_C(0) >> (64 - weight);
		block->positive[i] = mlops_rng_below(rng, 3) == 0 ? block->draws[i] : 0;
		if (mlops_rng_below(rng, 4) > 0) {
			block->rows[block->node.n++] = (uint8_t)i;
			classes |= block->positive[i] != 0 ? 2 : 1;
		}
		block->n_rows++;
	}
	block->node.n = classes == 3 ? block->node.n : 0;
	block->node.rows = block->rows;
	block->node.draws = block->draws;
	block->node.positive = block->positive;
	block->node.purity = purity;
	block->node.min_leaf = mlops_rng_below(rng, 2) == 0 ? 1 : 1 + mlops_rng_below(rng, 5);
}

static double *make_purity(void)
{
	double *purity = calloc(64 * 64, sizeof *purity);

	assert_non_null(purity);
	for (size_t i = 1; i < 64 * 64; i++) {
		double a = class_weight[0] * (double)(i / 64), b = class_weight[1] * (double)(i % 64);

		purity[i] = (a * a + b * b) / (a + b);
	}
	return purity;
}

static void blocks_alike(void **state)
{
	struct mlops_rng rng = mlops_rng_start(4, MLOPS_RNG_SIMULATE, 0);
	double *purity = make_purity();
	size_t splits = 0;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct mlops_small_split expected = { .score = -1 };
		struct mlops_small_order order;
		struct block block;
		bool varies = false;

		draw_block(&rng, purity, &block);
		mlops_kernel_small_sort_reference(block.keys, block.weights, block.n_rows, block.missing,
						  &order);
		if (block.node.n > 0)
			varies = mlops_kernel_small_split_reference(&block.node, &order, &expected);
		splits += expected.score >= 0;
		for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
			const struct mlops_kernels *kernels = mlops_kernels_at(k);
			struct mlops_small_split found = { .score = -1 };
			struct mlops_small_order same;

			kernels->small_sort(block.keys, block.weights, block.n_rows, block.missing, &same);
			assert_memory_equal(same.place, order.place, block.n_rows);
			assert_true(same.first == order.first);
			assert_true(same.missing == order.missing);
			if (block.node.n == 0)
				continue;
			assert_int_equal(kernels->small_split(&block.node, &same, &found), varies);
			assert_memory_equal(&found.score, &expected.score, sizeof found.score);
			assert_int_equal(found.place, expected.place);
			assert_int_equal(found.missing_left, expected.missing_left);
			assert_int_equal(found.saw_missing, expected.saw_missing);
			assert_memory_equal(found.left, expected.left, sizeof found.left);
		}
	}
	assert_true(splits > 2000);
	free(purity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(search_alike),
		cmocka_unit_test(search_by_hand),
		cmocka_unit_test(blocks_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
