#include "registry_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_refused(const struct fixture *fixture, struct mlops_store_options options,
			   enum mlops_code code, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (options.location == NULL)
		options.location = fixture->registry;
	assert_null(mlops_store_open(&options, &error));
	fixture_expect_error(fixture, &error, code, message);
}

static void write_ledger(const struct fixture *fixture, const char *text, size_t length)
{
	char path[300];
	FILE *file;

	mkdir(fixture->registry, 0755);
	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static const char none[] = "there is no registry in {}; training or importing a model makes one";

static void test_missing(void **state)
{
	const struct fixture *fixture = *state;
	char path[300];

	expect_refused(fixture, (struct mlops_store_options){ .location = "" }, MLOPS_CONFIG,
		       "the registry's directory must not be empty");
	expect_refused(fixture, (struct mlops_store_options){ .write = false }, MLOPS_CONFIG, none);
	expect_refused(fixture, (struct mlops_store_options){ .write = true }, MLOPS_CONFIG, none);
	assert_int_equal(access(fixture->registry, F_OK), -1);
	assert_int_equal(mkdir(fixture->registry, 0755), 0);
	expect_refused(fixture, (struct mlops_store_options){ .write = true }, MLOPS_CONFIG, none);
	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	assert_int_equal(access(path, F_OK), -1);

	/* What a killed creator may leave. */
	write_ledger(fixture, "", 0);
	expect_refused(fixture, (struct mlops_store_options){ .write = false }, MLOPS_CONFIG, none);
	expect_refused(fixture, (struct mlops_store_options){ .write = true }, MLOPS_CONFIG, none);
	mlops_store_close(fixture_create(fixture));
	mlops_store_close(fixture_read(fixture));
}

static void test_location_is_a_file(void **state)
{
	const struct fixture *fixture = *state;

	assert_int_equal(close(open(fixture->registry, O_CREAT | O_WRONLY, 0644)), 0);
	expect_refused(fixture, (struct mlops_store_options){ .write = false }, MLOPS_CONFIG, none);
	expect_refused(fixture, (struct mlops_store_options){ .create = true }, MLOPS_IO,
		       "{}/models: Not a directory");
}

static void test_ledger_is_a_directory(void **state)
{
	const struct fixture *fixture = *state;
	char path[300];

	assert_int_equal(mkdir(fixture->registry, 0755), 0);
	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	assert_int_equal(mkdir(path, 0755), 0);
	expect_refused(fixture, (struct mlops_store_options){ .write = false }, MLOPS_IO,
		       "{}/ledger.db: not a file");
	expect_refused(fixture, (struct mlops_store_options){ .create = true }, MLOPS_IO,
		       "{}/ledger.db: not a file");
}

static void test_not_a_ledger(void **state)
{
	static const char text[] =
		"timestamp,temp\n2024-01-31,20.5\n2024-02-01,20.4\n2024-02-02,20.7\n2024-02-03,20.1\n"
		"2024-02-04,20.5\n2024-02-05,20.5\n";
	const struct fixture *fixture = *state;

	write_ledger(fixture, text, sizeof text - 1);
	expect_refused(
		fixture, (struct mlops_store_options){ .write = false }, MLOPS_IO,
		"{}/ledger.db: damaged, or not a registry's ledger (file is not a database); restore it from a backup");
	expect_refused(
		fixture, (struct mlops_store_options){ .create = true }, MLOPS_IO,
		"{}/ledger.db: damaged, or not a registry's ledger (file is not a database); restore it from a backup");
}

static void test_foreign_database(void **state)
{
	const struct fixture *fixture = *state;

	assert_int_equal(mkdir(fixture->registry, 0755), 0);
	fixture_execute(fixture, "CREATE TABLE recipes (name TEXT)");
	expect_refused(fixture, (struct mlops_store_options){ .write = false }, MLOPS_CONFIG,
		       "{}/ledger.db: a SQLite database, but not a registry's ledger");
	expect_refused(fixture, (struct mlops_store_options){ .create = true }, MLOPS_CONFIG,
		       "{}/ledger.db: a SQLite database, but not a registry's ledger");
}

static void test_newer_schema(void **state)
{
	const struct fixture *fixture = *state;
	static const char message[] =
		"registry {}: made by a newer version of this program (its schema is 99, this program "
		"knows up to 6); update this program";

	mlops_store_close(fixture_create(fixture));
	fixture_execute(fixture, "PRAGMA user_version = 99");
	expect_refused(fixture, (struct mlops_store_options){ .write = false }, MLOPS_CONFIG, message);
	expect_refused(fixture, (struct mlops_store_options){ .create = true }, MLOPS_CONFIG, message);
}

static void test_busy(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version version = { .name = (char[]){ "pump" },
					 .kind = (char[]){ "anomaly_detection" } };
	struct mlops_store *store;
	sqlite3 *db;

	mlops_store_close(fixture_create(fixture));
	store = mlops_store_open(&(struct mlops_store_options){ .location = fixture->registry,
								.write = true,
								.busy_seconds = 1 },
				 &error);
	assert_non_null(store);
	db = fixture_sqlite(fixture);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_false(mlops_store_add_version(store, &version, "abc", 3, &error));
	fixture_expect_error(fixture, &error, MLOPS_BUSY,
			     "registry {}: another program has held its lock for 1 seconds");
	assert_int_equal(fixture_count_files(fixture), 0);
	/* Whoever only reads does not wait for a writer that is at work. */
	mlops_store_close(fixture_read(fixture));
	sqlite3_close(db);
	assert_true(mlops_store_add_version(store, &version, "abc", 3, &error));
	assert_int_equal(version.version, 1);
	mlops_store_close(store);
}

static void test_reader_may_not_write(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = { .name = (char[]){ "pump" }, .action = (char[]){ "train" } };
	struct mlops_store *store;

	mlops_store_close(fixture_create(*state));
	store = fixture_read(*state);
	assert_false(mlops_store_begin_run(store, &run, &error));
	fixture_expect_error(*state, &error, MLOPS_BUG, "registry {}: opened for reading only");
	mlops_store_close(store);
}

static bool use_without_permission(void *context)
{
	const struct fixture *fixture = context;
	struct mlops_store_options options = { .location = fixture->registry };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list versions;
	struct mlops_store *store;
	char message[400];

	fixture_become_nobody();
	snprintf(message, sizeof message, "registry %s: may not be written", fixture->registry);
	store = mlops_store_open(&options, &error);
	if (store == NULL || !mlops_store_versions(store, "pump", &versions, &error) || versions.n != 1)
		return false;
	mlops_version_list_release(&versions);
	mlops_store_close(store);
	for (int create = 0; create < 2; create++) {
		error = (struct mlops_error)MLOPS_ERROR_INIT;
		options.write = true;
		options.create = create == 1;
		store = mlops_store_open(&options, &error);
		if (store != NULL || error.code != MLOPS_DENIED || strcmp(error.message, message) != 0) {
			fprintf(stderr, "# %s\n", error.message);
			return false;
		}
	}
	return true;
}

static void test_read_only_directory(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	char path[300];

	fixture_add(store, "pump", 1, 10);
	mlops_store_close(store);
	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(fixture->registry, 0555), 0);
	assert_int_equal(fixture_join(fixture_fork(use_without_permission, *state)), 0);
	assert_int_equal(chmod(fixture->registry, 0755), 0);
}

