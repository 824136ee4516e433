#include "kernel/build.h"

const struct mlops_kernels MLOPS_KERNEL(mlops_kernels) = {
	.name = MLOPS_KERNEL_NAME,
	.csv_cut = MLOPS_KERNEL(mlops_kernel_csv_cut),
	.csv_numbers = MLOPS_KERNEL(mlops_kernel_csv_numbers),
	.mux_codes = MLOPS_KERNEL(mlops_kernel_mux_codes),
	.mux_run = MLOPS_KERNEL(mlops_kernel_mux_run),
	.forest_leaves = MLOPS_KERNEL(mlops_kernel_forest_leaves),
	.forest_unfold = MLOPS_KERNEL(mlops_kernel_forest_unfold),
	.forest_keys = MLOPS_KERNEL(mlops_kernel_forest_keys),
	.forest_walk = MLOPS_KERNEL(mlops_kernel_forest_walk),
	.forest_row = MLOPS_KERNEL(mlops_kernel_forest_row),
	.grow_search = MLOPS_KERNEL(mlops_kernel_grow_search),
	.small_sort = MLOPS_KERNEL(mlops_kernel_small_sort),
	.small_split = MLOPS_KERNEL(mlops_kernel_small_split),
	.gemm = MLOPS_KERNEL(mlops_kernel_gemm),
	.lstm_forward = MLOPS_KERNEL(mlops_kernel_lstm_forward),
	.lstm_backward = MLOPS_KERNEL(mlops_kernel_lstm_backward),
	.dropout = MLOPS_KERNEL(mlops_kernel_dropout),
	.adam = MLOPS_KERNEL(mlops_kernel_adam),
	.sum_squares = MLOPS_KERNEL(mlops_kernel_sum_squares),
};
