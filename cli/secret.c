#include "cli/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void trim(char *secret)
{
	size_t begin = 0, end = strlen(secret);

	while (end > 0 && isspace((unsigned char)secret[end - 1]))
		end--;
	while (begin < end && isspace((unsigned char)secret[begin]))
		begin++;
	memmove(secret, secret + begin, end - begin);
	secret[end - begin] = '\0';
}

/* All that fd has, CLI_SECRET_ROOM - 1 bytes of it at most; -1 with errno. */
static ssize_t read_all(int fd, char secret[CLI_SECRET_ROOM])
{
	size_t length = 0;

	while (length < CLI_SECRET_ROOM - 1) {
		ssize_t got = read(fd, secret + length, CLI_SECRET_ROOM - 1 - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

bool cli_secret_read(const char *path, char secret[CLI_SECRET_ROOM], struct mlops_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t length = fd < 0 ? -1 : read_all(fd, secret);
	int errnum = errno;

	if (fd >= 0)
		close(fd);
	if (length < 0)
		return mlops_error_set(error, MLOPS_CONFIG, "%s: %s", path, strerrordesc_np(errnum));
	if (length == CLI_SECRET_ROOM - 1)
		return mlops_error_set(error, MLOPS_CONFIG, "%s: too long for a secret", path);
	secret[length] = '\0';
	if (strlen(secret) != (size_t)length)
		return mlops_error_set(error, MLOPS_CONFIG, "%s: has a NUL character in it", path);
	trim(secret);
	if (secret[0] == '\0')
		return mlops_error_set(error, MLOPS_CONFIG, "%s: is empty", path);
	if (strchr(secret, '\n') != NULL)
		return mlops_error_set(error, MLOPS_CONFIG, "%s: has more than one line", path);
	return true;
}

/* The file that should have it; false: none. */
static bool find_file(const char *name, char path[4096])
{
	char variable[256];
	const char *place;

	snprintf(variable, sizeof variable, "%s_FILE", name);
	place = getenv(variable);
	if (place != NULL && place[0] != '\0') {
		snprintf(path, 4096, "%s", place);
		return true;
	}
	place = getenv("CREDENTIALS_DIRECTORY");
	if (place == NULL || place[0] == '\0')
		return false;
	snprintf(path, 4096, "%s/%s", place, name);
	return access(path, F_OK) == 0;
}

bool cli_secret(const char *name, char secret[CLI_SECRET_ROOM], bool *found, struct mlops_error *error)
{
	const char *value = getenv(name);
	char path[4096];

	*found = false;
	if (value == NULL || value[0] == '\0') {
		*found = find_file(name, path) && cli_secret_read(path, secret, error);
		return *found || error->code == MLOPS_OK;
	}
	if (strlen(value) >= CLI_SECRET_ROOM)
		return mlops_error_set(error, MLOPS_CONFIG, "%s is too long for a secret", name);
	strcpy(secret, value);
	trim(secret);
	*found = secret[0] != '\0';
	return *found || mlops_error_set(error, MLOPS_CONFIG, "%s is empty", name);
}
