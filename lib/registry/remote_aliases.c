/* Aliases on a server, and what is remembered of their changes. */
#include "registry/remote.h"

#include "base/json_writer.h"
#include "base/text.h"
#include "registry/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* Behind every change so far, whatever the clocks of those who made them say. */
static int64_t next_ordinal(const struct mlops_remote_state *state, int64_t when)
{
	int64_t last = state->changes.n == 0 ? 0 : state->changes.items[state->changes.n - 1].ordinal;

	return when > last ? when : last + 1;
}

/* Two that set an alias for the first time at once get each other's error from the server's database. */
static bool set_alias(struct mlops_mlflow *mlflow, const struct mlops_change *change, struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;

	if (mlops_mlflow_set_alias(mlflow, change->name, change->alias, change->to, &trouble))
		return true;
	if (trouble.code == MLOPS_DATA)
		return mlops_mlflow_set_alias(mlflow, change->name, change->alias, change->to, error);
	return mlops_error_set(error, trouble.code, "%s", trouble.message);
}

/*
 * Moves the alias, then tags the version.  The tag is put down before, so that whoever is killed in between leaves a
 * note for push, which looks whether the alias stands there.
 */
static bool apply(struct mlops_store *store, const struct mlops_remote_state *state, const struct mlops_change *change,
		  struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;
	struct mlops_outbox_change item = { .change = *change, .ordinal = next_ordinal(state, change->when) };
	struct mlops_buffer value = MLOPS_BUFFER_INIT;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	char key[40];
	struct mlops_outbox_tag tag = {
		.name = change->name, .version = change->to != 0 ? change->to : change->from, .key = key,
		.alias = change->alias, .to = change->to,
	};
	bool ok, sent;

	snprintf(key, sizeof key, "mlops.change.%lld", (long long)item.ordinal);
	ok = mlops_remote_write_change(change, &value, error);
	tag.value = value.data;
	ok = ok && mlops_outbox_add_tag(store, remote->server, &tag, error);
	if (ok && !set_alias(remote->mlflow, change, &trouble)) {
		/* What got no answer may have been done all the same. */
		if (trouble.code != MLOPS_UNAVAILABLE)
			mlops_outbox_remove_tag(store, tag.id, NULL);
		ok = mlops_error_set(error, trouble.code, "%s", trouble.message);
	}
	if (ok) {
		sent = mlops_mlflow_set_version_tag(remote->mlflow, change->name, tag.version, key, value.data, &trouble);
		if (!sent)
			mlops_remote_notice(store, "the alias is set, but the server has no note of who did it (%s); "
						   "mlops-registry push sends it", trouble.message);
		if (!mlops_outbox_confirm(store, remote->server, tag.id, &item, sent, &trouble))
			mlops_remote_notice(store, "the alias is set, but the ledger has no note of it: %s",
					    trouble.message);
	}
	mlops_buffer_release(&value);
	return ok;
}

typedef bool alias_step(struct mlops_store *store, const struct mlops_remote_state *state, struct mlops_change *change,
			struct mlops_error *error);

/* When it fails, change is as it was. */
static bool change_alias(struct mlops_store *store, struct mlops_change *change, const char *alias, const char *action,
			 alias_step *step, struct mlops_error *error)
{
	struct mlops_remote_state state;
	struct mlops_change done = *change;
	bool ok;

	if (!mlops_remote_state_read(store, change->name, &state, error))
		return false;
	done.action = borrow(action);
	done.alias = borrow(alias);
	done.from = mlops_remote_alias(&state.models.items[0], alias);
	ok = step(store, &state, &done, error);
	mlops_remote_state_release(&state);
	if (ok) {
		change->action = done.action;
		change->from = done.from;
		change->to = done.to;
	}
	return ok;
}

static bool set(struct mlops_store *store, const struct mlops_remote_state *state, struct mlops_change *change,
		struct mlops_error *error)
{
	return mlops_remote_find_version(state, change->name, change->to, error) &&
	       (change->from == change->to || apply(store, state, change, error));
}

static bool take_away(struct mlops_store *store, const struct mlops_remote_state *state, struct mlops_change *change,
		      struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED], quoted_alias[MLOPS_TEXT_QUOTED];

	if (change->from == 0)
		return mlops_error_set(error, MLOPS_DATA, "model '%s' has no alias '%s'",
				       mlops_text_mask(quoted, change->name, strlen(change->name)),
				       mlops_text_mask(quoted_alias, change->alias, strlen(change->alias)));
	return apply(store, state, change, error);
}

