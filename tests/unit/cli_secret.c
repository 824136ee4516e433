/* Where a secret comes from, in which order, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/secret.h"

static char directory[] = "/tmp/mlops-secret-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(directory) != NULL && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink("PLANT");
	unlink("other");
	return chdir("/") == 0 ? rmdir(directory) : -1;
}

static void put(const char *name, const char *bytes, size_t length)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void assert_found(const char *expected)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char secret[CLI_SECRET_ROOM];
	bool found;

	assert_true(cli_secret("PLANT", secret, &found, &error));
	assert_int_equal(found, expected != NULL);
	if (found)
		assert_string_equal(secret, expected);
}

static void assert_refused(const char *expected)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char secret[CLI_SECRET_ROOM];
	bool found;

	assert_false(cli_secret("PLANT", secret, &found, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message, expected);
}

static void variable_file_and_credentials(void **state)
{
	(void)state;
	unsetenv("PLANT");
	unsetenv("PLANT_FILE");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_found(NULL);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	assert_found(NULL);
	put("PLANT", "from systemd\n", 13);
	assert_found("from systemd");
	put("other", " \tfrom a file \r\n\n", 17);
	setenv("PLANT_FILE", "other", 1);
	assert_found("from a file");
	setenv("PLANT", " from the variable ", 1);
	assert_found("from the variable");
	setenv("PLANT", "", 1);
	assert_found("from a file");
	setenv("PLANT", " \n", 1);
	assert_refused("PLANT is empty");
	unsetenv("PLANT");
}

static void what_is_no_secret(void **state)
{
	char large[CLI_SECRET_ROOM];

	(void)state;
	setenv("PLANT_FILE", "nowhere", 1);
	assert_refused("nowhere: No such file or directory");
	setenv("PLANT_FILE", "/", 1);
	assert_refused("/: Is a directory");
	setenv("PLANT_FILE", "other", 1);
	put("other", "", 0);
	assert_refused("other: is empty");
	put("other", "one\ntwo\n", 8);
	assert_refused("other: has more than one line");
	put("other", "on\0e", 4);
	assert_refused("other: has a NUL character in it");
	memset(large, 'x', sizeof large);
	put("other", large, sizeof large - 1);
	assert_refused("other: too long for a secret");
	put("other", large, sizeof large - 2);
	large[sizeof large - 2] = '\0';
	assert_found(large);
	memset(large, 'x', sizeof large);
	large[sizeof large - 1] = '\0';
	setenv("PLANT", large, 1);
	assert_found(large);
	unsetenv("PLANT");
}

/* Bash gives <(...) in pieces. */
static void a_pipe_in_pieces(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char secret[CLI_SECRET_ROOM], path[64];
	int ends[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		bool ok = write(ends[1], "first ", 6) == 6;

		usleep(100000);
		ok = write(ends[1], "second\n", 7) == 7 && ok;
		_exit(ok ? 0 : 1);
	}
	close(ends[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	assert_true(cli_secret_read(path, secret, &error));
	assert_string_equal(secret, "first second");
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variable_file_and_credentials),
		cmocka_unit_test(what_is_no_secret),
		cmocka_unit_test(a_pipe_in_pieces),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
