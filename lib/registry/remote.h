/*
 * Inside the registry: the store on an MLflow server.  Only lib/registry includes this.
 *
 * Models, versions, aliases and runs are the server's; what MLflow has no word for goes into tags "mlops.*" of its runs and
 * versions.  The ledger in the directory is the memory beside it (registry/outbox.h), and DIR/cache keeps model files.
 *
 * A version's tags: kind, sha256, size, rows, metrics, settings, features, created, run_id, each with "mlops." before it;
 * mlops.change.N, a change of an alias as JSON, where N gives all changes of a model their order; mlops.decision.  What comes from
 * the server is anybody's: a tag that is not as it should be counts as missing.
 */
#ifndef MLOPS_REGISTRY_REMOTE_H
#define MLOPS_REGISTRY_REMOTE_H

#include "mlflow/mlflow.h"
#include "registry/ledger.h"
#include "registry/outbox.h"

struct mlops_remote {
	const struct mlops_tracking *tracking;
	struct mlops_tracking brief;  /* the same with little patience */
	struct mlops_mlflow *mlflow;
	struct mlops_mlflow *hasty;   /* for what may be sent later, or is sent to a server that was down a moment ago */
	bool down;
	bool recall;                  /* options.recall */
	const char *server;           /* the URI as it may be shown */
};

/* Tells whoever waits, by tracking.notice. */
void mlops_remote_notice(struct mlops_store *store, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text values of tags on any server from 2.9 on are kept up to this long. */
#define MLOPS_REMOTE_TEXT 5000

/* A copy of text if it is JSON that begins with bracket ('{' or '['), without line breaks; else NULL. */
char *mlops_remote_json(const char *text, char bracket);

/* One model with its aliases, in models->items[0]; MLOPS_DATA with the nearest name when there is none. */
bool mlops_remote_model(struct mlops_store *store, const char *name, struct mlops_mlflow_model_list *models,
			struct mlops_error *error);
/* 0 when there is no such alias. */
uint32_t mlops_remote_alias(const struct mlops_mlflow_model *model, const char *alias);

/* What the registry makes of a server's version; model is where its aliases are, or NULL. */
bool mlops_remote_version(const struct mlops_mlflow_version *found, const struct mlops_mlflow_model *model,
			  struct mlops_version *version, struct mlops_error *error);

/* A model with all its versions and changes. */
struct mlops_remote_state {
	struct mlops_mlflow_model_list models;   /* one */
	struct mlops_mlflow_version_list versions;
	struct mlops_outbox_change_list changes; /* of all aliases, the oldest first */
	struct mlops_remote_stack {
		size_t n;
		uint32_t *versions;
	} stack;                                 /* champions that a rollback can go back to, the latest last */
};
/* Makes the stack, as the embedded store keeps it in a table, from what happened.  A change that does not begin where the one before
 * it ended shows that somebody else has moved the alias in between: that counts as a promotion. */
bool mlops_remote_replay(struct mlops_remote_state *state, struct mlops_error *error);
bool mlops_remote_state_read(struct mlops_store *store, const char *name, struct mlops_remote_state *state,
			     struct mlops_error *error);
void mlops_remote_state_release(struct mlops_remote_state *state);
/* Like mlops_ledger_find_version. */
bool mlops_remote_find_version(const struct mlops_remote_state *state, const char *name, uint32_t version,
			       struct mlops_error *error);
/* The version that a rollback would make the champion, of `to` if that is not 0; 0: none. */
uint32_t mlops_remote_earlier(const struct mlops_remote_state *state, uint32_t champion, uint32_t to);

/* Orders them and drops doubles. */
void mlops_remote_sort_changes(struct mlops_outbox_change_list *changes);
/* A change as the value of its tag. */
bool mlops_remote_write_change(const struct mlops_change *change, struct mlops_buffer *value,
			       struct mlops_error *error);
bool mlops_remote_read_change(const char *name, const char *key, const char *value, struct mlops_outbox_change *change);

/* Everything of a run that goes to the server, as the client wants it. */
struct mlops_remote_notes {
	struct mlops_mlflow_items items;
	void *params, *metrics, *tags; /* what items points to */
	void *texts;                   /* char *[n_texts], what those point to */
	size_t n_texts;
};
bool mlops_remote_notes_of_run(const struct mlops_run *run, struct mlops_remote_notes *notes,
			       struct mlops_error *error);
bool mlops_remote_notes_of_version(const struct mlops_version *version, struct mlops_remote_notes *notes,
				   struct mlops_error *error);
void mlops_remote_notes_release(struct mlops_remote_notes *notes);

/* Makes the run on the server unless it is there already; is_new: nobody can have tried before. */
bool mlops_remote_create_run(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
			     bool is_new, struct mlops_error *error);
/* Takes the run from where it is to where it is sent; bytes NULL: the model's are in DIR/models. */
bool mlops_remote_send(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
		       const void *bytes, size_t length, struct mlops_error *error);
/* MLOPS_DATA when the model's versions are of another kind. */
bool mlops_remote_check_kind(struct mlops_mlflow *mlflow, const char *name, const char *kind,
			     struct mlops_error *error);

/* The operations. */
struct mlops_store *mlops_remote_open(const struct mlops_store_options *options, struct mlops_error *error);
bool mlops_remote_begin_run(struct mlops_store *store, struct mlops_run *run, struct mlops_error *error);
bool mlops_remote_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error);
bool mlops_remote_runs(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
		       struct mlops_error *error);
bool mlops_remote_add_version(struct mlops_store *store, struct mlops_version *version, const void *bytes,
			      size_t length, struct mlops_error *error);
bool mlops_remote_finish_run(struct mlops_store *store, struct mlops_run *run, struct mlops_version *version,
			     const void *bytes, size_t length, struct mlops_error *error);
bool mlops_remote_versions(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			   struct mlops_error *error);
bool mlops_remote_champions(struct mlops_store *store, struct mlops_version_list *versions, struct mlops_error *error);
bool mlops_remote_resolve(struct mlops_store *store, const struct mlops_reference *reference,
			  struct mlops_version *version, struct mlops_error *error);
bool mlops_remote_champion(struct mlops_store *store, const char *name, struct mlops_version *version,
			   struct mlops_error *error);
bool mlops_remote_load(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
		       struct mlops_error *error);
bool mlops_remote_promote(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
bool mlops_remote_rollback(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
bool mlops_remote_set_alias(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
bool mlops_remote_history(struct mlops_store *store, const char *name, bool all_aliases,
			  struct mlops_change_list *changes, struct mlops_error *error);
bool mlops_remote_add_decision(struct mlops_store *store, const struct mlops_decision *decision,
			       struct mlops_error *error);
bool mlops_remote_decisions(struct mlops_store *store, const char *name, size_t limit,
			    struct mlops_decision_list *decisions, struct mlops_error *error);
bool mlops_remote_verify_version(struct mlops_store *store, const struct mlops_version *version, char problem[160],
				 struct mlops_error *error);
bool mlops_remote_prune(struct mlops_store *store, const char *name, size_t keep, int64_t now, bool dry_run,
			struct mlops_version_list *removed, struct mlops_error *error);
bool mlops_remote_push(struct mlops_store *store, int64_t now, const struct mlops_push *push, struct mlops_error *error);

#endif
