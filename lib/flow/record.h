/*
 * A training in the ledger, from the line that says it began to the line that says how it ended.
 *
 *	struct mlops_record *record = mlops_record_begin(store, &start, now, &error);
 *	... mlops_flow_train ...
 *	mlops_record_finish(record, &result, NULL, now, &version, &error)   or   mlops_record_fail(record, reason, message, now)
 *	mlops_record_free(record);
 *
 * mlops_record_interrupt may be called from another thread (one that waits for signals) at any time before
 * mlops_record_free: it writes the failure with a connection of its own, unless the finish has begun.
 */
#ifndef MLOPS_FLOW_RECORD_H
#define MLOPS_FLOW_RECORD_H

#include "flow/train.h"
#include "registry/store.h"

struct mlops_record;

struct mlops_record_start {
	const char *location;  /* of the registry, for mlops_record_interrupt */
	const struct mlops_tracking *tracking; /* likewise; NULL: no server */
	const char *name;      /* of the model */
	const char *sensor;    /* that it is for alone, so that its name is MODEL.SENSOR; else NULL */
	enum mlops_kind kind;
	const char *source;    /* what is read */
	const char *who;
	const struct mlops_settings *settings;
};

/* What start points to must outlive the record. */
struct mlops_record *mlops_record_begin(struct mlops_store *store, const struct mlops_record_start *start, int64_t now,
					struct mlops_error *error);

/* Stores the model as the next version and ends the run as FINISHED; version is filled in, release it.  refusal: why a gate
 * rejects that version; then the run is FAILED for quality_gate, though its version is there.  NULL: it does not.
 * What a server could not be sent is kept (store.h): then the run has ended, and mlops_record_fail changes nothing. */
bool mlops_record_finish(struct mlops_record *record, const struct mlops_train_result *result, const char *refusal, int64_t now,
			 struct mlops_version *version, struct mlops_error *error);

/* Ends the run as FAILED.  What goes wrong with that goes to error (may be NULL); the training failed already. */
bool mlops_record_fail(struct mlops_record *record, const char *reason, const char *message, uint64_t rows, int64_t now,
		       struct mlops_error *error);

/* False when the finish has begun and the caller should let it come to its end: until the ledger has the model. */
bool mlops_record_interrupt(struct mlops_record *record, const char *message, int64_t now);

/* After a finish that failed: is the model kept, to be sent later? */
bool mlops_record_kept(const struct mlops_record *record);

const char *mlops_record_run_id(const struct mlops_record *record);
void mlops_record_free(struct mlops_record *record);

#endif
