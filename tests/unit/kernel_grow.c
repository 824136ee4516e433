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

enum {
	MOST_CLASSES = 4,
	MOST_WIDTH = MOST_CLASSES + 1,
	MOST_CELLS = (MLOPS_GROW_MOST_BINS + 1) * MOST_WIDTH
};

struct histogram {
	uint32_t counts[MOST_CELLS];
	uint32_t left[MOST_WIDTH], total[MOST_WIDTH];
	double class_weight[MOST_CLASSES];
	struct mlops_grow_bins bins;
};

static struct mlops_grow_cells draw_cells(struct mlops_rng *rng)
{
	return (struct mlops_grow_cells){ .n_classes = mlops_rng_below(rng, 3) > 0 ? 2 : MOST_CLASSES,
					  .with_rows = mlops_rng_below(rng, 2) == 0 };
}

/* Counts of a bin, and of its rows no more than of them. */
static void draw_bin(struct mlops_rng *rng, struct mlops_grow_cells cells, uint32_t odds, uint32_t *counts)
{
	uint32_t sum = 0;

	for (size_t k = 0; k < cells.n_classes; k++) {
		counts[k] = mlops_rng_below(rng, 12) < odds ? mlops_rng_below(rng, 3) : 0;
		sum += counts[k];
	}
	if (cells.with_rows)
		counts[cells.n_classes] = sum > 0 ? 1 + mlops_rng_below(rng, sum) : 0;
}

static void draw_histogram(struct mlops_rng *rng, struct histogram *histogram)
{
	struct mlops_grow_bins *bins = &histogram->bins;
	uint32_t odds = mlops_rng_below(rng, 5) == 0 ? 1 : mlops_rng_below(rng, 12);
	size_t width;

	memset(histogram, 0, sizeof *histogram);
	bins->cells = draw_cells(rng);
	bins->counts = histogram->counts;
	bins->left = histogram->left;
	bins->total = histogram->total;
	bins->class_weight = histogram->class_weight;
	bins->n_bins = 1 + mlops_rng_below(rng, MLOPS_GROW_MOST_BINS);
	bins->is_whole = mlops_rng_below(rng, 2) == 0;
	bins->min_leaf = bins->cells.with_rows && mlops_rng_below(rng, 3) > 0 ? 1 + mlops_rng_below(rng, 9)
									      : 1;
	width = mlops_grow_width(bins->cells);
	for (size_t k = 0; k < bins->cells.n_classes; k++)
		histogram->class_weight[k] = mlops_rng_below(rng, 2) == 0 ? 1 : 0.1 + mlops_rng_unit(rng);
	draw_bin(rng, bins->cells, 12, histogram->left);
	for (size_t bin = 0; bin < bins->n_bins; bin++)
		draw_bin(rng, bins->cells, odds, histogram->counts + bin * width);
	if (mlops_rng_below(rng, 2) == 0)
		draw_bin(rng, bins->cells, 12, histogram->counts + bins->n_bins * width);
	for (size_t k = 0; k < width; k++)
		histogram->counts[bins->n_bins * width + k] *= 1 + mlops_rng_below(rng, 2) * 50;
	if (!bins->is_whole)
		draw_bin(rng, bins->cells, 12, histogram->total);
	for (size_t k = 0; k < width; k++) {
		histogram->total[k] += histogram->left[k];
		for (size_t bin = 0; bin <= bins->n_bins; bin++)
			histogram->total[k] += histogram->counts[bin * width + k];
	}
}

struct found {
	uint32_t left[MOST_WIDTH], missing[MOST_WIDTH];
	struct mlops_grow_best best;
};

static void search(const struct mlops_kernels *kernels, struct histogram *histogram, double score,
		   struct found *found)
{
	memset(found, 0, sizeof *found);
	found->best.score = score;
	found->best.left = found->left;
	found->best.missing = found->missing;
	histogram->bins.lowest = histogram->bins.highest = 0;
	kernels->grow_search(&histogram->bins, &found->best);
	if (histogram->bins.n_occupied == 0)
		histogram->bins.lowest = histogram->bins.highest = 0;
}

