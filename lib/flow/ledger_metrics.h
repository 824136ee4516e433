/*
 * The ledger as Prometheus reads it: what is champion and how good it is, how trainings and validations went, how services
 * took up what they were told to.  Everything is a view of the ledger, made anew each time, so a training that fails
 * hides nothing that an earlier one said.
 *
 *	struct mlops_buffer text = MLOPS_BUFFER_INIT;
 *
 *	if (mlops_flow_metrics(store, "1.2.3", now, &text, &error))
 *		... text is a page in the text format 0.0.4 ...
 *
 * Labels are model and sensor.  A model that --per-sensor made, NAME.SENSOR in the registry, is model="NAME",
 * sensor="SENSOR"; any other has sensor="".  What does not apply, such as the accuracy of a forecaster, has no sample; what
 * should be there and is not, such as the accuracy of a classifier that was imported, is NaN.  Reasons and outcomes are all
 * there, zeros too.
 */
#ifndef MLOPS_FLOW_LEDGER_METRICS_H
#define MLOPS_FLOW_LEDGER_METRICS_H

#include "base/buffer.h"
#include "registry/store.h"

/* Appends the page to out, which is as before when it fails.  now: microseconds since 1970. */
bool mlops_flow_metrics(struct mlops_store *store, const char *program_version, int64_t now, struct mlops_buffer *out,
			struct mlops_error *error);

#endif
