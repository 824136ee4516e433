#include "registry/ledger.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_WITH_SENSORS 5

static const char *const outcome_names[] = {
	[MLOPS_RUN_RUNNING] = "RUNNING",
	[MLOPS_RUN_FINISHED] = "FINISHED",
	[MLOPS_RUN_FAILED] = "FAILED",
};

const char *mlops_run_outcome_name(enum mlops_run_outcome outcome)
{
	return (size_t)outcome < sizeof outcome_names / sizeof outcome_names[0] ? outcome_names[outcome]
										: "FAILED";
}

static enum mlops_run_outcome outcome_from_name(const char *name)
{
	if (name != NULL && strcmp(name, "RUNNING") == 0)
		return MLOPS_RUN_RUNNING;
	return name != NULL && strcmp(name, "FINISHED") == 0 ? MLOPS_RUN_FINISHED : MLOPS_RUN_FAILED;
}

const char *mlops_run_failure_reason(const struct mlops_error *error, bool database, bool opened)
{
	if (error->code == MLOPS_DATA || (error->code == MLOPS_IO && !opened && !database))
		return "invalid_data";
	return database && (error->code == MLOPS_UNAVAILABLE || error->code == MLOPS_DENIED || error->code == MLOPS_CONFIG)
		       ? "database" : "internal";
}

void mlops_run_release(struct mlops_run *run)
{
	free(run->name);
	free(run->kind);
	free(run->sensor);
	free(run->action);
	free(run->reason);
	free(run->message);
	free(run->metrics);
	free(run->settings);
	free(run->source);
	free(run->who);
	memset(run, 0, sizeof *run);
}

void mlops_run_list_release(struct mlops_run_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_run_release(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof *list);
}

bool mlops_ledger_has_sensors(const struct mlops_store *store)
{
	return store->schema >= SCHEMA_WITH_SENSORS;
}

#define VANISHED "its process vanished without a word: it was killed, or the machine stopped"

bool mlops_ledger_end_vanished(struct mlops_store *store, int64_t now, struct mlops_error *error)
{
	struct mlops_ledger_query query;
	int fd = mlops_running_look(store);
	int64_t *vanished = NULL;
	size_t n = 0;
	bool ok;

	if (fd < 0)
		return true;
	query = mlops_ledger_query(store, "SELECT sequence FROM runs WHERE outcome = 'RUNNING'", error);
	while (mlops_ledger_row(&query)) {
		int64_t sequence = mlops_ledger_int(&query, 0);
		void *items = vanished;
		int64_t *item;

		if (mlops_running_is(fd, sequence))
			continue;
		item = mlops_ledger_append(&items, &n, sizeof *item, error);
		vanished = items;
		if (item == NULL) {
			query.failed = true;
			break;
		}
		*item = sequence;
	}
	ok = mlops_ledger_done(&query);
	for (size_t i = 0; ok && i < n; i++) {
		query = mlops_ledger_query(store,
					   "UPDATE runs SET ended = ?, outcome = 'FAILED', reason = 'signal',"
					   " message = '" VANISHED "' WHERE sequence = ?",
					   error);
		mlops_ledger_bind_int(&query, now);
		mlops_ledger_bind_int(&query, vanished[i]);
		ok = mlops_ledger_done(&query);
	}
	free(vanished);
	close(fd);
	return ok;
}

static bool insert_run(struct mlops_store *store, const struct mlops_run *run, char id[33],
		       struct mlops_error *error)
{
	int64_t sequence = 0;

	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"INSERT INTO runs"
		" (id, name, kind, action, started, outcome, row_count, metrics, settings, source, who)"
		" VALUES (lower(hex(randomblob(16))), ?, ?, ?, ?, 'RUNNING', ?, ?, ?, ?, ?) RETURNING id, sequence",
		error);

	mlops_ledger_bind_text(&query, run->name);
	mlops_ledger_bind_text(&query, run->kind);
	mlops_ledger_bind_text(&query, run->action);
	mlops_ledger_bind_int(&query, run->started);
	mlops_ledger_bind_int(&query, (int64_t)run->rows);
	mlops_ledger_bind_text(&query, run->metrics);
	mlops_ledger_bind_text(&query, run->settings);
	mlops_ledger_bind_text(&query, run->source);
	mlops_ledger_bind_text(&query, run->who);
	if (mlops_ledger_row(&query)) {
		char *text = mlops_ledger_text(&query, 0);

		if (text != NULL)
			memcpy(id, text, 33);
		free(text);
		sequence = mlops_ledger_int(&query, 1);
	}
	return mlops_ledger_done(&query) && mlops_running_hold(store, sequence, error);
}

static bool insert_sensor(struct mlops_store *store, const char *id, const char *sensor, struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store, "INSERT INTO run_sensors (run, sensor) VALUES (?, ?)", error);

	mlops_ledger_bind_text(&query, id);
	mlops_ledger_bind_text(&query, sensor);
	return mlops_ledger_done(&query);
}

bool mlops_ledger_begin_run(struct mlops_store *store, const struct mlops_run *run, char id[33],
			    struct mlops_error *error)
{
	return mlops_ledger_end_vanished(store, run->started, error) && insert_run(store, run, id, error) &&
	       (run->sensor == NULL || insert_sensor(store, id, run->sensor, error));
}

bool mlops_embedded_begin_run(struct mlops_store *store, struct mlops_run *run, struct mlops_error *error)
{
	char id[33] = "";
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = mlops_ledger_begin_run(store, run, id, error);
	ok = mlops_ledger_end(store, ok, error);
	if (ok) {
		memcpy(run->id, id, sizeof run->id);
		run->outcome = MLOPS_RUN_RUNNING;
	}
	return ok;
}

