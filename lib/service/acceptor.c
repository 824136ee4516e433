#include "service/acceptor.h"

#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE 10 /* milliseconds, until there may be room again */

struct mlops_acceptor {
	struct mlops_acceptor_options options;
	_Atomic unsigned open;
	pthread_t thread;
	bool running;
	int wake[2]; /* the thread ends when the writing end is closed */
};

/* False when there is none now.  What keeps us from taking one, as too many open files, may pass. */
static bool take_one(struct mlops_acceptor *acceptor)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	int fd = accept4(acceptor->options.fd, (struct sockaddr *)&address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		struct pollfd end = { .fd = acceptor->wake[0], .events = POLLIN };

		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			(void)poll(&end, 1, PAUSE);
		return false;
	}
	atomic_fetch_add(&acceptor->open, 1);
	if (!acceptor->options.take(acceptor->options.context, fd, (struct sockaddr *)&address, length))
		mlops_acceptor_closed(acceptor);
	return true;
}

static void *run(void *context)
{
	struct mlops_acceptor *acceptor = context;
	struct pollfd wait[] = { { .fd = acceptor->wake[0], .events = POLLIN },
				 { .fd = acceptor->options.fd, .events = POLLIN } };

	for (;;) {
		bool full = atomic_load(&acceptor->open) >= acceptor->options.limit;

		if (poll(wait, full ? 1 : 2, full ? PAUSE : -1) < 0 && errno != EINTR)
			return NULL;
		if (wait[0].revents != 0)
			return NULL;
		if (!full && wait[1].revents != 0)
			while (atomic_load(&acceptor->open) < acceptor->options.limit && take_one(acceptor))
				continue;
		wait[1].revents = 0;
	}
}

struct mlops_acceptor *mlops_acceptor_new(const struct mlops_acceptor_options *options, struct mlops_error *error)
{
	struct mlops_acceptor *acceptor = calloc(1, sizeof *acceptor);

	if (acceptor == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	acceptor->options = *options;
	acceptor->wake[0] = acceptor->wake[1] = -1;
	return acceptor;
}

bool mlops_acceptor_start(struct mlops_acceptor *acceptor, struct mlops_error *error)
{
	int flags = fcntl(acceptor->options.fd, F_GETFL), result;

	/* Somebody else who has the socket may be faster than we: accept must not wait. */
	if (flags >= 0 && fcntl(acceptor->options.fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    pipe2(acceptor->wake, O_CLOEXEC) == 0)
		result = mlops_thread_start(&acceptor->thread, run, acceptor);
	else
		result = errno;
	acceptor->running = result == 0;
	return acceptor->running ||
	       mlops_error_set(error, MLOPS_UNAVAILABLE, "connections can't be taken: %s", strerrordesc_np(result));
}

void mlops_acceptor_closed(struct mlops_acceptor *acceptor)
{
	atomic_fetch_sub(&acceptor->open, 1);
}

void mlops_acceptor_stop(struct mlops_acceptor *acceptor)
{
	if (acceptor->wake[1] >= 0)
		close(acceptor->wake[1]);
	acceptor->wake[1] = -1;
	if (acceptor->running)
		pthread_join(acceptor->thread, NULL);
	acceptor->running = false;
}

void mlops_acceptor_free(struct mlops_acceptor *acceptor)
{
	if (acceptor == NULL)
		return;
	mlops_acceptor_stop(acceptor);
	if (acceptor->wake[0] >= 0)
		close(acceptor->wake[0]);
	free(acceptor);
}
