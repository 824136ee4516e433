/* Runs that begin and end here: first in the ledger, then on the server. */
#include "registry/remote.h"

#include "base/json_writer.h"
#include "base/number.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* What can be sent later keeps nobody from training. */
static bool can_wait(const struct mlops_error *error)
{
	return error->code == MLOPS_UNAVAILABLE || error->code == MLOPS_DENIED || error->code == MLOPS_DATA ||
	       error->code == MLOPS_NEGATIVE;
}

bool mlops_remote_begin_run(struct mlops_store *store, struct mlops_run *run, struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_outbox_run begun;
	bool found, ok;

	if (strcmp(run->action, "validate") == 0)
		return mlops_embedded_begin_run(store, run, error);
	if (!mlops_outbox_begin_run(store, remote->server, run, error) ||
	    !mlops_outbox_read(store, run->id, &begun, &found, error))
		return false;
	ok = remote->down || mlops_remote_create_run(store, remote->hasty, &begun, true, &trouble);
	mlops_outbox_run_release(&begun);
	if (!ok && can_wait(&trouble))
		mlops_remote_notice(store, "%s; the run goes on, and the server is told at its end", trouble.message);
	else if (!ok)
		return mlops_error_set(error, trouble.code, "%s", trouble.message);
	return true;
}

/* The ledger knows how it ended; the server shall. */
bool mlops_remote_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_outbox_run ended;
	bool found, ok;

	if (!mlops_embedded_end_run(store, run, error) || !mlops_outbox_read(store, run->id, &ended, &found, error))
		return false;
	ok = !found || mlops_remote_send(store, remote->hasty, &ended, NULL, 0, &trouble);
	mlops_outbox_run_release(&ended);
	if (!ok)
		mlops_remote_notice(store, "%s; mlops-registry push tells the server of this run", trouble.message);
	return ok || can_wait(&trouble) || mlops_error_set(error, trouble.code, "%s", trouble.message);
}

static bool set_kept(const struct mlops_error *trouble, const struct mlops_run *run, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];

	return mlops_error_set(error, trouble->code, "%.500s; model '%s' is kept here, and mlops-registry push sends it",
			       trouble->message, mlops_text_mask(quoted, run->name, strlen(run->name)));
}

bool mlops_remote_finish_run(struct mlops_store *store, struct mlops_run *run, struct mlops_version *version,
			     const void *bytes, size_t length, struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;
	struct mlops_mlflow *mlflow = remote->down ? remote->hasty : remote->mlflow;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_outbox_run ended;
	bool found, ok;

	if (!mlops_reference_check_name(version->name, error))
		return false;
	mlops_sha256_of(bytes, length, version->sha256);
	version->size = length;
	/* What can never become a version is not kept for later. */
	if (!mlops_remote_check_kind(remote->hasty, version->name, version->kind, &trouble) &&
	    trouble.code == MLOPS_DATA)
		return mlops_error_set(error, trouble.code, "%s", trouble.message);
	trouble.code = MLOPS_OK;
	if (!mlops_outbox_keep(store, run, version, bytes, length, error) ||
	    !mlops_outbox_read(store, run->id, &ended, &found, error))
		return false;
	ok = mlops_remote_send(store, mlflow, &ended, bytes, length, &trouble);
	if (ok) {
		version->version = run->version = ended.version.version;
	} else {
		run->unsent = true;
		remote->down = remote->down || trouble.code == MLOPS_UNAVAILABLE;
		set_kept(&trouble, run, error);
	}
	mlops_outbox_run_release(&ended);
	return ok;
}

