/*
 * Checks of how one sensor's values follow each other: stuck, spikes, steps, too fast, too quiet or too loud.
 * After QARTOD's tests (IOOS, "Manual for Real-Time Quality Control of In-Situ Temperature and Salinity
 * Data", 2020).
 *
 *	struct mlops_sensor_state state = MLOPS_SENSOR_STATE_INIT;   // of one sensor and one column
 *	mlops_sensor_check(&run, &state, &samples);                  // its next samples; again and again
 *
 * Samples are those that have a value: a missing one neither ends a flat line nor makes a spike.  Each check
 * first has the largest of its statistic among the samples, a plain loop, and looks for rows only where that
 * is too large; the largest ones are also what limits are learnt from.
 *
 * spike: a value further than `most` from both neighbours, on the same side.  step: the nearest of two values
 * and the two ahead of them are further apart than that.  Both are known a sample later, and are the row's
 * that jumped. rate: |change| a second.  flat: as many values within `within` of the first of them.  noise:
 * the mean |change| of 512 changes, each counted up to step.most at most.  marker: as many values that are one
 * of mlops_markers.
 */
#ifndef MLOPS_CHECK_SENSOR_H
#define MLOPS_CHECK_SENSOR_H

#include "check/schema.h"

#include <stdbool.h>

#define MLOPS_NOISE_WINDOW 512

struct mlops_sensor_state {
	bool begun;
	float last[3]; /* the samples before, latest first */
	double last_seconds;
	uint64_t last_row, last_line;
	float flat_value;
	float marker_value;
	uint64_t flat, marked; /* samples on end */
	double noise_sum;
	uint32_t noise_n;
};

#define MLOPS_SENSOR_STATE_INIT                                                                              \
	{                                                                                                    \
		.begun = false                                                                               \
	}

/* The most that was seen: what limits are learnt from. */
struct mlops_sensor_extremes {
	float spike, step;
	double rate;
	uint64_t flat;
	uint64_t noise_windows;
	double noise_least, noise_most;
	uint32_t markers;
	bool rises, falls;
};

/* The next samples of one sensor, in the order of its rows. */
struct mlops_sensor_samples {
	size_t n;
	float *values;         /* [n], with room for MLOPS_SENSOR_HALO ahead of them */
	const double *seconds; /* [n], NaN: not known; NULL: a second a sample */
	const uint32_t *at;    /* [n] row of the batch; NULL: 0, 1, 2, … */
	uint64_t first_row;    /* of the batch */
	const uint64_t *lines; /* of the batch's rows */
};

#define MLOPS_SENSOR_HALO 3

typedef void mlops_sensor_fault(void *context, enum mlops_rule rule, uint64_t row, uint64_t line,
				double value, double excess);

struct mlops_sensor_run {
	const struct mlops_schema_column *column; /* its limits; NaN: none */
	struct mlops_sensor_extremes *extremes;
	float *scratch; /* [n] */
	mlops_sensor_fault *fault;
	void *context;
};

void mlops_sensor_check(const struct mlops_sensor_run *run, struct mlops_sensor_state *state,
			const struct mlops_sensor_samples *samples);

/* Sets the limits that are not set yet from the most that was seen: factor times it, 1 being tight.  rows: of
 * all sensors.  A limit that nothing tells stays NaN. */
void mlops_sensor_learn(const struct mlops_sensor_extremes *extremes, double factor, uint64_t rows,
			bool times, struct mlops_schema_column *column);

#endif
