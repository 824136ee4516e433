#include "cli_capture.h"

#include "cli/common.h"

#include <errno.h>
#include <signal.h>

static const struct cli_tool tool = { .name = "mlops-demo" };

struct case_of_end {
	bool ok;
	struct cli_common common;
	struct mlops_error error;
	const char *print;
};

static int end(void *context)
{
	struct case_of_end *c = context;

	cli_begin(&tool, &c->common);
	if (c->print != NULL)
		fputs(c->print, stdout);
	return cli_end(c->ok, &c->error);
}

static void ends_well(void **state)
{
	struct captured captured;
	struct case_of_end c = { .ok = true, .print = "{}\n" };

	(void)state;
	capture(&captured, NULL, end, &c);
	assert_int_equal(captured.status, 0);
	assert_string_equal(captured.out, "{}\n");
	assert_string_equal(captured.err, "");
}

static void reports_an_error(void **state)
{
	struct captured captured;
	struct case_of_end c = { .ok = false };

	(void)state;
	mlops_error_set_at(&c.error, MLOPS_DATA, "sensors.csv", 17, "column \"temp\": 'abc' is not a number");
	capture(&captured, NULL, end, &c);
	assert_int_equal(captured.status, 65);
	assert_string_equal(captured.err,
			    "mlops-demo: sensors.csv:17: column \"temp\": 'abc' is not a number\n");
	c.common.log_format = 1;
	capture(&captured, NULL, end, &c);
	assert_int_equal(captured.status, 65);
	assert_string_equal(
		captured.err,
		"{\"tool\":\"mlops-demo\",\"level\":\"error\",\"code\":\"data\",\"source\":\"sensors.csv\","
		"\"line\":17,\"message\":\"column \\\"temp\\\": 'abc' is not a number\"}\n");
}

static void masks_control_characters(void **state)
{
	struct captured captured;
	struct case_of_end c = { .ok = false };

	(void)state;
	mlops_error_set_at(&c.error, MLOPS_IO, "a\033[2J.csv", 0, "b\nc\177");
	capture(&captured, NULL, end, &c);
	assert_int_equal(captured.status, 74);
	assert_string_equal(captured.err, "mlops-demo: a?[2J.csv: b?c?\n");
}

static void every_code_has_its_status(void **state)
{
	static const int statuses[MLOPS_CODES] = {
		[MLOPS_NEGATIVE] = 1,
		[MLOPS_USAGE] = 64,
		[MLOPS_DATA] = 65,
		[MLOPS_UNAVAILABLE] = 69,
		[MLOPS_BUG] = 70,
		[MLOPS_IO] = 74,
		[MLOPS_MEMORY] = 74,
		[MLOPS_BUSY] = 75,
		[MLOPS_DENIED] = 77,
		[MLOPS_CONFIG] = 78,
		[MLOPS_CLOSED] = 128 + SIGPIPE,
	};
	struct captured captured;

	(void)state;
	for (int code = MLOPS_NEGATIVE; code < MLOPS_CODES; code++) {
		struct case_of_end c = { .ok = false };

		mlops_error_set(&c.error, (enum mlops_code)code, "no");
		capture(&captured, NULL, end, &c);
		assert_int_equal(captured.status, statuses[code]);
		assert_string_equal(captured.err, code == MLOPS_CLOSED ? "" : "mlops-demo: no\n");
	}
}

static void a_failure_without_a_reason_is_a_bug(void **state)
{
	struct captured captured;
	struct case_of_end c = { .ok = false };

	(void)state;
	capture(&captured, NULL, end, &c);
	assert_int_equal(captured.status, 70);
	assert_string_equal(captured.err, "mlops-demo: internal error: it failed without saying why\n");
}

static void full_disk(void **state)
{
	struct captured captured;
	struct case_of_end c = { .ok = true, .print = "{}\n" };

	(void)state;
	capture(&captured, "/dev/full", end, &c);
	assert_int_equal(captured.status, 74);
	assert_string_equal(captured.err, "mlops-demo: standard output: No space left on device\n");
}

static int end_closed(void *context)
{
	close(1);
	return end(context);
}

static int end_piped(void *context)
{
	int ends[2];

	if (pipe(ends) != 0 || dup2(ends[1], 1) < 0)
		return 99;
	close(ends[0]);
	return end(context);
}

static void closed_output(void **state)
{
	struct captured captured;
	struct case_of_end c = { .ok = true, .print = "{}\n" };

	(void)state;
	capture(&captured, NULL, end_closed, &c);
	assert_int_equal(captured.status, 74);
	assert_string_equal(captured.err, "mlops-demo: standard output: Bad file descriptor\n");
	capture(&captured, NULL, end_piped, &c);
	assert_int_equal(captured.status, 128 + SIGPIPE);
	assert_string_equal(captured.err, "");
}

static int say(void *context)
{
	cli_begin(&tool, context);
	cli_notice("%d rows", 3);
	cli_debug("chunk of %d", 4);
	return 0;
}

