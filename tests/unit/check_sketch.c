/* Quantile sketch and column profile: against sorting and counting everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "check/column_profile.h"

static int compare(const void *a, const void *b)
{
	const float *x = a;
	const float *y = b;

	return (*x > *y) - (*x < *y);
}

static void sorts_any_floats(void **state)
{
	static float values[MLOPS_SKETCH_BLOCK], expected[MLOPS_SKETCH_BLOCK];
	static uint32_t scratch[2 * MLOPS_SKETCH_BLOCK];
	struct mlops_rng rng = mlops_rng_start(1, MLOPS_RNG_SIMULATE, 0);
	const size_t lengths[] = { 0, 1, 2, 255, MLOPS_SKETCH_BLOCK };

	(void)state;
	for (size_t l = 0; l < 5; l++) {
		size_t n = lengths[l];

		for (size_t i = 0; i < n; i++) {
			uint32_t bits = mlops_rng_u32(&rng);

			memcpy(&values[i], &bits, sizeof bits);
			if (!isfinite(values[i]))
				values[i] = (float)(i % 7) - 3;
			values[i] = i % 11 == 0 ? -0.0f : values[i];
		}
		memcpy(expected, values, sizeof expected);
		qsort(expected, n, sizeof *expected, compare);
		mlops_sketch_sort(values, n, scratch);
		for (size_t i = 0; i < n; i++) {
			assert_true(values[i] == expected[i]);
			assert_false(values[i] == 0 && signbit(values[i]));
		}
	}
}

static float *make(size_t n, int kind)
{
	struct mlops_rng rng = mlops_rng_start(7, MLOPS_RNG_SIMULATE, (uint32_t)kind);
	float *values = calloc(n, sizeof *values);

	assert_non_null(values);
	for (size_t i = 0; i < n; i++) {
		double unit = mlops_rng_unit(&rng);

		values[i] = (float)(kind == 0   ? unit
				    : kind == 1 ? (double)i
				    : kind == 2 ? -(double)i
				    : kind == 3 ? (i % 2 == 0 ? unit : 1000 + (double)i)
				    : kind == 4 ? floor(-log(1 - unit) * 50)
						: (double)(i / 4096 % 2) * 100 + unit);
	}
	return values;
}

static void profile_of(const float *values, size_t n, size_t cut, struct mlops_column_figures *figures)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_column_profile *profile = mlops_column_profile_new(&error);

	assert_non_null(profile);
	for (size_t i = 0; i < n; i += cut)
		mlops_column_profile_add(profile, values + i, n - i < cut ? n - i : cut);
	assert_true(mlops_column_profile_finish(profile, figures, &error));
	mlops_column_profile_free(profile);
}

/* The largest distance of the two distribution functions. */
static double worst_rank(const float *sorted, size_t n, const struct mlops_points *points)
{
	double worst = 0;
	double below = 0;
	size_t at = 0;

	for (size_t p = 0; p <= points->n; p++) {
		double before = below / (double)points->total;

		while (at < n && (p == points->n || sorted[at] < points->values[p]))
			at++;
		worst = fmax(worst, fabs((double)at / (double)n - before));
		while (at < n && p < points->n && sorted[at] <= points->values[p])
			at++;
		below += p < points->n ? (double)points->counts[p] : 0;
		worst = fmax(worst, fabs((double)at / (double)n - below / (double)points->total));
	}
	return worst;
}

static void keeps_ranks_within_the_stated_error(void **state)
{
	const size_t lengths[] = { 4097, 8192, 50000, 300000 };

	(void)state;
	for (size_t l = 0; l < 4; l++)
		for (int kind = 0; kind < 6; kind++) {
			size_t n = lengths[l];
			float *values = make(n, kind);
			struct mlops_column_figures figures;
			double worst;

			profile_of(values, n, 1000, &figures);
			qsort(values, n, sizeof *values, compare);
			worst = worst_rank(values, n, &figures.points);
			if (worst > mlops_sketch_error(n))
				fail_msg("n %zu, kind %d: %g, stated %g", n, kind, worst,
					 mlops_sketch_error(n));
			assert_true(figures.points.total == n);
			assert_true(figures.min == values[0] && figures.max == values[n - 1]);
			mlops_column_figures_release(&figures);
			free(values);
		}
}

static void is_exact_for_few_rows(void **state)
{
	struct mlops_column_figures figures;
	float *values = make(4096, 0);

	(void)state;
	profile_of(values, 4096, 4096, &figures);
	qsort(values, 4096, sizeof *values, compare);
	assert_true(mlops_sketch_error(4096) <= 0);
	assert_true(worst_rank(values, 4096, &figures.points) <= 0);
	assert_true(fabs(mlops_points_quantile(&figures.points, 0.5) -
			 ((double)values[2047] + (double)values[2048]) / 2) < 1e-7);
	assert_true(mlops_points_quantile(&figures.points, 1) == (double)values[4095]);
	mlops_column_figures_release(&figures);
	free(values);
}

