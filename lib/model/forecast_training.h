/*
 * The epochs of a forecaster's fit: Adam on the linear path and the network together.
 */
#ifndef MLOPS_MODEL_FORECAST_TRAINING_H
#define MLOPS_MODEL_FORECAST_TRAINING_H

#include "model/forecast_windows.h"

/* Mean absolute error of a prepared forecaster on windows, in units of their series' scales; each [n], where it is not
 * NULL, gets those of the windows. */
bool mlops_forecast_error(const struct mlops_forecaster *forecaster, const struct mlops_forecast_window *windows,
			  size_t n, const float *series_scale, struct mlops_pool *pool, double *mean,
			  double *each, struct mlops_error *error);

/*
 * Trains from where the forecaster (prepared) is, sets it to the best epoch's weights and prepares it again.
 * unit: what an error of 1 series' scale is in the report's units.  Sets epochs, best_epoch, start and best of the
 * report.
 */
bool mlops_forecast_train(struct mlops_forecaster *forecaster, const struct mlops_forecast_windows *windows,
			  const float *series_scale, double unit, const struct mlops_forecast_data *data,
			  const struct mlops_forecast_options *options, struct mlops_forecast_report *report,
			  struct mlops_error *error);

#endif
