/*
 * Why a row has the score that it has: for each feature, by how much the score would differ if only that
 * feature had its usual value, the median of the training rows (of a category the most frequent one).
 *
 *	effect = score of the row - score of the row with the feature's usual value
 *
 * The score is anomaly_score, failure_probability, or with more than two classes the probability of the
 * label that was decided on.  A forest's file has no counts of rows in its inner nodes, so contributions
 * along a path can't be told from it; usual values travel in the model's profile (check/profile.h).  Effects do
 * not add up to the score: two features that only matter together both have the whole effect.
 *
 *	struct mlops_explainer *explainer = mlops_explainer_new(model, 3, &error);
 *	mlops_explainer_effects(explainer, &matrix, sums, effects, &error);      // a chunk of rows
 *	mlops_explainer_write(explainer, effects, n_rows, row, &buffer);         // [{"feature":…,"effect":…}]
 *
 * An explainer does not change: threads may use it at once.
 */
#ifndef MLOPS_FLOW_EXPLAIN_H
#define MLOPS_FLOW_EXPLAIN_H

#include "base/buffer.h"
#include "model/model.h"

struct mlops_explainer;

/* most: so many features are written, those with the largest effects; at least 1.  The model stays the caller's.
 * MLOPS_DATA for a model without features' names or without a profile that knows them. */
struct mlops_explainer *mlops_explainer_new(const struct mlops_model *model, size_t most, struct mlops_error *error);
void mlops_explainer_free(struct mlops_explainer *explainer); /* NULL is allowed */

/* A feature's usual value, of a category its code; NaN where the training rows had none. */
float mlops_explainer_usual(const struct mlops_explainer *explainer, size_t feature);

/* sums [rows * outputs] are those of mlops_trees_sum for the matrix; effects [features * rows] gets a feature's rows
 * one after the other. */
bool mlops_explainer_effects(const struct mlops_explainer *explainer, const struct mlops_matrix *matrix, const float *sums,
			     float *effects, struct mlops_error *error);

/* Appends a row's features with the largest effects, up or down, the largest first; of equal ones the first
 * feature.  Features without an effect are left out. */
void mlops_explainer_write(const struct mlops_explainer *explainer, const float *effects, size_t n_rows, size_t row,
			   struct mlops_buffer *out);

#endif
