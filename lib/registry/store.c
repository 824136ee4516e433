/* Every call goes to the store's backend. */
#include "registry/store.h"

#include "registry/remote.h"

static bool push_nowhere(struct mlops_store *store, int64_t now, const struct mlops_push *push, struct mlops_error *error)
{
	(void)now;
	(void)push;
	return mlops_error_set(error, MLOPS_CONFIG,
			       "registry %s: a directory, nothing waits to be sent; MLFLOW_TRACKING_URI names a server",
			       store->location);
}

static const struct mlops_store_operations embedded = {
	.close = mlops_embedded_close,
	.begin_run = mlops_embedded_begin_run,
	.end_run = mlops_embedded_end_run,
	.finish_checks = mlops_embedded_finish_checks,
	.last_checks = mlops_embedded_last_checks,
	.runs = mlops_embedded_runs,
	.run_summaries = mlops_embedded_run_summaries,
	.add_version = mlops_embedded_add_version,
	.finish_run = mlops_embedded_finish_run,
	.versions = mlops_embedded_versions,
	.champions = mlops_embedded_champions,
	.resolve = mlops_embedded_resolve,
	.champion = mlops_embedded_champion,
	.load = mlops_embedded_load,
	.promote = mlops_embedded_promote,
	.rollback = mlops_embedded_rollback,
	.set_alias = mlops_embedded_set_alias,
	.history = mlops_embedded_history,
	.add_decision = mlops_embedded_add_decision,
	.decisions = mlops_embedded_decisions,
	.add_reload = mlops_embedded_add_reload,
	.reloads = mlops_embedded_reloads,
	.last_reloads = mlops_embedded_last_reloads,
	.verify_version = mlops_embedded_verify_version,
	.verify_ledger = mlops_embedded_verify_ledger,
	.prune = mlops_embedded_prune,
	.push = push_nowhere,
};

struct mlops_store *mlops_store_open(const struct mlops_store_options *options, struct mlops_error *error)
{
	struct mlops_store *store;

	if (options->tracking != NULL)
		return mlops_remote_open(options, error);
	store = mlops_embedded_open(options, error);
	if (store != NULL)
		store->operations = &embedded;
	return store;
}

const char *mlops_store_shown(const struct mlops_store *store)
{
	return store->remote != NULL ? store->remote->server : store->location;
}

void mlops_store_close(struct mlops_store *store)
{
	if (store != NULL)
		store->operations->close(store);
}

bool mlops_store_begin_run(struct mlops_store *store, struct mlops_run *run, struct mlops_error *error)
{
	return store->operations->begin_run(store, run, error);
}

bool mlops_store_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error)
{
	return store->operations->end_run(store, run, error);
}

bool mlops_store_finish_checks(struct mlops_store *store, const struct mlops_run *run,
			       const struct mlops_checks *checks, struct mlops_error *error)
{
	return store->operations->finish_checks(store, run, checks, error);
}

bool mlops_store_last_checks(struct mlops_store *store, const char *name, struct mlops_checks *checks, bool *found,
			     struct mlops_error *error)
{
	return store->operations->last_checks(store, name, checks, found, error);
}

bool mlops_store_runs(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
		      struct mlops_error *error)
{
	return store->operations->runs(store, name, limit, runs, error);
}

bool mlops_store_run_summaries(struct mlops_store *store, struct mlops_run_summary_list *list,
			       struct mlops_error *error)
{
	return store->operations->run_summaries(store, list, error);
}

bool mlops_store_add_version(struct mlops_store *store, struct mlops_version *version, const void *bytes,
			     size_t length, struct mlops_error *error)
{
	return store->operations->add_version(store, version, bytes, length, error);
}

bool mlops_store_finish_run(struct mlops_store *store, struct mlops_run *run, struct mlops_version *version,
			    const void *bytes, size_t length, struct mlops_error *error)
{
	return store->operations->finish_run(store, run, version, bytes, length, error);
}

bool mlops_store_versions(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			  struct mlops_error *error)
{
	return store->operations->versions(store, name, versions, error);
}

bool mlops_store_champions(struct mlops_store *store, struct mlops_version_list *versions, struct mlops_error *error)
{
	return store->operations->champions(store, versions, error);
}

bool mlops_store_resolve(struct mlops_store *store, const struct mlops_reference *reference,
			 struct mlops_version *version, struct mlops_error *error)
{
	return store->operations->resolve(store, reference, version, error);
}

bool mlops_store_champion(struct mlops_store *store, const char *name, struct mlops_version *version,
			  struct mlops_error *error)
{
	return store->operations->champion(store, name, version, error);
}

bool mlops_store_load(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
		      struct mlops_error *error)
{
	return store->operations->load(store, version, bytes, error);
}

bool mlops_store_promote(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	return store->operations->promote(store, change, error);
}

bool mlops_store_rollback(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	return store->operations->rollback(store, change, error);
}

bool mlops_store_set_alias(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	return store->operations->set_alias(store, change, error);
}

bool mlops_store_history(struct mlops_store *store, const char *name, bool all_aliases,
			 struct mlops_change_list *changes, struct mlops_error *error)
{
	return store->operations->history(store, name, all_aliases, changes, error);
}

bool mlops_store_add_decision(struct mlops_store *store, const struct mlops_decision *decision,
			      struct mlops_error *error)
{
	return store->operations->add_decision(store, decision, error);
}

bool mlops_store_decisions(struct mlops_store *store, const char *name, size_t limit,
			   struct mlops_decision_list *decisions, struct mlops_error *error)
{
	return store->operations->decisions(store, name, limit, decisions, error);
}

bool mlops_store_add_reload(struct mlops_store *store, const struct mlops_reload *reload, struct mlops_error *error)
{
	return store->operations->add_reload(store, reload, error);
}

bool mlops_store_reloads(struct mlops_store *store, size_t limit, struct mlops_reload_list *reloads,
			 struct mlops_error *error)
{
	return store->operations->reloads(store, limit, reloads, error);
}

bool mlops_store_last_reloads(struct mlops_store *store, struct mlops_reload_list *reloads, struct mlops_error *error)
{
	return store->operations->last_reloads(store, reloads, error);
}

bool mlops_store_verify_version(struct mlops_store *store, const struct mlops_version *version, char problem[160],
				struct mlops_error *error)
{
	return store->operations->verify_version(store, version, problem, error);
}

bool mlops_store_verify_ledger(struct mlops_store *store, uint64_t *orphans, char problem[160],
			       struct mlops_error *error)
{
	return store->operations->verify_ledger(store, orphans, problem, error);
}

bool mlops_store_prune(struct mlops_store *store, const char *name, size_t keep, int64_t now, bool dry_run,
		       struct mlops_version_list *removed, struct mlops_error *error)
{
	return store->operations->prune(store, name, keep, now, dry_run, removed, error);
}

bool mlops_store_push(struct mlops_store *store, int64_t now, const struct mlops_push *push, struct mlops_error *error)
{
	return store->operations->push(store, now, push, error);
}
