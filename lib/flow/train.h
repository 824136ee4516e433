/*
 * The road of a training: rows in, held-out evaluation, the final fit, the model's bytes and what is to be said about it.
 * Registering is the caller's next step, so that a command line, a script and a service do the same.
 */
#ifndef MLOPS_FLOW_TRAIN_H
#define MLOPS_FLOW_TRAIN_H

#include "flow/contest.h"
#include "model/fit.h"
#include "model/setting.h"
#include "rows/series.h"
#include "rows/split.h"

/* What only time_series_forecast takes. */
struct mlops_train_forecast {
	const struct mlops_series_set *series; /* instead of the request's reader; NULL: none */
	int64_t every, hold;                   /* of struct mlops_series_options */
	const struct mlops_model *warm_start;  /* start from this one; NULL: from the beginning */
	const void *checkpoint;                /* go on from these bytes that `save` was given; NULL: none */
	size_t checkpoint_length;
	/* The checkpoint after each epoch; false with an error ends the training.  May be NULL. */
	bool (*save)(void *context, const void *bytes, size_t length, struct mlops_error *error);
	void *save_context;
};

struct mlops_train_request {
	enum mlops_kind kind;
	struct mlops_settings settings;
	uint64_t seed;
	struct mlops_pool *pool;             /* may be NULL */
	struct mlops_select_options select;  /* texts is set by the kind */
	const char *positive;                /* positive class, or NULL */
	struct mlops_reader *reader;         /* the rows; not bound yet */
	struct mlops_reader *test_reader;    /* --test FILE, or NULL */
	double test_fraction;                /* 0 = no held-out evaluation */
	enum mlops_split_how split;
	bool refit;                          /* fit the final model on all rows (else on the training part) */
	uint64_t min_rows;
	bool permutation;                    /* permutation importance on the held-out rows instead of impurity importance */
	/* Loads the champion, to be judged on the rows that judge the challenger, and given up after that; NULL without an
	 * error: none.  May be NULL. */
	struct mlops_model *(*champion)(void *context, struct mlops_error *error);
	void *champion_context;
	enum mlops_gate_rows gate_rows;      /* which of them */
	const char *program_version;         /* goes into the model file */
	struct mlops_train_forecast forecast;
	/* Steps and progress, may be NULL: step is "read", "fit", "evaluate", "refit", for a forecaster with epoch and loss
	 * behind it; done of total are rows, trees or windows; false stops with MLOPS_CLOSED. */
	bool (*progress)(void *context, const char *step, uint64_t done, uint64_t total);
	void *progress_context;
};

struct mlops_train_result {
	struct mlops_model *model;
	struct mlops_buffer bytes;     /* the model file */
	uint64_t rows;                 /* usable rows read */
	struct mlops_read_counts counts;
	struct mlops_buffer metrics;   /* JSON object */
	struct mlops_buffer settings;  /* JSON object */
	struct mlops_buffer features;  /* JSON list of names */
	struct mlops_buffer notices;   /* one a line: columns passed over and the like */
	struct mlops_buffer details;   /* JSON members (without braces) for the result line: split, importances, … */
	struct mlops_contest contest;  /* for flow/gate.h: the held-out figures, and the champion's on the same rows */
	const char *failure_reason;    /* after a failure: "insufficient_data", "invalid_data" or "internal" */
};

/* On failure the result's failure_reason says which kind it was (for the ledger); release it in any case. */
bool mlops_flow_train(const struct mlops_train_request *request, struct mlops_train_result *result,
		      struct mlops_error *error);
/* As members of an object that is open: the model file's hash and size, rows, features, metrics, settings, details. */
void mlops_train_result_write(const struct mlops_train_result *result, struct mlops_json *json);
void mlops_train_result_release(struct mlops_train_result *result);

#endif
