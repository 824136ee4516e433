/* The versions that a server knows. */
#include "registry/remote.h"

#include "base/json_writer.h"
#include "base/number.h"
#include "base/sha256.h"
#include "base/text.h"
#include "model/onnx.h"
#include "registry/cache.h"
#include "registry/recall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_FILE "model.onnx"

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* " (did you mean 'pump'?)" or an empty text.  A list of versions is one request; one of models is one a model. */
static void nearest_model(struct mlops_store *store, const char *name, char hint[128])
{
	struct mlops_mlflow_version_list versions = { .n = 0 };
	char quoted[MLOPS_TEXT_QUOTED];
	const char **names, *nearest = NULL;

	hint[0] = '\0';
	if (!mlops_mlflow_versions(store->remote->hasty, NULL, &versions, NULL))
		return;
	names = calloc(versions.n + 1, sizeof *names);
	for (size_t i = 0; names != NULL && i < versions.n; i++)
		names[i] = versions.items[i].name;
	if (names != NULL)
		nearest = mlops_text_nearest(name, names, versions.n);
	if (nearest != NULL)
		snprintf(hint, 128, " (did you mean '%s'?)", mlops_text_mask(quoted, nearest, strlen(nearest)));
	free(names);
	mlops_mlflow_version_list_release(&versions);
}

bool mlops_remote_model(struct mlops_store *store, const char *name, struct mlops_mlflow_model_list *models,
			struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	char quoted[MLOPS_TEXT_QUOTED], hint[128];
	bool ok;

	memset(models, 0, sizeof *models);
	ok = mlops_mlflow_models(store->remote->mlflow, name, models, &trouble);
	if (ok && models->n > 0)
		return true;
	mlops_mlflow_model_list_release(models);
	if (!ok && trouble.code != MLOPS_DATA)
		return mlops_error_set(error, trouble.code, "%s", trouble.message);
	nearest_model(store, name, hint);
	return mlops_error_set(error, MLOPS_DATA, "model '%s' is not in the registry%s",
			       mlops_text_mask(quoted, name, strlen(name)), hint);
}

uint32_t mlops_remote_alias(const struct mlops_mlflow_model *model, const char *alias)
{
	for (size_t i = 0; i < model->n_aliases; i++)
		if (strcmp(model->aliases[i].alias, alias) == 0)
			return model->aliases[i].version;
	return 0;
}

static bool copy(char **to, const char *text, struct mlops_error *error)
{
	*to = strdup(text);
	return *to != NULL || mlops_error_set_memory(error);
}

static bool copy_json(char **to, const char *text, char bracket, const char *otherwise, struct mlops_error *error)
{
	*to = mlops_remote_json(text, bracket);
	return *to != NULL || copy(to, otherwise, error);
}

static uint64_t number(const struct mlops_mlflow_version *found, const char *key)
{
	const char *text = mlops_mlflow_tag(found, key);
	uint64_t value = 0;

	return text != NULL && mlops_number_parse_uint(text, strlen(text), &value) && value <= INT64_MAX ? value : 0;
}

static bool write_aliases(const struct mlops_mlflow_model *model, struct mlops_version *version,
			  struct mlops_error *error)
{
	struct mlops_buffer list = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &list };
	size_t n = model == NULL ? 0 : model->n_aliases, n_names = 0;
	const char **names = calloc(n + 1, sizeof *names);
	bool ok = names != NULL;

	for (size_t i = 0; ok && i < n; i++)
		if (model->aliases[i].version == version->version)
			names[n_names++] = model->aliases[i].alias;
	if (ok)
		qsort(names, n_names, sizeof *names, by_name);
	mlops_json_open(&json, '[');
	for (size_t i = 0; ok && i < n_names; i++) {
		mlops_json_string(&json, names[i]);
		version->champion = version->champion || strcmp(names[i], MLOPS_CHAMPION) == 0;
	}
	mlops_json_close(&json, ']');
	free(names);
	ok = ok && copy(&version->aliases, mlops_buffer_string(&list), error) && !list.failed;
	mlops_buffer_release(&list);
	return ok || mlops_error_set_memory(error);
}

bool mlops_remote_version(const struct mlops_mlflow_version *found, const struct mlops_mlflow_model *model,
			  struct mlops_version *version, struct mlops_error *error)
{
	const char *kind = mlops_mlflow_tag(found, "mlops.kind");
	const char *sha256 = mlops_mlflow_tag(found, "mlops.sha256");
	const char *run_id = mlops_mlflow_tag(found, "mlops.run_id");
	uint64_t created = number(found, "mlops.created");
	bool ok;

