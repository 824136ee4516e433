#include "rows/libpq.h"

#include "base/library.h"

bool mlops_libpq_load(struct mlops_libpq *libpq, struct mlops_error *error)
{
	static const struct mlops_library library = { "libpq.so.5", "PostgreSQL's client library", "libpq5" };
	void *handle = mlops_library_open(&library, error);

	if (handle == NULL)
		return false;
#define TAKE(name) \
	if (!mlops_library_take(&library, handle, #name, &libpq->name, sizeof libpq->name, error)) \
		return false;
	MLOPS_LIBPQ_FUNCTIONS(TAKE)
#undef TAKE
	return true;
}
