#include "check/tally.h"

#include <string.h>

static void keep_line(struct mlops_tally *tally, uint64_t line)
{
	size_t at = tally->n_lines;

	if (at == MLOPS_TALLY_LINES && line >= tally->lines[at - 1])
		return;
	while (at > 0 && tally->lines[at - 1] > line)
		at--;
	if (tally->n_lines < MLOPS_TALLY_LINES)
		tally->n_lines++;
	memmove(&tally->lines[at + 1], &tally->lines[at], (tally->n_lines - at - 1) * sizeof tally->lines[0]);
	tally->lines[at] = line;
}

static void keep_worst(struct mlops_tally *tally, uint64_t line, double value, double excess)
{
	if (tally->worst_line != 0 &&
	    (excess < tally->excess || (!(excess > tally->excess) && line >= tally->worst_line)))
		return;
	tally->worst = value;
	tally->excess = excess;
	tally->worst_line = line;
}

void mlops_tally_add(struct mlops_tally *tally, uint64_t line, double value, double excess)
{
	tally->rows++;
	keep_line(tally, line);
	keep_worst(tally, line, value, excess);
}

void mlops_tally_join(struct mlops_tally *to, const struct mlops_tally *from)
{
	if (from->rows == 0)
		return;
	to->rows += from->rows;
	for (size_t i = 0; i < from->n_lines; i++)
		keep_line(to, from->lines[i]);
	keep_worst(to, from->worst_line, from->worst, from->excess);
}