	memset(version, 0, sizeof *version);
	version->version = found->version;
	version->created = created > 0 ? (int64_t)created : found->created;
	version->rows = number(found, "mlops.rows");
	/* Size and hash belong together: without both the file is taken as it comes. */
	if (sha256 != NULL && strlen(sha256) == MLOPS_SHA256_TEXT - 1 &&
	    strspn(sha256, "0123456789abcdef") == MLOPS_SHA256_TEXT - 1 && number(found, "mlops.size") > 0) {
		memcpy(version->sha256, sha256, sizeof version->sha256);
		version->size = number(found, "mlops.size");
	}
	if (run_id == NULL)
		run_id = found->run_id;
	ok = copy(&version->name, found->name, error) && copy(&version->kind, kind == NULL ? "unknown" : kind, error) &&
	     (run_id == NULL || copy(&version->run_id, run_id, error)) &&
	     copy_json(&version->metrics, mlops_mlflow_tag(found, "mlops.metrics"), '{', "{}", error) &&
	     copy_json(&version->settings, mlops_mlflow_tag(found, "mlops.settings"), '{', "{}", error) &&
	     copy_json(&version->features, mlops_mlflow_tag(found, "mlops.features"), '[', "[]", error) &&
	     write_aliases(model, version, error);
	if (!ok)
		mlops_version_release(version);
	return ok;
}

static const struct mlops_mlflow_model *find(const struct mlops_mlflow_model_list *models, const char *name)
{
	for (size_t i = 0; i < models->n; i++)
		if (strcmp(models->items[i].name, name) == 0)
			return &models->items[i];
	return NULL;
}

bool mlops_remote_versions(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			   struct mlops_error *error)
{
	struct mlops_mlflow *mlflow = store->remote->mlflow;
	struct mlops_mlflow_model_list models = { .n = 0 };
	struct mlops_mlflow_version_list found = { .n = 0 };
	bool ok;

	memset(versions, 0, sizeof *versions);
	ok = (name == NULL ? mlops_mlflow_models(mlflow, NULL, &models, error)
			   : mlops_remote_model(store, name, &models, error)) &&
	     mlops_mlflow_versions(mlflow, name, &found, error);
	if (ok && found.n > 0) {
		versions->items = calloc(found.n, sizeof *versions->items);
		ok = versions->items != NULL || mlops_error_set_memory(error);
	}
	for (size_t i = 0; ok && i < found.n; i++) {
		ok = mlops_remote_version(&found.items[i], find(&models, found.items[i].name), &versions->items[i],
					  error);
		versions->n += ok;
	}
	mlops_mlflow_model_list_release(&models);
	mlops_mlflow_version_list_release(&found);
	if (!ok)
		mlops_version_list_release(versions);
	return ok;
}

static bool set_no_version(struct mlops_store *store, const char *name, uint32_t version, struct mlops_error *error)
{
	struct mlops_remote_state state = { .versions = { .n = 0 } };
	bool ok = mlops_mlflow_versions(store->remote->mlflow, name, &state.versions, error);

	if (ok && mlops_remote_find_version(&state, name, version, error))
		mlops_error_set(error, MLOPS_DATA, "model '%s': version %u could not be read", name, version);
	mlops_remote_state_release(&state);
	return false;
}

