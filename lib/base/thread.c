#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#define MOST_THREADS 1024

struct worker {
	struct mlops_pool *pool;
	unsigned number;
	uint64_t seen; /* the last run that it took part in, or that was before its time */
	pthread_t thread;
};

struct mlops_pool {
	unsigned workers; /* counting the caller */
	unsigned started; /* threads that must be joined */
	bool short_of_threads; /* no more could be started: those there are do the work */
	struct worker *threads; /* workers - 1 of them */

	pthread_mutex_t mutex; /* guards what follows, up to next */
	pthread_cond_t work;   /* a new run, or stop */
	pthread_cond_t done;   /* the last thread has left the run */
	_Atomic uint64_t run;  /* number of the current run; a thread takes part in each once */
	_Atomic unsigned busy; /* threads that have not yet left the current run */
	atomic_bool stop;
	size_t tasks;
	mlops_task *step;
	void *context;

	_Atomic size_t next; /* the next task to hand out */
	atomic_bool running; /* somebody is in mlops_pool_run */
};

static void take_tasks(struct mlops_pool *pool, size_t tasks, mlops_task *step, void *context,
		       unsigned worker)
{
	for (;;) {
		size_t task = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);

		if (task >= tasks)
			return;
		step(context, task, worker);
	}
}

/* To sleep and be woken takes tens of microseconds: where one run follows the other, as in training, looking
 * out for the next one as long as that is worth it. */
enum { LOOKS = 2000 };

static void pause_briefly(void)
{
#if defined __x86_64__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("yield");
#endif
}

static void look_out_for_run(struct mlops_pool *pool, uint64_t seen)
{
	for (int i = 0; i < LOOKS && !pool->stop && pool->run == seen; i++)
		pause_briefly();
}

static void look_out_for_end(struct mlops_pool *pool)
{
	for (int i = 0; i < LOOKS && pool->busy > 0; i++)
		pause_briefly();
}

static void *work(void *argument)
{
	struct worker *self = argument;
	struct mlops_pool *pool = self->pool;

	for (;;) {
		size_t tasks;
		mlops_task *step;
		void *context;

		look_out_for_run(pool, self->seen);
		pthread_mutex_lock(&pool->mutex);
		while (!pool->stop && pool->run == self->seen)
			pthread_cond_wait(&pool->work, &pool->mutex);
		if (pool->stop)
			break;
		self->seen = pool->run;
		tasks = pool->tasks;
		step = pool->step;
		context = pool->context;
		pthread_mutex_unlock(&pool->mutex);
		take_tasks(pool, tasks, step, context, self->number);
		pthread_mutex_lock(&pool->mutex);
		if (--pool->busy == 0)
			pthread_cond_signal(&pool->done);
		pthread_mutex_unlock(&pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

int mlops_thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	int errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum;
}

struct mlops_pool *mlops_pool_new(unsigned threads, struct mlops_error *error)
{
	struct mlops_pool *pool;

	if (threads < 1 || threads > MOST_THREADS) {
		mlops_error_set(error, MLOPS_USAGE, "number of threads: '%u' is not between 1 and %u",
				threads, MOST_THREADS);
		return NULL;
	}
	pool = calloc(1, sizeof *pool);
	if (pool == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	pool->workers = threads;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	if (threads == 1)
		return pool;
	pool->threads = calloc(threads - 1, sizeof *pool->threads);
	if (pool->threads == NULL) {
		mlops_error_set_memory(error);
		mlops_pool_free(pool);
		return NULL;
	}
	return pool;
}

void mlops_pool_free(struct mlops_pool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i].thread, NULL);
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->threads);
	free(pool);
}

unsigned mlops_pool_workers(const struct mlops_pool *pool)
{
	return pool == NULL ? 1 : pool->workers;
}

/* Threads start when there is work for them: little work, or none, shall not wait for them. */
static void start_threads(struct mlops_pool *pool)
{
	for (unsigned i = pool->started; i < pool->workers - 1 && !pool->short_of_threads; i++) {
		struct worker *worker = &pool->threads[i];

		worker->pool = pool;
		worker->number = i + 1;
		worker->seen = pool->run;
		if (mlops_thread_start(&worker->thread, work, worker) == 0)
			pool->started++;
		else
			pool->short_of_threads = true;
	}
}

bool mlops_pool_start(struct mlops_pool *pool, size_t tasks, mlops_task *step, void *context)
{
	/* The threads of a pool that is in a run have their work: a step that runs something itself, as one
	 * that reads does, must not wait for them. */
	if (pool == NULL || pool->workers == 1 || tasks == 0 || atomic_exchange(&pool->running, true))
		return false;
	start_threads(pool);
	pthread_mutex_lock(&pool->mutex);
	pool->tasks = tasks;
	pool->step = step;
	pool->context = context;
	pool->busy = pool->started;
	atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
	pool->run++;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	return true;
}

void mlops_pool_finish(struct mlops_pool *pool)
{
	take_tasks(pool, pool->tasks, pool->step, pool->context, 0);

	look_out_for_end(pool);
	pthread_mutex_lock(&pool->mutex);
	while (pool->busy > 0)
		pthread_cond_wait(&pool->done, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	atomic_store(&pool->running, false);
}

void mlops_pool_run(struct mlops_pool *pool, size_t tasks, mlops_task *step, void *context)
{
	/* Waking threads for one task costs more than doing it here. */
	if (tasks <= 1 || !mlops_pool_start(pool, tasks, step, context)) {
		for (size_t task = 0; task < tasks; task++)
			step(context, task, 0);
		return;
	}
	mlops_pool_finish(pool);
}

unsigned mlops_thread_cpus(void)
{
	/* The kernel refuses a mask smaller than its own, whose size nothing tells; so grow it until
	 * it fits. */
	for (size_t cpus = CPU_SETSIZE; cpus <= 1 << 20; cpus *= 4) {
		cpu_set_t *set = CPU_ALLOC(cpus);
		size_t size = CPU_ALLOC_SIZE(cpus);
		int count = 0;

		if (set == NULL)
			break;
		if (sched_getaffinity(0, size, set) == 0)
			count = CPU_COUNT_S(size, set);
		CPU_FREE(set);
		if (count > 0)
			return (unsigned)count;
	}
	return 1;
}
