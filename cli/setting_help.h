/*
 * --model KIND and --set KEY=VALUE: from words to settings, or the list of settings for --set help.
 */
#ifndef CLI_SETTING_HELP_H
#define CLI_SETTING_HELP_H

#include "cli/option.h"
#include "model/setting.h"

/* Returns true to go on; false when the program is to end with *status (--set help was answered, or a word was wrong
 * and has been reported). */
bool cli_settings(const struct cli_tool *tool, const char *kind_name, const struct cli_list *set, enum mlops_kind *kind,
		  struct mlops_settings *settings, int *status);

#endif
