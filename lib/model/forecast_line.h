/*
 * The linear path of a forecaster: ridge regression (Hoerl, Kennard: "Ridge regression", Technometrics 12, 1970) of
 * the next values on z, in double precision.
 *
 * A window counts by (its scale / its series' scale)^2: the squares are those of errors in units of the series, and
 * a window in which nothing moves does not outweigh the others.  A regression is shrunk towards a forecast that
 * needs no fitting: the last value, the value a season before, or that one and what has changed since the season before;
 * with weights for all of the history or for its latest half; with one penalty for all values, or one that grows with
 * their age.  Of each family, those of one such forecast and one kind of penalty, the member is taken that makes the mean
 * absolute errors smallest that are made on the validation windows and on each fifth of the training windows by regressions
 * without that fifth: the validation part of a short series alone says little.  Windows of a fifth whose targets are
 * also others' are not asked, and few windows are cut into fewer parts.  The line is the mean of these and of the forecasts
 * that need no fitting, each weighted by a high power of its error, which is steadier on a short series than the best one
 * alone.
 */
#ifndef MLOPS_MODEL_FORECAST_LINE_H
#define MLOPS_MODEL_FORECAST_LINE_H

#include "model/forecast_windows.h"

/* Sets linear and bias of a forecaster whose sizes and scales are set.  series_scale [n_series].  *penalty: the
 * best one over the mean diagonal of the normal equations; 1e30 when fitting the mean change only was best, infinity
 * when fitting nothing was. */
bool mlops_forecast_line_fit(struct mlops_forecaster *forecaster, const struct mlops_forecast_windows *windows,
			     const float *series_scale, struct mlops_pool *pool, double *penalty,
			     struct mlops_error *error);

#endif
