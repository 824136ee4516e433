#include "service/served.h"

#include "base/text.h"
#include "base/time.h"
#include "model/onnx.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mlops_served {
	const struct mlops_served_options *options;
	struct mlops_reference *references; /* [options->n_references] */
	pthread_mutex_t lock;      /* of current and every set's takers */
	pthread_mutex_t reloading;
	struct mlops_served_set *current;
};

static void disown(struct mlops_served_model *model)
{
	if (model == NULL || atomic_fetch_sub(&model->owners, 1) > 1)
		return;
	mlops_model_free(model->model);
	mlops_version_release(&model->version);
	free(model);
}

static void free_set(struct mlops_served_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		disown(set->models[i]);
	free(set->models);
	free(set);
}

static struct mlops_served_set *new_set(size_t room, struct mlops_error *error)
{
	struct mlops_served_set *set = calloc(1, sizeof *set);

	if (set != NULL)
		set->models = calloc(room + 1, sizeof(struct mlops_served_model *));
	if (set == NULL || set->models == NULL) {
		mlops_error_set_memory(error);
		free(set);
		return NULL;
	}
	set->takers = 1;
	return set;
}

static bool parse_references(struct mlops_served *served, struct mlops_error *error)
{
	const struct mlops_served_options *options = served->options;

	served->references = calloc(options->n_references + 1, sizeof *served->references);
	if (served->references == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < options->n_references; i++) {
		if (!mlops_reference_parse(options->references[i], &served->references[i], error))
			return false;
		if (served->references[i].is_path)
			return mlops_error_set(error, MLOPS_USAGE,
					       "'%s' is a file; a service answers with models of the registry "
					       "(mlops-registry import makes it one)",
					       options->references[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(served->references[i].name, served->references[j].name) == 0)
				return mlops_error_set(error, MLOPS_USAGE, "model '%s' is named twice",
						       served->references[i].name);
	}
	return true;
}

struct mlops_served *mlops_served_new(const struct mlops_served_options *options, struct mlops_error *error)
{
	struct mlops_served *served = calloc(1, sizeof *served);

	if (served == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	served->options = options;
	pthread_mutex_init(&served->lock, NULL);
	pthread_mutex_init(&served->reloading, NULL);
	served->current = new_set(0, error);
	if (served->current != NULL && parse_references(served, error))
		return served;
	mlops_served_free(served);
	return NULL;
}

void mlops_served_free(struct mlops_served *served)
{
	if (served == NULL)
		return;
	free_set(served->current);
	free(served->references);
	pthread_mutex_destroy(&served->lock);
	pthread_mutex_destroy(&served->reloading);
	free(served);
}

struct mlops_served_set *mlops_served_take(struct mlops_served *served)
{
	struct mlops_served_set *set;

	pthread_mutex_lock(&served->lock);
	set = served->current;
	set->takers++;
	pthread_mutex_unlock(&served->lock);
	return set;
}

void mlops_served_drop(struct mlops_served *served, struct mlops_served_set *set)
{
	bool last;

	pthread_mutex_lock(&served->lock);
	last = --set->takers == 0;
	pthread_mutex_unlock(&served->lock);
	if (last)
		free_set(set);
}

struct mlops_served_model *mlops_served_find(const struct mlops_served_set *set, const char *name, const char **nearest)
{
	const char **names;

	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->models[i]->key, name) == 0)
			return set->models[i];
	if (nearest == NULL)
		return NULL;
	*nearest = NULL;
	names = calloc(set->n + 1, sizeof *names);
	if (names == NULL)
		return NULL;
	for (size_t i = 0; i < set->n; i++)
		names[i] = set->models[i]->key;
	*nearest = mlops_text_nearest(name, names, set->n);
	free(names);
	return NULL;
}

static struct mlops_served_model *load(struct mlops_store *store, struct mlops_version *version, int64_t now,
				       struct mlops_error *error)
{
	struct mlops_served_model *model = calloc(1, sizeof *model);
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	char source[300];

	if (model == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	atomic_init(&model->owners, 1);
	atomic_init(&model->rows, 0);
	atomic_init(&model->positives, 0);
	for (size_t t = 0; t < MLOPS_SCORE_TENTHS; t++)
		atomic_init(&model->tenths[t], 0);
	model->since = now;
	snprintf(source, sizeof source, "%s/%u", version->name, version->version);
	if (mlops_store_load(store, version, &bytes, error))
		model->model = mlops_onnx_read(bytes.data, bytes.length, source, error);
	mlops_buffer_release(&bytes);
	if (model->model == NULL) {
		disown(model);
		return NULL;
	}
	model->version = *version;
	memset(version, 0, sizeof *version);
	model->key = model->version.name;
	return model;
}

/* Puts a version into the set that is made: the one that is served now if it is the same. */
static bool add(struct mlops_served_set *set, const struct mlops_served_set *old, struct mlops_store *store,
		struct mlops_version *version, int64_t now, struct mlops_error *error)
{
	struct mlops_served_model *model = mlops_served_find(old, version->name, NULL);

