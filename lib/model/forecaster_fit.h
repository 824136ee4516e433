/*
 * Fitting a forecaster: segments of regular series in, a model/forecaster.h out.
 *
 * The last eighth of each series is kept for validation, nothing is fitted on it: there the
 * epoch is chosen, and its residuals make the intervals.  Windows never cross from one segment into the next.
 *
 *  1. season: the lag at which the steps of the training values agree best, if they do (forecast_season.h)
 *  2. linear path: ridge regression in double precision, penalty chosen by held-out errors (forecast_line.h)
 *  3. network: head at zero, so that the start is the ridge line; Adam on the absolute errors, linear path and network
 *     together, epoch by epoch.  What is judged and kept is the average of the last some hundred steps' weights
 *     (Polyak, Juditsky 1992), which moves less than they do.  Training ends when `patience` epochs in a row
 *     (three times as many before the first success) have not made the mean absolute error on validation smaller by a
 *     thousandth; the best epoch's weights are kept
 *     if what they gain there is more than its standard error (of `horizon` windows, which share what comes, as one; of four
 *     such at least), else those of the start, which is epoch 0: a short validation part must not choose by chance.
 *  4. intervals: residuals on the validation windows (forecast_interval.h), half-way between those of the start and
 *     those of the best epoch, which was chosen on the same windows
 *
 * Several series: each window is scaled by its own mean step, errors count in units of their series' mean step.
 *
 * The same data, settings and seed give the same forecaster for any pool, and also when the fit was broken
 * off and goes on from a checkpoint.
 */
#ifndef MLOPS_MODEL_FORECASTER_FIT_H
#define MLOPS_MODEL_FORECASTER_FIT_H

#include "base/buffer.h"
#include "model/forecaster.h"
#include "model/setting.h"

/* Values one step apart, without a gap, finite. */
struct mlops_forecast_segment {
	const float *values;
	size_t n;
	size_t series; /* whose: 0 … n_series-1; segments of one series follow each other, in time's order */
};

struct mlops_forecast_data {
	const struct mlops_forecast_segment *segments;
	size_t n_segments;
	size_t n_series;
};

/* How far a fit is.  Sent after every batch (few of them are worth showing) and after every epoch. */
struct mlops_forecast_progress {
	size_t epoch, epochs;	/* 1 … epochs: the one at work or just done */
	size_t batch, batches;	/* batch = batches when the epoch is done */
	double loss;		 /* mean absolute error on the epoch's windows so far, in the same units */
	double validation, best; /* mean absolute error on validation after the last whole epoch and after the
				    best one, in the units of struct mlops_forecast_report; the start is epoch 0 */
	float learning_rate;
};

struct mlops_forecast_options {
	const struct mlops_settings *settings; /* of MLOPS_TIME_SERIES_FORECAST */
	uint64_t seed;
	struct mlops_pool *pool; /* may be NULL */
	/* Start from this forecaster instead of the ridge line and new weights: seq_length, forecast_horizon and
	 * hidden must be its own (MLOPS_USAGE); its season and scales are kept.  NULL: from the start. */
	const struct mlops_forecaster *warm_start;
	/* Bytes that `save` was given in an earlier fit of the same data, settings, seed and warm_start
	 * (MLOPS_DATA otherwise): go on from there.  NULL: none. */
	const void *checkpoint;
	size_t checkpoint_length;
	/* Both may be NULL, and are called from the calling thread.  report: false ends the fit with MLOPS_CLOSED.
	 * save: the checkpoint after each epoch; it sets the error when it returns false, which ends the fit. */
	bool (*report)(void *context, const struct mlops_forecast_progress *progress);
	bool (*save)(void *context, const void *bytes, size_t length, struct mlops_error *error);
	void *context;
};

/* What a fit found. */
struct mlops_forecast_report {
	size_t training_windows, validation_windows;
	size_t epochs, best_epoch; /* run, kept (0: the start) */
	size_t season;		   /* of the model; 0: none */
	/* One that seq_length is too short for, worth a notice; 0: none.  A seq_length of it + MLOPS_FORECAST_MEMORY
	 * shows the network each of its values beside the one a season before. */
	size_t longer_season;
	double penalty; /* of the ridge (forecast_line.h), NaN after a warm start */
	/* Mean absolute errors on validation, in the data's units (of several series: in units of each one's mean
	 * step): of the last value, of the value a season before (NaN without season), and the model's at epoch 0 and
	 * at best_epoch. */
	double naive, seasonal, start, best;
};

/* Fewest values that a segment must have so that a fit with these settings is possible:
 * seq_length + 2 * forecast_horizon. */
size_t mlops_forecast_fewest(const struct mlops_settings *settings);

/*
 * NULL on failure.  MLOPS_DATA: no segment is long enough (the message says how many values are needed and
 * how many the longest has), or the checkpoint is damaged or another fit's.  report is filled on success.
 */
struct mlops_forecaster *mlops_forecaster_fit(const struct mlops_forecast_data *data,
					      const struct mlops_forecast_options *options,
					      struct mlops_forecast_report *report,
					      struct mlops_error *error);

#endif
