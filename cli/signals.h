/*
 * Ending signals (INT, TERM, HUP) with a last word: a thread waits for one, calls back, and the process then dies of the
 * signal as if nobody had caught it.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "base/error.h"

struct cli_signals;

/* Runs in the waiting thread.  False: the work is about to end well, the signal is let go. */
typedef bool cli_last_word(void *context, int signal_number);

/* Call before other threads are started: they inherit the blocked signals. */
struct cli_signals *cli_signals_watch(cli_last_word *last_word, void *context, struct mlops_error *error);

/* No more callbacks after this; NULL is allowed. */
void cli_signals_stop(struct cli_signals *signals);

#endif
