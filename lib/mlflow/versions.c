#include "base/text.h"
#include "mlflow/answer.h"
#include "mlflow/session.h"
#include "net/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API "/api/2.0/mlflow/"
#define PAGE "1000"
#define PAGES 10000
#define TAG_LENGTH 100000

/* A GET with a query: pairs of key and value, ended by NULL; a value of NULL is left out. */
static json_t *get(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request, const char *const *query,
		   struct mlops_error *error)
{
	struct mlops_buffer path = MLOPS_BUFFER_INIT;
	json_t *answer = NULL;
	char mark = '?';

	mlops_buffer_append_string(&path, API);
	mlops_buffer_append_string(&path, request->what);
	for (; query[0] != NULL; query += 2) {
		if (query[1] == NULL)
			continue;
		mlops_buffer_append_char(&path, mark);
		mlops_buffer_append_string(&path, query[0]);
		mlops_buffer_append_char(&path, '=');
		mlops_url_append(&path, query[1], false);
		mark = '&';
	}
	request->method = "GET";
	request->path = mlops_buffer_string(&path);
	if (path.failed)
		mlops_error_set_memory(error);
	else
		answer = mlops_mlflow_ask(mlflow, request, error);
	mlops_buffer_release(&path);
	return answer;
}

/* Sends body, which it takes, to API what. */
static json_t *post(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request, json_t *body,
		    struct mlops_error *error)
{
	char path[128];
	json_t *answer = NULL;

	snprintf(path, sizeof path, API "%s", request->what);
	request->path = path;
	request->body = body;
	if (body == NULL)
		mlops_error_set(error, MLOPS_DATA, "a name or value that is not UTF-8, or no memory for it");
	else
		answer = mlops_mlflow_ask(mlflow, request, error);
	json_decref(body);
	return answer;
}

static const char *version_text(char text[16], uint32_t version)
{
	snprintf(text, 16, "%u", version);
	return text;
}

/* All pages of what; take puts one into context. */
static bool search(struct mlops_mlflow *mlflow, const char *what, const char *filter,
		   bool (*take)(const json_t *answer, void *context, struct mlops_error *error), void *context,
		   struct mlops_error *error)
{
	char *page = NULL;
	bool ok = true, more = true;

	for (size_t pages = 0; ok && more && pages < PAGES; pages++) {
		struct mlops_mlflow_request request = { .what = what };
		const char *const query[] = { "max_results", PAGE, "filter", filter, "page_token", page, NULL };
		json_t *answer = get(mlflow, &request, query, error);
		const char *next = mlops_mlflow_text(answer, "next_page_token");
		bool turns = next != NULL && page != NULL && strcmp(next, page) == 0;

		ok = answer != NULL && take(answer, context, error);
		free(page);
		page = next == NULL || turns ? NULL : strdup(next);
		more = page != NULL && page[0] != '\0';
		json_decref(answer);
	}
	free(page);
	return ok;
}

/* Adds a model of a search, which leaves its aliases out. */
static bool take_names(const json_t *answer, void *context, struct mlops_error *error)
{
	const json_t *array = json_object_get(answer, "registered_models"), *item;
	struct mlops_mlflow_model_list *models = context;
	size_t i;

	if (array != NULL && !json_is_array(array))
		return mlops_error_set(error, MLOPS_DATA, "the answer is none of MLflow's: no list of registered models");
	json_array_foreach(array, i, item) {
		void *items = models->items;
		struct mlops_mlflow_model *model = mlops_mlflow_grow(&items, models->n, sizeof *model);

		if (model == NULL)
			return mlops_error_set_memory(error);
		models->items = items;
		models->n++;
		if (!mlops_mlflow_take_model(item, model, error))
			return false;
	}
	return true;
}

/* *found false: there is no such model, which is no error. */
static bool get_model(struct mlops_mlflow *mlflow, const char *name, struct mlops_mlflow_model *model, bool *found,
		      struct mlops_error *error)
{
	struct mlops_mlflow_request request = { .what = "registered-models/get" };
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	const char *const query[] = { "name", name, NULL };
	json_t *answer = get(mlflow, &request, query, &trouble);
	bool ok = true;

	*model = (struct mlops_mlflow_model){ .name = NULL };
	*found = answer != NULL;
	if (answer != NULL)
		ok = mlops_mlflow_take_model(json_object_get(answer, "registered_model"), model, error);
	else if (strcmp(request.refusal, "RESOURCE_DOES_NOT_EXIST") != 0)
		ok = mlops_error_set(error, trouble.code, "%s", trouble.message);
	json_decref(answer);
	return ok;
}