/* The ledger itself may be written, its directory, where the journal goes, may not. */
static bool write_without_journal(void *context)
{
	const struct fixture *fixture = context;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = { .name = (char[]){ "pump" }, .action = (char[]){ "train" } };
	struct mlops_store *store;

	fixture_become_nobody();
	store = mlops_store_open(
		&(struct mlops_store_options){ .location = fixture->registry, .write = true }, &error);
	if (store == NULL || mlops_store_begin_run(store, &run, &error) || error.code != MLOPS_DENIED) {
		fprintf(stderr, "# %s\n", error.message);
		return false;
	}
	mlops_store_close(store);
	return true;
}

static void test_directory_without_permission(void **state)
{
	const struct fixture *fixture = *state;
	char path[300];

	mlops_store_close(fixture_create(fixture));
	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(chmod(fixture->registry, 0555), 0);
	assert_int_equal(fixture_join(fixture_fork(write_without_journal, *state)), 0);
	assert_int_equal(chmod(fixture->registry, 0755), 0);
}

static bool create_without_permission(void *context)
{
	const struct fixture *fixture = context;
	struct mlops_error error = MLOPS_ERROR_INIT;

	fixture_become_nobody();
	return mlops_store_open(
		       &(struct mlops_store_options){ .location = fixture->registry, .create = true },
		       &error) == NULL &&
	       error.code == MLOPS_DENIED && strstr(error.message, "Permission denied") != NULL;
}

