/* Each build of the forest kernels gives what the reference gives, and a program what walking gives. */
#include "base/rng.h"
#include "kernel/table.h"
#include "model/trees_mux.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FEATURES  5
#define MOST_ROWS 1100

/* Values that meet thresholds exactly, missing ones, denormals, both zeros, the largest there are and larger
 * ones. */
static float draw_value(struct mlops_rng *rng, bool may_miss)
{
	static const float special[] = { 0, -0.0f,    1e-42f,	 -1e-42f, FLT_MAX, -FLT_MAX,
					 3, INFINITY, -INFINITY, NAN,	  -NAN };
	uint32_t kind = mlops_rng_below(rng, 22);

	if (kind < 11 && (may_miss || !isnan(special[kind])))
		return special[kind];
	return (float)mlops_rng_below(rng, 40) / 4 - 5;
}

/* A row may have infinities too, which no threshold is. */
static float draw_cell(struct mlops_rng *rng, bool may_miss)
{
	uint32_t kind = mlops_rng_below(rng, 64);

	return kind == 0 ? INFINITY : kind == 1 ? -INFINITY : draw_value(rng, may_miss);
}

static float draw_threshold(struct mlops_rng *rng)
{
	float threshold = INFINITY;

	while (isinf(threshold))
		threshold = draw_value(rng, false);
	return threshold;
}

/* A tree of n inner nodes: each time a leaf is split, the last one of two (deep) or any (shallow). */
static void draw_tree(struct mlops_rng *rng, struct mlops_tree_builder *builder, size_t n, bool deep)
{
	uint32_t *leaves = calloc(n + 1, sizeof *leaves);
	size_t n_leaves = 1;

	assert_non_null(leaves);
	leaves[0] = mlops_tree_builder_add(builder, 1);
	for (size_t i = 0; i < n; i++) {
		size_t pick = deep ? n_leaves - 1 - mlops_rng_below(rng, n_leaves > 1 ? 2 : 1)
				   : mlops_rng_below(rng, (uint32_t)n_leaves);
		uint32_t left = mlops_tree_builder_add(builder, 2);

		mlops_tree_builder_set_split(builder, leaves[pick], mlops_rng_below(rng, FEATURES),
					     draw_threshold(rng), mlops_rng_below(rng, 2) == 0, left);
		leaves[pick] = left;
		leaves[n_leaves++] = left + 1;
	}
	for (size_t i = 0; i < n_leaves; i++) {
		float value = (float)mlops_rng_below(rng, 60000) / 1024;

		assert_true(mlops_tree_builder_set_leaf(builder, leaves[i], &value));
	}
	free(leaves);
}

static void draw_forest(struct mlops_rng *rng, const size_t *sizes, size_t n, bool deep,
			struct mlops_trees *trees)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_tree_builder *builders = calloc(n, sizeof *builders);

	assert_non_null(builders);
	for (size_t t = 0; t < n; t++) {
		builders[t].n_outputs = 1;
		builders[t].feature_bits = mlops_trees_feature_bits(FEATURES);
		draw_tree(rng, &builders[t], sizes[t], deep);
	}
	assert_true(mlops_trees_join(builders, n, FEATURES, trees, &error));
	assert_true(trees->exact_sums);
	for (size_t t = 0; t < n; t++)
		mlops_tree_builder_release(&builders[t]);
	free(builders);
}

struct table {
	float values[FEATURES][MOST_ROWS + 1];
	const float *columns[FEATURES];
};

static struct table *draw_table(struct mlops_rng *rng, bool may_miss)
{
	struct table *table = calloc(1, sizeof *table);

	assert_non_null(table);
	for (size_t f = 0; f < FEATURES; f++) {
		table->columns[f] = table->values[f] + (f & 1);
		for (size_t r = 0; r <= MOST_ROWS; r++)
			table->values[f][r] = draw_cell(rng, may_miss && f != 2);
	}
	return table;
}

/* Said once more, and differently. */
static float expected_sum(const struct mlops_trees *trees, const struct table *table, size_t row)
{
	float sum = 0;

	for (size_t t = 0; t < trees->n_trees; t++) {
		const struct mlops_node *nodes = trees->nodes + trees->tree_start[t];
		const struct mlops_node *node = nodes;

		while (mlops_node_left(trees, node) != 0) {
			float x = table->columns[mlops_node_feature(trees, node)][row];
			bool left = isnan(x) ? mlops_node_missing_left(node) : x <= node->threshold;

			node = nodes + mlops_node_left(trees, node) + (left ? 0 : 1);
		}
		sum += trees->leaf_values[node->leaf];
	}
	return sum;
}

