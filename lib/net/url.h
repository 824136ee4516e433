/* Addresses: who is named in one, and text made fit to be a part of one. */
#ifndef MLOPS_NET_URL_H
#define MLOPS_NET_URL_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

/* A server's address and who asks it; all allocated. */
struct mlops_url_server {
	char *url;                 /* scheme, host, port and path, without '/' at its end */
	char *username, *password; /* decoded; NULL unless the address had both */
};

/* Takes "https://user:password@host:port/path" apart.  MLOPS_CONFIG, without user and password in the message, for anything
 * that is not http or https, for a query or fragment, and for a user without password.  Release server in any case. */
bool mlops_url_take_apart(const char *url, struct mlops_url_server *server, struct mlops_error *error);
void mlops_url_server_release(struct mlops_url_server *server);

/* Percent-encodes all but letters, digits, "-._~" and, if it is to stay, '/'. */
void mlops_url_append(struct mlops_buffer *out, const char *text, bool keep_slashes);

#endif
