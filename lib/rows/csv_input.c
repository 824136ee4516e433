#include "rows/csv_input.h"

#include "kernel/csv.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)256 << 10)

static bool make_room(struct mlops_csv_input *input, size_t capacity, struct mlops_error *error)
{
	char *memory = realloc(input->memory, MLOPS_CSV_AHEAD + capacity + MLOPS_CSV_BEHIND);

	if (memory == NULL)
		return mlops_error_set_memory(error);
	input->memory = memory;
	input->buffer = memory + MLOPS_CSV_AHEAD;
	input->capacity = capacity;
	return true;
}

static void find_nul(struct mlops_csv_input *input, size_t from)
{
	const char *nul = from < input->end ? memchr(input->buffer + from, '\0', input->end - from) : NULL;

	input->nul = nul != NULL ? (size_t)(nul - input->buffer) : SIZE_MAX;
}

bool mlops_csv_input_init(struct mlops_csv_input *input, struct mlops_source *source, size_t max_line,
			  const void *head, size_t head_length, struct mlops_error *error)
{
	*input = (struct mlops_csv_input){
		.source = source,
		.max_line = max_line,
		.end = head_length,
		.next_line = 1,
	};
	if (!make_room(input, head_length > BLOCK ? head_length : BLOCK, error))
		return false;
	memset(input->memory, 0, MLOPS_CSV_AHEAD);
	if (head_length > 0)
		memcpy(input->buffer, head, head_length);
	find_nul(input, 0);
	return true;
}

void mlops_csv_input_release(struct mlops_csv_input *input)
{
	free(input->memory);
	input->memory = NULL;
}

void mlops_csv_input_pass(struct mlops_csv_input *input, size_t length)
{
	input->at += length;
	/* a record that was looked at before its end had come is among those that are passed over */
	if (length > 0)
		input->begun = false;
	if (input->nul < input->at)
		find_nul(input, input->at);
}

bool mlops_csv_input_exchange(struct mlops_csv_input *input, char **memory, size_t *capacity,
			      struct mlops_error *error)
{
	struct mlops_csv_input fresh = { .memory = *memory, .capacity = *capacity };
	size_t left = input->end - input->at;

	if (fresh.capacity < input->capacity) {
		if (!make_room(&fresh, input->capacity, error))
			return false;
		memset(fresh.memory, 0, MLOPS_CSV_AHEAD);
	}
	*memory = input->memory;
	*capacity = input->capacity;
	memcpy(fresh.memory + MLOPS_CSV_AHEAD, input->buffer + input->at, left);
	input->memory = fresh.memory;
	input->buffer = fresh.memory + MLOPS_CSV_AHEAD;
	input->capacity = fresh.capacity;
	if (input->nul != SIZE_MAX)
		input->nul -= input->at;
	input->at = 0;
	input->kept = 0;
	input->end = left;
	return true;
}

void mlops_csv_input_rewind_view(struct mlops_csv_input *input)
{
	input->at = 0;
	input->next_line = 1;
	input->ended = true;
	input->begun = false;
	input->pinned = false;
	find_nul(input, 0);
}

static void move_to_front(struct mlops_csv_input *input)
{
	size_t kept = input->pinned ? input->kept : input->at;

	if (kept > 0 && input->end > kept)
		memmove(input->buffer, input->buffer + kept, input->end - kept);
	input->at -= kept;
	input->end -= kept;
	if (input->nul != SIZE_MAX)
		input->nul -= kept;
	input->kept = 0;
}

bool mlops_csv_input_fill(struct mlops_csv_input *input, struct mlops_error *error)
{
	size_t room;
	size_t got;

	move_to_front(input);
	if (input->end == input->capacity) {
		if (input->capacity > SIZE_MAX / 4)
			return mlops_error_set_memory(error);
		if (!make_room(input, input->capacity * 2, error))
			return false;
	}
	room = input->capacity - input->end;
	if (!mlops_source_read(input->source, input->buffer + input->end, room < BLOCK ? room : BLOCK, &got,
			       error))
		return false;
	input->ended = got == 0;
	input->end += got;
	if (input->nul == SIZE_MAX)
		find_nul(input, input->end - got);
	return true;
}

bool mlops_csv_input_skip_empty(struct mlops_csv_input *input)
{
	while (input->at < input->end) {
		size_t left = input->end - input->at;
		const char *p = input->buffer + input->at;
		size_t length = *p == '\r' ? 2 : 1;

		if (*p == '\r' && left == 1 && input->ended)
			length = 1;
		else if (length > left)
			return false;
		else if (p[length - 1] != '\n')
			return true;
		input->at += length;
		input->next_line++;
	}
	return false;
}

static enum mlops_csv_step refuse_length(const struct mlops_csv_input *input, struct mlops_error *error)
{
	const struct mlops_csv_record *record = &input->record;

	if (record->newlines > record->quote_newlines)
		mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(input->source),
				   input->next_line + record->quote_newlines,
				   "the quote that opens here is not closed within %zu bytes",
				   input->max_line);
	else
		mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(input->source), input->next_line,
				   "the line is longer than %zu bytes", input->max_line);
	return MLOPS_CSV_FAILED;
}

enum mlops_csv_step mlops_csv_input_step(struct mlops_csv_input *input, struct mlops_error *error)
{
	struct mlops_csv_record *record = &input->record;

	if (!input->begun) {
		if (!mlops_csv_input_skip_empty(input))
			return input->ended ? MLOPS_CSV_END : MLOPS_CSV_MORE;
		mlops_csv_record_begin(record);
		input->begun = true;
	}
	if (!mlops_csv_scan(record, input->buffer + input->at, input->end - input->at, input->ended,
			    input->delimiter)) {
		/* One byte more may be the CR of the line's end. */
		if (record->position > input->max_line + 1)
			return refuse_length(input, error);
		if (!input->ended)
			return MLOPS_CSV_MORE;
		mlops_error_set_at(error, MLOPS_DATA, mlops_source_name(input->source),
				   input->next_line + record->quote_newlines,
				   "the quote that opens here is never closed");
		return MLOPS_CSV_FAILED;
	}
	if (record->length > input->max_line)
		return refuse_length(input, error);
	input->begun = false;
	input->bytes = input->buffer + input->at;
	input->line = input->next_line;
	input->at += record->position;
	input->next_line += record->newlines + 1;
	input->has_nul = input->nul < input->at;
	if (input->has_nul)
		find_nul(input, input->at);
	return MLOPS_CSV_RECORD;
}

void mlops_csv_input_pin(struct mlops_csv_input *input)
{
	input->pinned = true;
	input->kept = input->at;
	input->pinned_line = input->next_line;
}

void mlops_csv_input_rewind(struct mlops_csv_input *input)
{
	input->pinned = false;
	input->begun = false;
	input->at = input->kept;
	input->next_line = input->pinned_line;
	find_nul(input, input->at);
}
