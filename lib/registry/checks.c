#include "registry/ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_WITH_CHECKS 2

void mlops_checks_release(struct mlops_checks *checks)
{
	for (size_t i = 0; i < checks->n_reasons; i++)
		free(checks->reasons[i].reason);
	for (size_t i = 0; i < checks->n_columns; i++)
		free(checks->columns[i].name);
	free(checks->reasons);
	free(checks->columns);
	*checks = (struct mlops_checks){ .last_time = INT64_MIN };
}

static bool insert_validation(struct mlops_store *store, const char *run, const struct mlops_checks *checks,
			      struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store,
				   "INSERT INTO validations (run, valid, row_count, invalid_rows, last_time) "
				   "VALUES (?, ?, ?, ?, ?)",
				   error);

	mlops_ledger_bind_text(&query, run);
	mlops_ledger_bind_int(&query, checks->valid);
	mlops_ledger_bind_int(&query, (int64_t)checks->rows);
	mlops_ledger_bind_int(&query, (int64_t)checks->invalid_rows);
	if (checks->last_time == INT64_MIN)
		mlops_ledger_bind_text(&query, NULL);
	else
		mlops_ledger_bind_int(&query, checks->last_time);
	return mlops_ledger_done(&query);
}

static bool insert_reason(struct mlops_store *store, const char *run,
			  const struct mlops_checked_reason *reason, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store, "INSERT INTO validation_reasons (run, reason, row_count) VALUES (?, ?, ?)", error);

	mlops_ledger_bind_text(&query, run);
	mlops_ledger_bind_text(&query, reason->reason);
	mlops_ledger_bind_int(&query, (int64_t)reason->rows);
	return mlops_ledger_done(&query);
}

static bool insert_column(struct mlops_store *store, const char *run,
			  const struct mlops_checked_column *column, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"INSERT INTO validation_columns (run, name, missing_ratio, psi, ks) VALUES (?, ?, ?, ?, ?)",
		error);

	mlops_ledger_bind_text(&query, run);
	mlops_ledger_bind_text(&query, column->name);
	mlops_ledger_bind_real(&query, column->missing_ratio);
	mlops_ledger_bind_real(&query, column->psi);
	mlops_ledger_bind_real(&query, column->ks);
	return mlops_ledger_done(&query);
}

bool mlops_embedded_finish_checks(struct mlops_store *store, const struct mlops_run *run,
				  const struct mlops_checks *checks, struct mlops_error *error)
{
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = mlops_ledger_end_run(store, run, error) && insert_validation(store, run->id, checks, error);
	for (size_t i = 0; i < checks->n_reasons && ok; i++)
		ok = insert_reason(store, run->id, &checks->reasons[i], error);
	for (size_t i = 0; i < checks->n_columns && ok; i++)
		ok = insert_column(store, run->id, &checks->columns[i], error);
	return mlops_ledger_end(store, ok, error);
}

static bool read_validation(struct mlops_store *store, const char *name, struct mlops_checks *checks,
			    bool *found, struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store,
				   "SELECT v.run, r.ended, v.valid, v.row_count, v.invalid_rows, "
				   "v.last_time, v.last_time IS NULL"
				   " FROM validations v JOIN runs r ON r.id = v.run WHERE r.name = ? ORDER "
				   "BY r.sequence DESC LIMIT 1",
				   error);

	mlops_ledger_bind_text(&query, name);
	*found = mlops_ledger_row(&query);
	if (*found) {
		char *run = mlops_ledger_text(&query, 0);

		if (run != NULL)
			memcpy(checks->run_id, run, strnlen(run, sizeof checks->run_id - 1));
		free(run);
		checks->ended = mlops_ledger_int(&query, 1);
		checks->valid = mlops_ledger_int(&query, 2) != 0;
		checks->rows = (uint64_t)mlops_ledger_int(&query, 3);
		checks->invalid_rows = (uint64_t)mlops_ledger_int(&query, 4);
		if (mlops_ledger_int(&query, 6) == 0)
			checks->last_time = mlops_ledger_int(&query, 5);
	}
	return mlops_ledger_done(&query);
}

static bool read_reasons(struct mlops_store *store, struct mlops_checks *checks, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store, "SELECT reason, row_count FROM validation_reasons WHERE run = ? ORDER BY reason",
		error);

	mlops_ledger_bind_text(&query, checks->run_id);
	for (struct mlops_checked_reason *reason;
	     (reason = mlops_ledger_row_into(&query, &checks->reasons, &checks->n_reasons, sizeof *reason)) != NULL;) {
		reason->reason = mlops_ledger_text(&query, 0);
		reason->rows = (uint64_t)mlops_ledger_int(&query, 1);
	}
	return mlops_ledger_done(&query);
}

static bool read_columns(struct mlops_store *store, struct mlops_checks *checks, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"SELECT name, missing_ratio, psi, ks FROM validation_columns WHERE run = ? ORDER BY name",
		error);

	mlops_ledger_bind_text(&query, checks->run_id);
	for (struct mlops_checked_column *column;
	     (column = mlops_ledger_row_into(&query, &checks->columns, &checks->n_columns, sizeof *column)) != NULL;) {
		column->name = mlops_ledger_text(&query, 0);
		column->missing_ratio = mlops_ledger_real(&query, 1);
		column->psi = mlops_ledger_real(&query, 2);
		column->ks = mlops_ledger_real(&query, 3);
	}
	return mlops_ledger_done(&query);
}

bool mlops_embedded_last_checks(struct mlops_store *store, const char *name, struct mlops_checks *checks,
				bool *found, struct mlops_error *error)
{
	bool ok;

	*checks = (struct mlops_checks){ .last_time = INT64_MIN };
	*found = false;
	/* An old ledger that may only be read has no such tables yet. */
	if (store->schema < SCHEMA_WITH_CHECKS)
		return true;
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = read_validation(store, name, checks, found, error);
	if (ok && *found)
		ok = read_reasons(store, checks, error) && read_columns(store, checks, error);
	return mlops_ledger_end(store, ok, error);
}
