#include "registry/ledger.h"

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mlops_version_release(struct mlops_version *version)
{
	free(version->name);
	free(version->kind);
	free(version->run_id);
	free(version->metrics);
	free(version->settings);
	free(version->features);
	free(version->aliases);
	memset(version, 0, sizeof *version);
}

void mlops_version_list_release(struct mlops_version_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_version_release(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof *list);
}

bool mlops_ledger_find_model(struct mlops_store *store, const char *name, int64_t *model,
			     struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store, "SELECT id FROM models WHERE name = ?", error);
	char quoted[MLOPS_TEXT_QUOTED], hint[128];
	bool found;

	mlops_ledger_bind_text(&query, name);
	found = mlops_ledger_row(&query);
	*model = found ? mlops_ledger_int(&query, 0) : 0;
	if (!mlops_ledger_done(&query))
		return false;
	if (found)
		return true;
	query = mlops_ledger_query(store, "SELECT name FROM models ORDER BY name", error);
	mlops_ledger_nearest(&query, name, hint);
	return mlops_error_set(error, MLOPS_DATA, "model '%s' is not in the registry%s",
			       mlops_text_mask(quoted, name, strlen(name)), hint);
}

/* 0 when the model has no versions (any more). */
static bool newest_version(struct mlops_store *store, int64_t model, uint32_t *version,
			   struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store, "SELECT coalesce(max(version), 0) FROM versions WHERE model = ?", error);

	mlops_ledger_bind_int(&query, model);
	*version = mlops_ledger_row(&query) ? mlops_ledger_version(&query, 0) : 0;
	return mlops_ledger_done(&query);
}

bool mlops_ledger_find_version(struct mlops_store *store, int64_t model, const char *name, uint32_t version,
			       struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store, "SELECT 1 FROM versions WHERE model = ? AND version = ?", error);
	char quoted[MLOPS_TEXT_QUOTED];
	uint32_t newest;
	bool found;

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_int(&query, version);
	found = mlops_ledger_row(&query);
	if (!mlops_ledger_done(&query))
		return false;
	if (found)
		return true;
	if (!newest_version(store, model, &newest, error))
		return false;
	mlops_text_mask(quoted, name, strlen(name));
	if (newest == 0)
		return mlops_error_set(error, MLOPS_DATA,
				       "model '%s' has no version %u: all its versions are deleted", quoted,
				       version);
	return mlops_error_set(error, MLOPS_DATA, "model '%s' has no version %u; the newest is %u", quoted,
			       version, newest);
}

/* The next version number of name, which becomes a model if it is none yet. */
static bool take_number(struct mlops_store *store, struct mlops_version *version, int64_t *model,
			uint32_t *number, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED], quoted_kind[MLOPS_TEXT_QUOTED], other_kind[MLOPS_TEXT_QUOTED];
	struct mlops_ledger_query query =
		mlops_ledger_query(store,
				   "INSERT INTO models (name, kind, newest) VALUES (?, ?, 1)"
				   " ON CONFLICT (name) DO UPDATE SET newest = newest + 1"
				   " RETURNING id, newest, kind",
				   error);
	int64_t newest = 0;
	char *kind = NULL;
	bool ok;

	mlops_ledger_bind_text(&query, version->name);
	mlops_ledger_bind_text(&query, version->kind);
	if (mlops_ledger_row(&query)) {
		*model = mlops_ledger_int(&query, 0);
		newest = mlops_ledger_int(&query, 1);
		kind = mlops_ledger_text(&query, 2);
	}
	ok = mlops_ledger_done(&query);
	mlops_text_mask(quoted, version->name, strlen(version->name));
	if (ok && strcmp(kind, version->kind) != 0)
		ok = mlops_error_set(error, MLOPS_DATA,
				     "model '%s' is of the kind %s, not %s; choose another name", quoted,
				     mlops_text_mask(other_kind, kind, strlen(kind)),
				     mlops_text_mask(quoted_kind, version->kind, strlen(version->kind)));
	if (ok && newest > UINT32_MAX)
		ok = mlops_error_set(error, MLOPS_DATA,
				     "model '%s' has had %u versions, no more are possible", quoted,
				     UINT32_MAX);
	*number = (uint32_t)newest;
	free(kind);
	return ok;
}

static bool check_run(struct mlops_store *store, const char *run_id, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(store, "SELECT 1 FROM runs WHERE id = ?", error);
	char quoted[MLOPS_TEXT_QUOTED];
	bool found;

	mlops_ledger_bind_text(&query, run_id);
	found = mlops_ledger_row(&query);
	return mlops_ledger_done(&query) &&
	       (found || mlops_error_set(error, MLOPS_DATA, "run '%s' is not in the registry",
					 mlops_text_mask(quoted, run_id, strlen(run_id))));
}

