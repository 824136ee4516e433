#include "service/server.h"

#include "base/thread.h"
#include "service/acceptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES ((size_t)32 << 10) /* a request's line and headers, and what libmicrohttpd needs besides */

/* A connection, in the list of all. */
struct peer {
	struct peer *next, *previous;
	int fd;
	_Atomic int64_t waiting; /* since when a whole request is waited for; 0: one is being answered */
};

struct mlops_server {
	struct mlops_service *service;
	struct mlops_server_options options;
	struct MHD_Daemon *daemon;
	struct mlops_acceptor *acceptor;
	int fd; /* listening */
	uint16_t port;
	_Atomic unsigned in_flight;
	pthread_mutex_t lock; /* of peers */
	struct peer *peers;
	pthread_t watcher;
	bool watching;
	int wake[2]; /* the watcher ends when the writing end is closed */
};

/* A request on its way from its first byte to its answer's last. */
struct exchange {
	const struct mlops_route *route;
	bool refused;
	struct mlops_buffer body;
	size_t limit;
	bool too_large;
	int64_t began;
	int status;
};

static int64_t now(const struct mlops_server *server)
{
	return server->options.microseconds();
}

static struct peer *peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

static void connection_changed(void *context, struct MHD_Connection *connection, void **socket_context,
			       enum MHD_ConnectionNotificationCode code)
{
	struct mlops_server *server = context;
	struct peer *peer = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

		peer = calloc(1, sizeof *peer);
		if (peer == NULL || info == NULL) {
			free(peer);
			return;
		}
		peer->fd = info->connect_fd;
		atomic_init(&peer->waiting, now(server));
		*socket_context = peer;
		pthread_mutex_lock(&server->lock);
		peer->next = server->peers;
		if (peer->next != NULL)
			peer->next->previous = peer;
		server->peers = peer;
		pthread_mutex_unlock(&server->lock);
		return;
	}
	mlops_acceptor_closed(server->acceptor);
	if (peer != NULL) {
		pthread_mutex_lock(&server->lock);
		if (peer->previous != NULL)
			peer->previous->next = peer->next;
		else
			server->peers = peer->next;
		if (peer->next != NULL)
			peer->next->previous = peer->previous;
		pthread_mutex_unlock(&server->lock);
		free(peer);
		*socket_context = NULL;
	}
}

/* Ends connections that send their request too slowly: libmicrohttpd's own time-out begins anew with each byte. */
static void *watch(void *context)
{
	struct mlops_server *server = context;
	int64_t limit = (int64_t)server->options.request_timeout * 1000000;
	struct pollfd end = { .fd = server->wake[0], .events = POLLIN };

	while (poll(&end, 1, 1000) == 0) {
		pthread_mutex_lock(&server->lock);
		for (struct peer *peer = server->peers; peer != NULL; peer = peer->next) {
			int64_t waiting = atomic_load(&peer->waiting);

			if (waiting > 0 && now(server) - waiting > limit)
				shutdown(peer->fd, SHUT_RDWR);
		}
		pthread_mutex_unlock(&server->lock);
	}
	return NULL;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Hands the answer over to libmicrohttpd, body and all. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct exchange *exchange,
				   struct mlops_http_answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	char version[256];

	exchange->status = answer->status;
	response = MHD_create_response_from_buffer(answer->body.length, answer->body.data, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		mlops_http_answer_release(answer);
		return MHD_NO;
	}
	answer->body = (struct mlops_buffer)MLOPS_BUFFER_INIT;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (answer->model[0] != '\0') {
		snprintf(version, sizeof version, "%s/%u", answer->model, answer->version);
		MHD_add_response_header(response, "Mlops-Version", version);
	}
	if (answer->allow != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
	if (answer->authenticate)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"mlops\"");
	result = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static struct mlops_http_request request_of(struct MHD_Connection *connection, const char *method, const char *path)
{
	return (struct mlops_http_request){
		.method = method,
		.path = path,
		.content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
		.authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
	};
}

/* The head is there.  A request that is refused is answered before its body comes. */
static enum MHD_Result begin(struct mlops_server *server, struct MHD_Connection *connection, const char *method,
			     const char *path, void **context)
{
	struct exchange *exchange = calloc(1, sizeof *exchange);
	struct mlops_http_request request = request_of(connection, method, path);
	struct mlops_http_answer answer = { .status = 0 };
	const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	struct peer *peer = peer_of(connection);

	if (exchange == NULL)
		return MHD_NO;
	*context = exchange;
	exchange->began = now(server);
	if (peer != NULL && length == NULL && header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) == NULL)
		atomic_store(&peer->waiting, 0);
	atomic_fetch_add(&server->in_flight, 1);
	mlops_service_begin(server->service);
	exchange->refused = !mlops_service_admit(server->service, &request, &exchange->route, &answer);
	if (!exchange->refused) {
		exchange->limit = mlops_service_body_limit(server->service, exchange->route);
		if (length == NULL || strtoull(length, NULL, 10) <= exchange->limit)
			return MHD_YES;
		exchange->refused = true;
		mlops_http_problem(&answer, 413, "the body has more than %zu bytes", exchange->limit);
	}
	return send_answer(connection, exchange, &answer);
}

