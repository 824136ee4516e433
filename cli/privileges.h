/* Giving up root's rights. */
#ifndef CLI_PRIVILEGES_H
#define CLI_PRIVILEGES_H

#include "base/error.h"

/* The process becomes the user, with the user's groups, for good.  MLOPS_CONFIG for one who is not known,
 * MLOPS_DENIED when this process may not. */
bool cli_become(const char *user, struct mlops_error *error);

#endif
