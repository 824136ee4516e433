/*
 * How good is a model on labelled rows?  The same figures for a training's held-out rows, for a comparison of two versions
 * and for a gate.
 */
#ifndef MLOPS_FLOW_EVALUATE_H
#define MLOPS_FLOW_EVALUATE_H

#include "base/json_writer.h"
#include "model/model.h"

#define MLOPS_MAX_METRICS 24

struct mlops_metric {
	const char *name; /* a constant: "accuracy", "roc_auc", … */
	double value;     /* finite; a metric that does not apply is not in the list */
};

struct mlops_metrics {
	size_t n;
	struct mlops_metric items[MLOPS_MAX_METRICS];
};

/* NaN and infinities are passed over. */
void mlops_metrics_add(struct mlops_metrics *metrics, const char *name, double value);
double mlops_metrics_get(const struct mlops_metrics *metrics, const char *name); /* NaN when absent */
void mlops_metrics_write(const struct mlops_metrics *metrics, struct mlops_json *json); /* {"accuracy":…} */

/*
 * Scores the matrix and compares with target, whose codes are indexed like the matrix's columns and mean classes[n_classes]
 * of the dataset (failure_prediction: the model's own classes).  target NULL: anomaly_detection only, and only anomaly_rate.
 * anomaly_detection takes the second of two classes as the anomalies; more than two: MLOPS_DATA.
 */
bool mlops_flow_evaluate(const struct mlops_model *model, const struct mlops_matrix *matrix, const uint32_t *target,
			 char *const *classes, size_t n_classes, struct mlops_pool *pool, struct mlops_metrics *metrics,
			 struct mlops_error *error);

/* Reads rows as the model needs them: its features by name, its categories and classes.  select gives time, id and target. */
struct mlops_dataset *mlops_flow_read_for_model(const struct mlops_model *model, struct mlops_reader *reader,
						const struct mlops_select_options *select, struct mlops_error *error);

/* The columns that a model needs: its features by name; for a file that names none, those that select lists, or all number
 * columns, which must be as many as the model takes. */
bool mlops_flow_select_for_model(const struct mlops_model *model, const struct mlops_reader *reader,
				 const struct mlops_select_options *select, struct mlops_selection *selection,
				 struct mlops_error *error);

#endif
