/*
 * One table of options a tool.  From it come getopt_long's arrays, --help, the completions (--list-options)
 * and the test that compares it with the manual page.
 *
 *	static const struct cli_option options[] = {
 *		{ "model", 'm', CLI_STRING, offsetof(struct settings, model), "REF", "score with this model",
 *		  .required = true },
 *		{ "threshold", 0, CLI_REAL, offsetof(struct settings, threshold), "P", "...", 0, 1 },
 *		CLI_COMMON_OPTIONS(struct settings, common),
 *		{ NULL }
 *	};
 *	static const struct cli_tool tool = {
 *		.name = "mlops-score", .synopsis = "--model REF [OPTION]... [FILE]", ...
 *	};
 *	int main(int argc, char **argv)
 *	{
 *		struct settings settings = { ... defaults ... };
 *		char **arguments;
 *		size_t n;
 *		int status;
 *
 *		if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
 *			return status;
 *		...
 *	}
 *
 * Long options take unique abbreviations and --name=value; "--" ends them; options may follow arguments.
 * An unknown or ambiguous option, a missing or bad value: exit 64, nothing on stdout, two lines on stderr:
 * what is wrong (with the nearest known name), and "Try 'mlops-score --help' for more information."
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_option_type {
	CLI_FLAG,   /* bool: true when given */
	CLI_STRING, /* const char *, into argv */
	CLI_LIST,   /* struct cli_list: names with commas between ("a,b"), may be given again to add;
		     * "\," is a comma in a name */
	CLI_REPEAT, /* struct cli_list: the whole value is one item each time */
	CLI_UINT,   /* uint64_t within [minimum, maximum] */
	CLI_REAL,   /* double within [minimum, maximum] */
	CLI_CHAR,   /* char: one byte, or the words tab, comma, semicolon, pipe, space, point (only those in
		     * choices, if given) */
	CLI_CHOICE, /* int: index of the word in choices */
	CLI_HELP,   /* prints the help and exits 0 */
	CLI_VERSION,/* prints "mlops-score (mlops) X.Y.Z" and exits 0 */
	CLI_OPTION_LIST /* --list-options, hidden, to be given alone: the table as text with tabs, for
			 * completions and tests */
};

/* What a shell may offer for an option's value. */
enum cli_complete { CLI_COMPLETE_NONE, CLI_COMPLETE_FILE, CLI_COMPLETE_DIRECTORY, CLI_COMPLETE_MODEL };

/* Array and items are there until the program ends; nobody frees them. */
struct cli_list {
	size_t n;
	const char **items;
};

struct cli_option {
	const char *name;       /* long name; NULL ends the table */
	int short_name;         /* 0: none */
	enum cli_option_type type;
	size_t offset;          /* where the value goes in the settings struct */
	const char *argument;   /* "FILE"; NULL for flags */
	const char *help;       /* one line or more, lower case, without a full stop */
	double minimum, maximum;/* both 0: no limit; maximum < minimum: no upper limit */
	const char *const *choices; /* NULL-terminated, CLI_CHOICE */
	enum cli_complete complete;
	bool required;
	const char *group;      /* heading in --help; NULL = same as the option before */
	size_t given;           /* offset of a bool that tells whether it was given; 0: none */
};

/* A tool with verbs (mlops-registry list, ...) has a table of them.  Options that no verb names as its own
 * belong to all verbs. */
struct cli_verb {
	const char *name;
	const char *arguments;  /* "NAME VERSION" */
	const char *help;
	size_t least, most;     /* number of arguments */
	const char *options;    /* its own: long names with spaces between; NULL: none */
	int (*run)(void *settings, size_t n_arguments, char **arguments);
};

struct cli_tool {
	const char *name;            /* "mlops-score" */
	const char *synopsis;        /* without the name: "--model REF [OPTION]... [FILE]" */
	const char *summary;         /* a sentence or two for --help */
	const struct cli_option *options;
	const struct cli_verb *verbs;/* NULL: none */
	size_t least, most;          /* number of arguments (tools without verbs) */
	const char *examples;        /* lines for the end of --help; NULL: none */
};

/* Parses argv into settings.  Returns true to go on; false when the program is to end with *status (help was
 * printed, or the usage was wrong and has been reported).  Arguments that are not options are left in
 * arguments[0 … n). */
bool cli_parse(const struct cli_tool *tool, int argc, char **argv, void *settings, size_t *n_arguments,
	       char ***arguments, int *status);

/* After cli_parse, a tool with verbs: checks verb, its options and number of arguments, calls it, returns its
 * status. */
int cli_run_verb(const struct cli_tool *tool, void *settings, size_t n_arguments, char **arguments);

/* Reports a usage error found later (options that do not go together): two lines on stderr, returns 64. */
int cli_usage_error(const struct cli_tool *tool, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
