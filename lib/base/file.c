#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_NAME (NAME_ROOM + 16)
#define NAME_ROOM 200 /* of the name, in a temporary name: the whole stays below NAME_MAX */
#define ATTEMPTS 100

static bool set_is_directory(struct mlops_error *error, const char *path)
{
	return mlops_error_set(error, MLOPS_IO, "%s: is a directory", path);
}

static bool set_too_large(struct mlops_error *error, const char *path, size_t limit)
{
	return mlops_error_set(error, MLOPS_DATA, "%s: larger than %zu bytes", path, limit);
}

/* Reads to the end of fd, at most limit bytes. */
static bool read_all(int fd, const char *path, size_t size_hint, size_t limit, struct mlops_buffer *buffer,
		     struct mlops_error *error)
{
	size_t total = 0;

	for (;;) {
		/* One byte more than expected, so that one more read sees the end. */
		size_t room = size_hint > total ? size_hint - total + 1 : 65536;
		char *to = mlops_buffer_reserve(buffer, room);
		ssize_t got;

		if (to == NULL)
			return mlops_error_set_memory(error);
		got = read(fd, to, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mlops_error_set_errno(error, errno, path);
		if (got == 0)
			return true;
		if ((size_t)got > limit - total)
			return set_too_large(error, path, limit);
		total += (size_t)got;
		buffer->length += (size_t)got;
	}
}

bool mlops_file_read(const char *path, size_t limit, struct mlops_buffer *buffer, struct mlops_error *error)
{
	size_t before = buffer->length;
	size_t size_hint = 0;
	struct stat status;
	bool done = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return mlops_error_set_errno(error, errno, path);
	if (fstat(fd, &status) != 0) {
		mlops_error_set_errno(error, errno, path);
		goto out;
	}
	if (S_ISDIR(status.st_mode)) {
		set_is_directory(error, path);
		goto out;
	}
	if (S_ISREG(status.st_mode))
		size_hint = (size_t)status.st_size;
	if (size_hint > limit)
		set_too_large(error, path, limit);
	else
		done = read_all(fd, path, size_hint, limit, buffer, error);
out:
	close(fd);
	if (!done)
		buffer->length = before;
	return done;
}

bool mlops_file_write_all(int fd, const void *bytes, size_t length, const char *what,
			  struct mlops_error *error)
{
	const char *at = bytes;

	while (length > 0) {
		ssize_t written = write(fd, at, length);

		if (written >= 0) {
			at += written;
			length -= (size_t)written;
		} else if (errno == EAGAIN) {
			/* Somebody who shares this pipe or terminal made it non-blocking. */
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			return mlops_error_set_errno(error, errno, what);
		}
	}
	return true;
}

/* ".NAME.XXXXXX" with random letters. */
static bool make_temporary_name(char buffer[TEMPORARY_NAME], const char *name)
{
	static const char letters[32] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char noise[6];
	char random[sizeof noise + 1] = "";

	if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
		return false;
	for (size_t i = 0; i < sizeof noise; i++)
		random[i] = letters[noise[i] % sizeof letters];
	snprintf(buffer, TEMPORARY_NAME, ".%.*s.%s", NAME_ROOM, name, random);
	return true;
}

/* What a replacement in progress needs to know. */
struct replacement {
	const char *path; /* for messages */
	int directory;
	const char *name; /* in directory */
	const void *bytes;
	size_t length;
	mode_t mode;
};

/* The bytes into fd, and onto the disk. */
static bool fill(const struct replacement *new, int fd, struct mlops_error *error)
{
	if (!mlops_file_write_all(fd, new->bytes, new->length, new->path, error))
		return false;
	/* EINVAL: a file system that cannot sync. */
	if (fsync(fd) != 0 && errno != EINVAL)
		return mlops_error_set_errno(error, errno, new->path);
	return true;
}

static bool rename_temporary(const struct replacement *new, const char *temporary, struct mlops_error *error)
{
	int errnum;

	if (renameat(new->directory, temporary, new->directory, new->name) == 0)
		return true;
	errnum = errno;
	unlinkat(new->directory, temporary, 0);
	return mlops_error_set_errno(error, errnum, new->path);
}

/* Gives the unnamed file its name.  False with errno set, and error untouched, where links are not
 * possible here. */
static bool link_unnamed(const struct replacement *new, int fd, struct mlops_error *error, bool *possible)
{
	char source[64], temporary[TEMPORARY_NAME];

	*possible = true;
	snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, source, new->directory, new->name, AT_SYMLINK_FOLLOW) == 0)
		return true;
	/* A link never replaces a name, a rename does. */
	for (int attempt = 0; errno == EEXIST && attempt < ATTEMPTS; attempt++) {
		if (!make_temporary_name(temporary, new->name))
			break;
		if (linkat(AT_FDCWD, source, new->directory, temporary, AT_SYMLINK_FOLLOW) == 0)
			return rename_temporary(new, temporary, error);
	}
	*possible = false;
	return false;
}

