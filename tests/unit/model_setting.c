#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/setting.h"

#include <math.h>

#define assert_near(value, expected, allowed) \
	assert_true(fabs((double)(value) - (double)(expected)) <= (allowed))

static void expect_written(const struct mlops_settings *settings, const char *text)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &buffer };

	mlops_settings_write(settings, &json);
	assert_string_equal(mlops_buffer_string(&buffer), text);
	mlops_buffer_release(&buffer);
}

static void parse(struct mlops_settings *settings, const char *assignment)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	assert_true(mlops_settings_parse(settings, assignment, &error));
	assert_int_equal(error.code, MLOPS_OK);
}

static void defaults(void **state)
{
	struct mlops_settings settings;

	(void)state;
	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	expect_written(&settings, "{\"trees\":100,\"sample_size\":256,\"contamination\":\"auto\"}");
	mlops_settings_default(MLOPS_FAILURE_PREDICTION, &settings);
	expect_written(&settings, "{\"trees\":100,\"max_features\":\"sqrt\",\"min_leaf\":1,\"max_depth\":0,"
				  "\"class_weight\":\"none\"}");
}

static void values_and_words(void **state)
{
	struct mlops_settings settings;

	(void)state;
	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	parse(&settings, "trees=10000");
	parse(&settings, "sample_size=2");
	parse(&settings, "contamination=0.05");
	expect_written(&settings, "{\"trees\":10000,\"sample_size\":2,\"contamination\":0.05}");
	assert_near(mlops_settings_get(&settings, "contamination"), 0.05, 0);
	parse(&settings, "contamination=auto");
	assert_near(mlops_settings_get(&settings, "contamination"), MLOPS_CONTAMINATION_AUTO, 0);
	assert_true(isnan(mlops_settings_get(&settings, "max_features")));

	mlops_settings_default(MLOPS_FAILURE_PREDICTION, &settings);
	parse(&settings, "max_features=all");
	parse(&settings, "class_weight=balanced");
	parse(&settings, "max_depth=12");
	parse(&settings, "min_leaf=5");
	expect_written(&settings, "{\"trees\":100,\"max_features\":\"all\",\"min_leaf\":5,\"max_depth\":12,"
				  "\"class_weight\":\"balanced\"}");
	parse(&settings, "max_features=log2");
	assert_near(mlops_settings_get(&settings, "max_features"), MLOPS_MAX_FEATURES_LOG2, 0);
	parse(&settings, "max_features=3");
	assert_near(mlops_settings_get(&settings, "max_features"), 3, 0);
}

static void forecast_defaults(void **state)
{
	struct mlops_settings settings;

	(void)state;
	mlops_settings_default(MLOPS_TIME_SERIES_FORECAST, &settings);
	expect_written(&settings, "{\"seq_length\":60,\"forecast_horizon\":1,\"epochs\":50,\"batch_size\":32,"
				  "\"hidden\":64,\"dropout\":0.2,\"learning_rate\":0.001,\"patience\":5}");
	parse(&settings, "epochs=0");
	parse(&settings, "dropout=0");
	assert_near(mlops_settings_get(&settings, "epochs"), 0, 0);
}

static void what_is_refused(void **state)
{
	static const struct {
		enum mlops_kind kind;
		const char *assignment, *message;
	} cases[] = {
		{ MLOPS_ANOMALY_DETECTION, "trees", "setting 'trees' has no value; write name=value" },
		{ MLOPS_ANOMALY_DETECTION, "tres=10",
		  "setting 'tres' is unknown to anomaly_detection; did you mean 'trees'?" },
		{ MLOPS_ANOMALY_DETECTION, "class_weight=none",
		  "setting 'class_weight' is unknown to anomaly_detection; help lists them" },
		{ MLOPS_ANOMALY_DETECTION, "=1",
		  "setting '' is unknown to anomaly_detection; help lists them" },
		{ MLOPS_ANOMALY_DETECTION, "trees=0",
		  "setting trees: '0' is not a whole number from 1 to 10000" },
		{ MLOPS_ANOMALY_DETECTION, "trees=10001",
		  "setting trees: '10001' is not a whole number from 1 to 10000" },
		{ MLOPS_ANOMALY_DETECTION, "trees=1.5",
		  "setting trees: '1.5' is not a whole number from 1 to 10000" },
		{ MLOPS_ANOMALY_DETECTION,
		  "trees=", "setting trees: '' is not a whole number from 1 to 10000" },
		{ MLOPS_ANOMALY_DETECTION, "contamination=0.6",
		  "setting contamination: '0.6' is not auto or a number from 1e-6 to 0.5" },
		{ MLOPS_ANOMALY_DETECTION, "contamination=a\nb",
		  "setting contamination: 'a?b' is not auto or a number from 1e-6 to 0.5" },
		{ MLOPS_FAILURE_PREDICTION, "max_features=0",
		  "setting max_features: '0' is not sqrt, log2, all or a whole number from 1 to 65535" },
		{ MLOPS_FAILURE_PREDICTION, "class_weight=1",
		  "setting class_weight: '1' is not none or balanced" },
		{ MLOPS_TIME_SERIES_FORECAST, "trees=10",
		  "setting 'trees' is unknown to time_series_forecast; help lists them" },
		{ MLOPS_TIME_SERIES_FORECAST, "seq_len=10",
		  "setting 'seq_len' is unknown to time_series_forecast; did you mean 'seq_length'?" },
		{ MLOPS_TIME_SERIES_FORECAST, "seq_length=1",
		  "setting seq_length: '1' is not a whole number from 2 to 2048" },
		{ MLOPS_TIME_SERIES_FORECAST, "forecast_horizon=1025",
		  "setting forecast_horizon: '1025' is not a whole number from 1 to 1024" },
		{ MLOPS_TIME_SERIES_FORECAST, "dropout=1", "setting dropout: '1' is not a number from 0 to 0.95" },
		{ MLOPS_TIME_SERIES_FORECAST, "learning_rate=nan",
		  "setting learning_rate: 'nan' is not a number from 1e-7 to 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_settings settings, before;

		mlops_settings_default(cases[i].kind, &settings);
		before = settings;
		assert_false(mlops_settings_parse(&settings, cases[i].assignment, &error));
		assert_int_equal(error.code, MLOPS_USAGE);
		assert_string_equal(error.message, cases[i].message);
		assert_memory_equal(settings.values, before.values, sizeof settings.values);
	}
}

/* Every entry's fallback is a value that it would take, or one of its words. */
static void the_tables_hold_together(void **state)
{
	(void)state;
	for (int kind = MLOPS_ANOMALY_DETECTION; kind <= MLOPS_TIME_SERIES_FORECAST; kind++) {
		size_t count;
		const struct mlops_setting *table = mlops_settings_table((enum mlops_kind)kind, &count);

		assert_in_range(count, 1, MLOPS_MAX_SETTINGS);
		for (size_t i = 0; i < count; i++) {
			int is_word = 0;

			for (size_t w = 0; table[i].words != NULL && table[i].words[w] != NULL; w++)
				is_word |= table[i].word_values[w] >= table[i].fallback &&
					   table[i].word_values[w] <= table[i].fallback;
			assert_true(is_word || (table[i].fallback >= table[i].minimum &&
						table[i].fallback <= table[i].maximum));
			assert_non_null(table[i].meaning);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values_and_words),
		cmocka_unit_test(forecast_defaults),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(the_tables_hold_together),
	};

	return cmocka_run_group_tests_name("model_setting", tests, NULL, NULL);
}
