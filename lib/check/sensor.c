#include "check/sensor.h"

#include <math.h>
#include <string.h>

#define LANES 16

static float smaller(float a, float b)
{
	return a < b ? a : b;
}

static float larger(float a, float b)
{
	return a > b ? a : b;
}

/* Of the value ahead of x[0]. */
static float spike_before(const float *x)
{
	float up = x[-1] - x[-2];
	float down = x[-1] - x[0];
	float size = smaller(fabsf(up), fabsf(down));

	return (up > 0) == (down > 0) ? size : 0;
}

static float step_before(const float *x)
{
	float up = smaller(x[0], x[-1]) - larger(x[-2], x[-3]);
	float down = smaller(x[-2], x[-3]) - larger(x[0], x[-1]);

	return larger(larger(up, down), 0);
}

/* The largest of a statistic: sixteen side by side, so that the compiler has vectors to work with. */
static inline __attribute__((always_inline)) float largest_of(float (*statistic)(const float *),
							      const float *x, size_t n)
{
	float lanes[LANES] = { 0 };
	float most = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t k = 0; k < LANES; k++)
			lanes[k] = larger(statistic(x + i + k), lanes[k]);
	for (; i < n; i++)
		most = larger(statistic(x + i), most);
	for (size_t k = 0; k < LANES; k++)
		most = larger(lanes[k], most);
	return most;
}

static float change(const float *x)
{
	return fabsf(x[0] - x[-1]);
}

static float rise(const float *x)
{
	return x[0] - x[-1];
}

static float fall(const float *x)
{
	return x[-1] - x[0];
}

static const struct mlops_limit *limit_of(const struct mlops_sensor_run *run, enum mlops_rule rule)
{
	return &run->column->limits.of[rule];
}

/* Infinite where there is no limit. */
static double most_of(const struct mlops_sensor_run *run, enum mlops_rule rule, size_t setting)
{
	const struct mlops_limit *limit = limit_of(run, rule);

	return limit->severity == MLOPS_SEVERITY_OFF || isnan(limit->values[setting])
		       ? INFINITY
		       : limit->values[setting];
}

static size_t row_at(const struct mlops_sensor_samples *samples, size_t i)
{
	return samples->at != NULL ? samples->at[i] : i;
}

static void report(const struct mlops_sensor_run *run, enum mlops_rule rule,
		   const struct mlops_sensor_samples *samples, size_t i, double value, double excess)
{
	size_t row = row_at(samples, i);

	run->fault(run->context, rule, samples->first_row + row, samples->lines[row], value, excess);
}

/* Of the sample ahead of sample i. */
static void report_before(const struct mlops_sensor_run *run, enum mlops_rule rule,
			  const struct mlops_sensor_state *state, const struct mlops_sensor_samples *samples,
			  size_t i, double excess)
{
	double value = samples->values[(ptrdiff_t)i - 1];

	if (i > 0)
		report(run, rule, samples, i - 1, value, excess);
	else
		run->fault(run->context, rule, state->last_row, state->last_line, value, excess);
}

static void check_jumps(const struct mlops_sensor_run *run, const struct mlops_sensor_state *state,
			const struct mlops_sensor_samples *samples)
{
	const float *x = samples->values;
	double spike_most = most_of(run, MLOPS_RULE_SPIKE, 0);
	double step_most = most_of(run, MLOPS_RULE_STEP, 0);
	float spike = largest_of(spike_before, x, samples->n);
	float step = largest_of(step_before, x, samples->n);

	run->extremes->spike = larger(spike, run->extremes->spike);
	run->extremes->step = larger(step, run->extremes->step);
	if ((double)spike > spike_most)
		for (size_t i = 0; i < samples->n; i++)
			if ((double)spike_before(x + i) > spike_most)
				report_before(run, MLOPS_RULE_SPIKE, state, samples, i,
					      (double)spike_before(x + i) - spike_most);
	if ((double)step > step_most)
		for (size_t i = 0; i < samples->n; i++)
			if ((double)step_before(x + i) > step_most)
				report_before(run, MLOPS_RULE_STEP, state, samples, i,
					      (double)step_before(x + i) - step_most);
}

static double rate_at(const struct mlops_sensor_state *state, const struct mlops_sensor_samples *samples,
		      size_t i)
{
	const double *seconds = samples->seconds;
	double before = i > 0 ? seconds[i - 1] : state->last_seconds;
	double passed = seconds[i] - before;

	return passed > 0 ? (double)change(samples->values + i) / passed : 0;
}

