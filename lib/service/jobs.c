#include "service/jobs.h"

#include "base/text.h"
#include "registry/reference.h"
#include "service/job_process.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE	     10              /* seconds from SIGTERM to SIGKILL */
#define LONGEST_LINE ((size_t)32 << 10) /* of standard output; a longer one is no result */
#define ERRORS_KEPT  4096            /* bytes of standard error */
#define PIPE_HOLDS   65536

enum state { RUNNING, FINISHED, FAILED };

struct job {
	struct job *next; /* older */
	struct mlops_jobs *jobs;
	char id[MLOPS_JOB_ID];
	char name[201];
	enum state state;
	int64_t started, ended;
	int exit_status;             /* -1: it ended by a signal, or runs still */
	char message[160];           /* why it failed */
	bool too_long, stopped;
	struct mlops_job_process process;
	pthread_t thread;
	char *line;                  /* [LONGEST_LINE] of standard output, while it runs */
	size_t line_length;
	bool line_too_long;
	char *result;                /* the last one that is a JSON object, or NULL */
	char errors[ERRORS_KEPT];    /* the end of standard error */
	size_t errors_length;
	bool errors_cut;             /* there was more before */
};

struct mlops_jobs {
	struct mlops_jobs_options options;
	pthread_mutex_t lock; /* of everything below, and in the jobs */
	struct job *newest;
	struct mlops_job_counts counts;
	uint64_t sequence;
	bool stopping;
};

struct mlops_jobs *mlops_jobs_new(const struct mlops_jobs_options *options, struct mlops_error *error)
{
	struct mlops_jobs *jobs = calloc(1, sizeof *jobs);

