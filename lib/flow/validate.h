/*
 * The road of validation: rows in, in one pass and little memory; what is wrong with them out.
 *
 *	struct mlops_validate_request request = { .reader = reader, .schema = schema, .pool = pool };
 *	struct mlops_validation *validation = mlops_flow_validate(&request, &error);
 *	... validation->valid, mlops_validation_write_findings(...), mlops_validation_write_summary(...) ...
 *	mlops_validation_free(validation);
 *
 * Without a schema the limits of a sensor's course (spike, step, rate, flat, noise, agreement) and the time
 * step are learnt from the first 8,192 rows, with room to spare, and what exceeds them is a warning.  With
 * `learn` nothing is judged by them: the largest that was seen in all rows is what validation->schema allows,
 * again with room to spare.
 *
 * A row is invalid when an error names it.  spike and step know a row's fault one sample later: a row that is
 * more than 4,096 rows back by then is in the finding, but no longer among the invalid rows.  Findings, counts
 * and figures are the same for any number of threads.
 */
#ifndef MLOPS_FLOW_VALIDATE_H
#define MLOPS_FLOW_VALIDATE_H

#include "base/thread.h"
#include "check/drift.h"
#include "check/schema.h"
#include "check/tally.h"
#include "rows/select.h"

/* The rows from first on, valid[i] for each, in order; lines[i] are theirs.  False with an error stops. */
typedef bool mlops_validate_rows(void *context, uint64_t first_row, const uint64_t *lines, const bool *valid,
				 size_t n, struct mlops_error *error);

struct mlops_validate_request {
	struct mlops_reader *reader;               /* not bound yet */
	const struct mlops_select_options *select; /* time, id, ignore; the rest is not used */
	struct mlops_schema *schema;               /* becomes the validation's; NULL: none */
	bool learn;                                /* make a schema of all rows */
	size_t climate_bins;                       /* with learn: 24 hours, 12 months, or 0 */
	const char *const *set; /* [n_set] CHECK.KEY=VALUE, over schema and learnt limits */
	size_t n_set;
	const char *const *checks; /* [n_checks] only these; none: all */
	size_t n_checks;
	bool profile;                                /* figures of every column; else only how many are missing */
	uint64_t min_rows;                           /* over rows.least; 0: not given */
	bool strict;                                 /* warnings are errors */
	const struct mlops_table_profile *reference; /* for drift, or NULL */
	struct mlops_pool *pool;                     /* may be NULL */
	mlops_validate_rows *rows;                   /* may be NULL */
	void *rows_context;
	bool (*progress)(void *context, uint64_t rows); /* may be NULL; false stops with MLOPS_CLOSED */
	void *progress_context;
};

struct mlops_finding {
	enum mlops_rule rule;
	enum mlops_severity severity;
	const char *column;       /* NULL: the table; lives as long as the validation */
	struct mlops_tally tally; /* rows 0: the finding is about all rows */
	char *message;
};

struct mlops_validated_drift {
	const char *column;
	struct mlops_drift figures;
};

struct mlops_validation {
	bool valid;
	uint64_t rows, invalid_rows; /* rows that were left out (skipped) are invalid ones too */
	uint64_t reasons[16];        /* rows by reason, as mlops_rule_reasons has them */
	struct mlops_read_counts counts;
	struct mlops_table_profile *profile;
	struct mlops_schema *schema; /* what was checked, or with learn what was learnt */
	size_t n_findings;
	struct mlops_finding *findings; /* in the order of the rules */
	size_t n_drifts;
	struct mlops_validated_drift *drifts;
	int64_t last_time; /* latest, MLOPS_TIME_MISSING without times */
};

/* Wrong settings and unknown checks: MLOPS_USAGE. */
struct mlops_validation *mlops_flow_validate(const struct mlops_validate_request *request,
					     struct mlops_error *error);
void mlops_validation_free(struct mlops_validation *validation);

/* A line for each finding; a line for each column's profile; the last line. */
void mlops_validation_write_findings(const struct mlops_validation *validation, struct mlops_buffer *out);
void mlops_validation_write_profile(const struct mlops_validation *validation, struct mlops_buffer *out);
void mlops_validation_write_summary(const struct mlops_validation *validation, struct mlops_buffer *out);
/* A test case for each check that was made, as JUnit's XML has it; source is the suite's name. */
void mlops_validation_write_junit(const struct mlops_validation *validation, const char *source,
				  struct mlops_buffer *out);

/* "2 usable rows, at least 3 are needed (--min-rows)": what every tool says of too little data. */
void mlops_validation_say_few(struct mlops_buffer *text, uint64_t rows, uint64_t least);

/* The first error among the findings as a sentence; false when the data is valid.  reason: insufficient_data
 * or invalid_data, as a training's failure has it. */
bool mlops_validation_verdict(const struct mlops_validation *validation, const char *source,
			      const char **reason, struct mlops_error *error);

#endif
