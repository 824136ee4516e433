/* The ledger as Prometheus reads it. */
#include "registry_fixture.h"

#include "flow/ledger_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void add_run(struct mlops_store *store, const char *name, const char *sensor, int64_t started, const char *reason,
		    const char *metrics)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = {
		.name = borrow(name), .sensor = borrow(sensor), .action = borrow("train"), .started = started,
		.kind = borrow("failure_prediction"),
	};

	assert_true(mlops_store_begin_run(store, &run, &error));
	run.ended = started + 1500000;
	run.outcome = reason == NULL ? MLOPS_RUN_FINISHED : MLOPS_RUN_FAILED;
	run.reason = borrow(reason);
	run.metrics = borrow(metrics);
	assert_true(mlops_store_end_run(store, &run, &error));
}

static void add_champion(struct mlops_store *store, const char *name, const char *kind, const char *metrics)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version version = {
		.name = borrow(name), .kind = borrow(kind), .metrics = borrow(metrics), .created = 7 * MINUTE,
	};
	struct mlops_change change = { .name = borrow(name), .when = 8 * MINUTE };

	if (!mlops_store_add_version(store, &version, "model", 5, &error))
		fail_msg("%s", error.message);
	change.to = version.version;
	assert_true(mlops_store_promote(store, &change, &error));
}

static void add_checks(struct mlops_store *store, const char *name)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = { .name = borrow(name), .action = borrow("validate"), .started = 1 };
	struct mlops_checked_reason reasons[] = { { borrow("duplicate"), 2 }, { borrow("missing"), 3 },
						  { borrow("of a later program"), 9 } };
	struct mlops_checked_column columns[] = { { borrow("flow"), 0.25, 0.5, 0.125 }, { borrow("a\"\\"), 0, NAN, NAN } };
	struct mlops_checks checks = {
		.rows = 100, .invalid_rows = 4, .last_time = 90500000, .n_reasons = 3, .n_columns = 2, .reasons = reasons,
		.columns = columns,
	};

	assert_true(mlops_store_begin_run(store, &run, &error));
	run.ended = 2;
	run.outcome = MLOPS_RUN_FAILED;
	run.reason = borrow("invalid_data");
	assert_true(mlops_store_finish_checks(store, &run, &checks, &error));
}

static struct mlops_buffer page(struct mlops_store *store)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;

	mlops_buffer_append_char(&text, '\n');
	if (!mlops_flow_metrics(store, "1.2.3", 5500000, &text, &error))
		fail_msg("%s", error.message);
	mlops_buffer_string(&text);
	return text;
}

static void expect(const struct mlops_buffer *text, const char *lines)
{
	if (strstr(text->data, lines) == NULL)
		fail_msg("%s\nis not in\n%s", lines, text->data);
}

static void expect_none(const struct mlops_buffer *text, const char *part)
{
	if (strstr(text->data, part) != NULL)
		fail_msg("%s is in\n%s", part, text->data);
}

