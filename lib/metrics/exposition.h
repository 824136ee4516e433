/*
 * Prometheus' text format, version 0.0.4.
 *
 *	mlops_exposition_family(&text, "mlops_model_info", MLOPS_GAUGE, "What is loaded.");
 *	mlops_exposition_sample(&text, "mlops_model_info", labels, 2, 1);
 *
 * All samples of a family follow its head; the caller gives each family one head.  Label values are escaped, bytes that
 * are not UTF-8 become U+FFFD (one such byte makes Prometheus drop the whole page); NaN and infinities are written as
 * Prometheus reads them.
 */
#ifndef MLOPS_METRICS_EXPOSITION_H
#define MLOPS_METRICS_EXPOSITION_H

#include "base/buffer.h"

#include <stddef.h>

enum mlops_metric_type { MLOPS_COUNTER, MLOPS_GAUGE, MLOPS_HISTOGRAM };

struct mlops_label {
	const char *name;
	const char *value; /* NULL is an empty one */
};

#define MLOPS_EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

void mlops_exposition_family(struct mlops_buffer *out, const char *name, enum mlops_metric_type type, const char *help);
void mlops_exposition_sample(struct mlops_buffer *out, const char *name, const struct mlops_label *labels,
			     size_t n_labels, double value);

#endif