static void check_forest(const struct mlops_trees *trees, const struct table *table)
{
	static const size_t rows[] = { 1, 2, 4, 5, 7, 8, 9, 95, 96, 97, 511, 512, 513, MOST_ROWS };
	struct mlops_error error = MLOPS_ERROR_INIT;
	float sums[MOST_ROWS + 1];

	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		assert_true(mlops_kernels_force(mlops_kernels_at(k)->name));
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			struct mlops_matrix matrix = { table->columns, FEATURES, NULL, rows[i] };

			memset(sums, 0x55, sizeof sums);
			assert_true(mlops_trees_sum(trees, &matrix, NULL, sums, &error));
			for (size_t r = 0; r < rows[i]; r++)
				assert_true(sums[r] == expected_sum(trees, table, r));
			assert_memory_equal(&sums[rows[i]], "\x55\x55\x55\x55", 4);
		}
	}
	assert_true(mlops_kernels_force(NULL));
}

static void check_shape(uint64_t seed, const size_t *sizes, size_t n, bool deep, bool becomes_program)
{
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 0);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_trees trees;

	draw_forest(&rng, sizes, n, deep, &trees);
	for (int prepared = 0; prepared < 2; prepared++) {
		for (int may_miss = 0; may_miss < 2; may_miss++) {
			struct table *table = draw_table(&rng, may_miss == 1);

			check_forest(&trees, table);
			free(table);
		}
		assert_true(mlops_trees_prepare(&trees, &error));
		assert_int_equal(trees.mux != NULL, becomes_program);
	}
	mlops_trees_release(&trees);
}

static void shallow_and_deep(void **state)
{
	static const size_t small[] = { 1, 0, 2, 3, 4, 5, 40, 63, 255 };
	static const size_t large[] = { 1000, 3, 900 };

	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++) {
		check_shape(seed, small, sizeof small / sizeof small[0], seed % 2 == 0, true);
		check_shape(seed, large, sizeof large / sizeof large[0], seed % 2 == 0, false);
	}
}

static void leaves_alone(void **state)
{
	static const size_t none[] = { 0, 0 };

	(void)state;
	check_shape(1, none, 2, false, true);
}

/* Trees that are unfolded, of sizes that leave vectors half full; each build does what the reference does. */
static void unfolded(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 300 };
	enum { COLUMN_BITS = 3, STRIDE = ((1 << COLUMN_BITS) + FEATURES) * MLOPS_WALK_ROWS, GROUPS = 3 };
	struct mlops_rng rng = mlops_rng_start(11, MLOPS_RNG_SIMULATE, 2);
	struct mlops_trees trees;
	static uint32_t keys[2][GROUPS * STRIDE];
	struct mlops_walk_node nodes[2][602];
	uint32_t leaves[2][GROUPS * MLOPS_WALK_ROWS];

	(void)state;
	draw_forest(&rng, sizes, 11, false, &trees);
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		const struct mlops_kernels *kernels[2] = { mlops_kernels_at(0), mlops_kernels_at(k) };
		size_t n = GROUPS * MLOPS_WALK_ROWS - k;
		struct table *table = draw_table(&rng, true);
		bool missing[2];

		memset(keys, 0, sizeof keys);
		for (size_t f = 0; f < FEATURES; f++) {
			size_t second = (f + (1 << COLUMN_BITS)) * MLOPS_WALK_ROWS;

			for (int i = 0; i < 2; i++) {
				missing[i] = kernels[i]->forest_keys(table->columns[f], n, UINT32_MAX, STRIDE,
								     keys[i] + f * MLOPS_WALK_ROWS);
				kernels[i]->forest_keys(table->columns[f], n, 0, STRIDE, keys[i] + second);
			}
			assert_int_equal(missing[0], missing[1]);
			assert_int_equal(missing[0], f != 2);
		}
		assert_memory_equal(keys[0], keys[1], sizeof keys[0]);
		for (size_t t = 0; t < trees.n_trees; t++) {
			size_t size = trees.tree_start[t + 1] - trees.tree_start[t];

			memset(nodes, 0x55, sizeof nodes);
			for (int i = 0; i < 2; i++) {
				kernels[i]->forest_unfold(trees.nodes + trees.tree_start[t], size,
							  trees.feature_bits, FEATURES, COLUMN_BITS,
							  nodes[i]);
				kernels[i]->forest_walk(nodes[i], COLUMN_BITS, true, keys[i], STRIDE, GROUPS,
							leaves[i]);
			}
			assert_memory_equal(nodes[0], nodes[1], sizeof nodes[0]);
			assert_memory_equal(leaves[0], leaves[1], sizeof leaves[0]);
		}
		free(table);
	}
	mlops_trees_release(&trees);
}

enum { CHAIN = 150 };

