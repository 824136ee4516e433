#include "registry/ledger.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_WITH_RELOADS 3

void mlops_reload_list_release(struct mlops_reload_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].service);
		free(list->items[i].message);
		free(list->items[i].who);
	}
	free(list->items);
	memset(list, 0, sizeof *list);
}

bool mlops_embedded_add_reload(struct mlops_store *store, const struct mlops_reload *reload, struct mlops_error *error)
{
	struct mlops_ledger_query query;
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	query = mlops_ledger_query(
		store, "INSERT INTO reloads (service, started, duration, ok, message, who) VALUES (?, ?, ?, ?, ?, ?)", error);
	mlops_ledger_bind_text(&query, reload->service);
	mlops_ledger_bind_int(&query, reload->started);
	mlops_ledger_bind_int(&query, reload->duration);
	mlops_ledger_bind_int(&query, reload->ok ? 1 : 0);
	mlops_ledger_bind_text(&query, reload->message);
	mlops_ledger_bind_text(&query, reload->who);
	ok = mlops_ledger_done(&query);
	return mlops_ledger_end(store, ok, error);
}

static bool read_reloads(struct mlops_store *store, const char *sql, size_t limit, struct mlops_reload_list *reloads,
			 struct mlops_error *error)
{
	struct mlops_ledger_query query;
	bool ok;

	memset(reloads, 0, sizeof *reloads);
	if (store->schema < SCHEMA_WITH_RELOADS)
		return true;
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	query = mlops_ledger_query(store, sql, error);
	mlops_ledger_bind_int(&query, limit == 0 || limit > INT32_MAX ? -1 : (int64_t)limit);
	for (struct mlops_reload *reload;
	     (reload = mlops_ledger_row_into(&query, &reloads->items, &reloads->n, sizeof *reload)) != NULL;) {
		reload->service = mlops_ledger_text(&query, 0);
		reload->started = mlops_ledger_int(&query, 1);
		reload->duration = mlops_ledger_int(&query, 2);
		reload->ok = mlops_ledger_int(&query, 3) != 0;
		reload->message = mlops_ledger_text(&query, 4);
		reload->who = mlops_ledger_text(&query, 5);
	}
	ok = mlops_ledger_done(&query);
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_reload_list_release(reloads);
	return ok;
}

bool mlops_embedded_reloads(struct mlops_store *store, size_t limit, struct mlops_reload_list *reloads,
			    struct mlops_error *error)
{
	return read_reloads(store,
			    "SELECT service, started, duration, ok, message, who FROM reloads ORDER BY id DESC LIMIT ?",
			    limit, reloads, error);
}

bool mlops_embedded_last_reloads(struct mlops_store *store, struct mlops_reload_list *reloads, struct mlops_error *error)
{
	return read_reloads(store,
			    "SELECT service, started, duration, ok, message, who FROM reloads"
			    " WHERE id IN (SELECT max(id) FROM reloads GROUP BY service, ok)"
			    " ORDER BY service, id DESC LIMIT ?",
			    0, reloads, error);
}