static void search_alike(void **state)
{
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SIMULATE, 0);
	struct histogram *histogram = calloc(1, sizeof *histogram);
	size_t splits = 0, missing_alone = 0;

	(void)state;
	assert_non_null(histogram);
	for (int round = 0; round < 4000; round++) {
		uint32_t counts[MOST_CELLS];
		struct mlops_grow_bins bins;
		struct found expected, found;
		double score = mlops_rng_below(&rng, 8) == 0 ? 30 : -1;

		draw_histogram(&rng, histogram);
		memcpy(counts, histogram->counts, sizeof counts);
		search(mlops_kernels_at(0), histogram, score, &expected);
		bins = histogram->bins;
		splits += expected.best.score > score;
		missing_alone += expected.best.score > score && expected.best.higher == bins.n_bins;
		for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
			memcpy(histogram->counts, counts, sizeof counts);
			search(mlops_kernels_at(k), histogram, score, &found);
			assert_int_equal(histogram->bins.n_occupied, bins.n_occupied);
			assert_int_equal(histogram->bins.lowest, bins.lowest);
			assert_int_equal(histogram->bins.highest, bins.highest);
			assert_memory_equal(&found.best.score, &expected.best.score, sizeof(double));
			assert_int_equal(found.best.lower, expected.best.lower);
			assert_int_equal(found.best.higher, expected.best.higher);
			assert_int_equal(found.best.missing_left, expected.best.missing_left);
			assert_int_equal(found.best.saw_missing, expected.best.saw_missing);
			assert_memory_equal(found.left, expected.left, sizeof found.left);
			assert_memory_equal(found.missing, expected.missing, sizeof found.missing);
			for (size_t i = 0; i < MOST_CELLS; i++)
				assert_int_equal(histogram->counts[i], 0);
		}
	}
	assert_true(splits > 2000 && missing_alone > 20);
	free(histogram);
}

/* 3 0 | 1 0 | 0 0 | 0 4 | 1 1, nothing missing: best below the fourth bin. */
static void search_by_hand(void **state)
{
	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		uint32_t counts[] = { 3, 0, 1, 0, 0, 0, 0, 4, 1, 1, 0, 0 }, below[2] = { 0 },
			 total[] = { 5, 5 };
		struct mlops_grow_bins bins = {
			.cells = { .n_classes = 2 },
			.counts = counts,
			.n_bins = 5,
			.is_whole = true,
			.left = below,
			.total = total,
			.class_weight = class_weight,
		};
		uint32_t left[2], missing[2];
		struct mlops_grow_best best = { .score = -1, .left = left, .missing = missing };

		mlops_kernels_at(k)->grow_search(&bins, &best);
		assert_int_equal(bins.n_occupied, 4);
		assert_int_equal(bins.lowest, 0);
		assert_int_equal(bins.highest, 4);
		assert_true(best.score == 4 + 26.0 / 6);
		assert_int_equal(best.lower, 1);
		assert_int_equal(best.higher, 3);
		assert_int_equal(left[0], 4);
		assert_int_equal(left[1], 0);
		assert_int_equal(missing[0] + missing[1], 0);
		assert_false(best.saw_missing);
	}
}

enum { TABLE_ROWS = 700, FEATURES = 5 };

/* Rows of a node among others, with the codes of their features side by side.
 */
struct table {
	uint16_t codes[TABLE_ROWS * FEATURES];
	struct mlops_grow_row rows[TABLE_ROWS];
	size_t n;
	uint32_t least[FEATURES], most[FEATURES];
	bool any_missing;
};

