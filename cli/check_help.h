/* --checks help: the table of checks as text. */
#ifndef CLI_CHECK_HELP_H
#define CLI_CHECK_HELP_H

#include "cli/option.h"

/* True when the list is "help" alone; then it was printed, and *status is the program's. */
bool cli_check_help(const struct cli_list *checks, int *status);

#endif
