/* Trainings as child processes: the program is a shell script, which does what its model's name says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "service/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char script[] =
	"#!/bin/sh\n"
	"cd \"${0%/*}\" || exit 9\n"
	"case $1 in\n"
	"good) echo not JSON; echo '{\"model\":\"good\",\"outcome\":\"promoted\"}'; echo a notice >&2; echo '[1]' ;;\n"
	"bad) echo 'bad: column \"temp\" is missing' >&2; exit 65 ;;\n"
	"silent) printf '{\"no\":\"newline\"}' ;;\n"
	"many) seq 2000 | sed 's/^/line /' >&2; head -c 100000 /dev/zero | tr '\\0' x; echo; echo '{\"last\":true}'; "
	"head -c 70000 /dev/zero | tr '\\0' '{' ;;\n"
	"dirty) printf 'one\\377\\n\"two\"\\033\\n' >&2 ;;\n"
	"killed) kill -9 $$ ;;\n"
	"wait*) echo $$ > \"$1.pid\"; while ! [ -e go ]; do sleep 0.02; done; echo '{\"went\":true}' ;;\n"
	"stubborn) trap '' TERM; echo $$ > stubborn.pid; while :; do sleep 0.05; done ;;\n"
	"family) sleep 300 & echo $! > family.pid; exit 3 ;;\n"
	"noisy) while :; do echo noise; done ;;\n"
	"look) [ -e /proc/$$/fd/200 ] && leak=true || leak=false; "
	"echo \"{\\\"leak\\\":$leak,\\\"group\\\":$(ps -o pgid= -p $$),\\\"pid\\\":$$,"
	"\\\"variable\\\":\\\"$VARIABLE\\\",\\\"path\\\":\\\"$PATH\\\",\\\"stdin\\\":\\\"$(readlink /proc/$$/fd/0)\\\","
	"\\\"blocked\\\":\\\"$(sed -n 's/^SigBlk:.//p' /proc/$$/status)\\\","
	"\\\"ignored\\\":\\\"$(sed -n 's/^SigIgn:.//p' /proc/$$/status)\\\",\\\"arguments\\\":$#}\" ;;\n"
	"esac\n";

static char directory[] = "/tmp/service-jobs-XXXXXX";
static char program[64];
static char path_variable[4200] = "PATH=";
static char *environment[] = { (char[]){ "VARIABLE=value" }, path_variable, NULL };

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int make_script(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(program, sizeof program, "%s/train", directory);
	snprintf(path_variable, sizeof path_variable, "PATH=%s", getenv("PATH"));
	return mlops_file_replace(program, script, sizeof script - 1, 0777, NULL) && chmod(program, 0755) == 0 ? 0 : -1;
}

static void remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	unlink(path);
}

static int remove_script(void **state)
{
	static const char *const names[] = { "train", "go", "wait.pid", "wait1.pid", "wait2.pid", "stubborn.pid", "family.pid" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		remove_file(names[i]);
	return rmdir(directory);
}

static struct mlops_jobs *new_jobs(const struct mlops_jobs_options *given)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_jobs_options options = *given;
	struct mlops_jobs *jobs;

	if (options.program == NULL)
		options.program = program;
	options.environment = environment;
	options.timeout = options.timeout > 0 ? options.timeout : 60;
	options.running = options.running > 0 ? options.running : 3;
	options.remembered = options.remembered > 0 ? options.remembered : 100;
	options.now = now;
	jobs = mlops_jobs_new(&options, &error);
	assert_non_null(jobs);
	return jobs;
}

static void start(struct mlops_jobs *jobs, const char *name, char id[MLOPS_JOB_ID])
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (!mlops_jobs_start(jobs, name, id, &error))
		fail_msg("%s: %s", name, error.message);
}

static void refuse(struct mlops_jobs *jobs, const char *name, enum mlops_code code, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char id[MLOPS_JOB_ID];

	assert_false(mlops_jobs_start(jobs, name, id, &error));
	assert_string_equal(error.message, message);
	assert_int_equal(error.code, code);
}

static json_t *look(struct mlops_jobs *jobs, const char *id)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &text };
	json_t *job;

	assert_true(mlops_jobs_write(jobs, id, &json));
	job = json_loadb(text.data, text.length, 0, NULL);
	if (job == NULL)
		fail_msg("%s", mlops_buffer_string(&text));
	mlops_buffer_release(&text);
	return job;
}

static const char *member(const json_t *job, const char *name)
{
	const char *text = json_string_value(json_object_get(job, name));

	return text != NULL ? text : "";
}

static void rest(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

/* The job when it has ended. */
static json_t *await(struct mlops_jobs *jobs, const char *id)
{
	for (int i = 0; i < 4000; i++) {
		json_t *job = look(jobs, id);

		if (strcmp(member(job, "state"), "running") != 0)
			return job;
		json_decref(job);
		rest();
	}
	fail_msg("job %s runs on", id);
	return NULL;
}

