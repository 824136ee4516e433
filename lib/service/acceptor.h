/*
 * Takes connections from a listening socket, one after the other, on a thread of its own.
 *
 * Threads that share a listening socket leave it to chance who takes how many: all connections of a client that opens them at once
 * mostly end with one thread, while the others have nothing to do.  Whoever hands them out can give each thread its part.
 */
#ifndef MLOPS_SERVICE_ACCEPTOR_H
#define MLOPS_SERVICE_ACCEPTOR_H

#include "base/error.h"

#include <sys/socket.h>

struct mlops_acceptor;

struct mlops_acceptor_options {
	int fd;         /* listening; stays the caller's, and must outlive the acceptor */
	unsigned limit; /* connections at the same time; further ones wait in the socket's queue */
	/* fd is a connection, from then on the callee's; false: it is closed already. */
	bool (*take)(void *context, int fd, const struct sockaddr *address, socklen_t length);
	void *context;
};

/* Takes none yet. */
struct mlops_acceptor *mlops_acceptor_new(const struct mlops_acceptor_options *options, struct mlops_error *error);

/* MLOPS_UNAVAILABLE without a thread or a pipe. */
bool mlops_acceptor_start(struct mlops_acceptor *acceptor, struct mlops_error *error);

/* A connection that was taken is closed.  From any thread. */
void mlops_acceptor_closed(struct mlops_acceptor *acceptor);

/* Takes no more; mlops_acceptor_closed may still be called. */
void mlops_acceptor_stop(struct mlops_acceptor *acceptor);

/* Stops it first.  NULL is allowed. */
void mlops_acceptor_free(struct mlops_acceptor *acceptor);

#endif
