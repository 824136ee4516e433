/*
 * Secrets come from the environment, never from options, which everybody sees in ps.
 */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "base/error.h"

#define CLI_SECRET_ROOM 4096

/*
 * The secret of that name: the variable NAME, else the content of the file that NAME_FILE names, else that of the
 * file NAME in $CREDENTIALS_DIRECTORY (systemd's LoadCredential).  White space at its ends is not part of it.  *found says
 * whether there is one.  MLOPS_CONFIG for a file that can't be read, for an empty secret and for one that is too long.
 */
bool cli_secret(const char *name, char secret[CLI_SECRET_ROOM], bool *found, struct mlops_error *error);

#endif
