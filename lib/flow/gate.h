/*
 * The gate: may a challenger take the champion's place?  Both are judged on the same rows, which the challenger has not
 * learnt from; these are the figures, and this is the rule that is applied to them.
 *
 *	kind                 decides                                     others
 *	failure_prediction   average_precision; macro_f1 of more         accuracy, roc_auc, brier
 *	                     than two classes
 *	anomaly_detection    average_precision, where rows have labels   accuracy, roc_auc
 *	                     without: anomaly_rate, near the champion's
 *	time_series_forecast mae                                         rmse, coverage
 *
 * Failures and anomalies are rare: with one row in a hundred, a model that never warns is right on 99 %, so accuracy hardly
 * tells a good model from a useless one.  average_precision (the area below precision over recall) and macro_f1 (each class
 * weighs the same) look at the rare class; accuracy is there as a figure that must not be lost.
 *
 * In this order:
 *
 *	REJECT   worse_than_naive  a forecaster that a forecast without a model beats on the held-out part
 *	REJECT   accuracy_floor    accuracy below min_accuracy
 *	PROMOTE  no_champion
 *	HOLD     not_comparable    the champion can't be judged on these rows
 *	HOLD     too_few_rows
 *	HOLD     no_figure         what decides is not known of both: no row of the rare class, say
 *	REJECT   critical_loss     a figure is worse by more than critical
 *	REJECT   anomaly_rate      without labels: further from the champion's rate than critical
 *	PROMOTE  similar_rate      without labels: not further
 *	PROMOTE  better            by margin at least
 *	PROMOTE  as_good           with a margin of 0
 *	HOLD     not_better
 *
 * margin and critical are differences of figures between 0 and 1; of mae and rmse they are shares of the champion's.  coverage
 * counts by its distance from the level.
 */
#ifndef MLOPS_FLOW_GATE_H
#define MLOPS_FLOW_GATE_H

#include "flow/contest.h"
#include "registry/store.h"

struct mlops_gate {
	double margin, critical;
	uint64_t min_rows;
	double min_accuracy; /* NaN: no floor */
};
#define MLOPS_GATE_INIT { .critical = 0.05, .min_rows = 100, .min_accuracy = __builtin_nan("") }

enum mlops_verdict { MLOPS_PROMOTE, MLOPS_HOLD, MLOPS_REJECT };
const char *mlops_verdict_name(enum mlops_verdict verdict); /* "PROMOTE", "HOLD", "REJECT" */

struct mlops_ruling {
	enum mlops_verdict verdict;
	const char *reason;        /* a constant: the word above */
	char message[512];
	const char *metric;        /* a constant: the figure that decided; NULL: none did */
	double challenger, champion; /* its values; NaN: unknown */
};

void mlops_gate_rule(const struct mlops_gate *gate, const struct mlops_contest *contest, struct mlops_ruling *ruling);

/* Another ruling than the rule's, with its reason (a constant) and a message; figures stay. */
void mlops_ruling_set(struct mlops_ruling *ruling, enum mlops_verdict verdict, const char *reason, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * A ruling as the ledger keeps it.  Release what is in `described`; the texts in `kept` are ruling's and the buffers', which
 * must outlive it.  name, run_id, challenger, champion, forced, when and who are the caller's to add.
 */
struct mlops_described_ruling {
	struct mlops_decision kept;
	struct mlops_buffer challenger, champion; /* JSON */
};
bool mlops_ruling_describe(const struct mlops_gate *gate, const struct mlops_contest *contest,
			   const struct mlops_ruling *ruling, struct mlops_described_ruling *described,
			   struct mlops_error *error);
void mlops_described_ruling_release(struct mlops_described_ruling *described);

#endif
