#include "registry/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_aliased(const struct mlops_mlflow_model *model, uint32_t version)
{
	for (size_t i = 0; i < model->n_aliases; i++)
		if (model->aliases[i].version == version)
			return true;
	return false;
}

/* Is it one of the keep newest? */
static bool is_new(const struct mlops_mlflow_version_list *versions, uint32_t version, size_t keep)
{
	size_t newer = 0;

	for (size_t i = 0; i < versions->n; i++)
		newer += versions->items[i].version > version;
	return newer < keep;
}

/* Does another version, of whatever model, take its files from there?  A copied version has the address models:/NAME/VERSION. */
static bool is_shared(const struct mlops_mlflow_version_list *all, const struct mlops_mlflow_version *one)
{
	char *address = NULL;
	bool shared = asprintf(&address, "models:/%s/%u", one->name, one->version) < 0;

	for (size_t i = 0; i < all->n && !shared; i++) {
		const struct mlops_mlflow_version *other = &all->items[i];

		if (other->version == one->version && strcmp(other->name, one->name) == 0)
			continue;
		shared = strcmp(other->source, one->source) == 0 || strcmp(other->source, address) == 0;
	}
	free(address);
	return shared;
}

/* The version goes first: whoever is killed in between leaves files that nobody names, never a version without its
 * file.  Files that somebody else has put there are somebody else's. */
static bool delete_version(struct mlops_mlflow *mlflow, const struct mlops_mlflow_version_list *all,
			   const struct mlops_mlflow_version *version, struct mlops_error *error)
{
	bool ours = mlops_mlflow_tag(version, "mlops.run_id") != NULL && !is_shared(all, version);

	return mlops_mlflow_delete_version(mlflow, version->name, version->version, error) &&
	       (!ours || mlops_mlflow_delete_artifacts(mlflow, version->source, error));
}

bool mlops_remote_prune(struct mlops_store *store, const char *name, size_t keep, int64_t now, bool dry_run,
			struct mlops_version_list *removed, struct mlops_error *error)
{
	struct mlops_mlflow *mlflow = store->remote->mlflow;
	struct mlops_mlflow_version_list all = { .n = 0 };
	struct mlops_remote_state state;
	const struct mlops_mlflow_model *model;
	uint32_t needed;
	bool ok;

	(void)now;
	memset(removed, 0, sizeof *removed);
	if (!mlops_remote_state_read(store, name, &state, error))
		return false;
	model = &state.models.items[0];
	needed = mlops_remote_earlier(&state, mlops_remote_alias(model, MLOPS_CHAMPION), 0);
	ok = dry_run || mlops_mlflow_versions(mlflow, NULL, &all, error);
	for (size_t i = 0; ok && i < state.versions.n; i++) {
		const struct mlops_mlflow_version *version = &state.versions.items[i];
		void *items = removed->items;
		struct mlops_version *item;

		if (is_aliased(model, version->version) || version->version == needed ||
		    is_new(&state.versions, version->version, keep))
			continue;
		item = mlops_ledger_append(&items, &removed->n, sizeof *item, error);
		removed->items = items;
		ok = item != NULL && mlops_remote_version(version, model, item, error) &&
		     (dry_run || delete_version(mlflow, &all, version, error));
	}
	mlops_remote_state_release(&state);
	mlops_mlflow_version_list_release(&all);
	if (!ok)
		mlops_version_list_release(removed);
	return ok;
}
