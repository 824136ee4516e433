/*
 * Settings of a model kind: one table each, which feeds --set, --set help, the manual pages, the ledger and
 * the model file.
 */
#ifndef MLOPS_MODEL_SETTING_H
#define MLOPS_MODEL_SETTING_H

#include "base/json_writer.h"
#include "model/model.h"

enum mlops_setting_type { MLOPS_SETTING_UINT, MLOPS_SETTING_REAL };

struct mlops_setting {
	const char *name;
	enum mlops_setting_type type;
	double fallback;          /* the default */
	double minimum, maximum;  /* of a given number; minimum > maximum: only words are allowed */
	const char *const *words; /* NULL-terminated: words that stand for the values word_values[] ("auto",
				     "sqrt", "balanced") */
	const double *word_values;
	const char *meaning; /* one line */
};

#define MLOPS_MAX_SETTINGS 16

/* What the words stand for. */
#define MLOPS_CONTAMINATION_AUTO    0.0
#define MLOPS_MAX_FEATURES_ALL      0.0
#define MLOPS_MAX_FEATURES_SQRT     (-1.0)
#define MLOPS_MAX_FEATURES_LOG2     (-2.0)
#define MLOPS_CLASS_WEIGHT_NONE     0.0
#define MLOPS_CLASS_WEIGHT_BALANCED 1.0

/* values[i] belongs to entry i of mlops_settings_table(kind). */
struct mlops_settings {
	enum mlops_kind kind;
	double values[MLOPS_MAX_SETTINGS];
};

const struct mlops_setting *mlops_settings_table(enum mlops_kind kind, size_t *count);
void mlops_settings_default(enum mlops_kind kind, struct mlops_settings *settings);

/* "trees=200".  Unknown name, bad or out-of-range value: MLOPS_USAGE with the nearest name or the range. */
bool mlops_settings_parse(struct mlops_settings *settings, const char *assignment, struct mlops_error *error);

/* The value of a setting that the kind has (a name it lacks is a bug and gives NaN). */
double mlops_settings_get(const struct mlops_settings *settings, const char *name);

/* {"trees":100,"sample_size":256,"contamination":"auto"}: words where the value has one. */
void mlops_settings_write(const struct mlops_settings *settings, struct mlops_json *json);

#endif
