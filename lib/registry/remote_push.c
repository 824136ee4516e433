/* What a server could not be told at once. */
#include "registry/remote.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
	struct mlops_store *store;
	const struct mlops_push *push;
	size_t left;
	struct mlops_error *error; /* the first that went wrong */
};

static void tell(struct work *work, const struct mlops_sent *sent)
{
	if (work->push->sent != NULL)
		work->push->sent(work->push->context, sent);
}

/* Whether it makes sense to go on with the next. */
static bool put_off(struct work *work, const struct mlops_error *trouble)
{
	work->left++;
	mlops_error_set(work->error, trouble->code, "%s", trouble->message);
	return trouble->code == MLOPS_DATA || trouble->code == MLOPS_NEGATIVE || trouble->code == MLOPS_BUSY;
}

/* A version that the server will never take: its run has failed, and that is what is sent. */
static bool give_up(struct work *work, struct mlops_outbox_run *run, struct mlops_error *trouble)
{
	struct mlops_store *store = work->store;
	struct mlops_error reason = MLOPS_ERROR_INIT;
	char id[33];
	bool found;

	mlops_error_set(&reason, MLOPS_DATA, "%.400s; the model stays in %s/models/%.64s.onnx", trouble->message,
			store->location, run->version.sha256);
	memcpy(id, run->run.id, sizeof id);
	if (!mlops_outbox_give_up(store, run, reason.message, trouble))
		return false;
	mlops_outbox_run_release(run);
	*trouble = reason;
	return mlops_outbox_read(store, id, run, &found, trouble) && found &&
	       mlops_remote_send(store, store->remote->mlflow, run, NULL, 0, trouble);
}

static bool send_run(struct work *work, struct mlops_outbox_run *run, struct mlops_error *trouble)
{
	struct mlops_mlflow *mlflow = work->store->remote->mlflow;
	struct mlops_error kind = MLOPS_ERROR_INIT;

	if (run->has_version && !mlops_remote_check_kind(mlflow, run->version.name, run->version.kind, &kind)) {
		if (kind.code == MLOPS_DATA) {
			if (give_up(work, run, &kind))
				mlops_error_set(work->error, kind.code, "%s", kind.message);
			else
				mlops_error_set(trouble, kind.code, "%s", kind.message);
			return trouble->code == MLOPS_OK;
		}
		return mlops_error_set(trouble, kind.code, "%s", kind.message);
	}
	return mlops_remote_send(work->store, mlflow, run, NULL, 0, trouble);
}

/* False when there is no sense in going on. */
static bool push_run(struct work *work, const struct mlops_outbox_entry *entry)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_outbox_run run;
	bool busy = false, found, ok;

	if (!mlops_running_claim(work->store, entry->sequence, &busy, &trouble))
		return put_off(work, &trouble);
	/* While it waited, another may have sent it; while it is trained, there is nothing to be sent. */
	if (!mlops_outbox_read(work->store, entry->id, &run, &found, &trouble))
		return put_off(work, &trouble);
	if (!found || run.step == MLOPS_SENT || run.run.outcome == MLOPS_RUN_RUNNING) {
		mlops_outbox_run_release(&run);
		return true;
	}
	if (busy)
		ok = mlops_error_set(&trouble, MLOPS_BUSY, "run %s: another program is about to send it", entry->id);
	else
		ok = send_run(work, &run, &trouble);
	if (ok)
		tell(work, &(struct mlops_sent){ .what = run.run.version > 0 ? "version" : "run", .name = run.run.name,
						 .run_id = run.run.id, .version = run.run.version,
						 .outcome = mlops_run_outcome_name(run.run.outcome) });
	mlops_outbox_run_release(&run);
	return ok || put_off(work, &trouble);
}

/* Was the alias set that this is the note of? */
static bool stands(struct work *work, const struct mlops_outbox_tag *tag, bool *yes, struct mlops_error *error)
{
	struct mlops_mlflow_model_list models = { .n = 0 };
	bool ok = mlops_mlflow_models(work->store->remote->mlflow, tag->name, &models, error);

	*yes = ok && models.n == 1 && mlops_remote_alias(&models.items[0], tag->alias) == tag->to;
	mlops_mlflow_model_list_release(&models);
	return ok;
}

static bool send_tag(struct work *work, const struct mlops_outbox_tag *tag, bool *sent, struct mlops_error *error)
{
	struct mlops_store *store = work->store;
	struct mlops_remote *remote = store->remote;
	struct mlops_outbox_change change;
	bool ok;

	*sent = true;
	if (tag->alias != NULL && !stands(work, tag, sent, error))
		return false;
	if (*sent &&
	    !mlops_mlflow_set_version_tag(remote->mlflow, tag->name, tag->version, tag->key, tag->value, error))
		return false;
	if (!*sent || tag->alias == NULL ||
	    !mlops_remote_read_change(tag->name, tag->key, tag->value, &change))
		return mlops_outbox_remove_tag(store, tag->id, error);
	ok = mlops_outbox_confirm(store, remote->server, tag->id, &change, true, error);
	mlops_change_release(&change.change);
	return ok;
}

static bool push_tag(struct work *work, const struct mlops_outbox_tag *tag)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	const char *what = strcmp(tag->key, "mlops.decision") == 0 ? "decision" : "change";
	bool sent;

	if (!send_tag(work, tag, &sent, &trouble)) {
		/* The version is gone, and nobody wants to know about it any more. */
		if (trouble.code == MLOPS_DATA)
			return mlops_outbox_remove_tag(work->store, tag->id, work->error);
		return put_off(work, &trouble);
	}
	if (sent)
		tell(work, &(struct mlops_sent){ .what = what, .name = tag->name, .version = tag->version });
	return true;
}

static bool note_vanished(struct mlops_store *store, int64_t now, struct mlops_error *error)
{
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = mlops_ledger_end_vanished(store, now, error);
	return mlops_ledger_end(store, ok, error);
}

bool mlops_remote_push(struct mlops_store *store, int64_t now, const struct mlops_push *push, struct mlops_error *error)
{
	struct mlops_error first = MLOPS_ERROR_INIT;
	struct work work = { .store = store, .push = push, .error = &first };
	struct mlops_outbox_entry *entries = NULL;
	struct mlops_outbox_tag_list tags = { .n = 0 };
	size_t n = 0;
	bool go_on = note_vanished(store, now, &first) &&
		     mlops_outbox_list(store, store->remote->server, &entries, &n, &first) &&
		     mlops_outbox_tags(store, store->remote->server, &tags, &first);

	for (size_t i = 0; i < n; i++) {
		if (go_on)
			go_on = push_run(&work, &entries[i]);
		else
			work.left++;
	}
	for (size_t i = 0; i < tags.n; i++) {
		if (go_on)
			go_on = push_tag(&work, &tags.items[i]);
		else
			work.left++;
	}
	free(entries);
	mlops_outbox_tag_list_release(&tags);
	if (first.code == MLOPS_OK)
		return true;
	return work.left == 0 ? mlops_error_set(error, first.code, "%s", first.message)
			      : mlops_error_set(error, first.code, "%.600s; %zu still to be sent", first.message, work.left);
}
