/* Connections, taken from a listening socket up to a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/acceptor.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 5

static struct {
	pthread_mutex_t lock;
	int taken[CLIENTS];
	size_t n;
	bool refuse;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool take(void *context, int fd, const struct sockaddr *address, socklen_t length)
{
	assert_ptr_equal(context, &seen);
	assert_int_equal(address->sa_family, AF_INET);
	assert_int_equal(length, sizeof(struct sockaddr_in));
	pthread_mutex_lock(&seen.lock);
	if (seen.refuse)
		close(fd);
	else
		seen.taken[seen.n] = fd;
	seen.n++;
	pthread_mutex_unlock(&seen.lock);
	return !seen.refuse;
}

static size_t count(void)
{
	size_t n;

	pthread_mutex_lock(&seen.lock);
	n = seen.n;
	pthread_mutex_unlock(&seen.lock);
	return n;
}

/* Ten seconds at most; and some time to see that no more come. */
static void await_count(size_t wanted)
{
	const struct timespec moment = { .tv_nsec = 5000000 };

	for (int i = 0; i < 2000 && count() < wanted; i++)
		nanosleep(&moment, NULL);
	for (int i = 0; i < 10; i++)
		nanosleep(&moment, NULL);
	assert_int_equal(count(), wanted);
}

static int listening(struct sockaddr_in *address)
{
	socklen_t length = sizeof *address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
	assert_int_equal(listen(fd, CLIENTS), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
	return fd;
}

static void connect_all(const struct sockaddr_in *address, int clients[CLIENTS])
{
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(clients[i], (const struct sockaddr *)address, sizeof *address), 0);
	}
}

static struct mlops_acceptor *start(int fd, unsigned limit)
{
	struct mlops_acceptor_options options = { .fd = fd, .limit = limit, .take = take, .context = &seen };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_acceptor *acceptor = mlops_acceptor_new(&options, &error);

	assert_non_null(acceptor);
	assert_true(mlops_acceptor_start(acceptor, &error));
	return acceptor;
}

static void takes_as_many_as_it_may(void **state)
{
	struct sockaddr_in address;
	int fd = listening(&address), clients[CLIENTS];
	struct mlops_acceptor *acceptor = start(fd, 2);

	(void)state;
	connect_all(&address, clients);
	await_count(2);
	mlops_acceptor_closed(acceptor);
	await_count(3);
	mlops_acceptor_stop(acceptor);
	mlops_acceptor_closed(acceptor);
	await_count(3);
	mlops_acceptor_free(acceptor);
	mlops_acceptor_free(NULL);
	for (size_t i = 0; i < CLIENTS; i++)
		close(clients[i]);
	for (size_t i = 0; i < 3; i++)
		close(seen.taken[i]);
	close(fd);
}

static void what_is_refused_leaves_room(void **state)
{
	struct sockaddr_in address;
	int fd = listening(&address), clients[CLIENTS];
	struct mlops_acceptor *acceptor;

	(void)state;
	seen.n = 0;
	seen.refuse = true;
	acceptor = start(fd, 1);
	connect_all(&address, clients);
	await_count(CLIENTS);
	mlops_acceptor_free(acceptor);
	for (size_t i = 0; i < CLIENTS; i++)
		close(clients[i]);
	close(fd);
}

static void no_socket_is_an_error(void **state)
{
	struct mlops_acceptor_options options = { .fd = -1, .limit = 1, .take = take };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_acceptor *acceptor = mlops_acceptor_new(&options, &error);

	(void)state;
	assert_non_null(acceptor);
	assert_false(mlops_acceptor_start(acceptor, &error));
	assert_int_equal(error.code, MLOPS_UNAVAILABLE);
	assert_string_equal(error.message, "connections can't be taken: Bad file descriptor");
	mlops_acceptor_free(acceptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_as_many_as_it_may),
		cmocka_unit_test(what_is_refused_leaves_room),
		cmocka_unit_test(no_socket_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