static bool insert_version(struct mlops_store *store, int64_t model, uint32_t number,
			   const struct mlops_version *version, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"INSERT INTO versions"
		" (model, version, sha256, size, created, run_id, row_count, metrics, settings, features)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_int(&query, number);
	mlops_ledger_bind_text(&query, version->sha256);
	mlops_ledger_bind_int(&query, (int64_t)version->size);
	mlops_ledger_bind_int(&query, version->created);
	mlops_ledger_bind_text(&query, version->run_id);
	mlops_ledger_bind_int(&query, (int64_t)version->rows);
	mlops_ledger_bind_text(&query, version->metrics == NULL ? "{}" : version->metrics);
	mlops_ledger_bind_text(&query, version->settings == NULL ? "{}" : version->settings);
	mlops_ledger_bind_text(&query, version->features == NULL ? "[]" : version->features);
	return mlops_ledger_done(&query);
}

static bool end_run(struct mlops_store *store, const struct mlops_run *run, uint32_t version,
		    struct mlops_error *error)
{
	struct mlops_run ended;

	if (run == NULL)
		return true;
	ended = *run;
	ended.version = version;
	return mlops_ledger_end_run(store, &ended, error);
}

/* run: to be ended in the same transaction, or NULL. */
static bool add_version(struct mlops_store *store, struct mlops_version *version, const struct mlops_run *run,
			const void *bytes, size_t length, struct mlops_error *error)
{
	bool file_added = false;
	uint32_t number = 0;
	int64_t model = 0;
	bool ok;

	if (!mlops_reference_check_name(version->name, error))
		return false;
	mlops_sha256_of(bytes, length, version->sha256);
	version->size = length;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = take_number(store, version, &model, &number, error) &&
	     (version->run_id == NULL || check_run(store, version->run_id, error));
	if (ok) {
		file_added = true;
		ok = mlops_model_file_add(store, bytes, length, version->sha256, error) &&
		     insert_version(store, model, number, version, error) &&
		     end_run(store, run, number, error);
	}
	ok = mlops_ledger_end(store, ok, error);
	if (ok)
		version->version = number;
	else if (file_added)
		mlops_model_file_forget(store, version->sha256, NULL);
	return ok;
}

bool mlops_embedded_add_version(struct mlops_store *store, struct mlops_version *version, const void *bytes,
				size_t length, struct mlops_error *error)
{
	return add_version(store, version, NULL, bytes, length, error);
}

bool mlops_embedded_finish_run(struct mlops_store *store, struct mlops_run *run, struct mlops_version *version,
			       const void *bytes, size_t length, struct mlops_error *error)
{
	if (!add_version(store, version, run, bytes, length, error))
		return false;
	run->version = version->version;
	return true;
}

bool mlops_ledger_read_versions(struct mlops_ledger_query *query, struct mlops_version_list *versions)
{
	for (struct mlops_version *version;
	     (version = mlops_ledger_row_into(query, &versions->items, &versions->n, sizeof *version)) != NULL;) {
		char *sha256;

		version->name = mlops_ledger_text(query, 0);
		version->version = mlops_ledger_version(query, 1);
		version->kind = mlops_ledger_text(query, 2);
		sha256 = mlops_ledger_text(query, 3);
		if (sha256 != NULL)
			snprintf(version->sha256, sizeof version->sha256, "%s", sha256);
		free(sha256);
		version->size = (uint64_t)mlops_ledger_int(query, 4);
		version->created = mlops_ledger_int(query, 5);
		version->run_id = mlops_ledger_text(query, 6);
		version->rows = (uint64_t)mlops_ledger_int(query, 7);
		version->metrics = mlops_ledger_text(query, 8);
		version->settings = mlops_ledger_text(query, 9);
		version->features = mlops_ledger_text(query, 10);
		version->aliases = mlops_ledger_text(query, 11);
		version->champion = mlops_ledger_int(query, 12) != 0;
	}
	return mlops_ledger_done(query);
}

static bool read_versions(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			  struct mlops_error *error)
{
	struct mlops_ledger_query query;
	int64_t model;

	if (name != NULL && !mlops_ledger_find_model(store, name, &model, error))
		return false;
	query = mlops_ledger_query(store,
				   "SELECT " LEDGER_VERSION_COLUMNS
				   " FROM versions v JOIN models m ON m.id = v.model"
				   " WHERE ?1 IS NULL OR m.name = ?1 ORDER BY m.name, v.version",
				   error);
	mlops_ledger_bind_text(&query, name);
	return mlops_ledger_read_versions(&query, versions);
}

bool mlops_embedded_versions(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			     struct mlops_error *error)
{
	bool ok;

	memset(versions, 0, sizeof *versions);
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = read_versions(store, name, versions, error);
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_version_list_release(versions);
	return ok;
}

void mlops_version_list_keep_champions(struct mlops_version_list *versions)
{
	size_t kept = 0;

	for (size_t i = 0; i < versions->n; i++) {
		if (versions->items[i].champion)
			versions->items[kept++] = versions->items[i];
		else
			mlops_version_release(&versions->items[i]);
	}
	versions->n = kept;
}

bool mlops_embedded_champions(struct mlops_store *store, struct mlops_version_list *versions, struct mlops_error *error)
{
	bool ok = mlops_embedded_versions(store, NULL, versions, error);

	if (ok)
		mlops_version_list_keep_champions(versions);
	return ok;
}

