/*
 * The inside of series.h: one series while its rows come in, and how it becomes segments.
 *
 * Without `every` the step is known at the end only.  Until then rows are kept as runs, stretches of equal
 * differences, so that a regular series costs its values and one run.  With `every`, and without times, the
 * segments are made at once.
 */
#ifndef MLOPS_ROWS_SERIES_GROW_H
#define MLOPS_ROWS_SERIES_GROW_H

#include "rows/series.h"

/* Rows start … of the next run's start, at first_time + i * step. */
struct mlops_series_run {
	int64_t first_time;
	uint64_t step;        /* 0 while it has one row */
	size_t start;         /* of the raw values */
	uint64_t line;        /* of the first row */
	uint64_t second_line; /* of the second, which made the step */
};

struct mlops_series_growing {
	struct mlops_series series;
	/* segments in the making */
	size_t value_room, segment_room;
	uint64_t most;     /* so many missing points are filled */
	uint64_t missing;  /* since the last value */
	float last;
	bool open;         /* a value was put */
	/* without every: NaN where missing */
	float *raw;
	size_t n_raw, raw_room;
	struct mlops_series_run *runs;
	size_t n_runs, run_room;
	int64_t last_time; /* of the last row */
	/* every: the last value and the point that it belongs to.  Without times: the number of the row */
	int64_t point;
	float value;
	bool started, valued;
};

/* Appends a point at time, behind growing->missing missing ones; NaN is a missing point. */
bool mlops_series_put(struct mlops_series_growing *growing, float value, int64_t time, struct mlops_error *error);

/* A row of a series without every: MLOPS_DATA when its time is not behind the last one. */
bool mlops_series_take_regular(struct mlops_series_growing *growing, int64_t time, float value, uint64_t line,
			       const char *source, struct mlops_error *error);

/* A row of a series that is brought to multiples of every. */
bool mlops_series_take_resampled(struct mlops_series_growing *growing, int64_t time, float value, int64_t every,
				 struct mlops_error *error);
/* The last point, where a row has reached it. */
bool mlops_series_end_resampled(struct mlops_series_growing *growing, struct mlops_error *error);

/* The step of n series without every, 0 when no series has two rows; MLOPS_DATA when they differ. */
bool mlops_series_find_step(const struct mlops_series_growing *items, size_t n, const char *source, uint64_t *step,
			    struct mlops_error *error);

/* From runs to segments, the raw values are freed; MLOPS_DATA when a difference is no multiple of step. */
bool mlops_series_regularise(struct mlops_series_growing *growing, uint64_t step, const char *source,
			     struct mlops_error *error);

#endif
