/* Drift between two columns; the figures are those of scipy 1.17 on the same values (tests/live has more of
 * them). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check/drift.h"
#include "check/profile.h"

static void profile_of(const float *values, size_t n, struct mlops_profiled_column *column)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_column_profile *profile = mlops_column_profile_new(&error);

	assert_non_null(profile);
	mlops_column_profile_add(profile, values, n);
	*column = (struct mlops_profiled_column){ .rows = n };
	assert_true(mlops_column_profile_finish(profile, &column->figures, &error));
	column->missing = column->figures.missing;
	mlops_column_profile_free(profile);
}

static void assert_near(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
		fail_msg("%.17g, expected %.17g", value, expected);
}

static void measures_numbers(void **state)
{
	struct mlops_profiled_column reference, current;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_drift drift;
	float a[200], b[151];

	(void)state;
	for (size_t i = 0; i < 200; i++)
		a[i] = (float)((double)(i * 37 % 101) / 10);
	for (size_t i = 0; i < 150; i++)
		b[i] = (float)((double)(i * 53 % 97) / 9 + 1);
	b[150] = NAN;
	profile_of(a, 200, &reference);
	profile_of(b, 151, &current);
	assert_true(mlops_drift_measure(&reference, &current, &drift, &error));
	assert_near(drift.psi, 0.8456683264239356);
	assert_near(drift.ks, 0.15333333333333332);
	assert_near(drift.wasserstein, 0.4225634766608049);
	assert_near(drift.jensen_shannon, 0.22937004657219628);
	assert_near(drift.missing, 1.0 / 151);
	mlops_column_figures_release(&reference.figures);
	mlops_column_figures_release(&current.figures);

	/* few values: a share for each */
	for (size_t i = 0; i < 200; i++)
		a[i] = (float)(i * 7 % 5);
	for (size_t i = 0; i < 150; i++)
		b[i] = (float)(i * 3 % 7);
	profile_of(a, 200, &reference);
	profile_of(b, 150, &current);
	assert_true(mlops_drift_measure(&reference, &current, &drift, &error));
	assert_near(drift.psi, 2.1793326748561084);
	assert_near(drift.ks, 0.2866666666666667);
	assert_near(drift.wasserstein, 0.7071067811865474);
	assert_near(drift.jensen_shannon, 0.3338456449836169);
	mlops_column_figures_release(&current.figures);

	/* nothing to compare with */
	profile_of(b + 150, 1, &current);
	assert_true(mlops_drift_measure(&reference, &current, &drift, &error));
	assert_true(isnan(drift.psi) && isnan(drift.ks) && isnan(drift.wasserstein) &&
		    isnan(drift.jensen_shannon));
	assert_near(drift.missing, 1);
	mlops_column_figures_release(&reference.figures);
	mlops_column_figures_release(&current.figures);
}

static void sees_no_drift_in_the_same_rows(void **state)
{
	struct mlops_profiled_column column;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_drift drift;
	float *values = calloc(50000, sizeof *values);

	(void)state;
	for (size_t i = 0; i < 50000; i++)
		values[i] = (float)(i * 7919 % 50021);
	profile_of(values, 50000, &column);
	assert_true(mlops_drift_measure(&column, &column, &drift, &error));
	assert_true(fabs(drift.psi) < 1e-12 && drift.ks < 1e-12 && drift.wasserstein < 1e-12 &&
		    drift.jensen_shannon < 1e-6 && fabs(drift.missing) < 1e-12);
	mlops_column_figures_release(&column.figures);
	free(values);
}

