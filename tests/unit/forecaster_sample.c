#include "tests/unit/forecaster_sample.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

static float draw(struct mlops_rng *rng, double size)
{
	return (float)(size * (2 * mlops_rng_unit(rng) - 1));
}

struct mlops_forecaster *forecaster_sample_new(const struct forecaster_sizes *sizes, uint64_t seed)
{
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 1);
	struct mlops_forecaster *forecaster =
		mlops_forecaster_new(sizes->length, sizes->horizon, sizes->season, sizes->hidden, NULL);

	if (forecaster == NULL)
		return NULL;
	forecaster->fixed_scale = sizes->own_scale ? 0.25f : 1.5f;
	forecaster->window_share = sizes->own_scale ? 1 : 0;
	forecaster->input_scale = 0.375f;
	forecaster->output_scale = 0.75f;
	for (size_t i = 0; i < sizes->horizon * sizes->length; i++)
		forecaster->linear[i] = draw(&rng, 0.3);
	for (size_t k = 0; k < sizes->horizon; k++)
		forecaster->bias[k] = draw(&rng, 0.1);
	for (size_t i = 0; i < mlops_forecaster_parameters(forecaster); i++)
		forecaster->parameters[i] = draw(&rng, 0.4);
	for (size_t level = 0; level < MLOPS_FORECAST_LEVELS; level++)
		for (size_t step = 0; step < forecaster->n_margins; step++)
			forecaster->margins[level * forecaster->n_margins + step] =
				(1 + 0.125f * (float)level) * sqrtf((float)step + 1);
	if (mlops_forecaster_prepare(forecaster, NULL))
		return forecaster;
	mlops_forecaster_free(forecaster);
	return NULL;
}

struct mlops_model *forecaster_sample_model(const struct forecaster_sizes *sizes, uint64_t seed)
{
	struct mlops_model *model = calloc(1, sizeof *model);

	if (model == NULL)
		return NULL;
	model->kind = MLOPS_TIME_SERIES_FORECAST;
	model->forecaster = forecaster_sample_new(sizes, seed);
	if (model->forecaster != NULL && mlops_metadata_set(&model->metadata, "target", "temp", NULL))
		return model;
	mlops_model_free(model);
	return NULL;
}

void forecaster_sample_series(float *values, size_t n, double level, double noise, uint64_t seed)
{
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 2);
	double state = 0;

	for (size_t t = 0; t < n; t++) {
		state = 0.7 * state + noise * (mlops_rng_unit(&rng) + mlops_rng_unit(&rng) - 1);
		values[t] = (float)(level + 10 * (double)((t * 5) % 12) / 12 + state);
	}
}
