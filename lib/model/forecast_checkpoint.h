/*
 * A fit that was broken off, as bytes: how far it was, the weights it had and the best ones, the optimiser's state.
 * Little-endian, with a hash of what is fitted (data, settings, seed, start) at its beginning and one of the bytes at its end.
 */
#ifndef MLOPS_MODEL_FORECAST_CHECKPOINT_H
#define MLOPS_MODEL_FORECAST_CHECKPOINT_H

#include "base/sha256.h"
#include "model/forecaster_fit.h"

/* Where a fit is between two epochs. */
struct mlops_forecast_state {
	uint64_t epoch, best_epoch, waited, steps; /* waited: epochs since the milestone; steps of the optimiser */
	double best, milestone; /* errors: at best_epoch, and the last one that was clearly better than before */
	size_t n_weights;
	float *average, *best_weights; /* [n_weights] */
};

/* What a checkpoint must belong to. */
void mlops_forecast_identity(const struct mlops_forecast_data *data, const struct mlops_forecast_options *options,
			     char identity[MLOPS_SHA256_TEXT]);

/* Appends; optimiser: bytes of the trainer's own. */
bool mlops_forecast_checkpoint_write(const struct mlops_forecast_state *state, const char *identity,
				     const void *optimiser, size_t optimiser_length, struct mlops_buffer *out,
				     struct mlops_error *error);

/* Fills state, whose n_weights and arrays are the fit's own; *optimiser points into bytes.  MLOPS_DATA where the bytes are
 * damaged or another fit's. */
bool mlops_forecast_checkpoint_read(const void *bytes, size_t length, const char *identity,
				    struct mlops_forecast_state *state, const char **optimiser,
				    size_t *optimiser_length, struct mlops_error *error);

#endif