static json_t *run(struct mlops_jobs *jobs, const char *name)
{
	char id[MLOPS_JOB_ID];

	start(jobs, name, id);
	return await(jobs, id);
}

/* What a script left in a file, when it is there. */
static int number_in(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	for (int i = 0; i < 4000; i++) {
		FILE *file = fopen(path, "r");
		int number = 0;
		bool read = file != NULL && fscanf(file, "%d\n", &number) == 1;

		if (file != NULL)
			fclose(file);
		if (read)
			return number;
		rest();
	}
	fail_msg("no %s", name);
	return 0;
}

static void await_end_of(int pid)
{
	for (int i = 0; i < 4000 && kill(pid, 0) == 0; i++)
		rest();
	assert_int_equal(kill(pid, 0), -1);
}

static void expect_counts(struct mlops_jobs *jobs, uint64_t running, uint64_t finished, uint64_t failed)
{
	struct mlops_job_counts counts;

	mlops_jobs_count(jobs, &counts);
	assert_int_equal(counts.running, running);
	assert_int_equal(counts.finished, finished);
	assert_int_equal(counts.failed, failed);
}

static void test_how_jobs_end(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .timeout = 0 });
	json_t *job = run(jobs, "good");

	(void)state;
	assert_string_equal(member(job, "state"), "finished");
	assert_string_equal(member(job, "model"), "good");
	assert_int_equal(json_integer_value(json_object_get(job, "exit_status")), 0);
	assert_true(json_is_null(json_object_get(job, "message")));
	assert_string_equal(member(json_object_get(job, "result"), "outcome"), "promoted");
	assert_int_equal(json_array_size(json_object_get(job, "stderr")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(job, "stderr"), 0)), "a notice");
	assert_true(strcmp(member(job, "started"), member(job, "ended")) < 0);
	json_decref(job);

	job = run(jobs, "bad");
	assert_string_equal(member(job, "state"), "failed");
	assert_int_equal(json_integer_value(json_object_get(job, "exit_status")), 65);
	assert_string_equal(member(job, "message"), "ended with status 65");
	assert_true(json_is_null(json_object_get(job, "result")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(job, "stderr"), 0)),
			    "bad: column \"temp\" is missing");
	json_decref(job);

	job = run(jobs, "killed");
	assert_string_equal(member(job, "state"), "failed");
	assert_true(json_is_null(json_object_get(job, "exit_status")));
	assert_string_equal(member(job, "message"), "ended by signal 9 (Killed)");
	json_decref(job);

	job = run(jobs, "silent");
	assert_string_equal(member(json_object_get(job, "result"), "no"), "newline");
	assert_int_equal(json_array_size(json_object_get(job, "stderr")), 0);
	json_decref(job);
	expect_counts(jobs, 0, 2, 2);
	mlops_jobs_free(jobs);
}

static void test_output_is_bounded(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .timeout = 0 });
	json_t *job = run(jobs, "many"), *errors = json_object_get(job, "stderr");
	size_t n = json_array_size(errors);

	(void)state;
	/* a line of 100,000 bytes, and one of 70,000 that never ends, are no results */
	assert_true(json_is_true(json_object_get(json_object_get(job, "result"), "last")));
	assert_string_equal(json_string_value(json_array_get(errors, n - 1)), "line 2000");
	assert_in_range(n, 390, 410);
	for (size_t i = 0; i < n; i++) {
		char line[32];

		snprintf(line, sizeof line, "line %zu", 2001 - n + i);
		assert_string_equal(json_string_value(json_array_get(errors, i)), line);
	}
	json_decref(job);
	job = run(jobs, "dirty");
	errors = json_object_get(job, "stderr");
	assert_string_equal(json_string_value(json_array_get(errors, 0)), "one\xEF\xBF\xBD");
	assert_string_equal(json_string_value(json_array_get(errors, 1)), "\"two\"\x1b");
	json_decref(job);
	mlops_jobs_free(jobs);
}

