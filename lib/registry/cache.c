#include "registry/cache.h"

#include "base/file.h"
#include "base/sha256.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_LENGTH (MLOPS_SHA256_TEXT - 1)

struct cached {
	char name[SHA256_LENGTH + sizeof ".onnx"];
	struct timespec used;
	size_t size;
};

static char *path_of(const char *location, const char *sha256)
{
	char *path;

	return asprintf(&path, "%s/cache/%s.onnx", location, sha256) < 0 ? NULL : path;
}

bool mlops_cache_read(const char *location, const char *sha256, struct mlops_buffer *bytes)
{
	char *path = path_of(location, sha256);
	char found[MLOPS_SHA256_TEXT];
	size_t before = bytes->length;
	bool ok = path != NULL && mlops_file_read(path, MLOPS_CACHE_BYTES, bytes, NULL);

	if (ok) {
		mlops_sha256_of(bytes->data + before, bytes->length - before, found);
		ok = strcmp(found, sha256) == 0;
	}
	if (ok)
		utimensat(AT_FDCWD, path, NULL, 0); /* it was used */
	else
		bytes->length = before;
	free(path);
	return ok;
}

/* SHA256.onnx or SHA256.json; what else lies there is not ours. */
static bool is_cached(const char *name)
{
	return strspn(name, "0123456789abcdef") == SHA256_LENGTH &&
	       (strcmp(name + SHA256_LENGTH, ".onnx") == 0 || strcmp(name + SHA256_LENGTH, ".json") == 0);
}

static struct cached *list(DIR *directory, size_t *n)
{
	struct cached *items = NULL;
	struct dirent *entry;
	size_t room = 0;

	*n = 0;
	while ((entry = readdir(directory)) != NULL) {
		struct stat status;

		if (!is_cached(entry->d_name) ||
		    fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (*n == room) {
			struct cached *grown = reallocarray(items, room + 128, sizeof *items);

			if (grown == NULL)
				break;
			items = grown;
			room += 128;
		}
		memcpy(items[*n].name, entry->d_name, sizeof items[*n].name);
		items[*n].used = status.st_mtim;
		items[(*n)++].size = (size_t)status.st_size;
	}
	return items;
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct cached *)a)->used;
	const struct timespec *y = &((const struct cached *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* The file that was just added stays in any case. */
static void bound(const char *path, const char *added)
{
	DIR *directory = opendir(path);
	struct cached *items;
	size_t n, bytes = 0;

	if (directory == NULL)
		return;
	items = list(directory, &n);
	for (size_t i = 0; i < n; i++)
		bytes += items[i].size;
	if (n > 0)
		qsort(items, n, sizeof *items, by_use);
	for (size_t i = 0, left = n; i < n && (left > MLOPS_CACHE_FILES || bytes > MLOPS_CACHE_BYTES); i++) {
		if (strncmp(items[i].name, added, SHA256_LENGTH) == 0)
			continue;
		unlinkat(dirfd(directory), items[i].name, 0);
		bytes -= items[i].size;
		left--;
	}
	free(items);
	closedir(directory);
}

void mlops_cache_put(const char *path, const void *bytes, size_t length)
{
	char *directory = strdup(path);
	char *end = directory == NULL ? NULL : strrchr(directory, '/');

	if (end != NULL) {
		*end = '\0';
		if (mlops_file_make_directory(directory, 0755, NULL) && mlops_file_replace(path, bytes, length, 0644, NULL))
			bound(directory, end + 1);
	}
	free(directory);
}

void mlops_cache_add(const char *location, const char *sha256, const void *bytes, size_t length)
{
	char *path = path_of(location, sha256);

	if (path != NULL)
		mlops_cache_put(path, bytes, length);
	free(path);
}
