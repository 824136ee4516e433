#include "registry_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mlops_run example(void)
{
	static char name[] = "pump", kind[] = "failure_prediction", action[] = "train",
		    source[] = "sensors.csv", who[] = "ann@plant", settings[] = "{\"trees\":100}";

	return (struct mlops_run){ .name = name,
				   .kind = kind,
				   .action = action,
				   .started = 10 * MINUTE,
				   .source = source,
				   .who = who,
				   .settings = settings };
}

static void test_finished(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = example();
	struct mlops_run_list runs;

	assert_true(mlops_store_begin_run(store, &run, &error));
	assert_int_equal(strlen(run.id), 32);
	assert_int_equal(strspn(run.id, "0123456789abcdef"), 32);
	assert_int_equal(run.outcome, MLOPS_RUN_RUNNING);

	assert_true(mlops_store_runs(store, NULL, 0, &runs, &error));
	assert_int_equal(runs.n, 1);
	assert_string_equal(runs.items[0].id, run.id);
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_RUNNING);
	assert_int_equal(runs.items[0].ended, 0);
	assert_null(runs.items[0].reason);
	assert_null(runs.items[0].metrics);
	mlops_run_list_release(&runs);

	run.outcome = MLOPS_RUN_FINISHED;
	run.ended = 11 * MINUTE;
	run.version = 7;
	run.rows = 1234567890123;
	run.metrics = (char[]){ "{\"accuracy\":0.9}" };
	assert_true(mlops_store_end_run(store, &run, &error));

	assert_true(mlops_store_runs(store, "pump", 0, &runs, &error));
	assert_int_equal(runs.n, 1);
	assert_string_equal(runs.items[0].id, run.id);
	assert_string_equal(runs.items[0].name, "pump");
	assert_string_equal(runs.items[0].kind, "failure_prediction");
	assert_string_equal(runs.items[0].action, "train");
	assert_int_equal(runs.items[0].started, 10 * MINUTE);
	assert_int_equal(runs.items[0].ended, 11 * MINUTE);
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_FINISHED);
	assert_null(runs.items[0].reason);
	assert_null(runs.items[0].message);
	assert_int_equal(runs.items[0].version, 7);
	assert_true(runs.items[0].rows == 1234567890123);
	assert_string_equal(runs.items[0].metrics, "{\"accuracy\":0.9}");
	assert_string_equal(runs.items[0].settings, "{\"trees\":100}");
	assert_string_equal(runs.items[0].source, "sensors.csv");
	assert_string_equal(runs.items[0].who, "ann@plant");
	mlops_run_list_release(&runs);
	mlops_store_close(store);
}

static void test_failed(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = example();
	struct mlops_run_list runs;

	assert_true(mlops_store_begin_run(store, &run, &error));
	run.outcome = MLOPS_RUN_FAILED;
	run.ended = 12 * MINUTE;
	run.reason = (char[]){ "insufficient_data" };
	run.message = (char[]){ "sensors.csv: 1 row, at least 10 are needed" };
	assert_true(mlops_store_end_run(store, &run, &error));
	assert_true(mlops_store_runs(store, "pump", 1, &runs, &error));
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_FAILED);
	assert_string_equal(runs.items[0].reason, "insufficient_data");
	assert_string_equal(runs.items[0].message, "sensors.csv: 1 row, at least 10 are needed");
	mlops_run_list_release(&runs);
	mlops_store_close(store);
}

