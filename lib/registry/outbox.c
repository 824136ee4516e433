#include "registry/outbox.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_WITH_OUTBOX 6

_Static_assert(MLOPS_SENT == 4, "model_files.c has it in SQL");

bool mlops_outbox_exists(const struct mlops_store *store)
{
	return store->schema >= SCHEMA_WITH_OUTBOX;
}

void mlops_outbox_run_release(struct mlops_outbox_run *run)
{
	mlops_run_release(&run->run);
	mlops_version_release(&run->version);
}

static void copy_id(char id[33], struct mlops_ledger_query *query, int column)
{
	char *text = mlops_ledger_text(query, column);

	memset(id, 0, 33);
	if (text != NULL)
		memcpy(id, text, strnlen(text, 32));
	free(text);
}

static bool insert_run(struct mlops_store *store, const char *server, const char *id, struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store, "INSERT INTO remote_runs (run, server) VALUES (?, ?)", error);

	mlops_ledger_bind_text(&query, id);
	mlops_ledger_bind_text(&query, server);
	return mlops_ledger_done(&query);
}

bool mlops_outbox_begin_run(struct mlops_store *store, const char *server, struct mlops_run *run,
			    struct mlops_error *error)
{
	char id[33] = "";
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = mlops_ledger_begin_run(store, run, id, error) && insert_run(store, server, id, error);
	ok = mlops_ledger_end(store, ok, error);
	if (ok) {
		memcpy(run->id, id, sizeof run->id);
		run->outcome = MLOPS_RUN_RUNNING;
	}
	return ok;
}

static bool update_version(struct mlops_store *store, const char *id, const struct mlops_version *version,
			   struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"UPDATE remote_runs SET sha256 = ?, size = ?, created = ?, row_count = ?, metrics = ?, settings = ?,"
		" features = ? WHERE run = ?",
		error);

	mlops_ledger_bind_text(&query, version->sha256);
	mlops_ledger_bind_int(&query, (int64_t)version->size);
	mlops_ledger_bind_int(&query, version->created);
	mlops_ledger_bind_int(&query, (int64_t)version->rows);
	mlops_ledger_bind_text(&query, version->metrics == NULL ? "{}" : version->metrics);
	mlops_ledger_bind_text(&query, version->settings == NULL ? "{}" : version->settings);
	mlops_ledger_bind_text(&query, version->features == NULL ? "[]" : version->features);
	mlops_ledger_bind_text(&query, id);
	return mlops_ledger_done(&query);
}

bool mlops_outbox_keep(struct mlops_store *store, const struct mlops_run *run, const struct mlops_version *version,
		       const void *bytes, size_t length, struct mlops_error *error)
{
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = mlops_ledger_end_run(store, run, error) &&
	     mlops_model_file_add(store, bytes, length, version->sha256, error) &&
	     update_version(store, run->id, version, error);
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_model_file_forget(store, version->sha256, NULL);
	return ok;
}

static bool read_run(struct mlops_store *store, const char *id, struct mlops_run *run, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store, "SELECT " LEDGER_RUN_COLUMNS ", " LEDGER_RUN_SENSOR " FROM runs WHERE id = ?", error);
	struct mlops_run_list found = { .n = 0 };
	bool ok;

	mlops_ledger_bind_text(&query, id);
	ok = mlops_ledger_read_runs(&query, &found);
	if (ok && found.n == 1) {
		*run = found.items[0];
		found.n = 0;
	}
	mlops_run_list_release(&found);
	return ok;
}

static bool read_remote(struct mlops_store *store, const char *id, struct mlops_outbox_run *run, bool *found,
			struct mlops_error *error)
{
	struct mlops_version *version = &run->version;
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"SELECT r.sequence, o.remote_id, o.step, o.sha256, o.size, o.created, o.row_count, o.metrics,"
		" o.settings, o.features, r.name, r.kind, r.id"
		" FROM remote_runs o JOIN runs r ON r.id = o.run WHERE o.run = ?",
		error);
	char *sha256;

	mlops_ledger_bind_text(&query, id);
	*found = mlops_ledger_row(&query);
	if (*found) {
		run->sequence = mlops_ledger_int(&query, 0);
		copy_id(run->remote_id, &query, 1);
		run->step = (enum mlops_outbox_step)mlops_ledger_int(&query, 2);
		sha256 = mlops_ledger_text(&query, 3);
		run->has_version = sha256 != NULL;
		if (sha256 != NULL)
			memcpy(version->sha256, sha256, strnlen(sha256, sizeof version->sha256 - 1));
		free(sha256);
		version->size = (uint64_t)mlops_ledger_int(&query, 4);
		version->created = mlops_ledger_int(&query, 5);
		version->rows = (uint64_t)mlops_ledger_int(&query, 6);
		version->metrics = mlops_ledger_text(&query, 7);
		version->settings = mlops_ledger_text(&query, 8);
		version->features = mlops_ledger_text(&query, 9);
		version->name = mlops_ledger_text(&query, 10);
		version->kind = mlops_ledger_text(&query, 11);
		version->run_id = mlops_ledger_text(&query, 12);
	}
	return mlops_ledger_done(&query);
}

