#include "model/forecast_season.h"

#include <math.h>
#include <stdlib.h>

#define LEAST	     0.2	/* autocorrelation of a season */
#define RISE	     0.1	/* over the valley before it */
#define CLEARLY	     0.05	/* more at the longer season */
#define MOST_PRODUCTS 400000000 /* a second's work: longer series are looked at from their end */

/* Adds the products of steps `lag` apart of one stretch to correlation[lag], lags 0 … n_lags-1. */
static void add_products(const double *steps, size_t n, double *correlation, size_t n_lags)
{
	for (size_t lag = 0; lag < n_lags && lag < n; lag++) {
		double sum = 0;

		for (size_t t = lag; t < n; t++)
			sum += steps[t] * steps[t - lag];
		correlation[lag] += sum;
	}
}

/* Steps of a stretch, less their mean and in units of their deviation; constant ones say nothing: false. */
static bool steps_of(const float *values, size_t n, double *steps)
{
	double mean = 0, square = 0;

	for (size_t t = 0; t + 1 < n; t++) {
		steps[t] = (double)values[t + 1] - (double)values[t];
		mean += steps[t] / (double)(n - 1);
	}
	for (size_t t = 0; t + 1 < n; t++) {
		steps[t] -= mean;
		square += steps[t] * steps[t];
	}
	if (!(square > 0))
		return false;
	square = sqrt(square / (double)(n - 1));
	for (size_t t = 0; t + 1 < n; t++)
		steps[t] /= square;
	return true;
}

/* The highest peak among lags 2 … n_lags-2; the valleys before it are looked at from lag 1. */
static size_t peak(const double *correlation, size_t from, size_t n_lags)
{
	double valley = correlation[1], highest = LEAST;
	size_t best = 0;

	for (size_t lag = 2; lag + 1 < n_lags; lag++) {
		double here = correlation[lag];

		if (lag >= from && here > correlation[lag - 1] && here >= correlation[lag + 1] &&
		    here > valley + RISE && here > highest) {
			highest = here;
			best = lag;
		}
		valley = here < valley ? here : valley;
	}
	return best;
}

bool mlops_forecast_season_find(const struct mlops_forecast_data *data, const size_t *training_values, size_t length,
				struct mlops_forecast_season *season, struct mlops_error *error)
{
	size_t longest = 0, n_lags, room;
	double *steps, *correlation;
	bool fine = false;

	*season = (struct mlops_forecast_season){ .within = 0 };
	for (size_t i = 0; i < data->n_segments; i++)
		longest = training_values[i] > longest ? training_values[i] : longest;
	n_lags = longest / 3 < MLOPS_FORECAST_MAX_LENGTH ? longest / 3 : MLOPS_FORECAST_MAX_LENGTH;
	room = MOST_PRODUCTS / (n_lags + 1) / (data->n_segments + 1) + 3 * n_lags + 2;
	steps = malloc((longest + 1) * sizeof *steps);
	correlation = calloc(n_lags + 2, sizeof *correlation);
	if (steps == NULL || correlation == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	fine = true;
	for (size_t i = 0; i < data->n_segments; i++) {
		size_t n = training_values[i] < room ? training_values[i] : room;

		if (n > 3 && steps_of(data->segments[i].values + training_values[i] - n, n, steps))
			add_products(steps, n - 1, correlation, n_lags);
	}
	if (n_lags < 4 || !(correlation[0] > 0))
		goto out;
	for (size_t lag = n_lags; lag-- > 0;)
		correlation[lag] /= correlation[0];
	season->within = peak(correlation, 2, length + 2 < n_lags ? length + 2 : n_lags);
	season->beyond = n_lags > length + 2 ? peak(correlation, length + 1, n_lags) : 0;
	if (season->beyond > 0 && season->within > 0 &&
	    correlation[season->beyond] < correlation[season->within] + CLEARLY)
		season->beyond = 0;
out:
	free(steps);
	free(correlation);
	return fine;
}