/* A forest of chains that asks the one feature for cuts[0..n), in an order that is not theirs. */
static void make_chains(const float *cuts, size_t n, struct mlops_trees *trees)
{
	size_t n_trees = (n + CHAIN - 1) / CHAIN;
	struct mlops_tree_builder *builders = calloc(n_trees, sizeof *builders);
	struct mlops_error error = MLOPS_ERROR_INIT;
	const float value = 1;

	assert_non_null(builders);
	for (size_t t = 0; t < n_trees; t++) {
		struct mlops_tree_builder *builder = &builders[t];
		uint32_t at;

		builder->n_outputs = 1;
		builder->feature_bits = mlops_trees_feature_bits(1);
		at = mlops_tree_builder_add(builder, 1);
		for (size_t i = t; i < n; i += n_trees) {
			uint32_t left = mlops_tree_builder_add(builder, 2);

			mlops_tree_builder_set_split(builder, at, 0, cuts[n - 1 - i], i % 2 == 0, left);
			assert_true(mlops_tree_builder_set_leaf(builder, left, &value));
			at = left + 1;
		}
		assert_true(mlops_tree_builder_set_leaf(builder, at, &value));
	}
	assert_true(mlops_trees_join(builders, n_trees, 1, trees, &error));
	assert_true(mlops_trees_prepare(trees, &error));
	for (size_t t = 0; t < n_trees; t++)
		mlops_tree_builder_release(&builders[t]);
	free(builders);
}

/* Each build's code of x amid others: at an odd address, at every place of a group. */
static void check_code(const struct mlops_mux_feature *feature, float x, int16_t expected)
{
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		float values[40];
		int16_t codes[40];

		for (size_t n = 1; n <= 34; n += 11) {
			for (size_t i = 0; i < 40; i++)
				values[i] = x;
			memset(codes, 0x55, sizeof codes);
			assert_int_equal(
				mlops_kernels_at(k)->mux_codes(feature, values + 1, n, -1, codes + 1),
				isnan(x));
			for (size_t i = 1; i <= n; i++)
				assert_int_equal(codes[i], expected);
			assert_int_equal(codes[0], 0x5555);
			assert_int_equal(codes[n + 1], 0x5555);
		}
	}
}

/* cuts are ascending. */
static void check_codes(const float *cuts, size_t n)
{
	size_t step = n / 300 + 1;
	struct mlops_trees trees;

	make_chains(cuts, n, &trees);
	assert_non_null(trees.mux);
	assert_int_equal(trees.mux->features[0].n_cuts, n);
	for (size_t i = 0; i < n; i += i + 40 < n && i > 40 ? step : 1) {
		check_code(&trees.mux->features[0], cuts[i], (int16_t)i);
		check_code(&trees.mux->features[0], nextafterf(cuts[i], INFINITY), (int16_t)(i + 1));
		check_code(&trees.mux->features[0], nextafterf(cuts[i], -INFINITY),
			   (int16_t)(i > 0 && nextafterf(cuts[i], -INFINITY) <= cuts[i - 1] ? i - 1 : i));
	}
	check_code(&trees.mux->features[0], INFINITY, (int16_t)n);
	check_code(&trees.mux->features[0], -INFINITY, 0);
	check_code(&trees.mux->features[0], NAN, -1);
	mlops_trees_release(&trees);
}

/* One level to four, with one group and with two in the last. */
static void codes_of_levels(void **state)
{
	static const size_t sizes[] = { 1,   2,   15,  16,   17,   31,   32,   33,    272,  273,
					528, 529, 544, 4369, 8704, 8705, 8736, 20000, 32766 };

	(void)state;
	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
		float *cuts = calloc(sizes[k], sizeof *cuts);

		assert_non_null(cuts);
		for (size_t i = 0; i < sizes[k]; i++)
			cuts[i] = (float)i - 5;
		check_codes(cuts, sizes[k]);
		free(cuts);
	}
}

static void codes_of_odd_cuts(void **state)
{
	float cuts[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		cuts[i] = expf((float)i / 2);
	check_codes(cuts, 100);
	cuts[0] = -FLT_MAX;
	cuts[1] = -1e-42f;
	cuts[2] = 0;
	cuts[3] = 1e-45f;
	cuts[99] = FLT_MAX;
	check_codes(cuts, 100);
}

/* One cut more than codes can tell apart: the forest is walked. */
static void too_many_cuts(void **state)
{
	size_t n = MLOPS_MUX_MOST_CUTS + 1;
	float *cuts = calloc(n, sizeof *cuts);
	struct mlops_trees trees;

	(void)state;
	assert_non_null(cuts);
	for (size_t i = 0; i < n; i++)
		cuts[i] = (float)i;
	make_chains(cuts, n, &trees);
	assert_null(trees.mux);
	mlops_trees_release(&trees);
	free(cuts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shallow_and_deep),
		cmocka_unit_test(leaves_alone),
		cmocka_unit_test(unfolded),
		cmocka_unit_test(codes_of_levels),
		cmocka_unit_test(codes_of_odd_cuts),
		cmocka_unit_test(too_many_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
