#include "flow/validate_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *unchanged(const char *text)
{
	return (char *)(uintptr_t)text;
}

bool mlops_validate_run_begin(struct mlops_validate_run *run, struct mlops_store *store,
			      const struct mlops_validate_start *start, struct mlops_error *error)
{
	run->store = store;
	run->database = start->database;
	run->opened = true;
	run->run = (struct mlops_run){
		.name = unchanged(start->name),
		.action = unchanged("validate"),
		.source = unchanged(start->source),
		.who = unchanged(start->who),
		.started = start->now,
	};
	return mlops_store_begin_run(store, &run->run, error);
}

static double psi_of(const struct mlops_validation *validation, const char *column, double *ks)
{
	*ks = NAN;
	for (size_t i = 0; i < validation->n_drifts; i++)
		if (strcmp(validation->drifts[i].column, column) == 0) {
			*ks = validation->drifts[i].figures.ks;
			return validation->drifts[i].figures.psi;
		}
	return NAN;
}

static bool keep(struct mlops_validate_run *run, const struct mlops_validation *validation,
		 struct mlops_error *error)
{
	const struct mlops_table_profile *profile = validation->profile;
	struct mlops_checks checks = { .valid = validation->valid,
				       .rows = validation->rows,
				       .invalid_rows = validation->invalid_rows,
				       .last_time = validation->last_time };
	bool ok;

	while (mlops_rule_reasons[checks.n_reasons] != NULL)
		checks.n_reasons++;
	checks.n_columns = profile->n_columns;
	checks.reasons = calloc(checks.n_reasons, sizeof *checks.reasons);
	checks.columns = calloc(checks.n_columns + 1, sizeof *checks.columns);
	ok = (checks.reasons != NULL && checks.columns != NULL) || mlops_error_set_memory(error);
	for (size_t i = 0; i < checks.n_reasons && ok; i++)
		checks.reasons[i] = (struct mlops_checked_reason){ unchanged(mlops_rule_reasons[i]),
								   validation->reasons[i] };
	for (size_t i = 0; i < checks.n_columns && ok; i++) {
		const struct mlops_profiled_column *column = &profile->columns[i];
		struct mlops_checked_column *checked = &checks.columns[i];

		checked->name = column->name;
		checked->missing_ratio =
			column->rows > 0 ? (double)column->missing / (double)column->rows : 0;
		checked->psi = psi_of(validation, column->name, &checked->ks);
	}
	ok = ok && mlops_store_finish_checks(run->store, &run->run, &checks, error);
	free(checks.reasons);
	free(checks.columns);
	return ok;
}

bool mlops_validate_run_end(struct mlops_validate_run *run, const struct mlops_validation *validation,
			    const struct mlops_error *failure, int64_t now, struct mlops_error *error)
{
	struct mlops_error verdict = MLOPS_ERROR_INIT;
	const char *reason = NULL;
	bool ok;

	run->run.ended = now;
	run->run.outcome = MLOPS_RUN_FINISHED;
	if (validation == NULL) {
		run->run.outcome = MLOPS_RUN_FAILED;
		run->run.reason = unchanged(mlops_run_failure_reason(failure, run->database, run->opened));
		run->run.message = unchanged(failure->message);
		return mlops_store_end_run(run->store, &run->run, error);
	}
	run->run.rows = validation->rows;
	if (!mlops_validation_verdict(validation, run->run.source, &reason, &verdict)) {
		run->run.outcome = MLOPS_RUN_FAILED;
		run->run.reason = unchanged(reason);
		run->run.message = verdict.message;
	}
	ok = keep(run, validation, error);
	run->run.message = NULL;
	return ok;
}
