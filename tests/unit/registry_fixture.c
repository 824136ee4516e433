#include "registry_fixture.h"

#include "base/rng.h"

#include <dirent.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	const char *base = getenv("TMPDIR");

	if (fixture == NULL)
		return -1;
	snprintf(fixture->root, sizeof fixture->root, "%.150s/registry-test-XXXXXX",
		 base == NULL ? "/tmp" : base);
	if (mkdtemp(fixture->root) == NULL || chmod(fixture->root, 0755) != 0)
		return -1;
	snprintf(fixture->registry, sizeof fixture->registry, "%s/registry", fixture->root);
	*state = fixture;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	int result = nftw(fixture->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(fixture);
	return result;
}

static struct mlops_store *open_store(const struct fixture *fixture, bool create)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = mlops_store_open(
		&(struct mlops_store_options){ .location = fixture->registry, .create = create }, &error);

	if (store == NULL)
		fail_msg("%s", error.message);
	return store;
}

struct mlops_store *fixture_create(const struct fixture *fixture)
{
	return open_store(fixture, true);
}

struct mlops_store *fixture_read(const struct fixture *fixture)
{
	return open_store(fixture, false);
}

void fixture_bytes(unsigned char *bytes, uint32_t seed, size_t length)
{
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 0);

	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)mlops_rng_u32(&rng);
}

uint32_t fixture_add(struct mlops_store *store, const char *name, uint32_t seed, size_t length)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	unsigned char *bytes = malloc(length + 1);
	struct mlops_version version = { .name = (char *)(uintptr_t)name,
					 .kind = (char[]){ "anomaly_detection" },
					 .created = 1000 + seed };

	assert_non_null(bytes);
	fixture_bytes(bytes, seed, length);
	if (!mlops_store_add_version(store, &version, bytes, length, &error))
		fail_msg("%s", error.message);
	free(bytes);
	return version.version;
}

const char *fixture_file(const struct fixture *fixture, const struct mlops_version *version)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/models/%s.onnx", fixture->registry, version->sha256);
	return path;
}

uint32_t fixture_champion(struct mlops_store *store, const char *name)
{
	struct mlops_reference reference = { .alias = MLOPS_CHAMPION };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version version;
	uint32_t number = 0;

	snprintf(reference.name, sizeof reference.name, "%s", name);
	if (mlops_store_resolve(store, &reference, &version, &error)) {
		number = version.version;
		assert_true(version.champion);
		mlops_version_release(&version);
	} else {
		assert_int_equal(error.code, MLOPS_DATA);
	}
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_true(mlops_store_champion(store, name, &version, &error));
	assert_int_equal(version.version, number);
	assert_true(number == 0 || version.champion);
	mlops_version_release(&version);
	return number;
}

void fixture_expect_error(const struct fixture *fixture, struct mlops_error *error, enum mlops_code code,
			  const char *message)
{
	char expected[1024] = "";
	const char *place;

	while (fixture != NULL && (place = strstr(message, "{}")) != NULL) {
		strncat(expected, message, (size_t)(place - message));
		strncat(expected, fixture->registry, sizeof expected - strlen(expected) - 1);
		message = place + 2;
	}
	strncat(expected, message, sizeof expected - strlen(expected) - 1);
	assert_string_equal(error->message, expected);
	assert_int_equal(error->code, code);
	*error = (struct mlops_error)MLOPS_ERROR_INIT;
}

sqlite3 *fixture_sqlite(const struct fixture *fixture)
{
	char path[300];
	sqlite3 *db = NULL;

	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		fail_msg("%s: %s", path, sqlite3_errmsg(db));
	return db;
}

void fixture_execute(const struct fixture *fixture, const char *sql)
{
	sqlite3 *db = fixture_sqlite(fixture);

	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

size_t fixture_count_files(const struct fixture *fixture)
{
	const struct dirent *entry;
	char path[300];
	size_t n = 0;
	DIR *directory;

	snprintf(path, sizeof path, "%s/models", fixture->registry);
	directory = opendir(path);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			n++;
	}
	closedir(directory);
	return n;
}

pid_t fixture_fork(bool (*body)(void *context), void *context)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(body(context) ? 0 : 1);
	return child;
}

int fixture_join(pid_t child)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

void fixture_become_nobody(void)
{
	if (getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
		_exit(2);
}
