#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "model/trees.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define assert_near(value, expected, allowed) \
	assert_true(fabs((double)(value) - (double)(expected)) <= (allowed))

enum { N_FEATURES = 3, N_ROWS = 700 };

static uint32_t add(struct mlops_tree_builder *builder, size_t n)
{
	uint32_t first = mlops_tree_builder_add(builder, n);

	assert_int_not_equal(first, UINT32_MAX);
	return first;
}

static void set_leaf(struct mlops_tree_builder *builder, uint32_t node, float value)
{
	assert_true(mlops_tree_builder_set_leaf(builder, node, &value));
}

/* x0 <= 1 ? (x2 <= 5, missing left ? 1 : 2) : (x1 <= -1 ? 4 : 8), the right half first or the left half
 * first. */
static void grow_example(struct mlops_tree_builder *builder, bool right_first)
{
	uint32_t root, children, left, right;

	*builder = (struct mlops_tree_builder){ .n_outputs = 1,
						 .feature_bits = mlops_trees_feature_bits(N_FEATURES) };
	root = add(builder, 1);
	children = add(builder, 2);
	mlops_tree_builder_set_split(builder, root, 0, 1, false, children);
	if (right_first) {
		right = add(builder, 2);
		left = add(builder, 2);
		set_leaf(builder, right + 1, 8);
		set_leaf(builder, right, 4);
		set_leaf(builder, left + 1, 2);
		set_leaf(builder, left, 1);
	} else {
		left = add(builder, 2);
		right = add(builder, 2);
		set_leaf(builder, left, 1);
		set_leaf(builder, left + 1, 2);
		set_leaf(builder, right, 4);
		set_leaf(builder, right + 1, 8);
	}
	mlops_tree_builder_set_split(builder, children, 2, 5, true, left);
	mlops_tree_builder_set_split(builder, children + 1, 1, -1, false, right);
}

static void set_stump(struct mlops_tree_builder *builder, uint32_t feature, float threshold, bool missing_left,
		      float left, float right)
{
	uint32_t root = add(builder, 1), children = add(builder, 2);

	mlops_tree_builder_set_split(builder, root, feature, threshold, missing_left, children);
	set_leaf(builder, children + 1, right);
	set_leaf(builder, children, left);
}

/* The example from halves that grew apart, and from one that grew to a leaf only. */
static void grafts(void **state)
{
	struct mlops_tree_builder builders[3], left, right;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_trees trees;

	(void)state;
	grow_example(&builders[0], true);
	left = right = builders[1] = builders[2] = (struct mlops_tree_builder){
		.n_outputs = 1, .feature_bits = mlops_trees_feature_bits(N_FEATURES)
	};
	set_stump(&left, 2, 5, true, 1, 2);
	set_stump(&right, 1, -1, false, 4, 8);
	add(&builders[1], 1);
	mlops_tree_builder_set_split(&builders[1], 0, 0, 1, false, add(&builders[1], 2));
	assert_true(mlops_tree_builder_graft(&builders[1], 2, &right));
	assert_true(mlops_tree_builder_graft(&builders[1], 1, &left));
	mlops_tree_builder_release(&left);
	set_leaf(&left, add(&left, 1), 7);
	set_leaf(&builders[2], add(&builders[2], 1), 3);
	assert_true(mlops_tree_builder_graft(&builders[2], 0, &left));
	assert_true(mlops_trees_join(builders, 3, N_FEATURES, &trees, &error));
	assert_int_equal(trees.tree_start[2], 14);
	assert_memory_equal(&trees.nodes[7], &trees.nodes[0], 3 * sizeof *trees.nodes);
	for (uint32_t i = 3; i < 7; i++)
		assert_near(trees.leaf_values[trees.nodes[7 + i].leaf], trees.leaf_values[trees.nodes[i].leaf], 0);
	assert_int_equal(trees.n_nodes, 15);
	assert_near(trees.leaf_values[trees.nodes[14].leaf], 7, 0);
	mlops_trees_release(&trees);
	mlops_tree_builder_release(&left);
	mlops_tree_builder_release(&right);
	for (size_t i = 0; i < 3; i++)
		mlops_tree_builder_release(&builders[i]);
}

static void join_example(struct mlops_trees *trees)
{
	struct mlops_tree_builder builders[2];
	struct mlops_error error = MLOPS_ERROR_INIT;

	grow_example(&builders[0], true);
	grow_example(&builders[1], false);
	assert_true(mlops_trees_join(builders, 2, N_FEATURES, trees, &error));
	mlops_tree_builder_release(&builders[0]);
	mlops_tree_builder_release(&builders[1]);
}

