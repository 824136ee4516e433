/*
 * Inside the registry: the SQLite ledger and the model files below it.  Only lib/registry includes this.  A store on a
 * server has one too, for what it remembers; where nothing may be written, that is a ledger in memory.
 *
 * Every public call is one transaction, begun and ended here:
 *
 *	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
 *		return false;
 *	ok = ...;
 *	return mlops_ledger_end(store, ok, error);
 *
 * A writing transaction takes the ledger's write lock at once (BEGIN IMMEDIATE), so it waits for other writers
 * in one place only and cannot deadlock with them.  Model files are added and deleted under that lock too: whoever
 * holds it may trust that a file that no version names is an orphan, and that a file it found there stays.
 *
 * A statement is bound, stepped and closed; the first thing that goes wrong stays in error until the end:
 *
 *	struct mlops_ledger_query query =
 *		mlops_ledger_query(store, "SELECT kind FROM models WHERE name = ?", error);
 *	mlops_ledger_bind_text(&query, name);
 *	if (mlops_ledger_row(&query))
 *		kind = mlops_ledger_text(&query, 0);
 *	return mlops_ledger_done(&query);
 */
#ifndef MLOPS_REGISTRY_LEDGER_H
#define MLOPS_REGISTRY_LEDGER_H

#include "registry/backend.h"

#include <sqlite3.h>

struct mlops_store {
	const struct mlops_store_operations *operations;
	struct mlops_remote *remote; /* registry/remote.h; NULL in the embedded store */
	sqlite3 *db;
	char *location; /* the directory, as it was given */
	char *path;     /* of the ledger */
	bool write;
	unsigned busy_seconds;
	int64_t schema; /* of the ledger: older than the program's where it is only read */
	int running_fd; /* of DIR/running, or -1 */
};

/* An empty one that is gone when the store is closed.  Nothing is looked for in location but other files. */
struct mlops_store *mlops_ledger_open_memory(const char *location, struct mlops_error *error);

enum mlops_ledger_mode { LEDGER_READ, LEDGER_WRITE };

bool mlops_ledger_begin(struct mlops_store *store, enum mlops_ledger_mode mode, struct mlops_error *error);

/* Commits when ok, else rolls back; returns whether the transaction is committed. */
bool mlops_ledger_end(struct mlops_store *store, bool ok, struct mlops_error *error);

/* What SQLite's result means to the caller; always false. */
bool mlops_ledger_set_error(struct mlops_store *store, int result, struct mlops_error *error);

struct mlops_ledger_query {
	struct mlops_store *store;
	sqlite3_stmt *statement;
	struct mlops_error *error;
	int bound;   /* parameters so far */
	bool ended;  /* no more rows */
	bool failed;
};

struct mlops_ledger_query mlops_ledger_query(struct mlops_store *store, const char *sql,
					     struct mlops_error *error);

/* Each binds the next parameter.  The text must live until mlops_ledger_done; NULL binds NULL. */
void mlops_ledger_bind_text(struct mlops_ledger_query *query, const char *text);
void mlops_ledger_bind_int(struct mlops_ledger_query *query, int64_t value);
void mlops_ledger_bind_real(struct mlops_ledger_query *query, double value); /* NaN binds NULL */

/* Steps; true when there is a row. */
bool mlops_ledger_row(struct mlops_ledger_query *query);

/* Steps to the end and closes; false when anything failed since the start. */
bool mlops_ledger_done(struct mlops_ledger_query *query);

/* A column of the current row, allocated; NULL for NULL and when memory runs out (then the query fails). */
char *mlops_ledger_text(struct mlops_ledger_query *query, int column);
int64_t mlops_ledger_int(const struct mlops_ledger_query *query, int column);
double mlops_ledger_real(const struct mlops_ledger_query *query, int column); /* NaN for NULL */
uint32_t mlops_ledger_version(const struct mlops_ledger_query *query, int column);

/* The first column of query's rows that comes closest to name, as " (did you mean 'pump'?)", or an empty text.
 * Closes query. */
void mlops_ledger_nearest(struct mlops_ledger_query *query, const char *name, char hint[128]);

/* A model's row by its name; MLOPS_DATA with the nearest name when there is none. */
bool mlops_ledger_find_model(struct mlops_store *store, const char *name, int64_t *model,
			     struct mlops_error *error);

/* MLOPS_DATA unless model has the version; says which is its newest. */
bool mlops_ledger_find_version(struct mlops_store *store, int64_t model, const char *name, uint32_t version,
			       struct mlops_error *error);

