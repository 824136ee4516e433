#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct cli_signals {
	cli_last_word *last_word;
	void *context;
	pthread_t thread;
	sigset_t watched; /* and SIGUSR1, which only tells the thread to end */
	sigset_t before;
};

static void *wait_for_one(void *argument)
{
	struct cli_signals *signals = argument;
	int number = 0;

	for (;;) {
		if (sigwait(&signals->watched, &number) != 0)
			continue;
		if (number == SIGUSR1)
			return NULL;
		if (signals->last_word(signals->context, number)) {
			sigset_t one;

			sigemptyset(&one);
			sigaddset(&one, number);
			signal(number, SIG_DFL);
			pthread_sigmask(SIG_UNBLOCK, &one, NULL);
			raise(number);
		}
	}
}

struct cli_signals *cli_signals_watch(cli_last_word *last_word, void *context, struct mlops_error *error)
{
	struct cli_signals *signals = calloc(1, sizeof *signals);
	int failure;

	if (signals == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	signals->last_word = last_word;
	signals->context = context;
	sigemptyset(&signals->watched);
	sigaddset(&signals->watched, SIGINT);
	sigaddset(&signals->watched, SIGTERM);
	sigaddset(&signals->watched, SIGHUP);
	sigaddset(&signals->watched, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals->watched, &signals->before);
	failure = pthread_create(&signals->thread, NULL, wait_for_one, signals);
	if (failure != 0) {
		mlops_error_set_errno(error, failure, "starting a thread");
		pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
		free(signals);
		return NULL;
	}
	return signals;
}

void cli_signals_stop(struct cli_signals *signals)
{
	if (signals == NULL)
		return;
	pthread_kill(signals->thread, SIGUSR1);
	pthread_join(signals->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
	free(signals);
}