static void test_trainings(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_buffer text;

	add_run(store, "pumps", NULL, 10 * MINUTE, NULL, "{\"accuracy\":0.75}");
	add_run(store, "pumps", NULL, 20 * MINUTE, "invalid_data", NULL);
	add_run(store, "fans.a/b", "a/b", 30 * MINUTE, "of a later program", NULL);
	/* a model of that name that is not a sensor's, and one whose sensor has no name */
	add_run(store, "fans.c", NULL, 40 * MINUTE, NULL, "{}");
	add_run(store, "fans.", "", 50 * MINUTE, NULL, "{}");
	add_run(store, "a\"b\\", NULL, 60 * MINUTE, NULL, "{}");
	text = page(store);
	expect(&text, "\n# HELP mlops_build_info The program's version.\n# TYPE mlops_build_info gauge\n"
		      "mlops_build_info{version=\"1.2.3\"} 1\n");
	expect(&text, "\nmlops_ledger_read_timestamp_seconds 5.5\n");
	expect(&text, "# TYPE mlops_training_last_start_timestamp_seconds gauge\n"
		      "mlops_training_last_start_timestamp_seconds{model=\"a\\\"b\\\\\",sensor=\"\"} 3600\n"
		      "mlops_training_last_start_timestamp_seconds{model=\"fans.\",sensor=\"\"} 3000\n"
		      "mlops_training_last_start_timestamp_seconds{model=\"fans\",sensor=\"a/b\"} 1800\n"
		      "mlops_training_last_start_timestamp_seconds{model=\"fans.c\",sensor=\"\"} 2400\n"
		      "mlops_training_last_start_timestamp_seconds{model=\"pumps\",sensor=\"\"} 1200\n#");
	expect(&text, "\nmlops_training_last_completion_timestamp_seconds{model=\"pumps\",sensor=\"\"} 1201.5\n");
	expect(&text, "\nmlops_training_last_success_timestamp_seconds{model=\"pumps\",sensor=\"\"} 601.5\n");
	expect(&text, "\nmlops_training_last_success_timestamp_seconds{model=\"fans\",sensor=\"a/b\"} 0\n");
	expect(&text, "\nmlops_training_last_failure_timestamp_seconds{model=\"pumps\",sensor=\"\"} 1201.5\n");
	expect(&text, "\nmlops_training_last_run_success{model=\"pumps\",sensor=\"\"} 0\n");
	expect(&text, "\nmlops_training_last_run_success{model=\"fans.c\",sensor=\"\"} 1\n");
	expect(&text, "\nmlops_training_last_run_accuracy{model=\"pumps\",sensor=\"\"} 0.75\n#");
	expect(&text, "\nmlops_training_duration_seconds{model=\"pumps\",sensor=\"\"} 1.5\n");
	expect(&text, "\nmlops_training_runs_total{model=\"pumps\",sensor=\"\",outcome=\"success\"} 1\n"
		      "mlops_training_runs_total{model=\"pumps\",sensor=\"\",outcome=\"failure\"} 1\n");
	expect(&text,
	       "\nmlops_training_last_run_failure_reason{model=\"pumps\",sensor=\"\",reason=\"insufficient_data\"} 0\n"
	       "mlops_training_last_run_failure_reason{model=\"pumps\",sensor=\"\",reason=\"invalid_data\"} 1\n"
	       "mlops_training_last_run_failure_reason{model=\"pumps\",sensor=\"\",reason=\"database\"} 0\n"
	       "mlops_training_last_run_failure_reason{model=\"pumps\",sensor=\"\",reason=\"registry\"} 0\n"
	       "mlops_training_last_run_failure_reason{model=\"pumps\",sensor=\"\",reason=\"quality_gate\"} 0\n"
	       "mlops_training_last_run_failure_reason{model=\"pumps\",sensor=\"\",reason=\"internal\"} 0\n"
	       "mlops_training_last_run_failure_reason{model=\"pumps\",sensor=\"\",reason=\"signal\"} 0\n");
	expect(&text, "{model=\"fans\",sensor=\"a/b\",reason=\"internal\"} 1\n");
	expect(&text, "{model=\"fans.c\",sensor=\"\",reason=\"internal\"} 0\n");
	/* nobody is champion, nothing was validated */
	expect_none(&text, "\nmlops_model_info{");
	expect_none(&text, "\nmlops_model_accuracy{");
	expect_none(&text, "\nmlops_data_rows{");
	expect_none(&text, "\nmlops_validation_last_run_success{");
	mlops_buffer_release(&text);
	mlops_store_close(store);
}

static void test_champions(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_decision decision = {
		.name = borrow("pumps"), .decision = borrow("PROMOTE"), .reason = borrow(""), .message = borrow(""),
	};
	struct mlops_buffer text;

	add_champion(store, "odd", "anomaly_detection", "{\"anomaly_rate\":0.125}");
	add_champion(store, "graded", "anomaly_detection", "{\"anomaly_rate\":0.5,\"accuracy\":0.25}");
	add_champion(store, "pumps", "failure_prediction", "{\"accuracy\":0.75}");
	add_champion(store, "imported", "failure_prediction", "{}");
	add_champion(store, "flow", "time_series_forecast", "{\"skill\":0.5,\"seasonal_skill\":-0.25}");
	add_champion(store, "level", "time_series_forecast", "{\"skill\":0.5}");
	assert_true(mlops_store_add_version(
		store, &(struct mlops_version){ .name = borrow("none"), .kind = borrow("failure_prediction") }, "m", 1, &error));
	assert_true(mlops_store_add_decision(store, &decision, &error));
	decision.decision = borrow("REJECT");
	assert_true(mlops_store_add_decision(store, &decision, &error));
	text = page(store);
	expect(&text, "gauge\nmlops_gate_last_decision{model=\"pumps\",sensor=\"\",decision=\"PROMOTE\"} 0\n"
		      "mlops_gate_last_decision{model=\"pumps\",sensor=\"\",decision=\"HOLD\"} 0\n"
		      "mlops_gate_last_decision{model=\"pumps\",sensor=\"\",decision=\"REJECT\"} 1\n#");
	expect(&text, "\nmlops_model_info{model=\"pumps\",sensor=\"\",version=\"1\",kind=\"failure_prediction\",run_id=\"\"} 1\n");
	expect(&text, "# TYPE mlops_model_accuracy gauge\nmlops_model_accuracy{model=\"graded\",sensor=\"\"} 0.25\n"
		      "mlops_model_accuracy{model=\"imported\",sensor=\"\"} NaN\n"
		      "mlops_model_accuracy{model=\"pumps\",sensor=\"\"} 0.75\n#");
	expect(&text, "gauge\nmlops_model_anomaly_rate{model=\"graded\",sensor=\"\"} 0.5\n"
		      "mlops_model_anomaly_rate{model=\"odd\",sensor=\"\"} 0.125\n#");
	expect(&text, "gauge\nmlops_model_forecast_skill{model=\"flow\",sensor=\"\"} -0.25\n"
		      "mlops_model_forecast_skill{model=\"level\",sensor=\"\"} 0.5\n#");
	expect(&text, "\nmlops_model_size_bytes{model=\"odd\",sensor=\"\"} 5\n");
	expect(&text, "\nmlops_model_created_timestamp_seconds{model=\"odd\",sensor=\"\"} 420\n");
	/* one that is not champion, and was never trained here */
	expect_none(&text, "model=\"none\"");
	expect_none(&text, "\nmlops_training_last_start_timestamp_seconds{");
	mlops_buffer_release(&text);
	mlops_store_close(store);
}