static float example_leaf(float x0, float x1, float x2)
{
	if (x0 <= 1)
		return isnan(x2) || x2 <= 5 ? 1 : 2;
	return x1 <= -1 ? 4 : 8;
}

static void bits_and_scales(void **state)
{
	(void)state;
	assert_int_equal(mlops_trees_feature_bits(1), 1);
	assert_int_equal(mlops_trees_feature_bits(2), 2);
	assert_int_equal(mlops_trees_feature_bits(3), 3);
	assert_int_equal(mlops_trees_feature_bits(4), 3);
	assert_int_equal(mlops_trees_feature_bits(5), 4);
	assert_int_equal(mlops_trees_feature_bits(128), 8);
	assert_near(mlops_trees_scale(1, 1), 16777216, 0);
	assert_near(mlops_trees_scale(100, 1), 131072, 0);
	assert_near(mlops_trees_scale(128, 1), 131072, 0);
	assert_near(mlops_trees_scale(129, 1), 65536, 0);
	assert_near(mlops_trees_scale(100, 18.5), 8192, 0);
	assert_near(mlops_trees_scale(16777216, 4), 0.25, 0);
}

static void equal_trees_get_equal_bytes(void **state)
{
	struct mlops_trees trees;

	(void)state;
	join_example(&trees);
	assert_int_equal(trees.n_trees, 2);
	assert_int_equal(trees.n_nodes, 14);
	assert_int_equal(trees.n_leaves, 8);
	assert_int_equal(trees.tree_start[1], 7);
	assert_true(trees.exact_sums);
	for (size_t i = 0; i < 7; i++) {
		const struct mlops_node *a = &trees.nodes[i], *b = &trees.nodes[7 + i];

		assert_int_equal(a->word, b->word);
		if (a->word == 0)
			assert_int_equal(a->leaf + 4, b->leaf);
		else
			assert_near(a->threshold, b->threshold, 0);
	}
	assert_memory_equal(trees.leaf_values, trees.leaf_values + 4, 4 * sizeof(float));
	assert_int_equal(mlops_node_left(&trees, &trees.nodes[0]), 1);
	assert_int_equal(mlops_node_left(&trees, &trees.nodes[1]), 3);
	assert_int_equal(mlops_node_left(&trees, &trees.nodes[2]), 5);
	assert_int_equal(mlops_node_feature(&trees, &trees.nodes[1]), 2);
	assert_true(mlops_node_missing_left(&trees.nodes[1]));
	assert_false(mlops_node_missing_left(&trees.nodes[2]));
	mlops_trees_release(&trees);
	assert_null(trees.nodes);
}

