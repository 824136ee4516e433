/*
 * Checks of one sensor's times: gaps, times that were there already, times that run backwards.
 *
 *	struct mlops_time_state state = MLOPS_TIME_STATE_INIT;
 *	found = mlops_time_check(&state, time, most);      // for each of the sensor's rows in order
 *	mlops_time_state_release(&state);
 *
 * A time that is later than all before it costs two comparisons; others are looked for among the latest ones.
 */
#ifndef MLOPS_CHECK_SENSOR_TIME_H
#define MLOPS_CHECK_SENSOR_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_TIME_MEMORY 4096 /* times that are remembered */

#define MLOPS_TIME_FOUND_GAP 1
#define MLOPS_TIME_FOUND_DUPLICATE 2
#define MLOPS_TIME_FOUND_BACKWARD 4
#define MLOPS_TIME_FOUND_NO_MEMORY 8

struct mlops_time_state {
	bool begun;
	int64_t last, latest; /* microseconds */
	int64_t passed;       /* since the row before; what a gap is reported with */
	size_t memory;        /* times that are remembered; 0: MLOPS_TIME_MEMORY */
	size_t n;             /* times so far */
	int64_t *times;       /* [memory] a ring */
};

#define MLOPS_TIME_STATE_INIT                                                                                \
	{                                                                                                    \
		.begun = false                                                                               \
	}

/* MLOPS_TIME_FOUND_… bits.  most: microseconds from row to row that are no gap. */
unsigned mlops_time_check(struct mlops_time_state *state, int64_t time, int64_t most);
void mlops_time_state_release(struct mlops_time_state *state);

#endif