static void measures_texts(void **state)
{
	char on[] = "on", off[] = "off", stuck[] = "stuck";
	char *first[] = { on, off };
	char *second[] = { off, stuck };
	uint64_t of_first[] = { 60, 40 };
	uint64_t of_second[] = { 50, 50 };
	struct mlops_profiled_column reference = {
		.is_text = true, .rows = 100, .texts = first, .counts = of_first, .n_texts = 2
	};
	struct mlops_profiled_column current = { .is_text = true,
						 .rows = 125,
						 .missing = 25,
						 .texts = second,
						 .counts = of_second,
						 .n_texts = 2 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_drift drift;

	(void)state;
	assert_true(mlops_drift_measure(&reference, &current, &drift, &error));
	/* shares .6 .4 0 and 0 .5 .5; an empty one counts as .0001 */
	assert_near(drift.psi, 0.5999 * log(6000) + -0.1 * log(0.8) + -0.4999 * log(0.0002));
	assert_near(drift.jensen_shannon,
		    sqrt((1.1 * log(2) + 0.4 * log(0.4 / 0.45) + 0.5 * log(0.5 / 0.45)) / 2));
	assert_true(isnan(drift.ks) && isnan(drift.wasserstein));
	assert_near(drift.missing, 0.2);
}

static char **names_of_state(void *context, const char *feature, size_t *n)
{
	assert_string_equal(feature, "state");
	*n = 2;
	return context;
}

static void reads_a_models_profile(void **state)
{
	static const char json[] =
		"{\"rows\":1000,\"features\":[{\"name\":\"x\",\"missing\":0.1,\"min\":0,\"max\":4,"
		"\"mean\":2,\"deviation\":1,\"quantiles\":[0,1,2,2,4]},"
		"{\"name\":\"state\",\"missing\":0,\"shares\":[0.25,0.75]}]}";
	char off[] = "off", on[] = "on";
	char *names[] = { off, on };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_table_profile *profile =
		mlops_table_profile_read(json, "m/1", names_of_state, names, &error);
	const struct mlops_profiled_column *column;

	(void)state;
	assert_non_null(profile);
	assert_near(profile->error, 0.25);
	column = mlops_table_profile_find(profile, "x");
	assert_int_equal(column->missing, 100);
	assert_int_equal(column->figures.points.n, 4);
	assert_near((double)column->figures.points.counts[2] / (double)column->figures.points.total, 0.5);
	column = mlops_table_profile_find(profile, "state");
	assert_true(column->is_text && column->counts[1] == 750000000);
	assert_string_equal(column->texts[0], "off");
	assert_null(mlops_table_profile_find(profile, "y"));
	mlops_table_profile_free(profile);

	assert_null(mlops_table_profile_read("{\"rows\":1,\"features\":[{}]}", "m/1", names_of_state, names,
					     &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, "the model's profile of its training data can't be read");
}

/* Many values with long tails: a model's profile of them and the values themselves must be nearly the same. */
static void a_models_profile_shows_no_drift_of_its_own_rows(void **state)
{
	enum { ROWS = 200000 };
	float *column = calloc(ROWS, sizeof *column);
	float *columns[] = { column };
	char name[] = "x";
	struct mlops_feature feature = { .name = name };
	struct mlops_dataset dataset = { .n_rows = ROWS, .n_features = 1, .features = &feature, .columns = columns };
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &text };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_table_profile *profile;
	struct mlops_profiled_column now;
	struct mlops_drift drift;

	(void)state;
	assert_non_null(column);
	for (size_t i = 0; i < ROWS; i++) {
		double u = ((double)i + 0.5) / ROWS;

		/* the logistic distribution's quantiles, its tenth part three times as wide */
		column[i] = (float)(log(u / (1 - u)) * (i % 10 == 0 ? 3 : 1));
	}
	assert_true(mlops_profile_write(&dataset, &json, &error));
	assert_true(text.length < 8000);
	profile = mlops_table_profile_read(mlops_buffer_string(&text), "m/1", names_of_state, NULL, &error);
	assert_non_null(profile);
	assert_true(profile->columns[0].figures.distinct > 100000);
	profile_of(column, ROWS, &now);
	assert_true(mlops_drift_measure(&profile->columns[0], &now, &drift, &error));
	assert_true(drift.psi < 0.01);
	assert_true(drift.ks < 0.01);
	assert_true(drift.jensen_shannon < 0.03);
	mlops_column_figures_release(&now.figures);
	mlops_table_profile_free(profile);
	mlops_buffer_release(&text);
	free(column);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_numbers),
		cmocka_unit_test(sees_no_drift_in_the_same_rows),
		cmocka_unit_test(measures_texts),
		cmocka_unit_test(reads_a_models_profile),
		cmocka_unit_test(a_models_profile_shows_no_drift_of_its_own_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