static int compare_models(const void *a, const void *b)
{
	const struct mlops_mlflow_model *left = a, *right = b;

	return strcmp(left->name, right->name);
}

bool mlops_mlflow_models(struct mlops_mlflow *mlflow, const char *name, struct mlops_mlflow_model_list *models,
			 struct mlops_error *error)
{
	struct mlops_mlflow_model_list names = { .n = 0 };
	size_t n = 1;
	bool ok = true, found;

	*models = (struct mlops_mlflow_model_list){ .n = 0 };
	mlops_mlflow_begin(mlflow);
	if (name == NULL) {
		ok = search(mlflow, "registered-models/search", NULL, take_names, &names, error);
		n = names.n;
	}
	if (ok && n > 0) {
		models->items = calloc(n, sizeof *models->items);
		ok = models->items != NULL || mlops_error_set_memory(error);
	}
	for (size_t i = 0; ok && i < n; i++) {
		ok = get_model(mlflow, name != NULL ? name : names.items[i].name, &models->items[models->n], &found, error);
		if (!ok)
			mlops_mlflow_model_release(&models->items[models->n]);
		else
			models->n += found;
	}
	if (ok && models->n > 1)
		qsort(models->items, models->n, sizeof *models->items, compare_models);
	mlops_mlflow_model_list_release(&names);
	if (!ok)
		mlops_mlflow_model_list_release(models);
	return ok;
}

static bool take_versions(const json_t *answer, void *context, struct mlops_error *error)
{
	return mlops_mlflow_take_versions(answer, context, error);
}

static int compare_versions(const void *a, const void *b)
{
	const struct mlops_mlflow_version *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order != 0 ? order : (left->version > right->version) - (left->version < right->version);
}

bool mlops_mlflow_versions(struct mlops_mlflow *mlflow, const char *name, struct mlops_mlflow_version_list *versions,
			   struct mlops_error *error)
{
	char quote = name != NULL && strchr(name, '\'') != NULL ? '"' : '\'';
	struct mlops_buffer filter = MLOPS_BUFFER_INIT;
	bool ok;

	*versions = (struct mlops_mlflow_version_list){ .n = 0 };
	mlops_mlflow_begin(mlflow);
	if (name != NULL) {
		if (strchr(name, quote) != NULL)
			return mlops_error_set(error, MLOPS_DATA, "a model's name with both kinds of quotes can't be searched for");
		mlops_buffer_append_format(&filter, "name=%c%s%c", quote, name, quote);
		mlops_buffer_string(&filter);
		if (filter.failed)
			return mlops_error_set_memory(error);
	}
	ok = search(mlflow, "model-versions/search", filter.data, take_versions, versions, error);
	mlops_buffer_release(&filter);
	/* Servers compare names as their database does, which may pass over case. */
	for (size_t i = 0; ok && name != NULL && i < versions->n; i++)
		if (strcmp(versions->items[i].name, name) != 0) {
			mlops_mlflow_version_release(&versions->items[i]);
			versions->items[i--] = versions->items[--versions->n];
		}
	if (ok && versions->n > 1)
		qsort(versions->items, versions->n, sizeof *versions->items, compare_versions);
	if (!ok)
		mlops_mlflow_version_list_release(versions);
	return ok;
}

static bool get_version(struct mlops_mlflow *mlflow, const char *name, uint32_t version,
			struct mlops_mlflow_version *found, struct mlops_error *error)
{
	struct mlops_mlflow_request request = { .what = "model-versions/get" };
	char text[16];
	const char *const query[] = { "name", name, "version", version_text(text, version), NULL };
	json_t *answer = get(mlflow, &request, query, error);
	bool ok = answer != NULL && mlops_mlflow_take_version(json_object_get(answer, "model_version"), found, error);

	if (ok && (found->version != version || strcmp(found->name, name) != 0))
		ok = mlops_error_set(error, MLOPS_DATA, "%s: the answer is none of MLflow's: another version than asked for",
				     mlflow->shown);
	json_decref(answer);
	if (!ok)
		mlops_mlflow_version_release(found);
	return ok;
}

bool mlops_mlflow_version_of(struct mlops_mlflow *mlflow, const char *name, uint32_t version,
			     struct mlops_mlflow_version *found, struct mlops_error *error)
{
	*found = (struct mlops_mlflow_version){ .name = NULL };
	mlops_mlflow_begin(mlflow);
	return get_version(mlflow, name, version, found, error);
}

