#include "rows/csv.h"

#include <stdlib.h>
#include <string.h>

#define MOST_PARTS 16
#define FIRST_PART ((size_t)128 << 10)
#define SMALLEST_PART ((size_t)16 << 10)
#define LARGEST_PART ((size_t)512 << 10)
/* Chunks of very many columns are not held more than once. */
#define LARGEST_CHUNK ((size_t)2 << 20)

/* Some records, one behind the other, and the reader that one task has for them: its lines count from 1. */
struct part {
	struct mlops_csv_reader csv;
	struct mlops_chunk *chunk;
	bool filled; /* chunk has rows that were not handed out */
};

struct mlops_csv_parts {
	struct part *parts; /* [room] */
	size_t room;
	size_t n;		  /* of them that were cut from the input */
	size_t at;		  /* the one whose rows are next */
	size_t wanted;		  /* bytes in a part: not quite the rows of a chunk */
	struct mlops_error later; /* comes after what was read ahead of it */
};

void mlops_csv_parts_free(struct mlops_csv_parts *parts)
{
	if (parts == NULL)
		return;
	for (size_t i = 0; i < parts->room && parts->parts != NULL; i++) {
		struct mlops_csv_reader *csv = &parts->parts[i].csv;

		free(csv->input.record.fields);
		mlops_csv_batch_release(&csv->batch);
		mlops_buffer_release(&csv->scratch);
		mlops_chunk_free(parts->parts[i].chunk);
	}
	free(parts->parts);
	free(parts);
}

static bool part_init(struct part *part, const struct mlops_csv_reader *csv,
		      const enum mlops_column_type *types, struct mlops_error *error)
{
	struct mlops_csv_input *input = &part->csv.input;

	part->csv = *csv;
	part->csv.parts = NULL;
	part->csv.scratch = (struct mlops_buffer)MLOPS_BUFFER_INIT;
	part->csv.batch = (struct mlops_csv_batch){ .tile = 0 };
	input->memory = NULL;
	input->record.fields = calloc(input->record.room, sizeof *input->record.fields);
	if (input->record.fields == NULL)
		return mlops_error_set_memory(error);
	part->chunk = mlops_chunk_new(types, csv->n_bound, error);
	return part->chunk != NULL && mlops_csv_batch_init(&part->csv.batch, error);
}

bool mlops_csv_parts_new(struct mlops_csv_reader *csv, struct mlops_error *error)
{
	unsigned workers = mlops_pool_workers(csv->options->pool);
	size_t chunk_bytes = csv->n_bound * MLOPS_CHUNK_ROWS * sizeof(float);
	struct mlops_csv_parts *parts;
	enum mlops_column_type *types;
	bool ok = false;

	if (workers == 1 || csv->options->one_row || chunk_bytes > LARGEST_CHUNK)
		return true;
	parts = calloc(1, sizeof *parts);
	types = calloc(csv->n_bound + 1, sizeof *types);
	if (parts == NULL || types == NULL) {
		mlops_error_set_memory(error);
		goto done;
	}
	parts->room = workers < MOST_PARTS / 2 ? 2 * workers : MOST_PARTS;
	parts->wanted = FIRST_PART;
	parts->parts = calloc(parts->room, sizeof *parts->parts);
	if (parts->parts == NULL) {
		mlops_error_set_memory(error);
		goto done;
	}
	for (size_t i = 0; i < csv->n_bound; i++)
		types[i] = csv->bound[i].type;
	ok = true;
	for (size_t i = 0; i < parts->room && ok; i++)
		ok = part_init(&parts->parts[i], csv, types, error);

done:
	free(types);
	if (ok)
		csv->parts = parts;
	else
		mlops_csv_parts_free(parts);
	return ok;
}

/* Reads until the buffer holds what all parts want, or the next byte would have to be waited for. */
static void fill_buffer(struct mlops_csv_reader *csv)
{
	struct mlops_csv_input *input = &csv->input;
	struct mlops_csv_parts *parts = csv->parts;

	while (parts->later.code == MLOPS_OK && !input->ended &&
	       input->end - input->at < parts->room * parts->wanted &&
	       !(csv->options->interactive && input->at < input->end && !mlops_source_ready(input->source)))
		mlops_csv_input_fill(input, &parts->later);
}

/* bytes[0..length) begin with a record; returns where the last one that ends among the first wanted bytes
 * does, or 0.  Without quotes that is the last newline. */
