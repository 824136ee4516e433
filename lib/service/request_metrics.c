#include "service/request_metrics.h"

#include "metrics/exposition.h"

#include <stdio.h>

static const uint64_t limits[MLOPS_REQUEST_BUCKETS - 1] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 250000, 1000000, 2500000, 10000000
};
static const char *const limit_names[MLOPS_REQUEST_BUCKETS] = {
	"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01",
	"0.025", "0.1", "0.25", "1", "2.5", "10", "+Inf"
};

void mlops_request_metrics_count(struct mlops_request_metrics *metrics, size_t route, int status, uint64_t microseconds)
{
	struct mlops_request_counts *counts =
		&metrics->routes[route < MLOPS_REQUEST_ROUTES ? route : MLOPS_REQUEST_ROUTES - 1];
	size_t bucket = 0;

	while (bucket < MLOPS_REQUEST_BUCKETS - 1 && microseconds > limits[bucket])
		bucket++;
	atomic_fetch_add(&counts->by_status[status > 0 && status < MLOPS_REQUEST_STATUSES ? status : 0], 1);
	atomic_fetch_add(&counts->buckets[bucket], 1);
	atomic_fetch_add(&counts->microseconds, microseconds);
}

struct names {
	const char *const *methods, *const *paths;
	size_t n;
};

static void write_counts(const struct mlops_request_metrics *metrics, const struct names *names, struct mlops_buffer *out)
{
	const char *family = "mlops_http_requests_total";

	mlops_exposition_family(out, family, MLOPS_COUNTER, "Requests answered.");
	for (size_t i = 0; i <= names->n; i++) {
		const struct mlops_request_counts *counts =
			&metrics->routes[i < names->n ? i : MLOPS_REQUEST_ROUTES - 1];

		for (int status = 0; status < MLOPS_REQUEST_STATUSES; status++) {
			uint64_t count = atomic_load(&counts->by_status[status]);
			char text[16];
			struct mlops_label labels[] = {
				{ "method", i < names->n ? names->methods[i] : "other" },
				{ "route", i < names->n ? names->paths[i] : "other" },
				{ "status", text },
			};

			snprintf(text, sizeof text, "%d", status);
			/* 200 is there from the start, so that rates have a first value. */
			if (count > 0 || (status == 200 && i < names->n))
				mlops_exposition_sample(out, family, labels, 3, (double)count);
		}
	}
}

static void write_durations(const struct mlops_request_metrics *metrics, const struct names *names,
			    struct mlops_buffer *out)
{
	mlops_exposition_family(out, "mlops_http_request_duration_seconds", MLOPS_HISTOGRAM,
				"From the request's head to its answer.");
	for (size_t i = 0; i < names->n; i++) {
		const struct mlops_request_counts *counts = &metrics->routes[i];
		struct mlops_label labels[] = {
			{ "method", names->methods[i] }, { "route", names->paths[i] }, { "le", NULL },
		};
		uint64_t sum = 0;

		for (size_t b = 0; b < MLOPS_REQUEST_BUCKETS; b++) {
			sum += atomic_load(&counts->buckets[b]);
			labels[2].value = limit_names[b];
			mlops_exposition_sample(out, "mlops_http_request_duration_seconds_bucket", labels, 3,
						(double)sum);
		}
		mlops_exposition_sample(out, "mlops_http_request_duration_seconds_sum", labels, 2,
					(double)atomic_load(&counts->microseconds) / 1e6);
		mlops_exposition_sample(out, "mlops_http_request_duration_seconds_count", labels, 2, (double)sum);
	}
}

void mlops_request_metrics_write(const struct mlops_request_metrics *metrics, const char *const *methods,
				 const char *const *paths, size_t n, struct mlops_buffer *out)
{
	struct names names = { methods, paths, n };

	write_counts(metrics, &names, out);
	write_durations(metrics, &names, out);
	mlops_exposition_family(out, "mlops_http_requests_in_flight", MLOPS_GAUGE, "Requests being answered.");
	mlops_exposition_sample(out, "mlops_http_requests_in_flight", NULL, 0,
				(double)atomic_load(&metrics->in_flight));
}
