#include "registry/outbox.h"

#include "base/file.h"
#include "base/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_LENGTH 64

char *mlops_model_file_path(const struct mlops_store *store, const char *sha256, struct mlops_error *error)
{
	char *path;

	if (asprintf(&path, "%s/models/%s.onnx", store->location, sha256) >= 0)
		return path;
	mlops_error_set_memory(error);
	return NULL;
}

static bool hash_file(int fd, const char *path, char sha256[MLOPS_SHA256_TEXT], struct mlops_error *error)
{
	struct mlops_sha256 *hash = mlops_sha256_new();
	unsigned char bytes[16384];

	if (hash == NULL)
		return mlops_error_set_memory(error);
	for (;;) {
		ssize_t got = read(fd, bytes, sizeof bytes);

		if (got > 0) {
			mlops_sha256_add(hash, bytes, (size_t)got);
		} else if (got == 0) {
			mlops_sha256_finish(hash, sha256);
			return true;
		} else if (errno != EINTR) {
			mlops_sha256_free(hash);
			return mlops_error_set_errno(error, errno, path);
		}
	}
}

static bool check_open_file(int fd, const char *path, const struct mlops_version *version, char problem[160],
			    struct mlops_error *error)
{
	char sha256[MLOPS_SHA256_TEXT];
	struct stat status;

	if (fstat(fd, &status) != 0)
		return mlops_error_set_errno(error, errno, path);
	if (!S_ISREG(status.st_mode)) {
		snprintf(problem, 160, "the model file is not a regular file");
		return true;
	}
	if ((uint64_t)status.st_size != version->size) {
		snprintf(problem, 160, "the model file has %llu bytes, not %llu",
			 (unsigned long long)status.st_size, (unsigned long long)version->size);
		return true;
	}
	if (!hash_file(fd, path, sha256, error))
		return false;
	if (strcmp(sha256, version->sha256) != 0)
		snprintf(problem, 160, "the model file's SHA-256 is %.16s…, not %.16s…", sha256,
			 version->sha256);
	return true;
}

bool mlops_model_file_check(const struct mlops_store *store, const struct mlops_version *version,
			    char problem[160], struct mlops_error *error)
{
	char *path = mlops_model_file_path(store, version->sha256, error);
	bool ok;
	int fd;

	problem[0] = '\0';
	if (path == NULL)
		return false;
	/* Not to hang on a FIFO that has taken the file's place. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0) {
		ok = check_open_file(fd, path, version, problem, error);
		close(fd);
	} else if (errno == ENOENT) {
		snprintf(problem, 160, "the model file is missing");
		ok = true;
	} else {
		ok = mlops_error_set_errno(error, errno, path);
	}
	free(path);
	return ok;
}

bool mlops_model_file_add(struct mlops_store *store, const void *bytes, size_t length, const char sha256[65],
			  struct mlops_error *error)
{
	struct mlops_version version = { .size = length };
	char problem[160];
	char *path;
	bool ok;

	/* Whatever keeps the present file from being read, writing it again puts it right or says why not. */
	memcpy(version.sha256, sha256, sizeof version.sha256);
	if (mlops_model_file_check(store, &version, problem, NULL) && problem[0] == '\0')
		return true;
	path = mlops_model_file_path(store, sha256, error);
	if (path == NULL)
		return false;
	ok = mlops_file_replace(path, bytes, length, 0644, error);
	free(path);
	return ok;
}

static bool is_named(struct mlops_store *store, const char *sha256, bool *named, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		mlops_outbox_exists(store)
			? "SELECT 1 FROM versions WHERE sha256 = ?1 UNION ALL"
			  " SELECT 1 FROM remote_runs WHERE sha256 = ?1 AND step < 4 LIMIT 1"
			: "SELECT 1 FROM versions WHERE sha256 = ? LIMIT 1",
		error);

	mlops_ledger_bind_text(&query, sha256);
	*named = mlops_ledger_row(&query);
	return mlops_ledger_done(&query);
}

bool mlops_model_file_forget(struct mlops_store *store, const char *sha256, struct mlops_error *error)
{
	char *path = mlops_model_file_path(store, sha256, error);
	bool named = true;
	bool ok;

	if (path == NULL)
		return false;
	ok = mlops_ledger_begin(store, LEDGER_WRITE, error);
	if (ok) {
		ok = is_named(store, sha256, &named, error);
		if (ok && !named && unlink(path) != 0 && errno != ENOENT)
			ok = mlops_error_set_errno(error, errno, path);
		ok = mlops_ledger_end(store, ok, error);
	}
	free(path);
	return ok;
}

/* SHA256.onnx, or what a killed writer may leave where there are no unnamed files: .SHA256.onnx.XXXXXX. */
static bool is_model_file_name(const char *name, char sha256[MLOPS_SHA256_TEXT])
{
	bool temporary = name[0] == '.';

	name += temporary ? 1 : 0;
	if (strspn(name, "0123456789abcdef") != SHA256_LENGTH ||
	    strncmp(name + SHA256_LENGTH, ".onnx", 5) != 0)
		return false;
	memcpy(sha256, name, SHA256_LENGTH);
	sha256[SHA256_LENGTH] = '\0';
	return temporary ? name[SHA256_LENGTH + 5] == '.' : name[SHA256_LENGTH + 5] == '\0';
}

static bool look_at(struct mlops_store *store, int directory, const char *name, int64_t before,
		    uint64_t *orphans, struct mlops_error *error)
{
	char sha256[MLOPS_SHA256_TEXT];
	struct stat status;
	bool named = false;

	if (!is_model_file_name(name, sha256))
		return true;
	if (name[0] != '.' && !is_named(store, sha256, &named, error))
		return false;
	if (named || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	if ((int64_t)status.st_mtim.tv_sec < before / 1000000) {
		if (unlinkat(directory, name, 0) != 0 && errno != ENOENT)
			return mlops_error_set_errno(error, errno, name);
	} else if (orphans != NULL) {
		(*orphans)++;
	}
	return true;
}

bool mlops_model_file_orphans(struct mlops_store *store, int64_t before, uint64_t *orphans,
			      struct mlops_error *error)
{
	struct dirent *entry;
	char *path = NULL;
	bool ok = true;
	DIR *directory;

	if (orphans != NULL)
		*orphans = 0;
	if (asprintf(&path, "%s/models", store->location) < 0)
		return mlops_error_set_memory(error);
	directory = opendir(path);
	if (directory == NULL) {
		/* Without the directory there are no orphans; what is missing is said of the versions. */
		ok = errno == ENOENT || mlops_error_set_errno(error, errno, path);
		free(path);
		return ok;
	}
	do {
		errno = 0;
		entry = readdir(directory);
		if (entry != NULL)
			ok = look_at(store, dirfd(directory), entry->d_name, before, orphans, error);
		else if (errno != 0)
			ok = mlops_error_set_errno(error, errno, path);
	} while (ok && entry != NULL);
	closedir(directory);
	free(path);
	return ok;
}
