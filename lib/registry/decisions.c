#include "registry/ledger.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_WITH_DECISIONS 4

void mlops_decision_release(struct mlops_decision *decision)
{
	free(decision->name);
	free(decision->run_id);
	free(decision->decision);
	free(decision->reason);
	free(decision->message);
	free(decision->metric);
	free(decision->challenger_metrics);
	free(decision->champion_metrics);
	free(decision->who);
	memset(decision, 0, sizeof *decision);
}

void mlops_decision_list_release(struct mlops_decision_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_decision_release(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof *list);
}

bool mlops_embedded_add_decision(struct mlops_store *store, const struct mlops_decision *decision, struct mlops_error *error)
{
	struct mlops_ledger_query query;
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	query = mlops_ledger_query(store,
				   "INSERT INTO decisions (name, run_id, challenger, champion, decision, reason, message,"
				   " forced, row_count, metric, challenger_value, champion_value, margin,"
				   " challenger_metrics, champion_metrics, decided, who)"
				   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				   error);
	mlops_ledger_bind_text(&query, decision->name);
	mlops_ledger_bind_text(&query, decision->run_id);
	mlops_ledger_bind_int(&query, decision->challenger);
	mlops_ledger_bind_int(&query, decision->champion);
	mlops_ledger_bind_text(&query, decision->decision);
	mlops_ledger_bind_text(&query, decision->reason);
	mlops_ledger_bind_text(&query, decision->message);
	mlops_ledger_bind_int(&query, decision->forced ? 1 : 0);
	mlops_ledger_bind_int(&query, (int64_t)decision->rows);
	mlops_ledger_bind_text(&query, decision->metric);
	mlops_ledger_bind_real(&query, decision->challenger_value);
	mlops_ledger_bind_real(&query, decision->champion_value);
	mlops_ledger_bind_real(&query, decision->margin);
	mlops_ledger_bind_text(&query, decision->challenger_metrics);
	mlops_ledger_bind_text(&query, decision->champion_metrics);
	mlops_ledger_bind_int(&query, decision->when);
	mlops_ledger_bind_text(&query, decision->who);
	ok = mlops_ledger_done(&query);
	return mlops_ledger_end(store, ok, error);
}

static bool read_decisions(struct mlops_store *store, const char *name, size_t limit,
			   struct mlops_decision_list *decisions, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"SELECT name, run_id, challenger, champion, decision, reason, message, forced, row_count, metric,"
		" challenger_value, champion_value, margin, challenger_metrics, champion_metrics, decided, who"
		" FROM decisions WHERE ?1 IS NULL OR name = ?1 ORDER BY id DESC LIMIT ?2",
		error);

	mlops_ledger_bind_text(&query, name);
	mlops_ledger_bind_int(&query, limit == 0 || limit > INT32_MAX ? -1 : (int64_t)limit);
	for (struct mlops_decision *decision;
	     (decision = mlops_ledger_row_into(&query, &decisions->items, &decisions->n, sizeof *decision)) != NULL;) {
		decision->name = mlops_ledger_text(&query, 0);
		decision->run_id = mlops_ledger_text(&query, 1);
		decision->challenger = mlops_ledger_version(&query, 2);
		decision->champion = mlops_ledger_version(&query, 3);
		decision->decision = mlops_ledger_text(&query, 4);
		decision->reason = mlops_ledger_text(&query, 5);
		decision->message = mlops_ledger_text(&query, 6);
		decision->forced = mlops_ledger_int(&query, 7) != 0;
		decision->rows = (uint64_t)mlops_ledger_int(&query, 8);
		decision->metric = mlops_ledger_text(&query, 9);
		decision->challenger_value = mlops_ledger_real(&query, 10);
		decision->champion_value = mlops_ledger_real(&query, 11);
		decision->margin = mlops_ledger_real(&query, 12);
		decision->challenger_metrics = mlops_ledger_text(&query, 13);
		decision->champion_metrics = mlops_ledger_text(&query, 14);
		decision->when = mlops_ledger_int(&query, 15);
		decision->who = mlops_ledger_text(&query, 16);
	}
	return mlops_ledger_done(&query);
}

bool mlops_embedded_decisions(struct mlops_store *store, const char *name, size_t limit, struct mlops_decision_list *decisions,
			      struct mlops_error *error)
{
	bool ok;

	memset(decisions, 0, sizeof *decisions);
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = (name == NULL || mlops_ledger_know_name(store, name, error)) &&
	     (store->schema < SCHEMA_WITH_DECISIONS || read_decisions(store, name, limit, decisions, error));
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_decision_list_release(decisions);
	return ok;
}
