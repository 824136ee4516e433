#include "registry/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Byte n of DIR/running is locked as long as the process that began run n lives.  The lock belongs to the open
 * file (F_OFD_SETLK), so the kernel gives it up however the process ends, and another open of the file in the
 * same process sees it.
 */

static struct flock byte_of(int64_t sequence)
{
	return (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)sequence, .l_len = 1
	};
}

static int open_file(const struct mlops_store *store, int flags)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/running", store->location) < 0) {
		errno = ENOMEM;
		return -1;
	}
	fd = open(path, flags | O_CLOEXEC, 0666);
	free(path);
	return fd;
}

bool mlops_running_claim(struct mlops_store *store, int64_t sequence, bool *busy, struct mlops_error *error)
{
	struct flock lock = byte_of(sequence);

	*busy = false;
	if (store->running_fd < 0)
		store->running_fd = open_file(store, O_RDWR | O_CREAT);
	if (store->running_fd >= 0 && fcntl(store->running_fd, F_OFD_SETLK, &lock) == 0)
		return true;
	*busy = store->running_fd >= 0 && (errno == EAGAIN || errno == EACCES);
	return *busy || mlops_error_set_errno(error, errno, "the registry's file of running trainings");
}

bool mlops_running_hold(struct mlops_store *store, int64_t sequence, struct mlops_error *error)
{
	bool busy;

	return mlops_running_claim(store, sequence, &busy, error) &&
	       (!busy || mlops_error_set_errno(error, EAGAIN, "the registry's file of running trainings"));
}

int mlops_running_look(const struct mlops_store *store)
{
	return open_file(store, O_RDONLY);
}

bool mlops_running_is(int fd, int64_t sequence)
{
	struct flock lock = byte_of(sequence);

	lock.l_type = F_WRLCK;
	/* What can't be known counts as running: a run that lives must not be called dead. */
	return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}
