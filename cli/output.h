/*
 * Standard output, checked: nothing is lost without a message.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/buffer.h"
#include "base/error.h"

/* A newline behind line, all of it to standard output at once, then line is released. */
bool cli_print_line(struct mlops_buffer *line, struct mlops_error *error);

/* A mlops_score_sink (flow/score.h) that writes to standard output; context is not used. */
bool cli_write_output(void *context, const void *bytes, size_t length, struct mlops_error *error);

/* One cli_notice a line of text. */
void cli_notice_lines(const char *text, size_t length);

#endif
