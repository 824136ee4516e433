#include "model/setting.h"

#include "base/number.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

static const char *const contamination_words[] = { "auto", NULL };
static const double contamination_values[] = { MLOPS_CONTAMINATION_AUTO };
static const char *const max_features_words[] = { "sqrt", "log2", "all", NULL };
static const double max_features_values[] = { MLOPS_MAX_FEATURES_SQRT, MLOPS_MAX_FEATURES_LOG2,
					      MLOPS_MAX_FEATURES_ALL };
static const char *const class_weight_words[] = { "none", "balanced", NULL };
static const double class_weight_values[] = { MLOPS_CLASS_WEIGHT_NONE, MLOPS_CLASS_WEIGHT_BALANCED };

static const struct mlops_setting anomaly_detection_settings[] = {
	{ .name = "trees",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 100,
	  .minimum = 1,
	  .maximum = 10000,
	  .meaning = "number of trees" },
	{ .name = "sample_size",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 256,
	  .minimum = 2,
	  .maximum = 1 << 24,
	  .meaning = "rows that each tree is grown on" },
	{ .name = "contamination",
	  .type = MLOPS_SETTING_REAL,
	  .fallback = MLOPS_CONTAMINATION_AUTO,
	  .minimum = 0.000001,
	  .maximum = 0.5,
	  .words = contamination_words,
	  .word_values = contamination_values,
	  .meaning =
		  "share of the training rows to call anomalies; auto: those with a score of at least 0.5" },
};

static const struct mlops_setting failure_prediction_settings[] = {
	{ .name = "trees",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 100,
	  .minimum = 1,
	  .maximum = 10000,
	  .meaning = "number of trees" },
	{ .name = "max_features",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = MLOPS_MAX_FEATURES_SQRT,
	  .minimum = 1,
	  .maximum = 65535,
	  .words = max_features_words,
	  .word_values = max_features_values,
	  .meaning = "features tried at each split" },
	{ .name = "min_leaf",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 1,
	  .minimum = 1,
	  .maximum = 1 << 24,
	  .meaning = "fewest different rows in a leaf" },
	{ .name = "max_depth",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 0,
	  .minimum = 0,
	  .maximum = 1 << 16,
	  .meaning = "deepest leaf; 0: no limit" },
	{ .name = "class_weight",
	  .type = MLOPS_SETTING_REAL,
	  .fallback = MLOPS_CLASS_WEIGHT_NONE,
	  .minimum = 1,
	  .maximum = 0,
	  .words = class_weight_words,
	  .word_values = class_weight_values,
	  .meaning = "balanced: classes weigh the same however many rows they have" },
};

static const struct mlops_setting time_series_forecast_settings[] = {
	{ .name = "seq_length",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 60,
	  .minimum = 2,
	  .maximum = MLOPS_FORECAST_MAX_LENGTH,
	  .meaning = "last values that a forecast is made from" },
	{ .name = "forecast_horizon",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 1,
	  .minimum = 1,
	  .maximum = MLOPS_FORECAST_MAX_HORIZON,
	  .meaning = "steps ahead that are fitted; further ones are fed back" },
	{ .name = "epochs",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 50,
	  .minimum = 0,
	  .maximum = 100000,
	  .meaning = "most passes over the training windows; 0: the linear path alone" },
	{ .name = "batch_size",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 32,
	  .minimum = 1,
	  .maximum = 65536,
	  .meaning = "windows a step of the optimiser" },
	{ .name = "hidden",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 64,
	  .minimum = 1,
	  .maximum = 1024,
	  .meaning = "units in each of the two LSTM layers" },
	{ .name = "dropout",
	  .type = MLOPS_SETTING_REAL,
	  .fallback = 0.2,
	  .minimum = 0,
	  .maximum = 0.95,
	  .meaning = "share of the first layer's outputs that a step of training leaves out" },
	{ .name = "learning_rate",
	  .type = MLOPS_SETTING_REAL,
	  .fallback = 0.001,
	  .minimum = 0.0000001,
	  .maximum = 1,
	  .meaning = "step width of the optimiser (Adam)" },
	{ .name = "patience",
	  .type = MLOPS_SETTING_UINT,
	  .fallback = 5,
	  .minimum = 1,
	  .maximum = 100000,
	  .meaning = "epochs that do not lower the validation error by a thousandth after which training ends; three times\n"
		     "      as many before it is first below the start's" },
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

const struct mlops_setting *mlops_settings_table(enum mlops_kind kind, size_t *count)
{
	switch (kind) {
	case MLOPS_ANOMALY_DETECTION:
		*count = COUNT(anomaly_detection_settings);
		return anomaly_detection_settings;
	case MLOPS_FAILURE_PREDICTION:
		*count = COUNT(failure_prediction_settings);
		return failure_prediction_settings;
	case MLOPS_TIME_SERIES_FORECAST:
		break;
	}
	*count = COUNT(time_series_forecast_settings);
	return time_series_forecast_settings;
}

void mlops_settings_default(enum mlops_kind kind, struct mlops_settings *settings)
{
	size_t count;
	const struct mlops_setting *table = mlops_settings_table(kind, &count);

	*settings = (struct mlops_settings){ .kind = kind };
	for (size_t i = 0; i < count; i++)
		settings->values[i] = table[i].fallback;
}

/* "auto or a number from 1e-6 to 0.5", "none or balanced" */
static const char *describe_choice(const struct mlops_setting *setting, struct mlops_buffer *text)
{
	char number[MLOPS_NUMBER_TEXT];
	bool takes_number = setting->minimum <= setting->maximum;

	for (size_t i = 0; setting->words != NULL && setting->words[i] != NULL; i++) {
		if (i > 0)
			mlops_buffer_append_string(
				text, setting->words[i + 1] == NULL && !takes_number ? " or " : ", ");
		mlops_buffer_append_string(text, setting->words[i]);
	}
	if (takes_number) {
		if (text->length > 0)
			mlops_buffer_append_string(text, " or ");
		mlops_buffer_append_string(text, setting->type == MLOPS_SETTING_UINT ? "a whole number from "
										     : "a number from ");
		mlops_number_print_double(number, setting->minimum);
		mlops_buffer_append_string(text, number);
		mlops_buffer_append_string(text, " to ");
		mlops_number_print_double(number, setting->maximum);
		mlops_buffer_append_string(text, number);
	}
	return mlops_buffer_string(text);
}

static bool parse_value(const struct mlops_setting *setting, const char *text, double *value)
{
	size_t length = strlen(text);
	uint64_t whole;

	for (size_t i = 0; setting->words != NULL && setting->words[i] != NULL; i++) {
		if (strcmp(text, setting->words[i]) == 0) {
			*value = setting->word_values[i];
			return true;
		}
	}
	if (setting->type == MLOPS_SETTING_UINT) {
		if (!mlops_number_parse_uint(text, length, &whole))
			return false;
		*value = (double)whole;
	} else if (mlops_number_parse(text, length, '.', value) != MLOPS_NUMBER_OK) {
		return false;
	}
	return *value >= setting->minimum && *value <= setting->maximum;
}

static bool fail_unknown(enum mlops_kind kind, const struct mlops_setting *table, size_t count,
			 const char *name, size_t length, struct mlops_error *error)
{
	const char *names[MLOPS_MAX_SETTINGS];
	char quoted[MLOPS_TEXT_QUOTED], terminated[MLOPS_TEXT_QUOTED];
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++)
		names[i] = table[i].name;
	mlops_text_mask(quoted, name, length);
	if (length < sizeof terminated) {
		memcpy(terminated, name, length);
		terminated[length] = '\0';
		nearest = mlops_text_nearest(terminated, names, count);
	}
	if (nearest != NULL)
		return mlops_error_set(error, MLOPS_USAGE,
				       "setting '%s' is unknown to %s; did you mean '%s'?", quoted,
				       mlops_kind_name(kind), nearest);
	return mlops_error_set(error, MLOPS_USAGE, "setting '%s' is unknown to %s; help lists them", quoted,
			       mlops_kind_name(kind));
}