static bool replace_by_name(const struct replacement *new, struct mlops_error *error)
{
	char temporary[TEMPORARY_NAME];
	int fd = -1;
	bool done;

	for (int attempt = 0; fd < 0 && attempt < ATTEMPTS; attempt++) {
		if (!make_temporary_name(temporary, new->name))
			break;
		fd = openat(new->directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, new->mode);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		return mlops_error_set_errno(error, errno, new->path);
	done = fill(new, fd, error);
	if (close(fd) != 0 && done)
		done = mlops_error_set_errno(error, errno, new->path);
	if (!done) {
		unlinkat(new->directory, temporary, 0);
		return false;
	}
	return rename_temporary(new, temporary, error);
}

static bool replace_unnamed(const struct replacement *new, struct mlops_error *error)
{
	int fd = openat(new->directory, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, new->mode);
	bool done, possible = true;

	if (fd < 0) {
		/* Each is how some file system or kernel says that it has no O_TMPFILE. */
		if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT)
			return replace_by_name(new, error);
		return mlops_error_set_errno(error, errno, new->path);
	}
	done = fill(new, fd, error) && link_unnamed(new, fd, error, &possible);
	close(fd);
	return possible ? done : replace_by_name(new, error);
}

static bool write_into(const char *path, const void *bytes, size_t length, struct mlops_error *error)
{
	/* Appending: standard output may be a file that has something in it. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
	bool done;

	if (fd < 0)
		return mlops_error_set_errno(error, errno, path);
	done = mlops_file_write_all(fd, bytes, length, path, error);
	if (close(fd) != 0 && done)
		done = mlops_error_set_errno(error, errno, path);
	return done;
}

static bool replace_regular(const char *path, const void *bytes, size_t length, mode_t mode,
			    struct mlops_error *error)
{
	struct replacement new = { .path = path, .bytes = bytes, .length = length, .mode = mode };
	const char *slash = strrchr(path, '/');
	char *parent = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	bool done = false;

	if (parent == NULL)
		return mlops_error_set_memory(error);
	new.name = slash == NULL ? path : slash + 1;
	new.directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	if (new.directory < 0)
		return mlops_error_set_errno(error, errno, path);
	if (!replace_unnamed(&new, error))
		goto out;
	if (fsync(new.directory) != 0 && errno != EINVAL) {
		mlops_error_set_errno(error, errno, path);
		goto out;
	}
	done = true;
out:
	close(new.directory);
	return done;
}

bool mlops_file_replace(const char *path, const void *bytes, size_t length, mode_t mode,
			struct mlops_error *error)
{
	struct stat status, link;
	char *target;
	bool done;

	if (lstat(path, &link) != 0 || stat(path, &status) != 0) {
		if (errno == ENOENT && *path != '\0')
			return replace_regular(path, bytes, length, mode, error);
		return mlops_error_set_errno(error, errno, path);
	}
	if (S_ISDIR(status.st_mode))
		return set_is_directory(error, path);
	if (!S_ISREG(status.st_mode))
		return write_into(path, bytes, length, error);
	if (!S_ISLNK(link.st_mode))
		return replace_regular(path, bytes, length, mode, error);
	/* /dev/stdout and /dev/fd/3 name open files, which others go on writing to. */
	if (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0)
		return write_into(path, bytes, length, error);
	/* The link stays, the file that it names is replaced. */
	target = realpath(path, NULL);
	if (target == NULL)
		return mlops_error_set_errno(error, errno, path);
	done = replace_regular(target, bytes, length, mode, error);
	free(target);
	return done;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool mlops_file_make_directory(const char *path, mode_t mode, struct mlops_error *error)
{
	char *partial = strdup(path);
	char *slash = partial;
	bool done = true;

	if (partial == NULL)
		return mlops_error_set_memory(error);
	while (done && slash != NULL) {
		slash = strchr(slash + strspn(slash, "/"), '/');
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(partial, mode) != 0) {
			int errnum = errno == EEXIST ? ENOTDIR : errno;

			/* A read-only file system refuses what is there already as well. */
			if (!is_directory(partial))
				done = mlops_error_set_errno(error, errnum, path);
		}
		if (slash != NULL)
			*slash = '/';
	}
	free(partial);
	return done;
}

bool mlops_file_check_place(const char *path, struct mlops_error *error)
{
	const char *slash = strrchr(path, '/');
	struct stat status;
	char *directory;
	bool ok = true;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return set_is_directory(error, path);
	directory = slash == NULL ? strdup(".") : strndup(path, slash > path ? (size_t)(slash - path) : 1);
	if (directory == NULL)
		return mlops_error_set_memory(error);
	/* A device or a FIFO is written into where it is. */
	if (stat(path, &status) != 0 || S_ISREG(status.st_mode)) {
		errno = 0;
		ok = stat(directory, &status) == 0 && S_ISDIR(status.st_mode) &&
		     faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0;
		if (!ok)
			mlops_error_set_errno(error, errno != 0 ? errno : ENOTDIR, path);
	}
	free(directory);
	return ok;
}