static void test_what_a_child_is_given(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .timeout = 0 });
	int leak = dup2(STDIN_FILENO, 200); /* not closed on exec: a careless library's */
	sigset_t blocked, before;
	json_t *job, *result;

	(void)state;
	assert_int_equal(leak, 200);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	job = run(jobs, "look");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(leak);
	result = json_object_get(job, "result");
	assert_string_equal(member(result, "variable"), "value");
	assert_string_equal(member(result, "stdin"), "/dev/null");
	assert_string_equal(member(result, "blocked"), "0000000000000000");
	/* but for two beyond them that glibc keeps to itself */
	assert_int_equal(strtoull(member(result, "ignored"), NULL, 16) & 0x7fffffff, 0);
	assert_int_equal(json_integer_value(json_object_get(result, "arguments")), 1);
	assert_true(json_is_false(json_object_get(result, "leak")));
	assert_int_equal(json_integer_value(json_object_get(result, "group")),
			 json_integer_value(json_object_get(result, "pid")));
	json_decref(job);
	mlops_jobs_free(jobs);
}

static void test_one_at_a_time(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .running = 2 });
	struct mlops_error error = MLOPS_ERROR_INIT;
	char first[MLOPS_JOB_ID], second[MLOPS_JOB_ID], other[MLOPS_JOB_ID], message[200];
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &text };
	json_t *job, *all;

	(void)state;
	start(jobs, "wait1", first);
	assert_false(mlops_jobs_start(jobs, "wait1", other, &error));
	assert_int_equal(error.code, MLOPS_BUSY);
	assert_string_equal(other, first);
	snprintf(message, sizeof message, "model 'wait1' is being trained: GET /jobs/%s", first);
	assert_string_equal(error.message, message);
	start(jobs, "wait2", second);
	assert_string_not_equal(first, second);
	refuse(jobs, "good", MLOPS_UNAVAILABLE, "2 models are being trained, as many as may be at a time");
	expect_counts(jobs, 2, 0, 0);
	job = look(jobs, first);
	assert_string_equal(member(job, "state"), "running");
	assert_true(json_is_null(json_object_get(job, "ended")));
	json_decref(job);
	number_in("wait1.pid");
	assert_true(close(open(strcat(strcpy(message, directory), "/go"), O_CREAT | O_WRONLY, 0600)) == 0);
	json_decref(await(jobs, first));
	json_decref(await(jobs, second));
	remove_file("go");
	json_decref(run(jobs, "good"));
	mlops_jobs_write_all(jobs, &json);
	all = json_loadb(text.data, text.length, 0, NULL);
	assert_int_equal(json_array_size(all), 3);
	assert_string_equal(member(json_array_get(all, 0), "model"), "good");
	assert_string_equal(member(json_array_get(all, 2), "id"), first);
	assert_null(json_object_get(json_array_get(all, 2), "stderr"));
	json_decref(all);
	mlops_buffer_release(&text);
	expect_counts(jobs, 0, 3, 0);
	mlops_jobs_free(jobs);
}

static void test_names_and_programs(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .timeout = 0 });
	struct mlops_jobs_options none = { .running = 1, .now = now };
	struct mlops_error error = MLOPS_ERROR_INIT;
	char id[MLOPS_JOB_ID];
	struct mlops_json json = { .out = &(struct mlops_buffer)MLOPS_BUFFER_INIT };

	(void)state;
	assert_false(mlops_jobs_start(jobs, "-x", id, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_jobs_start(jobs, "../etc/passwd", id, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_false(mlops_jobs_write(jobs, "none", &json));
	assert_false(mlops_jobs_write(jobs, "", &json));
	mlops_jobs_free(jobs);

	jobs = mlops_jobs_new(&none, &error);
	refuse(jobs, "good", MLOPS_UNAVAILABLE,
	       "this service trains nothing: no mlops-retrain was found, and no --train-command given");
	mlops_jobs_free(jobs);

	jobs = new_jobs(&(struct mlops_jobs_options){ .program = "/nowhere/train" });
	refuse(jobs, "good", MLOPS_CONFIG, "/nowhere/train: No such file or directory");
	/* what could not be started is not in the way */
	refuse(jobs, "good", MLOPS_CONFIG, "/nowhere/train: No such file or directory");
	expect_counts(jobs, 0, 0, 0);
	mlops_jobs_free(jobs);
}

static void test_too_long(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .timeout = 1 });
	char id[MLOPS_JOB_ID], noisy[MLOPS_JOB_ID];
	json_t *job;

	(void)state;
	start(jobs, "wait", id);
	start(jobs, "noisy", noisy);
	job = await(jobs, id);
	assert_string_equal(member(job, "state"), "failed");
	assert_string_equal(member(job, "message"), "took longer than 1 seconds");
	json_decref(job);
	await_end_of(number_in("wait.pid"));
	job = await(jobs, noisy);
	assert_string_equal(member(job, "message"), "took longer than 1 seconds");
	json_decref(job);
	mlops_jobs_free(jobs);
}

