/*
 * Steps of an optimiser over a flat vector of parameters.  The reference and the builds v3, v4 and native
 * give the same bits (gemm.h); the sum of squares is the same in all.
 */
#ifndef MLOPS_KERNEL_ADAM_H
#define MLOPS_KERNEL_ADAM_H

#include <stddef.h>

/*
 * Adam (Kingma, Ba: "Adam: a method for stochastic optimization", ICLR 2015) with bias correction and with
 * weight decay apart from the gradient (Loshchilov, Hutter: "Decoupled weight decay regularization", ICLR
 * 2019).  For g = scale gradient:
 *
 *	m = beta1 m + (1 - beta1) g		v = beta2 v + (1 - beta2) g^2
 *	p = keep p - step m / (sqrt(v) root + epsilon)
 *
 * Moments nearer to zero than MLOPS_ADAM_TINY become zero.
 */
struct mlops_adam {
	float beta1, rest1; /* rest = 1 - beta */
	float beta2, rest2;
	float scale;
	float keep; /* 1 - learning rate * weight decay */
	float step; /* learning rate / (1 - beta1^t) */
	float root; /* 1 / sqrt(1 - beta2^t) */
	float epsilon;
};

#define MLOPS_ADAM_TINY 0x1p-100f

typedef void mlops_kernel_adam(const struct mlops_adam *adam, const float *gradient, size_t n,
			       float *first_moment, float *second_moment, float *parameters);

/* In double: sixteen sums of every sixteenth square, then these in their order. */
typedef double mlops_kernel_sum_squares(const float *values, size_t n);

mlops_kernel_adam mlops_kernel_adam_reference;
mlops_kernel_sum_squares mlops_kernel_sum_squares_reference;

#endif
