/* Writers are killed at random moments, many times; the registry must be whole after each. */
#include "registry_fixture.h"

#include "base/rng.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS 160
#define LONGEST_MICROSECONDS 50000
#define KEPT 6

static char pump[] = "pump";
static char kind[] = "anomaly_detection";

/* The latest version that was added, and that was promoted, as far as the writer knows. */
struct promise {
	uint32_t added, promoted;
};

struct writer {
	const struct fixture *fixture;
	uint32_t round;
	int told; /* a pipe for a promise whenever one has become true */
};

/* Adds, promotes and prunes until it is killed. */
static bool write_forever(void *context)
{
	const struct writer *writer = context;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = mlops_store_open(
		&(struct mlops_store_options){ .location = writer->fixture->registry, .create = true },
		&error);
	struct promise promise = { 0 };

	for (uint32_t i = 0; store != NULL; i++) {
		struct mlops_version version = { .name = pump, .kind = kind, .created = writer->round };
		struct mlops_change change = { .name = pump };
		struct mlops_version_list removed;
		struct mlops_run run = { .name = pump, .kind = kind, .action = kind };
		unsigned char bytes[3000];

		fixture_bytes(bytes, writer->round * 1000 + i, sizeof bytes);
		if (!mlops_store_begin_run(store, &run, &error))
			break;
		version.run_id = run.id;
		if (!mlops_store_add_version(store, &version, bytes, sizeof bytes, &error))
			break;
		promise.added = version.version;
		if (write(writer->told, &promise, sizeof promise) != sizeof promise)
			break;
		change.to = version.version;
		if (!mlops_store_promote(store, &change, &error))
			break;
		promise.promoted = version.version;
		if (write(writer->told, &promise, sizeof promise) != sizeof promise)
			break;
		run.outcome = MLOPS_RUN_FINISHED;
		run.version = version.version;
		if (!mlops_store_end_run(store, &run, &error) ||
		    !mlops_store_prune(store, "pump", KEPT, 0, false, &removed, &error))
			break;
		mlops_version_list_release(&removed);
	}
	fprintf(stderr, "# writer: %s\n", error.message);
	return false;
}

static void read_promises(int from, struct promise *kept)
{
	struct promise next;

	while (read(from, &next, sizeof next) == sizeof next) {
		kept->added = next.added;
		if (next.promoted != 0)
			kept->promoted = next.promoted;
	}
}

static void check_registry(const struct fixture *fixture, const struct promise *promise)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = fixture_read(fixture);
	struct mlops_version_list versions;
	uint32_t last = 0;
	char problem[160];
	uint64_t orphans;

	if (!mlops_store_verify_ledger(store, &orphans, problem, &error))
		fail_msg("%s", error.message);
	assert_string_equal(problem, "");
	assert_true(mlops_store_versions(store, NULL, &versions, &error));
	for (size_t i = 0; i < versions.n; i++) {
		assert_true(mlops_store_verify_version(store, &versions.items[i], problem, &error));
		assert_string_equal(problem, "");
		last = versions.items[i].version;
	}
	/* At most one step more than was promised can be done; nothing less. */
	assert_in_range(last, promise->added, promise->added + 1);
	if (versions.n > 0)
		assert_in_range(fixture_champion(store, "pump"), promise->promoted, last);
	mlops_version_list_release(&versions);
	mlops_store_close(store);
}

static bool exists(const struct fixture *fixture)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store =
		mlops_store_open(&(struct mlops_store_options){ .location = fixture->registry }, &error);

	mlops_store_close(store);
	if (store == NULL)
		assert_int_equal(error.code, MLOPS_CONFIG);
	return store != NULL;
}

static void kill_one_writer(const struct fixture *fixture, uint32_t round, uint32_t delay,
			    struct promise *promise)
{
	struct timespec pause = { .tv_nsec = (long)delay * 1000 };
	struct writer writer = { .fixture = fixture, .round = round };
	pid_t child;
	int ends[2];
	int status;

	assert_int_equal(pipe(ends), 0);
	writer.told = ends[1];
	child = fixture_fork(write_forever, &writer);
	close(ends[1]);
	/* On a machine that has much else to do, some must come to something all the same. */
	if (round % 4 == 3)
		poll(&(struct pollfd){ .fd = ends[0], .events = POLLIN }, 1, 20000);
	nanosleep(&pause, NULL);
	kill(child, SIGKILL);
	status = fixture_join(child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	read_promises(ends[0], promise);
	close(ends[0]);
	if (exists(fixture))
		check_registry(fixture, promise);
	else
		assert_int_equal(promise->added, 0);
}

/* A version that was added without the writer living to say so counts as promised to those who come later. */
static uint32_t newest_version(const struct fixture *fixture)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_version_list versions;
	uint32_t newest;

	assert_true(mlops_store_versions(store, NULL, &versions, &error));
	newest = versions.n == 0 ? 0 : versions.items[versions.n - 1].version;
	mlops_version_list_release(&versions);
	mlops_store_close(store);
	return newest;
}

static void test_kill_writers(void **state)
{
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SIMULATE, 1);
	struct promise promise = { 0 };

	for (uint32_t round = 0; round < KILLS; round++) {
		kill_one_writer(*state, round, 1000 + mlops_rng_below(&rng, LONGEST_MICROSECONDS), &promise);
		promise.added = newest_version(*state);
	}
	/* Or else the writers were killed before they had come to anything. */
	assert_in_range(promise.promoted, 2, UINT32_MAX);
}

/* The first thing a registry sees: its creator dies. */
static void test_kill_creators(void **state)
{
	struct mlops_rng rng = mlops_rng_start(4, MLOPS_RNG_SIMULATE, 1);

	for (uint32_t round = 0; round < 40; round++) {
		struct fixture one = *(struct fixture *)*state;
		struct promise promise = { 0 };

		snprintf(one.registry, sizeof one.registry, "%s/%u", one.root, round);
		kill_one_writer(&one, round, mlops_rng_below(&rng, 4000), &promise);
		/* And whoever comes next finds it usable. */
		mlops_store_close(fixture_create(&one));
		check_registry(&one, &promise);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill_writers, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_kill_creators, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