static enum MHD_Result take_body(struct exchange *exchange, const char *bytes, size_t *length)
{
	exchange->too_large = exchange->too_large || *length > exchange->limit - exchange->body.length;
	if (!exchange->too_large)
		mlops_buffer_append(&exchange->body, bytes, *length);
	/* Without a length told ahead, a refusal can only be a closed connection. */
	if (exchange->too_large || exchange->body.failed)
		return MHD_NO;
	*length = 0;
	return MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
			      const char *version, const char *bytes, size_t *length, void **request_context)
{
	struct mlops_server *server = context;
	struct exchange *exchange = *request_context;
	struct mlops_http_request request;
	struct mlops_http_answer answer = { .status = 0 };
	struct peer *peer;

	(void)version;
	if (exchange == NULL)
		return begin(server, connection, method, path, request_context);
	if (exchange->refused)
		return MHD_NO;
	if (*length > 0)
		return take_body(exchange, bytes, length);
	peer = peer_of(connection);
	if (peer != NULL)
		atomic_store(&peer->waiting, 0);
	request = request_of(connection, method, path);
	request.body = exchange->body.length > 0 ? exchange->body.data : "";
	request.body_length = exchange->body.length;
	mlops_service_answer(server->service, exchange->route, &request, &answer);
	mlops_buffer_release(&exchange->body);
	return send_answer(connection, exchange, &answer);
}

static void completed(void *context, struct MHD_Connection *connection, void **request_context,
		      enum MHD_RequestTerminationCode code)
{
	struct mlops_server *server = context;
	struct exchange *exchange = *request_context;
	struct peer *peer = peer_of(connection);

	(void)code;
	if (exchange == NULL)
		return;
	mlops_service_end(server->service, exchange->route, exchange->status,
			  (uint64_t)(now(server) - exchange->began));
	atomic_fetch_sub(&server->in_flight, 1);
	if (peer != NULL)
		atomic_store(&peer->waiting, now(server));
	mlops_buffer_release(&exchange->body);
	free(exchange);
	*request_context = NULL;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool parse_address(const char *text, uint16_t port, union address *address, socklen_t *length,
			  struct mlops_error *error)
{
	memset(address, 0, sizeof *address);
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons(port);
		*length = sizeof address->v4;
		return true;
	}
	if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
		address->v6.sin6_family = AF_INET6;
		address->v6.sin6_port = htons(port);
		*length = sizeof address->v6;
		return true;
	}
	return mlops_error_set(error, MLOPS_USAGE, "'%.60s' is no IP address to listen on, as 127.0.0.1 or ::1 is", text);
}

static bool listen_on(const struct mlops_server_options *options, int *fd, struct mlops_error *error)
{
	union address address;
	socklen_t length = 0;
	int one = 1;

	if (!parse_address(options->address, options->port, &address, &length, error))
		return false;
	*fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return mlops_error_set(error, MLOPS_UNAVAILABLE, "no socket: %s", strerrordesc_np(errno));
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (address.any.sa_family == AF_INET6)
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(*fd, &address.any, length) == 0 && listen(*fd, SOMAXCONN) == 0)
		return true;
	mlops_error_set(error, errno == EACCES ? MLOPS_DENIED : MLOPS_UNAVAILABLE, "%s port %u: %s", options->address,
			options->port, strerrordesc_np(errno));
	close(*fd);
	return false;
}

