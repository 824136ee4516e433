#include "cli/check_help.h"

#include "base/number.h"
#include "check/rule.h"
#include "cli/common.h"
#include "cli/output.h"

#include <math.h>
#include <string.h>

static void append_setting(struct mlops_buffer *text, const char *check,
			   const struct mlops_rule_setting *setting)
{
	char number[MLOPS_NUMBER_TEXT];

	if (!isnan(setting->fallback))
		mlops_number_print_double(number, setting->fallback);
	mlops_buffer_append_format(text, "\n      %s.%s=%s\n          %s", check, setting->name,
				   isnan(setting->fallback) ? "learnt" : number, setting->meaning);
}

bool cli_check_help(const struct cli_list *checks, int *status)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	if (checks->n != 1 || strcmp(checks->items[0], "help") != 0)
		return false;
	mlops_buffer_append_string(
		&text,
		"Checks, with what --set CHECK.KEY=VALUE takes beside CHECK.severity=off|warning|error:");
	for (size_t r = 0; r < MLOPS_RULES; r++) {
		const struct mlops_rule_info *info = mlops_rule_describe((enum mlops_rule)r);

		mlops_buffer_append_format(&text, "\n  %s (%s)\n      %s", info->name,
					   mlops_severity_names[info->severity], info->meaning);
		for (size_t s = 0; s < MLOPS_RULE_SETTINGS; s++)
			if (info->settings[s].name != NULL)
				append_setting(&text, info->name, &info->settings[s]);
	}
	*status = cli_end(cli_print_line(&text, &error), &error);
	return true;
}
