/*
 * Whole files in, whole files out.  A file that is written appears complete under its name or not at
 * all, whenever the process is killed: the bytes go into an unnamed file (O_TMPFILE) that is synced,
 * then linked, and the directory is synced.  Where the file system has no O_TMPFILE, a temporary name
 * ".NAME.XXXXXX" in the same directory is used and removed on every error.
 */
#ifndef MLOPS_BASE_FILE_H
#define MLOPS_BASE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>

/* Appends the whole file to buffer; MLOPS_DATA if it is larger than limit bytes, MLOPS_IO if it is a
 * directory. */
bool mlops_file_read(const char *path, size_t limit, struct mlops_buffer *buffer, struct mlops_error *error);

/* Writes or replaces path with mode (before the umask).  A symbolic link stays and what it names is
 * replaced; what is no regular file (a FIFO, /dev/stdout) is written into. */
bool mlops_file_replace(const char *path, const void *bytes, size_t length, mode_t mode,
			struct mlops_error *error);

/* Whether path could be written by mlops_file_replace, as far as that can be told ahead of long work: its directory is
 * there and may be written into, and it is none itself.  MLOPS_IO otherwise. */
bool mlops_file_check_place(const char *path, struct mlops_error *error);

/* All bytes to fd, through short writes and EINTR; what names it in the error.  EPIPE gives MLOPS_CLOSED. */
bool mlops_file_write_all(int fd, const void *bytes, size_t length, const char *what,
			  struct mlops_error *error);

/* mkdir -p. */
bool mlops_file_make_directory(const char *path, mode_t mode, struct mlops_error *error);

#endif
