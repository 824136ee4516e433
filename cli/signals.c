#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct cli_signals {
	cli_last_word *last_word;
	void *context;
	pthread_t thread;
	sigset_t fatal;   /* those that end the program */
	sigset_t watched; /* and SIGUSR1, which tells the thread to end once it is to stop */
	sigset_t before;
	atomic_bool stop;
};

static void *wait_for_one(void *argument)
{
	struct cli_signals *signals = argument;
	int number = 0;

	for (;;) {
		if (sigwait(&signals->watched, &number) != 0)
			continue;
		if (number == SIGUSR1 && atomic_load(&signals->stop))
			return NULL;
		if (!sigismember(&signals->fatal, number))
			continue;
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

/* What the caller ignores stays ignored: nohup's SIGHUP, a background job's SIGINT.  Once blocked, such a
 * signal would arrive all the same. */
static void choose_signals(struct cli_signals *signals)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
	struct sigaction action;

	sigemptyset(&signals->fatal);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&signals->fatal, numbers[i]);
	signals->watched = signals->fatal;
	sigaddset(&signals->watched, SIGUSR1);
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
	atomic_init(&signals->stop, false);
	choose_signals(signals);
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
	atomic_store(&signals->stop, true);
	pthread_kill(signals->thread, SIGUSR1);
	pthread_join(signals->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
	free(signals);
}
