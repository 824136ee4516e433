/*
 * The road of forecasting: histories in JSON (rows/history.h) or rows of series in, one JSON object a line out for each, in
 * order, the same for any number of threads:
 *
 *	{"sensor_id":"TAG-001","model":"temperature","version":3,"forecast_steps":5,"forecast":[…],"lower":[…],
 *	 "upper":[…],"level":0.9}
 *
 * sensor_id is null where the input has none, version where the model came from a file.  Series with times add
 * "timestamps":[…], those of the steps.
 *
 * Rows are brought to series as in training: the column that was learnt, resampled where training resampled, else at the
 * same step; the last seq_length points of a series count, behind its last gap.  A history or series with fewer points is
 * MLOPS_DATA, or left out and counted with MLOPS_ON_ERROR_SKIP.
 *
 * Histories are read and answered as they come, in memory that does not grow; rows are read to their end first.
 */
#ifndef MLOPS_FLOW_FORECAST_H
#define MLOPS_FLOW_FORECAST_H

#include "flow/score.h"
#include "model/model.h"
#include "rows/select.h"

struct mlops_forecast_request {
	const struct mlops_model *model;     /* of another kind: MLOPS_USAGE */
	const char *name;                    /* of the model, for the lines */
	uint32_t version;                    /* 0: none */
	struct mlops_reader *reader;         /* of rows, not bound yet; NULL: histories or rows of source */
	struct mlops_source *source;
	const struct mlops_read_options *read;
	struct mlops_select_options select;  /* time, id and target: for rows */
	int64_t every, hold;                 /* microseconds, for rows; 0: as in training */
	uint64_t steps;                      /* ahead; 0: what a history asks for, else forecast_horizon */
	double level;                        /* of the intervals */
	struct mlops_pool *pool;             /* may be NULL */
	mlops_score_sink *sink;
	void *sink_context;
	bool (*progress)(void *context, uint64_t done); /* forecasts; may be NULL; false stops with MLOPS_CLOSED */
	void *progress_context;
};

struct mlops_forecast_result {
	uint64_t forecasts;
	uint64_t too_short;              /* left out */
	struct mlops_read_counts counts;
};

bool mlops_flow_forecast(const struct mlops_forecast_request *request, struct mlops_forecast_result *result,
			 struct mlops_error *error);

/* How a model's training brought rows to series, from the model's file; what it does not say is NULL or 0. */
struct mlops_forecast_origin {
	char *target;
	int64_t step;     /* microseconds */
	int64_t hold;
	bool resampled;
};
bool mlops_forecast_origin_read(const struct mlops_model *model, struct mlops_forecast_origin *origin,
				struct mlops_error *error);
void mlops_forecast_origin_release(struct mlops_forecast_origin *origin);

/* The series of reader as the model's training took them; select, every and hold as in struct mlops_forecast_request. */
struct mlops_series_set *mlops_flow_series_for_model(const struct mlops_model *model, struct mlops_reader *reader,
						     const struct mlops_select_options *select, int64_t every,
						     int64_t hold, struct mlops_error *error);

#endif
