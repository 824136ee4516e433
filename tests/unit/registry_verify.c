#include "registry_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char pump[] = "pump";

static void expect_problem(struct mlops_store *store, const struct mlops_version *version,
			   const char *expected)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char problem[160] = "unset";

	assert_true(mlops_store_verify_version(store, version, problem, &error));
	assert_string_equal(problem, expected);
}

static void test_files(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list versions;
	unsigned char byte;
	int fd;

	for (uint32_t i = 1; i <= 4; i++)
		fixture_add(store, "pump", i, 40000);
	mlops_store_close(store);
	store = fixture_read(fixture);
	assert_true(mlops_store_versions(store, "pump", &versions, &error));
	for (size_t i = 0; i < 4; i++)
		expect_problem(store, &versions.items[i], "");

	fd = open(fixture_file(fixture, &versions.items[0]), O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, 33333), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 33333), 1);
	close(fd);
	assert_int_equal(unlink(fixture_file(fixture, &versions.items[1])), 0);
	assert_int_equal(truncate(fixture_file(fixture, &versions.items[2]), 39999), 0);

	expect_problem(store, &versions.items[0],
		       "the model file's SHA-256 is 0089b1e3933955e3…, not 87ffa8a4a0bd029c…");
	expect_problem(store, &versions.items[1], "the model file is missing");
	expect_problem(store, &versions.items[2], "the model file has 39999 bytes, not 40000");
	expect_problem(store, &versions.items[3], "");
	assert_int_equal(unlink(fixture_file(fixture, &versions.items[3])), 0);
	assert_int_equal(mkdir(fixture_file(fixture, &versions.items[3]), 0755), 0);
	expect_problem(store, &versions.items[3], "the model file is not a regular file");
	mlops_version_list_release(&versions);
	mlops_store_close(store);
}

static void make_file(const struct fixture *fixture, const char *name, int64_t seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
	char path[600];

	snprintf(path, sizeof path, "%s/models/%s", fixture->registry, name);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0644)), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void test_orphans(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list removed;
	char problem[160] = "unset";
	uint64_t orphans = 99;

	fixture_add(store, "pump", 1, 10);
	assert_true(mlops_store_verify_ledger(store, &orphans, problem, &error));
	assert_string_equal(problem, "");
	assert_int_equal(orphans, 0);

	make_file(fixture, DIGITS "0.onnx", 10000);
	make_file(fixture, DIGITS "1.onnx", 20000);
	make_file(fixture, "." DIGITS "2.onnx.abcdef", 10000);
	make_file(fixture, "." DIGITS "3.onnx.abcdef", 20000);
	make_file(fixture, "README", 10000);
	make_file(fixture, DIGITS "4.onnx.bak", 10000);
	assert_true(mlops_store_verify_ledger(store, &orphans, problem, &error));
	assert_string_equal(problem, "");
	assert_int_equal(orphans, 4);

	/* An hour after 20000, so those of 10000 go; and what is no model file is left alone. */
	assert_true(mlops_store_prune(store, "pump", 1, INT64_C(1000000) * (20000 + 3600), true, &removed,
				      &error));
	assert_int_equal(removed.n, 0);
	assert_int_equal(fixture_count_files(fixture), 7);
	assert_true(mlops_store_prune(store, "pump", 1, INT64_C(1000000) * (20000 + 3600), false, &removed,
				      &error));
	assert_int_equal(removed.n, 0);
	assert_int_equal(fixture_count_files(fixture), 5);
	assert_true(mlops_store_verify_ledger(store, &orphans, problem, &error));
	assert_int_equal(orphans, 2);
	mlops_store_close(store);
}

static void test_damaged_ledger(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	char problem[160] = "unset";
	uint64_t orphans;
	char path[300];
	int fd;

	for (uint32_t i = 1; i <= 50; i++)
		fixture_add(store, "pump", i, 10);
	mlops_store_close(store);

	fixture_execute(fixture, "PRAGMA foreign_keys = OFF; DELETE FROM models");
	store = fixture_read(fixture);
	assert_true(mlops_store_verify_ledger(store, &orphans, problem, &error));
	assert_string_equal(problem, "the ledger is damaged: versions names what is not in models");
	mlops_store_close(store);

	/* The root page of the table of versions. */
	snprintf(path, sizeof path, "%s/ledger.db", fixture->registry);
	fd = open(path, O_RDWR);
	for (off_t page = 5; page < 9; page++)
		assert_int_equal(pwrite(fd, "not a page of a database", 24, page * 4096), 24);
	close(fd);
	store = fixture_read(fixture);
	assert_true(mlops_store_verify_ledger(store, &orphans, problem, &error));
	assert_memory_equal(problem, "the ledger is damaged: ", 23);
	mlops_store_close(store);
}

