/*
 * The kernels as a table of functions: a plain C reference, and one source built for several instruction
 * sets.  Every build gives the same bits.
 *
 *	const struct mlops_kernels *kernels = mlops_kernels();
 *	kernels->csv_cut(...);
 *
 * A new kernel is a member here, declared and described in a header of this room; a function
 * mlops_kernel_NAME_reference; a function MLOPS_KERNEL(mlops_kernel_NAME) (build.h) in a file that local.mk
 * lists in KERNEL_SOURCES; and a line in build.c and in select.c.
 */
#ifndef MLOPS_KERNEL_TABLE_H
#define MLOPS_KERNEL_TABLE_H

#include "kernel/adam.h"
#include "kernel/csv.h"
#include "kernel/forest.h"
#include "kernel/gemm.h"
#include "kernel/grow.h"
#include "kernel/lstm.h"

#include <stdbool.h>
#include <stddef.h>

struct mlops_kernels {
	const char *name; /* reference; v2, v3, v4 (of x86-64); native (other machines) */
	mlops_kernel_csv_cut *csv_cut;
	mlops_kernel_csv_numbers *csv_numbers;
	mlops_kernel_mux_codes *mux_codes;
	mlops_kernel_mux_run *mux_run;
	mlops_kernel_forest_leaves *forest_leaves;
	mlops_kernel_forest_unfold *forest_unfold;
	mlops_kernel_forest_keys *forest_keys;
	mlops_kernel_forest_walk *forest_walk;
	mlops_kernel_forest_row *forest_row;
	mlops_kernel_grow_count *grow_count;
	mlops_kernel_grow_keys *grow_keys;
	mlops_kernel_grow_inside *grow_inside;
	mlops_kernel_grow_partition *grow_partition;
	mlops_kernel_grow_search *grow_search;
	mlops_kernel_small_sort *small_sort;
	mlops_kernel_small_split *small_split;
	mlops_kernel_gemm *gemm;
	mlops_kernel_lstm_forward *lstm_forward;
	mlops_kernel_lstm_backward *lstm_backward;
	mlops_kernel_dropout_draw *dropout_draw;
	mlops_kernel_dropout_apply *dropout_apply;
	mlops_kernel_adam *adam;
	mlops_kernel_sum_squares *sum_squares;
};

/* The fastest build that this CPU runs, unless another one was forced. */
const struct mlops_kernels *mlops_kernels(void);

/* From here on mlops_kernels returns the build of that name, NULL: the fastest again.  For tests and for
 * measuring, before threads are started.  False where there is no such build, or this CPU does not run it. */
bool mlops_kernels_force(const char *name);

/* The builds that this CPU runs, slowest first (the reference is number 0); NULL behind the last. */
const struct mlops_kernels *mlops_kernels_at(size_t number);

#endif