static bool set_no_earlier(const struct mlops_remote_state *state, const struct mlops_change *change,
			   struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];

	mlops_text_mask(quoted, change->name, strlen(change->name));
	if (change->to == 0)
		return mlops_error_set(error, MLOPS_NEGATIVE, "model '%s' has no earlier champion to go back to",
				       quoted);
	if (!mlops_remote_find_version(state, change->name, change->to, error))
		return false;
	if (change->to == change->from)
		return mlops_error_set(error, MLOPS_NEGATIVE, "version %u of model '%s' is the champion already",
				       change->to, quoted);
	return mlops_error_set(error, MLOPS_NEGATIVE,
			       "version %u of model '%s' is no earlier champion; promote it instead", change->to, quoted);
}

static bool go_back(struct mlops_store *store, const struct mlops_remote_state *state, struct mlops_change *change,
		    struct mlops_error *error)
{
	uint32_t to = mlops_remote_earlier(state, change->from, change->to);

	if (to == 0)
		return set_no_earlier(state, change, error);
	change->to = to;
	return apply(store, state, change, error);
}

bool mlops_remote_promote(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	return mlops_change_check_champion(change, error) &&
	       change_alias(store, change, MLOPS_CHAMPION, "promote", set, error);
}

bool mlops_remote_rollback(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	return mlops_change_check_champion(change, error) &&
	       change_alias(store, change, MLOPS_CHAMPION, "rollback", go_back, error);
}

bool mlops_remote_set_alias(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	if (!mlops_reference_check_alias(change->alias, error))
		return false;
	if (change->to == 0)
		return change_alias(store, change, change->alias, "remove", take_away, error);
	if (strcmp(change->alias, MLOPS_CHAMPION) == 0)
		return mlops_remote_promote(store, change, error);
	return change_alias(store, change, change->alias, "alias", set, error);
}

/* The ledger has it in any case; the challenger's tag is for those who look at the server. */
bool mlops_remote_add_decision(struct mlops_store *store, const struct mlops_decision *decision,
			       struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_buffer value = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &value };
	struct mlops_outbox_tag tag = {
		.name = decision->name, .version = decision->challenger, .key = borrow("mlops.decision"),
	};
	bool ok;

	if (!mlops_embedded_add_decision(store, decision, error))
		return false;
	if (decision->challenger == 0)
		return true;
	mlops_decision_write(decision, &json);
	tag.value = borrow(mlops_buffer_string(&value));
	ok = !value.failed || mlops_error_set_memory(error);
	if (ok && value.length <= MLOPS_REMOTE_TEXT &&
	    !mlops_mlflow_set_version_tag(remote->mlflow, tag.name, tag.version, tag.key, tag.value, &trouble)) {
		mlops_remote_notice(store, "the server has no note of the decision (%s); mlops-registry push sends it",
				    trouble.message);
		ok = mlops_outbox_add_tag(store, remote->server, &tag, error);
	}
	mlops_buffer_release(&value);
	return ok;
}

/* The ledger knows runs and models of its own; here a name need not be among them. */
bool mlops_remote_decisions(struct mlops_store *store, const char *name, size_t limit,
			    struct mlops_decision_list *decisions, struct mlops_error *error)
{
	struct mlops_mlflow_model_list models = { .n = 0 };
	size_t kept = 0;

	if (name == NULL)
		return mlops_embedded_decisions(store, NULL, limit, decisions, error);
	if (!mlops_embedded_decisions(store, NULL, 0, decisions, error))
		return false;
	for (size_t i = 0; i < decisions->n; i++) {
		if (strcmp(decisions->items[i].name, name) == 0 && (limit == 0 || kept < limit)) {
			struct mlops_decision one = decisions->items[i];

			decisions->items[i] = decisions->items[kept];
			decisions->items[kept++] = one;
		}
	}
	if (kept == 0 && !mlops_remote_model(store, name, &models, error)) {
		mlops_decision_list_release(decisions);
		return false;
	}
	mlops_mlflow_model_list_release(&models);
	for (size_t i = kept; i < decisions->n; i++)
		mlops_decision_release(&decisions->items[i]);
	decisions->n = kept;
	return true;
}
