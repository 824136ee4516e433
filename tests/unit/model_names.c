#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define assert_near(value, expected, allowed) \
	assert_true(fabs((double)(value) - (double)(expected)) <= (allowed))

static void kinds(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	enum mlops_kind kind = MLOPS_ANOMALY_DETECTION;

	(void)state;
	assert_string_equal(mlops_kind_name(MLOPS_ANOMALY_DETECTION), "anomaly_detection");
	assert_true(mlops_kind_from_name("failure_prediction", &kind, &error));
	assert_int_equal(kind, MLOPS_FAILURE_PREDICTION);
	assert_false(mlops_kind_from_name("failure_predicton", &kind, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_string_equal(error.message,
			    "model kind 'failure_predicton' is unknown; did you mean 'failure_prediction'?");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_kind_from_name("x", &kind, &error));
	assert_string_equal(error.message,
			    "model kind 'x' is unknown; there are anomaly_detection, failure_prediction and "
			    "time_series_forecast");
}

static void metadata(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_metadata metadata = { .n = 0 };

	(void)state;
	assert_null(mlops_metadata_get(&metadata, "seed"));
	assert_true(mlops_metadata_set(&metadata, "seed", "1", &error));
	assert_true(mlops_metadata_set(&metadata, "rows", "22", &error));
	assert_true(mlops_metadata_set(&metadata, "seed", "333", &error));
	assert_int_equal(metadata.n, 2);
	assert_string_equal(metadata.keys[0], "seed");
	assert_string_equal(mlops_metadata_get(&metadata, "seed"), "333");
	assert_string_equal(mlops_metadata_get(&metadata, "rows"), "22");
	mlops_metadata_release(&metadata);
	assert_int_equal(metadata.n, 0);
}

static void features_and_classes(void **state)
{
	char first[] = "temp", second[] = "type", low[] = "L", high[] = "H";
	char *categories[] = { high, low }, *classes[] = { first, second, low };
	struct mlops_feature features[] = { { .name = first },
					    { .name = second, .categories = categories, .n_categories = 2 } };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_model *model = calloc(1, sizeof *model);
	size_t memory;

	(void)state;
	assert_non_null(model);
	model->trees.n_features = 2;
	model->trees.n_outputs = 1;
	memory = mlops_model_memory(model);
	assert_true(mlops_model_set_features(model, features, 2, &error));
	assert_true(mlops_model_set_features(model, features, 2, &error));
	assert_true(mlops_model_set_classes(model, classes, 2, &error));
	assert_true(mlops_model_set_classes(model, classes, 2, &error));
	first[0] = low[0] = 'x';
	assert_string_equal(model->features[0].name, "temp");
	assert_null(model->features[0].categories);
	assert_string_equal(model->features[1].categories[1], "L");
	assert_string_equal(model->classes[1], "type");
	assert_true(mlops_model_memory(model) > memory);
	assert_false(mlops_model_set_features(model, features, 1, &error));
	assert_int_equal(error.code, MLOPS_BUG);
	assert_string_equal(error.message, "1 names for 2 features");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_model_set_classes(model, classes, 3, &error));
	assert_string_equal(error.message, "3 classes for 1 outputs");
	mlops_model_free(model);
	mlops_model_free(NULL);
}

static void what_an_isolation_forest_says(void **state)
{
	struct mlops_model model = {
		.kind = MLOPS_ANOMALY_DETECTION,
		.score_exponent = -0.001f,
		.score_mean = 0.45f,
		.score_deviation = 0.05f,
		.threshold_sum = 1000.5f,
	};

	(void)state;
	assert_near(mlops_model_anomaly_score(&model, 0), 1, 0);
	assert_near(mlops_model_anomaly_score(&model, 1000), 0.5f, 1e-7);
	assert_near(mlops_model_anomaly_probability(&model, 0.3f), 0, 0);
	assert_near(mlops_model_anomaly_probability(&model, 0.5f), 0.6826895f, 1e-6);
	assert_near(mlops_model_anomaly_probability(&model, 0.55f), 0.9544997f, 1e-6);
	assert_true(mlops_model_is_anomaly(&model, 1000));
	assert_false(mlops_model_is_anomaly(&model, 1001));
}

static void the_first_largest_class_is_decided(void **state)
{
	const float tied[] = { 0.5f, 0.5f }, rising[] = { 0.2f, 0.3f, 0.5f }, peaks[] = { 0.1f, 0.45f, 0.45f };

	(void)state;
	assert_int_equal(mlops_model_decide(tied, 2), 0);
	assert_int_equal(mlops_model_decide(rising, 3), 2);
	assert_int_equal(mlops_model_decide(peaks, 3), 1);
	assert_int_equal(mlops_model_decide(rising, 1), 0);
}

static void what_a_random_forest_says(void **state)
{
	struct mlops_model model = {
		.kind = MLOPS_FAILURE_PREDICTION,
		.trees = { .n_outputs = 1 },
		.n_classes = 2,
		.probability_scale = 0.25f,
	};
	const float more = 2.5f, half = 2, less = 1.5f, tied[] = { 1, 1.5f, 1.5f };
	float probabilities[3];

	(void)state;
	assert_int_equal(mlops_model_probabilities(&model, &more, probabilities), 1);
	assert_int_equal(mlops_model_probabilities(&model, &half, probabilities), 0);
	assert_near(probabilities[1], 0.5, 0);
	assert_int_equal(mlops_model_probabilities(&model, &less, probabilities), 0);
	assert_near(probabilities[0], 0.625, 0);
	model.trees.n_outputs = model.n_classes = 3;
	assert_int_equal(mlops_model_probabilities(&model, tied, probabilities), 1);
	assert_near(probabilities[2], 0.375, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(metadata),
		cmocka_unit_test(features_and_classes),
		cmocka_unit_test(what_an_isolation_forest_says),
		cmocka_unit_test(the_first_largest_class_is_decided),
		cmocka_unit_test(what_a_random_forest_says),
	};

	return cmocka_run_group_tests_name("model_names", tests, NULL, NULL);
}
