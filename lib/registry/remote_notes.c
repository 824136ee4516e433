/* What is said of runs and versions, as params, metrics and tags. */
#include "registry/remote.h"

#include "base/json_writer.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LIMIT 250 /* of params, metrics and tags */

char *mlops_remote_json(const char *text, char bracket)
{
	json_t *value = text == NULL || text[strspn(text, " \t\r\n")] != bracket ? NULL : json_loads(text, 0, NULL);
	char *copy = value == NULL ? NULL : strdup(text);

	json_decref(value);
	/* Inside strings such characters are no JSON; outside they are spaces. */
	for (char *c = copy; c != NULL && *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return copy;
}

void mlops_remote_notes_release(struct mlops_remote_notes *notes)
{
	for (size_t i = 0; i < notes->n_texts; i++)
		free(((char **)notes->texts)[i]);
	free(notes->texts);
	free(notes->params);
	free(notes->metrics);
	free(notes->tags);
	memset(notes, 0, sizeof *notes);
}

/* Takes text over, NULL included (memory ran out). */
static const char *own(struct mlops_remote_notes *notes, char *text, struct mlops_error *error)
{
	char **place = text == NULL ? NULL : mlops_ledger_append(&notes->texts, &notes->n_texts, sizeof *place, error);

	if (place == NULL) {
		free(text);
		mlops_error_set_memory(error);
		return NULL;
	}
	*place = text;
	return text;
}

static bool add_pair(struct mlops_remote_notes *notes, void **pairs, size_t *n, const char *key, char *value,
		     struct mlops_error *error)
{
	const char *kept = own(notes, value, error);
	struct mlops_mlflow_pair *pair = kept == NULL ? NULL : mlops_ledger_append(pairs, n, sizeof *pair, error);

	if (pair == NULL)
		return false;
	pair->key = key;
	pair->value = kept;
	return true;
}

/* At most MLOPS_REMOTE_TEXT bytes, whole characters. */
static char *cut(const char *text)
{
	size_t length = strlen(text);

	if (length > MLOPS_REMOTE_TEXT) {
		length = MLOPS_REMOTE_TEXT;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	return strndup(text, length);
}

/* An empty text is not kept by every server. */
static bool add_tag(struct mlops_remote_notes *notes, const char *key, const char *value, struct mlops_error *error)
{
	return value == NULL || value[0] == '\0' ||
	       add_pair(notes, &notes->tags, &notes->items.n_tags, key, cut(value), error);
}

/* JSON that is cut is none: what is too long is left out. */
static bool add_json_tag(struct mlops_remote_notes *notes, const char *key, const char *value,
			 struct mlops_error *error)
{
	return value == NULL || strlen(value) > MLOPS_REMOTE_TEXT || add_tag(notes, key, value, error);
}

static bool add_number_tag(struct mlops_remote_notes *notes, const char *key, int64_t value, struct mlops_error *error)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)value);
	return add_tag(notes, key, text, error);
}

/* OUTER.KEY in the letters that MLflow takes; NULL when memory runs out. */
static char *join(const char *outer, const char *key)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./ :-";
	char *joined;

	if (asprintf(&joined, "%s%s%s", outer, outer[0] == '\0' ? "" : ".", key) < 0)
		return NULL;
	for (char *c = joined; *c != '\0'; c++)
		if (strchr(allowed, *c) == NULL || *c == '/')
			*c = '_';
	joined[strnlen(joined, KEY_LIMIT)] = '\0';
	return joined;
}

static bool add_metrics(struct mlops_remote_notes *notes, const char *outer, json_t *object, int64_t when,
			struct mlops_error *error)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		const char *key;
		bool ok;

		if (!json_is_number(value) && !json_is_object(value))
			continue;
		key = own(notes, join(outer, name), error);
		if (key == NULL)
			return false;
		if (json_is_object(value)) {
			ok = add_metrics(notes, key, value, when, error);
		} else {
			struct mlops_mlflow_metric *metric = mlops_ledger_append(
				&notes->metrics, &notes->items.n_metrics, sizeof *metric, error);

			ok = metric != NULL;
			if (ok)
				*metric = (struct mlops_mlflow_metric){ .key = key, .value = json_number_value(value),
									.when = when };
		}
		if (!ok)
			return false;
	}
	return true;
}

static bool add_params(struct mlops_remote_notes *notes, json_t *object, struct mlops_error *error)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		const char *key = own(notes, join("", name), error);
		char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
		const char *whole = json_is_string(value) ? json_string_value(value) : dumped;
		char *text = whole == NULL ? NULL : cut(whole);

		free(dumped);
		if (key == NULL || !add_pair(notes, &notes->params, &notes->items.n_params, key, text, error))
			return false;
	}
	return true;
}

static bool finish(struct mlops_remote_notes *notes, bool ok)
{
	notes->items.params = notes->params;
	notes->items.metrics = notes->metrics;
	notes->items.tags = notes->tags;
	if (!ok)
		mlops_remote_notes_release(notes);
	return ok;
}

bool mlops_remote_notes_of_run(const struct mlops_run *run, struct mlops_remote_notes *notes,
			       struct mlops_error *error)
{
	json_t *settings = run->settings == NULL ? NULL : json_loads(run->settings, 0, NULL);
	json_t *metrics = run->metrics == NULL ? NULL : json_loads(run->metrics, 0, NULL);
	bool ok;

	memset(notes, 0, sizeof *notes);
	ok = add_tag(notes, "mlops.run_id", run->id, error) && add_tag(notes, "mlops.model", run->name, error) &&
	     add_tag(notes, "mlops.kind", run->kind, error) && add_tag(notes, "mlops.action", run->action, error) &&
	     add_tag(notes, "mlops.sensor", run->sensor, error) && add_tag(notes, "mlops.source", run->source, error) &&
	     add_tag(notes, "mlops.reason", run->reason, error) && add_tag(notes, "mlops.message", run->message, error) &&
	     add_number_tag(notes, "mlops.started", run->started, error) &&
	     add_number_tag(notes, "mlops.rows", (int64_t)run->rows, error) &&
	     (run->ended == 0 || add_number_tag(notes, "mlops.ended", run->ended, error)) &&
	     add_json_tag(notes, "mlops.settings", run->settings, error) &&
	     add_json_tag(notes, "mlops.metrics", run->metrics, error) &&
	     add_tag(notes, "mlflow.source.name", "mlops", error) &&
	     add_tag(notes, "mlflow.source.type", "LOCAL", error) && add_params(notes, settings, error) &&
	     add_metrics(notes, "", metrics, run->ended, error);
	json_decref(settings);
	json_decref(metrics);
	return finish(notes, ok);
}

bool mlops_remote_notes_of_version(const struct mlops_version *version, struct mlops_remote_notes *notes,
				   struct mlops_error *error)
{
	bool ok;

	memset(notes, 0, sizeof *notes);
	ok = add_tag(notes, "mlops.kind", version->kind, error) && add_tag(notes, "mlops.sha256", version->sha256, error) &&
	     add_number_tag(notes, "mlops.size", (int64_t)version->size, error) &&
	     add_number_tag(notes, "mlops.rows", (int64_t)version->rows, error) &&
	     add_number_tag(notes, "mlops.created", version->created, error) &&
	     add_tag(notes, "mlops.run_id", version->run_id, error) &&
	     add_json_tag(notes, "mlops.metrics", version->metrics, error) &&
	     add_json_tag(notes, "mlops.settings", version->settings, error) &&
	     add_json_tag(notes, "mlops.features", version->features, error);
	return finish(notes, ok);
}
