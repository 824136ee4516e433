#include "cli/option.h"

#include "base/number.h"
#include "base/text.h"
#include "cli/common.h"
#include "cli/help.h"
#include "cli/message.h"

#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_OPTIONS = 128,
	FIRST_LONG = 256 /* getopt_long's value of option i is FIRST_LONG + i, beyond all bytes */
};

/* Which options the command line held, for the verb that is to run. */
static bool was_given[MAX_OPTIONS];

int cli_usage_error(const struct cli_tool *tool, const char *format, ...)
{
	const struct mlops_code_info *usage = mlops_code_describe(MLOPS_USAGE);
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	cli_message_set_tool(tool->name);
	cli_message_write(&(struct cli_message){ .level = CLI_ERROR, .code = usage->name, .text = text });
	if (!cli_message_is_json())
		fprintf(stderr, "Try '%s --help' for more information.\n", tool->name);
	return usage->exit_status;
}

static const char *masked(char buffer[MLOPS_TEXT_QUOTED], const char *text)
{
	return mlops_text_mask(buffer, text, strlen(text));
}

static int report_memory(const struct cli_tool *tool)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	mlops_error_set_memory(&error);
	cli_message_set_tool(tool->name);
	cli_report(&error);
	return mlops_code_describe(error.code)->exit_status;
}

/* Memory of lists: it is there until the program ends, and reachable from here, so that no tool has to give it
 * back on each of its ways out and no leak checker takes it for lost. */
static struct block {
	struct block *before;
	char bytes[];
} *blocks;

static void *keep(size_t size)
{
	struct block *block = malloc(sizeof *block + size);

	if (block == NULL)
		return NULL;
	block->before = blocks;
	blocks = block;
	return block->bytes;
}

/* item NULL: memory ran out for it. */
static bool list_add(struct cli_list *list, const char *item)
{
	if (item == NULL)
		return false;
	/* The room doubles whenever it is used up. */
	if ((list->n & (list->n - 1)) == 0) {
		const char **items = keep((list->n > 0 ? 2 * list->n : 1) * sizeof *items);

		if (items == NULL)
			return false;
		if (list->n > 0)
			memcpy(items, list->items, list->n * sizeof *items);
		list->items = items;
	}
	list->items[list->n++] = item;
	return true;
}

static int set_list(const struct cli_tool *tool, const struct cli_option *option, struct cli_list *list,
		    const char *value)
{
	const char *at = value;
	char *item = keep(strlen(value) + 1); /* all items, one behind the other */
	char quoted[MLOPS_TEXT_QUOTED];

	do {
		size_t length = 0;

		for (; item != NULL && *at != '\0' && *at != ','; at++) {
			if (at[0] == '\\' && at[1] == ',')
				at++;
			item[length++] = *at;
		}
		if (item != NULL && length == 0)
			return cli_usage_error(tool, "option '--%s': '%s' has an empty entry", option->name,
					       masked(quoted, value));
		if (item != NULL)
			item[length] = '\0';
		if (!list_add(list, item))
			return report_memory(tool);
		item += length + 1;
	} while (*at++ == ',');
	return 0;
}

/* " from 1 to 1024", " of at least 1" or nothing. */
static const char *describe_range(const struct cli_option *option, char buffer[128])
{
	char low[MLOPS_NUMBER_TEXT], high[MLOPS_NUMBER_TEXT];

	buffer[0] = '\0';
	if (option->minimum == 0 && option->maximum == 0)
		return buffer;
	mlops_number_print_double(low, option->minimum);
	if (isinf(option->maximum) || option->maximum < option->minimum) {
		snprintf(buffer, 128, " of at least %s", low);
		return buffer;
	}
	mlops_number_print_double(high, option->maximum);
	snprintf(buffer, 128, " from %s to %s", low, high);
	return buffer;
}

static bool in_range(const struct cli_option *option, double value)
{
	if (option->minimum == 0 && option->maximum == 0)
		return true;
	return value >= option->minimum && (value <= option->maximum || option->maximum < option->minimum);
}

