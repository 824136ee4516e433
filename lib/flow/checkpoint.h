/*
 * The checkpoint of a forecaster's training: how far the training was when it was broken off, on top of what
 * mlops_forecaster_fit keeps of a fit.  A training has two fits, one that is judged and one on all rows; in the second the
 * figures of the first are kept.
 *
 * It is a text header, the fit's bytes, and the SHA-256 of both, so that a damaged file is noticed; and it names the
 * training that it belongs to, so that no other one goes on from it.
 */
#ifndef MLOPS_FLOW_CHECKPOINT_H
#define MLOPS_FLOW_CHECKPOINT_H

#include "base/sha256.h"
#include "flow/evaluate.h"

struct mlops_checkpoint {
	char identity[MLOPS_SHA256_TEXT]; /* of the training */
	bool refit;                       /* the fit on all rows is under way; metrics and windows are known */
	uint64_t windows;
	struct mlops_metrics metrics;
	const void *fit;                  /* [fit_length] the fit's own; length 0: it has just begun */
	size_t fit_length;
};

/* Appends to out, whose `failed` tells when memory ran out. */
void mlops_checkpoint_write(const struct mlops_checkpoint *checkpoint, struct mlops_buffer *out);

/* checkpoint->fit points into bytes.  MLOPS_DATA when they are damaged or of a training with another identity. */
bool mlops_checkpoint_read(const void *bytes, size_t length, const char *identity, struct mlops_checkpoint *checkpoint,
			   struct mlops_error *error);

#endif
