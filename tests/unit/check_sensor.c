/* Checks of one sensor's course on sequences worked out by hand; what is kept of findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "check/sensor.h"
#include "check/sensor_time.h"
#include "check/tally.h"
#include "check/unique.h"

#define MOST 64

struct found {
	struct mlops_tally tallies[MLOPS_RULES];
	uint64_t last_row;
};

static void note(void *context, enum mlops_rule rule, uint64_t row, uint64_t line, double value,
		 double excess)
{
	struct found *found = context;

	mlops_tally_add(&found->tallies[rule], line, value, excess);
	found->last_row = row;
}

/* values in pieces of cut; row r is in line r + 2. */
static void check(struct mlops_schema_column *column, const float *values, size_t n, size_t cut,
		  const double *seconds, struct found *found)
{
	float room[MLOPS_SENSOR_HALO + MOST];
	uint64_t lines[MOST];
	struct mlops_sensor_state state = MLOPS_SENSOR_STATE_INIT;
	struct mlops_sensor_extremes extremes = { 0 };
	struct mlops_sensor_run run = {
		.column = column, .extremes = &extremes, .fault = note, .context = found
	};

	memset(found, 0, sizeof *found);
	for (size_t begin = 0; begin < n; begin += cut) {
		struct mlops_sensor_samples samples = {
			.n = n - begin < cut ? n - begin : cut,
			.values = room + MLOPS_SENSOR_HALO,
			.seconds = seconds != NULL ? seconds + begin : NULL,
			.first_row = begin,
			.lines = lines,
		};

		memcpy(samples.values, values + begin, samples.n * sizeof *values);
		for (size_t i = 0; i < samples.n; i++)
			lines[i] = begin + i + 2;
		mlops_sensor_check(&run, &state, &samples);
	}
}

static struct mlops_schema_column column_with(enum mlops_rule rule, double first, double second)
{
	struct mlops_schema_column column = { 0 };

	mlops_limits_default(&column.limits);
	column.limits.of[rule].values[0] = first;
	if (!isnan(second))
		column.limits.of[rule].values[1] = second;
	return column;
}

static void assert_lines(const struct mlops_tally *tally, size_t n, const uint64_t *lines)
{
	assert_int_equal(tally->rows, n);
	assert_int_equal(tally->n_lines, n);
	assert_memory_equal(tally->lines, lines, n * sizeof *lines);
}

static void tells_spikes_from_steps(void **state)
{
	const float values[] = { 1, 1, 9, 1, 1, 1, 9, 9, 9, 9, -5, 9, 9 };
	struct mlops_schema_column column = column_with(MLOPS_RULE_SPIKE, 5, NAN);
	struct found found;

	(void)state;
	column.limits.of[MLOPS_RULE_STEP].values[0] = 5;
	for (size_t cut = 1; cut <= 13; cut++) {
		check(&column, values, 13, cut, NULL, &found);
		assert_lines(&found.tallies[MLOPS_RULE_SPIKE], 2, (const uint64_t[]){ 4, 12 });
		assert_true(found.tallies[MLOPS_RULE_SPIKE].worst_line == 12);
		assert_lines(&found.tallies[MLOPS_RULE_STEP], 1, (const uint64_t[]){ 8 });
	}
	column.limits.of[MLOPS_RULE_SPIKE].severity = MLOPS_SEVERITY_OFF;
	column.limits.of[MLOPS_RULE_STEP].values[0] = 8;
	check(&column, values, 13, 13, NULL, &found);
	assert_int_equal(found.tallies[MLOPS_RULE_STEP].rows, 0);
}

static void sees_flat_lines(void **state)
{
	const float values[] = { 1, 2, 2, 2, 2, 3, 3, 3.05f, 3.1f, 3.05f, 4 };
	struct mlops_schema_column column = column_with(MLOPS_RULE_FLAT, 4, 0);
	struct found found;

	(void)state;
	for (size_t cut = 1; cut <= 11; cut++) {
		check(&column, values, 11, cut, NULL, &found);
		assert_lines(&found.tallies[MLOPS_RULE_FLAT], 1, (const uint64_t[]){ 6 });
	}
	column.limits.of[MLOPS_RULE_FLAT].values[1] = 0.2;
	check(&column, values, 11, 3, NULL, &found);
	assert_lines(&found.tallies[MLOPS_RULE_FLAT], 3, (const uint64_t[]){ 6, 10, 11 });
}

static void sees_fast_changes(void **state)
{
	const float values[] = { 0, 1, 2, 12, 22, 23 };
	const double seconds[] = { 0, 1, 2, 12, 13, 13 };
	struct mlops_schema_column column = column_with(MLOPS_RULE_RATE, 5, NAN);
	struct found found;

	(void)state;
	for (size_t cut = 1; cut <= 6; cut++) {
		check(&column, values, 6, cut, seconds, &found);
		assert_lines(&found.tallies[MLOPS_RULE_RATE], 1, (const uint64_t[]){ 6 });
		check(&column, values, 6, cut, NULL, &found);
		assert_lines(&found.tallies[MLOPS_RULE_RATE], 2, (const uint64_t[]){ 5, 6 });
	}
}

static void sees_markers(void **state)
{
	const float values[] = { 5, -999, -999, 5, -999, -999, -999, 7, 9999, 9999, -999, 1 };
	struct mlops_schema_column column = column_with(MLOPS_RULE_MARKER, 3, NAN);
	struct found found;

	(void)state;
	for (size_t cut = 1; cut <= 12; cut++) {
		check(&column, values, 12, cut, NULL, &found);
		assert_lines(&found.tallies[MLOPS_RULE_MARKER], 1, (const uint64_t[]){ 8 });
	}
	column.markers = UINT32_MAX;
	check(&column, values, 12, 12, NULL, &found);
	assert_int_equal(found.tallies[MLOPS_RULE_MARKER].rows, 0);
}