static void draw_table(struct mlops_rng *rng, size_t n_classes, struct table *table)
{
	uint32_t density = 1 + mlops_rng_below(rng, 4);

	table->n = 0;
	table->any_missing = mlops_rng_below(rng, 2) == 0;
	for (size_t f = 0; f < FEATURES; f++) {
		table->least[f] = mlops_rng_below(rng, MLOPS_GROW_MOST_CODES);
		table->most[f] =
			table->least[f] + mlops_rng_below(rng, MLOPS_GROW_MOST_CODES - table->least[f]);
	}
	for (uint32_t r = 0; r < TABLE_ROWS; r++) {
		for (size_t f = 0; f < FEATURES; f++) {
			uint32_t code =
				table->least[f] + mlops_rng_below(rng, table->most[f] - table->least[f] + 1);

			if (table->any_missing && mlops_rng_below(rng, 5) == 0)
				code = MLOPS_GROW_MISSING;
			table->codes[r * FEATURES + f] = (uint16_t)code;
		}
		if (mlops_rng_below(rng, density) == 0)
			table->rows[table->n++] = (struct mlops_grow_row){
				r, (uint16_t)(1 + mlops_rng_below(rng, 3)),
				(uint16_t)mlops_rng_below(rng, (uint32_t)n_classes)
			};
	}
	table->n = mlops_rng_below(rng, (uint32_t)table->n + 1);
}

static void count_alike(void **state)
{
	enum { SIZE = 257 * MOST_WIDTH };
	struct mlops_rng rng = mlops_rng_start(5, MLOPS_RNG_SIMULATE, 0);
	struct table table;
	static uint32_t expected[MLOPS_GROW_AT_ONCE * SIZE], counts[MLOPS_GROW_AT_ONCE * SIZE];

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct mlops_grow_window windows[MLOPS_GROW_AT_ONCE];
		struct mlops_grow_cells cells = draw_cells(&rng);
		size_t n_windows = mlops_rng_below(&rng, MLOPS_GROW_AT_ONCE + 1);
		bool by_feature = mlops_rng_below(&rng, 2) == 0;
		static uint16_t columns[FEATURES * TABLE_ROWS];

		draw_table(&rng, cells.n_classes, &table);
		for (size_t i = 0; i < FEATURES * TABLE_ROWS; i++)
			columns[i % FEATURES * TABLE_ROWS + i / FEATURES] = table.codes[i];
		for (size_t w = 0; w < n_windows; w++) {
			unsigned shift = 0;

			while ((table.most[w] >> shift) - (table.least[w] >> shift) >= 256)
				shift++;
			windows[w] = (struct mlops_grow_window){
				.codes = by_feature ? columns + w * TABLE_ROWS : table.codes + w,
				.first = table.least[w] >> shift,
				.n_bins = (table.most[w] >> shift) - (table.least[w] >> shift) + 1,
				.shift = shift,
			};
		}
		for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
			memset(k == 0 ? expected : counts, 0, sizeof counts);
			for (size_t w = 0; w < n_windows; w++)
				windows[w].counts = (k == 0 ? expected : counts) + w * SIZE;
			mlops_kernels_at(k)->grow_count(table.rows, table.n, by_feature ? 1 : FEATURES, cells,
							windows, n_windows, table.any_missing);
			if (k > 0)
				assert_memory_equal(counts, expected, sizeof counts);
		}
	}
}

/* Codes 4, 6 and 5 in two bins of two, weights 1, 2 and 65535, and 1 again; and one that is missing. */
static void count_by_hand(void **state)
{
	static const uint16_t codes[] = { 4, 6, 5, MLOPS_GROW_MISSING, 5 };
	static const struct mlops_grow_row rows[] = {
		{ 0, 1, 0 }, { 1, 2, 1 }, { 2, 65535, 1 }, { 3, 4, 0 }, { 4, 1, 1 }
	};
	static const uint32_t expected[] = { 1, 65536, 3, 0, 2, 1, 4, 0, 1 };

	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		uint32_t counts[9] = { 0 };
		struct mlops_grow_window window = {
			.codes = codes, .first = 2, .n_bins = 2, .shift = 1, .counts = counts
		};
		struct mlops_grow_cells cells = { .n_classes = 2, .with_rows = true };

		mlops_kernels_at(k)->grow_count(rows, 5, 1, cells, &window, 1, true);
		assert_memory_equal(counts, expected, sizeof counts);
	}
}

