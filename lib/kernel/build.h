/* For the sources that are built once for each instruction set: gives their functions the build's name. */
#ifndef MLOPS_KERNEL_BUILD_H
#define MLOPS_KERNEL_BUILD_H

#define MLOPS_KERNEL_JOIN(name, build) name##_##build
#define MLOPS_KERNEL_EXPAND(name, build) MLOPS_KERNEL_JOIN(name, build)
#define MLOPS_KERNEL(name) MLOPS_KERNEL_EXPAND(name, MLOPS_KERNEL_BUILD)

#define MLOPS_KERNEL_QUOTE(build) #build
#define MLOPS_KERNEL_STRING(build) MLOPS_KERNEL_QUOTE(build)
#define MLOPS_KERNEL_NAME MLOPS_KERNEL_STRING(MLOPS_KERNEL_BUILD)

/* For a loop that is there several times, each with other arguments known to be constant. */
#define MLOPS_KERNEL_INLINE static inline __attribute__((always_inline))

#include "kernel/table.h"

extern const struct mlops_kernels MLOPS_KERNEL(mlops_kernels);

extern mlops_kernel_csv_cut MLOPS_KERNEL(mlops_kernel_csv_cut);
extern mlops_kernel_csv_numbers MLOPS_KERNEL(mlops_kernel_csv_numbers);
extern mlops_kernel_mux_codes MLOPS_KERNEL(mlops_kernel_mux_codes);
extern mlops_kernel_mux_run MLOPS_KERNEL(mlops_kernel_mux_run);
extern mlops_kernel_forest_leaves MLOPS_KERNEL(mlops_kernel_forest_leaves);
extern mlops_kernel_forest_unfold MLOPS_KERNEL(mlops_kernel_forest_unfold);
extern mlops_kernel_forest_keys MLOPS_KERNEL(mlops_kernel_forest_keys);
extern mlops_kernel_forest_walk MLOPS_KERNEL(mlops_kernel_forest_walk);
extern mlops_kernel_forest_row MLOPS_KERNEL(mlops_kernel_forest_row);
extern mlops_kernel_grow_count MLOPS_KERNEL(mlops_kernel_grow_count);
extern mlops_kernel_grow_keys MLOPS_KERNEL(mlops_kernel_grow_keys);
extern mlops_kernel_grow_inside MLOPS_KERNEL(mlops_kernel_grow_inside);
extern mlops_kernel_grow_partition MLOPS_KERNEL(mlops_kernel_grow_partition);
extern mlops_kernel_grow_search MLOPS_KERNEL(mlops_kernel_grow_search);
extern mlops_kernel_small_sort MLOPS_KERNEL(mlops_kernel_small_sort);
extern mlops_kernel_small_split MLOPS_KERNEL(mlops_kernel_small_split);
extern mlops_kernel_gemm MLOPS_KERNEL(mlops_kernel_gemm);
extern mlops_kernel_lstm_forward MLOPS_KERNEL(mlops_kernel_lstm_forward);
extern mlops_kernel_lstm_backward MLOPS_KERNEL(mlops_kernel_lstm_backward);
extern mlops_kernel_dropout_draw MLOPS_KERNEL(mlops_kernel_dropout_draw);
extern mlops_kernel_dropout_apply MLOPS_KERNEL(mlops_kernel_dropout_apply);
extern mlops_kernel_adam MLOPS_KERNEL(mlops_kernel_adam);
extern mlops_kernel_sum_squares MLOPS_KERNEL(mlops_kernel_sum_squares);

#endif
