#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/explain.h"
#include "model/fit.h"

#include <math.h>
#include <stdio.h>

enum { N_FEATURES = 3, N_ROWS = 600 };

static float values[N_FEATURES][N_ROWS];
static const float *const columns[N_FEATURES] = { values[0], values[1], values[2] };
static struct mlops_model *model;

/* The third feature is the same for all, so no tree looks at it. */
static int make_model(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_matrix matrix = { columns, N_FEATURES, NULL, N_ROWS };
	static char names[N_FEATURES][2] = { "a", "b", "c" };
	struct mlops_feature features[N_FEATURES];
	struct mlops_settings settings;

	(void)state;
	for (size_t f = 0; f < N_FEATURES; f++) {
		features[f] = (struct mlops_feature){ .name = names[f] };
		for (size_t r = 0; r < N_ROWS; r++)
			values[f][r] = f == 2 ? 5 : (float)((r * 2654435761u + f * 40503u) >> 7 & 1023);
	}
	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	assert_true(mlops_settings_parse(&settings, "trees=20", &error));
	model = mlops_isolation_forest_fit(&settings, 1, &matrix, NULL, NULL, &error);
	assert_non_null(model);
	assert_true(mlops_model_set_features(model, features, N_FEATURES, &error));
	return 0;
}

static int free_model(void **state)
{
	(void)state;
	mlops_model_free(model);
	return 0;
}

static void set_profile(const char *profile)
{
	assert_true(mlops_metadata_set(&model->metadata, "profile", profile, NULL));
}

static float score(const float *row)
{
	const float *const row_columns[N_FEATURES] = { &row[0], &row[1], &row[2] };
	struct mlops_matrix matrix = { row_columns, N_FEATURES, NULL, 1 };
	float sum;

	assert_true(mlops_trees_sum(&model->trees, &matrix, NULL, &sum, NULL));
	return mlops_model_anomaly_score(model, sum);
}

static void effects_are_those_of_rows_that_are_changed_by_hand(void **state)
{
	const float usual[N_FEATURES] = { 500, 250, 7 };
	struct mlops_matrix matrix = { columns, N_FEATURES, NULL, N_ROWS };
	static float sums[N_ROWS], effects[N_FEATURES * N_ROWS];
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_explainer *explainer;

	(void)state;
	set_profile("{\"features\":[{\"name\":\"c\",\"quantiles\":[1,7,9]},{\"name\":\"a\",\"quantiles\":[0,500,999]},"
		    "{\"name\":\"b\",\"quantiles\":[1,2,250,300,301]},{\"name\":\"other\"}]}");
	explainer = mlops_explainer_new(model, 2, &error);
	assert_non_null(explainer);
	assert_true(mlops_trees_sum(&model->trees, &matrix, NULL, sums, NULL));
	assert_true(mlops_explainer_effects(explainer, &matrix, sums, effects, &error));
	for (size_t f = 0; f < N_FEATURES; f++) {
		assert_true(mlops_explainer_usual(explainer, f) == usual[f]);
		for (size_t r = 0; r < N_ROWS; r++) {
			float row[N_FEATURES] = { values[0][r], values[1][r], values[2][r] };
			float before = score(row);

			row[f] = usual[f];
			assert_true(effects[f * N_ROWS + r] == before - score(row));
		}
	}
	mlops_explainer_free(explainer);
}

static void the_largest_effects_are_written_first(void **state)
{
	/* Two rows of three features. */
	const float effects[] = { 0.25f, 0, -0.5f, 0.125f, 0.25f, -0.125f };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_explainer *explainer = mlops_explainer_new(model, 2, &error);

	(void)state;
	assert_non_null(explainer);
	mlops_explainer_write(explainer, effects, 2, 0, &out);
	assert_string_equal(mlops_buffer_string(&out), "[{\"feature\":\"b\",\"effect\":-0.5},{\"feature\":\"a\",\"effect\":0.25}]");
	mlops_buffer_clear(&out);
	/* Equal ones in the order of the features; what has no effect is no reason. */
	mlops_explainer_write(explainer, effects, 2, 1, &out);
	assert_string_equal(mlops_buffer_string(&out), "[{\"feature\":\"b\",\"effect\":0.125},{\"feature\":\"c\",\"effect\":-0.125}]");
	mlops_buffer_release(&out);
	mlops_explainer_free(explainer);
}

/* A model file may say anything. */
static void profiles_that_are_none(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "7", "{\"features\":7}", "{\"features\":[7,null,\"a\"]}", "{\"features\":[{\"name\":7}]}",
		"{\"features\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
	};
	static const char *const unusual[] = {
		"\"quantiles\":7", "\"quantiles\":[]", "\"quantiles\":[null,null,null]", "\"quantiles\":[1e300]",
		"\"shares\":[]", "\"shares\":[0,0]", "\"shares\":[\"x\"]",
	};
	struct mlops_error error;
	char profile[300];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		error = (struct mlops_error)MLOPS_ERROR_INIT;
		set_profile(bad[i]);
		assert_null(mlops_explainer_new(model, 1, &error));
		assert_int_equal(error.code, MLOPS_DATA);
	}
	assert_string_equal(error.message, "the model's profile has no feature \"c\", so its usual value is not known");
	for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++) {
		struct mlops_explainer *explainer;

		snprintf(profile, sizeof profile,
			 "{\"features\":[{\"name\":\"a\",%s},{\"name\":\"b\",\"shares\":[0.25,0.375,0.375]},{\"name\":\"c\"}]}", unusual[i]);
		set_profile(profile);
		explainer = mlops_explainer_new(model, 1, &error);
		assert_non_null(explainer);
		assert_true(isnan(mlops_explainer_usual(explainer, 0)));
		assert_true(mlops_explainer_usual(explainer, 1) == 1);
		assert_true(isnan(mlops_explainer_usual(explainer, 2)));
		mlops_explainer_free(explainer);
	}
	mlops_metadata_release(&model->metadata);
	model->metadata = (struct mlops_metadata){ .n = 0 };
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_null(mlops_explainer_new(model, 1, &error));
	assert_string_equal(error.message,
			    "the model does not say what its training data looked like, so nothing can be explained; "
			    "models of mlops-train do");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effects_are_those_of_rows_that_are_changed_by_hand),
		cmocka_unit_test(the_largest_effects_are_written_first),
		cmocka_unit_test(profiles_that_are_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_model, free_model);
}
