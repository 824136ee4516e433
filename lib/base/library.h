/* Libraries that are loaded when something is asked of them and not when a program starts. */
#ifndef MLOPS_BASE_LIBRARY_H
#define MLOPS_BASE_LIBRARY_H

#include "base/error.h"

#include <stddef.h>

struct mlops_library {
	const char *file;    /* "libpq.so.5" */
	const char *what;    /* "PostgreSQL's client library" */
	const char *package; /* Debian's */
};

/* A handle, of which nothing is to be released: it stays loaded.  NULL and MLOPS_CONFIG where it is not installed. */
void *mlops_library_open(const struct mlops_library *library, struct mlops_error *error);

/* The function called name into *to, a pointer to a function, of size bytes. */
bool mlops_library_take(const struct mlops_library *library, void *handle, const char *name, void *to, size_t size,
			struct mlops_error *error);

#endif
