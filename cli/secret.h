/*
 * Secrets come from the environment or from files, never from options, which everybody sees in ps.
 */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "base/error.h"

#define CLI_SECRET_ROOM 4096

/*
 * The secret of that name: the variable NAME, else the content of the file that NAME_FILE names, else that of the
 * file NAME in $CREDENTIALS_DIRECTORY (systemd's LoadCredential).  White space at its ends is not part of it.  *found says
 * whether there is one; an empty variable is none.  error must be there.  MLOPS_CONFIG for a variable that is nothing but
 * white space or too long, and for what cli_secret_read says of a file.
 */
bool cli_secret(const char *name, char secret[CLI_SECRET_ROOM], bool *found, struct mlops_error *error);

/* The one line that a file has, without white space at its ends.  MLOPS_CONFIG for a file that can't be read, is empty,
 * has more lines or a NUL, or is too long. */
bool cli_secret_read(const char *path, char secret[CLI_SECRET_ROOM], struct mlops_error *error);

#endif
