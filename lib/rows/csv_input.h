/*
 * One record of CSV after the other from a source, through a buffer that holds a block, or the record where
 * that is longer.  Never waits by itself: the caller decides about reading more for an incomplete record.
 */
#ifndef MLOPS_ROWS_CSV_INPUT_H
#define MLOPS_ROWS_CSV_INPUT_H

#include "rows/csv_scan.h"
#include "rows/source.h"

#define MLOPS_CSV_WINDOW_BYTES ((size_t)64 << 10)

enum mlops_csv_step {
	MLOPS_CSV_RECORD, /* bytes, line, has_nul and record are about the next record */
	MLOPS_CSV_MORE,   /* call mlops_csv_input_fill, then try again */
	MLOPS_CSV_END,
	MLOPS_CSV_FAILED  /* error says why: a record too long, a quote never closed */
};

struct mlops_csv_input {
	struct mlops_source *source;
	size_t max_line;
	char delimiter;
	struct mlops_csv_record record;
	const char *bytes;   /* of the record; until the next fill */
	uint64_t line;       /* where it begins */
	bool has_nul;

	char *memory;        /* the buffer, with room to read ahead of it and behind it (kernel/csv.h) */
	char *buffer;
	size_t capacity;
	size_t kept;         /* buffer[kept..end) is in use */
	size_t at;           /* the next record's place */
	size_t end;
	size_t nul;          /* the first NUL byte at or behind at; SIZE_MAX: none */
	uint64_t next_line;
	bool ended;          /* the source has */
	bool begun;          /* the record at `at` has been looked at */
	bool pinned;         /* records that were handed out stay in the buffer, for mlops_csv_input_rewind */
	uint64_t pinned_line;
};

/* Copies head.  delimiter, record.fields and record.room are set by the caller, later. */
bool mlops_csv_input_init(struct mlops_csv_input *input, struct mlops_source *source, size_t max_line,
			  const void *head, size_t head_length, struct mlops_error *error);
void mlops_csv_input_release(struct mlops_csv_input *input);

/* Passes over length bytes, records that are taken from the buffer another way; their lines are not counted. */
void mlops_csv_input_pass(struct mlops_csv_input *input, size_t length);

/* Gives the buffer away, with what was passed over, against *memory of *capacity bytes, to which what is left
 * moves; both may be nothing at first, and are freed by the caller.  False when memory ran out. */
bool mlops_csv_input_exchange(struct mlops_csv_input *input, char **memory, size_t *capacity,
			      struct mlops_error *error);

/* For an input without a source but with buffer[0..end), which is somebody else's: begins at its start, line 1. */
void mlops_csv_input_rewind_view(struct mlops_csv_input *input);

enum mlops_csv_step mlops_csv_input_step(struct mlops_csv_input *input, struct mlops_error *error);

/* Reads once from the source, which may wait. */
bool mlops_csv_input_fill(struct mlops_csv_input *input, struct mlops_error *error);

/* Moves to the next line that is not empty; false where more bytes are needed, or there are none. */
bool mlops_csv_input_skip_empty(struct mlops_csv_input *input);

/* From here on records are kept (at most MLOPS_CSV_WINDOW_BYTES and one more record), for the way back. */
void mlops_csv_input_pin(struct mlops_csv_input *input);
void mlops_csv_input_rewind(struct mlops_csv_input *input);

#endif
