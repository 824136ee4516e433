/*
 * A reader over a reader: samples of many tags, one a row (time, tag, value, maybe quality), become rows
 * with a column a tag.
 *
 * With `every` rows stand at the multiples of `every` since 1970, and a tag's value is its last one at or
 * before that time unless it is older than `hold`; times at which no tag has a sample
 * that is not older, be it good or bad, have no row.  Without
 * `every` there is a row for each time that a sample has, and a tag without a sample at that time is missing
 * there, or has its last value within `hold`. A sample that is missing or of bad quality makes its tag
 * missing until the next one.
 *
 * Samples are put in the order of their times as long as none is more than `lateness` behind the latest one
 * before it; those that are later than that are left out and counted (counts.late).  Of samples of one tag
 * at one time the last one counts. With an id column each of its values has rows, times and order of its
 * own.  Memory holds what is within `lateness`, and each id's last values.
 *
 * Columns are the time, the id, and the tags: those that are listed, in that order; or else those among the
 * first samples (65,536; of an input that would make us wait, those that are there), in the order of their
 * names.  Samples of other tags are left out and counted (counts.stray), and so are samples without time or
 * tag.
 */
#ifndef MLOPS_ROWS_PIVOT_H
#define MLOPS_ROWS_PIVOT_H

#include "rows/reader.h"

struct mlops_pivot_options {
	/* Names of columns.  NULL for tag, value and quality: tag, tagname, tag_name, signal, variable,
	 * point or name; value, val or reading; quality, status or q, if there is one.  NULL for id:
	 * sensor_id, machine_id or unit, if there is one. */
	const char *id, *tag, *value, *quality;
	const char *const *tags; /* [n_tags] */
	size_t n_tags;
	int64_t every;	  /* microseconds; 0: a row for each time there is */
	int64_t hold;	  /* microseconds; 0: three times every */
	int64_t lateness; /* microseconds */
};

/* As options->pivot says.  reader becomes part of the result; on failure it is freed.  MLOPS_DATA for a
 * column that is not there or cannot be told. */
struct mlops_reader *mlops_pivot_open(struct mlops_reader *reader, const struct mlops_read_options *options,
				      struct mlops_error *error);

#endif