bool mlops_outbox_read(struct mlops_store *store, const char *id, struct mlops_outbox_run *run, bool *found,
		       struct mlops_error *error)
{
	bool ok;

	memset(run, 0, sizeof *run);
	*found = false;
	if (!mlops_outbox_exists(store))
		return true;
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = read_remote(store, id, run, found, error) && (!*found || read_run(store, id, &run->run, error));
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_outbox_run_release(run);
	return ok;
}

/* One statement that sets a text, or where that is NULL a number, of the run; in the caller's transaction. */
static bool set_value(struct mlops_store *store, const char *sql, const char *text, int64_t number, const char *id,
		      struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(store, sql, error);

	if (text != NULL)
		mlops_ledger_bind_text(&query, text);
	else
		mlops_ledger_bind_int(&query, number);
	mlops_ledger_bind_text(&query, id);
	return mlops_ledger_done(&query);
}

static bool update(struct mlops_store *store, const char *sql, const char *text, int64_t number, const char *id,
		   struct mlops_error *error)
{
	return mlops_ledger_begin(store, LEDGER_WRITE, error) &&
	       mlops_ledger_end(store, set_value(store, sql, text, number, id, error), error);
}

bool mlops_outbox_set_remote_id(struct mlops_store *store, const char *id, const char *remote_id,
				struct mlops_error *error)
{
	return update(store, "UPDATE remote_runs SET remote_id = ? WHERE run = ?", remote_id, 0, id, error);
}

bool mlops_outbox_set_step(struct mlops_store *store, const char *id, enum mlops_outbox_step step,
			   struct mlops_error *error)
{
	return update(store, "UPDATE remote_runs SET step = ? WHERE run = ?", NULL, step, id, error);
}

/* Both in one transaction. */
static bool update_both(struct mlops_store *store, const char *runs, const char *text, int64_t number,
			const char *remote, int64_t step, const char *id, struct mlops_error *error)
{
	return mlops_ledger_begin(store, LEDGER_WRITE, error) &&
	       mlops_ledger_end(store,
				set_value(store, runs, text, number, id, error) &&
					set_value(store, remote, NULL, step, id, error),
				error);
}

bool mlops_outbox_set_version(struct mlops_store *store, const struct mlops_outbox_run *run, uint32_t version,
			      struct mlops_error *error)
{
	return update_both(store, "UPDATE runs SET version = ? WHERE id = ?", NULL, version,
			   "UPDATE remote_runs SET step = ? WHERE run = ?", MLOPS_SENT, run->run.id, error) &&
	       mlops_model_file_forget(store, run->version.sha256, error);
}

bool mlops_outbox_give_up(struct mlops_store *store, const struct mlops_outbox_run *run, const char *message,
			  struct mlops_error *error)
{
	return update_both(store,
			   "UPDATE runs SET outcome = 'FAILED', reason = 'registry', message = ? WHERE id = ?", message,
			   0, "UPDATE remote_runs SET step = ?, sha256 = NULL WHERE run = ?", MLOPS_UNSENT, run->run.id,
			   error);
}

static bool list_runs(struct mlops_store *store, const char *server, struct mlops_outbox_entry **entries, size_t *n,
		      struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store,
				   "SELECT o.run, r.sequence, o.remote_id IS NOT NULL"
				   " FROM remote_runs o JOIN runs r ON r.id = o.run"
				   " WHERE o.server = ? AND o.step < ? ORDER BY r.sequence",
				   error);

	mlops_ledger_bind_text(&query, server);
	mlops_ledger_bind_int(&query, MLOPS_SENT);
	for (struct mlops_outbox_entry *entry;
	     (entry = mlops_ledger_row_into(&query, entries, n, sizeof *entry)) != NULL;) {
		copy_id(entry->id, &query, 0);
		entry->sequence = mlops_ledger_int(&query, 1);
		entry->begun = mlops_ledger_int(&query, 2) != 0;
	}
	return mlops_ledger_done(&query);
}

bool mlops_outbox_list(struct mlops_store *store, const char *server, struct mlops_outbox_entry **entries, size_t *n,
		       struct mlops_error *error)
{
	bool ok;

	*entries = NULL;
	*n = 0;
	if (!mlops_outbox_exists(store))
		return true;
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = list_runs(store, server, entries, n, error);
	ok = mlops_ledger_end(store, ok, error);
	if (!ok) {
		free(*entries);
		*entries = NULL;
		*n = 0;
	}
	return ok;
}
