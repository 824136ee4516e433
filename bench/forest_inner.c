/*
 * forest_inner [OPTION ...] JOB ROWS FEATURES [COLUMNS [CLASSES]]: times one call of the library, without
 * reading rows or starting a process, and prints a JSON object: seconds of the clock and of the CPUs a call,
 * and the most memory the process had up to the last one.
 *
 *	fit-isolation, fit-random	rows in memory -> a model
 *	score				rows in memory and a model -> scores (probabilities) in memory
 *	one-row				the same for one row, from 1,000 rows one after the other; the time is a row's
 *	load				a model file -> a model
 *
 * COLUMNS holds float32, a column after the other; CLASSES a byte a row.
 *
 *	-n CALLS	how often; the first call may be colder than the others
 *	-t THREADS	all CPUs by default
 *	-s KEY=VALUE	a setting
 *	-S SEED
 *	-m FILE		the model that scores or is loaded
 *	-o FILE		keeps the model (fit) or the scores as float32 (score)
 *	-k BUILD	forces a build of the kernels
 */
#include "base/file.h"
#include "base/thread.h"
#include "kernel/table.h"
#include "model/fit.h"
#include "model/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LATENCY_ROWS 1000
#define SCORE_BLOCK ((size_t)16384)

struct job {
	const char *name, *model_path, *out_path;
	unsigned long calls, threads;
	uint64_t seed;
	struct mlops_settings settings;
	struct mlops_buffer columns_file, classes_file;
	const float **columns;
	uint32_t *classes;
	struct mlops_matrix matrix;
	struct mlops_pool *pool;
	struct mlops_buffer model_file;
	struct mlops_model *model;
	float *sums, *scores;
	size_t n_scored;
};

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool is(const struct job *job, const char *name)
{
	return strcmp(job->name, name) == 0;
}

static bool read_columns(struct job *job, const char *path, size_t rows, size_t features,
			 struct mlops_error *error)
{
	struct mlops_buffer *file = &job->columns_file;

	if (!mlops_file_read(path, SIZE_MAX, file, error))
		return false;
	if (features < 1 || rows < 1 || file->length / sizeof(float) / features != rows)
		return mlops_error_set(error, MLOPS_DATA, "%s: not %zu columns of %zu rows", path, features, rows);
	job->columns = calloc(features, sizeof *job->columns);
	if (job->columns == NULL)
		return mlops_error_set_memory(error);
	for (size_t f = 0; f < features; f++)
		job->columns[f] = (const float *)(const void *)file->data + f * rows;
	job->matrix = (struct mlops_matrix){ job->columns, features, NULL, rows };
	return true;
}

static bool read_classes(struct job *job, const char *path, struct mlops_error *error)
{
	struct mlops_buffer *file = &job->classes_file;
	size_t rows = job->matrix.n_rows;

	if (!mlops_file_read(path, SIZE_MAX, file, error))
		return false;
	if (file->length != rows)
		return mlops_error_set(error, MLOPS_DATA, "%s: not %zu classes", path, rows);
	job->classes = calloc(rows, sizeof *job->classes);
	if (job->classes == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < rows; r++)
		job->classes[r] = (unsigned char)file->data[r];
	mlops_buffer_release(file);
	return true;
}

static bool fit(struct job *job, struct mlops_error *error)
{
	mlops_model_free(job->model);
	if (job->settings.kind == MLOPS_ANOMALY_DETECTION)
		job->model = mlops_isolation_forest_fit(&job->settings, job->seed, &job->matrix, job->pool, NULL,
							error);
	else
		job->model = mlops_random_forest_fit(&job->settings, job->seed, &job->matrix, job->classes, 2,
						     job->pool, NULL, NULL, error);
	return job->model != NULL;
}

static bool load(struct job *job, struct mlops_error *error)
{
	mlops_model_free(job->model);
	job->model = NULL;
	mlops_buffer_clear(&job->model_file);
	if (!mlops_file_read(job->model_path, MLOPS_MODEL_FILE_LIMIT, &job->model_file, error))
		return false;
	job->model = mlops_onnx_read(job->model_file.data, job->model_file.length, job->model_path, error);
	return job->model != NULL;
}

