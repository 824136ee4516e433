/*
 * Where bytes come from: a file descriptor or memory.  Reads in large blocks behind one interface, and can tell whether
 * more bytes are there without waiting, so that a reader on `tail -f` hands out the rows it has.
 */
#ifndef MLOPS_ROWS_SOURCE_H
#define MLOPS_ROWS_SOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mlops_source;

/* fd stays the caller's.  name stands in messages ("sensors.csv", "standard input"). */
struct mlops_source *mlops_source_from_fd(int fd, const char *name, struct mlops_error *error);

/* bytes stay the caller's and must outlive the source. */
struct mlops_source *mlops_source_from_memory(const void *bytes, size_t length, const char *name,
					      struct mlops_error *error);

/* Opens path ("-": standard input, not closed); a directory is refused.  MLOPS_IO when it can't be opened. */
struct mlops_source *mlops_source_open(const char *path, struct mlops_error *error);
void mlops_source_free(struct mlops_source *source);

/* A regular file: what was read can be read again. */
bool mlops_source_is_file(const struct mlops_source *source);

const char *mlops_source_name(const struct mlops_source *source);

/* Up to capacity bytes into buffer; *got = 0 means the end.  Waits for at least one byte. */
bool mlops_source_read(struct mlops_source *source, void *buffer, size_t capacity, size_t *got,
		       struct mlops_error *error);

/* From now on copy gets all that is read, in order, from the thread that reads.  What it answers does not matter to the
 * reading: it keeps its own errors. */
typedef void mlops_source_copy(void *context, const void *bytes, size_t length);
void mlops_source_tee(struct mlops_source *source, mlops_source_copy *copy, void *context);

/* Would mlops_source_read return without waiting?  Always true for files, memory and the end. */
bool mlops_source_ready(const struct mlops_source *source);

/* Bytes read so far, and the size where it is known (a regular file, memory), else 0: for progress. */
void mlops_source_progress(const struct mlops_source *source, uint64_t *read, uint64_t *size);

#endif
