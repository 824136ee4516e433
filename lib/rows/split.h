/* Which rows are held out for the test. */
#ifndef MLOPS_ROWS_SPLIT_H
#define MLOPS_ROWS_SPLIT_H

#include "rows/dataset.h"

enum mlops_split_how {
	MLOPS_SPLIT_DEFAULT, /* time when any row has one, else random */
	MLOPS_SPLIT_TIME,    /* the latest rows are the test; rows without a time count as earliest */
	MLOPS_SPLIT_RANDOM,  /* drawn with the seed; with a target, each class keeps its share (stratified) */
	MLOPS_SPLIT_GROUP    /* whole machines, drawn with the seed, until the fraction is reached */
};

struct mlops_split {
	uint32_t *train; /* [n_train] ascending row numbers */
	size_t n_train;
	uint32_t *test;  /* [n_test] ascending */
	size_t n_test;
	enum mlops_split_how how; /* what DEFAULT became */
};

/* 0 < fraction < 1: floor(fraction × rows + 0.5) rows go to the test, at least 1, and at least 1 stays (2 rows are needed;
 * MLOPS_DATA otherwise).  fraction == 0: no test.  TIME without times, GROUP without groups or with one: MLOPS_DATA. */
bool mlops_split_rows(const struct mlops_dataset *dataset, enum mlops_split_how how, double fraction, uint64_t seed,
		      struct mlops_split *split, struct mlops_error *error);
void mlops_split_release(struct mlops_split *split);
const char *mlops_split_name(enum mlops_split_how how); /* "time", "random", "group" */

#endif
