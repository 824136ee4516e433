#include "cli/message.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *tool_name = "mlops";
static bool as_json;

void cli_message_set_tool(const char *name)
{
	tool_name = name;
}

void cli_message_set_json(bool json)
{
	as_json = json;
}

bool cli_message_is_json(void)
{
	return as_json;
}

/* File names and data end up in messages: a terminal must not take them for commands. */
static void append_masked(struct mlops_buffer *line, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		mlops_buffer_append_char(line, c < 0x20 || c == 0x7f ? '?' : *text);
	}
}

static void write_text(struct mlops_buffer *line, const struct cli_message *message)
{
	append_masked(line, tool_name);
	mlops_buffer_append_string(line, ": ");
	if (message->source != NULL && message->source[0] != '\0') {
		append_masked(line, message->source);
		mlops_buffer_append_char(line, ':');
		if (message->line != 0)
			mlops_buffer_append_format(line, "%" PRIu64 ":", message->line);
		mlops_buffer_append_char(line, ' ');
	} else if (message->line != 0) {
		mlops_buffer_append_format(line, "line %" PRIu64 ": ", message->line);
	}
	append_masked(line, message->text);
}

static void write_json(struct mlops_buffer *line, const struct cli_message *message)
{
	static const char *const levels[] = {
		[CLI_ERROR] = "error", [CLI_NOTICE] = "info", [CLI_DEBUG] = "debug"
	};
	struct mlops_json json = { .out = line };

	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "tool", tool_name);
	mlops_json_member_string(&json, "level", levels[message->level]);
	if (message->code != NULL)
		mlops_json_member_string(&json, "code", message->code);
	if (message->source != NULL && message->source[0] != '\0')
		mlops_json_member_string(&json, "source", message->source);
	if (message->line != 0)
		mlops_json_member_uint(&json, "line", message->line);
	mlops_json_member_string(&json, "message", message->text);
	mlops_json_close(&json, '}');
}

void cli_message_write(const struct cli_message *message)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	int saved = errno;

	if (as_json)
		write_json(&line, message);
	else
		write_text(&line, message);
	mlops_buffer_append_char(&line, '\n');
	cli_progress_clear();
	/* Where standard error itself is broken, nobody is left to tell. */
	if (line.failed)
		(void)!write(STDERR_FILENO, "mlops: out of memory\n", 21);
	else
		(void)mlops_file_write_all(STDERR_FILENO, line.data, line.length, "standard error", NULL);
	mlops_buffer_release(&line);
	errno = saved;
}

void cli_report(const struct mlops_error *error)
{
	if (error == NULL || error->code == MLOPS_OK || error->code == MLOPS_CLOSED ||
	    error->message[0] == '\0')
		return;
	cli_message_write(&(struct cli_message){
		.level = CLI_ERROR,
		.code = mlops_code_describe(error->code)->name,
		.source = error->source,
		.line = error->line,
		.text = error->message,
	});
}

bool cli_close_output(struct mlops_error *error)
{
	bool failed_before = ferror(stdout) != 0;

	/* A failure that stdio met earlier has taken its errno with it. */
	errno = 0;
	if (fclose(stdout) == 0 && !failed_before)
		return true;
	return mlops_error_set_errno(error, errno != 0 ? errno : EIO, "standard output");
}
