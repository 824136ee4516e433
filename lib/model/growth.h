/*
 * Growing the trees of a forest over a pool, one tree a task; where there are few, the last ones that do not
 * give every worker one are shared.
 *
 * grow(context, tree, worker, builder) fills the builder of one tree and returns false when memory ran out.
 * What it does may depend on tree, never on worker, except for which scratch memory it uses.  Trees come out
 * in their order.
 */
#ifndef MLOPS_MODEL_GROWTH_H
#define MLOPS_MODEL_GROWTH_H

#include "model/fit.h"

typedef bool mlops_grow_tree(void *context, size_t tree, unsigned worker, struct mlops_tree_builder *builder);

/* The same tree by all of the pool's workers; called by the one that runs the growth. */
typedef bool mlops_share_tree(void *context, size_t tree, struct mlops_pool *pool,
			      struct mlops_tree_builder *builder);

struct mlops_growth {
	size_t n_trees, n_features, n_outputs;
	mlops_grow_tree *grow;
	mlops_share_tree *share; /* NULL: no tree is shared */
	void (*grown)(void *context); /* NULL, or frees what only growing needs, before the trees are joined */
	void *context;
};

/* Grows all trees and joins them.  MLOPS_MEMORY, or MLOPS_CLOSED when progress says stop. */
bool mlops_growth_run(const struct mlops_growth *growth, struct mlops_pool *pool,
		      const struct mlops_fit_progress *progress, struct mlops_trees *trees,
		      struct mlops_error *error);

#endif
