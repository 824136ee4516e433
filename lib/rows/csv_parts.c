#include "rows/csv.h"

#include <stdlib.h>
#include <string.h>

#define MOST_PARTS 16
#define SMALLEST_PART ((size_t)16 << 10)
/* All parts at once stay in the cache that threads share. */
#define LARGEST_PART ((size_t)128 << 10)
/* Chunks of very many columns are not held more than once. */
#define LARGEST_CHUNK ((size_t)2 << 20)

/* Some records, one behind the other, and the reader that one task has for them: its lines count from 1. */
struct part {
	struct mlops_csv_reader csv;
	struct mlops_chunk *chunk;
	bool filled; /* chunk has rows that were not handed out */
};

/* What the pool's threads read in one go, from memory of its own. */
struct batch {
	struct part *parts; /* [room] */
	size_t n;           /* of them that hold records */
	size_t at;          /* the one whose rows are next */
	char *memory;
	size_t capacity;
};

/* While one batch is handed out, threads read the next, and the one behind it is fetched from the source. */
struct mlops_csv_parts {
	struct batch batches[3];
	struct batch *handed_out, *reading, *fetched;
	struct mlops_pool *pool;
	bool running; /* the pool has `reading` */
	size_t room;
	size_t wanted;		  /* bytes in a part: not quite the rows of a chunk */
	struct mlops_error later; /* comes after what was read ahead of it */
};

static void batch_release(struct batch *batch, size_t room)
{
	for (size_t i = 0; i < room && batch->parts != NULL; i++) {
		struct mlops_csv_reader *csv = &batch->parts[i].csv;

		free(csv->input.record.fields);
		mlops_csv_batch_release(&csv->batch);
		mlops_buffer_release(&csv->scratch);
		mlops_chunk_free(batch->parts[i].chunk);
	}
	free(batch->parts);
	free(batch->memory);
}

