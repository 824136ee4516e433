/*
 * A validation in the ledger, from the line that says it began to what it came to.
 *
 *	struct mlops_validate_run run;
 *	mlops_validate_run_begin(&run, store, &start, &error);
 *	validation = mlops_flow_validate(...);
 *	mlops_validate_run_end(&run, validation, &error, now, NULL);
 *
 * Data that is not valid is a run that failed, because of invalid_data or insufficient_data; rows by reason,
 * missing shares and drift are kept in any case.
 */
#ifndef MLOPS_FLOW_VALIDATE_RUN_H
#define MLOPS_FLOW_VALIDATE_RUN_H

#include "flow/validate.h"
#include "registry/store.h"

struct mlops_validate_start {
	const char *name;   /* of the model whose data it is */
	const char *source; /* what is read */
	const char *who;
	int64_t now;
	bool database;      /* it comes from one */
};

struct mlops_validate_run {
	struct mlops_store *store;
	struct mlops_run run; /* its strings are start's */
	bool database;
	bool opened; /* the rows were; the caller may say otherwise ahead of the end */
};

bool mlops_validate_run_begin(struct mlops_validate_run *run, struct mlops_store *store,
			      const struct mlops_validate_start *start, struct mlops_error *error);

/* validation NULL: it failed, and failure says why.  What goes wrong with writing goes to error. */
bool mlops_validate_run_end(struct mlops_validate_run *run, const struct mlops_validation *validation,
			    const struct mlops_error *failure, int64_t now, struct mlops_error *error);

#endif