static size_t find_end(struct mlops_csv_reader *csv, const char *bytes, size_t length, size_t wanted)
{
	struct mlops_csv_record record = { .fields = NULL };
	size_t at = 0;

	if (wanted > length)
		wanted = length;
	if (memchr(bytes, '"', wanted) == NULL) {
		const char *newline = memrchr(bytes, '\n', wanted);

		return newline != NULL ? (size_t)(newline - bytes) + 1 : 0;
	}
	while (at < wanted) {
		size_t rows = mlops_csv_cut_rows(csv, bytes + at, wanted - at);

		if (rows == 0) {
			mlops_csv_record_begin(&record);
			if (!mlops_csv_scan(&record, bytes + at, wanted - at, false, csv->input.delimiter))
				break;
			rows = record.position;
		}
		at += rows;
	}
	return at;
}

static void cut_parts(struct mlops_csv_reader *csv)
{
	struct mlops_csv_input *input = &csv->input;
	struct mlops_csv_parts *parts = csv->parts;

	parts->at = 0;
	for (parts->n = 0; parts->n < parts->room && input->at < input->end; parts->n++) {
		const char *bytes = input->buffer + input->at;
		size_t length = input->end - input->at;
		struct part *part = &parts->parts[parts->n];

		if (!input->ended || length > parts->wanted)
			length = find_end(csv, bytes, length, parts->wanted);
		if (length == 0)
			break;
		part->csv.input.buffer = input->buffer + input->at;
		part->csv.input.end = length;
		mlops_csv_input_pass(input, length);
	}
}

static void fill_part(void *context, size_t task, unsigned worker)
{
	struct mlops_csv_parts *parts = context;
	struct part *part = &parts->parts[task];

	(void)worker;
	mlops_csv_input_rewind_view(&part->csv.input);
	part->csv.failed.code = MLOPS_OK;
	mlops_chunk_clear(part->chunk);
	mlops_csv_fill(&part->csv, part->chunk, MLOPS_CHUNK_ROWS);
	part->filled = true;
}

/* So many bytes that a chunk is nearly full of their rows. */
static void learn_size(struct mlops_csv_parts *parts)
{
	size_t bytes = 0;
	size_t rows = 1;

	for (size_t i = 0; i < parts->n; i++) {
		bytes += parts->parts[i].csv.input.at;
		rows += parts->parts[i].chunk->rows;
	}
	bytes = bytes / rows * (MLOPS_CHUNK_ROWS - MLOPS_CHUNK_ROWS / 16);
	parts->wanted = bytes < SMALLEST_PART ? SMALLEST_PART : bytes > LARGEST_PART ? LARGEST_PART : bytes;
}

static void swap_chunks(struct mlops_chunk *a, struct mlops_chunk *b)
{
	struct mlops_chunk kept = *a;

	*a = *b;
	*b = kept;
}

static void add_counts(struct mlops_read_counts *to, struct mlops_read_counts *from)
{
	to->skipped_rows += from->skipped_rows;
	to->nulled_cells += from->nulled_cells;
	to->parse += from->parse;
	to->not_finite += from->not_finite;
	to->ragged += from->ragged;
	*from = (struct mlops_read_counts){ .rows = 0 };
}

/* The part's next rows, with lines as the whole input has them; none when it is used up, or at its error. */
static void hand_out(struct mlops_csv_reader *csv, struct part *part, struct mlops_chunk *chunk)
{
	uint64_t lines_ahead = csv->input.next_line - 1;

	if (part->filled)
		swap_chunks(chunk, part->chunk);
	else
		mlops_csv_fill(&part->csv, chunk, MLOPS_CHUNK_ROWS);
	part->filled = false;
	for (size_t row = 0; row < chunk->rows; row++)
		chunk->lines[row] += lines_ahead;
	add_counts(&csv->base.counts, &part->csv.base.counts);
	if (part->csv.failed.code != MLOPS_OK) {
		csv->failed = part->csv.failed;
		if (csv->failed.line > 0)
			csv->failed.line += lines_ahead;
	} else if (part->csv.input.at == part->csv.input.end) {
		csv->input.next_line += part->csv.input.next_line - 1;
		csv->parts->at++;
	}
}

bool mlops_csv_parts_next(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	struct mlops_csv_parts *parts = csv->parts;

	do {
		if (parts->at == parts->n) {
			fill_buffer(csv);
			cut_parts(csv);
			if (parts->n == 0) {
				csv->failed = parts->later;
				return parts->later.code != MLOPS_OK;
			}
			mlops_pool_run(csv->options->pool, parts->n, fill_part, parts);
			learn_size(parts);
		}
		hand_out(csv, &parts->parts[parts->at], chunk);
	} while (chunk->rows == 0 && csv->failed.code == MLOPS_OK);
	return true;
}
