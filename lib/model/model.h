/*
 * A model: what was learnt, what its inputs are called, and what it says about a row.
 *
 * anomaly_detection: Isolation Forest (Liu, Ting, Zhou: "Isolation Forest", ICDM 2008).  One output a tree:
 * the depth of the leaf plus c(rows in the leaf).  With D the sum over trees,
 *
 *	score = 2^(D * score_exponent), score_exponent = -1 / (trees * c(sample_size))
 *	probability = max(0, erf((score - score_mean) / (score_deviation * sqrt 2)))
 *	anomaly = D <= threshold_sum
 *
 * The probability is the share of a normal distribution with the training scores' mean and deviation that
 * lies closer to the mean (Kriegel, Kroeger, Schubert, Zimek: "Interpreting and Unifying Outlier Scores",
 * SDM 2011).  Mean and deviation are those of at most 4,096 rows where contamination is "auto".
 *
 * failure_prediction: Random Forest (Breiman 2001).  Two classes: one output a tree, the positive class's
 * share in the leaf; probability = sum * probability_scale; failure = probability > 0.5 (a tie is no failure,
 * as in scikit-learn).  More classes: one output a class, the label is the first class with the largest
 * probability.
 *
 * time_series_forecast: a forecaster (model/forecaster.h); no trees, features or classes.
 */
#ifndef MLOPS_MODEL_MODEL_H
#define MLOPS_MODEL_MODEL_H

#include "model/forecaster.h"
#include "model/trees.h"
#include "rows/dataset.h"

enum mlops_kind { MLOPS_ANOMALY_DETECTION, MLOPS_FAILURE_PREDICTION, MLOPS_TIME_SERIES_FORECAST };

/* Named bytes that travel in the model file (ONNX metadata_props), opaque here. */
struct mlops_metadata {
	size_t n;
	char **keys;   /* NUL-terminated, without the "mlops." that the file puts before them */
	char **values; /* NUL-terminated, UTF-8 */
};

struct mlops_model {
	enum mlops_kind kind;
	struct mlops_trees trees;
	struct mlops_feature *features; /* [trees.n_features]; NULL when the file names none */
	/* anomaly_detection */
	float score_exponent;
	float score_mean;
	float score_deviation; /* > 0 */
	float threshold_sum;   /* half-way between two possible sums: no rounding can turn a decision */
	/* failure_prediction */
	char **classes;        /* [n_classes], the positive one second of two; NULL until they are named */
	size_t n_classes;
	float probability_scale; /* 1 / n_trees for own models, 1 for imported ones */
	/* time_series_forecast, else NULL */
	struct mlops_forecaster *forecaster;
	struct mlops_metadata metadata;
};

const char *mlops_kind_name(enum mlops_kind kind);        /* "anomaly_detection" */
/* MLOPS_USAGE with the nearest name. */
bool mlops_kind_from_name(const char *name, enum mlops_kind *kind, struct mlops_error *error);

void mlops_model_free(struct mlops_model *model); /* allocated with calloc; all members too */

/* Copies names and categories of a dataset's features into the model. */
bool mlops_model_set_features(struct mlops_model *model, const struct mlops_feature *features, size_t n,
			      struct mlops_error *error);
bool mlops_model_set_classes(struct mlops_model *model, char *const *classes, size_t n,
			     struct mlops_error *error);

/* Adds or replaces; value is copied. */
bool mlops_metadata_set(struct mlops_metadata *metadata, const char *key, const char *value,
			struct mlops_error *error);
const char *mlops_metadata_get(const struct mlops_metadata *metadata, const char *key); /* NULL when absent */
void mlops_metadata_release(struct mlops_metadata *metadata);

/* What the model says, from sums[] of mlops_trees_sum for one row. */
float mlops_model_anomaly_score(const struct mlops_model *model, float sum);
float mlops_model_anomaly_probability(const struct mlops_model *model, float score);
bool mlops_model_is_anomaly(const struct mlops_model *model, float sum);

/* What probabilities [n_classes] decide: the first class with the largest one, so that of two classes a tie is
 * the first. */
size_t mlops_model_decide(const float *probabilities, size_t n_classes);

/* probabilities [n_classes] from sums [trees.n_outputs]; returns the decided class. */
size_t mlops_model_probabilities(const struct mlops_model *model, const float *sums, float *probabilities);

/* In memory, for progress and `show`. */
size_t mlops_model_memory(const struct mlops_model *model);

#endif
