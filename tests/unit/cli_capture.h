/* Runs a body in a child process and keeps what it wrote, so that it may print, exit and die. */
#ifndef TESTS_CLI_CAPTURE_H
#define TESTS_CLI_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct captured {
	int status; /* exit status, or 128 + signal */
	char out[16384];
	char err[4096];
};

static inline void read_back(FILE *file, char *text, size_t size)
{
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* out: where standard output goes instead of captured->out, or NULL. */
static inline void capture(struct captured *captured, const char *out, int (*body)(void *), void *context)
{
	FILE *out_file = tmpfile(), *err_file = tmpfile();
	int wait_status;
	pid_t child;

	assert_non_null(out_file);
	assert_non_null(err_file);
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int fd = out != NULL ? open(out, O_WRONLY) : fileno(out_file);

		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fileno(err_file), 2) < 0)
			_exit(99);
		_exit(body(context));
	}
	assert_int_equal(waitpid(child, &wait_status, 0), child);
	captured->status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	read_back(out_file, captured->out, sizeof captured->out);
	read_back(err_file, captured->err, sizeof captured->err);
}

#endif
