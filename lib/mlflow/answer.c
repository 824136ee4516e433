#include "mlflow/answer.h"

#include "base/number.h"

#include <stdlib.h>
#include <string.h>

const char *mlops_mlflow_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* A member that is a number, or a text of digits; false when it is neither. */
static bool take_integer(const json_t *object, const char *key, int64_t *number)
{
	const json_t *value = json_object_get(object, key);
	uint64_t magnitude;

	if (json_is_integer(value)) {
		*number = json_integer_value(value);
		return true;
	}
	if (!json_is_string(value) ||
	    !mlops_number_parse_uint(json_string_value(value), json_string_length(value), &magnitude) ||
	    magnitude > INT64_MAX)
		return false;
	*number = (int64_t)magnitude;
	return true;
}

bool mlops_mlflow_is_id(const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);

	return length > 0 && length <= 32 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == length;
}

void *mlops_mlflow_grow(void **items, size_t n, size_t size)
{
	/* Room for powers of two, so that it is asked for seldom. */
	if ((n & (n - 1)) == 0) {
		void *more = reallocarray(*items, n == 0 ? 1 : 2 * n, size);

		if (more == NULL)
			return NULL;
		*items = more;
	}
	return memset((char *)*items + n * size, 0, size);
}

static bool unexpected(const char *what, struct mlops_error *error)
{
	return mlops_error_set(error, MLOPS_DATA, "the answer is none of MLflow's: %s", what);
}

static bool copy(char **to, const char *text, struct mlops_error *error)
{
	if (text == NULL)
		return true;
	*to = strdup(text);
	return *to != NULL || mlops_error_set_memory(error);
}

/* Milliseconds, which are no later than the year 2200. */
static bool take_time(const json_t *object, const char *key, int64_t *microseconds)
{
	int64_t milliseconds;

	if (!take_integer(object, key, &milliseconds) || milliseconds < 0 || milliseconds > INT64_C(7258118400000))
		return false;
	*microseconds = milliseconds * 1000;
	return true;
}

/* The text of a metric's value: a number, or "NaN", "Infinity", "-Infinity". */
static const char *value_text(const json_t *value, char buffer[MLOPS_NUMBER_TEXT])
{
	if (!json_is_number(value))
		return json_string_value(value);
	mlops_number_print_double(buffer, json_number_value(value));
	return buffer;
}

static bool take_kept(const json_t *array, struct mlops_mlflow_kept **kept, size_t *n, struct mlops_error *error)
{
	const json_t *item;
	size_t i;

	if (array != NULL && !json_is_array(array))
		return unexpected("no list where keys and values should be", error);
	json_array_foreach(array, i, item) {
		const char *key = mlops_mlflow_text(item, "key");
		char buffer[MLOPS_NUMBER_TEXT];
		const char *value = value_text(json_object_get(item, "value"), buffer);
		void *items = *kept;
		struct mlops_mlflow_kept *one;

		if (key == NULL)
			return unexpected("a value without a key", error);
		one = mlops_mlflow_grow(&items, *n, sizeof *one);
		if (one == NULL)
			return mlops_error_set_memory(error);
		*kept = items;
		++*n;
		if (!copy(&one->key, key, error) || !copy(&one->value, value == NULL ? "" : value, error))
			return false;
	}
	return true;
}

static void release_kept(struct mlops_mlflow_kept *kept, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(kept[i].key);
		free(kept[i].value);
	}
	free(kept);
}

bool mlops_mlflow_take_run(const json_t *answer, struct mlops_mlflow_run *run, struct mlops_error *error)
{
	const json_t *info = json_object_get(answer, "info"), *data = json_object_get(answer, "data");
	const char *id = mlops_mlflow_text(info, "run_id"), *status = mlops_mlflow_text(info, "status");

	if (!mlops_mlflow_is_id(id) || status == NULL)
		return unexpected("a run without run_id or status", error);
	memcpy(run->id, id, strlen(id) + 1);
	take_time(info, "start_time", &run->started);
	take_time(info, "end_time", &run->ended);
	return copy(&run->name, mlops_mlflow_text(info, "run_name"), error) && copy(&run->status, status, error) &&
	       copy(&run->artifact_uri, mlops_mlflow_text(info, "artifact_uri"), error) &&
	       take_kept(json_object_get(data, "params"), &run->params, &run->n_params, error) &&
	       take_kept(json_object_get(data, "metrics"), &run->metrics, &run->n_metrics, error) &&
	       take_kept(json_object_get(data, "tags"), &run->tags, &run->n_tags, error);
}

void mlops_mlflow_run_release(struct mlops_mlflow_run *run)
{
	free(run->name);
	free(run->status);
	free(run->artifact_uri);
	release_kept(run->params, run->n_params);
	release_kept(run->metrics, run->n_metrics);
	release_kept(run->tags, run->n_tags);
	*run = (struct mlops_mlflow_run){ .n_tags = 0 };
}