static void notices(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, NULL, say, &(struct cli_common){ .quiet = false });
	assert_string_equal(captured.err, "mlops-demo: 3 rows\n");
	capture(&captured, NULL, say, &(struct cli_common){ .quiet = true });
	assert_string_equal(captured.err, "");
	capture(&captured, NULL, say, &(struct cli_common){ .verbose = true, .log_format = 1 });
	assert_string_equal(captured.err,
			    "{\"tool\":\"mlops-demo\",\"level\":\"info\",\"message\":\"3 rows\"}\n"
			    "{\"tool\":\"mlops-demo\",\"level\":\"debug\",\"message\":\"chunk of 4\"}\n");
}

static void clear_environment(void)
{
	unsetenv("MLFLOW_TRACKING_URI");
	unsetenv("MLOPS_REGISTRY");
	unsetenv("XDG_DATA_HOME");
	unsetenv("HOME");
}

static void registry_location(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char where[4096];

	(void)state;
	clear_environment();
	assert_false(cli_registry_location(where, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message,
			    "no registry: neither MLOPS_REGISTRY, XDG_DATA_HOME nor HOME is set");
	setenv("HOME", "/home/me", 1);
	setenv("XDG_DATA_HOME", "relative", 1);
	setenv("MLOPS_REGISTRY", "", 1);
	assert_true(cli_registry_location(where, NULL));
	assert_string_equal(where, "/home/me/.local/share/mlops");
	setenv("XDG_DATA_HOME", "/data", 1);
	assert_true(cli_registry_location(where, NULL));
	assert_string_equal(where, "/data/mlops");
	setenv("MLOPS_REGISTRY", "models", 1);
	assert_true(cli_registry_location(where, NULL));
	assert_string_equal(where, "models");
	setenv("MLFLOW_TRACKING_URI", "file:///var/lib/my%20models", 1);
	assert_true(cli_registry_location(where, NULL));
	assert_string_equal(where, "/var/lib/my models");
	setenv("MLFLOW_TRACKING_URI", "file://localhost/a", 1);
	assert_true(cli_registry_location(where, NULL));
	assert_string_equal(where, "/a");
	clear_environment();
}

static void assert_bad_uri(const char *uri, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char where[4096];

	setenv("MLFLOW_TRACKING_URI", uri, 1);
	assert_false(cli_registry_location(where, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message, message);
	clear_environment();
}

static void registry_of_another_scheme(void **state)
{
	char *uri = malloc(5000);

	(void)state;
	assert_bad_uri(
		"postgresql://me:secret@db.example/mlflow",
		"MLFLOW_TRACKING_URI: 'postgresql' is no scheme of a registry; it should be file:///DIRECTORY or http(s)://…");
	assert_bad_uri("somewhere",
		       "MLFLOW_TRACKING_URI: not a URI; it should be file:///DIRECTORY or http(s)://…");
	assert_bad_uri("file://host/a",
		       "MLFLOW_TRACKING_URI: the path is not absolute; it should be file:///DIRECTORY");
	assert_bad_uri("file:///a%0", "MLFLOW_TRACKING_URI: a '%' needs two hexadecimal digits after it");
	assert_bad_uri("file:///a%00b",
		       "MLFLOW_TRACKING_URI: a '%' needs two hexadecimal digits after it");
	assert_non_null(uri);
	memset(uri, 'x', 4999);
	uri[4999] = '\0';
	memcpy(uri, "file:///", 8);
	assert_bad_uri(uri, "MLFLOW_TRACKING_URI: the path is too long");
	free(uri);
}

static void who(void **state)
{
	char buffer[256];

	(void)state;
	setenv("SUDO_USER", "alice", 1);
	assert_memory_equal(cli_who(buffer), "alice@", 6);
	unsetenv("SUDO_USER");
	assert_non_null(strchr(cli_who(buffer), '@'));
	assert_true(buffer[0] != '@' && strncmp(buffer, "alice@", 6) != 0);
}

static void now_is_in_microseconds(void **state)
{
	(void)state;
	assert_true(cli_now() > INT64_C(1704067200000000) && cli_now() < INT64_C(4102444800000000));
}

static void pool(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct cli_common common = { .threads = 3 };
	struct mlops_pool *three = cli_pool(&common, &error);

	(void)state;
	assert_int_equal(mlops_pool_workers(three), 3);
	mlops_pool_free(three);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_well),
		cmocka_unit_test(reports_an_error),
		cmocka_unit_test(masks_control_characters),
		cmocka_unit_test(every_code_has_its_status),
		cmocka_unit_test(a_failure_without_a_reason_is_a_bug),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(closed_output),
		cmocka_unit_test(notices),
		cmocka_unit_test(registry_location),
		cmocka_unit_test(registry_of_another_scheme),
		cmocka_unit_test(who),
		cmocka_unit_test(now_is_in_microseconds),
		cmocka_unit_test(pool),
	};

	return cmocka_run_group_tests_name("cli_message", tests, NULL, NULL);
}
