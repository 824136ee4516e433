/*
 * From names to columns: which column is the time, which the sensor, which the target, which are features.
 */
#ifndef MLOPS_ROWS_SELECT_H
#define MLOPS_ROWS_SELECT_H

#include "rows/reader.h"

#define MLOPS_NO_COLUMN ((size_t)-1)

struct mlops_select_options {
	/* "none" (unless a column is called so): there is none, and none is looked for. */
	const char *time;   /* NULL: the reader's own, or one called timestamp, time, ts, date or datetime */
	const char *id;     /* NULL: the reader's own, or sensor_id, sensor, tag, machine_id or unit, if there is one */
	const char *target; /* NULL: none */
	/* NULL: every other number column (and text column, if texts), but for row names. */
	const char *const *features;
	size_t n_features;
	const char *const *ignore;   /* columns that are not features, nor time or id without being named so */
	size_t n_ignore;
	bool texts;         /* text columns become features too */
};

struct mlops_selection {
	size_t time, id, target; /* column indices or MLOPS_NO_COLUMN */
	size_t *features;        /* in the order of the list, else of the table */
	size_t n_features;
	size_t *passed_over;     /* text columns that would have been features but for `texts` */
	size_t n_passed_over;
};

/* Default names are matched without regard to case.  An unknown name: MLOPS_DATA, `no column "tmp"; did you mean
 * "temp"?`; no feature left, a name given twice, or a feature that is the target as well: MLOPS_DATA too. */
bool mlops_select(const struct mlops_reader *reader, const struct mlops_select_options *options,
		  struct mlops_selection *selection, struct mlops_error *error);
/* The column that is the time for want of a name, or MLOPS_NO_COLUMN. */
size_t mlops_select_time(const struct mlops_reader *reader);

void mlops_selection_release(struct mlops_selection *selection);

/* Index of the column with exactly this name, or MLOPS_NO_COLUMN; then error (if not NULL) says so, with the nearest name. */
size_t mlops_select_column(const struct mlops_reader *reader, const char *name, struct mlops_error *error);

#endif