static void test_data_and_reloads(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer text;
	struct mlops_reload reload = { .service = borrow("http://a:8080"), .started = 4000000, .duration = 250000, .ok = true };

	add_checks(store, "pumps");
	assert_true(mlops_store_add_reload(store, &reload, &error));
	reload.started = 9000000;
	reload.ok = false;
	assert_true(mlops_store_add_reload(store, &reload, &error));
	reload.service = borrow("http://b:8080");
	assert_true(mlops_store_add_reload(store, &reload, &error));
	text = page(store);
	expect(&text, "\nmlops_data_rows{model=\"pumps\",sensor=\"\"} 100\n");
	expect(&text, "\nmlops_data_faulty_rows{model=\"pumps\",sensor=\"\"} 4\n");
	expect(&text, "\nmlops_data_last_sample_timestamp_seconds{model=\"pumps\",sensor=\"\"} 90.5\n");
	expect(&text, "\nmlops_validation_last_run_success{model=\"pumps\",sensor=\"\"} 0\n");
	expect(&text, "gauge\nmlops_data_invalid_rows{model=\"pumps\",sensor=\"\",reason=\"missing\"} 3\n"
		      "mlops_data_invalid_rows{model=\"pumps\",sensor=\"\",reason=\"not_finite\"} 0\n"
		      "mlops_data_invalid_rows{model=\"pumps\",sensor=\"\",reason=\"out_of_range\"} 0\n"
		      "mlops_data_invalid_rows{model=\"pumps\",sensor=\"\",reason=\"duplicate\"} 2\n");
	expect_none(&text, "of a later program");
	expect(&text, "gauge\nmlops_data_missing_ratio{model=\"pumps\",sensor=\"\",feature=\"a\\\"\\\\\"} 0\n"
		      "mlops_data_missing_ratio{model=\"pumps\",sensor=\"\",feature=\"flow\"} 0.25\n#");
	expect(&text, "gauge\nmlops_data_drift_psi{model=\"pumps\",sensor=\"\",feature=\"flow\"} 0.5\n#");
	expect(&text, "gauge\nmlops_data_drift_ks_statistic{model=\"pumps\",sensor=\"\",feature=\"flow\"} 0.125\n#");
	expect(&text, "gauge\nmlops_reload_last_run_success{service=\"http://a:8080\"} 0\n"
		      "mlops_reload_last_run_success{service=\"http://b:8080\"} 0\n#");
	expect(&text, "gauge\nmlops_reload_last_success_timestamp_seconds{service=\"http://a:8080\"} 4.25\n"
		      "mlops_reload_last_success_timestamp_seconds{service=\"http://b:8080\"} 0\n#");
	expect(&text, "\nmlops_reload_duration_seconds{service=\"http://a:8080\"} 0.25\n");
	/* validated, but never trained */
	expect_none(&text, "mlops_training_last_start_timestamp_seconds{");
	expect_none(&text, "mlops_training_runs_total{");
	mlops_buffer_release(&text);
	mlops_store_close(store);
}

/* What was in the buffer stays, whatever happens. */
static void test_a_ledger_that_cannot_be_read(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	add_champion(store, "pumps", "failure_prediction", "{\"accuracy\":0.75}");
	mlops_store_close(store);
	fixture_execute(fixture, "UPDATE versions SET metrics = 'no JSON'");
	store = fixture_read(fixture);
	mlops_buffer_append_string(&text, "before");
	assert_false(mlops_flow_metrics(store, "1.2.3", 0, &text, &error));
	fixture_expect_error(fixture, &error, MLOPS_DATA, "the ledger's metrics are not a JSON object");
	assert_string_equal(mlops_buffer_string(&text), "before");
	mlops_buffer_release(&text);
	mlops_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_trainings, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_champions, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_data_and_reloads, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_a_ledger_that_cannot_be_read, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
