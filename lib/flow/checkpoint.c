#include "flow/checkpoint.h"

#include "base/number.h"
#include "flow/compare.h"

#include <string.h>

#define MAGIC "mlops checkpoint 1"
#define SHA256_DIGITS (MLOPS_SHA256_TEXT - 1)
#define LONGEST_LINE 4096

void mlops_checkpoint_write(const struct mlops_checkpoint *checkpoint, struct mlops_buffer *out)
{
	size_t start = out->length;
	struct mlops_json json = { .out = out };
	char sha256[MLOPS_SHA256_TEXT];

	mlops_buffer_append_format(out, MAGIC "\n%s\n%s\n%llu\n", checkpoint->identity,
				   checkpoint->refit ? "refit" : "fit", (unsigned long long)checkpoint->windows);
	mlops_metrics_write(&checkpoint->metrics, &json);
	mlops_buffer_append_char(out, '\n');
	mlops_buffer_append(out, checkpoint->fit, checkpoint->fit_length);
	if (out->failed)
		return;
	mlops_sha256_of(out->data + start, out->length - start, sha256);
	mlops_buffer_append(out, sha256, SHA256_DIGITS);
}

/* The next line of a header into line; false at its end. */
static bool take_line(const char **at, const char *end, char line[LONGEST_LINE])
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));

	if (newline == NULL || newline - *at >= LONGEST_LINE)
		return false;
	memcpy(line, *at, (size_t)(newline - *at));
	line[newline - *at] = '\0';
	*at = newline + 1;
	return true;
}

bool mlops_checkpoint_read(const void *bytes, size_t length, const char *identity, struct mlops_checkpoint *checkpoint,
			   struct mlops_error *error)
{
	const char *at = bytes;
	const char *end;
	char sha256[MLOPS_SHA256_TEXT], line[LONGEST_LINE];

	*checkpoint = (struct mlops_checkpoint){ .refit = false };
	if (length < strlen(MAGIC) + SHA256_DIGITS || memcmp(bytes, MAGIC "\n", strlen(MAGIC) + 1) != 0)
		return mlops_error_set(error, MLOPS_DATA, "the file is no checkpoint of a training");
	end = at + length - SHA256_DIGITS;
	mlops_sha256_of(bytes, length - SHA256_DIGITS, sha256);
	if (memcmp(end, sha256, SHA256_DIGITS) != 0)
		return mlops_error_set(error, MLOPS_DATA, "the checkpoint is damaged: its checksum is wrong");
	at += strlen(MAGIC) + 1;
	if (!take_line(&at, end, line) || strlen(line) != SHA256_DIGITS)
		goto damaged;
	if (strcmp(line, identity) != 0)
		return mlops_error_set(error, MLOPS_DATA,
				       "the checkpoint is of another training: rows, settings, seed or test part were others; "
				       "remove it to start from the beginning");
	memcpy(checkpoint->identity, line, sizeof checkpoint->identity);
	if (!take_line(&at, end, line))
		goto damaged;
	checkpoint->refit = strcmp(line, "refit") == 0;
	if (!take_line(&at, end, line) || !mlops_number_parse_uint(line, strlen(line), &checkpoint->windows) ||
	    !take_line(&at, end, line) || !mlops_metrics_read(line, &checkpoint->metrics, NULL))
		goto damaged;
	checkpoint->fit = at;
	checkpoint->fit_length = (size_t)(end - at);
	return true;
damaged:
	return mlops_error_set(error, MLOPS_DATA, "the checkpoint's header is damaged");
}
