/*
 * An MLflow server, in its own terms: runs, artifacts, registered models, versions, aliases, tags.  What a registry makes of them
 * is lib/registry's business.  Works with servers from MLflow 2.9 (aliases) on.
 *
 *	struct mlops_mlflow *mlflow = mlops_mlflow_open(&tracking, &error);
 *	mlops_mlflow_create_run(mlflow, &new_run, run_id, &error);
 *	mlops_mlflow_log(mlflow, run_id, &items, &error);
 *	mlops_mlflow_put(mlflow, run_id, "model/model.onnx", bytes, length, &error);  // read back and compared
 *	mlops_mlflow_end_run(mlflow, run_id, "FINISHED", now, &error);
 *	mlops_mlflow_create_version(mlflow, name, run_id, "model", tags, n_tags, &version, &error);
 *	mlops_mlflow_close(mlflow);
 *
 * Every call may be tried again when the server does not answer, answers 408, 429, 5xx or an overload that says 400: tracking.retries
 * times, after 0.5, 1, 2, ... seconds (at most 30; Retry-After counts), never longer than tracking.patience in all, and each time
 * tracking.notice is told.  What is not idempotent (a run, a version) is looked for before it is made again.
 *
 * Errors: MLOPS_UNAVAILABLE (no answer, still overloaded), MLOPS_DENIED (401, 403), MLOPS_DATA (what was asked for is not there, or
 * was refused with a reason, or the answer is none of MLflow's), MLOPS_NEGATIVE (bytes that differ from what was sent), MLOPS_CONFIG
 * (the URI, a certificate, artifacts that do not go through the server).  Values that the server would cut off without a word are
 * MLOPS_DATA: params beyond 6000 bytes, tags of runs beyond 8000, of versions beyond 100000.  No message holds a password, a token or the URI's user.
 *
 * Times are microseconds since 1970.  Nothing is read from clock or environment.  For one thread at a time.
 */
#ifndef MLOPS_MLFLOW_MLFLOW_H
#define MLOPS_MLFLOW_MLFLOW_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where, and as whom. */
struct mlops_tracking {
	const char *uri;                /* http://… or https://…, maybe with a path before /api */
	const char *username, *password;/* both: Basic, before the token; else NULL */
	const char *token;              /* Bearer; or NULL */
	const char *ca_file;            /* PEM, of a private authority; NULL: the system's */
	const char *client_certificate; /* PEM with certificate and key; or NULL */
	bool insecure;                  /* do not check the server's certificate */
	const char *experiment;         /* runs go there; made when it is missing */
	double timeout;                 /* seconds a request; 0: 120 */
	unsigned retries;               /* after the first attempt */
	double patience;                /* seconds that all attempts of a call may take; 0: 300 */
	void (*notice)(void *context, const char *message); /* of each retry; may be NULL */
	void *notice_context;
};

struct mlops_mlflow;

/* Checks the URI and sends nothing yet; tracking and what it points to must outlive it. */
struct mlops_mlflow *mlops_mlflow_open(const struct mlops_tracking *tracking, struct mlops_error *error);
void mlops_mlflow_close(struct mlops_mlflow *mlflow);

/* The tracking URI as it may be shown. */
const char *mlops_mlflow_shown(const struct mlops_mlflow *mlflow);

/* A name and a value; the caller's. */
struct mlops_mlflow_pair {
	const char *key, *value;
};

/* Runs. */
struct mlops_mlflow_new_run {
	const char *name;               /* of the run; NULL: the server makes one up */
	const char *user;
	int64_t started;
	const struct mlops_mlflow_pair *tags; /* among them one, `unique`, by which a run is found again after a lost answer */
	size_t n_tags;
	const char *unique;             /* that tag's key */
};
bool mlops_mlflow_create_run(struct mlops_mlflow *mlflow, const struct mlops_mlflow_new_run *run, char run_id[33],
			     struct mlops_error *error);

struct mlops_mlflow_metric {
	const char *key;
	double value;                   /* NaN goes as NaN */
	int64_t when;
	int64_t step;
};
struct mlops_mlflow_items {
	const struct mlops_mlflow_pair *params; /* immutable on the server */
	size_t n_params;
	const struct mlops_mlflow_metric *metrics;
	size_t n_metrics;
	const struct mlops_mlflow_pair *tags;
	size_t n_tags;
};
/* In as few batches as the server's limits (1000 metrics, 100 params, 100 tags) allow. */
bool mlops_mlflow_log(struct mlops_mlflow *mlflow, const char *run_id, const struct mlops_mlflow_items *items,
		      struct mlops_error *error);
/* status: "FINISHED", "FAILED", "KILLED". */
bool mlops_mlflow_end_run(struct mlops_mlflow *mlflow, const char *run_id, const char *status, int64_t ended,
			  struct mlops_error *error);

