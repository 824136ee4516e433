#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/sort.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* What qsort makes of them; bits may differ in zeros only. */
static void check(const float *values, size_t n)
{
	float *expected = calloc(n + 1, sizeof *expected);
	float *seen = calloc(n + 1, sizeof *seen);
	float *spare = calloc(n + 1, sizeof *spare);

	assert_non_null(expected);
	assert_non_null(seen);
	assert_non_null(spare);
	memcpy(expected, values, n * sizeof *values);
	memcpy(seen, values, n * sizeof *values);
	seen[n] = spare[n] = 77;
	qsort(expected, n, sizeof *expected, compare);
	mlops_sort_floats(seen, spare, n);
	for (size_t i = 0; i < n; i++)
		assert_true(seen[i] == expected[i]);
	assert_true(seen[n] == 77 && spare[n] == 77);
	free(expected);
	free(seen);
	free(spare);
}

static void as_qsort(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 7, 8, 9, 100, 1499, 1500, 1501, 5000, 70000 };
	static const float special[] = { 0, -0.0f, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, 1e-42f, -1e-45f };
	struct mlops_rng rng = mlops_rng_start(6, MLOPS_RNG_SIMULATE, 0);
	float *values = calloc(70000, sizeof *values);

	(void)state;
	assert_non_null(values);
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		size_t n = sizes[s];

		for (unsigned shape = 0; shape < 5; shape++) {
			for (size_t i = 0; i < n; i++) {
				uint32_t bits = mlops_rng_u32(&rng);

				memcpy(&values[i], &bits, sizeof bits);
				if (isnan(values[i]) || bits % 16 == 0)
					values[i] = special[bits % 8];
				if (shape == 1)
					values[i] = (float)(bits % 10) - 5; /* few, often */
				else if (shape == 2)
					values[i] = 3; /* one digit in all places */
				else if (shape == 3)
					values[i] = (float)i; /* sorted already */
				else if (shape == 4)
					values[i] = -(float)i;
			}
			check(values, n);
		}
	}
	free(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_qsort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
