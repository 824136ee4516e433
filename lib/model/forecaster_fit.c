#include "model/forecaster_fit.h"

#include "model/forecast_interval.h"
#include "model/forecast_line.h"
#include "model/forecast_season.h"
#include "model/forecast_training.h"
#include "model/network.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE	    2000 /* windows that scales are taken from */
#define FEWEST_GAINS 4	/* independent windows below which nothing is sure */
#define FLOOR_SHARE 0.05 /* of the smallest series' scale: less is no movement */

/* Mean step of each series' training values; a series that does not move has 0. */
static void series_scales(const struct mlops_forecast_data *data, const size_t *training_values, double *scales)
{
	for (size_t i = 0, end; i < data->n_segments; i = end) {
		double sum = 0, n = 0;

		for (end = i; end < data->n_segments && data->segments[end].series == data->segments[i].series; end++) {
			const float *values = data->segments[end].values;

			for (size_t t = 0; t + 1 < training_values[end]; t++)
				sum += fabs((double)values[t + 1] - (double)values[t]);
			n += training_values[end] > 1 ? (double)(training_values[end] - 1) : 0;
		}
		scales[data->segments[i].series] = n > 0 ? sum / n : 0;
	}
}

/* The scale where nothing moves: small beside the values, so that forecasts keep their digits. */
static double scale_of_nothing(const struct mlops_forecast_data *data)
{
	double largest = 0;

	for (size_t i = 0; i < data->n_segments; i++)
		for (size_t t = 0; t < data->segments[i].n; t++)
			largest = fmax(largest, fabs((double)data->segments[i].values[t]));
	return largest > 0 ? fmax(1e-6 * largest, (double)FLT_MIN) : 1;
}

static float within_limits(double scale)
{
	return (float)fmin(fmax(scale, (double)FLT_MIN), (double)MLOPS_FORECAST_LARGEST_SCALE);
}

/* The kind of scale of a new forecaster, and what errors of each series are measured in. */
static void set_scales(struct mlops_forecaster *forecaster, const struct mlops_forecast_data *data,
		       const double *scales, float *series_scale)
{
	double least = INFINITY, none = scale_of_nothing(data);

	for (size_t s = 0; s < data->n_series; s++)
		if (scales[s] > 0 && scales[s] < least)
			least = scales[s];
	if (isinf(least))
		least = none;
	for (size_t s = 0; s < data->n_series; s++)
		series_scale[s] = within_limits(scales[s] > 0 ? scales[s] : least);
	if (forecaster == NULL)
		return;
	forecaster->window_share = data->n_series > 1 ? 1 : 0;
	forecaster->fixed_scale = data->n_series > 1 ? within_limits(FLOOR_SHARE * least) : series_scale[0];
}

/* What makes the network's inputs 1 in size, and an output of 1 as large as the errors that the line leaves. */
static bool set_network_scales(struct mlops_forecaster *forecaster, const struct mlops_forecast_windows *windows,
			       const float *series_scale, struct mlops_pool *pool, struct mlops_error *error)
{
	size_t length = forecaster->length, stride = windows->n_training / SAMPLE + 1, n = 0;
	struct mlops_forecast_window *sample = malloc((windows->n_training / stride + 1) * sizeof *sample);
	float *z = malloc((length + 2 * forecaster->steps) * sizeof *z);
	double squares = 0, left = 0;
	bool fine = sample != NULL && z != NULL ? true : mlops_error_set_memory(error);

	for (size_t w = 0; fine && w < windows->n_training; w += stride) {
		sample[n++] = windows->training[w];
		mlops_forecaster_transform(forecaster, windows->training[w].history, z, z + length);
		for (size_t t = length - forecaster->steps; t < length; t++)
			squares += (double)z[t] * (double)z[t];
	}
	squares = sqrt(squares / (double)n / (double)forecaster->steps);
	forecaster->input_scale = squares > 0 ? (float)(1 / squares) : 1;
	fine = fine && mlops_forecaster_prepare(forecaster, error) &&
	       mlops_forecast_error(forecaster, sample, n, series_scale, pool, &left, NULL, error);
	forecaster->output_scale = left > 1e-6 ? (float)fmin(left, (double)MLOPS_FORECAST_REACH) : 1e-6f;
	free(sample);
	free(z);
	return fine;
}

