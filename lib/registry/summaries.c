#include "registry/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void mlops_run_summary_list_release(struct mlops_run_summary_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].name);
		free(list->items[i].sensor);
		free(list->items[i].reason);
		free(list->items[i].metrics);
	}
	free(list->items);
	memset(list, 0, sizeof *list);
}

/* What is known of a name while its runs are counted. */
struct tally {
	int64_t last_made, last_ended, last_started; /* sequences of trainings; 0: none.  made: a version */
	int64_t last_validation;
};

struct work {
	struct mlops_store *store;
	struct mlops_run_summary_list *list;
	struct tally *tallies; /* [list->n] */
	struct mlops_error *error;
};

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool append(struct work *work, struct mlops_ledger_query *query, char *name)
{
	struct mlops_run_summary_list *list = work->list;
	void *items = list->items, *tallies = work->tallies;
	size_t n = list->n;
	struct tally *tally = mlops_ledger_append(&tallies, &n, sizeof *tally, work->error);
	struct mlops_run_summary *summary;

	work->tallies = tallies;
	summary = tally == NULL ? NULL : mlops_ledger_append(&items, &list->n, sizeof *summary, work->error);
	if (tally != NULL)
		list->items = items;
	if (summary == NULL) {
		query->failed = true;
		free(name);
		return false;
	}
	summary->name = name;
	summary->duration = -1;
	return true;
}

/* One row: what a name's runs of one action and outcome have in common. */
static void count(struct mlops_ledger_query *query, struct mlops_run_summary *summary, struct tally *tally)
{
	char *action = mlops_ledger_text(query, 1), *outcome = mlops_ledger_text(query, 2);
	uint64_t runs = (uint64_t)mlops_ledger_int(query, 3);
	int64_t started = mlops_ledger_int(query, 4), ended = mlops_ledger_int(query, 5);
	int64_t sequence = mlops_ledger_int(query, 6);

	if (action == NULL || outcome == NULL)
		goto out;
	if (strcmp(action, "validate") == 0) {
		if (sequence > tally->last_validation && strcmp(outcome, "RUNNING") != 0) {
			tally->last_validation = sequence;
			summary->validated = true;
			summary->valid = strcmp(outcome, "FINISHED") == 0;
		}
		goto out;
	}
	summary->started = later(summary->started, started);
	tally->last_started = later(tally->last_started, sequence);
	if (strcmp(outcome, "RUNNING") == 0)
		goto out;
	tally->last_ended = later(tally->last_ended, sequence);
	tally->last_made = later(tally->last_made, mlops_ledger_int(query, 7));
	summary->ended = later(summary->ended, ended);
	if (strcmp(outcome, "FINISHED") == 0) {
		summary->finished += runs;
		summary->succeeded = later(summary->succeeded, ended);
	} else {
		summary->failed += runs;
		summary->broke = later(summary->broke, ended);
	}
out:
	free(action);
	free(outcome);
}

static bool count_all(struct work *work)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		work->store,
		"SELECT name, action, outcome, count(*), max(started), max(ended), max(sequence),"
		" max(CASE WHEN outcome = 'FINISHED' OR version > 0 THEN sequence ELSE 0 END) FROM runs"
		" WHERE action IN ('train', 'validate') GROUP BY name, action, outcome ORDER BY name, action, outcome",
		work->error);

	while (mlops_ledger_row(&query)) {
		char *name = mlops_ledger_text(&query, 0);
		size_t n = work->list->n;

		if (name == NULL)
			continue;
		if (n > 0 && strcmp(work->list->items[n - 1].name, name) == 0)
			free(name);
		else if (append(work, &query, name))
			n++;
		else
			break;
		count(&query, &work->list->items[n - 1], &work->tallies[n - 1]);
	}
	return mlops_ledger_done(&query);
}

static int compare_names(const void *name, const void *summary)
{
	return strcmp(name, ((const struct mlops_run_summary *)summary)->name);
}

