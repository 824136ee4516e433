/*
 * What a check has found: how many rows, where the first of them are, and the worst.
 *
 * Rows may be added in any order; what is kept (the first lines, the worst value) does not depend on it.
 */
#ifndef MLOPS_CHECK_TALLY_H
#define MLOPS_CHECK_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_TALLY_LINES 20

struct mlops_tally {
	uint64_t rows;
	size_t n_lines;
	uint64_t lines[MLOPS_TALLY_LINES]; /* the first ones, ascending */
	double worst;                      /* the value furthest from what is allowed */
	double excess;                     /* how far */
	uint64_t worst_line;
};

/* excess: how far value is from what is allowed, at least 0; of equals the first line stays. */
void mlops_tally_add(struct mlops_tally *tally, uint64_t line, double value, double excess);
/* from's rows join those of to. */
void mlops_tally_join(struct mlops_tally *to, const struct mlops_tally *from);

#endif