static int set_number(const struct cli_tool *tool, const struct cli_option *option, void *where,
		      const char *value)
{
	char quoted[MLOPS_TEXT_QUOTED], range[128];
	size_t length = strlen(value);
	uint64_t whole;
	double real;

	if (option->type == CLI_UINT) {
		if (mlops_number_parse_uint(value, length, &whole) && in_range(option, (double)whole)) {
			*(uint64_t *)where = whole;
			return 0;
		}
	} else if (mlops_number_parse(value, length, '.', &real) == MLOPS_NUMBER_OK &&
		   in_range(option, real)) {
		*(double *)where = real;
		return 0;
	}
	return cli_usage_error(tool, "option '--%s': '%s' is not a %s%s", option->name, masked(quoted, value),
			       option->type == CLI_UINT ? "whole number" : "number",
			       describe_range(option, range));
}

static size_t count_words(const char *const *words)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return n;
}

static int report_choice(const struct cli_tool *tool, const struct cli_option *option, const char *value)
{
	size_t n = count_words(option->choices), length = 0;
	const char *nearest = mlops_text_nearest(value, option->choices, n);
	char quoted[MLOPS_TEXT_QUOTED], words[512] = "";

	for (size_t i = 0; i < n && length < sizeof words; i++)
		length += (size_t)snprintf(words + length, sizeof words - length, "%s%s", i > 0 ? ", " : "",
					   option->choices[i]);
	if (nearest == NULL)
		return cli_usage_error(tool, "option '--%s': '%s' is not one of %s", option->name,
				       masked(quoted, value), words);
	return cli_usage_error(tool, "option '--%s': '%s' is not one of %s; did you mean '%s'?", option->name,
			       masked(quoted, value), words, nearest);
}

static int set_choice(const struct cli_tool *tool, const struct cli_option *option, int *where,
		      const char *value)
{
	for (int i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(option->choices[i], value) != 0)
			continue;
		*where = i;
		/* From here on, so that a mistake later in the same command line is reported that way. */
		if (option->choices == cli_log_formats)
			cli_message_set_json(i == 1);
		return 0;
	}
	return report_choice(tool, option, value);
}

static int set_character(const struct cli_tool *tool, const struct cli_option *option, char *where,
			 const char *value)
{
	static const struct {
		const char *name;
		char character;
	} words[] = {
		{ "tab", '\t' }, { "comma", ',' }, { "semicolon", ';' },
		{ "pipe", '|' }, { "space", ' ' }, { "point", '.' },
	};
	const char *word = NULL;
	char character = '\0', quoted[MLOPS_TEXT_QUOTED];

	if (value[0] != '\0' && value[1] == '\0' && ((unsigned char)value[0] & 0x80) == 0)
		character = value[0];
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(value, words[i].name) != 0 && character != words[i].character)
			continue;
		character = words[i].character;
		word = words[i].name;
	}
	if (option->choices != NULL) {
		for (size_t i = 0; word != NULL && option->choices[i] != NULL; i++) {
			if (strcmp(option->choices[i], word) == 0) {
				*where = character;
				return 0;
			}
		}
		return report_choice(tool, option, value);
	}
	if (character == '\0')
		return cli_usage_error(
			tool,
			"option '--%s': '%s' is not a character, nor tab, comma, semicolon, pipe, space, point",
			option->name, masked(quoted, value));
	*where = character;
	return 0;
}

/* Puts an option's value where it belongs; 0, or the exit status of a reported mistake. */
static int set_value(const struct cli_tool *tool, const struct cli_option *option, void *settings,
		     char *value)
{
	void *where = (char *)settings + option->offset;

	if (option->given != 0)
		*(bool *)((char *)settings + option->given) = true;
	switch (option->type) {
	case CLI_FLAG:
		*(bool *)where = true;
		return 0;
	case CLI_STRING:
		*(const char **)where = value;
		return 0;
	case CLI_LIST:
		return set_list(tool, option, where, value);
	case CLI_REPEAT:
		return list_add(where, value) ? 0 : report_memory(tool);
	case CLI_UINT:
	case CLI_REAL:
		return set_number(tool, option, where, value);
	case CLI_CHAR:
		return set_character(tool, option, where, value);
	case CLI_CHOICE:
		return set_choice(tool, option, where, value);
	case CLI_HELP:
	case CLI_VERSION:
	case CLI_OPTION_LIST:
		break;
	}
	return 0;
}

