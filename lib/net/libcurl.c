#include "net/libcurl.h"

#include "base/library.h"

bool mlops_libcurl_load(struct mlops_libcurl *libcurl, struct mlops_error *error)
{
	static const struct mlops_library library = { "libcurl.so.4", "The HTTP client's library", "libcurl4" };
	void *handle = mlops_library_open(&library, error);

	if (handle == NULL)
		return false;
#define TAKE(name) \
	if (!mlops_library_take(&library, handle, #name, &libcurl->name, sizeof libcurl->name, error)) \
		return false;
	MLOPS_LIBCURL_FUNCTIONS(TAKE)
#undef TAKE
	return true;
}