void mlops_csv_parts_free(struct mlops_csv_parts *parts)
{
	if (parts == NULL)
		return;
	if (parts->running)
		mlops_pool_finish(parts->pool);
	for (size_t b = 0; b < 3; b++)
		batch_release(&parts->batches[b], parts->room);
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

static bool batch_init(struct batch *batch, const struct mlops_csv_reader *csv, size_t room,
		       const enum mlops_column_type *types, struct mlops_error *error)
{
	batch->parts = calloc(room, sizeof *batch->parts);
	if (batch->parts == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < room; i++)
		if (!part_init(&batch->parts[i], csv, types, error))
			return false;
	return true;
}

bool mlops_csv_parts_new(struct mlops_csv_reader *csv, struct mlops_error *error)
{
	unsigned workers = mlops_pool_workers(csv->options->pool);
	size_t chunk_bytes = csv->n_bound * MLOPS_CHUNK_ROWS * sizeof(float);
	struct mlops_csv_parts *parts;
	enum mlops_column_type *types;
	bool ok;

	if (workers == 1 || csv->options->one_row || chunk_bytes > LARGEST_CHUNK)
		return true;
	parts = calloc(1, sizeof *parts);
	types = calloc(csv->n_bound + 1, sizeof *types);
	ok = (parts != NULL && types != NULL) || mlops_error_set_memory(error);
	if (ok) {
		parts->pool = csv->options->pool;
		parts->room = workers < MOST_PARTS / 4 ? 4 * workers : MOST_PARTS;
		parts->wanted = LARGEST_PART;
		parts->handed_out = &parts->batches[0];
		parts->reading = &parts->batches[1];
		parts->fetched = &parts->batches[2];
	}
	for (size_t i = 0; i < csv->n_bound && ok; i++)
		types[i] = csv->bound[i].type;
	for (size_t b = 0; b < 3 && ok; b++)
		ok = batch_init(&parts->batches[b], csv, parts->room, types, error);
	free(types);
	if (ok)
		csv->parts = parts;
	else
		mlops_csv_parts_free(parts);
	return ok;
}

/* Reads until the buffer holds what all parts want, or the next byte would have to be waited for although
 * there are rows to hand out. */
static void fill_buffer(struct mlops_csv_reader *csv, bool ahead)
{
	struct mlops_csv_input *input = &csv->input;
	struct mlops_csv_parts *parts = csv->parts;

	while (parts->later.code == MLOPS_OK && !input->ended &&
	       input->end - input->at < parts->room * parts->wanted &&
	       !(csv->options->interactive && (ahead || input->at < input->end) &&
		 !mlops_source_ready(input->source)))
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

static void cut_parts(struct mlops_csv_reader *csv, struct batch *batch)
{
	struct mlops_csv_input *input = &csv->input;
	struct mlops_csv_parts *parts = csv->parts;

	batch->at = 0;
	for (batch->n = 0; batch->n < parts->room && input->at < input->end; batch->n++) {
		const char *bytes = input->buffer + input->at;
		size_t length = input->end - input->at;
		struct part *part = &batch->parts[batch->n];

		if (!input->ended || length > parts->wanted)
			length = find_end(csv, bytes, length, parts->wanted);
		if (length == 0)
			break;
		part->csv.input.buffer = input->buffer + input->at;
		part->csv.input.end = length;
		mlops_csv_input_pass(input, length);
	}
}

/* ahead: while other rows can be handed out. */
static void fetch(struct mlops_csv_reader *csv, bool ahead)
{
	struct mlops_csv_parts *parts = csv->parts;
	struct batch *batch = parts->fetched;

	fill_buffer(csv, ahead);
	cut_parts(csv, batch);
	if (batch->n > 0 &&
	    !mlops_csv_input_exchange(&csv->input, &batch->memory, &batch->capacity, &parts->later))
		batch->n = 0;
}

static void fill_part(void *context, size_t task, unsigned worker)
{
	struct batch *batch = context;
	struct part *part = &batch->parts[task];

	(void)worker;
	mlops_csv_input_rewind_view(&part->csv.input);
	part->csv.failed.code = MLOPS_OK;
	mlops_chunk_clear(part->chunk);
	mlops_csv_fill(&part->csv, part->chunk, MLOPS_CHUNK_ROWS);
	part->filled = true;
}

/* So many bytes that a chunk is nearly full of their rows. */
static void learn_size(struct mlops_csv_parts *parts, const struct batch *batch)
{
	size_t bytes = 0;
	size_t rows = 1;

	for (size_t i = 0; i < batch->n; i++) {
		bytes += batch->parts[i].csv.input.at;
		rows += batch->parts[i].chunk->rows;
	}
	bytes = bytes / rows * (MLOPS_CHUNK_ROWS - MLOPS_CHUNK_ROWS / 16);
	parts->wanted = bytes < SMALLEST_PART ? SMALLEST_PART : bytes > LARGEST_PART ? LARGEST_PART : bytes;
}

/* Begins to read what was fetched. */
static void start(struct mlops_csv_parts *parts)
{
	struct batch *batch = parts->fetched;

	parts->fetched = parts->reading;
	parts->reading = batch;
	/* Waking threads for one part costs more than reading it here. */
	parts->running = batch->n > 1 && mlops_pool_start(parts->pool, batch->n, fill_part, batch);
}

static void finish(struct mlops_csv_parts *parts)
{
	struct batch *batch = parts->reading;

	if (parts->running)
		mlops_pool_finish(parts->pool);
	else
		mlops_pool_run(parts->pool, batch->n, fill_part, batch);
	parts->running = false;
	learn_size(parts, batch);
	parts->reading = parts->handed_out;
	parts->handed_out = batch;
	parts->reading->n = 0;
}

/* The next batch, once handed_out is used up.  False when there is none. */
static bool advance(struct mlops_csv_reader *csv)
{
	struct mlops_csv_parts *parts = csv->parts;

	if (parts->reading->n == 0) {
		if (parts->fetched->n == 0)
			fetch(csv, false);
		if (parts->fetched->n == 0)
			return false;
		start(parts);
		fetch(csv, true);
	}
	finish(parts);
	if (parts->fetched->n > 0) {
		start(parts);
		fetch(csv, true);
	}
	return true;
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
		csv->parts->handed_out->at++;
	}
}

bool mlops_csv_parts_next(struct mlops_csv_reader *csv, struct mlops_chunk *chunk)
{
	struct mlops_csv_parts *parts = csv->parts;

	do {
		struct batch *batch = parts->handed_out;

		if (batch->at == batch->n && !advance(csv)) {
			csv->failed = parts->later;
			return parts->later.code != MLOPS_OK;
		}
		batch = parts->handed_out;
		hand_out(csv, &batch->parts[batch->at], chunk);
	} while (chunk->rows == 0 && csv->failed.code == MLOPS_OK);
	return true;
}
