/*
 * Any bytes as bodies that ask for forecasts: the reader must not crash, read out of bounds, leak or run away, every
 * value that it hands out is finite, and histories are the same wherever the first block ends.  The first byte
 * chooses the options, the second where to cut.
 */
#include "base/sha256.h"
#include "rows/history.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The hash of all histories and of the error's line. */
static void read_all(const char *text, size_t length, size_t cut, const struct mlops_read_options *options, size_t keep,
		     char digest[MLOPS_SHA256_TEXT])
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_source *source = mlops_source_from_memory(text + cut, length - cut, "fuzz", &error);
	struct mlops_buffer head = MLOPS_BUFFER_INIT;
	struct mlops_history history = { .keep = keep };
	struct mlops_sha256 *hash = mlops_sha256_new();
	struct mlops_history_reader *reader;

	mlops_buffer_append(&head, text, cut);
	reader = mlops_history_open(source, &head, options, &error);
	while (reader != NULL && mlops_history_next(reader, true, &history, &error) == MLOPS_JSON_STEP_OK) {
		if (history.n > keep || history.n > history.count || history.steps > MLOPS_HISTORY_MOST_STEPS)
			abort();
		for (size_t i = 0; i < history.n; i++)
			if (!isfinite(history.values[i]))
				abort();
		mlops_sha256_add(hash, history.values, history.n * sizeof *history.values);
		mlops_sha256_add(hash, &history.count, sizeof history.count);
		mlops_sha256_add(hash, &history.steps, sizeof history.steps);
		mlops_sha256_add(hash, &history.line, sizeof history.line);
		mlops_sha256_add(hash, history.sensor, history.sensor_length);
	}
	if (error.code != MLOPS_OK && error.code != MLOPS_DATA)
		abort();
	mlops_sha256_add(hash, &error.line, sizeof error.line);
	mlops_sha256_finish(hash, digest);
	mlops_history_release(&history);
	mlops_history_close(reader);
	mlops_buffer_release(&head);
	mlops_source_free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	char whole[MLOPS_SHA256_TEXT], cut_once[MLOPS_SHA256_TEXT];
	const char *text = (const char *)data + 2;
	struct mlops_buffer head = MLOPS_BUFFER_INIT;
	struct mlops_source *source;
	bool histories;
	size_t cut;

	if (size < 2)
		return 0;
	size -= 2;
	cut = data[1] < size ? data[1] : size;
	options.on_error = (enum mlops_on_error)(data[0] % 3);
	options.interactive = (data[0] & 4) != 0;
	options.max_line = (data[0] & 8) != 0 ? 64 : 1 << 20;
	read_all(text, size, 0, &options, data[0] >> 4, whole);
	read_all(text, size, cut, &options, data[0] >> 4, cut_once);
	if (strcmp(whole, cut_once) != 0)
		abort();
	source = mlops_source_from_memory(text, size, "fuzz", &error);
	if (!mlops_history_probe(source, &head, &histories, &error) || head.length > size ||
	    memcmp(mlops_buffer_string(&head), text, head.length) != 0)
		abort();
	mlops_buffer_release(&head);
	mlops_source_free(source);
	return 0;
}
