#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define TASKS 1000

struct work {
	unsigned workers;
	unsigned char done[TASKS];     /* not atomic: a race between two tasks would show */
	unsigned long by_worker[1024]; /* each written by one worker only */
	_Atomic unsigned wrong;
};

static void step(void *context, size_t task, unsigned worker)
{
	struct work *work = context;

	if (task >= TASKS || worker >= work->workers) {
		atomic_fetch_add(&work->wrong, 1);
		return;
	}
	work->done[task]++;
	work->by_worker[worker]++;
}

static void run_and_check(struct mlops_pool *pool, size_t tasks)
{
	struct work work = { .workers = mlops_pool_workers(pool) };
	unsigned long total = 0;

	mlops_pool_run(pool, tasks, step, &work);
	assert_int_equal(work.wrong, 0);
	for (size_t task = 0; task < TASKS; task++)
		assert_int_equal(work.done[task], task < tasks);
	for (unsigned worker = 0; worker < work.workers; worker++)
		total += work.by_worker[worker];
	assert_int_equal(total, tasks);
}

static void every_task_is_done_once(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 8, 33 };
	static const size_t tasks[] = { 0, 1, 2, 7, TASKS };

	(void)state;
	for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;
		struct mlops_pool *pool = mlops_pool_new(threads[i], &error);

		assert_non_null(pool);
		assert_int_equal(error.code, MLOPS_OK);
		assert_int_equal(mlops_pool_workers(pool), threads[i]);
		for (int run = 0; run < 50; run++)
			run_and_check(pool, tasks[(size_t)run % (sizeof tasks / sizeof tasks[0])]);
		mlops_pool_free(pool);
	}
}

static void no_pool_is_one_worker(void **state)
{
	(void)state;
	assert_int_equal(mlops_pool_workers(NULL), 1);
	run_and_check(NULL, TASKS);
	mlops_pool_free(NULL);
}

static void a_pool_that_never_runs(void **state)
{
	struct mlops_pool *pool = mlops_pool_new(4, NULL);

	(void)state;
	assert_non_null(pool);
	mlops_pool_free(pool);
}

/* Two tasks that wait for each other end only if two threads work on them. */
static void meet(void *context, size_t task, unsigned worker)
{
	_Atomic unsigned *there = context;

	(void)task;
	(void)worker;
	atomic_fetch_add(there, 1);
	while (atomic_load(there) < 2)
		sched_yield();
}

static void threads_work_at_the_same_time(void **state)
{
	struct mlops_pool *pool = mlops_pool_new(2, NULL);
	_Atomic unsigned there = 0;

	(void)state;
	mlops_pool_run(pool, 2, meet, &there);
	assert_int_equal(there, 2);
	mlops_pool_free(pool);
}

/* One waits for what the caller does behind the start. */
static void wait_for_caller(void *context, size_t task, unsigned worker)
{
	_Atomic unsigned *there = context;

	(void)worker;
	while (task == 0 && atomic_load(there) == 0)
		sched_yield();
}

static void the_caller_goes_on(void **state)
{
	static const size_t tasks[] = { 1, 2, 7, TASKS };
	struct mlops_pool *pool = mlops_pool_new(3, NULL);
	struct work inside = { .workers = 3 };
	_Atomic unsigned there = 0;

	(void)state;
	assert_true(mlops_pool_start(pool, 5, wait_for_caller, &there));
	/* a pool in a run does another one in the calling thread, and starts none */
	assert_false(mlops_pool_start(pool, 2, step, &inside));
	mlops_pool_run(pool, 2, step, &inside);
	assert_int_equal(inside.by_worker[0], 2);
	atomic_store(&there, 1);
	mlops_pool_finish(pool);
	for (size_t i = 0; i < 4 * 20; i++) {
		struct work work = { .workers = 3 };
		unsigned long total = 0;

		assert_true(mlops_pool_start(pool, tasks[i % 4], step, &work));
		mlops_pool_finish(pool);
		assert_int_equal(work.wrong, 0);
		for (size_t task = 0; task < TASKS; task++)
			assert_int_equal(work.done[task], task < tasks[i % 4]);
		for (unsigned worker = 0; worker < 3; worker++)
			total += work.by_worker[worker];
		assert_int_equal(total, tasks[i % 4]);
	}
	mlops_pool_free(pool);
}

static void nothing_to_start_with(void **state)
{
	struct mlops_pool *pool = mlops_pool_new(1, NULL);
	struct work work = { .workers = 1 };

	(void)state;
	assert_false(mlops_pool_start(NULL, 3, step, &work));
	assert_false(mlops_pool_start(pool, 3, step, &work));
	mlops_pool_free(pool);
	pool = mlops_pool_new(2, NULL);
	assert_false(mlops_pool_start(pool, 0, step, &work));
	run_and_check(pool, TASKS);
	mlops_pool_free(pool);
}

