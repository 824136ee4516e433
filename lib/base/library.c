#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

void *mlops_library_open(const struct mlops_library *library, struct mlops_error *error)
{
	/* Their own libraries keep state of their own: once loaded they are not let go. */
	void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (handle == NULL)
		mlops_error_set(error, MLOPS_CONFIG, "%s %s is missing (Debian's package %s)", library->what, library->file,
				library->package);
	return handle;
}

bool mlops_library_take(const struct mlops_library *library, void *handle, const char *name, void *to, size_t size,
			struct mlops_error *error)
{
	void *symbol = dlsym(handle, name);

	if (symbol == NULL)
		return mlops_error_set(error, MLOPS_CONFIG, "%s %s has no %s", library->what, library->file, name);
	memcpy(to, &symbol, size);
	return true;
}
