/*
 * Intervals of a forecaster: margins from its absolute residuals on windows that it was not fitted on.
 *
 * The margin of a step at level p is the quantile p + sqrt(p (1 - p) / n) of the step's absolute residuals (in
 * scales): one standard error above p, because the share of future values that a quantile of n residuals holds is
 * itself uncertain by so much.  n is the effective number: residuals of windows that overlap, or of days that were alike,
 * say less than as many independent ones.  It is the number divided by 1 + 2 * the sum of the autocorrelation of
 * the absolute residuals (Geyer's initial positive sequence, "Practical Markov chain Monte Carlo", 1992), and at
 * most the number of windows that don't overlap in the values ahead.  Where the quantile lies beyond the largest residual, the margin is the largest.
 * Steps that no window reaches have the last known margin, growing with the square root of the steps.
 */
#ifndef MLOPS_MODEL_FORECAST_INTERVAL_H
#define MLOPS_MODEL_FORECAST_INTERVAL_H

#include "model/forecast_windows.h"

/* Sets the margins of a prepared forecaster. */
bool mlops_forecast_intervals_fit(struct mlops_forecaster *forecaster, const struct mlops_forecast_window *windows,
				  size_t n, struct mlops_pool *pool, struct mlops_error *error);

/* The effective number of n residuals, 1 … n. */
double mlops_forecast_effective(const float *residuals, size_t n);

#endif
