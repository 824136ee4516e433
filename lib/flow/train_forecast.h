/*
 * The road of a forecaster's training: rows become series; the last part of the time axis is held out (the fit itself
 * keeps a part of what is left for its choices); a fit, judged on every window of the held-out part; a second fit on all
 * of it, which is the model.  mlops_flow_train comes here for time_series_forecast.
 *
 * request->test_fraction is the share of all points that are held out, the latest in time; request->split,
 * permutation and positive are not used.
 */
#ifndef MLOPS_FLOW_TRAIN_FORECAST_H
#define MLOPS_FLOW_TRAIN_FORECAST_H

#include "flow/train.h"

bool mlops_flow_train_forecast(const struct mlops_train_request *request, struct mlops_train_result *result,
			       struct mlops_error *error);

/* The series of request->reader as a training takes them, for a training a sensor.  Free with mlops_series_free. */
struct mlops_series_set *mlops_flow_read_series(const struct mlops_train_request *request, struct mlops_reader *reader,
						struct mlops_error *error);

#endif
