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

static void test_forest_leaves(void **state)
{
	/* x0 <= 1.5 (missing: left)? leaf 7 : (x1 <= -2 (missing: right)? leaf 8 : leaf 9); a leaf alone. */
	const struct mlops_node nodes[] = { inner(1, 0, 1, 1.5f),  leaf(7), inner(3, 1, 0, -2.0f), leaf(8),
					    leaf(9),		   leaf(3) };
	const uint32_t tree_start[] = { 0, 5, 6 };
	const struct mlops_kernel_forest forest = { nodes, tree_start, 2, FEATURE_BITS };
	const float rows[][2] = { { 1.5f, 0 }, { nextafterf(1.5f, 2), -2 }, { 9, nextafterf(-2, 0) },
				  { 9, NAN },  { NAN, -3 },		    { INFINITY, -INFINITY } };
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
			kernels->forest_row(&forest, rows[r], leaves);
			assert_int_equal(leaves[0], expected[r]);
			assert_int_equal(leaves[1], 3);
			assert_int_equal(leaves[2], expected[2]);
		}
	}
}

static const uint16_t code[] = { 0, 3, 3, 1, 4095 };
static const uint8_t class_of[] = { 1, 0, 1, 1, 0 };
static const uint16_t weight[] = { 1, 2, 0, 65535, 7 };
static const uint32_t rows[] = { 4, 1, 3, 1, 2, 3 };

static void expect_counts(const uint32_t *counts)
{
	for (size_t i = 0; i < 2 * 4096; i++) {
		uint32_t expected = i == 2 * 3 ? 5 + 4 : i == 2 * 1 + 1 ? 131070 : i == 2 * 4095 ? 7 : 0;

		assert_int_equal(counts[i], expected);
	}
}

static void test_histogram(void **state)
{
	static uint32_t counts[2 * 4096];
	(void)state;

	counts[2 * 3] = 5;
	mlops_kernel_histogram(code, class_of, weight, rows, 6, 2, counts);
	expect_counts(counts);
}

static void test_histogram_touched(void **state)
{
	static uint32_t counts[2 * 4096];
	static struct mlops_kernel_touched touched;
	(void)state;

	counts[2 * 3] = 5;
	mlops_kernel_histogram_touched(code, class_of, weight, rows, 6, 2, counts, &touched);
	expect_counts(counts);
	for (size_t w = 0; w < 1024; w++) {
		uint64_t expected = w == 0 ? 1u << 1 | 1u << 3 : w == 63 ? UINT64_C(1) << 63 : 0;

		assert_true(touched.words[w] == expected);
	}
	assert_true(touched.summary[0] == (UINT64_C(1) << 63 | 1));
	for (size_t i = 1; i < 16; i++)
		assert_true(touched.summary[i] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forest_leaves),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_histogram_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
