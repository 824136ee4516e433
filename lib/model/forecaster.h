/*
 * A forecaster: the next `horizon` values of a series from its last `length` values x, oldest first.
 *
 *	last = x[length-1]
 *	z = clip((x - last) / scale)
 *	forecast_k = last + scale * (linear_k . z + bias_k + network_k(inputs))        k = 0 … horizon-1
 *	inputs at step t: z_t and, where season > 0, z_(t+1-season): the value one season before the one that
 *	comes next (0 before the window)
 *
 * Differences from the last value follow a level that drifts, which the plain LSTM does not; the linear path is an autoregression, and
 * the network (two LSTM layers, model/network.h) says what that leaves.  scale is one number for a model of
 * one series; for a model of several it is the window's own, the root mean square of its steps, so that
 * each series is scaled by its own level:
 *
 *	scale = max(fixed_scale, window_share * sqrt(mean over t of (x_(t+1) - x_t)^2))
 *
 * Steps beyond horizon: forecasts are appended to the history and the model is asked again.
 *
 * Intervals are split conformal (Vovk, Gammerman, Shafer 2005; Lei, G'Sell, Rinaldo, Tibshirani, Wasserman:
 * "Distribution-free predictive inference for regression", JASA 2018): quantiles of the residuals on windows
 * that nothing was fitted on, for each step ahead on its own, also for the steps that are fed back.
 *
 *	lower_k = forecast_k + scale * quantile of the low residuals, upper_k alike
 */
#ifndef MLOPS_MODEL_FORECASTER_H
#define MLOPS_MODEL_FORECASTER_H

#include <stddef.h>

#define MLOPS_FORECAST_LEVEL	    0.9 /* of an interval when nobody asks for another */
#define MLOPS_FORECAST_LOWEST_LEVEL  0.5
#define MLOPS_FORECAST_HIGHEST_LEVEL 0.99
#define MLOPS_FORECAST_LEVELS	     50  /* 0.50, 0.51 … 0.99 */
#define MLOPS_FORECAST_STEPS	     64  /* steps ahead with residuals of their own, if horizon is no more */
#define MLOPS_FORECAST_MAX_LENGTH    4096
#define MLOPS_FORECAST_MAX_HORIZON   1024
#define MLOPS_FORECAST_MAX_STEPS     100000 /* of mlops_forecaster_extend */

struct mlops_network;

struct mlops_forecaster {
	size_t length;	/* values that a forecast needs: seq_length */
	size_t horizon; /* values that one run of the model gives */
	size_t season;	/* 2 … length, or 0 */
	float fixed_scale;  /* > 0 */
	float window_share; /* 0: the scale is fixed_scale */
	float *linear;	    /* [horizon][length] */
	float *bias;	    /* [horizon] */
	size_t hidden;	/* units of each of the network's layers */
	float *parameters;	       /* of the network: its flat vector (model/network.h) */
	struct mlops_network *network; /* made of parameters */
	size_t n_steps; /* steps ahead with quantiles: max(horizon, MLOPS_FORECAST_STEPS) */
	float *lower;	/* [MLOPS_FORECAST_LEVELS][n_steps], in scales, <= 0 */
	float *upper;	/* the same, >= 0 */
};

#endif
