/*
 * Fitting: rows in, a model out.  The same matrix, settings and seed give the same model for any pool.
 * The caller adds names (mlops_model_set_features, _set_classes) and metadata afterwards.
 */
#ifndef MLOPS_MODEL_FIT_H
#define MLOPS_MODEL_FIT_H

#include "model/setting.h"

/* Called now and then from the calling thread or a worker; false stops the fit with MLOPS_CLOSED.  Must be
 * thread-safe. */
struct mlops_fit_progress {
	bool (*report)(void *context, size_t done, size_t total); /* trees */
	void *context;
};

/*
 * Isolation Forest.  sample_size larger than the number of rows becomes that number.  Rows are drawn without
 * replacement, trees stop at depth ceil(log2(sample_size)).  A missing value follows the side that was drawn
 * for its node with the odds of the node's rows.  contamination 0 ("auto") decides at score 0.5, else at that
 * quantile of the training scores: of the training rows those strictly below numpy.percentile of the sums.
 * Mean and deviation of the scores come from all rows where contamination is a number or there are at most
 * 4,096 of them, else from so many drawn evenly over all.
 * Needs 2 rows and one feature that is not constant; MLOPS_DATA otherwise.
 */
struct mlops_model *mlops_isolation_forest_fit(const struct mlops_settings *settings, uint64_t seed,
					       const struct mlops_matrix *matrix, struct mlops_pool *pool,
					       const struct mlops_fit_progress *progress,
					       struct mlops_error *error);

/* What a random forest knows about itself after the fit, from the rows that each tree did not see. */
struct mlops_forest_report {
	float *out_of_bag;   /* [n_rows * n_classes] probabilities; NaN where every tree saw the row */
	size_t n_out_of_bag; /* rows with an estimate */
	double *impurity_importance; /* [n_features], sum 1 (all 0 when no split was made) */
};

/*
 * Random Forest classifier: bootstrap of the rows, at each node max_features features drawn without
 * replacement (further ones while all drawn are constant in the node), the split with the largest decrease of
 * Gini impurity, thresholds half-way between the values on both sides.
 *
 * A feature's distinct values are told apart as long as there are at most 64,512 of them; beyond, they are
 * cut into that many bins of about equally many rows.  All are tried where a feature has at most 256 of them,
 * where the splits above a node leave so many, or where it has at most 64 draws of two classes.  Other nodes
 * look at 128 to 256 equal parts of what they span first (at 32 to 64 where they have less than 256 rows), and
 * then at all values in the two parts beside the best split.
 *
 * Missing values: both sides are tried; where a node saw none, they go to the larger child.  min_leaf counts
 * different rows, however often the bootstrap drew them, as scikit-learn does.
 *
 * classes [length of the columns, indexed like the matrix's columns] codes below n_classes.  At least 2 rows,
 * and 2 classes present; MLOPS_DATA otherwise.  max_features above the number of features: MLOPS_USAGE.
 * report may be NULL.
 */
struct mlops_model *mlops_random_forest_fit(const struct mlops_settings *settings, uint64_t seed,
					    const struct mlops_matrix *matrix, const uint32_t *classes,
					    size_t n_classes, struct mlops_pool *pool,
					    const struct mlops_fit_progress *progress,
					    struct mlops_forest_report *report, struct mlops_error *error);
void mlops_forest_report_release(struct mlops_forest_report *report);

/* Permutation importance: the loss of accuracy on the matrix when one feature's values are shuffled (seeded),
 * a feature. importance [n_features]. */
bool mlops_permutation_importance(const struct mlops_model *model, const struct mlops_matrix *matrix,
				  const uint32_t *classes, uint64_t seed, struct mlops_pool *pool,
				  double *importance, struct mlops_error *error);

#endif
