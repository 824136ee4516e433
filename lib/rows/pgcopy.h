/*
 * PostgreSQL's binary COPY format into chunks: a function of bytes, which knows nothing of a server.
 *
 *	struct mlops_pgcopy copy = { .options = ..., .fields = ..., .slots = ..., .counts = ... };
 *	mlops_pgcopy_init(&copy, &error);
 *	do {
 *		step = mlops_pgcopy_take(&copy, bytes, length, &used, chunk, limit);
 *		...
 *	} while (step != MLOPS_PGCOPY_END && step != MLOPS_PGCOPY_FAILED);
 *	mlops_pgcopy_release(&copy);
 *
 * The bytes may come in pieces of any size.  See "COPY", "File Formats", "Binary Format" in PostgreSQL's
 * manual, and the send functions of its types for what is in a field.
 *
 * What a cell is, is what its text would be in CSV: a numeric is the decimal number, true is 1 in a number
 * column and "true" in a text column, a timestamp is 2024-01-31T18:00:00, one with time zone has a Z behind
 * it, NULL and NaN are missing, infinities are errors.
 */
#ifndef MLOPS_ROWS_PGCOPY_H
#define MLOPS_ROWS_PGCOPY_H

#include "rows/reader.h"

enum mlops_pgcopy_type {
	MLOPS_PGCOPY_UNKNOWN, /* cannot be read */
	MLOPS_PGCOPY_BOOL,
	MLOPS_PGCOPY_INT2,
	MLOPS_PGCOPY_INT4,
	MLOPS_PGCOPY_INT8,
	MLOPS_PGCOPY_OID,
	MLOPS_PGCOPY_FLOAT4,
	MLOPS_PGCOPY_FLOAT8,
	MLOPS_PGCOPY_NUMERIC,
	MLOPS_PGCOPY_TEXT, /* text, varchar, char(n), name, "char"; enums and citext are sent as it is */
	MLOPS_PGCOPY_UUID,
	MLOPS_PGCOPY_DATE,
	MLOPS_PGCOPY_TIMESTAMP,
	MLOPS_PGCOPY_TIMESTAMPTZ
};

/* The built-in type of this object id. */
enum mlops_pgcopy_type mlops_pgcopy_type_of(uint32_t oid);

/* Whether a column of this type is one of numbers (or else of text) when nobody says which. */
bool mlops_pgcopy_is_number(enum mlops_pgcopy_type type);

struct mlops_pgcopy_field {
	enum mlops_pgcopy_type type;
	const char *name;	    /* for messages */
	const unsigned char *bytes; /* of the row at hand */
	int32_t length;		    /* -1: NULL */
};

struct mlops_pgcopy {
	const struct mlops_read_options *options;
	const char *source;		   /* for messages */
	struct mlops_pgcopy_field *fields; /* [n_fields] of each row, in order */
	size_t n_fields;
	const size_t *slots; /* [n_slots] for each column of the chunk the field it is filled from */
	size_t n_slots;
	struct mlops_read_counts *counts; /* what is wrong with cells is counted here */
	struct mlops_error failed;

	/* Its own: */
	bool begun; /* the header is behind us */
	bool ended;
	uint64_t row;	  /* rows so far, those left out among them */
	float *na_values; /* [n_na_values] */
	size_t n_na_values;
	struct mlops_buffer rest; /* the start of a row whose end has not come yet */
	struct mlops_buffer text; /* a cell as text */
};

/* Once, when options, fields and slots are there. */
bool mlops_pgcopy_init(struct mlops_pgcopy *copy, struct mlops_error *error);
void mlops_pgcopy_release(struct mlops_pgcopy *copy);

/* Ready for the bytes of another COPY of the same fields, whose rows count from 1 again. */
void mlops_pgcopy_restart(struct mlops_pgcopy *copy);

enum mlops_pgcopy_step {
	MLOPS_PGCOPY_MORE,  /* all bytes are used; more, please */
	MLOPS_PGCOPY_FULL,  /* the chunk has limit rows; *used bytes are used */
	MLOPS_PGCOPY_END,   /* the format's own end */
	MLOPS_PGCOPY_FAILED /* copy->failed says why; rows of the chunk ahead of it are good */
};

/* Adds rows to chunk.  Its lines are the rows' numbers from 1. */
enum mlops_pgcopy_step mlops_pgcopy_take(struct mlops_pgcopy *copy, const void *bytes, size_t length,
					 size_t *used, struct mlops_chunk *chunk, size_t limit);

/* A numeric's bytes as decimal text, "NaN", "Infinity" or "-Infinity", appended to text; false when they are
 * none. */
bool mlops_pgcopy_numeric_text(const unsigned char *bytes, size_t length, struct mlops_buffer *text);

#endif