/* However the rows are cut, the figures are the same to the last bit. */
static void does_not_depend_on_cuts(void **state)
{
	const size_t cuts[] = { 1, 777, 4096, 100000 };
	struct mlops_column_figures first, other;
	float *values = make(100000, 3);

	(void)state;
	for (size_t i = 0; i < 100000; i += 17)
		values[i] = NAN;
	profile_of(values, 100000, 8192, &first);
	assert_true(first.missing == 5883);
	for (size_t c = 0; c < 4; c++) {
		profile_of(values, 100000, cuts[c], &other);
		assert_memory_equal(&first.mean, &other.mean, sizeof first.mean);
		assert_memory_equal(&first.deviation, &other.deviation, sizeof first.deviation);
		assert_true(first.points.n == other.points.n && !(first.distinct < other.distinct) &&
			    !(first.distinct > other.distinct));
		assert_memory_equal(first.points.values, other.points.values, first.points.n * sizeof(float));
		assert_memory_equal(first.points.counts, other.points.counts,
				    first.points.n * sizeof(uint64_t));
		mlops_column_figures_release(&other);
	}
	mlops_column_figures_release(&first);
	free(values);
}

static void counts_moments_and_different_values(void **state)
{
	struct mlops_column_figures figures;
	float *values = make(300000, 0);
	double mean = 0;
	double squares = 0;

	(void)state;
	for (size_t i = 0; i < 300000; i++)
		values[i] += 1000;
	for (size_t i = 0; i < 300000; i++)
		mean += (double)values[i] / 300000;
	for (size_t i = 0; i < 300000; i++)
		squares += ((double)values[i] - mean) * ((double)values[i] - mean);
	profile_of(values, 300000, 5000, &figures);
	assert_true(fabs(figures.mean - mean) < 1e-9);
	assert_true(fabs(figures.deviation - sqrt(squares / 300000)) < 1e-9);
	assert_false(figures.whole || figures.few);
	mlops_column_figures_release(&figures);
	free(values);

	values = make(200000, 1);
	profile_of(values, 200000, 5000, &figures);
	assert_true(figures.whole);
	assert_true(fabs(figures.distinct - 200000) < 3 * 0.0163 * 200000);
	mlops_column_figures_release(&figures);
	for (size_t i = 0; i < 200000; i++)
		values[i] = (float)(i % 64);
	profile_of(values, 200000, 5000, &figures);
	assert_true(figures.few && figures.points.n == 64 && figures.points.counts[5] == 3125);
	assert_true(figures.distinct > 63.9 && figures.distinct < 64.1);
	mlops_column_figures_release(&figures);
	free(values);
}

static void estimates_how_many_are_different(void **state)
{
	static uint8_t registers[MLOPS_DISTINCT_REGISTERS];
	const uint64_t stops[] = { 10, 1000, 100000, 1000000 };
	uint64_t i = 0;

	(void)state;
	assert_true(mlops_distinct_hash(1) != mlops_distinct_hash(2));
	for (size_t s = 0; s < 4; s++) {
		for (; i < stops[s]; i++)
			mlops_distinct_add(registers, mlops_distinct_hash(i));
		/* what was there changes nothing */
		for (uint64_t again = 0; again < 1000 && again < i; again++)
			mlops_distinct_add(registers, mlops_distinct_hash(again));
		assert_true(fabs(mlops_distinct_count(registers) - (double)i) <= 3 * 0.0163 * (double)i);
	}
}

static void writes_figures(void **state)
{
	const float values[] = { 4, NAN, 1, 2, 3 };
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &out };
	struct mlops_column_figures figures;

	(void)state;
	profile_of(values, 5, 2, &figures);
	mlops_json_open(&json, '{');
	mlops_column_figures_write(&figures, &json);
	mlops_json_close(&json, '}');
	assert_string_equal(
		mlops_buffer_string(&out),
		"{\"count\":4,\"missing\":1,\"min\":1,\"max\":4,\"mean\":2.5,\"deviation\":1.118033988749895,"
		"\"quantiles\":{\"0\":1,\"1\":1.03,\"5\":1.15,\"25\":1.75,\"50\":2.5,\"75\":3.25,\"95\":3.85,"
		"\"99\":3.97,\"100\":4},\"distinct\":4}");
	mlops_buffer_release(&out);
	mlops_column_figures_release(&figures);

	profile_of(values + 1, 1, 1, &figures);
	assert_true(isnan(figures.min) && isnan(figures.mean) && figures.points.n == 0);
	assert_true(isnan(mlops_points_quantile(&figures.points, 0.5)));
	mlops_column_figures_release(&figures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_any_floats),
		cmocka_unit_test(keeps_ranks_within_the_stated_error),
		cmocka_unit_test(is_exact_for_few_rows),
		cmocka_unit_test(does_not_depend_on_cuts),
		cmocka_unit_test(counts_moments_and_different_values),
		cmocka_unit_test(estimates_how_many_are_different),
		cmocka_unit_test(writes_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