static bool set_no_alias(struct mlops_store *store, const struct mlops_mlflow_model *model,
			 const struct mlops_reference *reference, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED], quoted_alias[MLOPS_TEXT_QUOTED], quoted_nearest[MLOPS_TEXT_QUOTED];
	struct mlops_mlflow_version_list versions = { .n = 0 };
	const char **aliases, *nearest = NULL;
	uint32_t newest = 0;

	mlops_text_mask(quoted, reference->name, strlen(reference->name));
	if (strcmp(reference->alias, MLOPS_CHAMPION) == 0) {
		if (!mlops_mlflow_versions(store->remote->mlflow, reference->name, &versions, error))
			return false;
		for (size_t i = 0; i < versions.n; i++)
			newest = versions.items[i].version > newest ? versions.items[i].version : newest;
		mlops_mlflow_version_list_release(&versions);
		return mlops_error_set(error, MLOPS_DATA,
				       "model '%s' has no champion; promote a version (the newest is %u)", quoted,
				       newest);
	}
	aliases = calloc(model->n_aliases + 1, sizeof *aliases);
	for (size_t i = 0; aliases != NULL && i < model->n_aliases; i++)
		aliases[i] = model->aliases[i].alias;
	if (aliases != NULL)
		nearest = mlops_text_nearest(reference->alias, aliases, model->n_aliases);
	mlops_text_mask(quoted_alias, reference->alias, strlen(reference->alias));
	if (nearest != NULL)
		mlops_error_set(error, MLOPS_DATA, "model '%s' has no alias '%s' (did you mean '%s'?)", quoted,
				quoted_alias, mlops_text_mask(quoted_nearest, nearest, strlen(nearest)));
	else
		mlops_error_set(error, MLOPS_DATA, "model '%s' has no alias '%s'", quoted, quoted_alias);
	free(aliases);
	return false;
}

/* The server's own words about a version that it does not have are not as good as ours. */
static bool find_version(struct mlops_store *store, const char *name, uint32_t version,
			 struct mlops_mlflow_version *found, struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;

	memset(found, 0, sizeof *found);
	if (mlops_mlflow_version_of(store->remote->mlflow, name, version, found, &trouble))
		return true;
	if (trouble.code == MLOPS_DATA)
		return set_no_version(store, name, version, error);
	return mlops_error_set(error, trouble.code, "%s", trouble.message);
}

static bool ask(struct mlops_store *store, const struct mlops_reference *reference, struct mlops_version *version,
		struct mlops_error *error)
{
	struct mlops_mlflow_model_list models = { .n = 0 };
	struct mlops_mlflow_version found = { .version = reference->version };
	bool ok;

	if (!mlops_remote_model(store, reference->name, &models, error))
		return false;
	if (found.version == 0)
		found.version = mlops_remote_alias(&models.items[0], reference->alias);
	if (found.version == 0)
		ok = set_no_alias(store, &models.items[0], reference, error);
	else
		ok = find_version(store, reference->name, found.version, &found, error) &&
		     mlops_remote_version(&found, &models.items[0], version, error);
	mlops_mlflow_model_list_release(&models);
	mlops_mlflow_version_release(&found);
	return ok;
}

/* After trouble: answer is what the server said when it last answered, if that may count. */
static bool recall(struct mlops_store *store, const char *question, const struct mlops_error *trouble,
		   struct mlops_version_list *answer, struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;

	if (trouble->code == MLOPS_UNAVAILABLE && remote->recall &&
	    mlops_recall_take(store->location, remote->server, question, answer)) {
		mlops_remote_notice(store, "%s", trouble->message);
		return true;
	}
	return mlops_error_set(error, trouble->code, "%s", trouble->message);
}

bool mlops_remote_resolve(struct mlops_store *store, const struct mlops_reference *reference,
			  struct mlops_version *version, struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_version_list answer = { .n = 1, .items = version };
	char question[sizeof reference->name + sizeof reference->alias + 12], quoted[MLOPS_TEXT_QUOTED];

	memset(version, 0, sizeof *version);
	if (reference->is_path)
		return mlops_error_set(error, MLOPS_USAGE, "'%s' is a file, not a model in the registry",
				       mlops_text_mask(quoted, reference->path, strlen(reference->path)));
	if (reference->version > 0)
		snprintf(question, sizeof question, "%s/%u", reference->name, reference->version);
	else
		snprintf(question, sizeof question, "%s@%s", reference->name, reference->alias);
	if (ask(store, reference, version, &trouble)) {
		mlops_recall_keep(store->location, store->remote->server, question, &answer);
		return true;
	}
	if (!recall(store, question, &trouble, &answer, error))
		return false;
	if (answer.n == 0) {
		mlops_version_list_release(&answer);
		return mlops_error_set(error, trouble.code, "%s", trouble.message);
	}
	*version = answer.items[0];
	answer.items[0] = (struct mlops_version){ .name = NULL };
	mlops_version_list_release(&answer);
	mlops_remote_notice(store, "taking version %u of '%s', which it said %s was when it last answered", version->version,
			    mlops_text_mask(quoted, version->name, strlen(version->name)), question);
	return true;
}