	if (model != NULL && model->version.version == version->version &&
	    strcmp(model->version.sha256, version->sha256) == 0)
		atomic_fetch_add(&model->owners, 1);
	else
		model = load(store, version, now, error);
	if (model != NULL)
		set->models[set->n++] = model;
	return model != NULL;
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct mlops_served_model *const *)a)->key, (*(struct mlops_served_model *const *)b)->key);
}

static struct mlops_served_set *named_set(struct mlops_served *served, struct mlops_store *store,
					  const struct mlops_served_set *old, int64_t now, struct mlops_error *error)
{
	size_t n = served->options->n_references;
	struct mlops_served_set *set = new_set(n, error);
	bool ok = set != NULL;

	for (size_t i = 0; ok && i < n; i++) {
		struct mlops_version version = { .name = NULL };

		ok = mlops_store_resolve(store, &served->references[i], &version, error) &&
		     add(set, old, store, &version, now, error);
		mlops_version_release(&version);
	}
	if (ok)
		return set;
	free_set(set);
	return NULL;
}

static struct mlops_served_set *champions_set(struct mlops_store *store, const struct mlops_served_set *old, int64_t now,
					      struct mlops_error *error)
{
	struct mlops_version_list versions;
	struct mlops_served_set *set = NULL;
	bool ok;

	if (!mlops_store_champions(store, &versions, error))
		return NULL;
	set = new_set(versions.n, error);
	ok = set != NULL;
	for (size_t i = 0; ok && i < versions.n; i++)
		ok = add(set, old, store, &versions.items[i], now, error);
	mlops_version_list_release(&versions);
	if (ok)
		return set;
	free_set(set);
	return NULL;
}

static void compare(const struct mlops_served_set *old, const struct mlops_served_set *set,
		    struct mlops_served_change *change)
{
	*change = (struct mlops_served_change){ .models = set->n };
	for (size_t i = 0; i < set->n; i++)
		change->changed += mlops_served_find(old, set->models[i]->key, NULL) != set->models[i];
	for (size_t i = 0; i < old->n; i++)
		change->removed += mlops_served_find(set, old->models[i]->key, NULL) == NULL;
}

bool mlops_served_reload(struct mlops_served *served, int64_t now, struct mlops_served_change *change,
			 struct mlops_error *error)
{
	struct mlops_store_options options = {
		.location = served->options->location, .tracking = served->options->tracking,
	};
	struct mlops_served_set *set = NULL, *old;
	struct mlops_store *store;

	pthread_mutex_lock(&served->reloading);
	old = mlops_served_take(served);
	/* To start with what was champion is better than not to start; a set that is served already needs no memory, and a reload
	 * that has not seen the registry is none. */
	options.recall = old->n == 0;
	store = mlops_store_open(&options, error);
	if (store != NULL)
		set = served->options->n_references > 0 ? named_set(served, store, old, now, error)
							: champions_set(store, old, now, error);
	mlops_store_close(store);
	if (set != NULL) {
		qsort(set->models, set->n, sizeof set->models[0], by_key);
		if (change != NULL)
			compare(old, set, change);
		pthread_mutex_lock(&served->lock);
		served->current = set;
		old->takers--; /* the place that served->current had; ours is still held */
		pthread_mutex_unlock(&served->lock);
	}
	mlops_served_drop(served, old);
	pthread_mutex_unlock(&served->reloading);
	return set != NULL;
}

void mlops_served_write(const struct mlops_served_model *model, struct mlops_json *json)
{
	const struct mlops_version *version = &model->version;
	char time[MLOPS_TIME_TEXT];

	mlops_json_open(json, '{');
	mlops_json_member_string(json, "name", version->name);
	mlops_json_member_uint(json, "version", version->version);
	mlops_json_member_string(json, "kind", version->kind);
	mlops_json_member_string(json, "sha256", version->sha256);
	mlops_time_print(time, model->since);
	mlops_json_member_string(json, "since", time);
	mlops_json_key(json, "features");
	mlops_json_raw(json, version->features, strlen(version->features));
	mlops_json_key(json, "metrics");
	mlops_json_raw(json, version->metrics, strlen(version->metrics));
	mlops_json_close(json, '}');
}
