#include "config.h"

#include "cli/help.h"

#include <string.h>

enum {
	WIDTH = 79,      /* the 80th column stays free: some terminals wrap there */
	HELP_COLUMN = 26 /* where the explanations begin */
};

bool cli_words_contain(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (list != NULL && *list != '\0') {
		size_t word = strcspn(list, " ");

		if (word == length && memcmp(list, name, length) == 0)
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}

bool cli_option_is_shared(const struct cli_tool *tool, const struct cli_option *option)
{
	for (const struct cli_verb *verb = tool->verbs; verb != NULL && verb->name != NULL; verb++)
		if (cli_words_contain(verb->options, option->name))
			return false;
	return true;
}

const struct cli_verb *cli_find_verb(const struct cli_tool *tool, const char *name)
{
	for (const struct cli_verb *verb = tool->verbs; verb != NULL && verb->name != NULL; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

/* Columns that UTF-8 text takes, for the scripts in use here: one a character. */
static size_t columns(const char *text, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* Prints text filled between columns indent and WIDTH, the cursor standing at column at. */
static void fill(FILE *out, const char *text, size_t indent, size_t at)
{
	while (*text != '\0') {
		size_t length = strcspn(text, " \n");
		size_t width = columns(text, length);

		if (at > indent && at + 1 + width > WIDTH) {
			fputc('\n', out);
			at = 0;
		}
		if (at < indent) {
			fprintf(out, "%*s", (int)(indent - at), "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, length, out);
		at += width;
		text += length;
		if (*text == '\n') {
			fputc('\n', out);
			at = 0;
		}
		if (*text != '\0')
			text++;
	}
	fputc('\n', out);
}

/* A name on the left, its explanation on the right; below the name when that is long. */
static void print_entry(FILE *out, const char *name, const char *help, const char *also)
{
	char text[1024];
	size_t at = columns(name, strlen(name));

	fputs(name, out);
	if (at + 2 > HELP_COLUMN) {
		fputc('\n', out);
		at = 0;
	}
	snprintf(text, sizeof text, "%s%s", help != NULL ? help : "", also);
	fill(out, text, HELP_COLUMN, at);
}

static void print_option(FILE *out, const struct cli_option *option)
{
	char name[128];
	int length;

	if (option->short_name != 0)
		length = snprintf(name, sizeof name, "  -%c, --%s", option->short_name, option->name);
	else
		length = snprintf(name, sizeof name, "      --%s", option->name);
	if (option->argument != NULL && length > 0 && (size_t)length < sizeof name)
		snprintf(name + length, sizeof name - (size_t)length, " %s", option->argument);
	print_entry(out, name, option->help, option->required ? " (required)" : "");
}

static void print_verb(FILE *out, const struct cli_verb *verb)
{
	char name[128];

	snprintf(name, sizeof name, "  %s%s%s", verb->name, verb->arguments != NULL ? " " : "",
		 verb->arguments != NULL ? verb->arguments : "");
	print_entry(out, name, verb->help, "");
}

/* The verb's own options, or those that belong to all. */
static void print_options(FILE *out, const struct cli_tool *tool, const struct cli_verb *verb, bool own)
{
	const char *group = "Options", *printed = NULL;

	for (const struct cli_option *option = tool->options; option->name != NULL; option++) {
		bool wanted = own ? cli_words_contain(verb->options, option->name)
				  : verb == NULL || cli_option_is_shared(tool, option);

		if (option->group != NULL)
			group = option->group;
		if (option->type == CLI_OPTION_LIST || !wanted)
			continue;
		if (!own && group != printed) {
			fprintf(out, "\n%s:\n", group);
			printed = group;
		}
		print_option(out, option);
	}
}

void cli_print_help(const struct cli_tool *tool, const struct cli_verb *verb, FILE *out)
{
	if (verb != NULL) {
		fprintf(out, "Usage: %s %s [OPTION]...%s%s\n", tool->name, verb->name,
			verb->arguments != NULL ? " " : "", verb->arguments != NULL ? verb->arguments : "");
		fill(out, verb->help, 0, 0);
		if (verb->options != NULL) {
			fputs("\nOptions of this verb:\n", out);
			print_options(out, tool, verb, true);
		}
		print_options(out, tool, verb, false);
		return;
	}
	fprintf(out, "Usage: %s %s\n", tool->name, tool->synopsis);
	if (tool->summary != NULL)
		fill(out, tool->summary, 0, 0);
	if (tool->verbs != NULL) {
		fputs("\nVerbs:\n", out);
		for (verb = tool->verbs; verb->name != NULL; verb++)
			print_verb(out, verb);
	}
	print_options(out, tool, NULL, false);
	if (tool->examples != NULL)
		fprintf(out, "\nExamples:\n%s%s", tool->examples,
			tool->examples[strlen(tool->examples) - 1] == '\n' ? "" : "\n");
	fprintf(out, "\nThe manual: man %s, man 7 mlops.\n", tool->name);
}

void cli_print_version(const struct cli_tool *tool, FILE *out)
{
	fprintf(out, "%s (%s) %s\n", tool->name, PACKAGE_NAME, PACKAGE_VERSION);
}

/* The first line, so that the table stays one line an option. */
static void print_first_line(FILE *out, const char *text)
{
	for (; text != NULL && *text != '\0' && *text != '\n'; text++)
		fputc(*text == '\t' ? ' ' : *text, out);
}

void cli_print_option_list(const struct cli_tool *tool, FILE *out)
{
	static const char *const types[] = {
		[CLI_FLAG] = "flag", [CLI_STRING] = "string", [CLI_LIST] = "list", [CLI_REPEAT] = "repeat",
		[CLI_UINT] = "uint", [CLI_REAL] = "real", [CLI_CHAR] = "char", [CLI_CHOICE] = "choice",
		[CLI_HELP] = "help", [CLI_VERSION] = "version",
	};
	static const char *const completions[] = {
		[CLI_COMPLETE_NONE] = "none", [CLI_COMPLETE_FILE] = "file",
		[CLI_COMPLETE_DIRECTORY] = "directory", [CLI_COMPLETE_MODEL] = "model",
	};

	for (const struct cli_option *option = tool->options; option->name != NULL; option++) {
		if (option->type == CLI_OPTION_LIST)
			continue;
		fprintf(out, "%s\t%c\t%s\t%s\t", option->name,
			option->short_name != 0 ? option->short_name : '-', types[option->type],
			option->argument != NULL ? option->argument : "-");
		if (option->choices != NULL) {
			for (size_t i = 0; option->choices[i] != NULL; i++)
				fprintf(out, "%s%s", i > 0 ? "|" : "", option->choices[i]);
		} else {
			fputs(completions[option->complete], out);
		}
		fputc('\t', out);
		print_first_line(out, option->help);
		fputc('\n', out);
	}
	for (const struct cli_verb *verb = tool->verbs; verb != NULL && verb->name != NULL; verb++) {
		fprintf(out, "verb\t%s\t%s\t%s\t", verb->name,
			verb->arguments != NULL ? verb->arguments : "-",
			verb->options != NULL ? verb->options : "-");
		print_first_line(out, verb->help);
		fputc('\n', out);
	}
}