static double largest_rate(const struct mlops_sensor_state *state, const struct mlops_sensor_samples *samples)
{
	const float *x = samples->values;
	const double *seconds = samples->seconds;
	double lanes[4] = { rate_at(state, samples, 0) };
	size_t i = 1;

	for (; i + 4 <= samples->n; i += 4)
		for (size_t k = 0; k < 4; k++) {
			double passed = seconds[i + k] - seconds[i + k - 1];
			double rate = (double)fabsf(x[i + k] - x[i + k - 1]) / passed;

			rate = passed > 0 ? rate : 0;
			lanes[k] = rate > lanes[k] ? rate : lanes[k];
		}
	for (; i < samples->n; i++)
		lanes[0] = fmax(lanes[0], rate_at(state, samples, i));
	return fmax(fmax(lanes[0], lanes[1]), fmax(lanes[2], lanes[3]));
}

static void check_rate(const struct mlops_sensor_run *run, const struct mlops_sensor_state *state,
		       const struct mlops_sensor_samples *samples)
{
	double most = most_of(run, MLOPS_RULE_RATE, 0);
	double largest;

	if (limit_of(run, MLOPS_RULE_RATE)->severity == MLOPS_SEVERITY_OFF)
		return;
	if (samples->seconds == NULL)
		largest = larger(largest_of(rise, samples->values, samples->n),
				 largest_of(fall, samples->values, samples->n));
	else
		largest = largest_rate(state, samples);
	run->extremes->rate = fmax(run->extremes->rate, largest);
	for (size_t i = 0; i < samples->n && largest > most; i++) {
		double rate = samples->seconds == NULL ? (double)change(samples->values + i)
						       : rate_at(state, samples, i);

		if (rate > most)
			report(run, MLOPS_RULE_RATE, samples, i, rate, rate - most);
	}
}

static void check_flat(const struct mlops_sensor_run *run, struct mlops_sensor_state *state,
		       const struct mlops_sensor_samples *samples)
{
	const float *x = samples->values;
	float within = (float)limit_of(run, MLOPS_RULE_FLAT)->values[1];
	double most = most_of(run, MLOPS_RULE_FLAT, 0);
	uint64_t rows = most < 1e18 ? (uint64_t)most : UINT64_MAX;
	float value = state->flat_value;
	uint64_t length = state->flat;
	uint64_t longest = 0;

	for (size_t i = 0; i < samples->n; i++) {
		bool same = fabsf(x[i] - value) <= within;

		length = same ? length + 1 : 1;
		value = same ? value : x[i];
		longest = length > longest ? length : longest;
	}
	if (longest > run->extremes->flat)
		run->extremes->flat = longest;
	if (longest >= rows) {
		float first = state->flat_value;
		uint64_t so_far = state->flat;

		for (size_t i = 0; i < samples->n; i++) {
			bool same = fabsf(x[i] - first) <= within;

			so_far = same ? so_far + 1 : 1;
			first = same ? first : x[i];
			if (so_far >= rows)
				report(run, MLOPS_RULE_FLAT, samples, i, x[i], (double)(so_far - rows));
		}
	}
	state->flat_value = value;
	state->flat = length;
}

static void check_noise(const struct mlops_sensor_run *run, struct mlops_sensor_state *state,
			const struct mlops_sensor_samples *samples)
{
	const struct mlops_limit *limit = limit_of(run, MLOPS_RULE_NOISE);
	float clip = (float)fmin(most_of(run, MLOPS_RULE_STEP, 0), 3e38);
	double least = limit->values[0];
	double most = limit->values[1];
	const float *x = samples->values;

	if (limit->severity == MLOPS_SEVERITY_OFF)
		return;
	for (size_t i = state->begun ? 0 : 1; i < samples->n;) {
		size_t left = MLOPS_NOISE_WINDOW - state->noise_n;
		size_t end = samples->n - i < left ? samples->n : i + left;
		double sum = state->noise_sum;
		double mean;

		state->noise_n += (uint32_t)(end - i);
		for (; i < end; i++)
			sum += (double)smaller(change(x + i), clip);
		state->noise_sum = sum;
		if (state->noise_n < MLOPS_NOISE_WINDOW)
			break;
		mean = sum / MLOPS_NOISE_WINDOW;
		state->noise_sum = 0;
		state->noise_n = 0;
		if (run->extremes->noise_windows++ == 0 || mean < run->extremes->noise_least)
			run->extremes->noise_least = mean;
		run->extremes->noise_most = fmax(run->extremes->noise_most, mean);
		if (mean < least)
			report(run, MLOPS_RULE_NOISE, samples, i - 1, mean, least - mean);
		else if (mean > most)
			report(run, MLOPS_RULE_NOISE, samples, i - 1, mean, mean - most);
	}
}

/* -1: none. */
static int marker_of(float value)
{
	for (int m = 0; m < MLOPS_MARKERS; m++)
		if (value == mlops_markers[m])
			return m;
	return -1;
}

