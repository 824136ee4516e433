/*
 * The recurrent network of a forecaster: two LSTM layers (Hochreiter, Schmidhuber: "Long short-term memory",
 * Neural Computation 9(8), 1997; forget gates: Gers, Schmidhuber, Cummins, Neural Computation 12(10), 2000)
 * and a linear head on what the second layer says last,
 *
 *	i, f, g, o = sigm, sigm, tanh, sigm (W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)
 *	c_t = f c_(t-1) + i g        h_t = o tanh(c_t)        y = W h_T + b
 *
 *	struct mlops_network_shape shape = { .inputs = 1, .hidden = 64, .outputs = 5, .steps = 60 };
 *	float *parameters = calloc(mlops_network_parameters(&shape), sizeof *parameters);
 *	mlops_network_init(&shape, seed, parameters);
 *	...                                             // trainer.h, or weights from elsewhere
 *	struct mlops_network *network = mlops_network_new(&shape, parameters, &error);
 *	mlops_network_run(network, sequences, n, pool, outputs, &error);
 *	mlops_network_free(network);
 *
 * Parameters are one flat vector, in PyTorch's order and layout, gates in the order i, f, g, o:
 *
 *	weight_ih_l0 [4 hidden, inputs]   weight_hh_l0 [4 hidden, hidden]   bias_ih_l0, bias_hh_l0 [4 hidden]
 *	weight_ih_l1 [4 hidden, hidden]   weight_hh_l1 [4 hidden, hidden]   bias_ih_l1, bias_hh_l1 [4 hidden]
 *	head weight [outputs, hidden]     head bias [outputs]
 *
 * Results do not depend on the pool, nor on how many sequences are run at once.  The kernels' builds give the
 * same bits on every processor that has fused multiply-add; without it (build v2) outputs differ by about
 * 1e-6.
 */
#ifndef MLOPS_MODEL_NETWORK_H
#define MLOPS_MODEL_NETWORK_H

#include "base/error.h"
#include "base/thread.h"

#include <stddef.h>
#include <stdint.h>

#define MLOPS_NETWORK_MOST_INPUTS 1024
#define MLOPS_NETWORK_MOST_HIDDEN 1024
#define MLOPS_NETWORK_MOST_OUTPUTS 16384
#define MLOPS_NETWORK_MOST_STEPS 65536

struct mlops_network_shape {
	size_t inputs; /* values a step */
	size_t hidden; /* units of each layer */
	size_t outputs;
	size_t steps; /* length of a sequence */
};

struct mlops_network;

/* All at least 1 and at most the limits above; else MLOPS_DATA. */
bool mlops_network_check(const struct mlops_network_shape *shape, struct mlops_error *error);

/* Length of the flat vector; the shape is a checked one, here and below. */
size_t mlops_network_parameters(const struct mlops_network_shape *shape);

/* Uniform within 1 / sqrt(hidden) of zero, as PyTorch's; the head is zero, so that the network begins by
 * saying nothing. */
void mlops_network_init(const struct mlops_network_shape *shape, uint64_t seed, float *parameters);

/* The network, with weights arranged for the kernels; parameters are not kept.  NULL with MLOPS_MEMORY. */
struct mlops_network *mlops_network_new(const struct mlops_network_shape *shape, const float *parameters,
					struct mlops_error *error);
void mlops_network_free(struct mlops_network *network);

/* sequences [n, steps, inputs] -> outputs [n, outputs], any n; all finite.  Several threads may run one
 * network. False with MLOPS_MEMORY. */
bool mlops_network_run(const struct mlops_network *network, const float *sequences, size_t n,
		       struct mlops_pool *pool, float *outputs, struct mlops_error *error);

#endif