static void test_order_limit_and_names(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run_list runs;
	char ids[5][33];

	for (size_t i = 0; i < 5; i++) {
		struct mlops_run run = example();

		run.name = i % 2 == 0 ? (char[]){ "pump" } : (char[]){ "fan" };
		assert_true(mlops_store_begin_run(store, &run, &error));
		memcpy(ids[i], run.id, sizeof run.id);
	}
	assert_true(mlops_store_runs(store, NULL, 0, &runs, &error));
	assert_int_equal(runs.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(runs.items[i].id, ids[4 - i]);
	mlops_run_list_release(&runs);
	assert_true(mlops_store_runs(store, "pump", 2, &runs, &error));
	assert_int_equal(runs.n, 2);
	assert_string_equal(runs.items[0].id, ids[4]);
	assert_string_equal(runs.items[1].id, ids[2]);
	mlops_run_list_release(&runs);

	assert_false(mlops_store_runs(store, "pumb", 0, &runs, &error));
	fixture_expect_error(NULL, &error, MLOPS_DATA,
			     "model 'pumb' is not in the registry (did you mean 'pump'?)");
	assert_int_equal(runs.n, 0);
	mlops_store_close(store);
}

static void test_unknown_run(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = example();

	snprintf(run.id, sizeof run.id, "00000000000000000000000000000000");
	assert_false(mlops_store_end_run(store, &run, &error));
	fixture_expect_error(NULL, &error, MLOPS_DATA,
			     "run '00000000000000000000000000000000' is not in the registry");
	mlops_store_close(store);
}

static void test_version_of_a_run(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = example();
	struct mlops_version version = { .name = run.name, .kind = run.kind, .run_id = (char[]){ "feed" } };
	struct mlops_version_list versions;

	assert_false(mlops_store_add_version(store, &version, "abc", 3, &error));
	fixture_expect_error(NULL, &error, MLOPS_DATA, "run 'feed' is not in the registry");
	assert_int_equal(fixture_count_files(*state), 0);

	assert_true(mlops_store_begin_run(store, &run, &error));
	version.run_id = run.id;
	assert_true(mlops_store_add_version(store, &version, "abc", 3, &error));
	assert_int_equal(version.version, 1);
	assert_true(mlops_store_versions(store, "pump", &versions, &error));
	assert_string_equal(versions.items[0].run_id, run.id);
	mlops_version_list_release(&versions);
	mlops_store_close(store);
}

/* The run is finished exactly when its version is there. */
static void test_finish_run(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = example();
	struct mlops_version version = { .name = run.name, .kind = run.kind };
	struct mlops_version_list versions;
	struct mlops_run_list runs;

	/* Only the end of the run fails, after the version was written. */
	snprintf(run.id, sizeof run.id, "00000000000000000000000000000000");
	assert_false(mlops_store_finish_run(store, &run, &version, "abc", 3, &error));
	fixture_expect_error(NULL, &error, MLOPS_DATA,
			     "run '00000000000000000000000000000000' is not in the registry");
	assert_int_equal(run.version, 0);
	assert_int_equal(version.version, 0);
	assert_int_equal(fixture_count_files(*state), 0);
	assert_true(mlops_store_versions(store, NULL, &versions, &error));
	assert_int_equal(versions.n, 0);
	mlops_version_list_release(&versions);

	assert_true(mlops_store_begin_run(store, &run, &error));
	version.run_id = run.id;
	run.outcome = MLOPS_RUN_FINISHED;
	run.ended = 11 * MINUTE;
	assert_true(mlops_store_finish_run(store, &run, &version, "abc", 3, &error));
	assert_int_equal(version.version, 1);
	assert_int_equal(run.version, 1);
	assert_true(mlops_store_runs(store, "pump", 0, &runs, &error));
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_FINISHED);
	assert_int_equal(runs.items[0].version, 1);
	mlops_run_list_release(&runs);
	mlops_store_close(store);
}

static void test_reloads(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reload_list reloads;
	struct mlops_reload reload = {
		.service = (char[]){ "http://a" }, .started = MINUTE, .duration = 7, .ok = true, .who = (char[]){ "me@here" },
	};

	assert_true(mlops_store_reloads(store, 0, &reloads, &error));
	assert_int_equal(reloads.n, 0);
	mlops_reload_list_release(&reloads);
	assert_true(mlops_store_add_reload(store, &reload, &error));
	reload.ok = false;
	reload.message = (char[]){ "down" };
	reload.started++;
	assert_true(mlops_store_add_reload(store, &reload, &error));
	assert_true(mlops_store_reloads(store, 0, &reloads, &error));
	assert_int_equal(reloads.n, 2);
	assert_false(reloads.items[0].ok);
	assert_string_equal(reloads.items[0].message, "down");
	assert_int_equal(reloads.items[0].started, MINUTE + 1);
	assert_true(reloads.items[1].ok);
	assert_null(reloads.items[1].message);
	assert_int_equal(reloads.items[1].duration, 7);
	assert_string_equal(reloads.items[1].who, "me@here");
	mlops_reload_list_release(&reloads);
	assert_true(mlops_store_reloads(store, 1, &reloads, &error));
	assert_int_equal(reloads.n, 1);
	mlops_reload_list_release(&reloads);
	mlops_store_close(store);
}

