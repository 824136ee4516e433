#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct mlops_code_info code_table[MLOPS_CODES] = {
	[MLOPS_OK] = { "ok", 0, 200 },
	[MLOPS_NEGATIVE] = { "negative", 1, 422 },
	[MLOPS_USAGE] = { "usage", 64, 400 },
	[MLOPS_DATA] = { "data", 65, 422 },
	[MLOPS_UNAVAILABLE] = { "unavailable", 69, 503 },
	[MLOPS_BUG] = { "bug", 70, 500 },
	[MLOPS_IO] = { "io", 74, 500 },
	[MLOPS_MEMORY] = { "memory", 74, 500 },
	[MLOPS_BUSY] = { "busy", 75, 409 },
	[MLOPS_DENIED] = { "denied", 77, 403 },
	[MLOPS_CONFIG] = { "config", 78, 500 },
	[MLOPS_CLOSED] = { "closed", 0, 500 },
};

static void __attribute__((format(printf, 5, 0))) set(struct mlops_error *error, enum mlops_code code,
							const char *source, uint64_t line, const char *format,
							va_list arguments)
{
	if (error == NULL || error->code != MLOPS_OK)
		return;
	error->code = code;
	error->line = line;
	error->source[0] = '\0';
	if (source != NULL) {
		size_t length = strlen(source);
		size_t room = sizeof error->source - 1;

		if (length <= room)
			memcpy(error->source, source, length + 1);
		else
			snprintf(error->source, sizeof error->source, "...%s", source + length - (room - 3));
	}
	vsnprintf(error->message, sizeof error->message, format, arguments);
}

bool mlops_error_set(struct mlops_error *error, enum mlops_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(error, code, NULL, 0, format, arguments);
	va_end(arguments);
	return false;
}

bool mlops_error_set_at(struct mlops_error *error, enum mlops_code code, const char *source,
			uint64_t line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(error, code, source, line, format, arguments);
	va_end(arguments);
	return false;
}

bool mlops_error_set_errno(struct mlops_error *error, int errnum, const char *what)
{
	char text[128];
	enum mlops_code code = MLOPS_IO;

	if (errnum == EPIPE)
		code = MLOPS_CLOSED;
	else if (errnum == ENOMEM)
		code = MLOPS_MEMORY;
	else if (errnum == EACCES || errnum == EPERM)
		code = MLOPS_DENIED;
	return mlops_error_set(error, code, "%s: %s", what, strerror_r(errnum, text, sizeof text));
}

bool mlops_error_set_memory(struct mlops_error *error)
{
	return mlops_error_set(error, MLOPS_MEMORY, "out of memory");
}

const struct mlops_code_info *mlops_code_describe(enum mlops_code code)
{
	if ((unsigned)code >= MLOPS_CODES)
		code = MLOPS_BUG;
	return &code_table[code];
}
