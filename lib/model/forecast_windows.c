#include "model/forecast_windows.h"

#include <stdlib.h>

/* Validation windows of a short series that are worth a larger share of it: with fewer, chance decides. */
#define WORTHWHILE 20

/* How many of a series' n values are kept for validation: an eighth; of a short series up to a third, so that there
 * are WORTHWHILE windows; at least one window, and at least one left for training. */
static size_t kept_of(size_t n, size_t length, size_t horizon)
{
	size_t kept = n / 8, wanted = horizon + WORTHWHILE - 1, fair = n > length ? (n - length) / 3 : 0;

	wanted = wanted < fair ? wanted : fair;
	kept = kept > wanted ? kept : wanted;
	if (n >= length + 2 * horizon && kept > n - length - horizon)
		kept = n - length - horizon;
	return kept > horizon ? kept : horizon;
}

static size_t windows_in(size_t first_target, size_t end, size_t horizon)
{
	return end >= first_target + horizon ? end - first_target - horizon + 1 : 0;
}

/* The values of each segment that lie before the last `kept` of its series. */
static void cut(const struct mlops_forecast_data *data, size_t length, size_t horizon, size_t *training_values)
{
	for (size_t i = 0, end; i < data->n_segments; i = end) {
		size_t n = 0, before;

		for (end = i; end < data->n_segments && data->segments[end].series == data->segments[i].series; end++)
			n += data->segments[end].n;
		before = kept_of(n, length, horizon);
		before = n > before ? n - before : 0;
		for (; i < end; i++) {
			training_values[i] = data->segments[i].n < before ? data->segments[i].n : before;
			before -= training_values[i];
		}
	}
}

static bool too_little(const struct mlops_forecast_data *data, size_t length, size_t horizon,
		       struct mlops_error *error)
{
	size_t longest = 0;

	for (size_t i = 0; i < data->n_segments; i++)
		longest = data->segments[i].n > longest ? data->segments[i].n : longest;
	if (longest >= length + 2 * horizon && data->n_segments > 1)
		return mlops_error_set(error, MLOPS_DATA,
				       "gaps leave no stretch of %zu values both for training and for validation: "
				       "seq_length %zu and forecast_horizon %zu ask for one each",
				       length + horizon, length, horizon);
	return mlops_error_set(error, MLOPS_DATA,
			       "%zu values without a gap are needed (seq_length %zu and twice forecast_horizon %zu), "
			       "the longest stretch has %zu",
			       length + 2 * horizon, length, horizon, longest);
}

bool mlops_forecast_windows_find(const struct mlops_forecast_data *data, size_t length, size_t horizon,
				 struct mlops_forecast_windows *windows, struct mlops_error *error)
{
	struct mlops_forecast_window *training, *validation;

	*windows = (struct mlops_forecast_windows){ .n_training = 0 };
	windows->training_values = calloc(data->n_segments + 1, sizeof *windows->training_values);
	if (windows->training_values == NULL)
		return mlops_error_set_memory(error);
	cut(data, length, horizon, windows->training_values);
	for (size_t i = 0; i < data->n_segments; i++) {
		size_t before = windows->training_values[i], first = before > length ? before : length;

		windows->n_training += windows_in(length, before, horizon);
		windows->n_validation += windows_in(first, data->segments[i].n, horizon);
	}
	if (windows->n_training == 0 || windows->n_validation == 0)
		return too_little(data, length, horizon, error);
	training = calloc(windows->n_training + windows->n_validation, sizeof *training);
	if (training == NULL)
		return mlops_error_set_memory(error);
	windows->training = training;
	windows->validation = validation = training + windows->n_training;
	for (size_t i = 0; i < data->n_segments; i++) {
		const struct mlops_forecast_segment *segment = &data->segments[i];
		size_t before = windows->training_values[i];

		for (size_t t = length; t + horizon <= segment->n; t++) {
			struct mlops_forecast_window window = {
				.history = segment->values + t - length,
				.future = segment->n - t,
				.series = segment->series,
			};

			if (t + horizon <= before)
				*training++ = window;
			else if (t >= before)
				*validation++ = window;
		}
	}
	return true;
}

void mlops_forecast_windows_release(struct mlops_forecast_windows *windows)
{
	free(windows->training);
	free(windows->training_values);
	*windows = (struct mlops_forecast_windows){ .n_training = 0 };
}

size_t mlops_forecast_fewest(const struct mlops_settings *settings)
{
	return (size_t)mlops_settings_get(settings, "seq_length") +
	       2 * (size_t)mlops_settings_get(settings, "forecast_horizon");
}