static void keys_inside_and_partition_alike(void **state)
{
	struct mlops_rng rng = mlops_rng_start(6, MLOPS_RNG_SIMULATE, 0);
	struct table table;
	size_t split = 0;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct mlops_grow_cells cells = draw_cells(&rng);
		uint32_t expected_counts[64 * MOST_WIDTH], counts[64 * MOST_WIDTH];
		uint16_t expected_keys[TABLE_ROWS], keys[TABLE_ROWS];
		struct mlops_grow_row expected_rows[TABLE_ROWS], rows[TABLE_ROWS], spare[TABLE_ROWS];
		struct mlops_grow_pair pair = { .bits = mlops_rng_below(&rng, MLOPS_GROW_MOST_SHIFT + 1) };
		unsigned shift = pair.bits > 5 ? pair.bits - 5 : 0;
		size_t f = mlops_rng_below(&rng, FEATURES), expected_left = 0;
		bool missing_left = mlops_rng_below(&rng, 2) == 0;
		uint32_t last;

		draw_table(&rng, cells.n_classes, &table);
		if (mlops_rng_below(&rng, 3) == 0) {
			/* so narrow that some are inside */
			for (size_t i = 0; i < TABLE_ROWS * FEATURES; i++)
				table.codes[i] = table.codes[i] == MLOPS_GROW_MISSING ? table.codes[i]
										      : table.codes[i] % 4096;
			table.least[f] = 0;
			table.most[f] = 4095;
		}
		pair.lower = (table.least[f] >> pair.bits) << pair.bits;
		pair.higher = pair.lower + ((1 + mlops_rng_below(&rng, 3)) << pair.bits);
		if (pair.higher + (1u << pair.bits) > MLOPS_GROW_MOST_CODES) {
			pair.lower = 0;
			pair.higher = 1u << pair.bits;
		}
		last = table.least[f] + mlops_rng_below(&rng, table.most[f] - table.least[f] + 1);
		for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
			const struct mlops_kernels *kernels = mlops_kernels_at(k);
			size_t left;

			memset(keys, 0, sizeof keys);
			memset(counts, 0, sizeof counts);
			memcpy(rows, table.rows, sizeof rows);
			kernels->grow_keys(rows, table.n, table.codes + f, FEATURES, keys);
			kernels->grow_inside(rows, keys, table.n, cells, &pair, shift, counts);
			left = kernels->grow_partition(rows, keys, table.n, last, missing_left, spare);
			if (k == 0) {
				memcpy(expected_keys, keys, sizeof keys);
				memcpy(expected_counts, counts, sizeof counts);
				memcpy(expected_rows, rows, sizeof rows);
				expected_left = left;
				split += left > 0 && left < table.n;
				continue;
			}
			assert_memory_equal(keys, expected_keys, sizeof keys);
			assert_memory_equal(counts, expected_counts, sizeof counts);
			assert_memory_equal(rows, expected_rows, table.n * sizeof *rows);
			assert_int_equal(left, expected_left);
		}
	}
	assert_true(split > 1000);
}

/* Of the codes 3, 9, 1, 7 those up to 3 go left, and the missing one where it is told to. */
static void partition_by_hand(void **state)
{
	static const uint16_t keys[] = { 3, 9, MLOPS_GROW_MISSING, 1, 7 };
	static const uint32_t orders[2][5] = { { 0, 3, 1, 2, 4 }, { 0, 2, 3, 1, 4 } };

	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		for (size_t missing_left = 0; missing_left < 2; missing_left++) {
			struct mlops_grow_row rows[5], spare[5];

			for (uint32_t i = 0; i < 5; i++)
				rows[i] = (struct mlops_grow_row){ .row = i, .weight = 1 };
			assert_int_equal(mlops_kernels_at(k)->grow_partition(rows, keys, 5, 3,
									     missing_left == 1, spare),
					 2 + missing_left);
			for (size_t i = 0; i < 5; i++)
				assert_int_equal(rows[i].row, orders[missing_left][i]);
		}
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
		cmocka_unit_test(count_alike),
		cmocka_unit_test(count_by_hand),
		cmocka_unit_test(keys_inside_and_partition_alike),
		cmocka_unit_test(partition_by_hand),
		cmocka_unit_test(blocks_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
