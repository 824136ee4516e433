/*
 * Windows of segments: `length` values of history and what comes behind them, never over the end of a segment.
 *
 * Of each series the last eighth is kept for validation (more of a short one, see the source); a window is for
 * training when all its `horizon` values lie before that part, for validation when they all lie in it.  Histories
 * of validation windows may reach back into the training part.
 */
#ifndef MLOPS_MODEL_FORECAST_WINDOWS_H
#define MLOPS_MODEL_FORECAST_WINDOWS_H

#include "model/forecaster_fit.h"

struct mlops_forecast_window {
	const float *history; /* [length + future] in the segment's values */
	size_t future;	      /* values behind the history, at least horizon */
	size_t series;
};

struct mlops_forecast_windows {
	struct mlops_forecast_window *training, *validation; /* one piece of memory: training is its start */
	size_t n_training, n_validation;
	size_t *training_values; /* [n_segments] values of each segment that lie before the validation part */
};

/* MLOPS_DATA when there is not at least one window of each sort; release in any case. */
bool mlops_forecast_windows_find(const struct mlops_forecast_data *data, size_t length, size_t horizon,
				 struct mlops_forecast_windows *windows, struct mlops_error *error);
void mlops_forecast_windows_release(struct mlops_forecast_windows *windows);

#endif
