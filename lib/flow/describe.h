/* What a training says about itself, in the model file and in its result; the same for every kind. */
#ifndef MLOPS_FLOW_DESCRIBE_H
#define MLOPS_FLOW_DESCRIBE_H

#include "flow/evaluate.h"
#include "flow/train.h"

/* JSON texts of a kind's own. */
struct mlops_description {
	struct mlops_buffer data;    /* {"rows":…,"first_time":…,"last_time":…,"sha256":…} */
	struct mlops_buffer profile; /* of the training data (check/profile.h) */
	struct mlops_buffer series;  /* of a forecaster; empty: none */
	struct mlops_buffer features;/* list of names */
};

void mlops_description_release(struct mlops_description *description);

/* "first_time" and "last_time", unless they are MLOPS_TIME_MISSING. */
void mlops_description_times(struct mlops_json *json, int64_t first, int64_t last);

/* Settings, seed, data, metrics, profile and program into the metadata of the result's model; metrics, settings and features
 * into the result.  The details are the caller's. */
bool mlops_describe_training(const struct mlops_train_request *request, const struct mlops_metrics *metrics,
			     struct mlops_description *description, struct mlops_train_result *result,
			     struct mlops_error *error);

#endif
