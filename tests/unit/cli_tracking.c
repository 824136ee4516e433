/* What the tools make of MLflow's variables and of its file of credentials. */
#include "cli_capture.h"

#include "cli/tracking.h"

#include <sys/stat.h>

static char home[] = "/tmp/mlops-tracking-XXXXXX";

static int setup(void **state)
{
	char path[64];

	(void)state;
	if (mkdtemp(home) == NULL || chdir(home) != 0)
		return -1;
	snprintf(path, sizeof path, "%s/.mlflow", home);
	return mkdir(path, 0700);
}

static int teardown(void **state)
{
	(void)state;
	unlink(".mlflow/credentials");
	rmdir(".mlflow");
	return chdir("/") == 0 ? rmdir(home) : -1;
}

/* Name and value by turns, NULL at the end. */
static int show(void *context)
{
	const char **variables = context;
	const struct mlops_tracking *tracking;
	struct mlops_error error = MLOPS_ERROR_INIT;

	clearenv();
	setenv("HOME", home, 1);
	for (; variables[0] != NULL; variables += 2)
		setenv(variables[0], variables[1], 1);
	if (!cli_tracking(&tracking, &error)) {
		fputs(error.message, stderr);
		return mlops_code_describe(error.code)->exit_status;
	}
	if (tracking == NULL)
		puts("none");
	else
		printf("%s %s %s %s %s %s %u %g %d\n", tracking->uri, tracking->username != NULL ? tracking->username : "-",
		       tracking->password != NULL ? tracking->password : "-", tracking->token != NULL ? tracking->token : "-",
		       tracking->ca_file != NULL ? tracking->ca_file : "-", tracking->experiment, tracking->retries,
		       tracking->timeout, tracking->insecure);
	fflush(stdout);
	return 0;
}

#define expect(out_text, ...) \
	expect_lines(0, out_text "\n", "", (const char *[]){ __VA_ARGS__ __VA_OPT__(,) NULL })
#define expect_error(err_text, ...) expect_lines(78, "", err_text, (const char *[]){ __VA_ARGS__, NULL })

static void expect_lines(int status, const char *out, const char *err, const char **variables)
{
	struct captured captured;

	capture(&captured, NULL, show, variables);
	assert_string_equal(captured.err, err);
	assert_string_equal(captured.out, out);
	assert_int_equal(captured.status, status);
}

static void put(const char *text)
{
	FILE *file = fopen(".mlflow/credentials", "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

#define URI "MLFLOW_TRACKING_URI", "http://h:1"

static void takes_the_variables(void **state)
{
	(void)state;
	unlink(".mlflow/credentials");
	expect("none", "HOME", "/nowhere");
	expect("none", "MLFLOW_TRACKING_URI", "file:///srv");
	expect("http://h:1 - - - - mlops 5 0 0", URI);
	expect("http://h:1 - - t0ken /ca pumps 2 7.5 1", URI, "MLFLOW_TRACKING_TOKEN", "t0ken",
	       "MLFLOW_TRACKING_SERVER_CERT_PATH", "/ca", "MLFLOW_EXPERIMENT_NAME", "pumps", "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
	       "2", "MLFLOW_HTTP_REQUEST_TIMEOUT", "7.5", "MLFLOW_TRACKING_INSECURE_TLS", "True");
	expect("http://h:1 me pw - - mlops 5 0 0", URI, "MLFLOW_TRACKING_USERNAME", "me", "MLFLOW_TRACKING_PASSWORD", "pw");
	/* one without the other counts for nothing */
	expect("http://h:1 - - - - mlops 5 0 0", URI, "MLFLOW_TRACKING_USERNAME", "me");
	expect_error("MLFLOW_HTTP_REQUEST_MAX_RETRIES: '11' should be a number from 0 to 10", URI,
		     "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "11");
	expect_error("MLFLOW_TRACKING_INSECURE_TLS: 'perhaps' should be true or false", URI, "MLFLOW_TRACKING_INSECURE_TLS",
		     "perhaps");
}

static void takes_the_file(void **state)
{
	(void)state;
	put("[other]\nmlflow_tracking_username = no\n[mlflow]\n# mlflow_tracking_username = no\r\n"
	    "mlflow_tracking_username = her\r\nMLFLOW_TRACKING_PASSWORD:  s p=w:x \n[last]\nmlflow_tracking_password=no\n");
	expect("http://h:1 her s p=w:x - - mlops 5 0 0", URI);
	/* what the environment says comes first, each by itself */
	expect("http://h:1 me s p=w:x - - mlops 5 0 0", URI, "MLFLOW_TRACKING_USERNAME", "me");
	expect("http://h:1 me pw - - mlops 5 0 0", URI, "MLFLOW_TRACKING_USERNAME", "me", "MLFLOW_TRACKING_PASSWORD", "pw");
	expect("http://h:1 - - - - mlops 5 0 0", URI, "HOME", "/nowhere");
}

static void takes_no_file_that_is_none(void **state)
{
	char message[128];

	(void)state;
	put("mlflow_tracking_username = her\nmlflow_tracking_password = pw\n");
	expect("http://h:1 - - - - mlops 5 0 0", URI);
	put("[mlflow]\nmlflow_tracking_username = her\n");
	expect("http://h:1 - - - - mlops 5 0 0", URI);
	put("[mlflow]\nmlflow_tracking_username_x = her\nmlflow_tracking_password = pw\n");
	expect("http://h:1 - - - - mlops 5 0 0", URI);
	put("[mlflow]\nmlflow_tracking_username = her\nmlflow_tracking_password =\n");
	expect("http://h:1 - - - - mlops 5 0 0", URI);
	unlink(".mlflow/credentials");
	assert_int_equal(mkdir(".mlflow/credentials", 0700), 0);
	snprintf(message, sizeof message, "%s/.mlflow/credentials: is a directory", home);
	expect_lines(78, "", message, (const char *[]){ URI, NULL });
	assert_int_equal(rmdir(".mlflow/credentials"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_variables),
		cmocka_unit_test(takes_the_file),
		cmocka_unit_test(takes_no_file_that_is_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
