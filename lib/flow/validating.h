/* What the files of validation share: one validation while it runs. */
#ifndef MLOPS_FLOW_VALIDATING_H
#define MLOPS_FLOW_VALIDATING_H

#include "check/sensor.h"
#include "check/sensor_time.h"
#include "check/unique.h"
#include "flow/rows_batch.h"
#include "flow/validate.h"

#define MLOPS_VERDICT_LAG 4096 /* rows that wait for what is known later */

/* Rows that an error names, until the batch is done. */
struct mlops_fault {
	uint64_t row;
	unsigned reason; /* number in mlops_rule_reasons */
};

struct mlops_fault_list {
	size_t n, room;
	struct mlops_fault *items;
	bool failed; /* memory ran out */
};

struct mlops_validated_column {
	const char *name;
	size_t index; /* of the batch */
	bool is_text;
	bool known; /* the schema has it */
	struct mlops_schema_column *schema;
	/* numbers */
	struct mlops_column_profile *profile;
	struct mlops_sensor_extremes extremes;
	float climate_least[MLOPS_CLIMATE_BINS], climate_most[MLOPS_CLIMATE_BINS];
	uint64_t climate_values[MLOPS_CLIMATE_BINS];
	/* texts */
	struct mlops_dictionary *texts;
	struct mlops_dictionary *allowed;
	uint64_t *counts;
	uint64_t missing, other;
	uint8_t *registers;
	struct mlops_unique *unique;
	bool repeats; /* a value came twice; with learn */
	struct mlops_tally tallies[MLOPS_RULES];
	struct mlops_fault_list faults;
};

struct mlops_validated_pair {
	size_t first, second; /* columns */
	double least, most;   /* limits */
	double seen_least, seen_most;
	uint64_t apart; /* rows on end */
	struct mlops_tally tally;
	struct mlops_fault_list faults;
};

struct mlops_series {
	uint64_t rows;
	struct mlops_time_state times;
	struct mlops_sensor_state *sensors; /* [n_columns] */
};

/* Scratch of one worker. */
struct mlops_validating_scratch {
	float values[MLOPS_SENSOR_HALO + MLOPS_BATCH_ROWS];
	double seconds[MLOPS_BATCH_ROWS];
	uint32_t at[MLOPS_BATCH_ROWS];
	bool failed;
};

struct mlops_validating {
	const struct mlops_validate_request *request;
	struct mlops_validation *validation;
	struct mlops_schema *schema;
	struct mlops_rows_batch *batch;
	bool *is_text; /* [n_columns] */
	struct mlops_validated_column *columns;
	size_t n_columns;
	struct mlops_validated_pair *pairs;
	size_t n_pairs;
	struct mlops_series *series;
	size_t n_series, most_series;
	struct mlops_validating_scratch *scratch; /* [workers] */
	unsigned workers;
	bool profiled;        /* the columns' figures are wanted */
	bool self_taught;                        /* limits come from the first rows */
	bool muted;                              /* only the most that is seen counts */
	int64_t gap;                             /* microseconds that are no gap */
	struct mlops_tally tallies[MLOPS_RULES]; /* of the table */
	struct mlops_fault_list faults;          /* of times, marks and sensors */
	uint8_t *bins;                           /* [MLOPS_BATCH_ROWS] hour or month of each row, 255: none */
	size_t climate_bins;                     /* that some column has, or that are learnt */
	uint16_t *verdicts;                      /* ring of rows: bit i: reason i */
	uint64_t judged;                         /* rows that were handed on */
	uint64_t *lines;                         /* ring of their lines */
};

/* validate_columns.c: a batch's rows; tasks of the pool. */
void mlops_validating_check_column(struct mlops_validating *v, size_t column,
				   struct mlops_validating_scratch *scratch);
void mlops_validating_check_sensors(struct mlops_validating *v, size_t column,
				    struct mlops_validating_scratch *scratch);
void mlops_validating_check_pair(struct mlops_validating *v, size_t pair);
void mlops_validating_check_times(struct mlops_validating *v);
void mlops_validating_add_fault(struct mlops_validating *v, struct mlops_tally *tally,
				struct mlops_fault_list *faults, enum mlops_rule rule,
				enum mlops_severity severity, uint64_t row, uint64_t line, double value,
				double excess);
uint64_t mlops_validating_hash(const void *bytes, size_t length);

/* validate_learn.c: limits from the first batch; pairs that agree in it; the schema at the end. */
bool mlops_validating_learn_first(struct mlops_validating *v, struct mlops_error *error);
bool mlops_validating_learn_all(struct mlops_validating *v, struct mlops_error *error);

/* validate_find.c: findings from the tallies. */
bool mlops_validating_find(struct mlops_validating *v, struct mlops_error *error);

#endif
