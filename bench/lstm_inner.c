/*
 * lstm_inner [OPTION ...] JOB HIDDEN PARAMETERS WINDOWS: times the library's network on windows of 60 steps,
 * without reading series or starting a process, and prints a JSON object: seconds of the clock and of the
 * CPUs a window, and the most memory the process had.
 *
 *	train		batches of 32 windows: forwards with dropout 0.2, back, clipped, a step of Adam
 *	score		32 windows at a time
 *	one-window	one at a time
 *	products	no network: 32 x 256 x 64 products of matrices a "window", which stay in the
 * first-level cache: what the machine can do
 *
 * PARAMETERS and WINDOWS hold float32: the flat vector of a network with one input and one output, and
 * windows one after the other.
 *
 *	-n CALLS	how often; the first call may be colder than the others
 *	-t THREADS	all CPUs by default
 *	-o FILE		keeps the outputs of the first 32 windows as float32
 *	-k BUILD	forces a build of the kernels
 */
#include "base/file.h"
#include "kernel/table.h"
#include "model/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 60, BATCH = 32, TRAIN_BATCHES = 10, SCORE_BATCHES = 30, SINGLES = 500, PRODUCTS = 4000 };

struct job {
	const char *name, *out_path;
	unsigned long calls, threads;
	struct mlops_network_shape shape;
	struct mlops_buffer parameters, windows;
	size_t n;
	struct mlops_pool *pool;
	struct mlops_trainer *trainer;
	float outputs[BATCH], gradient[BATCH];
};

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static const float *window(const struct job *job, size_t number)
{
	return (const float *)(const void *)job->windows.data + number % job->n * STEPS;
}

static void train(struct job *job)
{
	for (size_t i = 0; i < TRAIN_BATCHES; i++) {
		const float *sequences = window(job, i * BATCH);

		mlops_trainer_forward(job->trainer, sequences, BATCH, job->pool, job->outputs);
		for (size_t r = 0; r < BATCH; r++)
			job->gradient[r] = (job->outputs[r] - sequences[r * STEPS]) * 2 / BATCH;
		mlops_trainer_backward(job->trainer, job->gradient, NULL, job->pool);
		mlops_trainer_update(job->trainer, job->pool);
	}
}

static bool score(struct job *job, size_t n, size_t times, struct mlops_error *error)
{
	bool ok = true;

	for (size_t i = 0; ok && i < times; i++)
		ok = mlops_network_run(mlops_trainer_network(job->trainer), window(job, i * n), n, job->pool,
				       job->outputs, error);
	return ok;
}

static void multiply(void *context, size_t task, unsigned worker)
{
	float a[8 * 64], b[64 * 32], c[8 * 32];
	struct mlops_gemm gemm = {
		.rows = 8,
		.columns = 32,
		.parts = { { a, 64, 1, b, 64 * 32, 32, 64 } },
		.n_parts = 1,
		.c = c,
		.c_row = 32,
		.c_panel = 32,
	};

	(void)context;
	(void)task;
	(void)worker;
	for (size_t i = 0; i < sizeof a / sizeof *a; i++)
		a[i] = 0.5f;
	for (size_t i = 0; i < sizeof b / sizeof *b; i++)
		b[i] = 0.25f;
	for (size_t i = 0; i < PRODUCTS / 16 * 32; i++)
		mlops_kernels()->gemm(&gemm);
}

/* Into how many parts a call's time goes. */
static double parts_of(const struct job *job)
{
	if (strcmp(job->name, "train") == 0)
		return TRAIN_BATCHES * BATCH;
	if (strcmp(job->name, "score") == 0)
		return SCORE_BATCHES * BATCH;
	return strcmp(job->name, "products") == 0 ? PRODUCTS : SINGLES;
}

static bool call(struct job *job, struct mlops_error *error)
{
	if (strcmp(job->name, "train") == 0)
		train(job);
	else if (strcmp(job->name, "score") == 0)
		return score(job, BATCH, SCORE_BATCHES, error);
	else if (strcmp(job->name, "one-window") == 0)
		return score(job, 1, SINGLES, error);
	else if (strcmp(job->name, "products") == 0)
		mlops_pool_run(job->pool, 16, multiply, NULL);
	else
		return mlops_error_set(error, MLOPS_USAGE, "no job '%s'", job->name);
	return true;
}

