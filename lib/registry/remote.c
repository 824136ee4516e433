#include "registry/remote.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BRIEF_SECONDS 10 /* for all attempts of what can be sent later just as well */

static void free_remote(struct mlops_remote *remote)
{
	if (remote == NULL)
		return;
	mlops_mlflow_close(remote->hasty);
	mlops_mlflow_close(remote->mlflow);
	free(remote);
}

static void close_store(struct mlops_store *store)
{
	free_remote(store->remote);
	mlops_embedded_close(store);
}

static const struct mlops_store_operations on_server = {
	.close = close_store,
	.begin_run = mlops_remote_begin_run,
	.end_run = mlops_remote_end_run,
	.finish_checks = mlops_embedded_finish_checks,
	.last_checks = mlops_embedded_last_checks,
	.runs = mlops_remote_runs,
	.run_summaries = mlops_embedded_run_summaries,
	.add_version = mlops_remote_add_version,
	.finish_run = mlops_remote_finish_run,
	.versions = mlops_remote_versions,
	.champions = mlops_remote_champions,
	.resolve = mlops_remote_resolve,
	.champion = mlops_remote_champion,
	.load = mlops_remote_load,
	.promote = mlops_remote_promote,
	.rollback = mlops_remote_rollback,
	.set_alias = mlops_remote_set_alias,
	.history = mlops_remote_history,
	.add_decision = mlops_remote_add_decision,
	.decisions = mlops_remote_decisions,
	.add_reload = mlops_embedded_add_reload,
	.reloads = mlops_embedded_reloads,
	.last_reloads = mlops_embedded_last_reloads,
	.verify_version = mlops_remote_verify_version,
	.verify_ledger = mlops_embedded_verify_ledger,
	.prune = mlops_remote_prune,
	.push = mlops_remote_push,
};

void mlops_remote_notice(struct mlops_store *store, const char *format, ...)
{
	const struct mlops_tracking *tracking = store->remote->tracking;
	char message[1024];
	va_list arguments;

	if (tracking->notice == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	tracking->notice(tracking->notice_context, message);
}

/* Whoever only reads needs no ledger; one in memory will do where there is none. */
static struct mlops_store *open_ledger(const struct mlops_store_options *options, struct mlops_error *error)
{
	struct mlops_store_options local = *options;
	char *path = NULL;
	bool exists;

	local.create = options->create || options->write;
	if (local.create)
		return mlops_embedded_open(&local, error);
	if (options->location == NULL || asprintf(&path, "%s/ledger.db", options->location) < 0)
		path = NULL;
	exists = path != NULL && access(path, R_OK) == 0;
	free(path);
	return exists ? mlops_embedded_open(&local, error) : mlops_ledger_open_memory(options->location, error);
}

struct mlops_store *mlops_remote_open(const struct mlops_store_options *options, struct mlops_error *error)
{
	struct mlops_remote *remote = calloc(1, sizeof *remote);
	struct mlops_store *store = NULL;

	if (remote == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	remote->tracking = options->tracking;
	remote->recall = options->recall;
	remote->brief = *options->tracking;
	if (remote->brief.retries > 1)
		remote->brief.retries = 1;
	if (remote->brief.patience == 0 || remote->brief.patience > BRIEF_SECONDS)
		remote->brief.patience = BRIEF_SECONDS;
	if (remote->brief.timeout == 0 || remote->brief.timeout > BRIEF_SECONDS)
		remote->brief.timeout = BRIEF_SECONDS;
	remote->mlflow = mlops_mlflow_open(remote->tracking, error);
	if (remote->mlflow != NULL)
		remote->hasty = mlops_mlflow_open(&remote->brief, error);
	if (remote->hasty != NULL)
		store = open_ledger(options, error);
	if (store == NULL) {
		free_remote(remote);
		return NULL;
	}
	remote->server = mlops_mlflow_shown(remote->mlflow);
	store->remote = remote;
	store->operations = &on_server;
	return store;
}
