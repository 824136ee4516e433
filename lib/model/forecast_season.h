/*
 * The season of regular series: the lag at which their steps repeat themselves.
 */
#ifndef MLOPS_MODEL_FORECAST_SEASON_H
#define MLOPS_MODEL_FORECAST_SEASON_H

#include "model/forecaster_fit.h"

struct mlops_forecast_season {
	size_t within; /* the season of at most `length` values; 0: none */
	size_t beyond; /* a longer one that says clearly more; 0: none */
};

/*
 * Looks at the autocorrelation of the steps x_(t+1) - x_t of the first training_values[i] values of each segment
 * (all series added up, each in units of its own variance), at lags up to MLOPS_FORECAST_MAX_LENGTH that the
 * values hold three times.  A season is a peak of it: larger than at both neighbours, at least 0.2, and at least
 * 0.1 above the lowest value on the way there, so that a smooth series isn't taken for one with a short season.
 */
bool mlops_forecast_season_find(const struct mlops_forecast_data *data, const size_t *training_values, size_t length,
				struct mlops_forecast_season *season, struct mlops_error *error);

#endif
