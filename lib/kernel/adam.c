#include "kernel/adam.h"
#include "kernel/build.h"
#include "kernel/lanes.h"

static inline __attribute__((always_inline)) void step(const struct mlops_adam *adam, const float *gradient,
						       float *first_moment, float *second_moment,
						       float *parameters)
{
	lanes g = adam->scale * lanes_load(gradient);
	lanes m = lanes_multiply_add(lanes_all(adam->beta1), lanes_load(first_moment), adam->rest1 * g);
	lanes v = lanes_multiply_add(lanes_all(adam->beta2), lanes_load(second_moment), adam->rest2 * g * g);
	lanes move;

	m = lanes_no_less(m, MLOPS_ADAM_TINY);
	v = lanes_no_less(v, MLOPS_ADAM_TINY);
	move = m / lanes_multiply_add(lanes_sqrt(v), lanes_all(adam->root), lanes_all(adam->epsilon));
	lanes_store(first_moment, m);
	lanes_store(second_moment, v);
	lanes_store(parameters,
		    lanes_multiply_add(lanes_all(-adam->step), move, adam->keep * lanes_load(parameters)));
}

static void copy(float *to, const float *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

void MLOPS_KERNEL(mlops_kernel_adam)(const struct mlops_adam *adam, const float *gradient, size_t n,
				     float *first_moment, float *second_moment, float *parameters)
{
	float rest[4][LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		step(adam, gradient + i, first_moment + i, second_moment + i, parameters + i);
	if (i == n)
		return;
	copy(rest[0], gradient + i, n - i);
	copy(rest[1], first_moment + i, n - i);
	copy(rest[2], second_moment + i, n - i);
	copy(rest[3], parameters + i, n - i);
	step(adam, rest[0], rest[1], rest[2], rest[3]);
	copy(first_moment + i, rest[1], n - i);
	copy(second_moment + i, rest[2], n - i);
	copy(parameters + i, rest[3], n - i);
}

double MLOPS_KERNEL(mlops_kernel_sum_squares)(const float *values, size_t n)
{
	double sums[16] = { 0 }, total = 0;
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		for (size_t l = 0; l < 16; l++)
			sums[l] += (double)values[i + l] * (double)values[i + l];
	for (; i < n; i++)
		sums[i % 16] += (double)values[i] * (double)values[i];
	for (size_t l = 0; l < 16; l++)
		total += sums[l];
	return total;
}
