/*
 * One message on standard error, as text or as a JSON object: what the public functions of common.h and
 * option.h share. The name of the tool and the form are set once, by cli_parse and cli_begin; before any
 * threads start.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "base/error.h"

#include <stdbool.h>

enum cli_level { CLI_ERROR, CLI_NOTICE, CLI_DEBUG };

struct cli_message {
	enum cli_level level;
	const char *code;   /* "data"; NULL: none, as for notices */
	const char *source; /* NULL or empty: none */
	uint64_t line;      /* 0: none */
	const char *text;
};

void cli_message_set_tool(const char *name);
void cli_message_set_json(bool json);
bool cli_message_is_json(void);

/* A single write, so that messages of several processes in one log don't mix.
 * Control characters become '?'. */
void cli_message_write(const struct cli_message *message);

/* Flushes and closes standard output and says what went wrong with anything written to it. */
bool cli_close_output(struct mlops_error *error);

#endif