/* MLOPS_DATA with the nearest name when neither a model nor a run is called so. */
bool mlops_ledger_know_name(struct mlops_store *store, const char *name, struct mlops_error *error);

/* MLOPS_USAGE unless the change is the champion's. */
bool mlops_change_check_champion(const struct mlops_change *change, struct mlops_error *error);

/* Another item at the end of a growing list, zeroed; NULL when memory runs out.  Items move: keep no pointers to
 * them. */
void *mlops_ledger_append(void **items, size_t *n, size_t size, struct mlops_error *error);

/* Steps, and appends an item for the row; NULL when there is no more row, or no memory (then the query fails).  list points to the
 * pointer to the items. */
void *mlops_ledger_row_into(struct mlops_ledger_query *query, void *list, size_t *n, size_t size);

/* Fills the next item of versions from each row of query, whose columns are LEDGER_VERSION_COLUMNS. */
#define LEDGER_VERSION_COLUMNS \
	"m.name, v.version, m.kind, v.sha256, v.size, v.created, v.run_id, v.row_count," \
	" v.metrics, v.settings, v.features," \
	" (SELECT json_group_array(alias) FROM (SELECT alias FROM aliases a" \
	"  WHERE a.model = v.model AND a.version = v.version ORDER BY alias))," \
	" EXISTS (SELECT 1 FROM aliases a" \
	"  WHERE a.model = v.model AND a.version = v.version AND a.alias = 'champion')"
bool mlops_ledger_read_versions(struct mlops_ledger_query *query, struct mlops_version_list *versions);

/* The sensor of the run `runs`, an SQL expression; NULL in a ledger that is too old to know. */
#define LEDGER_RUN_SENSOR "(SELECT sensor FROM run_sensors s WHERE s.run = runs.id)"
bool mlops_ledger_has_sensors(const struct mlops_store *store);

/* Fills the next item of runs from each row of query, whose columns are LEDGER_RUN_COLUMNS and then the sensor. */
#define LEDGER_RUN_COLUMNS \
	"id, name, kind, action, started, ended, outcome, reason, message, version, row_count, metrics, settings," \
	" source, who, sequence"
bool mlops_ledger_read_runs(struct mlops_ledger_query *query, struct mlops_run_list *runs);

/* Writes the beginning of a run, in the caller's transaction, and ends those whose process is gone. */
bool mlops_ledger_begin_run(struct mlops_store *store, const struct mlops_run *run, char id[33],
			    struct mlops_error *error);

/* Ends the runs whose process is gone, in the caller's transaction.  When they ended is not known; `now` is when it was
 * noticed. */
bool mlops_ledger_end_vanished(struct mlops_store *store, int64_t now, struct mlops_error *error);

/* Writes the end of a run, in the caller's transaction; MLOPS_DATA when there is no such run. */
bool mlops_ledger_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error);

/* Which of the runs that have not ended still have a process. */

/* Says for as long as this store is open that run `sequence` is alive.  Call it in the transaction that adds
 * the run, so that nobody sees it without. */
bool mlops_running_hold(struct mlops_store *store, int64_t sequence, struct mlops_error *error);

/* The same for a run that another process began: busy when that, or whoever else sends it, is still there. */
bool mlops_running_claim(struct mlops_store *store, int64_t sequence, bool *busy, struct mlops_error *error);

/* A descriptor for mlops_running_is, to be closed; -1 with errno (ENOENT: no run was ever held). */
int mlops_running_look(const struct mlops_store *store);

/* False only when the process that began the run is gone. */
bool mlops_running_is(int fd, int64_t sequence);

/* Model files. */

/* Where the file with this SHA-256 lies; allocated, NULL when memory runs out. */
char *mlops_model_file_path(const struct mlops_store *store, const char *sha256, struct mlops_error *error);

/* Stores bytes under their SHA-256 unless a good file is there already; call with the write lock held. */
bool mlops_model_file_add(struct mlops_store *store, const void *bytes, size_t length, const char sha256[65],
			  struct mlops_error *error);

/* What is wrong with a version's file goes to problem (empty = fine). */
bool mlops_model_file_check(const struct mlops_store *store, const struct mlops_version *version,
			    char problem[160], struct mlops_error *error);

/* Deletes the file unless a version names it, or one that is to be sent; takes the write lock itself. */
bool mlops_model_file_forget(struct mlops_store *store, const char *sha256, struct mlops_error *error);

/* Counts the files that no version names (orphans may be NULL), and deletes those last changed before `before`
 * (INT64_MIN: none). */
bool mlops_model_file_orphans(struct mlops_store *store, int64_t before, uint64_t *orphans,
			      struct mlops_error *error);

#endif