static void expect_pruned(struct mlops_store *store, size_t keep, bool dry_run, const uint32_t *expected,
			  size_t n)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list removed;

	if (!mlops_store_prune(store, "pump", keep, 0, dry_run, &removed, &error))
		fail_msg("%s", error.message);
	assert_int_equal(removed.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(removed.items[i].version, expected[i]);
	mlops_version_list_release(&removed);
}

static void promote(struct mlops_store *store, uint32_t to)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change change = { .name = pump, .to = to };

	assert_true(mlops_store_promote(store, &change, &error));
}

static void test_prune(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change change = { .name = pump, .alias = (char[]){ "golden" }, .to = 2 };
	struct mlops_version_list versions;
	struct mlops_change_list changes;

	for (uint32_t i = 1; i <= 9; i++)
		fixture_add(store, "pump", i, 10);
	/* The same bytes as version 1's, which must outlive it. */
	fixture_add(store, "fan", 1, 10);
	assert_true(mlops_store_set_alias(store, &change, &error));
	promote(store, 1);
	promote(store, 3);
	promote(store, 5);
	promote(store, 4);

	expect_pruned(store, 20, false, NULL, 0);
	expect_pruned(store, 2, true, (const uint32_t[]){ 1, 3, 6, 7 }, 4);
	assert_int_equal(fixture_count_files(fixture), 9);
	expect_pruned(store, 2, false, (const uint32_t[]){ 1, 3, 6, 7 }, 4);
	assert_int_equal(fixture_count_files(fixture), 6);
	expect_pruned(store, 2, false, NULL, 0);

	/* Version 3 is gone from the way back, 5 is there; 4 is the newest that stays champion. */
	change = (struct mlops_change){ .name = pump };
	assert_true(mlops_store_rollback(store, &change, &error));
	assert_int_equal(change.to, 5);
	change = (struct mlops_change){ .name = pump };
	assert_false(mlops_store_rollback(store, &change, &error));
	fixture_expect_error(fixture, &error, MLOPS_NEGATIVE,
			     "model 'pump' has no earlier champion to go back to");
	assert_true(mlops_store_history(store, "pump", false, &changes, &error));
	assert_int_equal(changes.n, 5);
	mlops_change_list_release(&changes);

	expect_pruned(store, 0, false, (const uint32_t[]){ 4, 8, 9 }, 3);
	assert_true(mlops_store_versions(store, "pump", &versions, &error));
	assert_int_equal(versions.n, 2);
	for (size_t i = 0; i < versions.n; i++) {
		assert_int_equal(versions.items[i].version, i == 0 ? 2 : 5);
		expect_problem(store, &versions.items[i], "");
	}
	mlops_version_list_release(&versions);
	/* Numbers are not used again. */
	assert_int_equal(fixture_add(store, "pump", 9, 10), 10);

	assert_true(mlops_store_versions(store, "fan", &versions, &error));
	expect_problem(store, &versions.items[0], "");
	mlops_version_list_release(&versions);
	mlops_store_close(store);
}

static void test_prune_everything(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list removed;
	struct mlops_change change = { .name = pump, .to = 1 };

	fixture_add(store, "pump", 1, 10);
	expect_pruned(store, 0, false, (const uint32_t[]){ 1 }, 1);
	assert_int_equal(fixture_count_files(fixture), 0);
	assert_false(mlops_store_promote(store, &change, &error));
	fixture_expect_error(fixture, &error, MLOPS_DATA,
			     "model 'pump' has no version 1: all its versions are deleted");
	assert_int_equal(fixture_add(store, "pump", 1, 10), 2);

	assert_false(mlops_store_prune(store, "punp", 1, 0, true, &removed, &error));
	fixture_expect_error(fixture, &error, MLOPS_DATA,
			     "model 'punp' is not in the registry (did you mean 'pump'?)");
	assert_int_equal(removed.n, 0);
	mlops_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_orphans, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_ledger, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_prune, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_prune_everything, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
