/*
 * What --help, --version and --list-options print, from a tool's tables.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/option.h"

#include <stdio.h>

/* At most 80 columns wide.  verb: only what concerns this verb; NULL: everything. */
void cli_print_help(const struct cli_tool *tool, const struct cli_verb *verb, FILE *out);

void cli_print_version(const struct cli_tool *tool, FILE *out);

/* One line an option: long name, short name or -, type, argument or -, what completes it (none, file,
 * directory, model, or words separated by |), first line of the help.  Then one a verb: "verb", name,
 * arguments or -, its own options or -, help. Fields are separated by tabs. */
void cli_print_option_list(const struct cli_tool *tool, FILE *out);

/* Is name in list, words separated by spaces?  list may be NULL. */
bool cli_words_contain(const char *list, const char *name);

/* Does an option belong to every verb, that is, does no verb name it as its own? */
bool cli_option_is_shared(const struct cli_tool *tool, const struct cli_option *option);

const struct cli_verb *cli_find_verb(const struct cli_tool *tool, const char *name);

#endif
