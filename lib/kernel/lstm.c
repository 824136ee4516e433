#include "kernel/build.h"
#include "kernel/lanes.h"
#include "kernel/lstm.h"

#include <stdbool.h>

/* As power, sigmoid and hyperbolic of the reference. */
static inline lanes power(lanes x, float factor)
{
	const lanes whole = lanes_all(0x1.8p23f);
	lanes shifted = lanes_multiply_add(x, lanes_all(factor), whole);
	lanes r = lanes_multiply_add(x, lanes_all(factor), whole - shifted);
	lanes value = lanes_all(0x1.5bba14p-10f);

	value = lanes_multiply_add(value, r, lanes_all(0x1.3cea88p-7f));
	value = lanes_multiply_add(value, r, lanes_all(0x1.c6b752p-5f));
	value = lanes_multiply_add(value, r, lanes_all(0x1.ebf9bcp-3f));
	value = lanes_multiply_add(value, r, lanes_all(0x1.62e42ap-1f));
	value = lanes_multiply_add(value, r, lanes_all(1));
	return (lanes)((lanes_bits)value + ((lanes_bits)shifted << 23));
}

static inline lanes sigmoid(lanes x)
{
	x = lanes_least(lanes_all(60), lanes_most(lanes_all(-60), x));
	return 1 / (1 + power(x, -0x1.715476p+0f));
}

static inline lanes hyperbolic(lanes x)
{
	lanes p = power(lanes_least(lanes_all(30), lanes_absolute(x)), -0x1.715476p+1f);

	return lanes_sign((1 - p) / (1 + p), x);
}

static inline __attribute__((always_inline)) void forward(const struct mlops_lstm_forward *step, bool keep)
{
	size_t units = step->units, stride = step->stride;

	for (size_t r = 0; r < step->rows; r++) {
		const float *sums = step->sums + r * step->sums_row;

		for (size_t u = 0; u < units; u += LANES) {
			lanes i = sigmoid(lanes_load(sums + u));
			lanes f = sigmoid(lanes_load(sums + units + u));
			lanes g = hyperbolic(lanes_load(sums + 2 * units + u));
			lanes o = sigmoid(lanes_load(sums + 3 * units + u));
			lanes c = lanes_multiply_add(f, lanes_load(step->cell + r * stride + u), i * g);
			lanes t = hyperbolic(c);

			lanes_store(step->next_cell + r * stride + u, c);
			lanes_store(step->hidden + r * stride + u, o * t);
			if (keep) {
				float *saved = step->saved + r * MLOPS_LSTM_SAVED * stride + u;

				lanes_store(saved, i);
				lanes_store(saved + stride, f);
				lanes_store(saved + 2 * stride, g);
				lanes_store(saved + 3 * stride, o);
				lanes_store(saved + 4 * stride, t);
			}
		}
	}
}

void MLOPS_KERNEL(mlops_kernel_lstm_forward)(const struct mlops_lstm_forward *step)
{
	if (step->saved != NULL)
		forward(step, true);
	else
		forward(step, false);
}

static inline lanes no_tiny(lanes x)
{
	return lanes_no_less(x, MLOPS_LSTM_TINY);
}

static inline void add(float *to, lanes x)
{
	lanes_store(to, lanes_load(to) + x);
}

static inline void fetch(const float *soon, size_t stride)
{
	for (size_t k = 0; k < MLOPS_LSTM_SAVED; k++)
		__builtin_prefetch(soon + k * stride, 0, 2);
}

/* From the last units to the first: what a gate's last lanes write too far is overwritten by the next gate's.
 */
void MLOPS_KERNEL(mlops_kernel_lstm_backward)(const struct mlops_lstm_backward *step)
{
	size_t units = step->units, stride = step->stride;

	for (size_t r = 0; r < step->rows; r++) {
		const float *saved = step->saved + r * MLOPS_LSTM_SAVED * stride;
		float *sums = step->sums + r * step->sums_row;

		for (size_t u = (units - 1) / LANES * LANES;; u -= LANES) {
			lanes i = lanes_load(saved + u), f = lanes_load(saved + stride + u);
			lanes g = lanes_load(saved + 2 * stride + u), o = lanes_load(saved + 3 * stride + u);
			lanes t = lanes_load(saved + 4 * stride + u);
			lanes at_h = lanes_load(step->hidden + r * stride + u);
			lanes at_c, at_i, at_f, at_g, at_o;

			if (step->soon != NULL)
				fetch(step->soon + r * MLOPS_LSTM_SAVED * stride + u, stride);
			if (step->more != NULL)
				at_h += lanes_load(step->more + r * stride + u);
			at_c = lanes_multiply_add(at_h * o, lanes_multiply_add(-t, t, lanes_all(1)),
						  lanes_load(step->carry + r * stride + u));
			at_i = no_tiny(at_c * g * (i * (1 - i)));
			at_f = no_tiny(at_c * lanes_load(step->cell + r * stride + u) * (f * (1 - f)));
			at_g = no_tiny(at_c * i * lanes_multiply_add(-g, g, lanes_all(1)));
			at_o = no_tiny(at_h * t * (o * (1 - o)));
			lanes_store(step->carry + r * stride + u, no_tiny(at_c * f));
			lanes_store(sums + u, at_i);
			lanes_store(sums + units + u, at_f);
			lanes_store(sums + 2 * units + u, at_g);
			lanes_store(sums + 3 * units + u, at_o);
			add(step->bias + u, at_i);
			add(step->bias + stride + u, at_f);
			add(step->bias + 2 * stride + u, at_g);
			add(step->bias + 3 * stride + u, at_o);
			if (u == 0)
				break;
		}
	}
}
