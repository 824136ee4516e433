/*
 * Sorting many numbers: by their digits of eleven bits (radix sort), or by merging where there are few.
 */
#ifndef MLOPS_BASE_SORT_H
#define MLOPS_BASE_SORT_H

#include <stddef.h>

/* values[0..n) ascending; none is NaN.  The two zeros, which are equal, may come in any order.  spare has
 * room for n values. */
void mlops_sort_floats(float *values, float *spare, size_t n);

#endif
