/*
 * The registry: which models there are, in which versions, which one is champion, since when, by whom and why, and every
 * training run, good or failed.  It is a directory, or an MLflow server with a directory beside it:
 *
 *	DIR/ledger.db               SQLite: models, versions, aliases, champion changes, runs
 *	DIR/models/SHA256.onnx      model files, named by their content
 *	DIR/running                 empty; locks on its bytes tell which runs still have a process
 *	DIR/cache/SHA256.onnx       files that came from a server
 *
 *	struct mlops_store *store = mlops_store_open(&(struct mlops_store_options){ .location = dir }, &error);
 *	mlops_store_begin_run(store, &run, &error);                          // run.id is filled in
 *	mlops_store_finish_run(store, &run, &version, bytes, length, &error); // version.version is filled in
 *	mlops_store_close(store);
 *
 * In the directory.  A model file is complete and synced before the ledger's transaction that names it; so whenever a writer is
 * killed, the registry is as it was before or as it is after, and at worst a model file is left that no version names
 * (verify counts such orphans, prune removes those older than an hour).  Many writers and readers may work at once: they
 * wait for each other (busy_seconds at most, then MLOPS_BUSY).  A reader never sees half a version, and a loaded model's
 * SHA-256 is checked.
 *
 * On a server (options.tracking).  Models, versions, aliases and runs are there, for everybody; versions that others have registered
 * are listed with what is known of them, and can be loaded if their directory has a model.onnx.  The ledger in the directory is
 * written first: a run begins and ends there whether the server answers or not, and a model that can't be sent is kept there.
 * The call that could not send it fails with MLOPS_UNAVAILABLE, MLOPS_DENIED or what the server said, sets run->unsent, and
 * mlops_store_push sends it later.  A version is made when its run and all its files are on the server and were read back.
 * MLflow forgets who moved an alias: each change is kept in the ledger and as a tag of the version, and the history is both
 * together, so that a rollback works from any machine; an alias that was moved by other means is a change that nobody has signed.
 * Checks, reloads, decisions (a tag names the last one of a version) and summaries of runs are those of this directory alone.
 * Who only reads needs no directory.
 *
 * A store is for one thread at a time, and not to be used across a fork; open another one there.
 *
 * The store reads no clock and no environment: who, when and why come with the call.  Times are microseconds since 1970.
 *
 * Errors: MLOPS_CONFIG when there is no registry to read (DIR missing, and create not asked for), MLOPS_DENIED when it may not be
 * written, MLOPS_IO when the disk fails or is full, MLOPS_DATA for a name, version or alias that is not there (with the nearest
 * name), MLOPS_NEGATIVE for a checksum that does not match, MLOPS_BUSY for a lock held too long; MLOPS_UNAVAILABLE for a
 * server that does not answer.
 */
#ifndef MLOPS_REGISTRY_STORE_H
#define MLOPS_REGISTRY_STORE_H

#include "base/buffer.h"
#include "base/error.h"
#include "registry/reference.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mlops_store;
struct mlops_tracking; /* mlflow/mlflow.h */

struct mlops_store_options {
	const char *location; /* the directory */
	const struct mlops_tracking *tracking; /* the server, and as whom; NULL: the directory is all.  Must outlive the store */
	bool create;          /* make the directory if it is missing; also opens for writing */
	bool write;           /* open for writing; beside a server, a missing directory is made */
	bool recall;          /* while the server is down, resolve and champions answer what it said last, with a notice */
	unsigned busy_seconds; /* 0 = 30 */
};

struct mlops_store *mlops_store_open(const struct mlops_store_options *options, struct mlops_error *error);
void mlops_store_close(struct mlops_store *store);

/* What to call it: the directory, or the server's URI without user and password. */
const char *mlops_store_shown(const struct mlops_store *store);

/* One version of a registered model.  Text members are allocated; release with mlops_version_release. */
struct mlops_version {
	char *name;
	uint32_t version;      /* 1, 2, …; never reused */
	char *kind;            /* "anomaly_detection"; "unknown" where others have registered it */
	char sha256[65];       /* empty where others have registered it */
	uint64_t size;         /* bytes of the model file; 0 likewise */
	int64_t created;
	char *run_id;          /* NULL for an imported one */
	uint64_t rows;         /* it was fitted on; 0 = unknown */
	char *metrics;         /* JSON object */
	char *settings;        /* JSON object */
	char *features;        /* JSON list of names */
	char *aliases;         /* JSON list, filled by reading calls */
	bool champion;         /* filled by reading calls */
};
void mlops_version_release(struct mlops_version *version);

