#include "kernel/table.h"

#include <stdatomic.h>
#include <string.h>

static const struct mlops_kernels reference = {
	.name = "reference",
	.csv_cut = mlops_kernel_csv_cut_reference,
	.csv_numbers = mlops_kernel_csv_numbers_reference,
	.mux_codes = mlops_kernel_mux_codes_reference,
	.mux_run = mlops_kernel_mux_run_reference,
	.forest_leaves = mlops_kernel_forest_leaves_reference,
	.forest_unfold = mlops_kernel_forest_unfold_reference,
	.forest_keys = mlops_kernel_forest_keys_reference,
	.forest_walk = mlops_kernel_forest_walk_reference,
	.forest_row = mlops_kernel_forest_row_reference,
	.grow_count = mlops_kernel_grow_count_reference,
	.grow_keys = mlops_kernel_grow_keys_reference,
	.grow_inside = mlops_kernel_grow_inside_reference,
	.grow_partition = mlops_kernel_grow_partition_reference,
	.grow_search = mlops_kernel_grow_search_reference,
	.small_sort = mlops_kernel_small_sort_reference,
	.small_split = mlops_kernel_small_split_reference,
	.gemm = mlops_kernel_gemm_reference,
	.lstm_forward = mlops_kernel_lstm_forward_reference,
	.lstm_backward = mlops_kernel_lstm_backward_reference,
	.dropout_draw = mlops_kernel_dropout_draw_reference,
	.dropout_apply = mlops_kernel_dropout_apply_reference,
	.adam = mlops_kernel_adam_reference,
	.sum_squares = mlops_kernel_sum_squares_reference,
};

#if defined __x86_64__
extern const struct mlops_kernels mlops_kernels_v2, mlops_kernels_v3, mlops_kernels_v4;

static const struct mlops_kernels *const builds[] = {
	&reference,
	&mlops_kernels_v2,
	&mlops_kernels_v3,
	&mlops_kernels_v4,
};
#else
extern const struct mlops_kernels mlops_kernels_native;

static const struct mlops_kernels *const builds[] = { &reference, &mlops_kernels_native };
#endif

#define N_BUILDS (sizeof builds / sizeof builds[0])

/* The library's only writable variable: what it holds never changes a result. */
static _Atomic(const struct mlops_kernels *) chosen;

/* How many of builds this CPU runs: each level has all that the one below has. */
static size_t count_runnable(void)
{
#if defined __x86_64__
	/* by features, because clang 14 does not know the levels' names; each level's last ones stand for it */
	if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt"))
		return 1;
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
		return 2;
	return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
			       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vl")
		       ? 4
		       : 3;
#else
	return N_BUILDS;
#endif
}

const struct mlops_kernels *mlops_kernels_at(size_t number)
{
	return number < count_runnable() ? builds[number] : NULL;
}

const struct mlops_kernels *mlops_kernels(void)
{
	const struct mlops_kernels *kernels = atomic_load_explicit(&chosen, memory_order_relaxed);

	/* Two threads that come here at once find the same. */
	if (kernels == NULL) {
		kernels = builds[count_runnable() - 1];
		atomic_store_explicit(&chosen, kernels, memory_order_relaxed);
	}
	return kernels;
}

bool mlops_kernels_force(const char *name)
{
	const struct mlops_kernels *found = NULL;

	for (size_t i = 0; name != NULL && i < count_runnable() && found == NULL; i++)
		if (strcmp(builds[i]->name, name) == 0)
			found = builds[i];
	if (name != NULL && found == NULL)
		return false;
	atomic_store_explicit(&chosen, found, memory_order_relaxed);
	return true;
}