static bool prepare(struct job *job, const char *parameters, const char *windows, struct mlops_error *error)
{
	struct mlops_trainer_options options = MLOPS_TRAINER_OPTIONS_INIT;
	size_t floats;

	options.dropout = 0.2f;
	options.clip = 1;
	if (!mlops_network_check(&job->shape, error) ||
	    !mlops_file_read(parameters, SIZE_MAX, &job->parameters, error) ||
	    !mlops_file_read(windows, SIZE_MAX, &job->windows, error))
		return false;
	floats = mlops_network_parameters(&job->shape);
	job->n = job->windows.length / sizeof(float) / STEPS / BATCH * BATCH;
	if (job->parameters.length != floats * sizeof(float) || job->n == 0)
		return mlops_error_set(error, MLOPS_DATA, "%s, %s: not %zu parameters, not %d windows",
				       parameters, windows, floats, BATCH);
	job->pool = mlops_pool_new((unsigned)job->threads, error);
	job->trainer = mlops_trainer_new(&job->shape, &options,
					 (const float *)(const void *)job->parameters.data, error);
	return job->pool != NULL && job->trainer != NULL;
}

static bool time_calls(struct job *job, struct mlops_error *error)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_buffer cpu = MLOPS_BUFFER_INIT;
	struct rusage usage;
	bool ok = true;

	for (unsigned long i = 0; i < job->calls && ok; i++) {
		double start = now(CLOCK_MONOTONIC);
		double cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);

		ok = call(job, error);
		mlops_buffer_append_format(&line, "%s%.9f", i > 0 ? "," : "",
					   (now(CLOCK_MONOTONIC) - start) / parts_of(job));
		mlops_buffer_append_format(&cpu, "%s%.9f", i > 0 ? "," : "",
					   (now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start) / parts_of(job));
	}
	getrusage(RUSAGE_SELF, &usage);
	if (ok)
		printf("{\"seconds\":[%s],\"cpu\":[%s],\"peak_bytes\":%lld,\"kernels\":\"%s\"}\n",
		       mlops_buffer_string(&line), mlops_buffer_string(&cpu),
		       (long long)usage.ru_maxrss * 1024, mlops_kernels()->name);
	mlops_buffer_release(&line);
	mlops_buffer_release(&cpu);
	return ok;
}

static bool keep_outputs(struct job *job, struct mlops_error *error)
{
	FILE *file = fopen(job->out_path, "wb");
	bool ok = file != NULL && score(job, BATCH, 1, error) &&
		  fwrite(job->outputs, sizeof(float), BATCH, file) == BATCH;

	if (file != NULL && fclose(file) != 0)
		ok = false;
	return ok || mlops_error_set(error, MLOPS_IO, "%s: cannot be written", job->out_path);
}

static void release(struct job *job)
{
	mlops_trainer_free(job->trainer);
	mlops_pool_free(job->pool);
	mlops_buffer_release(&job->parameters);
	mlops_buffer_release(&job->windows);
}

int main(int argc, char **argv)
{
	struct job job = { .calls = 1, .threads = mlops_thread_cpus() };
	struct mlops_error error = MLOPS_ERROR_INIT;
	bool ok = true;
	int c;

	while ((c = getopt(argc, argv, "n:t:o:k:")) != -1) {
		if (c == 'n')
			job.calls = strtoul(optarg, NULL, 10);
		else if (c == 't')
			job.threads = strtoul(optarg, NULL, 10);
		else if (c == 'o')
			job.out_path = optarg;
		else if (c != 'k' || !mlops_kernels_force(optarg))
			return 64;
	}
	if (argc - optind != 4) {
		fputs("usage: lstm_inner [-n CALLS] [-t THREADS] [-o FILE] [-k BUILD] JOB HIDDEN PARAMETERS "
		      "WINDOWS\n",
		      stderr);
		return 64;
	}
	job.name = argv[optind];
	job.shape = (struct mlops_network_shape){ 1, strtoul(argv[optind + 1], NULL, 10), 1, STEPS };
	ok = prepare(&job, argv[optind + 2], argv[optind + 3], &error) && time_calls(&job, &error) &&
	     (job.out_path == NULL || keep_outputs(&job, &error));
	if (!ok)
		fprintf(stderr, "lstm_inner: %s\n", error.message);
	release(&job);
	return ok ? 0 : 1;
}
