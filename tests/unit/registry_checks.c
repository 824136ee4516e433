/* What validations came to, in the ledger. */
#include "registry_fixture.h"

#include <math.h>
#include <string.h>

#include "flow/validate_run.h"

static struct mlops_run example(int64_t started)
{
	static char name[] = "pump", action[] = "validate", source[] = "sensors.csv", who[] = "ann@plant";

	return (struct mlops_run){
		.name = name, .action = action, .started = started, .source = source, .who = who
	};
}

static void test_last_checks(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	static char invalid[] = "invalid_data", missing[] = "missing", duplicate[] = "duplicate",
		    warm[] = "warm", cold[] = "cold";
	struct mlops_checked_reason reasons[] = { { missing, 3 }, { duplicate, 0 } };
	struct mlops_checked_column columns[] = { { warm, 0.25, 0.5, 0.125 }, { cold, 0, NAN, NAN } };
	struct mlops_checks checks = { .valid = true, .rows = 100, .last_time = INT64_MIN };
	struct mlops_checks last;
	struct mlops_run run;
	bool found = true;

	assert_true(mlops_store_last_checks(store, "pump", &last, &found, &error));
	assert_false(found);
	for (int i = 0; i < 2; i++) {
		run = example((10 + i) * MINUTE);
		assert_true(mlops_store_begin_run(store, &run, &error));
		/* one that has not ended is not the last */
		run.ended = (11 + i) * MINUTE;
		run.outcome = MLOPS_RUN_FINISHED;
		if (i == 1) {
			checks = (struct mlops_checks){ .rows = 200,
							.invalid_rows = 3,
							.last_time = 5,
							.n_reasons = 2,
							.n_columns = 2,
							.reasons = reasons,
							.columns = columns };
			run.outcome = MLOPS_RUN_FAILED;
			run.reason = invalid;
		}
		assert_true(mlops_store_finish_checks(store, &run, &checks, &error));
		assert_true(mlops_store_last_checks(store, "pump", &last, &found, &error));
		assert_true(found);
		assert_int_equal(last.valid, i == 0);
		assert_int_equal(last.ended, (11 + i) * MINUTE);
		assert_int_equal(last.rows, 100 * (i + 1));
		assert_string_equal(last.run_id, run.id);
		assert_true(last.last_time == (i == 0 ? INT64_MIN : 5));
		if (i == 1) {
			assert_int_equal(last.invalid_rows, 3);
			assert_int_equal(last.n_reasons, 2);
			assert_string_equal(last.reasons[1].reason, "missing");
			assert_int_equal(last.reasons[1].rows, 3);
			assert_int_equal(last.n_columns, 2);
			assert_string_equal(last.columns[0].name, "cold");
			assert_true(isnan(last.columns[0].psi));
			assert_true(last.columns[1].missing_ratio == 0.25 && last.columns[1].psi == 0.5 &&
				    last.columns[1].ks == 0.125);
		}
		mlops_checks_release(&last);
	}
	/* a run that is not there: nothing is kept */
	memcpy(run.id, "no such run", 12);
	assert_false(mlops_store_finish_checks(store, &run, &checks, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	mlops_store_close(store);
}

/* A ledger of the first version: it can be read as it is, and whoever writes brings it up to date. */
static void test_old_ledger(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_checks last;
	struct mlops_run_list runs;
	struct mlops_run run = example(MINUTE);
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_decision_list decisions;
	bool found = true;

	assert_true(mlops_store_begin_run(store, &run, &error));
	mlops_store_close(store);
	fixture_execute(
		fixture,
		"DROP TABLE remote_tags; DROP TABLE remote_changes; DROP TABLE remote_runs; DROP TABLE run_sensors;"
		"DROP TABLE decisions; DROP TABLE reloads;"
		"DROP TABLE validation_reasons; DROP TABLE validation_columns; DROP TABLE validations;"
		"PRAGMA user_version = 1");
	store = fixture_read(fixture);
	assert_true(mlops_store_last_checks(store, "pump", &last, &found, &error));
	assert_false(found);
	if (!mlops_store_runs(store, "pump", 0, &runs, &error))
		fail_msg("%s", error.message);
	assert_int_equal(runs.n, 1);
	mlops_run_list_release(&runs);
	assert_true(mlops_store_decisions(store, "pump", 0, &decisions, &error));
	assert_int_equal(decisions.n, 0);
	mlops_decision_list_release(&decisions);
	mlops_store_close(store);

	store = fixture_create(fixture);
	run.ended = 2 * MINUTE;
	run.outcome = MLOPS_RUN_FINISHED;
	assert_true(mlops_store_finish_checks(store, &run, &(struct mlops_checks){ .rows = 7 }, &error));
	mlops_store_close(store);
	store = fixture_read(fixture);
	assert_true(mlops_store_last_checks(store, "pump", &last, &found, &error));
	assert_true(found && last.rows == 7);
	mlops_checks_release(&last);
	mlops_store_close(store);
}

static struct mlops_validation *validate(const char *text, const char *setting, struct mlops_error *error)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_source *source = mlops_source_from_memory(text, strlen(text), "t", error);
	struct mlops_validate_request request = { .set = &setting, .n_set = 1 };
	struct mlops_validation *validation;

	request.reader = mlops_reader_open(source, &options, error);
	assert_non_null(request.reader);
	validation = mlops_flow_validate(&request, error);
	mlops_reader_free(request.reader);
	mlops_source_free(source);
	return validation;
}

static void test_run(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_validate_start start = {
		.name = "pump", .source = "t.csv", .who = "ann@plant", .now = MINUTE
	};
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_error failure = MLOPS_ERROR_INIT;
	struct mlops_validation *validation =
		validate("time,x\n0,1\n60,500\n120,\n", "range.most=100", &error);
	struct mlops_validate_run run;
	struct mlops_run_list runs;
	struct mlops_checks last;
	bool found;

	assert_non_null(validation);
	assert_true(mlops_validate_run_begin(&run, store, &start, &error));
	assert_true(mlops_validate_run_end(&run, validation, NULL, 2 * MINUTE, &error));
	mlops_validation_free(validation);
	assert_true(mlops_store_last_checks(store, "pump", &last, &found, &error));
	assert_true(found && !last.valid && last.rows == 3 && last.invalid_rows == 1);
	assert_true(last.last_time == 120 * INT64_C(1000000));
	assert_int_equal(last.n_columns, 1);
	assert_true(fabs(last.columns[0].missing_ratio - 1.0 / 3) < 1e-12);
	for (size_t i = 0; i < last.n_reasons; i++)
		assert_int_equal(last.reasons[i].rows, strcmp(last.reasons[i].reason, "out_of_range") == 0);
	mlops_checks_release(&last);
	assert_true(mlops_store_runs(store, "pump", 0, &runs, &error));
	assert_string_equal(runs.items[0].reason, "invalid_data");
	assert_string_equal(runs.items[0].message,
			    "column \"x\": 1 value outside -infinity to 100, the worst 500 in line 3");
	mlops_run_list_release(&runs);

	/* what ended before there was a verdict leaves none */
	assert_true(mlops_validate_run_begin(&run, store, &start, &error));
	mlops_error_set(&failure, MLOPS_DATA, "broken");
	assert_true(mlops_validate_run_end(&run, NULL, &failure, 3 * MINUTE, &error));
	assert_true(mlops_store_runs(store, "pump", 1, &runs, &error));
	assert_string_equal(runs.items[0].message, "broken");
	assert_int_equal(runs.items[0].outcome, MLOPS_RUN_FAILED);
	mlops_run_list_release(&runs);
	mlops_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_last_checks, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_old_ledger, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_run, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
