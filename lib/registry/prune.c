#include "registry/ledger.h"

#include <string.h>

#define ORPHAN_AGE (INT64_C(3600) * 1000000)

/* Not the keep newest, nor what an alias names, nor the champion that a rollback would go back to. */
static bool find_removable(struct mlops_store *store, int64_t model, size_t keep,
			   struct mlops_version_list *removed, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"SELECT " LEDGER_VERSION_COLUMNS " FROM versions v JOIN models m ON m.id = v.model"
		" WHERE v.model = ?1"
		" AND v.version NOT IN (SELECT version FROM versions WHERE model = ?1"
		"  ORDER BY version DESC LIMIT ?2)"
		" AND v.version NOT IN (SELECT version FROM aliases WHERE model = ?1)"
		" AND v.version IS NOT (SELECT version FROM promotions WHERE model = ?1 AND version IS NOT"
		"  (SELECT version FROM aliases WHERE model = ?1 AND alias = 'champion')"
		"  ORDER BY id DESC LIMIT 1)"
		" ORDER BY v.version",
		error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_int(&query, keep > UINT32_MAX ? (int64_t)UINT32_MAX : (int64_t)keep);
	return mlops_ledger_read_versions(&query, removed);
}

static bool delete_versions(struct mlops_store *store, int64_t model,
			    const struct mlops_version_list *removed, struct mlops_error *error)
{
	for (size_t i = 0; i < removed->n; i++) {
		struct mlops_ledger_query query = mlops_ledger_query(
			store, "DELETE FROM versions WHERE model = ? AND version = ?", error);

		mlops_ledger_bind_int(&query, model);
		mlops_ledger_bind_int(&query, removed->items[i].version);
		if (!mlops_ledger_done(&query))
			return false;
	}
	return true;
}

/* Files go after the ledger has forgotten them: whoever is killed in between leaves orphans, never a version
 * without file. */
static bool delete_files(struct mlops_store *store, const struct mlops_version_list *removed, int64_t now,
			 struct mlops_error *error)
{
	bool ok;

	for (size_t i = 0; i < removed->n; i++) {
		if (!mlops_model_file_forget(store, removed->items[i].sha256, error))
			return false;
	}
	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = mlops_model_file_orphans(store, now - ORPHAN_AGE, NULL, error);
	return mlops_ledger_end(store, ok, error);
}

bool mlops_embedded_prune(struct mlops_store *store, const char *name, size_t keep, int64_t now, bool dry_run,
			  struct mlops_version_list *removed, struct mlops_error *error)
{
	int64_t model;
	bool ok;

	memset(removed, 0, sizeof *removed);
	if (!mlops_ledger_begin(store, dry_run ? LEDGER_READ : LEDGER_WRITE, error))
		return false;
	ok = mlops_ledger_find_model(store, name, &model, error) &&
	     find_removable(store, model, keep, removed, error) &&
	     (dry_run || delete_versions(store, model, removed, error));
	ok = mlops_ledger_end(store, ok, error);
	ok = ok && (dry_run || delete_files(store, removed, now, error));
	if (!ok)
		mlops_version_list_release(removed);
	return ok;
}
