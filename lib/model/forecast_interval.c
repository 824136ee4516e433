#include "model/forecast_interval.h"

#include <math.h>
#include <stdlib.h>

#define MOST_RUNS      12000   /* of the network, so that calibration takes seconds at most */
#define MOST_RESIDUALS 8000000 /* memory */

double mlops_forecast_effective(const float *residuals, size_t n)
{
	double mean = 0, variance = 0, sum = 1;

	for (size_t i = 0; i < n; i++)
		mean += (double)residuals[i];
	mean /= (double)n;
	for (size_t i = 0; i < n; i++)
		variance += ((double)residuals[i] - mean) * ((double)residuals[i] - mean);
	if (!(variance > 0))
		return (double)n;
	for (size_t lag = 1; lag + 1 < n; lag += 2) {
		double pair = 0;

		for (size_t i = lag; i < n; i++)
			pair += ((double)residuals[i] - mean) *
				((double)residuals[i - lag] - mean + (i > lag ? (double)residuals[i - lag - 1] - mean : 0));
		if (!(pair > 0))
			break;
		sum += 2 * pair / variance;
	}
	return sum > 1 ? fmax(1, (double)n / sum) : (double)n;
}

static int ascending(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;

	return (left > right) - (left < right);
}

/* The margins of one step from its n residuals, which are sorted. */
static void set_margins(struct mlops_forecaster *forecaster, size_t step, float *residuals, size_t n, size_t stride)
{
	double apart = (double)n * (double)stride / (double)(step + 1), effective;
	float least = 0;

	effective = mlops_forecast_effective(residuals, n);
	effective = fmax(1, fmin(effective, apart));
	qsort(residuals, n, sizeof *residuals, ascending);
	for (size_t level = 0; level < MLOPS_FORECAST_LEVELS; level++) {
		double p = MLOPS_FORECAST_LOWEST_LEVEL + 0.01 * (double)level;
		double rank = ceil((double)n * (p + sqrt(p * (1 - p) / effective)));
		float margin = residuals[rank < (double)n ? (size_t)rank - 1 : n - 1];

		/* with few residuals one standard error shrinks faster than the level grows */
		least = margin > least ? margin : least;
		forecaster->margins[level * forecaster->n_margins + step] = least;
	}
}

static void grow_margins(struct mlops_forecaster *forecaster, size_t step)
{
	float growth = step > 0 ? (float)sqrt((double)(step + 1) / (double)step) : 0;

	for (size_t level = 0; level < MLOPS_FORECAST_LEVELS; level++) {
		float *margin = forecaster->margins + level * forecaster->n_margins + step;

		*margin = step > 0 ? growth * margin[-1] : 0;
	}
}

/* Steps from … to-1, on every stride-th window. */
static bool fit_steps(struct mlops_forecaster *forecaster, const struct mlops_forecast_window *windows, size_t n,
		      size_t stride, size_t from, size_t to, struct mlops_pool *pool, struct mlops_error *error)
{
	size_t length = forecaster->length, picked = (n + stride - 1) / stride;
	float *histories = malloc(picked * length * sizeof *histories);
	float *forecasts = malloc(picked * to * sizeof *forecasts);
	float *residuals = malloc(picked * sizeof *residuals), *scratch = malloc((length + 2 * forecaster->steps) * sizeof *scratch);
	struct mlops_forecast answer = { .forecast = forecasts };
	bool fine = false;

	if (histories == NULL || forecasts == NULL || residuals == NULL || scratch == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t i = 0; i < picked; i++)
		for (size_t t = 0; t < length; t++)
			histories[i * length + t] = windows[i * stride].history[t];
	if (!mlops_forecaster_extend(forecaster, histories, picked, to, MLOPS_FORECAST_LEVEL, pool, &answer, error))
		goto out;
	for (size_t step = from; step < to; step++) {
		size_t known = 0;

		for (size_t i = 0; i < picked; i++) {
			const struct mlops_forecast_window *window = &windows[i * stride];
			double scale, residual;

			if (window->future <= step)
				continue;
			scale = (double)mlops_forecaster_transform(forecaster, window->history, scratch, scratch + length);
			residual = fabs((double)window->history[length + step] - (double)forecasts[i * to + step]) / scale;
			residuals[known++] = (float)fmin(residual, (double)MLOPS_FORECAST_REACH);
		}
		if (known > 0)
			set_margins(forecaster, step, residuals, known, stride);
		else
			grow_margins(forecaster, step);
	}
	fine = true;
out:
	free(histories);
	free(forecasts);
	free(residuals);
	free(scratch);
	return fine;
}

static size_t stride_for(size_t n, size_t most)
{
	return n > most ? (n + most - 1) / most : 1;
}

bool mlops_forecast_intervals_fit(struct mlops_forecaster *forecaster, const struct mlops_forecast_window *windows,
				  size_t n, struct mlops_pool *pool, struct mlops_error *error)
{
	size_t horizon = forecaster->horizon, runs = (forecaster->n_margins + horizon - 1) / horizon;
	size_t wide = forecaster->length + horizon, fed = MOST_RUNS / runs;

	if (!fit_steps(forecaster, windows, n, stride_for(n, MOST_RESIDUALS / wide < MOST_RUNS ? MOST_RESIDUALS / wide : MOST_RUNS), 0,
		       horizon, pool, error))
		return false;
	if (forecaster->n_margins == horizon)
		return true;
	return fit_steps(forecaster, windows, n, stride_for(n, fed), horizon, forecaster->n_margins, pool, error);
}
