/*
 * A few sequences of a batch on their way through a network that is trained, forwards and back: what
 * trainer.c hands out to threads.
 */
#ifndef MLOPS_MODEL_TRAINER_SHARD_H
#define MLOPS_MODEL_TRAINER_SHARD_H

#include "model/network_layers.h"

/* Weights packed for the way back: rows of gates, or outputs, by columns of units. */
struct mlops_trainer_weights {
	float *input_weights;			     /* of the second layer: packed [4 hidden, hidden] */
	float *hidden_weights[MLOPS_NETWORK_LAYERS]; /* packed [4 hidden, hidden] */
	float *head_weights;			     /* packed [outputs, hidden] */
};

/* Dropout of one forward pass. */
struct mlops_trainer_drops {
	uint64_t seed;
	uint32_t step;
	uint32_t threshold, head_threshold; /* odds times 65536; 0: none */
};

/* A shard's gradient: weights packed like those of struct mlops_network. */
struct mlops_shard_layer {
	float *input_weights, *hidden_weights;
	float *bias; /* [4, stride] */
};

struct mlops_shard_gradient {
	struct mlops_shard_layer layers[MLOPS_NETWORK_LAYERS];
	float *head_weights, *head_bias;
};

/* Memory of a shard; arrays of rows as in struct mlops_layer_run. */
struct mlops_trainer_shard {
	float *memory; /* where its parts are: at the same places in every shard */
	size_t number; /* of the shard in its batch */
	size_t rows;
	float *input; /* [steps, rows, inputs] */
	float *hidden[MLOPS_NETWORK_LAYERS], *cell[MLOPS_NETWORK_LAYERS], *saved[MLOPS_NETWORK_LAYERS];
	uint16_t *keep; /* [steps + 1, keep_row] dropout of the first layer's output, then of the last one */
	float *dropped; /* [some steps, rows, stride] the first layer's output with it */
	float *head_input; /* [rows, stride] */
	float *outputs;	   /* [rows, outputs rounded up], then the gradient at them */
	float *sums;	   /* [some steps, rows, sums_row] before the gates, and the gradient there */
	float *at_input;   /* [some steps, rows, stride] gradient at the second layer's inputs */
	float *at_hidden[MLOPS_NETWORK_LAYERS], *at_cell[MLOPS_NETWORK_LAYERS]; /* [rows, stride] */
	struct mlops_shard_gradient gradient;
};

/* Floats of a shard's memory; with memory (zeros, on a line of the cache), its parts are given places there.
 */
size_t mlops_trainer_shard_place(const struct mlops_network *network, float *memory,
				 struct mlops_trainer_shard *shard);

/* rows sequences -> outputs [rows, outputs]. */
void mlops_trainer_shard_forward(const struct mlops_network *network, struct mlops_trainer_shard *shard,
				 const struct mlops_trainer_drops *drops, const float *sequences,
				 float *outputs);

/* Gradient at the outputs -> shard->gradient. */
void mlops_trainer_shard_backward(const struct mlops_network *network,
				  const struct mlops_trainer_weights *weights,
				  struct mlops_trainer_shard *shard, const struct mlops_trainer_drops *drops,
				  const float *output_gradient);

#endif
