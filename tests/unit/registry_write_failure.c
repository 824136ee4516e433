/* The disk refuses to take more: RLIMIT_FSIZE makes write(2) fail with EFBIG, as ENOSPC would. */
#include "registry_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MODEL_BYTES 200000

static char pump[] = "pump";

struct attempt {
	const struct fixture *fixture;
	rlim_t limit;
};

static bool limit_file_size(rlim_t bytes)
{
	const struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

static bool is_clear(const struct mlops_error *error, const struct fixture *fixture)
{
	bool clear = error->code == MLOPS_IO && strstr(error->message, fixture->registry) != NULL &&
		     strstr(error->message, "File too large") != NULL;

	if (!clear)
		fprintf(stderr, "# code %d: %s\n", (int)error->code, error->message);
	return clear;
}

/* Adds a version under the limit; exits 0 when that fails with a clear error, and when the same store works
 * afterwards. */
static bool add_under_limit(void *context)
{
	static unsigned char bytes[MODEL_BYTES];
	const struct attempt *attempt = context;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version version = { .name = pump, .kind = (char[]){ "anomaly_detection" } };
	struct mlops_store *store = mlops_store_open(
		&(struct mlops_store_options){ .location = attempt->fixture->registry, .write = true },
		&error);
	bool ok = store != NULL && limit_file_size(attempt->limit);

	fixture_bytes(bytes, 77, sizeof bytes);
	ok = ok && !mlops_store_add_version(store, &version, bytes, sizeof bytes, &error) &&
	     version.version == 0 && is_clear(&error, attempt->fixture) &&
	     fixture_count_files(attempt->fixture) == 1;
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	ok = ok && limit_file_size(RLIM_INFINITY) &&
	     mlops_store_add_version(store, &version, bytes, sizeof bytes, &error) && version.version == 2;
	mlops_store_close(store);
	return ok;
}

/* A small model file fits, what the ledger or its journal needs does not. */
static bool write_ledger_under_limit(void *context)
{
	const struct attempt *attempt = context;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version version = { .name = pump, .kind = (char[]){ "anomaly_detection" } };
	struct mlops_change change = { .name = pump, .to = 1 };
	struct mlops_run run = { .name = pump, .action = (char[]){ "train" } };
	struct mlops_store *store = mlops_store_open(
		&(struct mlops_store_options){ .location = attempt->fixture->registry, .write = true },
		&error);
	bool ok = store != NULL && limit_file_size(attempt->limit);

	ok = ok && !mlops_store_add_version(store, &version, "abc", 3, &error) &&
	     is_clear(&error, attempt->fixture) && fixture_count_files(attempt->fixture) == 1;
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	ok = ok && !mlops_store_promote(store, &change, &error) && is_clear(&error, attempt->fixture);
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	ok = ok && !mlops_store_begin_run(store, &run, &error) && is_clear(&error, attempt->fixture);
	mlops_store_close(store);
	return ok;
}

static void expect_untouched(const struct fixture *fixture, size_t n)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = fixture_read(fixture);
	struct mlops_version_list versions;
	struct mlops_run_list runs;
	char problem[160];
	uint64_t orphans;

	assert_true(mlops_store_verify_ledger(store, &orphans, problem, &error));
	assert_string_equal(problem, "");
	assert_int_equal(orphans, 0);
	assert_true(mlops_store_versions(store, "pump", &versions, &error));
	assert_int_equal(versions.n, n);
	for (size_t i = 0; i < n; i++) {
		assert_true(mlops_store_verify_version(store, &versions.items[i], problem, &error));
		assert_string_equal(problem, "");
	}
	mlops_version_list_release(&versions);
	assert_true(mlops_store_runs(store, NULL, 0, &runs, &error));
	assert_int_equal(runs.n, 0);
	assert_int_equal(fixture_champion(store, "pump"), 0);
	mlops_store_close(store);
}

static void test_model_file(void **state)
{
	static const rlim_t limits[] = { 0, 1, 4096, 100000, MODEL_BYTES - 1 };

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct fixture one = *(struct fixture *)*state;
		struct attempt attempt = { .fixture = &one, .limit = limits[i] };
		struct mlops_store *store;

		snprintf(one.registry, sizeof one.registry, "%s/%zu", one.root, i);
		store = fixture_create(&one);
		fixture_add(store, "pump", 1, 10);
		mlops_store_close(store);
		assert_int_equal(fixture_join(fixture_fork(add_under_limit, &attempt)), 0);
		expect_untouched(&one, 2);
	}
}

static void test_ledger(void **state)
{
	/* From the first byte of the journal to the pages of the ledger. */
	static const rlim_t limits[] = { 3, 100, 512, 600, 1000, 4000, 5000, 8192, 9000, 12000 };
	struct mlops_store *store = fixture_create(*state);

	fixture_add(store, "pump", 1, 10);
	mlops_store_close(store);
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct attempt attempt = { .fixture = *state, .limit = limits[i] };

		assert_int_equal(fixture_join(fixture_fork(write_ledger_under_limit, &attempt)), 0);
		expect_untouched(*state, 1);
	}
}

static bool create_under_limit(void *context)
{
	const struct attempt *attempt = context;
	struct mlops_error error = MLOPS_ERROR_INIT;

	return limit_file_size(attempt->limit) &&
	       mlops_store_open(&(struct mlops_store_options){ .location = attempt->fixture->registry,
							       .create = true },
				&error) == NULL &&
	       is_clear(&error, attempt->fixture);
}

static void test_creation(void **state)
{
	static const rlim_t limits[] = { 0, 100, 4096, 10000, 30000 };

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct attempt attempt = { .fixture = *state, .limit = limits[i] };
		struct mlops_error error = MLOPS_ERROR_INIT;

		assert_int_equal(fixture_join(fixture_fork(create_under_limit, &attempt)), 0);
		assert_null(mlops_store_open(
			&(struct mlops_store_options){ .location = attempt.fixture->registry }, &error));
		assert_int_equal(error.code, MLOPS_CONFIG);
	}
	mlops_store_close(fixture_create(*state));
	mlops_store_close(fixture_read(*state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_model_file, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_ledger, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_creation, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
