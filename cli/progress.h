/*
 * A line on stderr that says how far the work is: only when stderr is a terminal and --quiet is absent,
 * first after half a second, at most ten times a second, gone before any message and at the end.
 *
 *	struct cli_progress *progress = cli_progress_start("rows", total, quiet);   // total 0: unknown
 *	cli_progress_update(progress, done);       // cheap; from any thread
 *	cli_progress_end(progress);
 *
 * Shows a bar when the total is known, the count, the rate a second, the time left.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct cli_progress;

struct cli_progress *cli_progress_start(const char *unit, uint64_t total, bool quiet);
void cli_progress_update(struct cli_progress *progress, uint64_t done);
void cli_progress_set_total(struct cli_progress *progress, const char *unit, uint64_t total);
void cli_progress_note(struct cli_progress *progress, const char *note); /* e.g. "loss 0.123"; copied */
void cli_progress_end(struct cli_progress *progress); /* NULL is allowed */

/* For messages: wipes the line that is showing, if any. */
void cli_progress_clear(void);

#endif
