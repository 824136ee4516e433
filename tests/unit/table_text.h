/*
 * A whole table as text, so that a test compares all that a reader says at once:
 *
 *	temp N, name T
 *	2: 1.5 'abc'
 *	3: - 17#
 *	rows 2
 *
 * Each row is led by its line; - is missing, # marks a bare JSON number.  Counters that are not 0 follow "rows";
 * an error comes last: "data sensors.csv:3: column ...".
 */
#ifndef MLOPS_TESTS_TABLE_TEXT_H
#define MLOPS_TESTS_TABLE_TEXT_H

#include "rows/reader.h"

/* types: a letter a column, N (number), T (text) or X (time), or . to leave it unbound; NULL takes the guesses.
 * The result is the caller's to free. */
char *table_text(struct mlops_source *source, const struct mlops_read_options *options, const char *types);

/* The same for CSV in memory, named "t.csv", length bytes of it. */
char *table_text_of(const char *csv, size_t length, const struct mlops_read_options *options,
		    const char *types);

#endif