/* Mean absolute errors of the forecasts that need no fitting, in units of the series. */
static void naive_errors(const struct mlops_forecast_windows *windows, size_t length, size_t horizon, size_t season,
			 const float *series_scale, double *naive, double *seasonal)
{
	double sums[2] = { 0 };

	for (size_t w = 0; w < windows->n_validation; w++) {
		const struct mlops_forecast_window *window = &windows->validation[w];
		const float *ahead = window->history + length;
		double unit = (double)series_scale[window->series] * (double)horizon;

		for (size_t k = 0; k < horizon; k++) {
			sums[0] += fabs((double)ahead[k] - (double)ahead[-1]) / unit;
			if (season > 0)
				sums[1] += fabs((double)ahead[k] - (double)(ahead - season)[k % season]) / unit;
		}
	}
	*naive = sums[0] / (double)windows->n_validation;
	*seasonal = season > 0 ? sums[1] / (double)windows->n_validation : NAN;
}

static bool take_weights(struct mlops_forecaster *to, const struct mlops_forecaster *from, struct mlops_error *error)
{
	memcpy(to->linear, from->linear, from->horizon * from->length * sizeof *to->linear);
	memcpy(to->bias, from->bias, from->horizon * sizeof *to->bias);
	memcpy(to->parameters, from->parameters, mlops_forecaster_parameters(from) * sizeof *to->parameters);
	return mlops_forecaster_prepare(to, error);
}

static struct mlops_forecaster *copy_of(const struct mlops_forecaster *from, struct mlops_error *error)
{
	struct mlops_forecaster *copy =
		mlops_forecaster_new(from->length, from->horizon, from->season, from->hidden, error);

	if (copy == NULL)
		return NULL;
	copy->fixed_scale = from->fixed_scale;
	copy->window_share = from->window_share;
	copy->input_scale = from->input_scale;
	copy->output_scale = from->output_scale;
	if (take_weights(copy, from, error))
		return copy;
	mlops_forecaster_free(copy);
	return NULL;
}

static bool same_setting(const struct mlops_settings *settings, const char *name, size_t value,
			 struct mlops_error *error)
{
	double set = mlops_settings_get(settings, name);

	if ((size_t)set == value)
		return true;
	return mlops_error_set(error, MLOPS_USAGE, "the model to start from has %s=%zu, the settings say %.0f", name, value, set);
}

/* The forecaster at epoch 0. */
static struct mlops_forecaster *start(const struct mlops_forecast_data *data,
				      const struct mlops_forecast_options *options,
				      const struct mlops_forecast_windows *windows, const double *scales,
				      float *series_scale, struct mlops_forecast_report *report,
				      struct mlops_error *error)
{
	const struct mlops_settings *settings = options->settings;
	size_t length = (size_t)mlops_settings_get(settings, "seq_length");
	size_t horizon = (size_t)mlops_settings_get(settings, "forecast_horizon");
	size_t hidden = (size_t)mlops_settings_get(settings, "hidden");
	struct mlops_forecast_season season;
	struct mlops_network_shape shape;
	struct mlops_forecaster *forecaster;

	if (!mlops_forecast_season_find(data, windows->training_values, length, &season, error))
		return NULL;
	report->longer_season = season.beyond;
	if (options->warm_start != NULL) {
		report->penalty = NAN;
		set_scales(NULL, data, scales, series_scale);
		return copy_of(options->warm_start, error);
	}
	forecaster = mlops_forecaster_new(length, horizon, season.within, hidden, error);
	if (forecaster == NULL)
		return NULL;
	set_scales(forecaster, data, scales, series_scale);
	shape = mlops_forecaster_shape(forecaster);
	mlops_network_init(&shape, options->seed, forecaster->parameters);
	if (mlops_forecast_line_fit(forecaster, windows, series_scale, options->pool, &report->penalty, error) &&
	    set_network_scales(forecaster, windows, series_scale, options->pool, error))
		return forecaster;
	mlops_forecaster_free(forecaster);
	return NULL;
}

static bool check_start(const struct mlops_forecast_options *options, struct mlops_error *error)
{
	const struct mlops_forecaster *warm = options->warm_start;

	return warm == NULL || (same_setting(options->settings, "seq_length", warm->length, error) &&
				same_setting(options->settings, "forecast_horizon", warm->horizon, error) &&
				same_setting(options->settings, "hidden", warm->hidden, error));
}

/* Is what the epochs have gained on validation more than its standard error?  Windows that share values ahead are alike:
 * horizon of them count as one. */
static bool gain_is_sure(const struct mlops_forecaster *before, const struct mlops_forecaster *after,
			 const struct mlops_forecast_windows *windows, const float *series_scale,
			 struct mlops_pool *pool, bool *sure, struct mlops_error *error)
{
	size_t n = windows->n_validation;
	double *errors = malloc(2 * n * sizeof *errors), *gains = errors, *left = errors + n;
	double mean = 0, unused, squares = 0, count = (double)n / (double)before->horizon;
	bool fine = errors != NULL ? true : mlops_error_set_memory(error);

