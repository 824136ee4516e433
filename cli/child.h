/* Programs that this one starts: where they are, and what they find in their environment. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "base/error.h"

#include <stdbool.h>

/* path [4096] gets where wanted is: itself when there is a slash in it, else in PATH; MLOPS_CONFIG when it can't be run.
 * wanted NULL: usual, beside this program or else in PATH, or an empty path. */
bool cli_child_find(const char *wanted, const char *usual, char path[4096], struct mlops_error *error);

/* Our own environment but for what systemd tells this process alone; free it with its items staying.  NULL: memory. */
char **cli_child_environment(struct mlops_error *error);

#endif
