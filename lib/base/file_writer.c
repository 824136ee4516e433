#include "base/file_writer.h"

#include "base/buffer.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)64 << 10)
#define ATTEMPTS 100

struct mlops_file_writer {
	char *path;      /* as it was given, for messages */
	char *target;    /* behind symbolic links; NULL: written into as it comes */
	char *temporary; /* a name to be removed or renamed; NULL: the file has none */
	int fd;
	struct mlops_buffer waiting;
};

static char *temporary_name(const char *target)
{
	const char *slash = strrchr(target, '/');
	int before = slash != NULL ? (int)(slash - target) + 1 : 0;
	unsigned char noise[6] = { 0 };
	char *name;

	if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise ||
	    asprintf(&name, "%.*s.%.200s.%02x%02x%02x%02x%02x%02x", before, target, target + before, noise[0],
		     noise[1], noise[2], noise[3], noise[4], noise[5]) < 0)
		return NULL;
	return name;
}

static bool open_named(struct mlops_file_writer *writer)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		free(writer->temporary);
		writer->temporary = temporary_name(writer->target);
		if (writer->temporary == NULL)
			return false;
		writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (writer->fd >= 0 || errno != EEXIST)
			break;
	}
	if (writer->fd >= 0)
		return true;
	free(writer->temporary);
	writer->temporary = NULL;
	return false;
}

static bool open_unnamed(struct mlops_file_writer *writer)
{
	const char *slash = strrchr(writer->target, '/');
	char *directory =
		slash == NULL ? strdup(".") : strndup(writer->target, (size_t)(slash - writer->target) + 1);

	if (directory == NULL)
		return false;
	writer->fd = open(directory, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
	free(directory);
	if (writer->fd >= 0)
		return true;
	/* Each is how some file system or kernel says that it has no O_TMPFILE. */
	return (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT) &&
	       open_named(writer);
}

static bool open_target(struct mlops_file_writer *writer)
{
	struct stat status;
	bool exists = stat(writer->path, &status) == 0;

	if (exists && S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return false;
	}
	/* /dev/stdout and /dev/fd/3 name open files, which others go on writing to. */
	if (exists && (!S_ISREG(status.st_mode) || strncmp(writer->path, "/dev/", 5) == 0 ||
		       strncmp(writer->path, "/proc/", 6) == 0)) {
		writer->fd = open(writer->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
		return writer->fd >= 0;
	}
	writer->target = exists ? realpath(writer->path, NULL) : strdup(writer->path);
	return writer->target != NULL && open_unnamed(writer);
}

struct mlops_file_writer *mlops_file_writer_open(const char *path, struct mlops_error *error)
{
	struct mlops_file_writer *writer = calloc(1, sizeof *writer);

	if (writer == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	writer->fd = -1;
	writer->path = strdup(path);
	if (writer->path == NULL) {
		mlops_error_set_memory(error);
	} else if (open_target(writer)) {
		return writer;
	} else {
		mlops_error_set_errno(error, errno, path);
	}
	mlops_file_writer_free(writer);
	return NULL;
}

static bool flush(struct mlops_file_writer *writer, struct mlops_error *error)
{
	bool ok = mlops_file_write_all(writer->fd, writer->waiting.data, writer->waiting.length, writer->path,
				       error);

	mlops_buffer_clear(&writer->waiting);
	return ok;
}

bool mlops_file_writer_put(struct mlops_file_writer *writer, const void *bytes, size_t length,
			   struct mlops_error *error)
{
	mlops_buffer_append(&writer->waiting, bytes, length);
	if (writer->waiting.failed)
		return mlops_error_set_memory(error);
	return writer->waiting.length < BLOCK || flush(writer, error);
}

/* The unnamed file gets a name of its own first where there is one of that name: a link never replaces, a
 * rename does. */
static bool give_name(struct mlops_file_writer *writer)
{
	char source[64];

	if (writer->temporary != NULL)
		return true;
	snprintf(source, sizeof source, "/proc/self/fd/%d", writer->fd);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		writer->temporary = temporary_name(writer->target);
		if (writer->temporary == NULL)
			return false;
		if (linkat(AT_FDCWD, source, AT_FDCWD, writer->temporary, AT_SYMLINK_FOLLOW) == 0)
			return true;
		free(writer->temporary);
		writer->temporary = NULL;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

bool mlops_file_writer_finish(struct mlops_file_writer *writer, struct mlops_error *error)
{
	if (!flush(writer, error))
		return false;
	if (writer->target == NULL)
		return true;
	/* EINVAL: a file system that cannot sync. */
	if ((fsync(writer->fd) != 0 && errno != EINVAL) || !give_name(writer) ||
	    rename(writer->temporary, writer->target) != 0)
		return mlops_error_set_errno(error, errno, writer->path);
	free(writer->temporary);
	writer->temporary = NULL;
	return true;
}

void mlops_file_writer_free(struct mlops_file_writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->temporary != NULL)
		unlink(writer->temporary);
	if (writer->fd >= 0)
		close(writer->fd);
	mlops_buffer_release(&writer->waiting);
	free(writer->path);
	free(writer->target);
	free(writer);
}
