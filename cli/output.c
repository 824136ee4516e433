#include "cli/output.h"

#include "base/file.h"
#include "cli/common.h"

#include <string.h>
#include <unistd.h>

bool cli_write_output(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	(void)context;
	return mlops_file_write_all(STDOUT_FILENO, bytes, length, "standard output", error);
}

bool cli_print_line(struct mlops_buffer *line, struct mlops_error *error)
{
	bool ok;

	mlops_buffer_append_char(line, '\n');
	ok = line->failed ? mlops_error_set_memory(error) : cli_write_output(NULL, line->data, line->length, error);
	mlops_buffer_release(line);
	return ok;
}

void cli_notice_lines(const char *text, size_t length)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t part = end != NULL ? (size_t)(end - text) : length;

		cli_notice("%.*s", (int)part, text);
		part += end != NULL;
		text += part;
		length -= part;
	}
}
