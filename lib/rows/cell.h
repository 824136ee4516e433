/*
 * What the readers share about single cells: missing words, and conversion with the caller's policy for bad ones.
 */
#ifndef MLOPS_ROWS_CELL_H
#define MLOPS_ROWS_CELL_H

#include "rows/reader.h"

/* Is it one of the missing words or of options->na (after cutting surrounding spaces)? */
bool mlops_cell_is_missing(const struct mlops_read_options *options, const char *bytes, size_t length);

/* The numbers among options->na, read once so that a reader compares ordinary cells with them cheaply.  *values is the
 * caller's to free; NULL when there are none to keep. */
bool mlops_cell_na_values(const struct mlops_read_options *options, char decimal, float **values, size_t *n_values,
			  struct mlops_error *error);

enum mlops_cell_status { MLOPS_CELL_OK, MLOPS_CELL_NOT_NUMBER, MLOPS_CELL_NOT_FINITE, MLOPS_CELL_NOT_TIME };

/* A number cell: NaN when missing.  decimal is '.' or ','. */
enum mlops_cell_status mlops_cell_to_number(const struct mlops_read_options *options, const char *bytes, size_t length,
					    char decimal, float *value);

/* A time cell: MLOPS_TIME_MISSING when missing. */
enum mlops_cell_status mlops_cell_to_time(const struct mlops_read_options *options, const char *bytes, size_t length,
					  int64_t *value);

/* The sentence for a bad cell, with source and line: `column "temp": 'abc' is not a number`. Returns false. */
bool mlops_cell_error(enum mlops_cell_status status, const char *source, uint64_t line, const char *column,
		      const char *bytes, size_t length, struct mlops_error *error);

#endif