/* A server's version belongs to a run, so an import is one. */
bool mlops_remote_add_version(struct mlops_store *store, struct mlops_version *version, const void *bytes,
			      size_t length, struct mlops_error *error)
{
	struct mlops_run run = {
		.name = version->name, .kind = version->kind, .action = borrow("import"), .started = version->created,
		.rows = version->rows, .metrics = version->metrics, .settings = version->settings,
	};
	struct mlops_version imported = *version;
	bool ok;

	if (!mlops_reference_check_name(version->name, error) || !mlops_remote_begin_run(store, &run, error))
		return false;
	run.ended = version->created;
	run.outcome = MLOPS_RUN_FINISHED;
	imported.run_id = run.id;
	ok = mlops_remote_finish_run(store, &run, &imported, bytes, length, error);
	if (!ok && !run.unsent) {
		run.outcome = MLOPS_RUN_FAILED;
		run.reason = borrow("registry");
		run.message = error == NULL ? NULL : error->message;
		mlops_remote_end_run(store, &run, NULL);
	}
	memcpy(version->sha256, imported.sha256, sizeof version->sha256);
	version->size = imported.size;
	version->version = imported.version;
	return ok;
}

/* The reading side. */

static const char *tag_of(const struct mlops_mlflow_run *run, const char *key)
{
	for (size_t i = 0; i < run->n_tags; i++)
		if (strcmp(run->tags[i].key, key) == 0)
			return run->tags[i].value;
	return NULL;
}

static int64_t number_of(const struct mlops_mlflow_run *run, const char *key, int64_t otherwise)
{
	const char *text = tag_of(run, key);
	uint64_t value;

	return text != NULL && mlops_number_parse_uint(text, strlen(text), &value) && value <= INT64_MAX
		       ? (int64_t)value
		       : otherwise;
}

/* NULL stays NULL. */
static bool copy(char **to, const char *text, struct mlops_error *error)
{
	*to = text == NULL ? NULL : strdup(text);
	return *to != NULL || text == NULL || mlops_error_set_memory(error);
}

/* What the tag says, else an object of what the run has of its own. */
static bool copy_object(char **to, const char *text, const struct mlops_mlflow_kept *items, size_t n, bool numbers,
			struct mlops_error *error)
{
	struct mlops_buffer object = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &object };

	*to = mlops_remote_json(text, '{');
	if (*to != NULL || n == 0)
		return true;
	mlops_json_open(&json, '{');
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(items[i].value);

		mlops_json_key(&json, items[i].key);
		if (!numbers)
			mlops_json_text(&json, items[i].value, length);
		else if (mlops_number_is_json(items[i].value, length))
			mlops_json_raw(&json, items[i].value, length);
		else
			mlops_json_null(&json);
	}
	mlops_json_close(&json, '}');
	copy(to, mlops_buffer_string(&object), error);
	if (object.failed)
		mlops_error_set_memory(error);
	mlops_buffer_release(&object);
	return *to != NULL;
}

static bool read_run(const struct mlops_mlflow_run *from, struct mlops_run *run, struct mlops_error *error)
{
	const char *id = tag_of(from, "mlops.run_id");
	const char *name = tag_of(from, "mlops.model");
	const char *source = tag_of(from, "mlops.source");
	const char *action = tag_of(from, "mlops.action");
	int64_t version = number_of(from, "mlops.version", 0);

	memset(run, 0, sizeof *run);
	if (id == NULL || strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32)
		id = from->id;
	snprintf(run->id, sizeof run->id, "%s", id);
	run->started = number_of(from, "mlops.started", from->started);
	run->ended = number_of(from, "mlops.ended", from->ended);
	run->version = version > UINT32_MAX ? 0 : (uint32_t)version;
	run->rows = (uint64_t)number_of(from, "mlops.rows", 0);
	run->outcome = MLOPS_RUN_FAILED;
	if (strcmp(from->status, "FINISHED") == 0)
		run->outcome = MLOPS_RUN_FINISHED;
	else if (strcmp(from->status, "RUNNING") == 0 || strcmp(from->status, "SCHEDULED") == 0)
		run->outcome = MLOPS_RUN_RUNNING;
	return copy(&run->name, name == NULL ? from->name : name, error) &&
	       copy(&run->kind, tag_of(from, "mlops.kind"), error) &&
	       copy(&run->sensor, tag_of(from, "mlops.sensor"), error) &&
	       copy(&run->action, action == NULL ? "train" : action, error) &&
	       copy(&run->reason, tag_of(from, "mlops.reason"), error) &&
	       copy(&run->message, tag_of(from, "mlops.message"), error) &&
	       copy(&run->source, source == NULL ? tag_of(from, "mlflow.source.name") : source, error) &&
	       copy(&run->who, tag_of(from, "mlflow.user"), error) &&
	       copy_object(&run->metrics, tag_of(from, "mlops.metrics"), from->metrics, from->n_metrics, true, error) &&
	       copy_object(&run->settings, tag_of(from, "mlops.settings"), from->params, from->n_params, false, error);
}