struct mlops_version_list {
	size_t n;
	struct mlops_version *items;
};
void mlops_version_list_release(struct mlops_version_list *list);

enum mlops_run_outcome { MLOPS_RUN_RUNNING, MLOPS_RUN_FINISHED, MLOPS_RUN_FAILED };
const char *mlops_run_outcome_name(enum mlops_run_outcome outcome); /* "RUNNING", "FINISHED", "FAILED" */

/* The reason of a run that failed with this error: "database" where rows come from one and it can't be reached, denies or
 * lacks what was asked for; "invalid_data", also for a file of rows that can't be opened; "internal".  opened: the rows
 * were, ahead of the error. */
const char *mlops_run_failure_reason(const struct mlops_error *error, bool database, bool opened);

struct mlops_run {
	char id[33];           /* 32 hexadecimal digits; filled by begin_run */
	char *name;            /* of the model it trains */
	char *kind;
	char *sensor;          /* of a model that is one sensor's, whose name is MODEL.SENSOR; else NULL */
	char *action;          /* "train", "import", "validate" */
	int64_t started, ended;/* ended 0 while running */
	enum mlops_run_outcome outcome;
	char *reason;          /* of a failure: insufficient_data, invalid_data, database, registry, quality_gate, internal, signal; else NULL */
	char *message;         /* of a failure, for people; else NULL */
	uint32_t version;      /* it made; 0 = none */
	uint64_t rows;
	char *metrics;         /* JSON object or NULL */
	char *settings;        /* JSON object or NULL */
	char *source;          /* what was read: "sensors.csv", "standard input" */
	char *who;
	bool unsent;           /* the server does not know of it, or not of its end */
};
void mlops_run_release(struct mlops_run *run);

struct mlops_run_list {
	size_t n;
	struct mlops_run *items;
};
void mlops_run_list_release(struct mlops_run_list *list);

/* A change of an alias: what, by whom, when, why. */
struct mlops_change {
	char *name;
	char *alias;
	char *action;          /* "promote", "rollback", "alias", "remove" */
	uint32_t from, to;     /* versions; 0 = none */
	int64_t when;
	char *who;
	char *why;             /* may be NULL */
};
void mlops_change_release(struct mlops_change *change); /* of a list */

struct mlops_change_list {
	size_t n;
	struct mlops_change *items;
};
void mlops_change_list_release(struct mlops_change_list *list);

/* Runs.  begin: id and outcome are filled in, everything else is the caller's (strings stay the caller's too).  A run
 * whose process (more exactly: whose store) is gone though it never ended is FAILED with reason "signal".
 * end: writes ended, outcome, reason, message, version, rows, metrics, settings under run->id. */
bool mlops_store_begin_run(struct mlops_store *store, struct mlops_run *run, struct mlops_error *error);
bool mlops_store_end_run(struct mlops_store *store, const struct mlops_run *run, struct mlops_error *error);
/* What a validation of rows came to: a run whose action is "validate". */
struct mlops_checked_reason {
	char *reason;          /* missing, not_finite, out_of_range, duplicate, parse, timestamp, … */
	uint64_t rows;
};
struct mlops_checked_column {
	char *name;
	double missing_ratio, psi, ks; /* NaN: not measured */
};
struct mlops_checks {
	char run_id[33];       /* filled by last_checks, like ended */
	int64_t ended;
	bool valid;
	uint64_t rows, invalid_rows;
	int64_t last_time;     /* of the rows, INT64_MIN: none */
	size_t n_reasons, n_columns;
	struct mlops_checked_reason *reasons;
	struct mlops_checked_column *columns;
};
void mlops_checks_release(struct mlops_checks *checks);

/* Ends the run as end_run does, and keeps its checks, in one transaction. */
bool mlops_store_finish_checks(struct mlops_store *store, const struct mlops_run *run, const struct mlops_checks *checks,
			       struct mlops_error *error);
