#include "cli/setting_help.h"

#include "base/number.h"
#include "cli/common.h"
#include "cli/output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The word that stands for value, or NULL. */
static const char *word_for(const struct mlops_setting *setting, double value)
{
	for (size_t i = 0; setting->words != NULL && setting->words[i] != NULL; i++) {
		double word = setting->word_values[i];

		if (!(word < value || word > value) && isnan(word) == isnan(value))
			return setting->words[i];
	}
	return NULL;
}

static void append_value(struct mlops_buffer *text, const struct mlops_setting *setting, double value)
{
	char number[MLOPS_NUMBER_TEXT];
	const char *word = word_for(setting, value);

	if (word == NULL) {
		mlops_number_print_double(number, value);
		word = number;
	}
	mlops_buffer_append_string(text, word);
}

static bool print_settings(enum mlops_kind kind, struct mlops_error *error)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	size_t count;
	const struct mlops_setting *table = mlops_settings_table(kind, &count);

	mlops_buffer_append_format(&text, "Settings of %s, as --set KEY=VALUE:", mlops_kind_name(kind));
	for (size_t i = 0; i < count; i++) {
		mlops_buffer_append_format(&text, "\n  %s=", table[i].name);
		append_value(&text, &table[i], table[i].fallback);
		mlops_buffer_append_format(&text, "\n      %s", table[i].meaning);
		if (table[i].words != NULL) {
			mlops_buffer_append_string(&text, "\n      words: ");
			for (size_t w = 0; table[i].words[w] != NULL; w++)
				mlops_buffer_append_format(&text, "%s%s", w > 0 ? ", " : "", table[i].words[w]);
		}
		if (table[i].minimum < table[i].maximum) {
			mlops_buffer_append_string(&text, "\n      numbers: ");
			append_value(&text, &table[i], table[i].minimum);
			mlops_buffer_append_string(&text, " to ");
			append_value(&text, &table[i], table[i].maximum);
		}
	}
	return cli_print_line(&text, error);
}

bool cli_settings(const struct cli_tool *tool, const char *kind_name, const struct cli_list *set, enum mlops_kind *kind,
		  struct mlops_settings *settings, int *status)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (!mlops_kind_from_name(kind_name, kind, &error)) {
		*status = cli_usage_error(tool, "%s", error.message);
		return false;
	}
	mlops_settings_default(*kind, settings);
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->items[i], "help") == 0) {
			*status = cli_end(print_settings(*kind, &error), &error);
			return false;
		}
		if (!mlops_settings_parse(settings, set->items[i], &error)) {
			*status = cli_usage_error(tool, "%s", error.message);
			return false;
		}
	}
	return true;
}
