/* The loops against plain words: what each is to give is counted out here by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/table.h"

#include <math.h>
#include <string.h>

#define FEATURE_BITS 2 /* two features */

static struct mlops_node inner(uint32_t left, uint32_t feature, uint32_t missing_left, float threshold)
{
	return (struct mlops_node){ .threshold = threshold,
				    .word = left << FEATURE_BITS | feature << 1 | missing_left };
}

static struct mlops_node leaf(uint32_t number)
{
	return (struct mlops_node){ .leaf = number };
}

static void test_forest_row(void **state)
{
	/* x0 <= 1.5 (missing: left)? leaf 7 : (x1 <= -2 (missing: right)? leaf 8 : leaf 9); a leaf alone. */
	const struct mlops_node nodes[] = {
		inner(1, 0, 1, 1.5f), leaf(7), inner(3, 1, 0, -2.0f), leaf(8), leaf(9), leaf(3)
	};
	const uint32_t tree_start[] = { 0, 5, 6 };
	const struct mlops_kernel_forest forest = { nodes, tree_start, 2, FEATURE_BITS };
	const float rows[][2] = {
		{ 1.5f, 0 }, { nextafterf(1.5f, 2), -2 }, { 9, nextafterf(-2, 0) }, { 9, NAN },
		{ NAN, -3 }, { INFINITY, -INFINITY }
	};
	const uint32_t expected[] = { 7, 8, 9, 9, 7, 8 };
	(void)state;

	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		const struct mlops_kernels *kernels = mlops_kernels_at(k);
		uint32_t leaves[7];

		memset(leaves, 0x55, sizeof leaves);
		kernels->forest_leaves(nodes, FEATURE_BITS, rows[0], 2, 6, true, leaves);
		assert_memory_equal(leaves, expected, sizeof expected);
		assert_int_equal(leaves[6], 0x55555555);
		kernels->forest_leaves(nodes, FEATURE_BITS, rows[0], 2, 0, false, leaves);
		assert_memory_equal(leaves, expected, sizeof expected);
		for (size_t r = 0; r < 6; r++) {
			float row[4];

			for (size_t f = 0; f < 2; f++) {
				row[2 * f] = isnan(rows[r][f]) ? INFINITY : rows[r][f];
				row[2 * f + 1] = isnan(rows[r][f]) ? -INFINITY : rows[r][f];
			}
			kernels->forest_row(&forest, row, leaves);
			assert_int_equal(leaves[0], expected[r]);
			assert_int_equal(leaves[1], 3);
			assert_int_equal(leaves[2], expected[2]);
		}
	}
}

static void test_unfolded(void **state)
{
	/* the tree of test_forest_row, for columns x0, x1, zeros, -, x0 and x1 with missing values below
	 */
	const struct mlops_node nodes[] = { inner(1, 0, 1, 1.5f), leaf(7), inner(3, 1, 0, -2.0f), leaf(8),
					    leaf(9) };
	const struct mlops_walk_node unfolded[] = {
		{ 0xbfc00000, 1 << 7 | 1 << 6 },
		{ 7, 1 << 7 | 32 },
		{ 0x3fffffff, 3 << 7 | 16 },
		{ 8, 3 << 7 | 32 },
		{ 9, 4 << 7 | 32 },
	};
	const float x[][6] = { { 1.5f, nextafterf(1.5f, 2), 9, 9, NAN, INFINITY },
			       { 0, -2, nextafterf(-2, 0), NAN, -3, -INFINITY } };
	const uint32_t expected[] = { 7, 8, 9, 9, 7, 8 };
	(void)state;

	assert_int_equal(mlops_walk_key(-0.0f), 0x80000000);
	assert_int_equal(mlops_walk_key(0.0f), 0x80000000);
	assert_int_equal(mlops_walk_key(-INFINITY), 0x007fffff);
	assert_int_equal(mlops_walk_key(INFINITY), 0xff800000);
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		const struct mlops_kernels *kernels = mlops_kernels_at(k);
		struct mlops_walk_node found[6];
		uint32_t keys[6 * MLOPS_WALK_ROWS] = { 0 }, leaves[MLOPS_WALK_ROWS];

		memset(found, 0x55, sizeof found);
		kernels->forest_unfold(nodes, 5, FEATURE_BITS, 2, 2, found);
		assert_memory_equal(found, unfolded, sizeof unfolded);
		assert_int_equal(found[5].cut, 0x55555555);
		for (size_t f = 0; f < 2; f++) {
			assert_true(kernels->forest_keys(x[f], 6, UINT32_MAX, sizeof keys,
							 keys + f * MLOPS_WALK_ROWS));
			assert_true(kernels->forest_keys(x[f], 6, 0, sizeof keys,
							 keys + (4 + f) * MLOPS_WALK_ROWS));
		}
		assert_int_equal(keys[6], 0);
		kernels->forest_walk(found, 2, true, keys, sizeof keys, 1, leaves);
		assert_memory_equal(leaves, expected, sizeof expected);
		/* without a look at the second columns, a missing value goes right */
		kernels->forest_walk(found, 2, false, keys, sizeof keys, 1, leaves);
		assert_int_equal(leaves[4], 8);
		assert_memory_equal(leaves, expected, 4 * sizeof *expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forest_row),
		cmocka_unit_test(test_unfolded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