/* The latest checks of a model's data; found false where there are none.  Release in any case. */
bool mlops_store_last_checks(struct mlops_store *store, const char *name, struct mlops_checks *checks, bool *found,
			     struct mlops_error *error);

/* name NULL: all models; newest first; limit 0: all. */
bool mlops_store_runs(struct mlops_store *store, const char *name, size_t limit, struct mlops_run_list *runs,
		      struct mlops_error *error);

/* What all runs of a name came to.  Times: 0 = never. */
struct mlops_run_summary {
	char *name;
	char *sensor;              /* of its last training, as in struct mlops_run */
	uint64_t finished, failed; /* trainings */
	int64_t started;           /* the last training, ended or not */
	int64_t ended;             /* the last one that ended; one whose process vanished: when it was started */
	int64_t succeeded, broke;  /* the last one that finished, that failed */
	int64_t duration;          /* of the last one that ended; -1 = not known */
	bool ok;                   /* did it finish? */
	char *reason;              /* else why not */
	char *metrics;             /* of the last one that made a version, rejected by a gate or not; or NULL */
	bool validated, valid;     /* was there a validation, and did the last one that ended find the data valid? */
};
struct mlops_run_summary_list {
	size_t n;
	struct mlops_run_summary *items;
};
void mlops_run_summary_list_release(struct mlops_run_summary_list *list);

/* Ordered by name (strcmp), one for each that has trainings or validations. */
bool mlops_store_run_summaries(struct mlops_store *store, struct mlops_run_summary_list *list, struct mlops_error *error);

/* Stores the model file and a new version of version->name; fills version, sha256 and size.  The name must pass
 * mlops_reference_check_name.  A model of another kind under that name: MLOPS_DATA. */
bool mlops_store_add_version(struct mlops_store *store, struct mlops_version *version, const void *bytes, size_t length,
			     struct mlops_error *error);

/* The same, and the end of the run that made it, in one transaction: the run has ended exactly when its version is there.  Its
 * outcome is the caller's to say: a version that a gate rejects is there, and its run has failed.
 * Fills run->version too; version->run_id must be run's. */
bool mlops_store_finish_run(struct mlops_store *store, struct mlops_run *run, struct mlops_version *version,
			    const void *bytes, size_t length, struct mlops_error *error);

/* All models' newest versions and champions: every version, ordered by name and version; name NULL: all models. */
bool mlops_store_versions(struct mlops_store *store, const char *name, struct mlops_version_list *versions,
			  struct mlops_error *error);

/* The champion of each model that has one, ordered by name. */
bool mlops_store_champions(struct mlops_store *store, struct mlops_version_list *versions, struct mlops_error *error);

/* The version that a reference means.  NAME without champion: MLOPS_DATA, "model 'pump' has no champion; …". */
bool mlops_store_resolve(struct mlops_store *store, const struct mlops_reference *reference, struct mlops_version *version,
			 struct mlops_error *error);

/* The champion of name; version->version 0 where there is none, or no such model: that is no error. */
bool mlops_store_champion(struct mlops_store *store, const char *name, struct mlops_version *version,
			  struct mlops_error *error);

/* The model file's bytes, checked against version->sha256; MLOPS_NEGATIVE when they differ. */
bool mlops_store_load(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
		      struct mlops_error *error);

/* Aliases.  change: name, alias, to, when, who, why are given and stay the caller's; action (a constant: nothing in change is to
 * be released) and from are filled in, and after a rollback, to.  When a call fails, change is as it was.  The alias
 * "champion" is what NAME alone means; every change is kept, but naming what is named already changes nothing.
 *
 * promote: alias is "champion" or NULL. */
