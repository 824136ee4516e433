#include "model/growth.h"

#include <stdatomic.h>
#include <stdlib.h>

struct job {
	const struct mlops_growth *growth;
	const struct mlops_fit_progress *progress;
	struct mlops_tree_builder *builders;
	atomic_size_t done;
	atomic_bool stopped;
	atomic_bool out_of_memory;
};

static bool has_ended(struct job *job)
{
	return atomic_load(&job->stopped) || atomic_load(&job->out_of_memory);
}

static void count_tree(struct job *job, bool is_grown)
{
	const struct mlops_growth *growth = job->growth;
	size_t done;

	if (!is_grown) {
		atomic_store(&job->out_of_memory, true);
		return;
	}
	done = atomic_fetch_add(&job->done, 1) + 1;
	if (job->progress != NULL && !job->progress->report(job->progress->context, done, growth->n_trees))
		atomic_store(&job->stopped, true);
}

static void grow_one(void *context, size_t tree, unsigned worker)
{
	struct job *job = context;
	const struct mlops_growth *growth = job->growth;

	if (!has_ended(job))
		count_tree(job, growth->grow(growth->context, tree, worker, &job->builders[tree]));
}

/* Rounds of one tree a worker behind which it does not matter that some have none in the last one. */
enum { MANY_ROUNDS = 16 };

static size_t count_shared(const struct mlops_growth *growth, const struct mlops_pool *pool)
{
	size_t workers = mlops_pool_workers(pool);

	return growth->share != NULL && growth->n_trees / workers < MANY_ROUNDS ? growth->n_trees % workers : 0;
}

bool mlops_growth_run(const struct mlops_growth *growth, struct mlops_pool *pool,
		      const struct mlops_fit_progress *progress, struct mlops_trees *trees,
		      struct mlops_error *error)
{
	struct job job = { .growth = growth, .progress = progress };
	size_t alone = growth->n_trees - count_shared(growth, pool);
	bool done;

	job.builders = calloc(growth->n_trees, sizeof *job.builders);
	if (job.builders == NULL)
		return mlops_error_set_memory(error);
	for (size_t t = 0; t < growth->n_trees; t++) {
		job.builders[t].n_outputs = growth->n_outputs;
		job.builders[t].feature_bits = mlops_trees_feature_bits(growth->n_features);
	}
	mlops_pool_run(pool, alone, grow_one, &job);
	for (size_t t = alone; t < growth->n_trees && !has_ended(&job); t++)
		count_tree(&job, growth->share(growth->context, t, pool, &job.builders[t]));
	if (growth->grown != NULL)
		growth->grown(growth->context);
	if (atomic_load(&job.out_of_memory))
		done = mlops_error_set_memory(error);
	else if (atomic_load(&job.stopped))
		done = mlops_error_set(error, MLOPS_CLOSED, "stopped");
	else
		done = mlops_trees_join(job.builders, growth->n_trees, growth->n_features, trees, error);
	for (size_t t = 0; t < growth->n_trees; t++)
		mlops_tree_builder_release(&job.builders[t]);
	free(job.builders);
	return done;
}