bool mlops_settings_parse(struct mlops_settings *settings, const char *assignment, struct mlops_error *error)
{
	size_t count;
	const struct mlops_setting *table = mlops_settings_table(settings->kind, &count);
	const char *equals = strchr(assignment, '=');
	size_t length = equals != NULL ? (size_t)(equals - assignment) : 0;
	char quoted[MLOPS_TEXT_QUOTED];

	if (equals == NULL)
		return mlops_error_set(error, MLOPS_USAGE, "setting '%s' has no value; write name=value",
				       mlops_text_mask(quoted, assignment, strlen(assignment)));
	for (size_t i = 0; i < count; i++) {
		struct mlops_buffer choice = MLOPS_BUFFER_INIT;
		double value;

		if (strlen(table[i].name) != length || memcmp(table[i].name, assignment, length) != 0)
			continue;
		if (parse_value(&table[i], equals + 1, &value)) {
			settings->values[i] = value;
			return true;
		}
		mlops_error_set(error, MLOPS_USAGE, "setting %s: '%s' is not %s", table[i].name,
				mlops_text_mask(quoted, equals + 1, strlen(equals + 1)),
				describe_choice(&table[i], &choice));
		mlops_buffer_release(&choice);
		return false;
	}
	return fail_unknown(settings->kind, table, count, assignment, length, error);
}

double mlops_settings_get(const struct mlops_settings *settings, const char *name)
{
	size_t count;
	const struct mlops_setting *table = mlops_settings_table(settings->kind, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, name) == 0)
			return settings->values[i];
	}
	return NAN;
}

/* The word for a value, or NULL.  Values of words are kept as they are, so equality is meant. */
static const char *word_of(const struct mlops_setting *setting, double value)
{
	for (size_t i = 0; setting->words != NULL && setting->words[i] != NULL; i++) {
		if (!(setting->word_values[i] < value) && !(setting->word_values[i] > value))
			return setting->words[i];
	}
	return NULL;
}

void mlops_settings_write(const struct mlops_settings *settings, struct mlops_json *json)
{
	size_t count;
	const struct mlops_setting *table = mlops_settings_table(settings->kind, &count);

	mlops_json_open(json, '{');
	for (size_t i = 0; i < count; i++) {
		const char *word = word_of(&table[i], settings->values[i]);

		if (word != NULL)
			mlops_json_member_string(json, table[i].name, word);
		else if (table[i].type == MLOPS_SETTING_UINT)
			mlops_json_member_uint(json, table[i].name, (uint64_t)settings->values[i]);
		else
			mlops_json_member_double(json, table[i].name, settings->values[i]);
	}
	mlops_json_close(json, '}');
}
