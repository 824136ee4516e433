/* The registry that the environment names, opened for a verb. */
#ifndef CLI_REGISTRY_OPEN_H
#define CLI_REGISTRY_OPEN_H

#include "registry/store.h"

#include <stdbool.h>

enum cli_registry_access {
	CLI_REGISTRY_READ,
	CLI_REGISTRY_RECALL, /* read; while a server is down, models it has named before will do */
	CLI_REGISTRY_WRITE,
	CLI_REGISTRY_CREATE
};

/* location [4096] gets the directory; NULL: not wanted. */
struct mlops_store *cli_registry_open(enum cli_registry_access access, char *location, struct mlops_error *error);

/* Is text one JSON value? */
bool cli_is_json(const char *text);

#endif
