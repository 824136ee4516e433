#include "registry/ledger.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x6d6c6f70 /* "mlop", in the database's header, where file(1) finds it */
#define DEFAULT_BUSY_SECONDS 30

/*
 * Script i brings a ledger from user_version i to i + 1.  promotions is what rollback pops: the champions
 * that are still under the present one, latest last; changes is the history, which outlives versions.
 */
static const char *const migrations[] = {
	"CREATE TABLE models ("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" kind TEXT NOT NULL,"
	" newest INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE runs ("
	" sequence INTEGER PRIMARY KEY,"
	" id TEXT NOT NULL UNIQUE,"
	" name TEXT NOT NULL,"
	" kind TEXT,"
	" action TEXT NOT NULL,"
	" started INTEGER NOT NULL,"
	" ended INTEGER NOT NULL DEFAULT 0,"
	" outcome TEXT NOT NULL CHECK (outcome IN ('RUNNING', 'FINISHED', 'FAILED')),"
	" reason TEXT,"
	" message TEXT,"
	" version INTEGER NOT NULL DEFAULT 0,"
	" row_count INTEGER NOT NULL DEFAULT 0,"
	" metrics TEXT,"
	" settings TEXT,"
	" source TEXT,"
	" who TEXT) STRICT;"
	"CREATE INDEX runs_by_name ON runs (name);"
	"CREATE TABLE versions ("
	" model INTEGER NOT NULL REFERENCES models (id),"
	" version INTEGER NOT NULL CHECK (version > 0),"
	" sha256 TEXT NOT NULL CHECK (length(sha256) = 64),"
	" size INTEGER NOT NULL CHECK (size >= 0),"
	" created INTEGER NOT NULL,"
	" run_id TEXT REFERENCES runs (id),"
	" row_count INTEGER NOT NULL,"
	" metrics TEXT NOT NULL,"
	" settings TEXT NOT NULL,"
	" features TEXT NOT NULL,"
	" PRIMARY KEY (model, version)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX versions_by_sha256 ON versions (sha256);"
	"CREATE TABLE aliases ("
	" model INTEGER NOT NULL,"
	" alias TEXT NOT NULL,"
	" version INTEGER NOT NULL,"
	" PRIMARY KEY (model, alias),"
	" FOREIGN KEY (model, version) REFERENCES versions (model, version)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE promotions ("
	" id INTEGER PRIMARY KEY,"
	" model INTEGER NOT NULL,"
	" version INTEGER NOT NULL,"
	" FOREIGN KEY (model, version) REFERENCES versions (model, version) ON DELETE CASCADE) STRICT;"
	"CREATE INDEX promotions_by_model ON promotions (model);"
	"CREATE TABLE changes ("
	" id INTEGER PRIMARY KEY,"
	" model INTEGER NOT NULL REFERENCES models (id),"
	" alias TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" from_version INTEGER NOT NULL,"
	" to_version INTEGER NOT NULL,"
	" changed INTEGER NOT NULL,"
	" who TEXT,"
	" why TEXT) STRICT;"
	"CREATE INDEX changes_by_model ON changes (model);"
	"PRAGMA application_id = 0x6d6c6f70;"
	"PRAGMA user_version = 1;",
	"CREATE TABLE validations ("
	" run TEXT PRIMARY KEY REFERENCES runs (id),"
	" valid INTEGER NOT NULL CHECK (valid IN (0, 1)),"
	" row_count INTEGER NOT NULL,"
	" invalid_rows INTEGER NOT NULL,"
	" last_time INTEGER) STRICT, WITHOUT ROWID;"
	"CREATE TABLE validation_reasons ("
	" run TEXT NOT NULL REFERENCES validations (run),"
	" reason TEXT NOT NULL,"
	" row_count INTEGER NOT NULL,"
	" PRIMARY KEY (run, reason)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE validation_columns ("
	" run TEXT NOT NULL REFERENCES validations (run),"
	" name TEXT NOT NULL,"
	" missing_ratio REAL NOT NULL,"
	" psi REAL,"
	" ks REAL,"
	" PRIMARY KEY (run, name)) STRICT, WITHOUT ROWID;"
	"PRAGMA user_version = 2;",
	"CREATE TABLE reloads ("
	" id INTEGER PRIMARY KEY,"
	" service TEXT NOT NULL,"
	" started INTEGER NOT NULL,"
	" duration INTEGER NOT NULL,"
	" ok INTEGER NOT NULL,"
	" message TEXT,"
	" who TEXT) STRICT;"
	"PRAGMA user_version = 3;",
	"CREATE TABLE decisions ("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" run_id TEXT,"
	" challenger INTEGER NOT NULL,"
	" champion INTEGER NOT NULL,"
	" decision TEXT NOT NULL CHECK (decision IN ('PROMOTE', 'HOLD', 'REJECT')),"
	" reason TEXT NOT NULL,"
	" message TEXT NOT NULL,"
	" forced INTEGER NOT NULL CHECK (forced IN (0, 1)),"
	" row_count INTEGER NOT NULL,"
	" metric TEXT,"
	" challenger_value REAL,"
	" champion_value REAL,"
	" margin REAL NOT NULL,"
	" challenger_metrics TEXT,"
	" champion_metrics TEXT,"
	" decided INTEGER NOT NULL,"
	" who TEXT) STRICT;"
	"CREATE INDEX decisions_by_name ON decisions (name);"
	"PRAGMA user_version = 4;",
	"CREATE TABLE run_sensors ("
	" run TEXT PRIMARY KEY REFERENCES runs (id),"
	" sensor TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"PRAGMA user_version = 5;",
	"CREATE TABLE remote_runs ("
	" run TEXT PRIMARY KEY REFERENCES runs (id),"
	" server TEXT NOT NULL,"
	" remote_id TEXT,"
	" step INTEGER NOT NULL DEFAULT 0,"
	" sha256 TEXT CHECK (length(sha256) = 64),"
	" size INTEGER,"
	" created INTEGER,"
	" row_count INTEGER,"
	" metrics TEXT,"
	" settings TEXT,"
	" features TEXT) STRICT, WITHOUT ROWID;"
	"CREATE INDEX remote_runs_by_step ON remote_runs (server, step);"
	"CREATE INDEX remote_runs_by_sha256 ON remote_runs (sha256);"
	"CREATE TABLE remote_changes ("
	" id INTEGER PRIMARY KEY,"
	" server TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" ordinal INTEGER NOT NULL,"
	" alias TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" from_version INTEGER NOT NULL,"
	" to_version INTEGER NOT NULL,"
	" changed INTEGER NOT NULL,"
	" who TEXT,"
	" why TEXT) STRICT;"
	"CREATE INDEX remote_changes_by_name ON remote_changes (server, name);"
	"CREATE TABLE remote_tags ("
	" id INTEGER PRIMARY KEY,"
	" server TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" version INTEGER NOT NULL,"
	" key TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" alias TEXT,"
	" to_version INTEGER NOT NULL) STRICT;"
	"PRAGMA user_version = 6;",
};

