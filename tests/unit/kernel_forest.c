/* Each build of the forest kernels gives what the reference gives, and a program what walking gives. */
#include "base/rng.h"
#include "kernel/table.h"
#include "model/trees_mux.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

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
			table->values[f][r] = draw_value(rng, may_miss && f != 2);
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
							  trees.feature_bits, FEATURES, COLUMN_BITS, nodes[i]);
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

/* Cuts that share a bucket, so that a search among all has to do, and cuts whose distance is infinite. */
static void codes(void **state)
{
	struct mlops_rng rng = mlops_rng_start(9, MLOPS_RNG_SIMULATE, 1);

	(void)state;
	for (unsigned shape = 0; shape < 3; shape++) {
		struct mlops_tree_builder builder = { .n_outputs = 1,
						      .feature_bits = mlops_trees_feature_bits(1) };
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_trees trees;
		float values[300];
		uint32_t at = mlops_tree_builder_add(&builder, 1);

		for (int i = 0; i < 100; i++) {
			float cut = shape == 0 ? (float)i : shape == 1 ? expf((float)i / 2) : (float)i - 50;
			float value = 1;
			uint32_t left = mlops_tree_builder_add(&builder, 2);

			cut = shape == 2 && i % 50 == 0 ? (i == 0 ? -FLT_MAX : FLT_MAX) : cut;
			values[3 * i] = cut;
			values[3 * i + 1] = nextafterf(cut, INFINITY);
			values[3 * i + 2] = i % 9 == 0 ? NAN : nextafterf(cut, -INFINITY);
			mlops_tree_builder_set_split(&builder, at, 0, cut, mlops_rng_below(&rng, 2) == 0,
						     left);
			assert_true(mlops_tree_builder_set_leaf(&builder, left, &value));
			at = left + 1;
		}
		assert_true(mlops_tree_builder_set_leaf(&builder, at, &(float){ 0 }));
		assert_true(mlops_trees_join(&builder, 1, 1, &trees, &error));
		assert_true(mlops_trees_prepare(&trees, &error));
		assert_int_equal(trees.mux->features[0].steps > 0, shape == 0);
		for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
			int16_t expected[300], found[301];

			assert_true(mlops_kernel_mux_codes_reference(&trees.mux->features[0], values, 300, -1,
								     expected));
			found[300] = 77;
			assert_true(mlops_kernels_at(k)->mux_codes(&trees.mux->features[0], values, 300, -1,
								   found));
			assert_memory_equal(found, expected, sizeof expected);
			assert_int_equal(found[300], 77);
		}
		mlops_trees_release(&trees);
		mlops_tree_builder_release(&builder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shallow_and_deep),
		cmocka_unit_test(leaves_alone),
		cmocka_unit_test(unfolded),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
