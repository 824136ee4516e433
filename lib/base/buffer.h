/*
 * Bytes that grow.
 *
 *	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
 *	mlops_buffer_append(&buffer, "x", 1);
 *	...
 *	if (buffer.failed) ...            // memory ran out on the way; checked once, at the end
 *	mlops_buffer_release(&buffer);
 *
 * Appending never fails on its own: when memory runs out, `failed` is set, the content is as it was
 * before that call, and further appends do nothing.  data is not terminated by a NUL unless
 * mlops_buffer_string was called last.
 */
#ifndef MLOPS_BASE_BUFFER_H
#define MLOPS_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct mlops_buffer {
	char *data;
	size_t length;
	size_t capacity;
	bool failed;
};

#define MLOPS_BUFFER_INIT { .data = NULL }

/* Makes room for extra more bytes and returns where they go (length is not changed), or NULL. */
char *mlops_buffer_reserve(struct mlops_buffer *buffer, size_t extra);

void mlops_buffer_append(struct mlops_buffer *buffer, const void *bytes, size_t length);
void mlops_buffer_append_string(struct mlops_buffer *buffer, const char *string);
void mlops_buffer_append_char(struct mlops_buffer *buffer, char c);
void mlops_buffer_append_format(struct mlops_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A terminating NUL behind the content (not counted in length); returns data, or "" after a failure. */
const char *mlops_buffer_string(struct mlops_buffer *buffer);

/* Forgets the content and `failed`, keeps the memory. */
void mlops_buffer_clear(struct mlops_buffer *buffer);

/* Frees the memory; the buffer may be used again. */
void mlops_buffer_release(struct mlops_buffer *buffer);

#endif