	fine = fine && mlops_forecast_error(before, windows->validation, n, series_scale, pool, &unused, gains, error) &&
	       mlops_forecast_error(after, windows->validation, n, series_scale, pool, &unused, left, error);
	for (size_t w = 0; fine && w < n; w++) {
		gains[w] -= left[w];
		mean += gains[w] / (double)n;
	}
	for (size_t w = 0; fine && w < n; w++)
		squares += (gains[w] - mean) * (gains[w] - mean) / (double)n;
	*sure = fine && count >= FEWEST_GAINS && mean > sqrt(squares / count);
	free(errors);
	return fine;
}

/* Trains and sets the margins, from those of the start.  The epoch is chosen on the windows whose residuals make
 * them, so that the gain over the start is larger there than it will be: half of it is believed, and none that chance
 * may have made. */
static bool train_from(const struct mlops_forecaster *start, struct mlops_forecaster *forecaster,
		       const struct mlops_forecast_windows *windows, const float *series_scale, double unit,
		       const struct mlops_forecast_data *data, const struct mlops_forecast_options *options,
		       struct mlops_forecast_report *report, struct mlops_error *error)
{
	size_t n = MLOPS_FORECAST_LEVELS * forecaster->n_margins;
	bool sure;

	if (!mlops_forecast_train(forecaster, windows, series_scale, unit, data, options, report, error))
		return false;
	if (report->best_epoch == 0)
		return true;
	if (!gain_is_sure(start, forecaster, windows, series_scale, options->pool, &sure, error))
		return false;
	if (!sure) {
		report->best_epoch = 0;
		report->best = report->start;
		return take_weights(forecaster, start, error);
	}
	if (!mlops_forecast_intervals_fit(forecaster, windows->validation, windows->n_validation, options->pool, error))
		return false;
	for (size_t i = 0; i < n; i++)
		forecaster->margins[i] = 0.5f * start->margins[i] + 0.5f * forecaster->margins[i];
	return true;
}

static bool train(struct mlops_forecaster *forecaster, const struct mlops_forecast_windows *windows,
		  const float *series_scale, double unit, const struct mlops_forecast_data *data,
		  const struct mlops_forecast_options *options, struct mlops_forecast_report *report,
		  struct mlops_error *error)
{
	struct mlops_forecaster *start;
	bool fine;

	if (!mlops_forecast_intervals_fit(forecaster, windows->validation, windows->n_validation, options->pool, error))
		return false;
	start = copy_of(forecaster, error);
	if (start == NULL)
		return false;
	memcpy(start->margins, forecaster->margins,
	       MLOPS_FORECAST_LEVELS * forecaster->n_margins * sizeof *start->margins);
	fine = train_from(start, forecaster, windows, series_scale, unit, data, options, report, error);
	mlops_forecaster_free(start);
	return fine;
}

struct mlops_forecaster *mlops_forecaster_fit(const struct mlops_forecast_data *data,
					      const struct mlops_forecast_options *options,
					      struct mlops_forecast_report *report,
					      struct mlops_error *error)
{
	size_t length = (size_t)mlops_settings_get(options->settings, "seq_length");
	size_t horizon = (size_t)mlops_settings_get(options->settings, "forecast_horizon");
	double *scales = calloc(data->n_series + 1, sizeof *scales), unit;
	float *series_scale = calloc(data->n_series + 1, sizeof *series_scale);
	struct mlops_forecaster *forecaster = NULL;
	struct mlops_forecast_windows windows = { .n_training = 0 };
	bool fine = false;

	*report = (struct mlops_forecast_report){ .penalty = NAN };
	if (scales == NULL || series_scale == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	if (!check_start(options, error) || !mlops_forecast_windows_find(data, length, horizon, &windows, error))
		goto out;
	series_scales(data, windows.training_values, scales);
	forecaster = start(data, options, &windows, scales, series_scale, report, error);
	if (forecaster == NULL)
		goto out;
	unit = data->n_series > 1 ? 1 : (double)series_scale[0];
	report->training_windows = windows.n_training;
	report->validation_windows = windows.n_validation;
	report->season = forecaster->season;
	naive_errors(&windows, length, horizon, forecaster->season, series_scale, &report->naive, &report->seasonal);
	report->naive *= unit;
	report->seasonal *= unit;
	fine = train(forecaster, &windows, series_scale, unit, data, options, report, error);
out:
	free(scales);
	free(series_scale);
	mlops_forecast_windows_release(&windows);
	if (fine)
		return forecaster;
	mlops_forecaster_free(forecaster);
	return NULL;
}
