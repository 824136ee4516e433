/* Forecasters that nobody trained, for tests of what is done with them, and series that are easy to forecast. */
#ifndef MLOPS_TESTS_FORECASTER_SAMPLE_H
#define MLOPS_TESTS_FORECASTER_SAMPLE_H

#include "model/model.h"

struct forecaster_sizes {
	size_t length, horizon, season, hidden;
	bool own_scale; /* scaled by each window's own steps */
};

/* Random weights, margins that grow with level and step; prepared.  NULL when memory runs out. */
struct mlops_forecaster *forecaster_sample_new(const struct forecaster_sizes *sizes, uint64_t seed);

/* The same inside a model of its kind, with a metadata entry. */
struct mlops_model *forecaster_sample_model(const struct forecaster_sizes *sizes, uint64_t seed);

/* n values: level + a season of 12 + an autoregression's noise of the given size. */
void forecaster_sample_series(float *values, size_t n, double level, double noise, uint64_t seed);

#endif
