/* Inside the service: a child process with its output, watched by one thread.  Only jobs.c includes this. */
#ifndef MLOPS_SERVICE_JOB_PROCESS_H
#define MLOPS_SERVICE_JOB_PROCESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mlops_job_process {
	pid_t pid;                 /* and of its group; 0: it was waited for */
	int output, errors;        /* what it writes, read here without blocking; -1: closed */
	int watch;                 /* readable when it has ended */
	int timer;                 /* readable when its time is up */
};

#define MLOPS_JOB_PROCESS_INIT { .output = -1, .errors = -1, .watch = -1, .timer = -1 }

struct mlops_job_command {
	const char *program, *argument;
	char *const *environment;
	unsigned timeout;          /* seconds */
};

/* Starts it; on failure there is no process, and everything is closed. */
bool mlops_job_process_start(struct mlops_job_process *process, const struct mlops_job_command *command,
			     struct mlops_error *error);

/* A signal to the whole group, and the timer set anew; nothing once it was waited for.  Not while another thread calls _wait. */
void mlops_job_process_signal(struct mlops_job_process *process, int signal_number, unsigned seconds);

/* Kills what is left of the group of a process that has ended, waits for it, closes everything, and gives its wait status. */
int mlops_job_process_wait(struct mlops_job_process *process);

#endif