#define SCHEMA_VERSION ((int64_t)(sizeof migrations / sizeof migrations[0]))

static bool set_cantopen(const struct mlops_store *store, int errnum, struct mlops_error *error)
{
	char text[128];

	if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
		return mlops_error_set(error, MLOPS_DENIED, "registry %s: %s", store->location,
				       strerror_r(errnum, text, sizeof text));
	if (errnum == ENOENT || errnum == ENOTDIR)
		return mlops_error_set(error, MLOPS_CONFIG,
				       "there is no registry in %s; training or importing a model makes one",
				       store->location);
	return mlops_error_set(error, MLOPS_IO, "%s: cannot be opened: %s", store->path,
			       errnum == 0 ? "not a file" : strerror_r(errnum, text, sizeof text));
}

/* SQLite loses the system's error number when a commit fails; errno has it still. */
static bool set_ioerr(const struct mlops_store *store, int errnum, int last_errno, struct mlops_error *error)
{
	char text[128];

	if (errnum == 0 && (last_errno == EFBIG || last_errno == EDQUOT || last_errno == EIO))
		errnum = last_errno;
	return mlops_error_set(error, MLOPS_IO, "%s: reading or writing failed: %s", store->path,
			       errnum == 0 ? sqlite3_errmsg(store->db)
					   : strerror_r(errnum, text, sizeof text));
}

