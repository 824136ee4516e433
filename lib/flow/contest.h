/*
 * A challenger and the champion on the same rows, for flow/gate.h to rule on.
 *
 * The challenger is the model that was fitted without the held-out rows.  The champion may well have learnt from some of
 * them: it was trained yesterday, on all rows but today's.  A forest knows its training rows by heart, so on those it would
 * win against any newcomer; MLOPS_GATE_UNSEEN leaves them out as far as times tell which they are.  An Isolation Forest
 * learns no labels, so for anomaly_detection all held-out rows judge.
 */
#ifndef MLOPS_FLOW_CONTEST_H
#define MLOPS_FLOW_CONTEST_H

#include "flow/evaluate_forecast.h"

struct mlops_contest {
	enum mlops_kind kind;
	bool has_champion;
	struct mlops_metrics held_out;   /* the challenger on all rows that were held out, for what needs no champion */
	uint64_t rows;                   /* that both were judged on; windows of a forecaster */
	uint64_t seen;                   /* held-out rows or windows left out, for the champion has learnt from them */
	struct mlops_metrics challenger, champion; /* on those rows */
	char obstacle[300];              /* why the champion can't be judged on these rows; empty: it was */
};

enum mlops_gate_rows { MLOPS_GATE_UNSEEN, MLOPS_GATE_ALL };

struct mlops_contest_sides {
	const struct mlops_model *challenger, *champion;
	enum mlops_gate_rows rows;
	struct mlops_pool *pool; /* may be NULL */
};

/*
 * Forests, on the rows of matrix, which is a view of data as the challenger takes it; own: the challenger's figures on them.
 * rows, seen, both sides' metrics or the obstacle are filled in: rows that the champion can't be judged on are no error.
 */
bool mlops_contest_rows(const struct mlops_contest_sides *sides, const struct mlops_dataset *data,
			const struct mlops_matrix *matrix, const struct mlops_metrics *own, struct mlops_contest *contest,
			struct mlops_error *error);

/* Forecasters, on the windows of test that suit both; windows: how many the challenger alone was judged on. */
bool mlops_contest_windows(const struct mlops_contest_sides *sides, const struct mlops_forecast_test *test,
			   uint64_t windows, struct mlops_contest *contest, struct mlops_error *error);

/* The time of the last row that a model was trained on, from its file; false where that is not known. */
bool mlops_flow_learnt_until(const struct mlops_model *model, int64_t *last);

#endif
