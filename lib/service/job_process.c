#include "service/job_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_all(struct mlops_job_process *process)
{
	close_one(&process->output);
	close_one(&process->errors);
	close_one(&process->watch);
	close_one(&process->timer);
}

static bool set_timer(int timer, unsigned seconds)
{
	struct itimerspec time = { .it_value.tv_sec = seconds > 0 ? seconds : 1 };

	return timerfd_settime(timer, 0, &time, NULL) == 0;
}

/* Only standard input, output and error, in a group of its own, and no signal that this process blocks or ignores. */
static int spawn(pid_t *pid, const struct mlops_job_command *command, int output, int errors)
{
	char *arguments[] = { (char *)(uintptr_t)command->program, (char *)(uintptr_t)command->argument, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int result;

	sigemptyset(&none);
	sigfillset(&all);
	result = posix_spawn_file_actions_init(&actions);
	if (result != 0)
		return result;
	result = posix_spawnattr_init(&attributes);
	if (result != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return result;
	}
	result = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (result == 0)
		result = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (result == 0)
		result = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	if (result == 0)
		result = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (result == 0)
		result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
									POSIX_SPAWN_SETSIGDEF);
	if (result == 0)
		result = posix_spawnattr_setpgroup(&attributes, 0);
	if (result == 0)
		result = posix_spawnattr_setsigmask(&attributes, &none);
	if (result == 0)
		result = posix_spawnattr_setsigdefault(&attributes, &all);
	if (result == 0)
		result = posix_spawn(pid, command->program, &actions, &attributes, arguments, command->environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

bool mlops_job_process_start(struct mlops_job_process *process, const struct mlops_job_command *command,
			     struct mlops_error *error)
{
	int output[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int result;

	*process = (struct mlops_job_process)MLOPS_JOB_PROCESS_INIT;
	process->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (process->timer < 0 || !set_timer(process->timer, command->timeout) || pipe2(output, O_CLOEXEC) != 0 ||
	    pipe2(errors, O_CLOEXEC) != 0 || fcntl(output[0], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(errors[0], F_SETFL, O_NONBLOCK) != 0)
		result = errno;
	else
		result = spawn(&process->pid, command, output[1], errors[1]);
	process->output = output[0];
	process->errors = errors[0];
	close_one(&output[1]);
	close_one(&errors[1]);
	if (result != 0)
		goto fail;
	process->watch = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (process->watch >= 0)
		return true;
	result = errno;
	kill(-process->pid, SIGKILL);
	mlops_job_process_wait(process);
fail:
	close_all(process);
	process->pid = 0;
	return mlops_error_set_errno(error, result, command->program);
}

void mlops_job_process_signal(struct mlops_job_process *process, int signal_number, unsigned seconds)
{
	if (process->pid == 0)
		return;
	kill(-process->pid, signal_number);
	set_timer(process->timer, seconds);
}

int mlops_job_process_wait(struct mlops_job_process *process)
{
	int status = 0;

	/* as long as it was not waited for, its number and its group's are nobody else's */
	kill(-process->pid, SIGKILL);
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	process->pid = 0;
	close_all(process);
	return status;
}
