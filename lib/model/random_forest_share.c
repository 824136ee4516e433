/*
 * A tree that several workers grow together, for forests of few trees.  They count the rows of large nodes in
 * parts (random_forest_count.c), and then every subtree is a task.  Subtrees have random numbers of their
 * own, what is added up are integers, and a tree's nodes are put in order in the end: the tree is the one
 * that a worker alone would grow.
 */
#include "model/random_forest.h"

#include <stdatomic.h>
#include <stdlib.h>

struct job {
	const struct mlops_forest_plan *plan;
	const struct mlops_forest_team *team;
	const struct mlops_forest_subtrees *subtrees;
	size_t tree;
	uint32_t *order;		     /* [subtrees] large ones first: none begins when others end */
	struct mlops_tree_builder *builders; /* [subtrees] */
	uint64_t *decrease;		     /* [subtrees * n_features] */
	atomic_bool out_of_memory;
};

static void grow_subtree(void *context, size_t task, unsigned worker)
{
	struct job *job = context;
	uint32_t number = job->order[task];
	struct mlops_tree_builder *builder = &job->builders[number];
	struct mlops_forest_growing growing =
		mlops_forest_start(job->plan, &job->team->scratch[worker], job->tree, number + 1, builder,
				   job->decrease + number * job->plan->bins->n_features);

	growing.rows = job->team->scratch[0].rows;
	if (mlops_tree_builder_add(builder, 1) == UINT32_MAX ||
	    !mlops_forest_grow_subtree(&growing, job->subtrees, number, 0))
		atomic_store(&job->out_of_memory, true);
}

/* By the bits of their number of rows, which is near enough. */
static void order_by_rows(const struct mlops_forest_subtrees *subtrees, uint32_t *order)
{
	size_t n = 0;

	for (unsigned bit = 32; bit-- > 0;) {
		for (uint32_t i = 0; i < subtrees->n; i++) {
			size_t rows = subtrees->roots[i].end - subtrees->roots[i].begin;

			if (rows >> bit == 1)
				order[n++] = i;
		}
	}
}

static bool take_subtrees(struct job *job, struct mlops_tree_builder *builder, uint64_t *decrease)
{
	size_t n_features = job->plan->bins->n_features;

	for (size_t i = 0; i < job->subtrees->n; i++) {
		if (!mlops_tree_builder_graft(builder, job->subtrees->roots[i].node, &job->builders[i]))
			return false;
		for (size_t f = 0; f < n_features; f++)
			decrease[f] += job->decrease[i * n_features + f];
	}
	return true;
}

bool mlops_forest_share_tree(const struct mlops_forest_plan *plan, const struct mlops_forest_team *team,
			     size_t tree, size_t n_rows, struct mlops_tree_builder *builder,
			     uint64_t *decrease)
{
	struct mlops_forest_growing growing =
		mlops_forest_start(plan, &team->scratch[0], tree, 0, builder, decrease);
	struct mlops_forest_subtrees subtrees;
	struct job job = { .plan = plan, .team = team, .subtrees = &subtrees, .tree = tree };
	bool done = false;

	growing.team = team;
	if (!mlops_forest_grow_top(&growing, n_rows))
		return false;
	subtrees = team->scratch[0].subtrees;
	job.order = calloc(subtrees.n + 1, sizeof *job.order);
	job.builders = calloc(subtrees.n + 1, sizeof *job.builders);
	job.decrease = calloc(subtrees.n + 1, plan->bins->n_features * sizeof *job.decrease);
	if (job.order == NULL || job.builders == NULL || job.decrease == NULL)
		goto out;
	for (size_t i = 0; i < subtrees.n; i++) {
		job.builders[i].n_outputs = builder->n_outputs;
		job.builders[i].feature_bits = builder->feature_bits;
	}
	order_by_rows(&subtrees, job.order);
	mlops_pool_run(team->pool, subtrees.n, grow_subtree, &job);
	if (atomic_load(&job.out_of_memory) || !take_subtrees(&job, builder, decrease))
		goto out;
	mlops_forest_set_thresholds(plan->bins, builder);
	done = true;
out:
	for (size_t i = 0; job.builders != NULL && i < subtrees.n; i++)
		mlops_tree_builder_release(&job.builders[i]);
	free(job.order);
	free(job.builders);
	free(job.decrease);
	return done;
}