static void test_create_without_permission(void **state)
{
	const struct fixture *fixture = *state;

	assert_int_equal(chmod(fixture->root, 0555), 0);
	assert_int_equal(fixture_join(fixture_fork(create_without_permission, *state)), 0);
	assert_int_equal(chmod(fixture->root, 0755), 0);
}

/* Dies with half of a big transaction written to the ledger: what the journal is for. */
static bool die_while_writing(void *context)
{
	static const char sql[] =
		"PRAGMA cache_size = 1; BEGIN IMMEDIATE; UPDATE models SET name = 'half';"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
		" INSERT INTO runs (id, name, action, started, outcome, message)"
		" SELECT 'run' || i, 'half', 'train', i, 'FAILED', hex(zeroblob(200)) FROM n;"
		"UPDATE runs SET message = 'spilled';";
	sqlite3 *db = fixture_sqlite(context);

	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		raise(SIGKILL);
	return false;
}

static void interrupt_a_write(struct fixture *fixture)
{
	char journal[300];
	struct stat status;
	int result = fixture_join(fixture_fork(die_while_writing, fixture));

	assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
	snprintf(journal, sizeof journal, "%s/ledger.db-journal", fixture->registry);
	assert_int_equal(stat(journal, &status), 0);
	assert_true(status.st_size > 512);
}

static void expect_old(struct mlops_store *store)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list versions;
	struct mlops_run_list runs;

	if (!mlops_store_versions(store, "pump", &versions, &error))
		fail_msg("%s", error.message);
	assert_int_equal(versions.n, 1);
	mlops_version_list_release(&versions);
	assert_true(mlops_store_runs(store, NULL, 0, &runs, &error));
	assert_int_equal(runs.n, 0);
	mlops_run_list_release(&runs);
}

static void test_reader_after_a_killed_writer(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_store *reader;

	fixture_add(store, "pump", 1, 10);
	mlops_store_close(store);
	interrupt_a_write(*state);
	reader = fixture_read(*state);
	expect_old(reader);
	mlops_store_close(reader);

	/* And a reader that has been there before. */
	reader = fixture_read(*state);
	expect_old(reader);
	interrupt_a_write(*state);
	expect_old(reader);
	mlops_store_close(reader);
}

static bool read_interrupted(void *context)
{
	const struct fixture *fixture = context;
	struct mlops_error error = MLOPS_ERROR_INIT;
	char message[400];

	fixture_become_nobody();
	snprintf(message, sizeof message,
		 "registry %s: a write to it was interrupted; somebody who may write to it has to open "
		 "it once",
		 fixture->registry);
	if (mlops_store_open(&(struct mlops_store_options){ .location = fixture->registry }, &error) != NULL)
		return false;
	return error.code == MLOPS_DENIED && strcmp(error.message, message) == 0;
}

static void test_interrupted_and_read_only(void **state)
{
	struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	char path[300];

	fixture_add(store, "pump", 1, 10);
	mlops_store_close(store);
	interrupt_a_write(fixture);
	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(fixture->registry, 0555), 0);
	assert_int_equal(fixture_join(fixture_fork(read_interrupted, fixture)), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(fixture->registry, 0755), 0);
	store = fixture_read(fixture);
	expect_old(store);
	mlops_store_close(store);
}

static void test_no_files_linger(void **state)
{
	const struct fixture *fixture = *state;
	static const char *const names[] = { "ledger.db-journal", "ledger.db-wal", "ledger.db-shm" };
	struct mlops_store *store = fixture_create(fixture);
	char path[300];

	fixture_add(store, "pump", 1, 10);
	mlops_store_close(store);
	mlops_store_close(fixture_read(fixture));
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", fixture->registry, names[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_missing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_location_is_a_file, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_ledger_is_a_directory, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_not_a_ledger, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_foreign_database, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_newer_schema, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_busy, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_reader_may_not_write, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_read_only_directory, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_directory_without_permission, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_create_without_permission, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_reader_after_a_killed_writer, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_interrupted_and_read_only, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_no_files_linger, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