/* A long option that getopt_long refused: text is the element of argv that holds it. */
static int report_long(const struct cli_tool *tool, const char *text)
{
	const char *known[MAX_OPTIONS];
	const char *name = text + 2, *nearest;
	size_t length = strcspn(name, "="), n = 0, candidates = 0, used = 0;
	char quoted[MLOPS_TEXT_QUOTED], list[512] = "", *copy;

	for (const struct cli_option *option = tool->options; option->name != NULL; option++) {
		if (option->type == CLI_OPTION_LIST)
			continue;
		known[n++] = option->name;
		if (strncmp(option->name, name, length) != 0)
			continue;
		candidates++;
		if (used < sizeof list)
			used += (size_t)snprintf(list + used, sizeof list - used, "%s'--%s'",
						 used > 0 ? ", " : "", option->name);
	}
	mlops_text_mask(quoted, name, length);
	if (candidates > 1 && length > 0)
		return cli_usage_error(tool, "option '--%s' is ambiguous: it may be %s", quoted, list);
	copy = strndup(name, length);
	if (copy == NULL)
		return report_memory(tool);
	nearest = mlops_text_nearest(copy, known, n);
	free(copy);
	if (nearest == NULL)
		return cli_usage_error(tool, "unknown option '--%s'", quoted);
	return cli_usage_error(tool, "unknown option '--%s'; did you mean '--%s'?", quoted, nearest);
}

/* What getopt_long answered '?' or ':' to. */
static int report_option(const struct cli_tool *tool, char **argv, int answer)
{
	const struct cli_option *option = NULL;
	char byte = (char)optopt, quoted[MLOPS_TEXT_QUOTED];

	if (optopt >= FIRST_LONG)
		option = &tool->options[optopt - FIRST_LONG];
	if (answer == ':' && option != NULL)
		return cli_usage_error(tool, "option '--%s' needs a value: %s", option->name,
				       option->argument);
	if (answer == ':') {
		for (option = tool->options; option->short_name != optopt; option++)
			;
		return cli_usage_error(tool, "option '-%c' needs a value: %s", optopt, option->argument);
	}
	if (option != NULL)
		return cli_usage_error(tool, "option '--%s' takes no value", option->name);
	if (optopt != 0)
		return cli_usage_error(tool, "unknown option '-%s'", mlops_text_mask(quoted, &byte, 1));
	return report_long(tool, argv[optind - 1]);
}

/* getopt_long's arrays from the table.  The hidden option is not among them, so that nothing can abbreviate
 * to it. */
static void make_arrays(const struct cli_tool *tool, struct option long_options[MAX_OPTIONS + 1],
			char short_options[2 * MAX_OPTIONS + 2])
{
	size_t n = 0, length = 0;

	short_options[length++] = ':';
	for (size_t i = 0; i < MAX_OPTIONS && tool->options[i].name != NULL; i++) {
		const struct cli_option *option = &tool->options[i];
		bool has_argument = option->argument != NULL;

		if (option->type == CLI_OPTION_LIST)
			continue;
		long_options[n++] = (struct option){ .name = option->name, .has_arg = has_argument,
						     .val = FIRST_LONG + (int)i };
		if (option->short_name == 0)
			continue;
		short_options[length++] = (char)option->short_name;
		if (has_argument)
			short_options[length++] = ':';
	}
	long_options[n] = (struct option){ .name = NULL };
	short_options[length] = '\0';
}

/* After something was printed instead of working: the exit status. */
static int end_printing(const struct cli_tool *tool)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	cli_message_set_tool(tool->name);
	if (!cli_close_output(&error))
		cli_report(&error);
	return mlops_code_describe(error.code)->exit_status;
}

static int check_arguments(const struct cli_tool *tool, size_t n, char **arguments)
{
	char quoted[MLOPS_TEXT_QUOTED];

	if (n < tool->least)
		return cli_usage_error(tool, "too few arguments; it is %s %s", tool->name, tool->synopsis);
	if (n > tool->most)
		return cli_usage_error(tool, "unexpected argument '%s'",
				       masked(quoted, arguments[tool->most]));
	return 0;
}

static int check_required(const struct cli_tool *tool, const struct cli_verb *verb)
{
	for (size_t i = 0; i < MAX_OPTIONS && tool->options[i].name != NULL; i++) {
		const struct cli_option *option = &tool->options[i];

		if (!option->required || was_given[i])
			continue;
		if (verb != NULL && !cli_option_is_shared(tool, option) &&
		    !cli_words_contain(verb->options, option->name))
			continue;
		return cli_usage_error(tool, "option '--%s %s' is missing", option->name,
				       option->argument != NULL ? option->argument : "");
	}
	return 0;
}

