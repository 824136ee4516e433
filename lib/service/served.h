/*
 * The models that a service answers with: a set that is swapped whole, while requests in flight finish on the one they
 * began with.
 *
 *	struct mlops_served_set *set = mlops_served_take(served);      // counted
 *	const struct mlops_served_model *model = mlops_served_find(set, "pumps");
 *	... answer with model->model, name model->version ...
 *	mlops_served_drop(served, set);
 *
 * A reload opens the registry, loads what the references mean by now, and only when every one of them is there and sound does it
 * replace the set; otherwise the old one stays.  A version that is loaded already is not loaded again.  Everything here
 * may be called from any thread.
 */
#ifndef MLOPS_SERVICE_SERVED_H
#define MLOPS_SERVICE_SERVED_H

#include "base/json_writer.h"
#include "flow/score.h"
#include "model/model.h"
#include "registry/store.h"

#include <stdatomic.h>

struct mlops_served_model {
	struct mlops_model *model;
	struct mlops_version version;
	const char *key;   /* how requests name it: the model's name */
	int64_t since;     /* when this version was loaded, microseconds since 1970 */
	_Atomic uint64_t rows;      /* scored or forecast with it */
	_Atomic uint64_t positives; /* anomalies or failures among them */
	_Atomic uint64_t tenths[MLOPS_SCORE_TENTHS]; /* rows by their score (flow/score.h) */
	_Atomic size_t owners;
};

struct mlops_served_set {
	size_t n;
	struct mlops_served_model **models; /* [n] by name, ascending */
	size_t takers;                      /* guarded by the owner's lock */
};

struct mlops_served;

struct mlops_served_options {
	const char *location;            /* of the registry */
	const char *const *references;   /* NAME, NAME@ALIAS or NAME/VERSION, each name once */
	size_t n_references;             /* 0: every model that has a champion, also those of later days */
	const struct mlops_tracking *tracking; /* the registry's server, or NULL */
};

/* An empty set; options and what it points to must outlive it.  MLOPS_USAGE for a bad reference, or two of one
 * name. */
struct mlops_served *mlops_served_new(const struct mlops_served_options *options, struct mlops_error *error);
void mlops_served_free(struct mlops_served *served); /* nobody has a set taken */

/* What changed. */
struct mlops_served_change {
	size_t models;  /* served now */
	size_t changed; /* of them in another version than before, or new */
	size_t removed;
};

/* One at a time; a second caller waits.  change may be NULL. */
bool mlops_served_reload(struct mlops_served *served, int64_t now, struct mlops_served_change *change,
			 struct mlops_error *error);

struct mlops_served_set *mlops_served_take(struct mlops_served *served);
void mlops_served_drop(struct mlops_served *served, struct mlops_served_set *set);

/* NULL when there is none; *nearest (may be NULL) is then the nearest name, or NULL. */
struct mlops_served_model *mlops_served_find(const struct mlops_served_set *set, const char *name, const char **nearest);

/* {"name":…,"version":3,"kind":…,"sha256":…,"since":…,"features":[…],"metrics":{…}} */
void mlops_served_write(const struct mlops_served_model *model, struct mlops_json *json);

#endif
