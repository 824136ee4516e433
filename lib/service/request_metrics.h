/*
 * What became of the requests: counts by route and status, durations, how many are in flight.  Any thread may count.
 */
#ifndef MLOPS_SERVICE_REQUEST_METRICS_H
#define MLOPS_SERVICE_REQUEST_METRICS_H

#include "base/buffer.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_REQUEST_ROUTES   17 /* the last one: requests of no route */
#define MLOPS_REQUEST_STATUSES 600
#define MLOPS_REQUEST_BUCKETS  14 /* the last one: longer than all limits */

struct mlops_request_counts {
	_Atomic uint64_t by_status[MLOPS_REQUEST_STATUSES];
	_Atomic uint64_t buckets[MLOPS_REQUEST_BUCKETS];
	_Atomic uint64_t microseconds;
};

struct mlops_request_metrics {
	struct mlops_request_counts routes[MLOPS_REQUEST_ROUTES];
	_Atomic uint64_t in_flight;
};

void mlops_request_metrics_count(struct mlops_request_metrics *metrics, size_t route, int status, uint64_t microseconds);

/* The route number i is methods[i] and paths[i], i < n; requests of no route are called "other". */
void mlops_request_metrics_write(const struct mlops_request_metrics *metrics, const char *const *methods,
				 const char *const *paths, size_t n, struct mlops_buffer *out);

#endif