bool mlops_ledger_set_error(struct mlops_store *store, int result, struct mlops_error *error)
{
	int last_errno = errno;
	int extended = store->db == NULL ? result : sqlite3_extended_errcode(store->db);
	int errnum = store->db == NULL ? 0 : sqlite3_system_errno(store->db);

	if ((extended & 0xff) != (result & 0xff))
		extended = result;
	if (extended == SQLITE_IOERR_NOMEM)
		return mlops_error_set_memory(error);
	switch (extended & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return mlops_error_set(error, MLOPS_BUSY,
				       "registry %s: another program has held its lock for %u seconds",
				       store->location, store->busy_seconds);
	case SQLITE_READONLY:
		if (extended == SQLITE_READONLY_DBMOVED)
			return mlops_error_set(error, MLOPS_IO,
					       "%s: was moved or deleted while it was in use", store->path);
		if (extended == SQLITE_READONLY_ROLLBACK)
			return mlops_error_set(error, MLOPS_DENIED,
					       "registry %s: a write to it was interrupted; "
					       "somebody who may write to it has to open it once",
					       store->location);
		return mlops_error_set(error, MLOPS_DENIED, "registry %s: may not be written",
				       store->location);
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return mlops_error_set(error, MLOPS_DENIED, "registry %s: not permitted", store->location);
	case SQLITE_CANTOPEN:
		return set_cantopen(store, errnum, error);
	case SQLITE_FULL:
		return mlops_error_set(error, MLOPS_IO, "%s: the disk is full", store->path);
	case SQLITE_IOERR:
		return set_ioerr(store, errnum, last_errno, error);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return mlops_error_set(
			error, MLOPS_IO,
			"%s: damaged, or not a registry's ledger (%s); restore it from a backup", store->path,
			sqlite3_errstr(extended));
	case SQLITE_NOMEM:
		return mlops_error_set_memory(error);
	case SQLITE_TOOBIG:
		return mlops_error_set(error, MLOPS_DATA, "registry %s: a text is too long to be kept",
				       store->location);
	default:
		return mlops_error_set(error, MLOPS_BUG, "%s: %s", store->path,
				       store->db == NULL ? sqlite3_errstr(result)
							 : sqlite3_errmsg(store->db));
	}
}

static bool execute(struct mlops_store *store, const char *sql, struct mlops_error *error)
{
	int result;

	errno = 0;
	result = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
	return result == SQLITE_OK || mlops_ledger_set_error(store, result, error);
}

static void roll_back(struct mlops_store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/*
 * A killed writer leaves a journal that the next connection has to play back, which one that only reads may
 * not do.  So a second one does it, as far as the permissions allow.
 */
static void play_back_journal(struct mlops_store *store)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(store->path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, (int)store->busy_seconds * 1000);
		sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
	}
	sqlite3_close(db);
}

/* For the first statements that read. */
static bool execute_after_journal(struct mlops_store *store, const char *sql, struct mlops_error *error)
{
	int result = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
	bool ok;

	if (result == SQLITE_READONLY_ROLLBACK) {
		roll_back(store);
		play_back_journal(store);
		ok = execute(store, sql, error);
	} else {
		ok = result == SQLITE_OK || mlops_ledger_set_error(store, result, error);
	}
	if (!ok)
		roll_back(store);
	return ok;
}

