/*
 * The network of model/network.h once more, plainly, in double precision and without dropout or shards: what
 * the library is compared with.
 */
#ifndef TESTS_UNIT_NETWORK_DOUBLE_H
#define TESTS_UNIT_NETWORK_DOUBLE_H

#include "model/network.h"

/* Sum over sequences and outputs of weights [n, outputs] times what the network gives, as the loss whose
 * gradient at the outputs is `weights`.  Fills outputs [n, outputs] and, unless NULL, gradient [parameters].
 */
double double_network(const struct mlops_network_shape *shape, const double *parameters,
		      const double *sequences, size_t n, const double *weights, double *outputs,
		      double *gradient);

#endif
