#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST 256

/* Doubling keeps the number of copies logarithmic in the final size. */
static bool grow(struct mlops_buffer *buffer, size_t extra)
{
	size_t wanted, capacity = buffer->capacity > SMALLEST ? buffer->capacity : SMALLEST;
	char *data;

	if (buffer->failed || __builtin_add_overflow(buffer->length, extra, &wanted) ||
	    wanted > PTRDIFF_MAX) {
		buffer->failed = true;
		return false;
	}
	while (capacity < wanted)
		capacity = capacity > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : 2 * capacity;
	data = realloc(buffer->data, capacity);
	if (data == NULL) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

static inline bool has_room(struct mlops_buffer *buffer, size_t extra)
{
	if (buffer->data != NULL && !buffer->failed && extra <= buffer->capacity - buffer->length)
		return true;
	return grow(buffer, extra);
}

char *mlops_buffer_reserve(struct mlops_buffer *buffer, size_t extra)
{
	return has_room(buffer, extra) ? buffer->data + buffer->length : NULL;
}

void mlops_buffer_append(struct mlops_buffer *buffer, const void *bytes, size_t length)
{
	if (length == 0 || !has_room(buffer, length))
		return;
	memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
}

void mlops_buffer_append_string(struct mlops_buffer *buffer, const char *string)
{
	mlops_buffer_append(buffer, string, strlen(string));
}

void mlops_buffer_append_char(struct mlops_buffer *buffer, char c)
{
	if (!has_room(buffer, 1))
		return;
	buffer->data[buffer->length++] = c;
}

void mlops_buffer_append_format(struct mlops_buffer *buffer, const char *format, ...)
{
	va_list arguments, again;
	size_t room;
	int length;

	if (!has_room(buffer, 64))
		return;
	room = buffer->capacity - buffer->length;
	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(buffer->data + buffer->length, room, format, arguments);
	if (length < 0) {
		buffer->failed = true;
	} else if ((size_t)length < room) {
		buffer->length += (size_t)length;
	} else if (has_room(buffer, (size_t)length + 1)) {
		vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
		buffer->length += (size_t)length;
	}
	va_end(again);
	va_end(arguments);
}

const char *mlops_buffer_string(struct mlops_buffer *buffer)
{
	if (!has_room(buffer, 1))
		return "";
	buffer->data[buffer->length] = '\0';
	return buffer->data;
}

void mlops_buffer_clear(struct mlops_buffer *buffer)
{
	buffer->length = 0;
	buffer->failed = false;
}

void mlops_buffer_release(struct mlops_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct mlops_buffer)MLOPS_BUFFER_INIT;
}
