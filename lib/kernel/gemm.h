/*
 * Products of small matrices of float32, as recurrent networks need them.  Sums have one order: the start,
 * then a[0] b[0], a[1] b[1] ... each added with one rounding (fused multiply-add).  The reference and the
 * builds v3, v4 and native give the same bits; v2, whose processors lack the instruction, rounds products
 * too.
 */
#ifndef MLOPS_KERNEL_GEMM_H
#define MLOPS_KERNEL_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#define MLOPS_GEMM_PANEL 32 /* columns that stand side by side in a packed matrix */
#define MLOPS_GEMM_WIDTH 16 /* columns are read and written in groups of so many */

/* a [rows, depth] times b [depth, columns]. */
struct mlops_gemm_part {
	const float *a; /* element (m, k) is a[m * a_row + k * a_step] */
	size_t a_row, a_step;
	const float *b; /* element (k, n) is b[n / PANEL * b_panel + k * b_step + n % PANEL] */
	size_t b_panel, b_step;
	size_t depth;
};

/*
 * c = start + the sum of the parts' products.  Groups of MLOPS_GEMM_WIDTH columns are read and written whole:
 * what stands in c behind the last column is undefined afterwards, and what stands in b there does not
 * matter.
 */
struct mlops_gemm {
	size_t rows, columns;
	struct mlops_gemm_part parts[2];
	size_t n_parts;
	const float
		*start; /* [columns, rounded up to WIDTH] of every row; NULL: zero, or what c holds if add */
	bool add;
	float *c; /* element (m, n) is c[n / PANEL * c_panel + m * c_row + n % PANEL] */
	size_t c_row, c_panel;
	bool backwards; /* columns from the last to the first: to turn round at each use of b finds more of it
			   in the cache, where it is too large for that; results are the same */
};

typedef void mlops_kernel_gemm(const struct mlops_gemm *job);

mlops_kernel_gemm mlops_kernel_gemm_reference;

#endif