/* The version that an alias stands at, 0 for none; MLOPS_DATA when there is no such model. */
static bool get_alias(struct mlops_mlflow *mlflow, const char *name, const char *alias, uint32_t *version,
		      struct mlops_error *error)
{
	struct mlops_mlflow_model model;
	char quoted[MLOPS_TEXT_QUOTED];
	bool found, ok = get_model(mlflow, name, &model, &found, error);

	*version = 0;
	if (ok && !found)
		ok = mlops_error_set(error, MLOPS_DATA, "%s: there is no registered model '%s'", mlflow->shown,
				     mlops_text_mask(quoted, name, strlen(name)));
	for (size_t i = 0; ok && i < model.n_aliases; i++)
		if (strcmp(model.aliases[i].alias, alias) == 0)
			*version = model.aliases[i].version;
	mlops_mlflow_model_release(&model);
	return ok;
}

bool mlops_mlflow_version_by_alias(struct mlops_mlflow *mlflow, const char *name, const char *alias,
				   struct mlops_mlflow_version *found, struct mlops_error *error)
{
	uint32_t version;

	*found = (struct mlops_mlflow_version){ .name = NULL };
	mlops_mlflow_begin(mlflow);
	return get_alias(mlflow, name, alias, &version, error) &&
	       (version == 0 || get_version(mlflow, name, version, found, error));
}

static bool make_model(struct mlops_mlflow *mlflow, const char *name, struct mlops_error *error)
{
	struct mlops_mlflow_request request = { .method = "POST", .what = "registered-models/create" };
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	json_t *answer = post(mlflow, &request, json_pack("{s:s}", "name", name), &trouble);
	bool ok = answer != NULL || strcmp(request.refusal, "RESOURCE_ALREADY_EXISTS") == 0;

	if (!ok)
		mlops_error_set(error, trouble.code, "%s", trouble.message);
	json_decref(answer);
	return ok;
}

/* The run's version of that name; 0: none yet. */
static bool look(struct mlops_mlflow *mlflow, const char *name, const char *run_id, uint32_t *version,
		 struct mlops_error *error)
{
	struct mlops_mlflow_version_list versions = { .n = 0 };
	char filter[64];
	bool ok;

	snprintf(filter, sizeof filter, "run_id='%s'", run_id);
	ok = search(mlflow, "model-versions/search", filter, take_versions, &versions, error);
	*version = 0;
	for (size_t i = 0; ok && i < versions.n; i++)
		if (strcmp(versions.items[i].name, name) == 0)
			*version = versions.items[i].version;
	mlops_mlflow_version_list_release(&versions);
	return ok;
}

static json_t *new_version_body(const char *name, const char *run_id, const char *location, const char *path,
				const struct mlops_mlflow_pair *tags, size_t n_tags, struct mlops_error *error)
{
	struct mlops_buffer source = MLOPS_BUFFER_INIT;
	json_t *list = json_array(), *body;

	mlops_buffer_append_format(&source, "%s/%s", location, path);
	for (size_t i = 0; i < n_tags; i++) {
		if (strlen(tags[i].value) > TAG_LENGTH)
			mlops_error_set(error, MLOPS_DATA, "tag '%.60s' has %zu bytes, MLflow keeps %d", tags[i].key,
					strlen(tags[i].value), TAG_LENGTH);
		if (strlen(tags[i].value) > TAG_LENGTH ||
		    json_array_append_new(list, json_pack("{s:s, s:s}", "key", tags[i].key, "value", tags[i].value)) != 0) {
			mlops_error_set(error, MLOPS_DATA, "tag '%.60s' is not UTF-8, or no memory for it", tags[i].key);
			json_decref(list);
			mlops_buffer_release(&source);
			return NULL;
		}
	}
	body = json_pack("{s:s, s:s, s:s, s:o}", "name", name, "source", mlops_buffer_string(&source), "run_id", run_id, "tags",
			 list);
	if (body == NULL || source.failed)
		mlops_error_set(error, MLOPS_DATA, "a name that is not UTF-8, or no memory for it");
	mlops_buffer_release(&source);
	return body;
}

/* One attempt; *again: it may be done, or not. */
static bool make_version(struct mlops_mlflow *mlflow, const json_t *body, uint32_t *version,
			 struct mlops_mlflow_request *request, struct mlops_error *error)
{
	struct mlops_mlflow_version made = { .name = NULL };
	json_t *answer;
	bool ok;

