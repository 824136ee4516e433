/*
 * Trainings that a service was asked for: each is a child process that runs a program with a model's name as its only argument,
 * without a shell; one at a time for a name, a few at the same time.  What became of the latest is remembered.
 *
 *	struct mlops_jobs *jobs = mlops_jobs_new(&options, &error);
 *	mlops_jobs_start(jobs, "pumps", id, &error);
 *	mlops_jobs_write(jobs, id, &json);
 *	mlops_jobs_stop(jobs);   // no new ones; those that run are told to end
 *	mlops_jobs_free(jobs);   // when they have
 *
 * The child has a process group of its own, standard input from /dev/null, no other descriptor of this process, and no
 * blocked or ignored signals.  A job that takes too long, and those that run at the end, get SIGTERM, and ten
 * seconds later SIGKILL; nothing of the group is left behind a job that has ended.
 *
 * Everything but new and free may be called from any thread.
 */
#ifndef MLOPS_SERVICE_JOBS_H
#define MLOPS_SERVICE_JOBS_H

#include "base/json_writer.h"
#include "base/error.h"

#include <stdint.h>

#define MLOPS_JOB_ID 33 /* hexadecimal digits and the NUL */

struct mlops_jobs_options {
	const char *program;       /* a path; NULL: there is none, and nothing is started */
	char *const *environment;  /* of the children, as environ has it */
	unsigned timeout;          /* seconds that a job may take */
	unsigned running;          /* jobs at the same time, at most */
	size_t remembered;         /* jobs that have ended, at most */
	int64_t (*now)(void);      /* microseconds since 1970 */
};

struct mlops_jobs;

/* What options points to must outlive it. */
struct mlops_jobs *mlops_jobs_new(const struct mlops_jobs_options *options, struct mlops_error *error);
void mlops_jobs_stop(struct mlops_jobs *jobs);
void mlops_jobs_free(struct mlops_jobs *jobs);

/* Starts the program with name, which must pass mlops_reference_check_name (MLOPS_USAGE).  MLOPS_BUSY when name is being
 * trained: id is that job's, then.  MLOPS_UNAVAILABLE when there is no program, as many run as may, or the service is
 * ending; MLOPS_CONFIG when the program can't be started. */
bool mlops_jobs_start(struct mlops_jobs *jobs, const char *name, char id[MLOPS_JOB_ID], struct mlops_error *error);

/* {"id":…,"model":…,"state":"running","started":…,"ended":null,"exit_status":null,"message":null,"result":null,"stderr":[…]};
 * state is "running", "finished" (exit status 0) or "failed"; result is the last line on standard output that is a JSON object,
 * stderr the last lines of standard error.  False: no such job, or not any more. */
bool mlops_jobs_write(struct mlops_jobs *jobs, const char *id, struct mlops_json *json);

/* All of them, the newest first, as a list of such objects without result and stderr. */
void mlops_jobs_write_all(struct mlops_jobs *jobs, struct mlops_json *json);

/* How many run, and how many have ended well and badly since the start. */
struct mlops_job_counts {
	uint64_t running, finished, failed;
};
void mlops_jobs_count(struct mlops_jobs *jobs, struct mlops_job_counts *counts);

#endif