/* Sums of some rows to scores. */
static void score_block(void *context, size_t task, unsigned worker)
{
	const struct job *job = context;
	const struct mlops_model *model = job->model;
	size_t outputs = model->trees.n_outputs;
	size_t end = (task + 1) * SCORE_BLOCK < job->n_scored ? (task + 1) * SCORE_BLOCK : job->n_scored;
	float probabilities[2];

	(void)worker;
	for (size_t r = task * SCORE_BLOCK; r < end; r++) {
		if (model->kind == MLOPS_ANOMALY_DETECTION) {
			job->scores[r] = mlops_model_anomaly_score(model, job->sums[r]);
		} else {
			mlops_model_probabilities(model, job->sums + r * outputs, probabilities);
			job->scores[r] = probabilities[1];
		}
	}
}

static bool score(struct job *job, const struct mlops_matrix *matrix, struct mlops_pool *pool,
		  struct mlops_error *error)
{
	if (!mlops_trees_sum(&job->model->trees, matrix, pool, job->sums, error))
		return false;
	job->n_scored = matrix->n_rows;
	mlops_pool_run(pool, (matrix->n_rows + SCORE_BLOCK - 1) / SCORE_BLOCK, score_block, job);
	return true;
}

static bool score_one_by_one(struct job *job, struct mlops_error *error)
{
	const struct mlops_matrix *matrix = &job->matrix;
	const float *row[1024];

	if (matrix->n_columns > sizeof row / sizeof *row || matrix->n_rows < LATENCY_ROWS)
		return mlops_error_set(error, MLOPS_DATA, "one-row wants at least %d rows", LATENCY_ROWS);
	for (size_t r = 0; r < LATENCY_ROWS; r++) {
		struct mlops_matrix one = { row, matrix->n_columns, NULL, 1 };

		for (size_t f = 0; f < matrix->n_columns; f++)
			row[f] = matrix->columns[f] + r;
		if (!score(job, &one, NULL, error))
			return false;
	}
	return true;
}

static bool call(struct job *job, struct mlops_error *error)
{
	if (is(job, "load"))
		return load(job, error);
	if (is(job, "score"))
		return score(job, &job->matrix, job->pool, error);
	if (is(job, "one-row"))
		return score_one_by_one(job, error);
	return fit(job, error);
}

static bool prepare(struct job *job, struct mlops_error *error)
{
	job->pool = mlops_pool_new((unsigned)job->threads, error);
	if (job->pool == NULL)
		return false;
	if (!is(job, "score") && !is(job, "one-row"))
		return true;
	if (!load(job, error))
		return false;
	if (job->model->trees.n_features != job->matrix.n_columns || job->model->n_classes > 2)
		return mlops_error_set(error, MLOPS_DATA, "%s: not for these rows", job->model_path);
	job->sums = calloc(job->matrix.n_rows * job->model->trees.n_outputs, sizeof *job->sums);
	job->scores = calloc(job->matrix.n_rows, sizeof *job->scores);
	if (job->sums == NULL || job->scores == NULL)
		return mlops_error_set_memory(error);
	return true;
}

static bool time_calls(struct job *job, struct mlops_error *error)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_buffer cpu = MLOPS_BUFFER_INIT;
	double parts = is(job, "one-row") ? LATENCY_ROWS : 1;
	struct rusage usage;
	bool ok = true;

	for (unsigned long i = 0; i < job->calls && ok; i++) {
		double start = now(CLOCK_MONOTONIC);
		double cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);

		ok = call(job, error);
		mlops_buffer_append_format(&line, "%s%.9f", i > 0 ? "," : "",
					   (now(CLOCK_MONOTONIC) - start) / parts);
		mlops_buffer_append_format(&cpu, "%s%.9f", i > 0 ? "," : "",
					   (now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start) / parts);
	}
	getrusage(RUSAGE_SELF, &usage);
	if (ok)
		printf("{\"seconds\":[%s],\"cpu\":[%s],\"peak_bytes\":%lld,\"file_bytes\":%zu,\"nodes\":%zu,"
		       "\"kernels\":\"%s\"}\n",
		       mlops_buffer_string(&line), mlops_buffer_string(&cpu), (long long)usage.ru_maxrss * 1024,
		       job->model_file.length, job->model->trees.n_nodes, mlops_kernels()->name);
	mlops_buffer_release(&line);
	mlops_buffer_release(&cpu);
	return ok;
}

