/*
 * Training of a network (network.h): gradients by back-propagation through all steps, dropout between the
 * layers (inverted: what is kept is divided by 1 - p), clipping by the norm of the whole gradient, Adam
 * (Kingma, Ba: "Adam: a method for stochastic optimization", ICLR 2015; bias-corrected, epsilon beside the
 * root, as in PyTorch). The loss is the caller's business:
 *
 *	struct mlops_trainer_options options = MLOPS_TRAINER_OPTIONS_INIT;
 *	struct mlops_trainer *trainer = mlops_trainer_new(&shape, &options, parameters, &error);
 *	// for each batch:
 *	mlops_trainer_forward(trainer, sequences, n, pool, outputs);
 *	...                                             // outputs -> gradient of the loss at the outputs
 *	mlops_trainer_backward(trainer, output_gradient, extra_gradient, pool);
 *	mlops_trainer_update(trainer, pool);
 *	// from time to time:
 *	mlops_network_run(mlops_trainer_network(trainer), ...);    // without dropout, with the weights of now
 *	mlops_trainer_parameters(trainer, parameters);
 *
 * All memory is taken by mlops_trainer_new (about 4 KB a step and sequence of a batch at hidden 64); the
 * three steps cannot fail.  They give the same bits for any pool: a batch is cut into shards of
 * MLOPS_TRAINER_SHARD sequences, whose gradients are added in their order, and random numbers are drawn by
 * counter. `extra` parameters behind those of the network are the caller's, a linear path for instance: the
 * trainer clips and steps them with the others.
 */
#ifndef MLOPS_MODEL_TRAINER_H
#define MLOPS_MODEL_TRAINER_H

#include "base/buffer.h"
#include "model/network.h"

#define MLOPS_TRAINER_SHARD 8

struct mlops_trainer_options {
	float learning_rate;
	float beta1, beta2, epsilon;
	float weight_decay; /* apart from the gradient (AdamW); 0: none */
	float dropout; /* odds, in steps of 1/65536, that a value of the first layer's output is dropped; < 1
			*/
	float head_dropout; /* the same for the second layer's last output */
	float clip;	    /* largest norm of the gradient; 0: any */
	uint64_t seed;	    /* of dropout */
	size_t batch;	    /* most sequences in a batch */
	size_t extra;	    /* the caller's own parameters */
};

#define MLOPS_TRAINER_OPTIONS_INIT \
	{ .learning_rate = 0.001f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .batch = 32 }

struct mlops_trainer;

/* parameters [mlops_network_parameters(shape) + extra] to begin with.  NULL with MLOPS_DATA (an option out of
 * its range) or MLOPS_MEMORY. */
struct mlops_trainer *mlops_trainer_new(const struct mlops_network_shape *shape,
					const struct mlops_trainer_options *options, const float *parameters,
					struct mlops_error *error);
void mlops_trainer_free(struct mlops_trainer *trainer);

/* sequences [n, steps, inputs] -> outputs [n, outputs], 1 ≤ n ≤ batch, with dropout; neither is kept. */
void mlops_trainer_forward(struct mlops_trainer *trainer, const float *sequences, size_t n,
			   struct mlops_pool *pool, float *outputs);

/* Makes the gradient from that of the loss at the outputs [n, outputs] of the last mlops_trainer_forward,
 * which has gone before.  extra_gradient [extra] is taken as it is. */
void mlops_trainer_backward(struct mlops_trainer *trainer, const float *output_gradient,
			    const float *extra_gradient, struct mlops_pool *pool);

/* Clips the gradient and takes a step of Adam.  Returns the norm before clipping; where that is not finite,
 * no parameter is changed and no step is counted. */
double mlops_trainer_update(struct mlops_trainer *trainer, struct mlops_pool *pool);

/* From the next update on. */
void mlops_trainer_set_learning_rate(struct mlops_trainer *trainer, float learning_rate);

/* The network with the parameters of now, and the caller's own parameters; the trainer's, until it is freed.
 */
const struct mlops_network *mlops_trainer_network(const struct mlops_trainer *trainer);
const float *mlops_trainer_extra(const struct mlops_trainer *trainer);

/* Copies of the flat vector and, as mlops_trainer_backward made it, of its gradient; both with extra. */
void mlops_trainer_parameters(const struct mlops_trainer *trainer, float *parameters);
void mlops_trainer_gradient(const struct mlops_trainer *trainer, float *gradient);

/* Appends to bytes all that a later training needs to go on to the same bits: parameters, moments and number
 * of steps, little-endian. */
void mlops_trainer_save(const struct mlops_trainer *trainer, struct mlops_buffer *bytes);

/* Takes up what mlops_trainer_save gave, of the same shape and extra; MLOPS_DATA when it is not that, and
 * then nothing is changed. */
bool mlops_trainer_restore(struct mlops_trainer *trainer, const char *bytes, size_t length,
			   struct mlops_error *error);

#endif