static bool set_no_alias(struct mlops_store *store, int64_t model, const struct mlops_reference *reference,
			 struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED], quoted_alias[MLOPS_TEXT_QUOTED], hint[128];
	struct mlops_ledger_query query;
	uint32_t newest;

	mlops_text_mask(quoted, reference->name, strlen(reference->name));
	if (strcmp(reference->alias, MLOPS_CHAMPION) == 0) {
		if (!newest_version(store, model, &newest, error))
			return false;
		return mlops_error_set(error, MLOPS_DATA,
				       "model '%s' has no champion; promote a version (the newest is %u)",
				       quoted, newest);
	}
	query = mlops_ledger_query(store, "SELECT alias FROM aliases WHERE model = ? ORDER BY alias", error);
	mlops_ledger_bind_int(&query, model);
	mlops_ledger_nearest(&query, reference->alias, hint);
	return mlops_error_set(error, MLOPS_DATA, "model '%s' has no alias '%s'%s", quoted,
			       mlops_text_mask(quoted_alias, reference->alias, strlen(reference->alias)),
			       hint);
}

static bool resolve(struct mlops_store *store, const struct mlops_reference *reference,
		    struct mlops_version_list *found, struct mlops_error *error)
{
	struct mlops_ledger_query query;
	int64_t model;

	if (!mlops_ledger_find_model(store, reference->name, &model, error))
		return false;
	if (reference->version != 0 &&
	    !mlops_ledger_find_version(store, model, reference->name, reference->version, error))
		return false;
	query = mlops_ledger_query(store,
				   "SELECT " LEDGER_VERSION_COLUMNS
				   " FROM versions v JOIN models m ON m.id = v.model"
				   " WHERE v.model = ?1 AND v.version = CASE WHEN ?2 > 0 THEN ?2"
				   " ELSE (SELECT version FROM aliases WHERE model = ?1 AND alias = ?3) END",
				   error);
	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_int(&query, reference->version);
	mlops_ledger_bind_text(&query, reference->alias);
	if (!mlops_ledger_read_versions(&query, found))
		return false;
	return found->n > 0 || set_no_alias(store, model, reference, error);
}

bool mlops_embedded_resolve(struct mlops_store *store, const struct mlops_reference *reference,
			    struct mlops_version *version, struct mlops_error *error)
{
	struct mlops_version_list found = { 0 };
	char quoted[MLOPS_TEXT_QUOTED];
	bool ok;

	memset(version, 0, sizeof *version);
	if (reference->is_path)
		return mlops_error_set(error, MLOPS_USAGE, "'%s' is a file, not a model in the registry",
				       mlops_text_mask(quoted, reference->path, strlen(reference->path)));
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = resolve(store, reference, &found, error);
	ok = mlops_ledger_end(store, ok, error);
	if (ok) {
		*version = found.items[0];
		found.n = 0;
	}
	mlops_version_list_release(&found);
	return ok;
}

bool mlops_embedded_champion(struct mlops_store *store, const char *name, struct mlops_version *version,
			     struct mlops_error *error)
{
	struct mlops_version_list found = { 0 };
	struct mlops_ledger_query query;
	bool ok;

	memset(version, 0, sizeof *version);
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	query = mlops_ledger_query(store,
				   "SELECT " LEDGER_VERSION_COLUMNS " FROM versions v JOIN models m ON m.id = v.model"
				   " JOIN aliases c ON c.model = v.model AND c.version = v.version"
				   " WHERE m.name = ? AND c.alias = '" MLOPS_CHAMPION "'",
				   error);
	mlops_ledger_bind_text(&query, name);
	ok = mlops_ledger_read_versions(&query, &found);
	ok = mlops_ledger_end(store, ok, error);
	if (ok && found.n > 0) {
		*version = found.items[0];
		found.n = 0;
	}
	mlops_version_list_release(&found);
	return ok;
}

static bool check_loaded(const struct mlops_version *version, const char *path, const char *bytes,
			 size_t length, struct mlops_error *error)
{
	char sha256[MLOPS_SHA256_TEXT];

	mlops_sha256_of(bytes, length, sha256);
	if (length == version->size && strcmp(sha256, version->sha256) == 0)
		return true;
	return mlops_error_set(error, MLOPS_NEGATIVE,
			       "%s: %zu bytes with SHA-256 %.16s…, not the %llu bytes with %.16s… that "
			       "were registered",
			       path, length, sha256, (unsigned long long)version->size, version->sha256);
}

bool mlops_embedded_load(struct mlops_store *store, const struct mlops_version *version,
			 struct mlops_buffer *bytes, struct mlops_error *error)
{
	char *path = mlops_model_file_path(store, version->sha256, error);
	size_t before = bytes->length;
	bool ok;

	if (path == NULL)
		return false;
	ok = mlops_file_read(path, SIZE_MAX / 2, bytes, error);
	ok = ok && check_loaded(version, path, bytes->data + before, bytes->length - before, error);
	if (!ok)
		bytes->length = before;
	free(path);
	return ok;
}
