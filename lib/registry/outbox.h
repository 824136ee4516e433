/*
 * Inside the registry: what the local ledger remembers of a server.  Only lib/registry includes this.
 *
 * A run is put down here before the server hears of it, and each step that the server has confirmed is put down behind it; what
 * is not MLOPS_SENT is to be sent again from there.  Every step may be done twice without harm, so it does not matter where
 * a sender is killed.  Whoever sends a run holds its byte of DIR/running (mlops_running_hold): the process that trains, then
 * whoever pushes.
 *
 * `server` is the tracking URI as it may be shown: one directory can remember several servers.
 */
#ifndef MLOPS_REGISTRY_OUTBOX_H
#define MLOPS_REGISTRY_OUTBOX_H

#include "registry/ledger.h"

/* False in a ledger that is too old, and may only be read: it remembers nothing. */
bool mlops_outbox_exists(const struct mlops_store *store);

enum mlops_outbox_step {
	MLOPS_UNSENT, /* nothing but, maybe, that it began */
	MLOPS_LOGGED, /* params, metrics, tags */
	MLOPS_STORED, /* the model's files */
	MLOPS_ENDED,
	MLOPS_SENT,   /* and the version, if there is one */
};

/* One run of this server's. */
struct mlops_outbox_run {
	struct mlops_run run;         /* as the ledger has it; its version is 0 until that is created */
	int64_t sequence;
	char remote_id[33];           /* on the server; empty: none yet */
	enum mlops_outbox_step step;
	bool has_version;
	struct mlops_version version; /* to be created, when there is one; aliases are empty */
};
void mlops_outbox_run_release(struct mlops_outbox_run *run);

/* Each is a transaction of its own.  begin and keep do what begin_run and end_run of the embedded store do, too. */
bool mlops_outbox_begin_run(struct mlops_store *store, const char *server, struct mlops_run *run,
			    struct mlops_error *error);
/* The model file is in DIR/models afterwards. */
bool mlops_outbox_keep(struct mlops_store *store, const struct mlops_run *run, const struct mlops_version *version,
		       const void *bytes, size_t length, struct mlops_error *error);
/* found false: it is no run of a server's (a validation, or of the embedded store). */
bool mlops_outbox_read(struct mlops_store *store, const char *id, struct mlops_outbox_run *run, bool *found,
		       struct mlops_error *error);
bool mlops_outbox_set_remote_id(struct mlops_store *store, const char *id, const char *remote_id,
				struct mlops_error *error);
bool mlops_outbox_set_step(struct mlops_store *store, const char *id, enum mlops_outbox_step step,
			   struct mlops_error *error);
/* The version is there; its file is forgotten unless something else names it. */
bool mlops_outbox_set_version(struct mlops_store *store, const struct mlops_outbox_run *run, uint32_t version,
			      struct mlops_error *error);
/* The server will never take it: the run has failed, and there is nothing more to send but that. */
bool mlops_outbox_give_up(struct mlops_store *store, const struct mlops_outbox_run *run, const char *message,
			  struct mlops_error *error);

/* Runs that are not sent, oldest first; id of each, and where it is. */
struct mlops_outbox_entry {
	char id[33];
	int64_t sequence;
	bool begun; /* the server has heard of it */
};
/* Allocated; free(*entries). */
bool mlops_outbox_list(struct mlops_store *store, const char *server, struct mlops_outbox_entry **entries, size_t *n,
		       struct mlops_error *error);

/* Changes of aliases that were made from here, each with its place in the order of all changes of a model. */
struct mlops_outbox_change {
	struct mlops_change change;
	int64_t ordinal;
};
struct mlops_outbox_change_list {
	size_t n;
	struct mlops_outbox_change *items;
};
void mlops_outbox_change_list_release(struct mlops_outbox_change_list *list);
/* Appends; name NULL: all models. */
bool mlops_outbox_changes(struct mlops_store *store, const char *server, const char *name,
			  struct mlops_outbox_change_list *changes, struct mlops_error *error);

/* A tag that the server's version is to get. */
struct mlops_outbox_tag {
	int64_t id;
	char *name;       /* of the model */
	uint32_t version;
	char *key, *value;
	char *alias;      /* send it only if this alias names `to` by now (0: nothing); NULL: in any case */
	uint32_t to;
};
struct mlops_outbox_tag_list {
	size_t n;
	struct mlops_outbox_tag *items;
};
void mlops_outbox_tag_list_release(struct mlops_outbox_tag_list *list);
/* Puts a tag down, fills in its id, and forgets others that wait for the same alias. */
bool mlops_outbox_add_tag(struct mlops_store *store, const char *server, struct mlops_outbox_tag *tag,
			  struct mlops_error *error);
/* The alias stands: change is part of the history.  sent: the tag is there, too, else it waits. */
bool mlops_outbox_confirm(struct mlops_store *store, const char *server, int64_t tag,
			  const struct mlops_outbox_change *change, bool sent, struct mlops_error *error);
bool mlops_outbox_remove_tag(struct mlops_store *store, int64_t tag, struct mlops_error *error);
bool mlops_outbox_tags(struct mlops_store *store, const char *server, struct mlops_outbox_tag_list *tags,
		       struct mlops_error *error);

#endif