	*request = (struct mlops_mlflow_request){
		.method = "POST", .path = API "model-versions/create", .what = "model-versions/create", .body = body, .once = true,
	};
	answer = mlops_mlflow_ask(mlflow, request, error);
	ok = answer != NULL && mlops_mlflow_take_version(json_object_get(answer, "model_version"), &made, error);
	if (ok)
		*version = made.version;
	mlops_mlflow_version_release(&made);
	json_decref(answer);
	return ok;
}

bool mlops_mlflow_create_version(struct mlops_mlflow *mlflow, const char *name, const char *run_id, const char *path,
				 const struct mlops_mlflow_pair *tags, size_t n_tags, uint32_t *version,
				 struct mlops_error *error)
{
	const char *location;
	json_t *body = NULL;
	bool ok;

	*version = 0;
	mlops_mlflow_begin(mlflow);
	location = mlops_mlflow_run_location(mlflow, run_id, error);
	if (location == NULL || !make_model(mlflow, name, error))
		return false;
	body = new_version_body(name, run_id, location, path, tags, n_tags, error);
	if (body == NULL)
		return false;
	for (unsigned retried = 1;; retried++) {
		struct mlops_error trouble = MLOPS_ERROR_INIT;
		struct mlops_mlflow_request request;

		ok = look(mlflow, name, run_id, version, error);
		if (!ok || *version != 0)
			break;
		ok = make_version(mlflow, body, version, &request, &trouble);
		if (ok)
			break;
		mlflow->retried = retried - 1;
		if (!request.again || !mlops_mlflow_wait(mlflow, request.what, request.retry_after, &trouble)) {
			mlops_error_set(error, trouble.code, "%s", trouble.message);
			break;
		}
	}
	json_decref(body);
	return ok;
}

/* Where a lost answer may have been that of what was done, its being gone is what was wanted. */
static bool is_gone(const struct mlops_mlflow_request *request)
{
	return request->repeated && strcmp(request->refusal, "RESOURCE_DOES_NOT_EXIST") == 0;
}

bool mlops_mlflow_delete_version(struct mlops_mlflow *mlflow, const char *name, uint32_t version, struct mlops_error *error)
{
	struct mlops_mlflow_request request = { .method = "DELETE", .what = "model-versions/delete" };
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	char text[16];
	json_t *answer;
	bool ok;

	mlops_mlflow_begin(mlflow);
	answer = post(mlflow, &request, json_pack("{s:s, s:s}", "name", name, "version", version_text(text, version)),
		      &trouble);
	ok = answer != NULL || is_gone(&request) || mlops_error_set(error, trouble.code, "%s", trouble.message);
	json_decref(answer);
	return ok;
}

bool mlops_mlflow_set_alias(struct mlops_mlflow *mlflow, const char *name, const char *alias, uint32_t version,
			    struct mlops_error *error)
{
	struct mlops_mlflow_request request = {
		.method = version == 0 ? "DELETE" : "POST", .what = "registered-models/alias",
	};
	uint32_t now;
	char text[16];
	json_t *answer;

	mlops_mlflow_begin(mlflow);
	answer = post(mlflow, &request,
		      version == 0 ? json_pack("{s:s, s:s}", "name", name, "alias", alias)
				   : json_pack("{s:s, s:s, s:s}", "name", name, "alias", alias, "version",
					       version_text(text, version)),
		      error);
	if (answer == NULL)
		return false;
	json_decref(answer);
	if (!get_alias(mlflow, name, alias, &now, error))
		return false;
	if (now == version)
		return true;
	/* Servers have no compare-and-set: the last writer wins. */
	return mlops_error_set(error, MLOPS_NEGATIVE, "%s: alias '%.60s' of '%.60s' stands at version %u: somebody else moved it",
			       mlflow->shown, alias, name, now);
}

bool mlops_mlflow_set_version_tag(struct mlops_mlflow *mlflow, const char *name, uint32_t version, const char *key,
				  const char *value, struct mlops_error *error)
{
	struct mlops_mlflow_request request = { .method = "POST", .what = "model-versions/set-tag" };
	char text[16];
	json_t *answer;

	if (strlen(value) > TAG_LENGTH)
		return mlops_error_set(error, MLOPS_DATA, "tag '%.60s' has %zu bytes, MLflow keeps %d", key, strlen(value),
				       TAG_LENGTH);
	mlops_mlflow_begin(mlflow);
	answer = post(mlflow, &request,
		      json_pack("{s:s, s:s, s:s, s:s}", "name", name, "version", version_text(text, version), "key", key, "value",
				value),
		      error);
	json_decref(answer);
	return answer != NULL;
}