bool mlops_remote_champions(struct mlops_store *store, struct mlops_version_list *versions, struct mlops_error *error)
{
	static const char question[] = "@" MLOPS_CHAMPION;
	struct mlops_error trouble = MLOPS_ERROR_INIT;

	if (mlops_remote_versions(store, NULL, versions, &trouble)) {
		mlops_version_list_keep_champions(versions);
		mlops_recall_keep(store->location, store->remote->server, question, versions);
		return true;
	}
	if (!recall(store, question, &trouble, versions, error))
		return false;
	mlops_remote_notice(store, "taking the %zu champion%s that it had when it last answered", versions->n,
			    versions->n == 1 ? "" : "s");
	return true;
}

bool mlops_remote_champion(struct mlops_store *store, const char *name, struct mlops_version *version,
			   struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_mlflow_model_list models = { .n = 0 };
	struct mlops_mlflow_version found;
	bool ok = mlops_mlflow_models(store->remote->mlflow, name, &models, &trouble);
	uint32_t champion = ok && models.n > 0 ? mlops_remote_alias(&models.items[0], MLOPS_CHAMPION) : 0;

	memset(version, 0, sizeof *version);
	if (!ok && trouble.code != MLOPS_DATA)
		return mlops_error_set(error, trouble.code, "%s", trouble.message);
	ok = champion == 0;
	if (champion != 0 && find_version(store, name, champion, &found, error)) {
		ok = mlops_remote_version(&found, &models.items[0], version, error);
		mlops_mlflow_version_release(&found);
	}
	mlops_mlflow_model_list_release(&models);
	return ok;
}

/* From the server, unchecked. */
static bool fetch(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
		  struct mlops_error *error)
{
	struct mlops_mlflow_version found;
	bool ok;

	if (!find_version(store, version->name, version->version, &found, error))
		return false;
	ok = mlops_mlflow_get(store->remote->mlflow, found.source, MODEL_FILE, MLOPS_MODEL_FILE_LIMIT, bytes, error);
	mlops_mlflow_version_release(&found);
	return ok;
}

bool mlops_remote_load(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
		       struct mlops_error *error)
{
	char sha256[MLOPS_SHA256_TEXT], quoted[MLOPS_TEXT_QUOTED];
	bool known = version->sha256[0] != '\0';
	size_t before = bytes->length, length;

	if (known && mlops_cache_read(store->location, version->sha256, bytes)) {
		if (bytes->length - before == version->size)
			return true;
		bytes->length = before;
	}
	if (!fetch(store, version, bytes, error)) {
		bytes->length = before;
		return false;
	}
	length = bytes->length - before;
	mlops_sha256_of(bytes->data + before, length, sha256);
	if (!known || (length == version->size && strcmp(sha256, version->sha256) == 0)) {
		if (known)
			mlops_cache_add(store->location, sha256, bytes->data + before, length);
		return true;
	}
	bytes->length = before;
	return mlops_error_set(error, MLOPS_NEGATIVE,
			       "%s: the model file of '%s' version %u has %zu bytes with SHA-256 %.16s…, not the %llu "
			       "bytes with %.16s… that were registered",
			       store->remote->server, mlops_text_mask(quoted, version->name, strlen(version->name)),
			       version->version, length, sha256, (unsigned long long)version->size, version->sha256);
}

bool mlops_remote_verify_version(struct mlops_store *store, const struct mlops_version *version, char problem[160],
				 struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	char sha256[MLOPS_SHA256_TEXT];
	bool ok;

	problem[0] = '\0';
	/* Whoever registered it said nothing that the file could be held against. */
	if (version->sha256[0] == '\0')
		return true;
	ok = fetch(store, version, &bytes, &trouble);
	if (ok) {
		mlops_sha256_of(bytes.data, bytes.length, sha256);
		if (bytes.length != version->size)
			snprintf(problem, 160, "the model file has %zu bytes, not %llu", bytes.length,
				 (unsigned long long)version->size);
		else if (strcmp(sha256, version->sha256) != 0)
			snprintf(problem, 160, "the model file's SHA-256 is %.16s…, not %.16s…", sha256,
				 version->sha256);
	} else if (trouble.code == MLOPS_DATA) {
		snprintf(problem, 160, "the model file is missing");
		ok = true;
	} else {
		mlops_error_set(error, trouble.code, "%s", trouble.message);
	}
	mlops_buffer_release(&bytes);
	return ok;
}
