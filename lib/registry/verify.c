#include "registry/ledger.h"

#include <stdio.h>
#include <stdlib.h>

bool mlops_embedded_verify_version(struct mlops_store *store, const struct mlops_version *version,
				   char problem[160], struct mlops_error *error)
{
	return mlops_model_file_check(store, version, problem, error);
}

/* The first row of SQLite's own check: "ok" or what is wrong. */
static bool check_pages(struct mlops_store *store, char problem[160], struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(store, "PRAGMA integrity_check(1)", error);
	char *text = mlops_ledger_row(&query) ? mlops_ledger_text(&query, 0) : NULL;
	bool ok = mlops_ledger_done(&query);

	if (ok && text != NULL && !(text[0] == 'o' && text[1] == 'k' && text[2] == '\0'))
		snprintf(problem, 160, "the ledger is damaged: %.120s", text);
	free(text);
	return ok;
}

static bool check_references(struct mlops_store *store, char problem[160], struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store, "SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1", error);
	char *table = NULL, *parent = NULL;
	bool ok;

	if (mlops_ledger_row(&query)) {
		table = mlops_ledger_text(&query, 0);
		parent = mlops_ledger_text(&query, 1);
	}
	ok = mlops_ledger_done(&query);
	if (ok && table != NULL && parent != NULL)
		snprintf(problem, 160, "the ledger is damaged: %.40s names what is not in %.40s", table,
			 parent);
	free(table);
	free(parent);
	return ok;
}

bool mlops_embedded_verify_ledger(struct mlops_store *store, uint64_t *orphans, char problem[160],
				  struct mlops_error *error)
{
	struct mlops_error damage = MLOPS_ERROR_INIT;
	bool ok;

	problem[0] = '\0';
	*orphans = 0;
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = check_pages(store, problem, &damage) &&
	     (problem[0] != '\0' || check_references(store, problem, &damage));
	if (!ok && damage.code == MLOPS_IO) {
		/* Too damaged for SQLite to say more: that is an answer, too. */
		snprintf(problem, 160, "the ledger is damaged: %.120s", sqlite3_errmsg(store->db));
		ok = true;
	} else if (!ok) {
		mlops_error_set(error, damage.code, "%s", damage.message);
	}
	if (ok && problem[0] == '\0')
		ok = mlops_model_file_orphans(store, INT64_MIN, orphans, error);
	return mlops_ledger_end(store, ok, error);
}