	if (jobs == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	jobs->options = *options;
	pthread_mutex_init(&jobs->lock, NULL);
	return jobs;
}

static void free_job(struct job *job)
{
	pthread_join(job->thread, NULL);
	free(job->line);
	free(job->result);
	free(job);
}

void mlops_jobs_stop(struct mlops_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	for (struct job *job = jobs->newest; job != NULL && !jobs->stopping; job = job->next)
		if (job->state == RUNNING) {
			job->stopped = true;
			mlops_job_process_signal(&job->process, SIGTERM, GRACE);
		}
	jobs->stopping = true;
	pthread_mutex_unlock(&jobs->lock);
}

void mlops_jobs_free(struct mlops_jobs *jobs)
{
	if (jobs == NULL)
		return;
	mlops_jobs_stop(jobs);
	for (struct job *job = jobs->newest, *next; job != NULL; job = next) {
		next = job->next;
		free_job(job);
	}
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

/* The last line that is an object counts. */
static void end_line(struct job *job)
{
	json_t *object = job->line_too_long ? NULL : json_loadb(job->line, job->line_length, 0, NULL);

	if (json_is_object(object)) {
		char *result = strndup(job->line, job->line_length);

		if (result != NULL) {
			free(job->result);
			job->result = result;
		}
	}
	json_decref(object);
	job->line_length = 0;
	job->line_too_long = false;
}

static void take_output(struct job *job, const char *bytes, size_t length)
{
	while (length > 0) {
		const char *end = memchr(bytes, '\n', length);
		size_t part = end != NULL ? (size_t)(end - bytes) : length;

		if (part > LONGEST_LINE - job->line_length)
			job->line_too_long = true;
		if (!job->line_too_long) {
			memcpy(job->line + job->line_length, bytes, part);
			job->line_length += part;
		}
		if (end == NULL)
			return;
		end_line(job);
		bytes += part + 1;
		length -= part + 1;
	}
}

static void take_errors(struct job *job, const char *bytes, size_t length)
{
	size_t over = 0;

	if (length > ERRORS_KEPT) {
		bytes += length - ERRORS_KEPT;
		length = ERRORS_KEPT;
		job->errors_cut = true;
	}
	if (job->errors_length + length > ERRORS_KEPT)
		over = job->errors_length + length - ERRORS_KEPT;
	if (over > 0) {
		job->errors_cut = true;
		job->errors_length -= over;
		memmove(job->errors, job->errors + over, job->errors_length);
	}
	memcpy(job->errors + job->errors_length, bytes, length);
	job->errors_length += length;
}

/* What is there to be read now, but no more than a pipe holds: who never stops writing must not keep time from going on.
 * False when the other end is closed. */
static bool take(struct job *job, int fd, void (*take_bytes)(struct job *job, const char *bytes, size_t length))
{
	char bytes[4096];

	for (size_t read_so_far = 0; read_so_far < PIPE_HOLDS; read_so_far += sizeof bytes) {
		ssize_t length = read(fd, bytes, sizeof bytes);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return length < 0 && errno == EAGAIN;
		pthread_mutex_lock(&job->jobs->lock);
		take_bytes(job, bytes, (size_t)length);
		pthread_mutex_unlock(&job->jobs->lock);
	}
	return true;
}

static void time_is_up(struct job *job)
{
	bool again;

	pthread_mutex_lock(&job->jobs->lock);
	again = job->too_long || job->stopped;
	if (!job->stopped)
		job->too_long = true;
	mlops_job_process_signal(&job->process, again ? SIGKILL : SIGTERM, GRACE);
	pthread_mutex_unlock(&job->jobs->lock);
}

static void say_why(struct job *job, int status)
{
	const char *how = "";

	if (job->stopped)
		snprintf(job->message, sizeof job->message, "the service was stopped");
	else if (job->too_long)
		snprintf(job->message, sizeof job->message, "took longer than %u seconds", job->jobs->options.timeout);
	else if (WIFSIGNALED(status))
		how = sigdescr_np(WTERMSIG(status));
	else
		snprintf(job->message, sizeof job->message, "ended with status %d", WEXITSTATUS(status));
	if (job->message[0] == '\0')
		snprintf(job->message, sizeof job->message, "ended by signal %d (%s)", WTERMSIG(status), how != NULL ? how : "?");
}

static void end(struct job *job)
{
	struct mlops_jobs *jobs = job->jobs;
	int status;

	pthread_mutex_lock(&jobs->lock);
	status = mlops_job_process_wait(&job->process);
	if (job->line_length > 0)
		end_line(job);
	free(job->line);
	job->line = NULL;
	job->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	job->state = job->exit_status == 0 ? FINISHED : FAILED;
	if (job->state == FAILED)
		say_why(job, status);
	job->ended = jobs->options.now();
	jobs->counts.running--;
	*(job->state == FINISHED ? &jobs->counts.finished : &jobs->counts.failed) += 1;
	pthread_mutex_unlock(&jobs->lock);
}

/* The thread of a job: reads, until the process has ended. */
static void *watch(void *context)
{
	struct job *job = context;
	struct mlops_job_process *process = &job->process;
	bool runs = true;

	while (runs) {
		struct pollfd polled[] = {
			{ .fd = process->output, .events = POLLIN },
			{ .fd = process->errors, .events = POLLIN },
			{ .fd = process->watch, .events = POLLIN },
			{ .fd = process->timer, .events = POLLIN },
		};

		if (poll(polled, 4, -1) < 0)
			continue;
		runs = polled[2].revents == 0;
		if (runs && polled[3].revents != 0)
			time_is_up(job);
		/* a closed end would be readable for ever; the process's own is closed when it was waited for */
		if (process->output >= 0 && (polled[0].revents != 0 || !runs) && !take(job, process->output, take_output)) {
			close(process->output);
			process->output = -1;
		}
		if (process->errors >= 0 && (polled[1].revents != 0 || !runs) && !take(job, process->errors, take_errors)) {
			close(process->errors);
			process->errors = -1;
		}
	}
	end(job);
	return NULL;
}

/* The oldest that have ended make room. */
static void forget(struct mlops_jobs *jobs)
{
	size_t ended = 0;

	for (struct job **place = &jobs->newest; *place != NULL;) {
		struct job *job = *place;

		if (job->state == RUNNING || ++ended <= jobs->options.remembered) {
			place = &job->next;
			continue;
		}
		*place = job->next;
		free_job(job); /* its thread is done with the lock */
	}
}

static bool may_start(struct mlops_jobs *jobs, const char *name, char id[MLOPS_JOB_ID], struct mlops_error *error)
{
	if (jobs->options.program == NULL)
		return mlops_error_set(error, MLOPS_UNAVAILABLE,
				       "this service trains nothing: no mlops-retrain was found, and no --train-command given");
	if (jobs->stopping)
		return mlops_error_set(error, MLOPS_UNAVAILABLE, "the service is about to end");
	for (const struct job *job = jobs->newest; job != NULL; job = job->next)
		if (job->state == RUNNING && strcmp(job->name, name) == 0) {
			memcpy(id, job->id, sizeof job->id);
			return mlops_error_set(error, MLOPS_BUSY, "model '%s' is being trained: GET /jobs/%s", name, job->id);
		}
	if (jobs->counts.running >= jobs->options.running)
		return mlops_error_set(error, MLOPS_UNAVAILABLE, "%llu models are being trained, as many as may be at a time",
				       (unsigned long long)jobs->counts.running);
	return true;
}

static struct job *new_job(struct mlops_jobs *jobs, const char *name)
{
	struct job *job = calloc(1, sizeof *job);

	if (job == NULL)
		return NULL;
	job->line = malloc(LONGEST_LINE);
	if (job->line == NULL) {
		free(job);
		return NULL;
	}
	job->jobs = jobs;
	job->exit_status = -1;
	job->started = jobs->options.now();
	snprintf(job->id, sizeof job->id, "%016llx%08llx", (unsigned long long)job->started,
		 (unsigned long long)(++jobs->sequence & UINT32_MAX));
	snprintf(job->name, sizeof job->name, "%s", name);
	return job;
}

/* With the lock held, which the job's thread waits for. */
static bool start(struct mlops_jobs *jobs, struct job *job, struct mlops_error *error)
{
	struct mlops_job_command command = {
		.program = jobs->options.program, .argument = job->name, .environment = jobs->options.environment,
		.timeout = jobs->options.timeout,
	};
	struct mlops_error trouble = MLOPS_ERROR_INIT;

	if (!mlops_job_process_start(&job->process, &command, &trouble))
		return mlops_error_set(error, MLOPS_CONFIG, "%s", trouble.message);
	if (pthread_create(&job->thread, NULL, watch, job) == 0)
		return true;
	mlops_job_process_wait(&job->process);
	return mlops_error_set(error, MLOPS_UNAVAILABLE, "the system has no thread left for a training");
}

bool mlops_jobs_start(struct mlops_jobs *jobs, const char *name, char id[MLOPS_JOB_ID], struct mlops_error *error)
{
	struct job *job = NULL;
	bool ok;

	id[0] = '\0';
	if (!mlops_reference_check_name(name, error))
		return false;
	pthread_mutex_lock(&jobs->lock);
	if (may_start(jobs, name, id, error)) {
		job = new_job(jobs, name);
		if (job == NULL)
			mlops_error_set_memory(error);
	}
	ok = job != NULL && start(jobs, job, error);
	if (ok) {
		job->next = jobs->newest;
		jobs->newest = job;
		jobs->counts.running++;
		memcpy(id, job->id, sizeof job->id);
		forget(jobs);
	} else if (job != NULL) {
		free(job->line);
		free(job);
	}
	pthread_mutex_unlock(&jobs->lock);
	return ok;
}

/* The lines, but for one that lost its beginning. */
static void write_errors(const struct job *job, struct mlops_json *json)
{
	const char *at = job->errors, *end = job->errors + job->errors_length;
	const char *first = job->errors_cut ? memchr(at, '\n', job->errors_length) : NULL;

	if (first != NULL)
		at = first + 1;
	mlops_json_key(json, "stderr");
	mlops_json_open(json, '[');
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;

		mlops_json_text(json, at, (size_t)(stop - at));
		at = stop + 1;
	}
	mlops_json_close(json, ']');
}

static void write_job(const struct job *job, bool whole, struct mlops_json *json)
{
	static const char *const states[] = { [RUNNING] = "running", [FINISHED] = "finished", [FAILED] = "failed" };

	mlops_json_open(json, '{');
	mlops_json_member_string(json, "id", job->id);
	mlops_json_member_string(json, "model", job->name);
	mlops_json_member_string(json, "state", states[job->state]);
	mlops_json_member_time(json, "started", job->started);
	mlops_json_member_time(json, "ended", job->ended);
	mlops_json_key(json, "exit_status");
	if (job->exit_status >= 0)
		mlops_json_int(json, job->exit_status);
	else
		mlops_json_null(json);
	mlops_json_member_string(json, "message", job->message[0] != '\0' ? job->message : NULL);
	if (whole) {
		mlops_json_key(json, "result");
		if (job->result != NULL)
			mlops_json_raw(json, job->result, strlen(job->result));
		else
			mlops_json_null(json);
		write_errors(job, json);
	}
	mlops_json_close(json, '}');
}

bool mlops_jobs_write(struct mlops_jobs *jobs, const char *id, struct mlops_json *json)
{
	const struct job *job;

	pthread_mutex_lock(&jobs->lock);
	for (job = jobs->newest; job != NULL && strcmp(job->id, id) != 0; job = job->next)
		;
	if (job != NULL)
		write_job(job, true, json);
	pthread_mutex_unlock(&jobs->lock);
	return job != NULL;
}

void mlops_jobs_write_all(struct mlops_jobs *jobs, struct mlops_json *json)
{
	mlops_json_open(json, '[');
	pthread_mutex_lock(&jobs->lock);
	for (const struct job *job = jobs->newest; job != NULL; job = job->next)
		write_job(job, false, json);
	pthread_mutex_unlock(&jobs->lock);
	mlops_json_close(json, ']');
}

void mlops_jobs_count(struct mlops_jobs *jobs, struct mlops_job_counts *counts)
{
	pthread_mutex_lock(&jobs->lock);
	*counts = jobs->counts;
	pthread_mutex_unlock(&jobs->lock);
}
