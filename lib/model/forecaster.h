/*
 * A forecaster: the next `horizon` values of a series from its last `length` values x, oldest first.
 *
 *	last = x[length-1]
 *	z_t = (x_t - last) / scale, held within ±MLOPS_FORECAST_REACH
 *	forecast_k = last + scale * (linear_k . z + bias_k + output_scale * network_k)     k = 0 … horizon-1
 *
 * Differences from the last value follow a level that drifts, which an LSTM on the values alone does not.  The
 * linear path is an autoregression; the network (two LSTM layers, model/network.h) says what that leaves.  It reads
 * the last `steps` of z, each as input_scale * (z_t, z_(t+1-season)): beside the value, where there is a season, the
 * one that came a season before the next one (0 before the window).
 *
 * scale is one number for a model of one series.  For a model of several it is the window's own mean step, so that
 * each series is scaled by its own level:
 *
 *	scale = max(fixed_scale, window_share * mean over t of |x_(t+1) - x_t|)
 *
 * Steps beyond horizon: forecasts are appended to the history and the model is asked again.
 *
 * Intervals are split conformal (Lei, G'Sell, Rinaldo, Tibshirani, Wasserman: "Distribution-free predictive
 * inference for regression", JASA 2018): margins are quantiles of absolute residuals on windows that nothing was
 * fitted on, in scales, for each step ahead on its own, also for steps that are fed back; see
 * model/forecast_interval.h for how they allow for residuals that are alike.
 *
 *	struct mlops_forecaster *forecaster = mlops_forecaster_fit(&data, &options, &report, &error);
 *	float forecast[5], lower[5], upper[5];
 *	struct mlops_forecast answer = { .forecast = forecast, .lower = lower, .upper = upper };
 *	mlops_forecaster_extend(forecaster, history, 1, 5, 0.9, pool, &answer, &error);
 *	mlops_forecaster_free(forecaster);
 */
#ifndef MLOPS_MODEL_FORECASTER_H
#define MLOPS_MODEL_FORECASTER_H

#include "base/error.h"
#include "base/thread.h"
#include "model/network.h"

#define MLOPS_FORECAST_LEVEL	     0.9  /* of an interval when nobody asks for another */
#define MLOPS_FORECAST_LOWEST_LEVEL  0.5
#define MLOPS_FORECAST_HIGHEST_LEVEL 0.99
#define MLOPS_FORECAST_LEVELS	     50   /* 0.50, 0.51 … 0.99 */
#define MLOPS_FORECAST_STEPS	     64   /* steps ahead that have margins of their own, unless horizon is more */
#define MLOPS_FORECAST_MEMORY	     64   /* most values that the network reads */
#define MLOPS_FORECAST_MAX_LENGTH    2048
#define MLOPS_FORECAST_MAX_HORIZON   1024
#define MLOPS_FORECAST_MAX_HIDDEN    1024
#define MLOPS_FORECAST_MAX_STEPS     100000 /* of mlops_forecaster_extend */
#define MLOPS_FORECAST_REACH	     1e6f
#define MLOPS_FORECAST_LARGEST_SCALE 1e37f

struct mlops_forecaster {
	size_t length;  /* values that a forecast needs: seq_length */
	size_t horizon; /* values that one run of the model gives */
	size_t season;  /* 2 … length, or 0 */
	size_t steps;   /* values that the network reads: min(length, MLOPS_FORECAST_MEMORY) */
	size_t hidden;  /* units of each of the network's layers */
	float fixed_scale;  /* > 0, at most MLOPS_FORECAST_LARGEST_SCALE */
	float window_share; /* 0: the scale is fixed_scale */
	float input_scale;  /* > 0 */
	float output_scale; /* > 0 */
	float *linear;	    /* [horizon][length] */
	float *bias;	    /* [horizon] */
	float *parameters;  /* of the network: its flat vector (model/network.h) */
	struct mlops_network *network; /* made of parameters by mlops_forecaster_prepare */
	size_t n_margins; /* steps ahead that have margins: max(horizon, MLOPS_FORECAST_STEPS) */
	float *margins;	  /* [MLOPS_FORECAST_LEVELS][n_margins], in scales, >= 0, ascending with the level */
};

/* Sizes are set, numbers are zero; sizes beyond the limits above: MLOPS_BUG. */
struct mlops_forecaster *mlops_forecaster_new(size_t length, size_t horizon, size_t season, size_t hidden,
					      struct mlops_error *error);
void mlops_forecaster_free(struct mlops_forecaster *forecaster);

struct mlops_network_shape mlops_forecaster_shape(const struct mlops_forecaster *forecaster); /* of its network */

/* Values of the network's flat vector. */
size_t mlops_forecaster_parameters(const struct mlops_forecaster *forecaster);

/* Makes the network of the parameters; to be called again after they have changed. */
bool mlops_forecaster_prepare(struct mlops_forecaster *forecaster, struct mlops_error *error);

size_t mlops_forecaster_memory(const struct mlops_forecaster *forecaster); /* bytes */

/* history [length] -> z [length] and sequence [steps][1, with a season 2], what the network reads; returns the
 * scale. */
float mlops_forecaster_transform(const struct mlops_forecaster *forecaster, const float *history, float *z,
				 float *sequence);

/*
 * histories [n][length], finite -> forecast [n][horizon], finite (held within float's range).
 * Fails only for want of memory.
 */
bool mlops_forecaster_predict(const struct mlops_forecaster *forecaster, const float *histories, size_t n,
			      struct mlops_pool *pool, float *forecast, struct mlops_error *error);

/* Where the numbers of mlops_forecaster_extend go, [n][steps] each; lower and upper may both be NULL. */
struct mlops_forecast {
	float *forecast, *lower, *upper;
};

/*
 * The next `steps` values of n histories [n][length], 1 … MLOPS_FORECAST_MAX_STEPS, each with an interval that
 * holds the value with probability `level` (0.5 … 0.99); others are MLOPS_USAGE.
 */
bool mlops_forecaster_extend(const struct mlops_forecaster *forecaster, const float *histories, size_t n,
			     size_t steps, double level, struct mlops_pool *pool,
			     const struct mlops_forecast *answer, struct mlops_error *error);

/* Half the width of the interval at a level, step = 0, 1 … values ahead, in scales.  Between the levels of the
 * table it is interpolated; beyond n_margins steps it grows with their square root, as a random walk's. */
double mlops_forecaster_margin(const struct mlops_forecaster *forecaster, double level, size_t step);

#endif