static void expect_join_error(struct mlops_tree_builder *builder, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_trees trees;

	assert_false(mlops_trees_join(builder, 1, N_FEATURES, &trees, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
	assert_null(trees.nodes);
	mlops_tree_builder_release(builder);
}

static void what_is_no_tree(void **state)
{
	struct mlops_tree_builder builder = { .n_outputs = 1 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_trees trees;

	(void)state;
	assert_false(mlops_trees_join(&builder, 0, N_FEATURES, &trees, &error));
	assert_string_equal(error.message, "a forest without trees");
	expect_join_error(&builder, "tree 0 has no node");
	grow_example(&builder, false);
	mlops_tree_builder_set_split(&builder, 2, 1, -1, false, 3);
	expect_join_error(&builder, "tree 0: node 3 has two parents");
	grow_example(&builder, false);
	set_leaf(&builder, 2, 4);
	expect_join_error(&builder, "tree 0: 2 of 7 nodes have no parent");
	grow_example(&builder, false);
	mlops_tree_builder_set_split(&builder, 3, 1, -1, false, 5);
	expect_join_error(&builder, "tree 0: node 5 has two parents");
	grow_example(&builder, false);
	mlops_tree_builder_set_split(&builder, 2, 1, -1, false, 1);
	expect_join_error(&builder, "tree 0: node 2 has children 1 and 2 of 7 nodes");
	grow_example(&builder, false);
	mlops_tree_builder_set_split(&builder, 2, 1, -1, false, 6);
	expect_join_error(&builder, "tree 0: node 2 has children 6 and 7 of 7 nodes");
	grow_example(&builder, false);
	builder.nodes[5].leaf = 4;
	expect_join_error(&builder, "tree 0: node 5 is leaf 4 of 4");
}

static void expect_check_error(struct mlops_trees *trees, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	assert_false(mlops_trees_check(trees, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
	mlops_trees_release(trees);
	join_example(trees);
}

static void what_a_check_finds(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_trees trees;

	(void)state;
	join_example(&trees);
	assert_true(mlops_trees_check(&trees, &error));
	trees.nodes[8].word = 1u << 3;
	expect_check_error(&trees, "tree 1: node 1 has children 1 and 2 of 7 nodes");
	trees.nodes[8].word = 6u << 3;
	expect_check_error(&trees, "tree 1: node 1 has children 6 and 7 of 7 nodes");
	trees.nodes[8].word = 5u << 3;
	expect_check_error(&trees, "tree 1: node 5 has two parents");
	trees.nodes[8].word = 0;
	trees.nodes[8].leaf = 0;
	expect_check_error(&trees, "tree 1: node 3 has no parent");
	trees.nodes[13].leaf = 8;
	expect_check_error(&trees, "tree 1: node 6 is leaf 8 of 8");
	trees.nodes[0].word |= 3u << 1;
	expect_check_error(&trees, "tree 0: node 0 asks for feature 3 of 3");
	trees.nodes[1].threshold = NAN;
	expect_check_error(&trees, "tree 0: node 1 has a threshold that is not finite");
	trees.leaf_values[3] = INFINITY;
	expect_check_error(&trees, "leaf 3 has a value that is not finite");
	trees.leaf_values[3] = 0.3f;
	expect_check_error(&trees, "leaf values do not have exact sums");
	trees.tree_start[1] = 14;
	expect_check_error(&trees, "tree 1 has no node");
	trees.tree_start[2] = 13;
	expect_check_error(&trees, "trees do not cover the 14 nodes");
	trees.feature_bits = 4;
	expect_check_error(&trees, "4 bits for 3 features");
	mlops_trees_release(&trees);
}

struct table {
	float values[N_FEATURES][N_ROWS];
	const float *columns[N_FEATURES];
	uint32_t rows[N_ROWS];
};

static struct table *make_table(void)
{
	struct table *table = calloc(1, sizeof *table);
	struct mlops_rng rng = mlops_rng_start(7, MLOPS_RNG_SIMULATE, 0);

	assert_non_null(table);
	for (size_t f = 0; f < N_FEATURES; f++) {
		table->columns[f] = table->values[f];
		for (size_t r = 0; r < N_ROWS; r++)
			table->values[f][r] = r % 11 == f ? NAN : (float)mlops_rng_below(&rng, 13) - 4;
	}
	for (size_t r = 0; r < N_ROWS; r++)
		table->rows[r] = mlops_rng_below(&rng, N_ROWS);
	return table;
}

/* Thresholds are met exactly and values are missing; all rows or some, exact or in double, with threads or
 * without. */
static void sums(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_pool *pool = mlops_pool_new(3, &error);
	struct table *table = make_table();
	struct mlops_trees trees;
	float sums[N_ROWS];

	(void)state;
	join_example(&trees);
	for (unsigned way = 0; way < 8; way++) {
		struct mlops_matrix matrix = {
			.columns = table->columns,
			.n_columns = N_FEATURES,
			.rows = (way & 1) != 0 ? table->rows : NULL,
			.n_rows = N_ROWS,
		};

		trees.exact_sums = (way & 4) == 0;
		memset(sums, 0xff, sizeof sums);
		assert_true(mlops_trees_sum(&trees, &matrix, (way & 2) != 0 ? pool : NULL, sums, &error));
		for (size_t r = 0; r < N_ROWS; r++)
			assert_near(sums[r],
				    2 * example_leaf(mlops_matrix_at(&matrix, r, 0),
						     mlops_matrix_at(&matrix, r, 1),
						     mlops_matrix_at(&matrix, r, 2)),
				    0);
	}
	mlops_trees_release(&trees);
	mlops_pool_free(pool);
	free(table);
}

static void too_few_columns(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_matrix matrix = { .n_columns = 2, .n_rows = 1 };
	struct mlops_trees trees;
	float sum;

	(void)state;
	join_example(&trees);
	assert_false(mlops_trees_sum(&trees, &matrix, NULL, &sum, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, "the model takes 3 features, and there are 2");
	mlops_trees_release(&trees);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits_and_scales),
		cmocka_unit_test(grafts),
		cmocka_unit_test(equal_trees_get_equal_bytes),
		cmocka_unit_test(what_is_no_tree),
		cmocka_unit_test(what_a_check_finds),
		cmocka_unit_test(sums),
		cmocka_unit_test(too_few_columns),
	};

	return cmocka_run_group_tests_name("model_trees", tests, NULL, NULL);
}
