/*
 * A forest of small trees as a program for kernel/forest.h.  Only forests with exact sums of one output can
 * be one, as long as their leaf values fit into 16 bits; sums are the same as by walking.
 */
#ifndef MLOPS_MODEL_TREES_MUX_H
#define MLOPS_MODEL_TREES_MUX_H

#include "kernel/forest.h"
#include "model/trees.h"

struct mlops_mux {
	struct mlops_mux_op *ops;
	size_t n_ops;
	uint32_t base;			    /* what trees without a node add to every sum */
	float unit;			    /* value of 1 in the program */
	uint32_t *used;			    /* [n_used] the feature behind columns 2u and 2u + 1 */
	struct mlops_mux_feature *features; /* [n_used] */
	size_t n_used;
	float *cuts; /* of all features */
};

/* *mux is NULL when walking is better or the forest can't be a program.  False when memory ran out. */
bool mlops_mux_make(const struct mlops_trees *trees, struct mlops_mux **mux);
void mlops_mux_free(struct mlops_mux *mux);

#endif
