/*
 * measure OUT COMMAND [ARGUMENT ...]: runs COMMAND and writes to OUT, as a JSON object, how long it took (of
 * the clock, of the CPUs), the most memory it had at once, and its exit status (128 + a signal's number).
 *
 * The figures are the kernel's (wait4), and this program is small: a child's peak counts what it had between
 * fork and exec, so a large parent would show in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	double start;
	FILE *out;
	pid_t child;
	int status;

	if (argc < 3) {
		fputs("usage: measure OUT COMMAND [ARGUMENT ...]\n", stderr);
		return 64;
	}
	start = now();
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		perror("measure");
		return 71;
	}
	start = now() - start;
	out = fopen(argv[1], "w");
	if (out == NULL) {
		perror(argv[1]);
		return 74;
	}
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	fprintf(out, "{\"seconds\":%.6f,\"cpu\":%.6f,\"peak_bytes\":%lld,\"status\":%d}\n", start,
		seconds(usage.ru_utime) + seconds(usage.ru_stime), (long long)usage.ru_maxrss * 1024, status);
	return fclose(out) == 0 ? status : 74;
}
