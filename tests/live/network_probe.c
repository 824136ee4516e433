/*
 * network_probe < PROBLEM > RESULT: the library's network on what another program made, for comparing the
 * two.
 *
 * Both are little-endian.  PROBLEM: inputs, hidden, outputs, steps, n and updates as uint64; then as float32
 * learning rate, clip, the flat vector of parameters, sequences [n, steps, inputs] and targets [n, outputs].
 * RESULT, float32: outputs; the gradient of the mean squared error; the loss before each of the updates by
 * Adam; the parameters after them.
 */
#include "base/error.h"
#include "model/trainer.h"

#include <stdio.h>
#include <stdlib.h>

struct problem {
	struct mlops_network_shape shape;
	size_t n, updates, count;
	float rates[2], *parameters, *sequences, *targets;
};

static float *numbers(size_t n)
{
	float *all = calloc(n, sizeof *all);

	if (all == NULL)
		abort();
	return all;
}

static float *read_numbers(size_t n)
{
	float *all = numbers(n);

	if (fread(all, sizeof *all, n, stdin) != n) {
		fputs("network_probe: the problem is too short\n", stderr);
		exit(1);
	}
	return all;
}

static void write_numbers(const float *all, size_t n)
{
	if (fwrite(all, sizeof *all, n, stdout) != n)
		exit(1);
}

static void read_problem(struct problem *problem)
{
	uint64_t sizes[6];
	float *rates;

	if (fread(sizes, sizeof *sizes, 6, stdin) != 6)
		exit(1);
	problem->shape = (struct mlops_network_shape){ sizes[0], sizes[1], sizes[2], sizes[3] };
	problem->n = sizes[4];
	problem->updates = sizes[5];
	problem->count = mlops_network_parameters(&problem->shape);
	rates = read_numbers(2);
	problem->rates[0] = rates[0];
	problem->rates[1] = rates[1];
	free(rates);
	problem->parameters = read_numbers(problem->count);
	problem->sequences = read_numbers(problem->n * problem->shape.steps * problem->shape.inputs);
	problem->targets = read_numbers(problem->n * problem->shape.outputs);
}

/* Forward and back once; the mean squared error. */
static float step(const struct problem *problem, struct mlops_trainer *trainer, float *outputs,
		  float *at_outputs)
{
	size_t n = problem->n * problem->shape.outputs;
	double loss = 0;

	mlops_trainer_forward(trainer, problem->sequences, problem->n, NULL, outputs);
	for (size_t i = 0; i < n; i++) {
		double miss = (double)outputs[i] - (double)problem->targets[i];

		loss += miss * miss;
		at_outputs[i] = (float)(2 * miss / (double)n);
	}
	mlops_trainer_backward(trainer, at_outputs, NULL, NULL);
	return (float)(loss / (double)n);
}

int main(void)
{
	struct mlops_trainer_options options = MLOPS_TRAINER_OPTIONS_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct problem problem;
	struct mlops_trainer *trainer;
	float *outputs, *at_outputs, *gradient, *losses;
	size_t n_outputs;

	read_problem(&problem);
	n_outputs = problem.n * problem.shape.outputs;
	outputs = numbers(n_outputs);
	at_outputs = numbers(n_outputs);
	gradient = numbers(problem.count);
	losses = numbers(problem.updates + 1);
	options.learning_rate = problem.rates[0];
	options.clip = problem.rates[1];
	options.batch = problem.n;
	trainer = mlops_trainer_new(&problem.shape, &options, problem.parameters, &error);
	if (trainer == NULL) {
		fprintf(stderr, "network_probe: %s\n", error.message);
		return 1;
	}
	if (!mlops_network_run(mlops_trainer_network(trainer), problem.sequences, problem.n, NULL, outputs,
			       &error))
		return 1;
	write_numbers(outputs, n_outputs);
	step(&problem, trainer, outputs, at_outputs);
	mlops_trainer_gradient(trainer, gradient);
	write_numbers(gradient, problem.count);
	for (size_t i = 0; i < problem.updates; i++) {
		losses[i] = step(&problem, trainer, outputs, at_outputs);
		mlops_trainer_update(trainer, NULL);
	}
	write_numbers(losses, problem.updates);
	mlops_trainer_parameters(trainer, problem.parameters);
	write_numbers(problem.parameters, problem.count);
	mlops_trainer_free(trainer);
	free(outputs);
	free(at_outputs);
	free(gradient);
	free(losses);
	free(problem.parameters);
	free(problem.sequences);
	free(problem.targets);
	return 0;
}