bool cli_parse(const struct cli_tool *tool, int argc, char **argv, void *settings, size_t *n_arguments,
	       char ***arguments, int *status)
{
	struct option long_options[MAX_OPTIONS + 1];
	char short_options[2 * MAX_OPTIONS + 2];
	int answer;

	*status = 0;
	memset(was_given, 0, sizeof was_given);
	cli_message_set_json(false);
	cli_message_set_tool(tool->name);
	if (argc == 2 && strcmp(argv[1], "--list-options") == 0) {
		cli_print_option_list(tool, stdout);
		*status = end_printing(tool);
		return false;
	}
	make_arrays(tool, long_options, short_options);
	opterr = 0;
	optind = 0; /* glibc: start afresh, also after an earlier parse */
	while ((answer = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		const struct cli_option *option;

		if (answer == '?' || answer == ':') {
			*status = report_option(tool, argv, answer);
			return false;
		}
		if (answer >= FIRST_LONG)
			option = &tool->options[answer - FIRST_LONG];
		else
			for (option = tool->options; option->short_name != answer; option++)
				;
		if (option->type == CLI_HELP || option->type == CLI_VERSION) {
			if (option->type == CLI_HELP)
				cli_print_help(tool, cli_find_verb(tool, argv[1]), stdout);
			else
				cli_print_version(tool, stdout);
			*status = end_printing(tool);
			return false;
		}
		was_given[option - tool->options] = true;
		*status = set_value(tool, option, settings, optarg);
		if (*status != 0)
			return false;
	}
	*n_arguments = argc > optind ? (size_t)(argc - optind) : 0;
	*arguments = argv + optind;
	if (tool->verbs == NULL) {
		*status = check_required(tool, NULL);
		if (*status == 0)
			*status = check_arguments(tool, *n_arguments, *arguments);
	}
	return *status == 0;
}

static int report_verb(const struct cli_tool *tool, const char *name)
{
	const char *known[MAX_OPTIONS], *nearest;
	size_t n = 0, used = 0;
	char quoted[MLOPS_TEXT_QUOTED], list[512] = "";

	for (const struct cli_verb *verb = tool->verbs; verb->name != NULL && n < MAX_OPTIONS; verb++) {
		known[n++] = verb->name;
		if (used < sizeof list)
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
						 used > 0 ? ", " : "", verb->name);
	}
	if (name == NULL)
		return cli_usage_error(tool, "a verb is missing: one of %s", list);
	nearest = mlops_text_nearest(name, known, n);
	if (nearest == NULL)
		return cli_usage_error(tool, "unknown verb '%s'; known are %s", masked(quoted, name), list);
	return cli_usage_error(tool, "unknown verb '%s'; did you mean '%s'?", masked(quoted, name), nearest);
}

int cli_run_verb(const struct cli_tool *tool, void *settings, size_t n_arguments, char **arguments)
{
	const struct cli_verb *verb = n_arguments > 0 ? cli_find_verb(tool, arguments[0]) : NULL;
	char quoted[MLOPS_TEXT_QUOTED];
	int status;

	if (verb == NULL)
		return report_verb(tool, n_arguments > 0 ? arguments[0] : NULL);
	for (size_t i = 0; i < MAX_OPTIONS && tool->options[i].name != NULL; i++)
		if (was_given[i] && !cli_option_is_shared(tool, &tool->options[i]) &&
		    !cli_words_contain(verb->options, tool->options[i].name))
			return cli_usage_error(tool, "'%s' takes no option '--%s'", verb->name,
					       tool->options[i].name);
	status = check_required(tool, verb);
	if (status != 0)
		return status;
	n_arguments--;
	arguments++;
	if (n_arguments < verb->least)
		return cli_usage_error(tool, "'%s' needs %s", verb->name, verb->arguments);
	if (n_arguments > verb->most)
		return cli_usage_error(tool, "'%s': unexpected argument '%s'", verb->name,
				       masked(quoted, arguments[verb->most]));
	return verb->run(settings, n_arguments, arguments);
}
