#include "rows/libpq.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libpq.so.5"

bool mlops_libpq_load(struct mlops_libpq *libpq, struct mlops_error *error)
{
	/* Its own libraries keep state of their own: once loaded it is not let go. */
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const char *missing = NULL;
	void *symbol;

	if (handle == NULL)
		return mlops_error_set(error, MLOPS_CONFIG,
				       "PostgreSQL's client library %s is missing (Debian's package libpq5)",
				       LIBRARY);
#define TAKE(name) \
	symbol = dlsym(handle, #name); \
	missing = symbol == NULL ? #name : missing; \
	memcpy(&libpq->name, &symbol, sizeof symbol);
	MLOPS_LIBPQ_FUNCTIONS(TAKE)
#undef TAKE
	dlclose(handle);
	return missing == NULL ||
	       mlops_error_set(error, MLOPS_CONFIG, "PostgreSQL's client library %s has no %s", LIBRARY,
			       missing);
}
