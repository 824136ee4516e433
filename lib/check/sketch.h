/*
 * The distribution of a stream of float32 values in little memory: quantiles, ranks, and the distance between
 * two streams, with an error that is known beforehand.
 *
 *	struct mlops_sketch sketch = MLOPS_SKETCH_INIT;
 *	mlops_sketch_add_block(&sketch, sorted);             // MLOPS_SKETCH_BLOCK values at a time, ascending
 *	mlops_sketch_points(&sketch, rest, n_rest, &points, &error);   // what is left over joins at the end
 *	... mlops_points_quantile(&points, 0.5) ...
 *	mlops_points_release(&points); mlops_sketch_release(&sketch);
 *
 * Two sorted runs of equal weight are merged and every other value of them is kept, with twice the weight
 * (Munro and Paterson, "Selection and sorting with limited storage", 1980; Manku, Rajagopalan and Lindsay,
 * "Approximate medians and other quantiles in one pass", 1998).  On each level the first value and the second
 * one are kept in turn, so that errors of consecutive merges have opposite signs.
 *
 * Nothing is drawn at random: the same values in the same order give the same sketch.  With n values, a rank
 * (the share of values ≤ x) is wrong by at most mlops_sketch_error(n) = (L + 2) / 8192, where L is the number
 * of levels, log2(n / 4096) rounded up: 0.0012 for a million values, 0.0025 for a thousand million; up to
 * 4,096 values it is exact.  (A level with weight w merges n / 4096w times, which cancels but for w / 2 each;
 * the last of an odd number adds w / 2.)  Memory is 8 KiB a level.
 */
#ifndef MLOPS_CHECK_SKETCH_H
#define MLOPS_CHECK_SKETCH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define MLOPS_SKETCH_BLOCK 4096
#define MLOPS_SKETCH_LEVELS 40

struct mlops_sketch {
	float *runs[MLOPS_SKETCH_LEVELS]; /* run h: half a block of weight 2 << h, or NULL */
	uint64_t full;                    /* bit h: runs[h] holds values */
	uint64_t odd; /* bit h: the next merge into level h keeps the second of each two */
	uint64_t n;
	bool failed; /* memory ran out */
};

#define MLOPS_SKETCH_INIT                                                                                    \
	{                                                                                                    \
		.n = 0                                                                                       \
	}

/* Sorts at most MLOPS_SKETCH_BLOCK finite values; -0 becomes 0.  scratch has room for twice as many. */
void mlops_sketch_sort(float *values, size_t n, uint32_t *scratch);

/* sorted: MLOPS_SKETCH_BLOCK ascending values. */
void mlops_sketch_add_block(struct mlops_sketch *sketch, const float *sorted);
void mlops_sketch_release(struct mlops_sketch *sketch);

/* The most that a rank can be wrong with n values. */
double mlops_sketch_error(uint64_t n);

/* A distribution: ascending values, each with the number of values it stands for. */
struct mlops_points {
	size_t n;
	float *values;
	uint64_t *counts;
	uint64_t total;
};

/* All that the sketch holds and rest[0..n_rest), at most a block, ascending; equal values are one point. */
bool mlops_sketch_points(const struct mlops_sketch *sketch, const float *rest, size_t n_rest,
			 struct mlops_points *points, struct mlops_error *error);
void mlops_points_release(struct mlops_points *points);

/* Between the neighbours in proportion (type 7 of Hyndman and Fan, 1996, as numpy has it); NaN without
 * values. */
double mlops_points_quantile(const struct mlops_points *points, double share);

#endif
