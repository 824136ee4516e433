/*
 * Inside the registry: what a backend of the store can do.  Only lib/registry includes this.
 *
 * store.c hands each public call to the operation of the same name; store.h says what it has to do.
 */
#ifndef MLOPS_REGISTRY_BACKEND_H
#define MLOPS_REGISTRY_BACKEND_H

#include "registry/store.h"

struct mlops_store_operations {
	void (*close)(struct mlops_store *store);
	bool (*begin_run)(struct mlops_store *store, struct mlops_run *run, struct mlops_error *error);
	bool (*end_run)(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error);
	bool (*finish_checks)(struct mlops_store *store, const struct mlops_run *run, const struct mlops_checks *checks,
			      struct mlops_error *error);
	bool (*last_checks)(struct mlops_store *store, const char *name, struct mlops_checks *checks, bool *found,
			    struct mlops_error *error);
	bool (*runs)(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
		     struct mlops_error *error);
	bool (*run_summaries)(struct mlops_store *store, struct mlops_run_summary_list *list, struct mlops_error *error);
	bool (*add_version)(struct mlops_store *store, struct mlops_version *version, const void *bytes, size_t length,
			    struct mlops_error *error);
	bool (*finish_run)(struct mlops_store *store, struct mlops_run *run, struct mlops_version *version,
			   const void *bytes, size_t length, struct mlops_error *error);
	bool (*versions)(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			 struct mlops_error *error);
	bool (*champions)(struct mlops_store *store, struct mlops_version_list *versions, struct mlops_error *error);
	bool (*resolve)(struct mlops_store *store, const struct mlops_reference *reference,
			struct mlops_version *version, struct mlops_error *error);
	bool (*champion)(struct mlops_store *store, const char *name, struct mlops_version *version,
			 struct mlops_error *error);
	bool (*load)(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
		     struct mlops_error *error);
	bool (*promote)(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
	bool (*rollback)(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
	bool (*set_alias)(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
	bool (*history)(struct mlops_store *store, const char *name, bool all_aliases,
			struct mlops_change_list *changes, struct mlops_error *error);
	bool (*add_decision)(struct mlops_store *store, const struct mlops_decision *decision,
			     struct mlops_error *error);
	bool (*decisions)(struct mlops_store *store, const char *name, size_t limit,
			  struct mlops_decision_list *decisions, struct mlops_error *error);
	bool (*add_reload)(struct mlops_store *store, const struct mlops_reload *reload, struct mlops_error *error);
	bool (*reloads)(struct mlops_store *store, size_t limit, struct mlops_reload_list *reloads,
			struct mlops_error *error);
	bool (*last_reloads)(struct mlops_store *store, struct mlops_reload_list *reloads, struct mlops_error *error);
	bool (*verify_version)(struct mlops_store *store, const struct mlops_version *version, char problem[160],
			       struct mlops_error *error);
	bool (*verify_ledger)(struct mlops_store *store, uint64_t *orphans, char problem[160],
			      struct mlops_error *error);
	bool (*prune)(struct mlops_store *store, const char *name, size_t keep, int64_t now, bool dry_run,
		      struct mlops_version_list *removed, struct mlops_error *error);
	bool (*push)(struct mlops_store *store, int64_t now, const struct mlops_push *push, struct mlops_error *error);
};

/* Of all versions those that are champions stay in the list. */
void mlops_version_list_keep_champions(struct mlops_version_list *versions);

/* The embedded store: the SQLite ledger and the model files beside it. */
struct mlops_store *mlops_embedded_open(const struct mlops_store_options *options, struct mlops_error *error);
void mlops_embedded_close(struct mlops_store *store);
bool mlops_embedded_begin_run(struct mlops_store *store, struct mlops_run *run, struct mlops_error *error);
bool mlops_embedded_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error);
bool mlops_embedded_finish_checks(struct mlops_store *store, const struct mlops_run *run,
				  const struct mlops_checks *checks, struct mlops_error *error);
bool mlops_embedded_last_checks(struct mlops_store *store, const char *name, struct mlops_checks *checks, bool *found,
				struct mlops_error *error);
bool mlops_embedded_runs(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
			 struct mlops_error *error);
bool mlops_embedded_run_summaries(struct mlops_store *store, struct mlops_run_summary_list *list,
				  struct mlops_error *error);
bool mlops_embedded_add_version(struct mlops_store *store, struct mlops_version *version, const void *bytes,
				size_t length, struct mlops_error *error);
bool mlops_embedded_finish_run(struct mlops_store *store, struct mlops_run *run, struct mlops_version *version,
			       const void *bytes, size_t length, struct mlops_error *error);
bool mlops_embedded_versions(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			     struct mlops_error *error);
bool mlops_embedded_champions(struct mlops_store *store, struct mlops_version_list *versions,
			      struct mlops_error *error);
bool mlops_embedded_resolve(struct mlops_store *store, const struct mlops_reference *reference,
			    struct mlops_version *version, struct mlops_error *error);
bool mlops_embedded_champion(struct mlops_store *store, const char *name, struct mlops_version *version,
			     struct mlops_error *error);
bool mlops_embedded_load(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
			 struct mlops_error *error);
bool mlops_embedded_promote(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
bool mlops_embedded_rollback(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
bool mlops_embedded_set_alias(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
bool mlops_embedded_history(struct mlops_store *store, const char *name, bool all_aliases,
			    struct mlops_change_list *changes, struct mlops_error *error);
bool mlops_embedded_add_decision(struct mlops_store *store, const struct mlops_decision *decision,
				 struct mlops_error *error);
bool mlops_embedded_decisions(struct mlops_store *store, const char *name, size_t limit,
			      struct mlops_decision_list *decisions, struct mlops_error *error);
bool mlops_embedded_add_reload(struct mlops_store *store, const struct mlops_reload *reload,
			       struct mlops_error *error);
bool mlops_embedded_reloads(struct mlops_store *store, size_t limit, struct mlops_reload_list *reloads,
			    struct mlops_error *error);
bool mlops_embedded_last_reloads(struct mlops_store *store, struct mlops_reload_list *reloads,
				 struct mlops_error *error);
bool mlops_embedded_verify_version(struct mlops_store *store, const struct mlops_version *version, char problem[160],
				   struct mlops_error *error);
bool mlops_embedded_verify_ledger(struct mlops_store *store, uint64_t *orphans, char problem[160],
				  struct mlops_error *error);
bool mlops_embedded_prune(struct mlops_store *store, const char *name, size_t keep, int64_t now, bool dry_run,
			  struct mlops_version_list *removed, struct mlops_error *error);

#endif
