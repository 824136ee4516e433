#include "kernel/build.h"

const struct mlops_kernels MLOPS_KERNEL(mlops_kernels) = {
	.name = MLOPS_KERNEL_NAME,
	.csv_cut = MLOPS_KERNEL(mlops_kernel_csv_cut),
	.csv_numbers = MLOPS_KERNEL(mlops_kernel_csv_numbers),
};
