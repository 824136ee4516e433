/*
 * A file that is written bit by bit and appears complete, or not at all.
 *
 *	struct mlops_file_writer *writer = mlops_file_writer_open("good.csv", &error);
 *	mlops_file_writer_put(writer, bytes, length, &error);        // again and again
 *	ok = mlops_file_writer_finish(writer, &error);               // now it has its name
 *	mlops_file_writer_free(writer);                              // unfinished: nothing is left
 *
 * The bytes go into an unnamed file (O_TMPFILE) that is synced and then linked; where the file system has
 * none, into
 * ".NAME.XXXXXX" beside it.  What is no regular file (a FIFO, /dev/stdout) is written into as it comes.
 */
#ifndef MLOPS_BASE_FILE_WRITER_H
#define MLOPS_BASE_FILE_WRITER_H

#include "base/error.h"

#include <stddef.h>

struct mlops_file_writer;

struct mlops_file_writer *mlops_file_writer_open(const char *path, struct mlops_error *error);
bool mlops_file_writer_put(struct mlops_file_writer *writer, const void *bytes, size_t length,
			   struct mlops_error *error);
bool mlops_file_writer_finish(struct mlops_file_writer *writer, struct mlops_error *error);
void mlops_file_writer_free(struct mlops_file_writer *writer);

#endif
