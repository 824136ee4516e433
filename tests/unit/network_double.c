#include "network_double.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a layer's parameters begin, in the order that network.h gives. */
struct layer {
	size_t inputs, input_weights, hidden_weights, input_bias, hidden_bias, end;
};

static struct layer layer_at(size_t begin, size_t inputs, size_t hidden)
{
	struct layer layer = { inputs, begin, begin + 4 * hidden * inputs, 0, 0, 0 };

	layer.input_bias = layer.hidden_weights + 4 * hidden * hidden;
	layer.hidden_bias = layer.input_bias + 4 * hidden;
	layer.end = layer.hidden_bias + 4 * hidden;
	return layer;
}

/* What a layer did with one sequence: gates [steps, 4 hidden], c and h [1 + steps, hidden]. */
struct trace {
	double *gates, *c, *h;
};

static double *numbers(size_t n)
{
	double *all = calloc(n, sizeof *all);

	if (all == NULL)
		abort();
	return all;
}

static struct trace trace_new(size_t steps, size_t hidden)
{
	return (struct trace){ numbers(steps * 4 * hidden), numbers((steps + 1) * hidden),
			       numbers((steps + 1) * hidden) };
}

static void trace_free(struct trace *trace)
{
	free(trace->gates);
	free(trace->c);
	free(trace->h);
}

static void forward(const struct layer *layer, const double *p, size_t steps, size_t hidden, const double *x,
		    struct trace *trace)
{
	for (size_t t = 0; t < steps; t++) {
		double *gates = trace->gates + t * 4 * hidden;
		const double *before = trace->h + t * hidden;

		for (size_t j = 0; j < 4 * hidden; j++) {
			double sum = p[layer->input_bias + j] + p[layer->hidden_bias + j];

			for (size_t k = 0; k < layer->inputs; k++)
				sum += p[layer->input_weights + j * layer->inputs + k] *
				       x[t * layer->inputs + k];
			for (size_t k = 0; k < hidden; k++)
				sum += p[layer->hidden_weights + j * hidden + k] * before[k];
			gates[j] = j / hidden == 2 ? tanh(sum) : 1 / (1 + exp(-sum));
		}
		for (size_t u = 0; u < hidden; u++) {
			double *c = trace->c + (t + 1) * hidden;

			c[u] = gates[hidden + u] * trace->c[t * hidden + u] +
			       gates[u] * gates[2 * hidden + u];
			trace->h[(t + 1) * hidden + u] = gates[3 * hidden + u] * tanh(c[u]);
		}
	}
}

/* at_h [steps, hidden]: gradient at each h from above; at_x [steps, inputs]: found. */
static void backward(const struct layer *layer, const double *p, size_t steps, size_t hidden, const double *x,
		     const struct trace *trace, double *at_h, double *at_x, double *gradient)
{
	double *at_c = numbers(hidden), *at_sums = numbers(4 * hidden);

	for (size_t t = steps; t-- > 0;) {
		const double *gates = trace->gates + t * 4 * hidden;

		for (size_t u = 0; u < hidden; u++) {
			double i = gates[u], f = gates[hidden + u], g = gates[2 * hidden + u],
			       o = gates[3 * hidden + u];
			double tanh_c = tanh(trace->c[(t + 1) * hidden + u]), dh = at_h[t * hidden + u];
			double dc = at_c[u] + dh * o * (1 - tanh_c * tanh_c);

			at_sums[u] = dc * g * i * (1 - i);
			at_sums[hidden + u] = dc * trace->c[t * hidden + u] * f * (1 - f);
			at_sums[2 * hidden + u] = dc * i * (1 - g * g);
			at_sums[3 * hidden + u] = dh * tanh_c * o * (1 - o);
			at_c[u] = dc * f;
		}
		for (size_t j = 0; j < 4 * hidden; j++) {
			gradient[layer->input_bias + j] += at_sums[j];
			gradient[layer->hidden_bias + j] += at_sums[j];
			for (size_t k = 0; k < layer->inputs; k++) {
				size_t w = layer->input_weights + j * layer->inputs + k;

				gradient[w] += at_sums[j] * x[t * layer->inputs + k];
				at_x[t * layer->inputs + k] += at_sums[j] * p[w];
			}
			for (size_t k = 0; k < hidden; k++) {
				size_t w = layer->hidden_weights + j * hidden + k;

				gradient[w] += at_sums[j] * trace->h[t * hidden + k];
				if (t > 0)
					at_h[(t - 1) * hidden + k] += at_sums[j] * p[w];
			}
		}
	}
	free(at_c);
	free(at_sums);
}

double double_network(const struct mlops_network_shape *shape, const double *parameters,
		      const double *sequences, size_t n, const double *weights, double *outputs,
		      double *gradient)
{
	size_t hidden = shape->hidden, steps = shape->steps, inputs = shape->inputs;
	struct layer layers[2] = { layer_at(0, inputs, hidden) };
	size_t head, bias;
	double loss = 0;

	layers[1] = layer_at(layers[0].end, hidden, hidden);
	head = layers[1].end;
	bias = head + shape->outputs * hidden;
	if (gradient != NULL)
		memset(gradient, 0, mlops_network_parameters(shape) * sizeof *gradient);
	for (size_t r = 0; r < n; r++) {
		const double *x = sequences + r * steps * inputs;
		struct trace first = trace_new(steps, hidden), second = trace_new(steps, hidden);
		double *at_h = numbers(steps * hidden), *at_first = numbers(steps * hidden);
		double *at_x = numbers(steps * inputs);
		const double *last;

		forward(&layers[0], parameters, steps, hidden, x, &first);
		forward(&layers[1], parameters, steps, hidden, first.h + hidden, &second);
		last = second.h + steps * hidden;
		for (size_t j = 0; j < shape->outputs; j++) {
			double weight = weights[r * shape->outputs + j], y = parameters[bias + j];

			for (size_t k = 0; k < hidden; k++)
				y += parameters[head + j * hidden + k] * last[k];
			outputs[r * shape->outputs + j] = y;
			loss += weight * y;
			for (size_t k = 0; gradient != NULL && k < hidden; k++) {
				gradient[head + j * hidden + k] += weight * last[k];
				at_h[(steps - 1) * hidden + k] += weight * parameters[head + j * hidden + k];
			}
			if (gradient != NULL)
				gradient[bias + j] += weight;
		}
		if (gradient != NULL) {
			backward(&layers[1], parameters, steps, hidden, first.h + hidden, &second, at_h,
				 at_first, gradient);
			backward(&layers[0], parameters, steps, hidden, x, &first, at_first, at_x, gradient);
		}
		trace_free(&first);
		trace_free(&second);
		free(at_h);
		free(at_first);
		free(at_x);
	}
	return loss;
}
