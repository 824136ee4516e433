#include "kernel/adam.h"

#include <math.h>

static float no_tiny(float x)
{
	return fabsf(x) < MLOPS_ADAM_TINY ? 0 : x;
}

void mlops_kernel_adam_reference(const struct mlops_adam *adam, const float *gradient, size_t n,
				 float *first_moment, float *second_moment, float *parameters)
{
	for (size_t i = 0; i < n; i++) {
		float g = adam->scale * gradient[i];
		float m = no_tiny(fmaf(adam->beta1, first_moment[i], adam->rest1 * g));
		float v = no_tiny(fmaf(adam->beta2, second_moment[i], adam->rest2 * g * g));
		float move = m / fmaf(sqrtf(v), adam->root, adam->epsilon);

		first_moment[i] = m;
		second_moment[i] = v;
		parameters[i] = fmaf(-adam->step, move, adam->keep * parameters[i]);
	}
}

double mlops_kernel_sum_squares_reference(const float *values, size_t n)
{
	double sums[16] = { 0 }, total = 0;

	for (size_t i = 0; i < n; i++)
		sums[i % 16] += (double)values[i] * (double)values[i];
	for (size_t l = 0; l < 16; l++)
		total += sums[l];
	return total;
}
