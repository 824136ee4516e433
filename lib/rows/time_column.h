/*
 * A reader over a reader whose time column needs a word: it is spread over several columns, written in a way
 * of its own, or local time.
 *
 * Several columns become one, called "timestamp", in the place of the first.  Three or more that all hold
 * whole numbers are year, month, day, hour, minute and second, as far as they go.  Others are read as one
 * text, with a space between ("2004-03-10" and "18.00.00").  Where one of them is missing, the time is.
 *
 * Bound as a time the column gives microseconds, bound as a text "2024-01-31T17:00:00Z": always UTC.  What
 * is no time is treated as options->on_error says, like any bad cell.
 */
#ifndef MLOPS_ROWS_TIME_COLUMN_H
#define MLOPS_ROWS_TIME_COLUMN_H

#include "rows/reader.h"

/* As options' time_columns, timezone and time_format say.  reader becomes part of the result; on failure it
 * is freed. No time column: MLOPS_DATA. */
struct mlops_reader *mlops_time_column_open(struct mlops_reader *reader,
					    const struct mlops_read_options *options,
					    struct mlops_error *error);

#endif
