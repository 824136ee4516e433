/*
 * How good is a forecaster on series?  The same figures for a training's test part and for a comparison.
 *
 * Every window counts whose `steps` values all lie in the part that judges; its history may reach back before it, never
 * over a gap.  With e the error of a forecast and s the mean absolute step of the window's series ahead of that part,
 *
 *	mae, rmse      mean of |e|, root of the mean of e^2, over all windows and steps, in the data's units
 *	mase           mean of |e| / s (Hyndman, Koehler: "Another look at measures of forecast accuracy", 2006)
 *	naive_mae      the mae of repeating the last value
 *	skill          1 - sum |e| / s over that sum of repeating the last value: below 0 the model loses
 *	seasonal_mae, seasonal_skill   the same against the value a season before, on windows where there is one
 *	coverage       share of the values that lie in the interval at level 0.9
 *
 * A figure that has no meaning (nothing moves, no season) is absent.
 */
#ifndef MLOPS_FLOW_EVALUATE_FORECAST_H
#define MLOPS_FLOW_EVALUATE_FORECAST_H

#include "flow/evaluate.h"
#include "rows/series.h"

struct mlops_forecast_test {
	const struct mlops_series_set *set;
	const int64_t *cuts; /* [set->n] where each series' judging part begins; NULL: all of it judges */
	size_t length;       /* values ahead of a window, at least the forecaster's own */
	size_t steps;        /* ahead, at most the forecaster's horizon */
	size_t season;       /* of the seasonal naive forecast; 0: none */
};

/* windows is set to their number; none: MLOPS_DATA. */
bool mlops_flow_evaluate_forecast(const struct mlops_forecaster *forecaster, const struct mlops_forecast_test *test,
				  struct mlops_pool *pool, struct mlops_metrics *metrics, uint64_t *windows,
				  struct mlops_error *error);

/* Does it lose against a forecast that needs no model? */
bool mlops_forecast_loses(const struct mlops_metrics *metrics);

/*
 * cuts [set->n]: where the last `fraction` (0 … 0.9) of all points in time begins; without times the last fraction
 * of each series.
 */
void mlops_flow_cut_series(const struct mlops_series_set *set, double fraction, int64_t *cuts);

/* How many values of a segment lie before a cut. */
size_t mlops_flow_values_before(const struct mlops_series_set *set, const struct mlops_segment *segment, int64_t cut);

#endif
