/*
 * A training as mlops-train runs it: rows in, models registered (or written to a file), a line out for each.
 */
#ifndef CLI_TRAINING_H
#define CLI_TRAINING_H

#include "cli/common.h"
#include "cli/gate.h"
#include "cli/rows_open.h"
#include "flow/train.h"

struct cli_training {
	const struct cli_common *common;
	const struct cli_rows *rows;
	struct mlops_train_request request; /* but for what is opened here: readers, pool, progress, bytes to go on from */
	const char *path;       /* of the rows; "-": standard input */
	const char *name;       /* of the model */
	const char *test;       /* a file of rows that judge, or NULL */
	const char *output;     /* the model goes there instead of into the registry; or NULL */
	const char *reason;     /* of the promotion, or NULL */
	const char *checkpoint; /* kept there, or NULL */
	const char *warm_start; /* a reference, or NULL */
	const char *schema;     /* a file of what the rows must be like, or NULL */
	bool promote;
	struct mlops_gate gate; /* what a new champion has to be like */
	bool force;             /* promote it whatever the gate says */
	bool resume;            /* go on from checkpoint, if it is there */
	bool per_sensor;        /* a model a sensor, called NAME.SENSOR */
};

/* With per_sensor the first error counts, and data that are wrong, or a gate that refuses, for one sensor do not keep the
 * others from being trained; each error but the first is reported at once. */
bool cli_train(const struct cli_training *training, struct mlops_error *error);

#endif
