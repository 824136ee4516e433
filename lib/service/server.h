/*
 * The sockets of a service, by libmicrohttpd: a few threads, each of which waits for many connections.
 *
 *	struct mlops_server *server = mlops_server_start(service, &options, &error);
 *	... mlops_server_port(server) ...
 *	mlops_server_stop(server, 10);
 */
#ifndef MLOPS_SERVICE_SERVER_H
#define MLOPS_SERVICE_SERVER_H

#include "service/service.h"

struct mlops_server_options {
	const char *address;        /* "127.0.0.1", "::1", "0.0.0.0"; numeric */
	uint16_t port;              /* 0: any that is free */
	int fd;                     /* a listening socket instead of address and port; -1: none.  Ours from then on */
	unsigned threads;           /* at least 1 */
	unsigned connections;       /* at the same time, at most */
	unsigned timeout;           /* seconds without a byte, then a connection is closed */
	unsigned request_timeout;   /* seconds that a request may take to come in */
	const char *certificate;    /* PEM; NULL: no TLS */
	const char *key;            /* PEM */
	int64_t (*microseconds)(void); /* a clock that is never set back */
};

struct mlops_server;

/* MLOPS_UNAVAILABLE when the address can't be listened on (it is taken), MLOPS_DENIED where a port may not be used,
 * MLOPS_USAGE for what is no address, MLOPS_CONFIG for a certificate or key that can't be used. */
struct mlops_server *mlops_server_start(struct mlops_service *service, const struct mlops_server_options *options,
					struct mlops_error *error);

uint16_t mlops_server_port(const struct mlops_server *server);

/* Takes no new connections, lets requests in flight finish for `seconds` at most, and frees.  NULL is allowed. */
void mlops_server_stop(struct mlops_server *server, unsigned seconds);

#endif