static bool append(struct mlops_run_list *runs, struct mlops_run *run, struct mlops_error *error)
{
	void *items = runs->items;
	struct mlops_run *item = mlops_ledger_append(&items, &runs->n, sizeof *item, error);

	runs->items = items;
	if (item == NULL) {
		mlops_run_release(run);
		return false;
	}
	*item = *run;
	memset(run, 0, sizeof *run);
	return true;
}

static bool is_listed(const struct mlops_run_list *runs, const char *id)
{
	for (size_t i = 0; i < runs->n; i++)
		if (strcmp(runs->items[i].id, id) == 0)
			return true;
	return false;
}

static int newest_first(const void *a, const void *b)
{
	const struct mlops_run *x = a, *y = b;

	if (x->started != y->started)
		return x->started > y->started ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* In MLflow's language a text has no escapes: a name with both quotes is looked for here alone. */
static bool filter_of(const char *name, char **filter, struct mlops_error *error)
{
	char quote = strchr(name, '\'') == NULL ? '\'' : '"';

	*filter = NULL;
	if (strchr(name, quote) != NULL)
		return true;
	return asprintf(filter, "tags.`mlops.model` = %c%s%c", quote, name, quote) >= 0 ||
	       mlops_error_set_memory(error);
}

/* Those that are only here, or have ended only here, and validations, which stay here. */
static bool add_local(struct mlops_store *store, const char *name, struct mlops_run_list *runs,
		      struct mlops_error *error)
{
	struct mlops_run_list local = { .n = 0 };
	struct mlops_outbox_entry *entries = NULL;
	size_t n = 0;
	bool ok = mlops_outbox_list(store, store->remote->server, &entries, &n, error) &&
		  mlops_embedded_runs(store, NULL, 0, &local, error);

	for (size_t i = 0; ok && i < local.n; i++) {
		struct mlops_run *run = &local.items[i];
		bool wanted = strcmp(run->action, "validate") == 0;

		if (name != NULL && strcmp(run->name, name) != 0)
			continue;
		for (size_t e = 0; e < n && !wanted; e++) {
			wanted = strcmp(entries[e].id, run->id) == 0;
			run->unsent = wanted && !(entries[e].begun && run->outcome == MLOPS_RUN_RUNNING);
		}
		if (wanted)
			ok = append(runs, run, error);
	}
	mlops_run_list_release(&local);
	free(entries);
	return ok;
}

bool mlops_remote_runs(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
		       struct mlops_error *error)
{
	struct mlops_mlflow_run_list found = { .n = 0 };
	struct mlops_mlflow_model_list models = { .n = 0 };
	char *filter = NULL;
	bool ok;

	memset(runs, 0, sizeof *runs);
	ok = add_local(store, name, runs, error) && (name == NULL || filter_of(name, &filter, error)) &&
	     mlops_mlflow_runs(store->remote->mlflow, filter, filter == NULL && name != NULL ? 0 : limit, &found, error);
	for (size_t i = 0; ok && i < found.n; i++) {
		struct mlops_run run;

		ok = read_run(&found.items[i], &run, error);
		if (ok && !is_listed(runs, run.id) &&
		    (name == NULL || (run.name != NULL && strcmp(run.name, name) == 0)))
			ok = append(runs, &run, error);
		mlops_run_release(&run);
	}
	if (ok && runs->n == 0 && name != NULL)
		ok = mlops_remote_model(store, name, &models, error);
	if (ok && runs->n > 0)
		qsort(runs->items, runs->n, sizeof runs->items[0], newest_first);
	while (ok && limit > 0 && runs->n > limit)
		mlops_run_release(&runs->items[--runs->n]);
	mlops_mlflow_run_list_release(&found);
	mlops_mlflow_model_list_release(&models);
	free(filter);
	if (!ok)
		mlops_run_list_release(runs);
	return ok;
}
