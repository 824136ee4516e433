/*
 * The road of scoring: chunks of rows through a model, one record out for each row in, in order, the same for
 * any number of threads, which read, score and write side by side.  Memory does not grow with the number of
 * rows.  An error comes after the records of the rows ahead of it have gone to the sink.
 *
 * Fields of a record: the time column and the id column under their own names (where there are such columns),
 * the kept columns (one that has the name of an output becomes "input_NAME"), then for anomaly_detection
 * anomaly_score, anomaly_probability, anomaly; for failure_prediction failure_probability, failure, or with
 * more than two classes label and probabilities; last, where it is asked for, because (flow/explain.h).
 */
#ifndef MLOPS_FLOW_SCORE_H
#define MLOPS_FLOW_SCORE_H

#include "model/model.h"
#include "rows/select.h"
#include "rows/writer.h"

/* Takes bytes; false with an error stops everything.  Like progress it is called from any thread, once at a
 * time. */
typedef bool mlops_score_sink(void *context, const void *bytes, size_t length, struct mlops_error *error);

enum mlops_keep { MLOPS_KEEP_NONE, MLOPS_KEEP_ALL, MLOPS_KEEP_LIST };

struct mlops_score_request {
	const struct mlops_model *model;
	struct mlops_reader *reader;     /* not bound yet */
	const char *const *features;     /* [n_features] columns where the model's file names none; else NULL */
	size_t n_features;
	const char *time, *id;           /* column names; NULL: found by their usual names */
	enum mlops_keep keep;
	const char *const *keep_names;   /* [n_keep] for MLOPS_KEEP_LIST */
	size_t n_keep;
	double threshold;                /* NaN: the model's own; on anomaly_score or failure_probability */
	size_t explain;                  /* name so many features that moved the score most; 0: none */
	bool only_positive;              /* only rows that are an anomaly or a failure */
	enum mlops_write_format format;
	struct mlops_pool *pool;         /* may be NULL */
	mlops_score_sink *sink;          /* with each chunk of the reader at once */
	void *sink_context;
	bool (*progress)(void *context, uint64_t rows); /* may be NULL; false stops with MLOPS_CLOSED */
	void *progress_context;
};

/* How anomaly scores or failure probabilities are spread: up to 0.1, up to 0.2, … up to 1. */
#define MLOPS_SCORE_TENTHS 10

struct mlops_score_result {
	uint64_t rows;               /* scored */
	uint64_t tenths[MLOPS_SCORE_TENTHS]; /* rows by their score; none with more than two classes */
	uint64_t positives;          /* anomalies or failures; 0 with more than two classes */
	uint64_t unknown_categories; /* texts that the training never saw, taken as missing */
	struct mlops_read_counts counts;
};

bool mlops_flow_score(const struct mlops_score_request *request, struct mlops_score_result *result,
		      struct mlops_error *error);

#endif