static unsigned threads_of_this_process(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	unsigned threads = 0;

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "Threads: %u", &threads) == 1)
			break;
	}
	fclose(file);
	return threads;
}

struct nested {
	struct mlops_pool *pool;
	_Atomic unsigned wrong;
};

static void count(void *context, size_t task, unsigned worker)
{
	unsigned *done = context;

	(void)task;
	*done += worker == 0 ? 1 : 1000;
}

static void run_inside(void *context, size_t task, unsigned worker)
{
	struct nested *nested = context;
	unsigned done = 0;

	(void)task;
	(void)worker;
	mlops_pool_run(nested->pool, 7, count, &done);
	if (done != 7)
		atomic_fetch_add(&nested->wrong, 1);
}

/* Without waiting for threads that wait for the step. */
static void a_step_may_run_something_itself(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct nested nested = { .pool = mlops_pool_new(3, &error) };

	(void)state;
	for (size_t i = 0; i < 100; i++)
		mlops_pool_run(nested.pool, 50, run_inside, &nested);
	assert_int_equal(nested.wrong, 0);
	run_and_check(nested.pool, TASKS);
	mlops_pool_free(nested.pool);
}

static void threads_start_when_there_is_work_for_them(void **state)
{
	unsigned before = threads_of_this_process();
	struct mlops_pool *pool = mlops_pool_new(1, NULL);

	(void)state;
	run_and_check(pool, TASKS);
	assert_int_equal(threads_of_this_process(), before);
	mlops_pool_free(pool);
	pool = mlops_pool_new(3, NULL);
	run_and_check(pool, 1);
	assert_int_equal(threads_of_this_process(), before);
	run_and_check(pool, 2);
	assert_int_equal(threads_of_this_process(), before + 2);
	mlops_pool_free(pool);
}

/* A process that may have no more threads does all of the work itself. */
static void work_is_done_without_threads(void **state)
{
	(void)state;
	/* The sanitizers can't do without memory.  cmocka's skip() prints "not ok", which is a failure. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	struct rlimit before, none = { 0, 0 };
	struct mlops_pool *pool = mlops_pool_new(3, NULL);

	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	run_and_check(pool, TASKS);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	run_and_check(pool, TASKS);
	mlops_pool_free(pool);
#endif
}

static void look_at_the_signals(void *context, size_t task, unsigned worker)
{
	_Atomic unsigned *blocked = context;
	sigset_t mask;

	(void)task;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	blocked[worker] = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1 ? 1 : 2;
	/* The caller must not take both tasks. */
	while (worker == 0 && blocked[1] == 0)
		sched_yield();
}

static void signals_go_to_the_caller(void **state)
{
	struct mlops_pool *pool = mlops_pool_new(2, NULL);
	_Atomic unsigned blocked[2] = { 0 };

	(void)state;
	mlops_pool_run(pool, 2, look_at_the_signals, blocked);
	assert_int_equal(blocked[0], 2);
	assert_int_equal(blocked[1], 1);
	mlops_pool_free(pool);
}

static void wrong_numbers_of_threads(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT, second = MLOPS_ERROR_INIT;

	(void)state;
	assert_null(mlops_pool_new(0, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_string_equal(error.message, "number of threads: '0' is not between 1 and 1024");
	assert_null(mlops_pool_new(1025, &second));
	assert_string_equal(second.message, "number of threads: '1025' is not between 1 and 1024");
}

static void cpus_follow_the_affinity(void **state)
{
	cpu_set_t before, one;
	size_t cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	assert_int_equal(mlops_thread_cpus(), CPU_COUNT(&before));
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	assert_int_equal(mlops_thread_cpus(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static void *ask_for_mask(void *argument)
{
	sigset_t *mask = argument;

	pthread_sigmask(SIG_SETMASK, NULL, mask);
	return mask;
}

static void a_thread_of_ones_own_gets_no_signals(void **state)
{
	sigset_t before, mask, after;
	pthread_t thread;
	void *result;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(mlops_thread_start(&thread, ask_for_mask, &mask), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &mask);
	assert_true(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT));
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_task_is_done_once),
		cmocka_unit_test(no_pool_is_one_worker),
		cmocka_unit_test(a_pool_that_never_runs),
		cmocka_unit_test(threads_work_at_the_same_time),
		cmocka_unit_test(the_caller_goes_on),
		cmocka_unit_test(nothing_to_start_with),
		cmocka_unit_test(a_thread_of_ones_own_gets_no_signals),
		cmocka_unit_test(a_step_may_run_something_itself),
		cmocka_unit_test(threads_start_when_there_is_work_for_them),
		cmocka_unit_test(work_is_done_without_threads),
		cmocka_unit_test(signals_go_to_the_caller),
		cmocka_unit_test(wrong_numbers_of_threads),
		cmocka_unit_test(cpus_follow_the_affinity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