bool mlops_mlflow_take_runs(const json_t *answer, struct mlops_mlflow_run_list *runs, struct mlops_error *error)
{
	const json_t *array = json_object_get(answer, "runs"), *item;
	size_t i;

	if (array != NULL && !json_is_array(array))
		return unexpected("no list of runs", error);
	json_array_foreach(array, i, item) {
		void *items = runs->items;
		struct mlops_mlflow_run *run = mlops_mlflow_grow(&items, runs->n, sizeof *run);

		if (run == NULL)
			return mlops_error_set_memory(error);
		runs->items = items;
		runs->n++;
		if (!mlops_mlflow_take_run(item, run, error))
			return false;
	}
	return true;
}

void mlops_mlflow_run_list_release(struct mlops_mlflow_run_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_mlflow_run_release(&list->items[i]);
	free(list->items);
	*list = (struct mlops_mlflow_run_list){ .n = 0 };
}

bool mlops_mlflow_take_version(const json_t *answer, struct mlops_mlflow_version *version, struct mlops_error *error)
{
	const char *name = mlops_mlflow_text(answer, "name"), *run_id = mlops_mlflow_text(answer, "run_id");
	const char *status = mlops_mlflow_text(answer, "status"), *source = mlops_mlflow_text(answer, "source");
	int64_t number;

	if (name == NULL || !take_integer(answer, "version", &number) || number < 1 || number > UINT32_MAX)
		return unexpected("a version without name or number", error);
	version->version = (uint32_t)number;
	take_time(answer, "creation_timestamp", &version->created);
	return copy(&version->name, name, error) && copy(&version->source, source == NULL ? "" : source, error) &&
	       copy(&version->status, status == NULL ? "" : status, error) &&
	       (!mlops_mlflow_is_id(run_id) || copy(&version->run_id, run_id, error)) &&
	       take_kept(json_object_get(answer, "tags"), &version->tags, &version->n_tags, error);
}

void mlops_mlflow_version_release(struct mlops_mlflow_version *version)
{
	free(version->name);
	free(version->source);
	free(version->status);
	free(version->run_id);
	release_kept(version->tags, version->n_tags);
	*version = (struct mlops_mlflow_version){ .name = NULL };
}

const char *mlops_mlflow_tag(const struct mlops_mlflow_version *version, const char *key)
{
	for (size_t i = 0; i < version->n_tags; i++)
		if (strcmp(version->tags[i].key, key) == 0)
			return version->tags[i].value;
	return NULL;
}

bool mlops_mlflow_take_versions(const json_t *answer, struct mlops_mlflow_version_list *versions,
				struct mlops_error *error)
{
	const json_t *array = json_object_get(answer, "model_versions"), *item;
	size_t i;

	if (array != NULL && !json_is_array(array))
		return unexpected("no list of versions", error);
	json_array_foreach(array, i, item) {
		void *items = versions->items;
		struct mlops_mlflow_version *version = mlops_mlflow_grow(&items, versions->n, sizeof *version);

		if (version == NULL)
			return mlops_error_set_memory(error);
		versions->items = items;
		versions->n++;
		if (!mlops_mlflow_take_version(item, version, error))
			return false;
	}
	return true;
}

void mlops_mlflow_version_list_release(struct mlops_mlflow_version_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_mlflow_version_release(&list->items[i]);
	free(list->items);
	*list = (struct mlops_mlflow_version_list){ .n = 0 };
}

static bool take_alias(const json_t *item, struct mlops_mlflow_model *model, struct mlops_error *error)
{
	const char *name = mlops_mlflow_text(item, "alias");
	void *items = model->aliases;
	struct mlops_mlflow_alias *alias;
	int64_t number;

	if (name == NULL || !take_integer(item, "version", &number) || number < 1 || number > UINT32_MAX)
		return unexpected("an alias without name or version", error);
	alias = mlops_mlflow_grow(&items, model->n_aliases, sizeof *alias);
	if (alias == NULL)
		return mlops_error_set_memory(error);
	model->aliases = items;
	model->n_aliases++;
	alias->version = (uint32_t)number;
	return copy(&alias->name, model->name, error) && copy(&alias->alias, name, error);
}

bool mlops_mlflow_take_model(const json_t *answer, struct mlops_mlflow_model *model, struct mlops_error *error)
{
	const json_t *aliases = json_object_get(answer, "aliases"), *item;
	const char *name = mlops_mlflow_text(answer, "name");
	size_t i;

	if (name == NULL)
		return unexpected("a registered model without a name", error);
	if (aliases != NULL && !json_is_array(aliases))
		return unexpected("no list of aliases", error);
	if (!copy(&model->name, name, error) ||
	    !take_kept(json_object_get(answer, "tags"), &model->tags, &model->n_tags, error))
		return false;
	json_array_foreach(aliases, i, item)
		if (!take_alias(item, model, error))
			return false;
	return true;
}

void mlops_mlflow_model_release(struct mlops_mlflow_model *model)
{
	free(model->name);
	for (size_t i = 0; i < model->n_aliases; i++) {
		free(model->aliases[i].name);
		free(model->aliases[i].alias);
	}
	free(model->aliases);
	release_kept(model->tags, model->n_tags);
	*model = (struct mlops_mlflow_model){ .name = NULL };
}

void mlops_mlflow_model_list_release(struct mlops_mlflow_model_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_mlflow_model_release(&list->items[i]);
	free(list->items);
	*list = (struct mlops_mlflow_model_list){ .n = 0 };
}
