/* The samples of one sensor (or of all, where there is no id): put in order, and looked at as rows.  For
 * pivot.c. */
#ifndef MLOPS_ROWS_PIVOT_SENSOR_H
#define MLOPS_ROWS_PIVOT_SENSOR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mlops_pivot_sample {
	int64_t time;
	uint64_t number; /* in the order of the input, also its line */
	uint32_t tag;
	float value; /* NaN: missing */
};

struct mlops_pivot_grid {
	int64_t every, hold, lateness; /* microseconds */
	size_t n_tags;
};

struct mlops_pivot_sensor {
	struct mlops_pivot_sample *waiting; /* [n_waiting] a heap, the earliest first */
	size_t n_waiting, room;
	int64_t latest;	 /* time that came */
	int64_t reached; /* time up to which samples have been taken */
	int64_t row;	 /* time of the next row */
	uint64_t line;	 /* of the last sample taken */
	bool begun;	 /* row is set */
	float *values;	 /* [n_tags] the last ones taken */
	int64_t *times;	 /* [n_tags] theirs */
};

bool mlops_pivot_sensor_init(struct mlops_pivot_sensor *sensor, size_t n_tags, struct mlops_error *error);
void mlops_pivot_sensor_release(struct mlops_pivot_sensor *sensor);

enum mlops_pivot_put { MLOPS_PIVOT_PUT, MLOPS_PIVOT_LATE, MLOPS_PIVOT_FULL, MLOPS_PIVOT_NO_MEMORY };

/* A sample that has come.  MLOPS_PIVOT_LATE: too late, left out; MLOPS_PIVOT_FULL: too many wait for their
 * turn. */
enum mlops_pivot_put mlops_pivot_sensor_put(struct mlops_pivot_sensor *sensor,
					    const struct mlops_pivot_grid *grid,
					    const struct mlops_pivot_sample *sample);

/* The next row, if it is certain what is in it; at the end (flush) it always is.  *time is the row's, and
 * values[n_tags] are filled. */
bool mlops_pivot_sensor_next(struct mlops_pivot_sensor *sensor, const struct mlops_pivot_grid *grid,
			     bool flush, int64_t *time, float *values);

#endif
