#include "rows/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mlops_source {
	int fd;       /* -1: memory */
	bool owned;   /* fd is ours to close */
	bool regular; /* reading never waits */
	bool ended;
	const char *bytes;
	uint64_t read;
	uint64_t size; /* 0: not known */
	char *name;
	mlops_source_copy *copy; /* NULL: nobody wants it */
	void *copy_context;
};

static struct mlops_source *source_new(const char *name, struct mlops_error *error)
{
	struct mlops_source *source = calloc(1, sizeof *source);

	if (source != NULL) {
		source->fd = -1;
		source->name = strdup(name);
		if (source->name != NULL)
			return source;
	}
	free(source);
	mlops_error_set_memory(error);
	return NULL;
}

struct mlops_source *mlops_source_from_fd(int fd, const char *name, struct mlops_error *error)
{
	struct mlops_source *source;
	struct stat status;

	if (fstat(fd, &status) < 0) {
		mlops_error_set_errno(error, errno, name);
		return NULL;
	}
	if (S_ISDIR(status.st_mode)) {
		mlops_error_set(error, MLOPS_IO, "%s: is a directory", name);
		return NULL;
	}
	source = source_new(name, error);
	if (source == NULL)
		return NULL;
	source->fd = fd;
	if (S_ISREG(status.st_mode)) {
		off_t position = lseek(fd, 0, SEEK_CUR);

		source->regular = true;
		if (position >= 0 && position < status.st_size)
			source->size = (uint64_t)(status.st_size - position);
		/* Only advice: reading works the same where it is not taken. */
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	return source;
}

struct mlops_source *mlops_source_from_memory(const void *bytes, size_t length, const char *name,
					      struct mlops_error *error)
{
	struct mlops_source *source = source_new(name, error);

	if (source == NULL)
		return NULL;
	source->regular = true;
	source->bytes = bytes;
	source->size = length;
	return source;
}

struct mlops_source *mlops_source_open(const char *path, struct mlops_error *error)
{
	struct mlops_source *source;
	int fd;

	if (strcmp(path, "-") == 0)
		return mlops_source_from_fd(STDIN_FILENO, "standard input", error);
	do {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		mlops_error_set_errno(error, errno, path);
		return NULL;
	}
	source = mlops_source_from_fd(fd, path, error);
	if (source == NULL)
		close(fd);
	else
		source->owned = true;
	return source;
}

void mlops_source_free(struct mlops_source *source)
{
	if (source == NULL)
		return;
	if (source->owned)
		close(source->fd);
	free(source->name);
	free(source);
}

bool mlops_source_is_file(const struct mlops_source *source)
{
	return source->regular && source->fd >= 0;
}

const char *mlops_source_name(const struct mlops_source *source)
{
	return source->name;
}

void mlops_source_tee(struct mlops_source *source, mlops_source_copy *copy, void *context)
{
	source->copy = copy;
	source->copy_context = context;
}

/* A descriptor that somebody made non-blocking must wait all the same. */
static void wait_for_bytes(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	(void)poll(&wanted, 1, -1);
}

bool mlops_source_read(struct mlops_source *source, void *buffer, size_t capacity, size_t *got,
		       struct mlops_error *error)
{
	ssize_t n;

	*got = 0;
	if (source->ended || capacity == 0)
		return true;
	if (source->fd < 0) {
		uint64_t left = source->size - source->read;

		*got = left < capacity ? (size_t)left : capacity;
		if (*got > 0)
			memcpy(buffer, source->bytes + source->read, *got);
	} else {
		for (;;) {
			n = read(source->fd, buffer, capacity);
			if (n >= 0)
				break;
			if (errno == EAGAIN)
				wait_for_bytes(source->fd);
			else if (errno != EINTR)
				return mlops_error_set_errno(error, errno, source->name);
		}
		*got = (size_t)n;
	}
	source->read += *got;
	source->ended = *got == 0;
	if (source->copy != NULL && *got > 0)
		source->copy(source->copy_context, buffer, *got);
	return true;
}

bool mlops_source_ready(const struct mlops_source *source)
{
	struct pollfd wanted = { .fd = source->fd, .events = POLLIN };

	if (source->ended || source->regular)
		return true;
	/* Any answer but a plain "nothing" (an error, a hang-up) makes read return at once. */
	return poll(&wanted, 1, 0) != 0;
}

void mlops_source_progress(const struct mlops_source *source, uint64_t *read, uint64_t *size)
{
	*read = source->read;
	*size = source->size;
}
