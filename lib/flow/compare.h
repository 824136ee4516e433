/* Two models judged on the same rows. */
#ifndef MLOPS_FLOW_COMPARE_H
#define MLOPS_FLOW_COMPARE_H

#include "flow/evaluate.h"

struct mlops_comparison {
	uint64_t rows;
	uint64_t judged; /* rows, or windows of forecasters */
	struct mlops_metrics first, second;
};

/* Both models must be of one kind; each finds its own features by name; forecasters are judged on the windows that suit
 * both.  Opened twice, since a reader can be read once:
 * the readers must give the same rows. */
bool mlops_flow_compare(const struct mlops_model *first, struct mlops_reader *first_reader,
			const struct mlops_model *second, struct mlops_reader *second_reader,
			const struct mlops_select_options *select, struct mlops_pool *pool,
			struct mlops_comparison *comparison, struct mlops_error *error);

/* The metrics that a JSON object of the ledger holds; numbers only, those whose names both this program and the object
 * know.  MLOPS_DATA when it is no JSON object. */
bool mlops_metrics_read(const char *json, struct mlops_metrics *metrics, struct mlops_error *error);

/* second - first for every metric that both have. */
void mlops_metrics_subtract(const struct mlops_metrics *first, const struct mlops_metrics *second,
			    struct mlops_metrics *difference);

#endif
