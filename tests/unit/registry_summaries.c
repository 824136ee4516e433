/* What all runs of a name came to, and which reloads were the last. */
#include "registry_fixture.h"

#include <stdlib.h>
#include <string.h>

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

static struct mlops_run begin(struct mlops_store *store, const char *name, const char *sensor, const char *action,
			      int64_t started)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = {
		.name = borrow(name), .sensor = borrow(sensor), .action = borrow(action), .started = started,
	};

	if (!mlops_store_begin_run(store, &run, &error))
		fail_msg("%s", error.message);
	return run;
}

static void end(struct mlops_store *store, struct mlops_run *run, const char *reason, const char *metrics, int64_t ended)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	run->outcome = reason == NULL ? MLOPS_RUN_FINISHED : MLOPS_RUN_FAILED;
	run->reason = borrow(reason);
	run->metrics = borrow(metrics);
	run->ended = ended;
	if (!mlops_store_end_run(store, run, &error))
		fail_msg("%s", error.message);
}

static struct mlops_run_summary_list summaries(struct mlops_store *store, size_t n)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run_summary_list list;

	if (!mlops_store_run_summaries(store, &list, &error))
		fail_msg("%s", error.message);
	assert_int_equal(list.n, n);
	return list;
}

static void test_trainings(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_run_summary_list list = summaries(store, 0);
	struct mlops_run run, other;

	run = begin(store, "pump", NULL, "import", 5);
	end(store, &run, NULL, NULL, 6);
	mlops_run_summary_list_release(&list);
	list = summaries(store, 0);
	mlops_run_summary_list_release(&list);

	run = begin(store, "pump", NULL, "train", 10);
	list = summaries(store, 1);
	assert_string_equal(list.items[0].name, "pump");
	assert_null(list.items[0].sensor);
	assert_int_equal(list.items[0].started, 10);
	assert_int_equal(list.items[0].ended, 0);
	assert_int_equal(list.items[0].duration, -1);
	assert_int_equal(list.items[0].finished + list.items[0].failed, 0);
	mlops_run_summary_list_release(&list);

	end(store, &run, NULL, "{\"accuracy\":0.5}", 17);
	run = begin(store, "pump", NULL, "train", 20);
	end(store, &run, "invalid_data", NULL, 23);
	run = begin(store, "pump", NULL, "train", 30);
	other = begin(store, "fan.a", "a", "train", 40);
	end(store, &other, NULL, "{}", 41);
	list = summaries(store, 2);
	assert_string_equal(list.items[0].name, "fan.a");
	assert_string_equal(list.items[0].sensor, "a");
	assert_true(list.items[0].ok && !list.items[0].validated);
	assert_null(list.items[0].reason);
	assert_int_equal(list.items[0].broke, 0);
	assert_int_equal(list.items[1].finished, 1);
	assert_int_equal(list.items[1].failed, 1);
	assert_int_equal(list.items[1].started, 30);
	assert_int_equal(list.items[1].ended, 23);
	assert_int_equal(list.items[1].succeeded, 17);
	assert_int_equal(list.items[1].broke, 23);
	assert_int_equal(list.items[1].duration, 3);
	assert_false(list.items[1].ok);
	assert_string_equal(list.items[1].reason, "invalid_data");
	assert_string_equal(list.items[1].metrics, "{\"accuracy\":0.5}");
	mlops_run_summary_list_release(&list);
	mlops_store_close(store);
}

static void test_validations(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_run_summary_list list;
	struct mlops_run run = begin(store, "pump", NULL, "validate", 10);

	list = summaries(store, 1);
	assert_false(list.items[0].validated);
	mlops_run_summary_list_release(&list);
	end(store, &run, "invalid_data", NULL, 11);
	list = summaries(store, 1);
	assert_true(list.items[0].validated && !list.items[0].valid);
	assert_int_equal(list.items[0].started, 0);
	assert_int_equal(list.items[0].failed, 0);
	mlops_run_summary_list_release(&list);
	run = begin(store, "pump", NULL, "validate", 12);
	end(store, &run, NULL, NULL, 13);
	run = begin(store, "pump", NULL, "validate", 14);
	list = summaries(store, 1);
	assert_true(list.items[0].validated && list.items[0].valid);
	mlops_run_summary_list_release(&list);
	mlops_store_close(store);
}

/* A store that is closed without an end is what a killed process leaves. */
static void test_vanished(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_run_summary_list list;
	struct mlops_run run = begin(store, "pump", NULL, "train", 10);

	end(store, &run, NULL, NULL, 15);
	begin(store, "pump", NULL, "train", 20);
	begin(store, "pump", NULL, "validate", 30);
	mlops_store_close(store);
	store = fixture_read(*state);
	list = summaries(store, 1);
	assert_int_equal(list.items[0].finished, 1);
	assert_int_equal(list.items[0].failed, 1);
	assert_int_equal(list.items[0].ended, 20);
	assert_int_equal(list.items[0].broke, 20);
	assert_int_equal(list.items[0].succeeded, 15);
	assert_int_equal(list.items[0].duration, -1);
	assert_false(list.items[0].ok);
	assert_string_equal(list.items[0].reason, "signal");
	assert_true(list.items[0].validated && !list.items[0].valid);
	mlops_run_summary_list_release(&list);
	mlops_store_close(store);
}

/* A ledger from before sensors were written down can be read as it is. */
static void test_old_ledger(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_run run = begin(store, "fan.a", "a", "train", 10);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run_summary_list list;
	struct mlops_run_list runs;

	end(store, &run, NULL, NULL, 15);
	assert_true(mlops_store_runs(store, NULL, 0, &runs, &error));
	assert_string_equal(runs.items[0].sensor, "a");
	mlops_run_list_release(&runs);
	mlops_store_close(store);
	fixture_execute(fixture, "DROP TABLE run_sensors; PRAGMA user_version = 4");
	store = fixture_read(fixture);
	list = summaries(store, 1);
	assert_null(list.items[0].sensor);
	mlops_run_summary_list_release(&list);
	assert_true(mlops_store_runs(store, NULL, 0, &runs, &error));
	assert_null(runs.items[0].sensor);
	mlops_run_list_release(&runs);
	mlops_store_close(store);
}

static void test_last_reloads(void **state)
{
	static const struct {
		const char *service;
		int64_t started;
		bool ok;
	} reloads[] = {
		{ "http://b", 10, true }, { "http://a", 20, false }, { "http://b", 30, true }, { "http://b", 40, false },
		{ "http://b", 50, false },
	};
	static const int expected[] = { 1, 4, 2 };
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reload_list list;

	for (size_t i = 0; i < sizeof reloads / sizeof *reloads; i++) {
		struct mlops_reload reload = {
			.service = borrow(reloads[i].service), .started = reloads[i].started, .duration = 3, .ok = reloads[i].ok,
		};

		assert_true(mlops_store_add_reload(store, &reload, &error));
	}
	assert_true(mlops_store_last_reloads(store, &list, &error));
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(list.items[i].service, reloads[expected[i]].service);
		assert_int_equal(list.items[i].started, reloads[expected[i]].started);
		assert_int_equal(list.items[i].ok, reloads[expected[i]].ok);
	}
	mlops_reload_list_release(&list);
	assert_true(mlops_store_reloads(store, 2, &list, &error));
	assert_int_equal(list.n, 2);
	assert_int_equal(list.items[0].started, 50);
	mlops_reload_list_release(&list);
	mlops_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_trainings, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_validations, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_vanished, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_old_ledger, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_last_reloads, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