/* What the server keeps of a run; texts are allocated, release with mlops_mlflow_run_list_release. */
struct mlops_mlflow_run {
	char id[33];
	char *name, *status, *artifact_uri;
	int64_t started, ended;
	size_t n_params, n_metrics, n_tags;
	struct mlops_mlflow_kept { char *key, *value; } *params, *metrics, *tags; /* metrics: shortest text of the number */
};
struct mlops_mlflow_run_list {
	size_t n;
	struct mlops_mlflow_run *items;
};
void mlops_mlflow_run_list_release(struct mlops_mlflow_run_list *list);
/* Of the experiment, newest first; filter in MLflow's language or NULL; limit 0: all. */
bool mlops_mlflow_runs(struct mlops_mlflow *mlflow, const char *filter, size_t limit, struct mlops_mlflow_run_list *runs,
		       struct mlops_error *error);

/* Artifacts.  path is relative to the run's artifacts, '/' between segments, each percent-encoded here. */
/* Sends, reads back, compares; MLOPS_NEGATIVE where they differ after the retries. */
bool mlops_mlflow_put(struct mlops_mlflow *mlflow, const char *run_id, const char *path, const void *bytes, size_t length,
		      struct mlops_error *error);
/* source: a version's ("mlflow-artifacts:/2/RUN/artifacts/model", "runs:/RUN/model", "models:/m-…"); path below it.
 * At most limit bytes (MLOPS_DATA beyond). */
bool mlops_mlflow_get(struct mlops_mlflow *mlflow, const char *source, const char *path, size_t limit,
		      struct mlops_buffer *bytes, struct mlops_error *error);
bool mlops_mlflow_delete_artifacts(struct mlops_mlflow *mlflow, const char *source, struct mlops_error *error);

/* Registered models and their versions. */
struct mlops_mlflow_version {
	char *name;
	uint32_t version;
	char *source, *run_id, *status;   /* run_id may be NULL */
	int64_t created;
	size_t n_tags;
	struct mlops_mlflow_kept *tags;
};
struct mlops_mlflow_version_list {
	size_t n;
	struct mlops_mlflow_version *items;
};
void mlops_mlflow_version_release(struct mlops_mlflow_version *version);
void mlops_mlflow_version_list_release(struct mlops_mlflow_version_list *list);
/* NULL when there is none. */
const char *mlops_mlflow_tag(const struct mlops_mlflow_version *version, const char *key);

struct mlops_mlflow_alias {
	char *name;                       /* of the model */
	char *alias;
	uint32_t version;
};
struct mlops_mlflow_model {
	char *name;
	size_t n_aliases, n_tags;
	struct mlops_mlflow_alias *aliases;
	struct mlops_mlflow_kept *tags;
};
struct mlops_mlflow_model_list {
	size_t n;
	struct mlops_mlflow_model *items;
};
void mlops_mlflow_model_list_release(struct mlops_mlflow_model_list *list);

/* Every registered model with its aliases (asked for one by one: a search leaves them out); name NULL: all. */
bool mlops_mlflow_models(struct mlops_mlflow *mlflow, const char *name, struct mlops_mlflow_model_list *models,
			 struct mlops_error *error);
/* Every version with its tags, name and version ascending; name NULL: all. */
bool mlops_mlflow_versions(struct mlops_mlflow *mlflow, const char *name, struct mlops_mlflow_version_list *versions,
			   struct mlops_error *error);
bool mlops_mlflow_version_of(struct mlops_mlflow *mlflow, const char *name, uint32_t version,
			     struct mlops_mlflow_version *found, struct mlops_error *error);
/* found->name NULL: the model is there, the alias is not. */
bool mlops_mlflow_version_by_alias(struct mlops_mlflow *mlflow, const char *name, const char *alias,
				   struct mlops_mlflow_version *found, struct mlops_error *error);
/* Makes the model if it is missing, and the version unless the run has one of this name already. */
bool mlops_mlflow_create_version(struct mlops_mlflow *mlflow, const char *name, const char *run_id, const char *path,
				 const struct mlops_mlflow_pair *tags, size_t n_tags, uint32_t *version,
				 struct mlops_error *error);
bool mlops_mlflow_delete_version(struct mlops_mlflow *mlflow, const char *name, uint32_t version, struct mlops_error *error);
/* Sets or moves it, and looks whether it stands there then; version 0 removes it. */
bool mlops_mlflow_set_alias(struct mlops_mlflow *mlflow, const char *name, const char *alias, uint32_t version,
			    struct mlops_error *error);
bool mlops_mlflow_set_version_tag(struct mlops_mlflow *mlflow, const char *name, uint32_t version, const char *key,
				  const char *value, struct mlops_error *error);

#endif