bool mlops_ledger_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"UPDATE runs SET ended = ?, outcome = ?, reason = ?, message = ?, version = ?, row_count = ?,"
		" metrics = ?,"
		" settings = ? WHERE id = ? RETURNING 1",
		error);
	bool found;

	mlops_ledger_bind_int(&query, run->ended);
	mlops_ledger_bind_text(&query, mlops_run_outcome_name(run->outcome));
	mlops_ledger_bind_text(&query, run->reason);
	mlops_ledger_bind_text(&query, run->message);
	mlops_ledger_bind_int(&query, run->version);
	mlops_ledger_bind_int(&query, (int64_t)run->rows);
	mlops_ledger_bind_text(&query, run->metrics);
	mlops_ledger_bind_text(&query, run->settings);
	mlops_ledger_bind_text(&query, run->id);
	found = mlops_ledger_row(&query);
	return mlops_ledger_done(&query) &&
	       (found || mlops_error_set(error, MLOPS_DATA, "run '%s' is not in the registry",
					 mlops_text_mask(quoted, run->id, strnlen(run->id, sizeof run->id))));
}

bool mlops_embedded_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error)
{
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = mlops_ledger_end_run(store, run, error);
	return mlops_ledger_end(store, ok, error);
}

/* A name counts as known when a run has it, even if none of its runs has made a model. */
bool mlops_ledger_know_name(struct mlops_store *store, const char *name, struct mlops_error *error)
{
	static const char names[] = "SELECT name FROM models UNION SELECT name FROM runs ORDER BY name";
	char quoted[MLOPS_TEXT_QUOTED], hint[128];
	struct mlops_ledger_query query = mlops_ledger_query(
		store, "SELECT 1 FROM models WHERE name = ?1 UNION SELECT 1 FROM runs WHERE name = ?1",
		error);
	bool found;

	mlops_ledger_bind_text(&query, name);
	found = mlops_ledger_row(&query);
	if (!mlops_ledger_done(&query))
		return false;
	if (found)
		return true;
	query = mlops_ledger_query(store, names, error);
	mlops_ledger_nearest(&query, name, hint);
	return mlops_error_set(error, MLOPS_DATA, "model '%s' is not in the registry%s",
			       mlops_text_mask(quoted, name, strlen(name)), hint);
}

/* What the next writer will write down. */
static void set_vanished(struct mlops_run *run, struct mlops_ledger_query *query)
{
	run->outcome = MLOPS_RUN_FAILED;
	run->reason = strdup("signal");
	run->message = strdup(VANISHED);
	if (run->reason == NULL || run->message == NULL)
		query->failed = !mlops_error_set_memory(query->error);
}

bool mlops_ledger_read_runs(struct mlops_ledger_query *query, struct mlops_run_list *runs)
{
	int fd = mlops_running_look(query->store);

	for (struct mlops_run *run;
	     (run = mlops_ledger_row_into(query, &runs->items, &runs->n, sizeof *run)) != NULL;) {
		char *text;

		text = mlops_ledger_text(query, 0);
		if (text != NULL)
			memcpy(run->id, text, strnlen(text, sizeof run->id - 1));
		free(text);
		run->name = mlops_ledger_text(query, 1);
		run->kind = mlops_ledger_text(query, 2);
		run->action = mlops_ledger_text(query, 3);
		run->started = mlops_ledger_int(query, 4);
		run->ended = mlops_ledger_int(query, 5);
		text = mlops_ledger_text(query, 6);
		run->outcome = outcome_from_name(text);
		free(text);
		run->reason = mlops_ledger_text(query, 7);
		run->message = mlops_ledger_text(query, 8);
		run->version = mlops_ledger_version(query, 9);
		run->rows = (uint64_t)mlops_ledger_int(query, 10);
		run->metrics = mlops_ledger_text(query, 11);
		run->settings = mlops_ledger_text(query, 12);
		run->source = mlops_ledger_text(query, 13);
		run->who = mlops_ledger_text(query, 14);
		run->sensor = mlops_ledger_text(query, 16);
		if (run->outcome == MLOPS_RUN_RUNNING && fd >= 0 &&
		    !mlops_running_is(fd, mlops_ledger_int(query, 15)))
			set_vanished(run, query);
	}
	if (fd >= 0)
		close(fd);
	return mlops_ledger_done(query);
}

static bool read_runs(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
		      struct mlops_error *error)
{
#define OF_NAME " FROM runs WHERE ?1 IS NULL OR name = ?1 ORDER BY sequence DESC LIMIT ?2"
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		mlops_ledger_has_sensors(store) ? "SELECT " LEDGER_RUN_COLUMNS ", " LEDGER_RUN_SENSOR OF_NAME
						: "SELECT " LEDGER_RUN_COLUMNS ", NULL" OF_NAME,
		error);

	mlops_ledger_bind_text(&query, name);
	mlops_ledger_bind_int(&query, limit == 0 || limit > INT32_MAX ? -1 : (int64_t)limit);
	return mlops_ledger_read_runs(&query, runs);
}

bool mlops_embedded_runs(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
			 struct mlops_error *error)
{
	bool ok;

	memset(runs, 0, sizeof *runs);
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = (name == NULL || mlops_ledger_know_name(store, name, error)) && read_runs(store, name, limit, runs, error);
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_run_list_release(runs);
	return ok;
}