bool mlops_store_promote(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
/* to 0: the champion before this one; promotions are a stack, so a second rollback goes further back, and what was rolled
 * back is off the stack.  Otherwise to must be an earlier champion.  None left, or to is none: MLOPS_NEGATIVE. */
bool mlops_store_rollback(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
/* to 0 removes the alias; the champion's removal leaves the stack alone, so a rollback brings it back.  Setting "champion" is
 * a promotion. */
bool mlops_store_set_alias(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);
/* Champion changes of name (or all aliases' changes), newest first. */
bool mlops_store_history(struct mlops_store *store, const char *name, bool all_aliases, struct mlops_change_list *changes,
			 struct mlops_error *error);

/* What a gate said of a challenger (flow/gate.h), and of which figures. */
struct mlops_decision {
	char *name;            /* of the model */
	char *run_id;          /* of the challenger's training; NULL when it was judged apart from one */
	uint32_t challenger, champion; /* versions; champion 0: there was none */
	char *decision;        /* "PROMOTE", "HOLD", "REJECT" */
	char *reason;          /* a word: "better", "too_few_rows", … */
	char *message;         /* the same for people */
	bool forced;           /* promoted all the same */
	uint64_t rows;         /* that both were judged on; windows of a forecaster */
	char *metric;          /* that decided; NULL: none did */
	double challenger_value, champion_value; /* of that metric; NaN: unknown */
	double margin;         /* that was asked for */
	char *challenger_metrics, *champion_metrics; /* all figures, JSON objects; NULL: not judged */
	int64_t when;
	char *who;
};
void mlops_decision_release(struct mlops_decision *decision); /* of a list */

struct mlops_decision_list {
	size_t n;
	struct mlops_decision *items;
};
void mlops_decision_list_release(struct mlops_decision_list *list);

/* The decision's strings stay the caller's.  It outlives the versions that it is about. */
bool mlops_store_add_decision(struct mlops_store *store, const struct mlops_decision *decision, struct mlops_error *error);
/* name NULL: all models; newest first; limit 0: all. */
bool mlops_store_decisions(struct mlops_store *store, const char *name, size_t limit, struct mlops_decision_list *decisions,
			   struct mlops_error *error);

/* What became of telling a service to load the champions. */
struct mlops_reload {
	char *service;         /* URL, nothing secret in it */
	int64_t started, duration;
	bool ok;
	char *message;         /* of a failure; else NULL */
	char *who;
};
struct mlops_reload_list {
	size_t n;
	struct mlops_reload *items;
};
void mlops_reload_list_release(struct mlops_reload_list *list);

bool mlops_store_add_reload(struct mlops_store *store, const struct mlops_reload *reload, struct mlops_error *error);
/* Newest first; limit 0: all. */
bool mlops_store_reloads(struct mlops_store *store, size_t limit, struct mlops_reload_list *reloads,
			 struct mlops_error *error);
/* Of each service the last one that went well and the last one that did not, as far as there are such: by service, the newer
 * first. */
bool mlops_store_last_reloads(struct mlops_store *store, struct mlops_reload_list *reloads, struct mlops_error *error);

/* Checks one version's file (present, size, SHA-256); what is wrong goes to problem (empty = fine). */
bool mlops_store_verify_version(struct mlops_store *store, const struct mlops_version *version, char problem[160],
				struct mlops_error *error);
/* The ledger's own integrity check and the number of files that no version names. */
bool mlops_store_verify_ledger(struct mlops_store *store, uint64_t *orphans, char problem[160], struct mlops_error *error);

/* Deletes versions of name beyond the keep newest, never one that an alias names or that rollback could need next;
 * their files go when no other version has them.  removed lists them. dry_run only lists. */
bool mlops_store_prune(struct mlops_store *store, const char *name, size_t keep, int64_t now, bool dry_run,
		       struct mlops_version_list *removed, struct mlops_error *error);

/* What the server has been told by push. */
struct mlops_sent {
	const char *what;      /* "version" (with its run), "run", "change", "decision" */
	const char *name;      /* of the model */
	uint32_t version;      /* 0: none */
	const char *run_id;    /* of a version or a run */
	const char *outcome;   /* of the run */
};
struct mlops_push {
	void (*sent)(void *context, const struct mlops_sent *sent); /* after each; may be NULL */
	void *context;
};
/* Tells the server what it could not be told at once.  It does not matter how often that is done, how many do it at once, or when one
 * of them is killed.  False when something stays: MLOPS_UNAVAILABLE, MLOPS_DENIED, MLOPS_BUSY (another one is about to send
 * it), MLOPS_DATA (refused; what can never be a version has failed then, and is not tried again).  MLOPS_CONFIG without a server. */
bool mlops_store_push(struct mlops_store *store, int64_t now, const struct mlops_push *push, struct mlops_error *error);

#endif