/* Runs that never ended though their process is gone have failed; when is not known, so it counts from their start. */
static bool count_vanished(struct work *work)
{
	struct mlops_ledger_query query;
	int fd = mlops_running_look(work->store);

	if (fd < 0)
		return true;
	query = mlops_ledger_query(work->store,
				   "SELECT name, sequence, started, action FROM runs WHERE outcome = 'RUNNING'"
				   " AND action IN ('train', 'validate')",
				   work->error);
	while (mlops_ledger_row(&query)) {
		char *name = mlops_ledger_text(&query, 0), *action = mlops_ledger_text(&query, 3);
		int64_t sequence = mlops_ledger_int(&query, 1), started = mlops_ledger_int(&query, 2);
		struct mlops_run_summary *summary =
			name == NULL ? NULL : bsearch(name, work->list->items, work->list->n, sizeof *summary, compare_names);
		struct tally *tally = summary == NULL ? NULL : &work->tallies[summary - work->list->items];

		if (summary != NULL && action != NULL && !mlops_running_is(fd, sequence)) {
			if (strcmp(action, "validate") == 0) {
				if (sequence > tally->last_validation) {
					tally->last_validation = sequence;
					summary->validated = true;
					summary->valid = false;
				}
			} else {
				tally->last_ended = later(tally->last_ended, sequence);
				summary->ended = later(summary->ended, started);
				summary->broke = later(summary->broke, started);
				summary->failed++;
			}
		}
		free(name);
		free(action);
	}
	close(fd);
	return mlops_ledger_done(&query);
}

/* How the training `sequence` ended. */
static bool read_last(struct work *work, struct mlops_run_summary *summary, int64_t sequence)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		work->store, "SELECT outcome, reason, started, ended FROM runs WHERE sequence = ?", work->error);
	char *outcome = NULL;

	mlops_ledger_bind_int(&query, sequence);
	if (mlops_ledger_row(&query)) {
		int64_t started = mlops_ledger_int(&query, 2), ended = mlops_ledger_int(&query, 3);

		outcome = mlops_ledger_text(&query, 0);
		summary->reason = mlops_ledger_text(&query, 1);
		summary->ok = outcome != NULL && strcmp(outcome, "FINISHED") == 0;
		if (ended >= started)
			summary->duration = ended - started;
		if (outcome != NULL && strcmp(outcome, "RUNNING") == 0) {
			summary->reason = strdup("signal");
			if (summary->reason == NULL)
				query.failed = !mlops_error_set_memory(work->error);
		}
	}
	free(outcome);
	return mlops_ledger_done(&query);
}

static bool read_text(struct work *work, const char *sql, int64_t sequence, char **text)
{
	struct mlops_ledger_query query = mlops_ledger_query(work->store, sql, work->error);

	mlops_ledger_bind_int(&query, sequence);
	if (mlops_ledger_row(&query))
		*text = mlops_ledger_text(&query, 0);
	return mlops_ledger_done(&query);
}

static bool read_details(struct work *work)
{
	for (size_t i = 0; i < work->list->n; i++) {
		struct mlops_run_summary *summary = &work->list->items[i];
		const struct tally *tally = &work->tallies[i];

		if (tally->last_ended > 0 && !read_last(work, summary, tally->last_ended))
			return false;
		if (tally->last_made > 0 && !read_text(work, "SELECT metrics FROM runs WHERE sequence = ?",
							   tally->last_made, &summary->metrics))
			return false;
		if (tally->last_started > 0 && mlops_ledger_has_sensors(work->store) &&
		    !read_text(work, "SELECT " LEDGER_RUN_SENSOR " FROM runs WHERE sequence = ?", tally->last_started,
			       &summary->sensor))
			return false;
	}
	return true;
}

bool mlops_embedded_run_summaries(struct mlops_store *store, struct mlops_run_summary_list *list, struct mlops_error *error)
{
	struct work work = { .store = store, .list = list, .error = error };
	bool ok;

	memset(list, 0, sizeof *list);
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = count_all(&work) && count_vanished(&work) && read_details(&work);
	ok = mlops_ledger_end(store, ok, error);
	free(work.tallies);
	if (!ok)
		mlops_run_summary_list_release(list);
	return ok;
}