static void test_decisions(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_decision_list decisions;
	struct mlops_decision decision = {
		.name = (char[]){ "pump" }, .challenger = 2, .champion = 1, .decision = (char[]){ "HOLD" },
		.reason = (char[]){ "not_better" }, .message = (char[]){ "no better" }, .rows = 120,
		.metric = (char[]){ "accuracy" }, .challenger_value = 0.75, .champion_value = NAN, .margin = 0.01,
		.challenger_metrics = (char[]){ "{\"accuracy\":0.75}" }, .when = MINUTE, .who = (char[]){ "me@here" },
	};

	assert_true(mlops_store_decisions(store, NULL, 0, &decisions, &error));
	assert_int_equal(decisions.n, 0);
	assert_false(mlops_store_decisions(store, "pump", 0, &decisions, &error));
	fixture_expect_error(*state, &error, MLOPS_DATA, "model 'pump' is not in the registry");
	fixture_add(store, "pump", 1, 10);
	assert_true(mlops_store_add_decision(store, &decision, &error));
	decision.decision = (char[]){ "REJECT" };
	decision.forced = true;
	decision.run_id = (char[]){ "r" };
	decision.metric = NULL;
	assert_true(mlops_store_add_decision(store, &decision, &error));
	assert_true(mlops_store_decisions(store, "pump", 0, &decisions, &error));
	assert_int_equal(decisions.n, 2);
	assert_string_equal(decisions.items[0].decision, "REJECT");
	assert_true(decisions.items[0].forced);
	assert_string_equal(decisions.items[0].run_id, "r");
	assert_null(decisions.items[0].metric);
	assert_string_equal(decisions.items[1].decision, "HOLD");
	assert_string_equal(decisions.items[1].reason, "not_better");
	assert_string_equal(decisions.items[1].message, "no better");
	assert_false(decisions.items[1].forced);
	assert_null(decisions.items[1].run_id);
	assert_int_equal(decisions.items[1].challenger, 2);
	assert_int_equal(decisions.items[1].champion, 1);
	assert_int_equal(decisions.items[1].rows, 120);
	assert_string_equal(decisions.items[1].metric, "accuracy");
	assert_true(decisions.items[1].challenger_value == 0.75 && decisions.items[1].margin == 0.01);
	assert_true(isnan(decisions.items[1].champion_value));
	assert_string_equal(decisions.items[1].challenger_metrics, "{\"accuracy\":0.75}");
	assert_null(decisions.items[1].champion_metrics);
	assert_int_equal(decisions.items[1].when, MINUTE);
	assert_string_equal(decisions.items[1].who, "me@here");
	mlops_decision_list_release(&decisions);
	assert_true(mlops_store_decisions(store, NULL, 1, &decisions, &error));
	assert_int_equal(decisions.n, 1);
	mlops_decision_list_release(&decisions);
	decision.decision = (char[]){ "MAYBE" };
	assert_false(mlops_store_add_decision(store, &decision, &error));
	mlops_store_close(store);
}

/* Of a run that never ended, and whose process is gone. */
static void test_a_vanished_run_has_failed(void **state)
{
	struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture), *other = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = { .name = (char[]){ "pump" }, .action = (char[]){ "train" }, .started = MINUTE };
	struct mlops_run_list runs;

	assert_true(mlops_store_begin_run(store, &run, &error));
	assert_true(mlops_store_runs(other, NULL, 0, &runs, &error));
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_RUNNING);
	mlops_run_list_release(&runs);
	mlops_store_close(store);
	assert_true(mlops_store_runs(other, NULL, 0, &runs, &error));
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_FAILED);
	assert_string_equal(runs.items[0].reason, "signal");
	assert_int_equal(runs.items[0].ended, 0);
	mlops_run_list_release(&runs);
	run.started = 2 * MINUTE;
	assert_true(mlops_store_begin_run(other, &run, &error));
	assert_true(mlops_store_runs(other, NULL, 0, &runs, &error));
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_RUNNING);
	assert_int_equal(runs.items[1].outcome, MLOPS_RUN_FAILED);
	assert_int_equal(runs.items[1].ended, 2 * MINUTE);
	mlops_run_list_release(&runs);
	mlops_store_close(other);
}

static void test_outcome_names(void **state)
{
	(void)state;
	assert_string_equal(mlops_run_outcome_name(MLOPS_RUN_RUNNING), "RUNNING");
	assert_string_equal(mlops_run_outcome_name(MLOPS_RUN_FINISHED), "FINISHED");
	assert_string_equal(mlops_run_outcome_name(MLOPS_RUN_FAILED), "FAILED");
}

static void test_failure_reasons(void **state)
{
	static const struct {
		enum mlops_code code;
		bool database, opened;
		const char *reason;
	} cases[] = {
		{ MLOPS_DATA, false, true, "invalid_data" },   { MLOPS_DATA, true, true, "invalid_data" },
		{ MLOPS_UNAVAILABLE, true, false, "database" }, { MLOPS_DENIED, true, false, "database" },
		{ MLOPS_CONFIG, true, false, "database" },     { MLOPS_DENIED, false, true, "internal" },
		{ MLOPS_MEMORY, true, true, "internal" },      { MLOPS_IO, false, false, "invalid_data" },
		{ MLOPS_IO, false, true, "internal" },	       { MLOPS_IO, true, false, "internal" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct mlops_error error = { .code = cases[i].code };

		assert_string_equal(mlops_run_failure_reason(&error, cases[i].database, cases[i].opened), cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_finished, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_failed, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_order_limit_and_names, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_unknown_run, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_version_of_a_run, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_finish_run, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_decisions, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_reloads, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_a_vanished_run_has_failed, fixture_setup, fixture_teardown),
		cmocka_unit_test(test_outcome_names),
		cmocka_unit_test(test_failure_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