static bool keep_model(struct job *job, struct mlops_error *error)
{
	static char no[] = "0", yes[] = "1";
	char *const classes[] = { no, yes };
	size_t n = job->matrix.n_columns;
	struct mlops_feature *features = calloc(n, sizeof *features);
	char(*names)[24] = calloc(n, sizeof *names);
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	bool ok = features != NULL && names != NULL;

	for (size_t f = 0; ok && f < n; f++) {
		snprintf(names[f], sizeof names[f], "f%zu", f);
		features[f].name = names[f];
	}
	ok = ok && mlops_model_set_features(job->model, features, n, error) &&
	     (job->model->kind == MLOPS_ANOMALY_DETECTION ||
	      mlops_model_set_classes(job->model, classes, 2, error)) &&
	     mlops_onnx_write(job->model, &bytes, error) &&
	     mlops_file_replace(job->out_path, bytes.data, bytes.length, 0666, error);
	free(features);
	free(names);
	mlops_buffer_release(&bytes);
	return ok;
}

static bool keep(struct job *job, struct mlops_error *error)
{
	if (job->out_path == NULL)
		return true;
	if (is(job, "score"))
		return mlops_file_replace(job->out_path, job->scores, job->matrix.n_rows * sizeof *job->scores, 0666,
					  error);
	return keep_model(job, error);
}

static bool options(struct job *job, int argc, char **argv, struct mlops_error *error)
{
	const char *settings[MLOPS_MAX_SETTINGS];
	size_t n_settings = 0;
	int option;

	while ((option = getopt(argc, argv, "n:t:s:S:m:o:k:")) != -1) {
		if (option == 'n')
			job->calls = strtoul(optarg, NULL, 10);
		else if (option == 't')
			job->threads = strtoul(optarg, NULL, 10);
		else if (option == 's' && n_settings < MLOPS_MAX_SETTINGS)
			settings[n_settings++] = optarg;
		else if (option == 'S')
			job->seed = strtoul(optarg, NULL, 10);
		else if (option == 'm')
			job->model_path = optarg;
		else if (option == 'o')
			job->out_path = optarg;
		else if (option != 'k' || !mlops_kernels_force(optarg))
			return mlops_error_set(error, MLOPS_USAGE, "wrong option");
	}
	if (argc - optind < 3 || argc - optind > 5)
		return mlops_error_set(error, MLOPS_USAGE, "JOB ROWS FEATURES [COLUMNS [CLASSES]]");
	job->name = argv[optind];
	if (!is(job, "fit-isolation") && job->model_path == NULL && !is(job, "fit-random"))
		return mlops_error_set(error, MLOPS_USAGE, "which model?");
	mlops_settings_default(is(job, "fit-random") ? MLOPS_FAILURE_PREDICTION : MLOPS_ANOMALY_DETECTION,
			       &job->settings);
	for (size_t i = 0; i < n_settings; i++)
		if (!mlops_settings_parse(&job->settings, settings[i], error))
			return false;
	if (is(job, "load"))
		return true;
	if (argc - optind < 4 || (is(job, "fit-random") && argc - optind < 5))
		return mlops_error_set(error, MLOPS_USAGE, "which rows?");
	if (!read_columns(job, argv[optind + 3], strtoul(argv[optind + 1], NULL, 10),
			  strtoul(argv[optind + 2], NULL, 10), error))
		return false;
	return argc - optind < 5 || read_classes(job, argv[optind + 4], error);
}

int main(int argc, char **argv)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct job job = { .calls = 1, .threads = mlops_thread_cpus() };
	bool ok = options(&job, argc, argv, &error) && prepare(&job, &error) && time_calls(&job, &error) &&
		  keep(&job, &error);

	if (!ok)
		fprintf(stderr, "forest_inner: %s%s%s\n", error.source, error.source[0] != '\0' ? ": " : "",
			error.message);
	mlops_pool_free(job.pool);
	mlops_model_free(job.model);
	mlops_buffer_release(&job.columns_file);
	mlops_buffer_release(&job.classes_file);
	mlops_buffer_release(&job.model_file);
	free(job.columns);
	free(job.classes);
	free(job.sums);
	free(job.scores);
	return ok ? 0 : mlops_code_describe(error.code)->exit_status;
}