static uint16_t port_of(int fd)
{
	union address address;
	socklen_t length = sizeof address;

	if (getsockname(fd, &address.any, &length) != 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* libmicrohttpd gives one thread after the other its connection. */
static bool take(void *context, int fd, const struct sockaddr *address, socklen_t length)
{
	struct mlops_server *server = context;

	return MHD_add_connection(server->daemon, fd, address, length) == MHD_YES;
}

static bool start_daemon(struct mlops_server *server, struct mlops_error *error)
{
	const struct mlops_server_options *options = &server->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->key },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	if (options->certificate != NULL)
		flags |= MHD_USE_TLS;
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, server, MHD_OPTION_THREAD_POOL_SIZE,
		/* libmicrohttpd takes 1 for a mistake: one thread is the absence of a pool */
		options->threads > 1 ? options->threads : 0, MHD_OPTION_CONNECTION_LIMIT,
		/* each thread has room for all: the limit is the acceptor's */
		options->connections * options->threads + options->threads,
		MHD_OPTION_CONNECTION_TIMEOUT, options->timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_BYTES,
		MHD_OPTION_NOTIFY_COMPLETED, completed, server, MHD_OPTION_NOTIFY_CONNECTION, connection_changed,
		server, MHD_OPTION_ARRAY, options->certificate != NULL ? tls : none, MHD_OPTION_END);
	if (server->daemon != NULL)
		return true;
	if (options->certificate != NULL)
		return mlops_error_set(error, MLOPS_CONFIG,
				       "the certificate and its key can't be used: are both PEM, and of each other?");
	return mlops_error_set(error, MLOPS_UNAVAILABLE, "the server can't be started: %s", strerrordesc_np(errno));
}

static bool start_watcher(struct mlops_server *server, struct mlops_error *error)
{
	int result;

	if (pipe2(server->wake, O_CLOEXEC) != 0) {
		server->wake[0] = server->wake[1] = -1;
		return mlops_error_set(error, MLOPS_UNAVAILABLE, "no pipe: %s", strerrordesc_np(errno));
	}
	result = mlops_thread_start(&server->watcher, watch, server);
	server->watching = result == 0;
	return server->watching || mlops_error_set(error, MLOPS_UNAVAILABLE, "no thread: %s", strerrordesc_np(result));
}

static bool start_acceptor(struct mlops_server *server, struct mlops_error *error)
{
	struct mlops_acceptor_options options = {
		.fd = server->fd,
		.limit = server->options.connections > 0 ? server->options.connections : 1,
		.take = take,
		.context = server,
	};

	server->acceptor = mlops_acceptor_new(&options, error);
	return server->acceptor != NULL && mlops_acceptor_start(server->acceptor, error);
}

struct mlops_server *mlops_server_start(struct mlops_service *service, const struct mlops_server_options *options,
					struct mlops_error *error)
{
	struct mlops_server *server = calloc(1, sizeof *server);

	if (server == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	server->service = service;
	server->options = *options;
	pthread_mutex_init(&server->lock, NULL);
	server->wake[0] = server->wake[1] = -1;
	server->fd = options->fd;
	if (server->fd < 0 && !listen_on(options, &server->fd, error))
		goto fail;
	server->port = port_of(server->fd);
	if (start_daemon(server, error) && start_watcher(server, error) && start_acceptor(server, error))
		return server;
fail:
	mlops_server_stop(server, 0);
	return NULL;
}

uint16_t mlops_server_port(const struct mlops_server *server)
{
	return server->port;
}

void mlops_server_stop(struct mlops_server *server, unsigned seconds)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	int64_t until;

	if (server == NULL)
		return;
	if (server->acceptor != NULL)
		mlops_acceptor_stop(server->acceptor);
	if (server->fd >= 0)
		close(server->fd);
	if (server->daemon != NULL) {
		until = now(server) + (int64_t)seconds * 1000000;
		while (atomic_load(&server->in_flight) > 0 && now(server) < until)
			nanosleep(&moment, NULL);
	}
	if (server->wake[1] >= 0)
		close(server->wake[1]);
	if (server->watching)
		pthread_join(server->watcher, NULL);
	if (server->wake[0] >= 0)
		close(server->wake[0]);
	if (server->daemon != NULL)
		MHD_stop_daemon(server->daemon);
	mlops_acceptor_free(server->acceptor);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
