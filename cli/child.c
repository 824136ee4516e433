#include "cli/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

#define ROOM 4096

static bool can_run(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool join(char path[ROOM], const char *directory, size_t length, const char *name)
{
	int written = snprintf(path, ROOM, "%.*s/%s", (int)length, directory, name);

	return written > 0 && written < ROOM && can_run(path);
}

static bool find_beside(const char *name, char path[ROOM])
{
	char own[ROOM];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own);

	while (length > 0 && own[length - 1] != '/')
		length--;
	return length > 1 && join(path, own, (size_t)length - 1, name);
}

static bool find_in_path(const char *name, char path[ROOM])
{
	const char *at = getenv("PATH");

	while (at != NULL && *at != '\0') {
		size_t length = strcspn(at, ":");

		/* an empty one would be the current directory, which is nobody's intention */
		if (length > 0 && length < ROOM && join(path, at, length, name))
			return true;
		at += length;
		at += *at == ':';
	}
	return false;
}

bool cli_child_find(const char *wanted, const char *usual, char path[ROOM], struct mlops_error *error)
{
	if (wanted == NULL) {
		if (!find_beside(usual, path) && !find_in_path(usual, path))
			path[0] = '\0';
		return true;
	}
	if (strchr(wanted, '/') == NULL ? find_in_path(wanted, path)
					: snprintf(path, ROOM, "%s", wanted) < ROOM && can_run(path))
		return true;
	return mlops_error_set(error, MLOPS_CONFIG, "'%.200s' is no program that can be run", wanted);
}

static bool is_ours_alone(const char *variable)
{
	static const char *const names[] = { "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "NOTIFY_SOCKET=",
					     "WATCHDOG_PID=", "WATCHDOG_USEC=", "MAINPID=" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

char **cli_child_environment(struct mlops_error *error)
{
	size_t n = 0;
	char **copy;

	while (environ[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof *copy);
	if (copy == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	n = 0;
	for (char **variable = environ; *variable != NULL; variable++)
		if (!is_ours_alone(*variable))
			copy[n++] = *variable;
	return copy;
}
