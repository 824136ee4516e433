/*
 * A pool of threads for loops whose steps do not depend on each other.
 *
 *	struct mlops_pool *pool = mlops_pool_new(threads, &error);
 *	// step(context, task, worker) for task = 0 … n-1, in any order
 *	mlops_pool_run(pool, n, step, context);
 *	mlops_pool_free(pool);
 *
 * mlops_pool_run returns when every task is done; the calling thread works too, as worker 0.  Tasks
 * are handed out one by one.  What a task computes must not depend on worker, except for which scratch
 * memory it uses: that keeps results the same for every number of threads.  NULL for pool runs the
 * loop in the calling thread, and so does a pool that is in a run: a step may call mlops_pool_run.  Threads
 *are started by the first run that has work for them; where the system has no more of them to give, fewer do
 *it.
 *
 * Or the caller does something else first:
 *
 *	if (!mlops_pool_start(pool, n, step, context))
 *		... nothing was started: do it with mlops_pool_run, now or later ...
 *	...
 *	mlops_pool_finish(pool);	// as mlops_pool_run from here on
 */
#ifndef MLOPS_BASE_THREAD_H
#define MLOPS_BASE_THREAD_H

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct mlops_pool;

typedef void mlops_task(void *context, size_t task, unsigned worker);

/* threads ≥ 1, at most 1024; 1 starts no thread. */
struct mlops_pool *mlops_pool_new(unsigned threads, struct mlops_error *error);
void mlops_pool_free(struct mlops_pool *pool);

/* Number of workers; 1 for NULL. */
unsigned mlops_pool_workers(const struct mlops_pool *pool);

void mlops_pool_run(struct mlops_pool *pool, size_t tasks, mlops_task *step, void *context);

/* Lets the pool's other threads begin and returns.  False where there are none, or they are in a run.  The
 * pool is in a run until mlops_pool_finish, which must come before the next start and before mlops_pool_free.
 */
bool mlops_pool_start(struct mlops_pool *pool, size_t tasks, mlops_task *step, void *context);
void mlops_pool_finish(struct mlops_pool *pool);

/* pthread_create for whoever needs a thread of his own: it gets no signals, which are the business of the
 * program's own threads.  Returns what pthread_create does. */
int mlops_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

/* CPUs that this process may run on (its affinity mask), at least 1. */
unsigned mlops_thread_cpus(void);

#endif