bool mlops_ledger_begin(struct mlops_store *store, enum mlops_ledger_mode mode, struct mlops_error *error)
{
	/* The first read takes the lock; from then on no writer can be half-way through. */
	if (mode == LEDGER_READ)
		return execute_after_journal(store, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", error);
	if (!store->write)
		return mlops_error_set(error, MLOPS_BUG, "registry %s: opened for reading only",
				       store->location);
	return execute(store, "BEGIN IMMEDIATE", error);
}

bool mlops_ledger_end(struct mlops_store *store, bool ok, struct mlops_error *error)
{
	if (ok)
		ok = execute(store, "COMMIT", error);
	if (!ok)
		roll_back(store);
	return ok;
}

static bool read_pragma(struct mlops_store *store, const char *sql, int64_t *value, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(store, sql, error);

	*value = mlops_ledger_row(&query) ? mlops_ledger_int(&query, 0) : 0;
	return mlops_ledger_done(&query);
}

/* Reads schema (0 in an empty database), and refuses databases that are not ours or that a newer program has
 * made. */
static bool check_schema(struct mlops_store *store, int64_t *schema, struct mlops_error *error)
{
	int64_t application, tables;

	if (!read_pragma(store, "PRAGMA user_version", schema, error) ||
	    !read_pragma(store, "PRAGMA application_id", &application, error) ||
	    !read_pragma(store, "SELECT count(*) FROM sqlite_schema", &tables, error))
		return false;
	if (*schema == 0 && application == 0 && tables == 0)
		return true;
	if (application != APPLICATION_ID || *schema < 1)
		return mlops_error_set(error, MLOPS_CONFIG,
				       "%s: a SQLite database, but not a registry's ledger", store->path);
	if (*schema > SCHEMA_VERSION)
		return mlops_error_set(
			error, MLOPS_CONFIG,
			"registry %s: made by a newer version of this program "
			"(its schema is %lld, this program knows up to %lld); update this program",
			store->location, (long long)*schema, (long long)SCHEMA_VERSION);
	return true;
}

static bool migrate(struct mlops_store *store, struct mlops_error *error)
{
	int64_t schema;
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = check_schema(store, &schema, error);
	while (ok && schema < SCHEMA_VERSION)
		ok = execute(store, migrations[schema++], error);
	return mlops_ledger_end(store, ok, error);
}

static bool prepare_schema(struct mlops_store *store, bool create, struct mlops_error *error)
{
	int64_t schema;
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = check_schema(store, &schema, error);
	if (!mlops_ledger_end(store, ok, error))
		return false;
	if (schema == 0 && !create)
		return set_cantopen(store, ENOENT, error);
	store->schema = SCHEMA_VERSION;
	if (schema == SCHEMA_VERSION)
		return true;
	/* What each script adds is new tables only: who just reads can do without them until somebody writes. */
	if (!store->write) {
		store->schema = schema;
		return true;
	}
	return migrate(store, error);
}

static bool make_directories(struct mlops_store *store, struct mlops_error *error)
{
	char *models = NULL;
	bool ok;

	if (asprintf(&models, "%s/models", store->location) < 0)
		return mlops_error_set_memory(error);
	ok = mlops_file_make_directory(models, 0755, error);
	free(models);
	return ok;
}

static bool open_database(struct mlops_store *store, bool create, struct mlops_error *error)
{
	static const char settings[] = "PRAGMA foreign_keys = ON;"
				       "PRAGMA synchronous = FULL;"
				       "PRAGMA temp_store = MEMORY;"
				       "PRAGMA trusted_schema = OFF;"
				       "PRAGMA cell_size_check = ON;";
	int flags = create	   ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
		    : store->write ? SQLITE_OPEN_READWRITE
				   : SQLITE_OPEN_READONLY;
	int result = sqlite3_open_v2(store->path, &store->db, flags, NULL);
	struct stat status;

	if (result != SQLITE_OK) {
		/* SQLite does not say which error a directory in the ledger's place is. */
		if (stat(store->path, &status) == 0 && !S_ISREG(status.st_mode))
			return mlops_error_set(error, MLOPS_IO, "%s: not a file", store->path);
		return mlops_ledger_set_error(store, result, error);
	}
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, (int)store->busy_seconds * 1000);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* SQLite opens a file that it may not write for reading instead, and says nothing. */
	if (store->write && sqlite3_db_readonly(store->db, "main") == 1)
		return mlops_error_set(error, MLOPS_DENIED, "registry %s: may not be written",
				       store->location);
	if (store->write && !execute(store, "PRAGMA journal_mode = DELETE", error))
		return false;
	return execute_after_journal(store, settings, error);
}

static struct mlops_store *new_ledger(const struct mlops_store_options *options, struct mlops_error *error)
{
	struct mlops_store *store = calloc(1, sizeof *store);

	if (store == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	store->running_fd = -1;
	store->write = options->write || options->create;
	store->busy_seconds = options->busy_seconds == 0 ? DEFAULT_BUSY_SECONDS : options->busy_seconds;
	if (store->busy_seconds > 86400)
		store->busy_seconds = 86400;
	store->location = strdup(options->location);
	if (store->location == NULL) {
		mlops_error_set_memory(error);
		free(store);
		return NULL;
	}
	return store;
}

static struct mlops_store *prepared(struct mlops_store *store, bool create, struct mlops_error *error)
{
	if (open_database(store, create, error) && prepare_schema(store, create, error))
		return store;
	mlops_embedded_close(store);
	return NULL;
}

struct mlops_store *mlops_embedded_open(const struct mlops_store_options *options, struct mlops_error *error)
{
	struct mlops_store *store;

	if (options->location == NULL || options->location[0] == '\0') {
		mlops_error_set(error, MLOPS_CONFIG, "the registry's directory must not be empty");
		return NULL;
	}
	store = new_ledger(options, error);
	if (store == NULL)
		return NULL;
	if (asprintf(&store->path, "%s/ledger.db", store->location) < 0) {
		store->path = NULL;
		mlops_error_set_memory(error);
	} else if (!options->create || make_directories(store, error)) {
		return prepared(store, options->create, error);
	}
	mlops_embedded_close(store);
	return NULL;
}

struct mlops_store *mlops_ledger_open_memory(const char *location, struct mlops_error *error)
{
	struct mlops_store_options options = { .location = location, .write = true };
	struct mlops_store *store = new_ledger(&options, error);

	if (store == NULL)
		return NULL;
	store->path = strdup(":memory:");
	if (store->path != NULL)
		return prepared(store, true, error);
	mlops_error_set_memory(error);
	mlops_embedded_close(store);
	return NULL;
}

void mlops_embedded_close(struct mlops_store *store)
{
	if (store == NULL)
		return;
	sqlite3_close(store->db);
	if (store->running_fd >= 0)
		close(store->running_fd);
	free(store->location);
	free(store->path);
	free(store);
}