static void test_nothing_is_left_behind(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .timeout = 0 });
	json_t *job = run(jobs, "family");
	char id[MLOPS_JOB_ID];
	int stubborn;

	(void)state;
	assert_string_equal(member(job, "message"), "ended with status 3");
	json_decref(job);
	await_end_of(number_in("family.pid"));

	remove_file("wait.pid");
	start(jobs, "wait", id);
	number_in("wait.pid");
	start(jobs, "stubborn", id);
	stubborn = number_in("stubborn.pid");
	mlops_jobs_stop(jobs);
	refuse(jobs, "good", MLOPS_UNAVAILABLE, "the service is about to end");
	/* ten seconds later it is killed; this one's parent does not want to wait so long */
	assert_int_equal(kill(stubborn, 0), 0);
	kill(stubborn, SIGKILL);
	job = await(jobs, id);
	assert_string_equal(member(job, "message"), "the service was stopped");
	json_decref(job);
	mlops_jobs_free(jobs);
	await_end_of(number_in("wait.pid"));
}

static void test_only_so_many_are_remembered(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .remembered = 2 });
	struct mlops_json json = { .out = &(struct mlops_buffer)MLOPS_BUFFER_INIT };
	char id[5][MLOPS_JOB_ID];

	(void)state;
	for (int i = 0; i < 5; i++) {
		start(jobs, "good", id[i]);
		json_decref(await(jobs, id[i]));
	}
	/* the fifth made room when it started */
	assert_false(mlops_jobs_write(jobs, id[1], &json));
	json_decref(look(jobs, id[2]));
	json_decref(look(jobs, id[4]));
	expect_counts(jobs, 0, 5, 0);
	mlops_jobs_free(jobs);
}

/* Many threads that start, look and count at once. */
struct crowd {
	struct mlops_jobs *jobs;
	int number;
};

static void *crowd(void *context)
{
	static const char *const names[] = { "good", "bad", "silent", "dirty" };
	struct crowd *me = context;

	for (int i = 0; i < 12; i++) {
		struct mlops_buffer text = MLOPS_BUFFER_INIT;
		struct mlops_json json = { .out = &text };
		struct mlops_job_counts counts;
		char id[MLOPS_JOB_ID];

		mlops_jobs_start(me->jobs, names[(me->number + i) % 4], id, NULL);
		mlops_jobs_write(me->jobs, id, &json);
		mlops_jobs_write_all(me->jobs, &json);
		mlops_jobs_count(me->jobs, &counts);
		mlops_buffer_release(&text);
		rest();
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct mlops_jobs *jobs = new_jobs(&(struct mlops_jobs_options){ .remembered = 3 });
	struct crowd crowds[4];
	pthread_t threads[4];
	struct mlops_job_counts counts;

	(void)state;
	for (int i = 0; i < 4; i++) {
		crowds[i] = (struct crowd){ jobs, i };
		assert_int_equal(pthread_create(&threads[i], NULL, crowd, &crowds[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	mlops_jobs_stop(jobs);
	mlops_jobs_count(jobs, &counts);
	assert_true(counts.running + counts.finished + counts.failed > 0);
	mlops_jobs_free(jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_how_jobs_end),
		cmocka_unit_test(test_output_is_bounded),
		cmocka_unit_test(test_what_a_child_is_given),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_names_and_programs),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_nothing_is_left_behind),
		cmocka_unit_test(test_only_so_many_are_remembered),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, make_script, remove_script);
}
