/*
 * How good are scores?  Every figure as scikit-learn defines it; ties share their rank.
 * A figure that has no meaning (one class only, no rows) is NaN.
 */
#ifndef MLOPS_MODEL_EVALUATE_H
#define MLOPS_MODEL_EVALUATE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mlops_binary_metrics {
	size_t rows, positives;
	uint64_t true_positive, false_positive, true_negative, false_negative;
	double accuracy, precision, recall, f1;
	double roc_auc, average_precision;
	double brier, log_loss; /* NaN when scores are no probabilities */
};

/* scores: larger is more positive; positive[r] the truth, decided[r] the decision (bool as 0/1).
 * probabilities: whether scores are probabilities (brier and log_loss apply). */
bool mlops_evaluate_binary(const float *scores, const uint8_t *positive, const uint8_t *decided, size_t n,
			   bool probabilities, struct mlops_binary_metrics *metrics,
			   struct mlops_error *error);

struct mlops_multiclass_metrics {
	size_t rows;
	double accuracy, macro_f1, log_loss;
	double roc_auc; /* macro average of one class against the rest */
	double brier;   /* mean over rows of the summed squared differences */
};

/* probabilities [n * n_classes], truth and decided [n]. */
bool mlops_evaluate_multiclass(const float *probabilities, const uint32_t *truth, const uint32_t *decided,
			       size_t n, size_t n_classes, struct mlops_multiclass_metrics *metrics,
			       struct mlops_error *error);

#endif
