/*
 * Series: the values of one column at regular steps, one series a sensor, cut where a gap is too long to be bridged.
 *
 *	struct mlops_series_columns columns;
 *	mlops_series_select(reader, &select, &columns, &error);
 *	struct mlops_series_options options = { .every = 0 };
 *	struct mlops_series_set *set = mlops_series_read(reader, &columns, &options, &error);
 *	for each set->items[i], for each of its segments s:
 *		values[s.start … s.start + s.length) at s.first_time, s.first_time + set->every, …
 *	mlops_series_free(set);
 *
 * Rows come in the order of the source, all sensors mixed; they are read once, and what is kept is the values
 * (4 bytes a row) and 40 bytes a place where a series leaves its step.
 *
 * The step, without `every`: the most frequent difference between neighbouring times; it must be that of every series.  A
 * time that is not behind the one before it, and a difference that is no multiple of the step, are refused with their line.
 * A row that is absent, and an empty cell, is a missing point.
 *
 * With `every`: the points are the multiples of `every` since 1970, and a point's value is the last one at or before it
 * (not earlier than the point before: that one is missing).  Rows between points are superseded by the last of them; rows
 * that come behind a later one are left out as late; both are counted.  The last point is the last multiple that a row has
 * reached.
 *
 * Missing points take the last value before them where all of them lie within `hold` of it; else the series
 * is cut there, and none is filled.  Missing points at the ends are dropped.
 *
 * Without a time column the rows are one step apart, in order, and set->every is 0.
 *
 * Rows without a time are left out and counted; so are rows without a sensor where they have no value either (with one:
 * MLOPS_DATA).
 */
#ifndef MLOPS_ROWS_SERIES_H
#define MLOPS_ROWS_SERIES_H

#include "rows/select.h"

#define MLOPS_SERIES_HOLD_STEPS 3    /* the default of hold, in steps */
#define MLOPS_SERIES_MOST 100000     /* series in a set */

/* A stretch of a series without a gap. */
struct mlops_segment {
	size_t start, length; /* of the series' values */
	int64_t first_time;   /* microseconds since 1970; without a time column the number of the row, from 0 */
};

struct mlops_series_counts {
	uint64_t rows;       /* read, but for those left out as untimed */
	uint64_t untimed;    /* left out: no time, or neither sensor nor value; of a set only */
	uint64_t late;       /* left out: earlier than a row before them (with every) */
	uint64_t superseded; /* replaced by a later row ahead of the same point (with every) */
	uint64_t missing;    /* empty cells among the others */
	uint64_t filled;     /* points that took the value before them */
	uint64_t gaps;       /* cuts */
};

struct mlops_series {
	char *id;                       /* NUL-terminated; empty when there is no id column */
	float *values;                  /* [n_values] finite; the segments' one behind the other */
	size_t n_values;
	struct mlops_segment *segments; /* [n_segments] ascending in time, each at least one value */
	size_t n_segments;
	struct mlops_series_counts counts;
};

struct mlops_series_set {
	size_t n;
	struct mlops_series *items; /* [n] in order of first appearance; with every, one may have no point at all */
	char *column;               /* the values' name */
	bool has_ids;               /* there is an id column */
	int64_t every;              /* the step in microseconds; 0: no time column */
	struct mlops_series_counts counts; /* of all series together */
	char sha256[65];            /* of names, steps, times and values: the same for CSV and JSON */
};

struct mlops_series_columns {
	size_t time, id; /* column indices or MLOPS_NO_COLUMN */
	size_t value;
};

struct mlops_series_options {
	int64_t every; /* microseconds; 0: the rows must be regular.  Needs a time column */
	int64_t hold;  /* microseconds; 0: MLOPS_SERIES_HOLD_STEPS steps.  Needs a time column */
	bool (*progress)(void *context, uint64_t rows); /* may be NULL; false stops with MLOPS_CLOSED */
	void *progress_context;
};

/*
 * Chooses time, id and the column of values: select->target, or the only number column that is neither time nor id nor
 * to be ignored.  MLOPS_DATA when there is none, or several, which are named then; otherwise as mlops_select.
 */
bool mlops_series_select(const struct mlops_reader *reader, const struct mlops_select_options *select,
			 struct mlops_series_columns *columns, struct mlops_error *error);

/*
 * Binds the columns and reads the reader to its end.  MLOPS_DATA when there is no row, no value or no point; for
 * what the rules above refuse; for more than MLOPS_SERIES_MOST sensors.  MLOPS_USAGE for every or hold without a
 * time column.
 */
struct mlops_series_set *mlops_series_read(struct mlops_reader *reader, const struct mlops_series_columns *columns,
					   const struct mlops_series_options *options, struct mlops_error *error);
void mlops_series_free(struct mlops_series_set *set);

/* A set of one series of another set, which it borrows: it is not to be freed, and of no use when that one is.
 * Counts and checksum are those of the series.  False when memory runs out. */
bool mlops_series_single(const struct mlops_series_set *set, size_t i, struct mlops_series_set *single,
			 struct mlops_error *error);

/* Time of the value number i (below length) of a segment. */
static inline int64_t mlops_segment_time(const struct mlops_series_set *set, const struct mlops_segment *segment, size_t i)
{
	return segment->first_time + (int64_t)i * (set->every > 0 ? set->every : 1);
}

#endif
