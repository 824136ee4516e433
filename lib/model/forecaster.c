#include "model/forecaster.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Histories that go through the network at a time: enough for any pool, small beside the model. */
#define CHUNK 256

struct mlops_network_shape mlops_forecaster_shape(const struct mlops_forecaster *forecaster)
{
	return (struct mlops_network_shape){
		.inputs = forecaster->season > 0 ? 2 : 1,
		.hidden = forecaster->hidden,
		.outputs = forecaster->horizon,
		.steps = forecaster->steps,
	};
}

struct mlops_forecaster *mlops_forecaster_new(size_t length, size_t horizon, size_t season, size_t hidden,
					      struct mlops_error *error)
{
	struct mlops_forecaster *forecaster;

	if (length < 2 || length > MLOPS_FORECAST_MAX_LENGTH || horizon < 1 ||
	    horizon > MLOPS_FORECAST_MAX_HORIZON || season == 1 || season > length || hidden < 1 ||
	    hidden > MLOPS_FORECAST_MAX_HIDDEN) {
		mlops_error_set(error, MLOPS_BUG,
				"a forecaster of length %zu, horizon %zu, season %zu and %zu hidden units", length,
				horizon, season, hidden);
		return NULL;
	}
	forecaster = calloc(1, sizeof *forecaster);
	if (forecaster == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	*forecaster = (struct mlops_forecaster){
		.length = length,
		.horizon = horizon,
		.season = season,
		.steps = length < MLOPS_FORECAST_MEMORY ? length : MLOPS_FORECAST_MEMORY,
		.hidden = hidden,
		.fixed_scale = 1,
		.input_scale = 1,
		.output_scale = 1,
		.n_margins = horizon > MLOPS_FORECAST_STEPS ? horizon : MLOPS_FORECAST_STEPS,
	};
	forecaster->linear = calloc(horizon * length, sizeof *forecaster->linear);
	forecaster->bias = calloc(horizon, sizeof *forecaster->bias);
	forecaster->parameters = calloc(mlops_forecaster_parameters(forecaster), sizeof *forecaster->parameters);
	forecaster->margins = calloc(MLOPS_FORECAST_LEVELS * forecaster->n_margins, sizeof *forecaster->margins);
	if (forecaster->linear == NULL || forecaster->bias == NULL || forecaster->parameters == NULL ||
	    forecaster->margins == NULL) {
		mlops_error_set_memory(error);
		mlops_forecaster_free(forecaster);
		return NULL;
	}
	return forecaster;
}

void mlops_forecaster_free(struct mlops_forecaster *forecaster)
{
	if (forecaster == NULL)
		return;
	mlops_network_free(forecaster->network);
	free(forecaster->linear);
	free(forecaster->bias);
	free(forecaster->parameters);
	free(forecaster->margins);
	free(forecaster);
}

size_t mlops_forecaster_parameters(const struct mlops_forecaster *forecaster)
{
	struct mlops_network_shape shape = mlops_forecaster_shape(forecaster);

	return mlops_network_parameters(&shape);
}

bool mlops_forecaster_prepare(struct mlops_forecaster *forecaster, struct mlops_error *error)
{
	struct mlops_network_shape shape = mlops_forecaster_shape(forecaster);
	struct mlops_network *network = mlops_network_new(&shape, forecaster->parameters, error);

	if (network == NULL)
		return false;
	mlops_network_free(forecaster->network);
	forecaster->network = network;
	return true;
}

size_t mlops_forecaster_memory(const struct mlops_forecaster *forecaster)
{
	size_t numbers = forecaster->horizon * (forecaster->length + 1) +
			 MLOPS_FORECAST_LEVELS * forecaster->n_margins;

	/* the network has the parameters once more, packed for the kernels */
	numbers += (forecaster->network != NULL ? 2 : 1) * mlops_forecaster_parameters(forecaster);
	return sizeof *forecaster + numbers * sizeof(float);
}

static float hold(float value, float limit)
{
	return value < -limit ? -limit : value > limit ? limit : value;
}

static float scale_of(const struct mlops_forecaster *forecaster, const float *history)
{
	double sum = 0;
	float scale;

	if (!(forecaster->window_share > 0))
		return forecaster->fixed_scale;
	for (size_t t = 0; t + 1 < forecaster->length; t++)
		sum += fabs((double)history[t + 1] - (double)history[t]);
	sum *= (double)forecaster->window_share / (double)(forecaster->length - 1);
	scale = sum < (double)MLOPS_FORECAST_LARGEST_SCALE ? (float)sum : MLOPS_FORECAST_LARGEST_SCALE;
	return scale > forecaster->fixed_scale ? scale : forecaster->fixed_scale;
}

float mlops_forecaster_transform(const struct mlops_forecaster *forecaster, const float *history, float *z,
				 float *sequence)
{
	size_t length = forecaster->length, season = forecaster->season;
	float scale = scale_of(forecaster, history), last = history[length - 1];

	for (size_t t = 0; t < length; t++)
		z[t] = hold((history[t] - last) / scale, MLOPS_FORECAST_REACH);
	for (size_t t = length - forecaster->steps; t < length; t++) {
		*sequence++ = forecaster->input_scale * z[t];
		if (season > 0)
			*sequence++ = t + 1 >= season ? forecaster->input_scale * z[t + 1 - season] : 0;
	}
	return scale;
}

/* Four sums, so that the additions needn't wait for each other. */
static float linear_of(const float *weights, const float *z, size_t n)
{
	double sums[4] = { 0 };
	size_t t = 0;

	for (; t + 4 <= n; t += 4)
		for (size_t i = 0; i < 4; i++)
			sums[i] += (double)weights[t + i] * (double)z[t + i];
	for (; t < n; t++)
		sums[0] += (double)weights[t] * (double)z[t];
	return (float)((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/* Scratch of a chunk of histories. */
struct chunk {
	float *z, *sequences, *network, *scales;
};

static bool chunk_new(struct chunk *chunk, const struct mlops_forecaster *forecaster, size_t n,
		      struct mlops_error *error)
{
	size_t inputs = forecaster->season > 0 ? 2 : 1;

	chunk->z = malloc(n * forecaster->length * sizeof *chunk->z);
	chunk->sequences = malloc(n * forecaster->steps * inputs * sizeof *chunk->sequences);
	chunk->network = malloc(n * forecaster->horizon * sizeof *chunk->network);
	chunk->scales = malloc(n * sizeof *chunk->scales);
	return chunk->z != NULL && chunk->sequences != NULL && chunk->network != NULL && chunk->scales != NULL
		       ? true
		       : mlops_error_set_memory(error);
}

static void chunk_release(struct chunk *chunk)
{
	free(chunk->z);
	free(chunk->sequences);
	free(chunk->network);
	free(chunk->scales);
}

static bool predict(const struct mlops_forecaster *forecaster, const struct chunk *chunk, const float *histories,
		    size_t n, struct mlops_pool *pool, float *forecast, struct mlops_error *error)
{
	size_t length = forecaster->length, horizon = forecaster->horizon;
	size_t sequence = forecaster->steps * (forecaster->season > 0 ? 2 : 1);

	for (size_t i = 0; i < n; i++)
		chunk->scales[i] = mlops_forecaster_transform(forecaster, histories + i * length,
							      chunk->z + i * length,
							      chunk->sequences + i * sequence);
	if (!mlops_network_run(forecaster->network, chunk->sequences, n, pool, chunk->network, error))
		return false;
	for (size_t i = 0; i < n; i++) {
		float last = histories[i * length + length - 1];

		for (size_t k = 0; k < horizon; k++) {
			float linear = linear_of(forecaster->linear + k * length, chunk->z + i * length, length);
			float change = linear + forecaster->bias[k] +
				       forecaster->output_scale * chunk->network[i * horizon + k];

			forecast[i * horizon + k] = hold(last + chunk->scales[i] * change, FLT_MAX);
		}
	}
	return true;
}

bool mlops_forecaster_predict(const struct mlops_forecaster *forecaster, const float *histories, size_t n,
			      struct mlops_pool *pool, float *forecast, struct mlops_error *error)
{
	struct chunk chunk;
	bool fine = chunk_new(&chunk, forecaster, n < CHUNK ? n : CHUNK, error);

	for (size_t from = 0; fine && from < n; from += CHUNK)
		fine = predict(forecaster, &chunk, histories + from * forecaster->length,
			       n - from < CHUNK ? n - from : CHUNK, pool, forecast + from * forecaster->horizon,
			       error);
	chunk_release(&chunk);
	return fine;
}

double mlops_forecaster_margin(const struct mlops_forecaster *forecaster, double level, size_t step)
{
	size_t last = forecaster->n_margins - 1, known = step < last ? step : last;
	double place = (level - MLOPS_FORECAST_LOWEST_LEVEL) * 100, low, high, growth = 1;
	size_t row = place < MLOPS_FORECAST_LEVELS - 2 ? (size_t)place : MLOPS_FORECAST_LEVELS - 2;
	const float *margins = forecaster->margins + row * forecaster->n_margins + known;

	low = (double)margins[0];
	high = (double)margins[forecaster->n_margins];
	if (step > last)
		growth = sqrt((double)(step + 1) / (double)(last + 1));
	return growth * (low + (high - low) * (place - (double)row));
}

/* The intervals around forecasts of n histories that begin at step `from`, scaled by each history's own scale. */
static void enclose(const struct mlops_forecaster *forecaster, const float *scales, size_t n, size_t steps,
		    double level, const struct mlops_forecast *answer)
{
	for (size_t k = 0; k < steps; k++) {
		float margin = (float)mlops_forecaster_margin(forecaster, level, k);

		for (size_t i = 0; i < n; i++) {
			float centre = answer->forecast[i * steps + k], distance = scales[i] * margin;

			answer->lower[i * steps + k] = hold(centre - distance, FLT_MAX);
			answer->upper[i * steps + k] = hold(centre + distance, FLT_MAX);
		}
	}
}

/* moving [n][length] is the histories of this chunk, and what they become; part [n][horizon] is scratch. */
static bool extend(const struct mlops_forecaster *forecaster, const struct chunk *chunk, float *moving, float *part,
		   size_t n, size_t steps, struct mlops_pool *pool, float *forecast, struct mlops_error *error)
{
	size_t length = forecaster->length, horizon = forecaster->horizon;
	size_t kept = horizon < length ? length - horizon : 0;

	for (size_t done = 0; done < steps; done += horizon) {
		size_t more = steps - done < horizon ? steps - done : horizon;

		if (!predict(forecaster, chunk, moving, n, pool, part, error))
			return false;
		for (size_t i = 0; i < n; i++) {
			memcpy(forecast + i * steps + done, part + i * horizon, more * sizeof *forecast);
			memmove(moving + i * length, moving + i * length + length - kept, kept * sizeof *moving);
			memcpy(moving + i * length + kept, part + i * horizon + horizon - (length - kept),
			       (length - kept) * sizeof *moving);
		}
	}
	return true;
}

static bool check_request(size_t steps, double level, struct mlops_error *error)
{
	if (steps < 1 || steps > MLOPS_FORECAST_MAX_STEPS)
		return mlops_error_set(error, MLOPS_USAGE, "%zu steps ahead: a forecast takes 1 to %d", steps,
				       MLOPS_FORECAST_MAX_STEPS);
	if (!(level >= MLOPS_FORECAST_LOWEST_LEVEL && level <= MLOPS_FORECAST_HIGHEST_LEVEL))
		return mlops_error_set(error, MLOPS_USAGE, "level %g: an interval's is from %g to %g", level,
				       MLOPS_FORECAST_LOWEST_LEVEL, MLOPS_FORECAST_HIGHEST_LEVEL);
	return true;
}

bool mlops_forecaster_extend(const struct mlops_forecaster *forecaster, const float *histories, size_t n,
			     size_t steps, double level, struct mlops_pool *pool,
			     const struct mlops_forecast *answer, struct mlops_error *error)
{
	size_t length = forecaster->length, most = n < CHUNK ? n : CHUNK;
	float *moving = malloc(most * length * sizeof *moving), *part = NULL;
	struct chunk chunk = { 0 };
	bool fine = check_request(steps, level, error);

	part = malloc(most * forecaster->horizon * sizeof *part);
	if (fine && (moving == NULL || part == NULL))
		fine = mlops_error_set_memory(error);
	fine = fine && chunk_new(&chunk, forecaster, most, error);
	for (size_t from = 0; fine && from < n; from += CHUNK) {
		size_t here = n - from < CHUNK ? n - from : CHUNK, at = from * steps;
		struct mlops_forecast some = { .forecast = answer->forecast + at };

		memcpy(moving, histories + from * length, here * length * sizeof *moving);
		fine = extend(forecaster, &chunk, moving, part, here, steps, pool, some.forecast, error);
		if (!fine || answer->lower == NULL)
			continue;
		some.lower = answer->lower + at;
		some.upper = answer->upper + at;
		for (size_t i = 0; i < here; i++)
			chunk.scales[i] = scale_of(forecaster, histories + (from + i) * length);
		enclose(forecaster, chunk.scales, here, steps, level, &some);
	}
	chunk_release(&chunk);
	free(moving);
	free(part);
	return fine;
}