static bool has_marker(const float *x, size_t n)
{
	uint32_t lanes[LANES] = { 0 };
	uint32_t found = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t k = 0; k < LANES; k++) {
			float value = x[i + k];

			lanes[k] |= (uint32_t)(value == -9999) | (uint32_t)(value == -999) |
				    (uint32_t)(value == -99) | (uint32_t)(value == 9999) |
				    (uint32_t)(value == 99999) | (uint32_t)(value == 32767) |
				    (uint32_t)(value == -32768) | (uint32_t)(value == 65535);
		}
	for (; i < n; i++)
		found |= marker_of(x[i]) >= 0;
	for (size_t k = 0; k < LANES; k++)
		found |= lanes[k];
	return found != 0;
}

static void check_markers(const struct mlops_sensor_run *run, struct mlops_sensor_state *state,
			  const struct mlops_sensor_samples *samples)
{
	const struct mlops_limit *limit = limit_of(run, MLOPS_RULE_MARKER);
	const float *x = samples->values;

	if (limit->severity == MLOPS_SEVERITY_OFF || !has_marker(x, samples->n)) {
		state->marked = 0;
		return;
	}
	for (size_t i = 0; i < samples->n; i++) {
		int marker = marker_of(x[i]);

		if (marker < 0) {
			state->marked = 0;
			continue;
		}
		run->extremes->markers |= UINT32_C(1) << marker;
		state->marked = state->marked > 0 && state->marker_value == x[i] ? state->marked + 1 : 1;
		state->marker_value = x[i];
		if ((run->column->markers >> marker & 1) == 0 && (double)state->marked >= limit->values[0])
			report(run, MLOPS_RULE_MARKER, samples, i, x[i], 0);
	}
}

static void remember(struct mlops_sensor_state *state, const struct mlops_sensor_samples *samples)
{
	size_t last = samples->n - 1;
	size_t row = row_at(samples, last);

	for (size_t i = 0; i < MLOPS_SENSOR_HALO; i++)
		state->last[i] = samples->values[(ptrdiff_t)last - (ptrdiff_t)i];
	state->last_seconds = samples->seconds != NULL ? samples->seconds[last] : 0;
	state->last_row = samples->first_row + row;
	state->last_line = samples->lines[row];
	state->begun = true;
}

void mlops_sensor_check(const struct mlops_sensor_run *run, struct mlops_sensor_state *state,
			const struct mlops_sensor_samples *samples)
{
	float *x = samples->values;

	if (samples->n == 0)
		return;
	/* The first sample of all stands for those ahead of it: no change, no spike. */
	if (!state->begun) {
		state->last[0] = state->last[1] = state->last[2] = x[0];
		state->last_seconds = samples->seconds != NULL ? samples->seconds[0] : 0;
		state->flat_value = x[0];
	}
	for (ptrdiff_t i = 1; i <= MLOPS_SENSOR_HALO; i++)
		x[-i] = state->last[i - 1];
	run->extremes->rises = run->extremes->rises || largest_of(rise, x, samples->n) > 0;
	run->extremes->falls = run->extremes->falls || largest_of(fall, x, samples->n) > 0;
	if (limit_of(run, MLOPS_RULE_SPIKE)->severity != MLOPS_SEVERITY_OFF ||
	    limit_of(run, MLOPS_RULE_STEP)->severity != MLOPS_SEVERITY_OFF)
		check_jumps(run, state, samples);
	check_rate(run, state, samples);
	if (limit_of(run, MLOPS_RULE_FLAT)->severity != MLOPS_SEVERITY_OFF)
		check_flat(run, state, samples);
	check_noise(run, state, samples);
	check_markers(run, state, samples);
	remember(state, samples);
}

static void learn(struct mlops_limit *limit, size_t setting, double value)
{
	if (isnan(limit->values[setting]) && value > 0 && value < 1e300)
		limit->values[setting] = value;
}

void mlops_sensor_learn(const struct mlops_sensor_extremes *extremes, double factor, uint64_t rows,
			bool times, struct mlops_schema_column *column)
{
	struct mlops_limit *of = column->limits.of;
	double flat = ceil(fmax(2 * factor * (double)extremes->flat / 1.5, (double)extremes->flat + 10));

	learn(&of[MLOPS_RULE_SPIKE], 0, factor * (double)extremes->spike);
	learn(&of[MLOPS_RULE_STEP], 0, factor * (double)extremes->step);
	if (times)
		learn(&of[MLOPS_RULE_RATE], 0, factor * extremes->rate);
	if (rows >= 100 && extremes->flat < rows / 4)
		learn(&of[MLOPS_RULE_FLAT], 0, flat);
	if (extremes->noise_windows >= 8) {
		learn(&of[MLOPS_RULE_NOISE], 0, extremes->noise_least / (factor + 0.5));
		learn(&of[MLOPS_RULE_NOISE], 1, extremes->noise_most * (factor - 0.1));
	}
	column->markers |= extremes->markers;
}