static void sees_noise_by_windows(void **state)
{
	struct mlops_schema_column column = column_with(MLOPS_RULE_NOISE, 0.5, 2);
	float values[MOST];
	struct found found;
	struct mlops_sensor_state sensor = MLOPS_SENSOR_STATE_INIT;
	struct mlops_sensor_extremes extremes = { 0 };
	struct mlops_sensor_run run = {
		.column = &column, .extremes = &extremes, .fault = note, .context = &found
	};
	float room[MLOPS_SENSOR_HALO + MOST];
	uint64_t lines[MOST];

	(void)state;
	memset(&found, 0, sizeof found);
	/* changes of 1, then of 3, then of 0.1: a window of each */
	for (size_t i = 0; i < 1 + 3 * MLOPS_NOISE_WINDOW; i++) {
		float size = i <= MLOPS_NOISE_WINDOW ? 1 : i <= 2 * MLOPS_NOISE_WINDOW ? 3 : 0.1f;
		struct mlops_sensor_samples samples = {
			.n = 1, .values = room + MLOPS_SENSOR_HALO, .first_row = i, .lines = lines
		};

		values[0] = sensor.begun ? sensor.last[0] + (i % 2 == 0 ? size : -size) : 0;
		room[MLOPS_SENSOR_HALO] = values[0];
		lines[0] = i + 2;
		mlops_sensor_check(&run, &sensor, &samples);
	}
	assert_lines(&found.tallies[MLOPS_RULE_NOISE], 2,
		     (const uint64_t[]){ 2 * MLOPS_NOISE_WINDOW + 2, 3 * MLOPS_NOISE_WINDOW + 2 });
	assert_int_equal(extremes.noise_windows, 3);
	assert_true(fabs(extremes.noise_least - 0.1) < 1e-4 && fabs(extremes.noise_most - 3) < 1e-4);
}

static void learns_limits(void **state)
{
	struct mlops_sensor_extremes extremes = {
		.spike = 2,
		.step = 4,
		.rate = 0.5,
		.flat = 7,
		.noise_windows = 8,
		.noise_least = 1,
		.noise_most = 3,
	};
	struct mlops_schema_column column = column_with(MLOPS_RULE_SPIKE, 99, NAN);
	const struct mlops_limit *of = column.limits.of;

	(void)state;
	mlops_sensor_learn(&extremes, 1.5, 1000, true, &column);
	assert_true(of[MLOPS_RULE_SPIKE].values[0] == 99);
	assert_true(of[MLOPS_RULE_STEP].values[0] == 6);
	assert_true(of[MLOPS_RULE_RATE].values[0] == 0.75);
	assert_true(of[MLOPS_RULE_FLAT].values[0] == 17);
	assert_true(of[MLOPS_RULE_NOISE].values[0] == 0.5);
	assert_true(fabs(of[MLOPS_RULE_NOISE].values[1] - 4.2) < 1e-12);
}

static void sees_times(void **state)
{
	struct mlops_time_state times = MLOPS_TIME_STATE_INIT;

	(void)state;
	times.memory = 4;
	assert_int_equal(mlops_time_check(&times, 10, 15), 0);
	assert_int_equal(mlops_time_check(&times, 20, 15), 0);
	assert_int_equal(mlops_time_check(&times, 36, 15), MLOPS_TIME_FOUND_GAP);
	assert_int_equal(mlops_time_check(&times, 36, 15), MLOPS_TIME_FOUND_DUPLICATE);
	assert_int_equal(mlops_time_check(&times, 20, 15),
			 MLOPS_TIME_FOUND_DUPLICATE | MLOPS_TIME_FOUND_BACKWARD);
	assert_int_equal(mlops_time_check(&times, 21, 15), 0);
	/* 10 is forgotten */
	assert_int_equal(mlops_time_check(&times, 10, 15), MLOPS_TIME_FOUND_BACKWARD);
	mlops_time_state_release(&times);
}

static void keeps_first_lines_and_the_worst(void **state)
{
	struct mlops_tally one = { 0 };
	struct mlops_tally two = { 0 };
	struct mlops_tally both = { 0 };

	(void)state;
	for (uint64_t line = 100; line > 0; line--)
		mlops_tally_add(line % 2 == 0 ? &one : &two, line, (double)line,
				line == 40 || line == 60 ? 5 : 1);
	mlops_tally_join(&both, &two);
	mlops_tally_join(&both, &one);
	assert_int_equal(both.rows, 100);
	assert_int_equal(both.n_lines, MLOPS_TALLY_LINES);
	for (uint64_t i = 0; i < MLOPS_TALLY_LINES; i++)
		assert_int_equal(both.lines[i], i + 1);
	assert_int_equal(both.worst_line, 40);
}

static void remembers_values(void **state)
{
	struct mlops_unique *unique = mlops_unique_new();

	(void)state;
	assert_non_null(unique);
	for (uint64_t i = 0; i < 100000; i++)
		assert_false(mlops_unique_add(unique, i * UINT64_C(0x9e3779b97f4a7c15)));
	for (uint64_t i = 0; i < 100000; i++)
		assert_true(mlops_unique_add(unique, i * UINT64_C(0x9e3779b97f4a7c15)));
	mlops_unique_free(unique);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_spikes_from_steps),
		cmocka_unit_test(sees_flat_lines),
		cmocka_unit_test(sees_fast_changes),
		cmocka_unit_test(sees_markers),
		cmocka_unit_test(sees_noise_by_windows),
		cmocka_unit_test(learns_limits),
		cmocka_unit_test(sees_times),
		cmocka_unit_test(keeps_first_lines_and_the_worst),
		cmocka_unit_test(remembers_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
