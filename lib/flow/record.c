#include "flow/record.h"

#include "mlflow/mlflow.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LAST_WORD_SECONDS 3 /* for a server, when a signal ends a training */

enum phase { RUNNING, ENDING, INTERRUPTED };

struct mlops_record {
	struct mlops_store *store;
	struct mlops_record_start start;
	struct mlops_buffer settings;
	struct mlops_run run; /* its strings are start's and settings' */
	bool kept; /* the model is in the ledger, but not on the server */
	_Atomic int phase;
};

struct mlops_record *mlops_record_begin(struct mlops_store *store, const struct mlops_record_start *start, int64_t now,
					struct mlops_error *error)
{
	struct mlops_record *record = calloc(1, sizeof *record);
	struct mlops_json json;

	if (record == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	record->store = store;
	record->start = *start;
	json = (struct mlops_json){ .out = &record->settings };
	mlops_settings_write(start->settings, &json);
	record->run.name = (char *)(uintptr_t)start->name;
	record->run.sensor = (char *)(uintptr_t)start->sensor;
	record->run.kind = (char *)(uintptr_t)mlops_kind_name(start->kind);
	record->run.action = (char *)(uintptr_t)"train";
	record->run.started = now;
	record->run.source = (char *)(uintptr_t)start->source;
	record->run.who = (char *)(uintptr_t)start->who;
	record->run.settings = (char *)(uintptr_t)mlops_buffer_string(&record->settings);
	atomic_init(&record->phase, RUNNING);
	if (record->settings.failed) {
		mlops_error_set_memory(error);
		goto fail;
	}
	if (mlops_store_begin_run(store, &record->run, error))
		return record;
fail:
	mlops_record_free(record);
	return NULL;
}

/* Only one of finish, fail and interrupt writes the end. */
static bool claim(struct mlops_record *record, enum phase phase)
{
	int expected = RUNNING;

	return atomic_compare_exchange_strong(&record->phase, &expected, phase);
}

bool mlops_record_finish(struct mlops_record *record, const struct mlops_train_result *result, const char *refusal, int64_t now,
			 struct mlops_version *version, struct mlops_error *error)
{
	struct mlops_run run = record->run;
	struct mlops_version wanted = {
		.name = run.name,
		.kind = run.kind,
		.created = now,
		.run_id = run.id,
		.rows = result->rows,
		.metrics = result->metrics.data,
		.settings = result->settings.data,
		.features = result->features.data,
	};
	struct mlops_reference reference = { .version = 0 };

	if (!claim(record, ENDING))
		return mlops_error_set(error, MLOPS_CLOSED, "interrupted");
	run.ended = now;
	run.outcome = refusal == NULL ? MLOPS_RUN_FINISHED : MLOPS_RUN_FAILED;
	if (refusal != NULL) {
		run.reason = (char *)(uintptr_t)"quality_gate";
		run.message = (char *)(uintptr_t)refusal;
	}
	run.rows = result->rows;
	run.metrics = result->metrics.data;
	if (!mlops_store_finish_run(record->store, &run, &wanted, result->bytes.data, result->bytes.length, error)) {
		/* what is kept has ended well, whenever the server will hear of it */
		record->kept = run.unsent;
		if (!record->kept)
			atomic_store(&record->phase, RUNNING);
		return false;
	}
	strncpy(reference.name, run.name, sizeof reference.name - 1);
	reference.version = wanted.version;
	return mlops_store_resolve(record->store, &reference, version, error);
}

bool mlops_record_fail(struct mlops_record *record, const char *reason, const char *message, uint64_t rows, int64_t now,
		       struct mlops_error *error)
{
	struct mlops_run run = record->run;

	if (!claim(record, ENDING))
		return true;
	run.ended = now;
	run.outcome = MLOPS_RUN_FAILED;
	run.reason = (char *)(uintptr_t)reason;
	run.message = (char *)(uintptr_t)message;
	run.rows = rows;
	return mlops_store_end_run(record->store, &run, error);
}

/* While a server is waited for: has the ledger everything that could be lost? */
static bool is_written(const struct mlops_record *record)
{
	struct mlops_store_options options = { .location = record->start.location, .busy_seconds = 2 };
	struct mlops_run_list runs = { .n = 0 };
	struct mlops_store *store;
	bool written = false;

	if (record->start.tracking == NULL)
		return false;
	store = mlops_store_open(&options, NULL);
	if (store != NULL && mlops_store_runs(store, record->run.name, 0, &runs, NULL))
		for (size_t i = 0; i < runs.n; i++)
			written = written || (strcmp(runs.items[i].id, record->run.id) == 0 &&
					      runs.items[i].outcome != MLOPS_RUN_RUNNING);
	mlops_run_list_release(&runs);
	mlops_store_close(store);
	return written;
}

bool mlops_record_interrupt(struct mlops_record *record, const char *message, int64_t now)
{
	struct mlops_tracking tracking;
	struct mlops_store_options options = {
		.location = record->start.location, .write = true, .busy_seconds = 2,
	};
	struct mlops_run run = record->run;
	struct mlops_store *store;

	if (!claim(record, INTERRUPTED))
		return is_written(record);
	if (record->start.tracking != NULL) {
		tracking = *record->start.tracking;
		tracking.retries = 0;
		tracking.timeout = tracking.patience = LAST_WORD_SECONDS;
		options.tracking = &tracking;
	}
	store = mlops_store_open(&options, NULL);
	if (store == NULL)
		return true;
	run.ended = now;
	run.outcome = MLOPS_RUN_FAILED;
	run.reason = (char *)(uintptr_t)"signal";
	run.message = (char *)(uintptr_t)message;
	mlops_store_end_run(store, &run, NULL);
	mlops_store_close(store);
	return true;
}

bool mlops_record_kept(const struct mlops_record *record)
{
	return record->kept;
}

const char *mlops_record_run_id(const struct mlops_record *record)
{
	return record->run.id;
}

void mlops_record_free(struct mlops_record *record)
{
	if (record == NULL)
		return;
	mlops_buffer_release(&record->settings);
	free(record);
}
