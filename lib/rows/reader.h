/*
 * A reader turns a source into chunks.  CSV and JSON today; a database tomorrow: the caller sees no difference.
 *
 *	struct mlops_source *source = mlops_source_open("sensors.csv", &error);
 *	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
 *	struct mlops_reader *reader = mlops_reader_open(source, &options, &error);
 *	... look at reader->columns, choose ...
 *	mlops_reader_bind(reader, bindings, n, &error);           // once
 *	struct mlops_chunk *chunk = mlops_chunk_new(types, n, &error);
 *	do {
 *		mlops_reader_next(reader, chunk, &error)          // false: error; chunk->rows == 0: the end
 *	} while (chunk->rows > 0);
 *	mlops_reader_free(reader); mlops_source_free(source);
 *
 * Opening reads the header and a first window of rows (up to 1000 rows or 64 KiB) and guesses each column's type: text
 * when at least half of the cells there that are not missing do not read as numbers, else number.  Columns that are
 * not bound are not converted, and errors in their cells are not seen.
 *
 * Rules for CSV follow RFC 4180 and interface.md: delimiter , ; tab or | found from the header line; a byte order mark,
 * CRLF, lone CR before LF, a missing last newline; fields in double quotes may hold delimiters, newlines and ""; empty
 * lines are passed over; a header that is exactly one field shorter than the rows gets a first column "row"
 * (as R writes row names), and so does a first name that is empty (pandas' index).  Names are unquoted and stripped of surrounding spaces; two columns with one name are an error
 * (MLOPS_DATA), and so is an empty name unless the column is empty in the whole window (such columns are dropped).
 * Number cells: spaces around are ignored; missing words (empty, NA NaN null NULL None Bad "No Data" NODATA MISSING without
 * regard to case, and the caller's own) become NaN; "inf" and numbers beyond float32 are errors, not infinities.
 *
 * Rules for JSON: JSON Lines, or one array of objects, or one object.  Columns are the keys in order of first appearance in
 * the window; a key missing from an object is a missing value; true and false read as 1 and 0 in number columns; a nested
 * array or object in a bound column is an error.  Keys that first appear after the window are ignored.  An array without
 * an object in it has no rows and no columns: no_rows says so.
 * Broken JSON (also a string that is not UTF-8, nesting deeper than 64) is passed over by MLOPS_ON_ERROR_SKIP up to the next
 * newline in JSON Lines and is an error everywhere else, for no row can be made of it; so is a key twice in one object,
 * which SKIP passes over in arrays too.  The line in messages is the one where the object begins.
 *
 * Errors: MLOPS_DATA with source name and line, message `column "temp": 'abc' is not a number`,
 * `row has 5 fields, the header has 7`, ...  What is done with bad cells and rows is on_error's choice; nothing is dropped
 * without being counted.  A line longer than max_line bytes is always an error.
 */
#ifndef MLOPS_ROWS_READER_H
#define MLOPS_ROWS_READER_H

#include "base/time_format.h"
#include "rows/chunk.h"
#include "rows/source.h"

struct mlops_pivot_options;
struct mlops_pool;

enum mlops_format { MLOPS_FORMAT_AUTO, MLOPS_FORMAT_CSV, MLOPS_FORMAT_JSON };

enum mlops_on_error {
	MLOPS_ON_ERROR_STOP, /* the first bad cell or row is an error */
	MLOPS_ON_ERROR_SKIP, /* its row is left out and counted */
	MLOPS_ON_ERROR_NULL  /* the cell is missing and counted; a short row gets missing cells, a long row loses the surplus */
};

struct mlops_read_options {
	enum mlops_format format;
	char delimiter;            /* 0 = automatic */
	char decimal;              /* '.', ',' or 0 = automatic (comma only where the delimiter is ';') */
	const char *const *na;     /* further missing words, compared as bytes; for number cells also by value (-200 matches -200.0) */
	size_t n_na;
	enum mlops_on_error on_error;
	/* The time column, where its times are not in a usual form or not in UTC: see rows/time_column.h. */
	const char *const *time_columns; /* NULL: the one with a usual name; more than one are joined */
	size_t n_time_columns;
	const struct mlops_timezone *timezone;       /* of times without one; NULL: UTC */
	const struct mlops_time_format *time_format; /* NULL: the usual forms */
	const struct mlops_pivot_options *pivot; /* NULL: a row is a row; else see rows/pivot.h */
	bool interactive;          /* hand out the rows there are when the source would make us wait; also for the window */
	bool one_row;              /* every chunk has one row */
	size_t max_line;           /* bytes in one row */
	struct mlops_pool *pool;   /* its threads read CSV, also between calls; rows are the same.  NULL: the
				      caller's only.  PostgreSQL has a connection for each, four at most */
};

#define MLOPS_READ_OPTIONS_INIT { .format = MLOPS_FORMAT_AUTO, .max_line = (size_t)16 << 20 }

/* What happened to the rows; counters only grow.  After an error all but `rows` may count what was read ahead. */
struct mlops_read_counts {
	uint64_t rows;           /* handed out */
	uint64_t skipped_rows;   /* left out by MLOPS_ON_ERROR_SKIP */
	uint64_t nulled_cells;   /* made missing by MLOPS_ON_ERROR_NULL */
	uint64_t parse;          /* bad cells: not a number, not a time */
	uint64_t not_finite;     /* bad cells: infinite, or too large for float32 */
	uint64_t late;           /* samples of a pivot that came too late and were left out */
	uint64_t stray;          /* samples of a pivot without time or tag, or of a tag that is no column; left out */
	uint64_t ragged;         /* rows with too few or too many fields, or broken JSON */
};

struct mlops_column_info {
	char *name;                   /* NUL-terminated; never empty */
	enum mlops_column_type guess; /* NUMBER or TEXT */
	bool all_missing;             /* in the window */
	bool row_name;                /* what R and pandas write ahead of the columns; then name is "row" */
};

struct mlops_binding {
	size_t column;               /* index into reader->columns */
	enum mlops_column_type type; /* how to convert it */
};

struct mlops_reader;

struct mlops_reader_ops {
	bool (*bind)(struct mlops_reader *reader, const struct mlops_binding *bindings, size_t n, struct mlops_error *error);
	bool (*next)(struct mlops_reader *reader, struct mlops_chunk *chunk, struct mlops_error *error);
	void (*free)(struct mlops_reader *reader);
};

/* A kind of reader embeds this as its first member. */
struct mlops_reader {
	const struct mlops_reader_ops *ops;
	const char *name;                  /* of the source, for messages; NULL = none */
	struct mlops_column_info *columns; /* [n_columns]; owned by the reader */
	size_t n_columns;
	bool no_rows;                      /* an empty JSON array: there is no row, and so no column is known */
	bool has_time;                     /* the reader knows which column is the time: */
	size_t time_column;
	bool knows_id;                     /* and which is the id, if there is one: */
	size_t id_column;                  /* or SIZE_MAX */
	struct mlops_read_counts counts;
};

/* Finds the format (a first byte other than white space that is { or [ means JSON) and opens the reader for it.
 * An input without any byte, or with nothing but white space: MLOPS_DATA "NAME: the input is empty".
 * source and what options points to must outlive the reader. */
struct mlops_reader *mlops_reader_open(struct mlops_source *source, const struct mlops_read_options *options,
				       struct mlops_error *error);

/* The same where the source was read already: first is what was. */
struct mlops_reader *mlops_reader_open_behind(struct mlops_source *source, const struct mlops_buffer *first,
					      const struct mlops_read_options *options, struct mlops_error *error);

/* The same column may be bound more than once (a time column as TEXT and as TIME). */
bool mlops_reader_bind(struct mlops_reader *reader, const struct mlops_binding *bindings, size_t n,
		       struct mlops_error *error);

/* Fills chunk, whose columns must have the bound types in the bound order.  chunk->rows == 0 is the end.  The rows ahead of
 * an error come first; it comes with the call behind them. */
bool mlops_reader_next(struct mlops_reader *reader, struct mlops_chunk *chunk, struct mlops_error *error);
void mlops_reader_free(struct mlops_reader *reader);

/* For the kinds of readers: given the bytes already read from source to find the format. */
struct mlops_reader *mlops_csv_open(struct mlops_source *source, const void *head, size_t head_length,
				    const struct mlops_read_options *options, struct mlops_error *error);
/* Puts around a reader what options ask for besides its format.  reader belongs to the result, and is freed on failure. */
struct mlops_reader *mlops_reader_dress(struct mlops_reader *reader, const struct mlops_read_options *options,
					struct mlops_error *error);

struct mlops_reader *mlops_json_open_reader(struct mlops_source *source, const void *head, size_t head_length,
					    const struct mlops_read_options *options, struct mlops_error *error);

#endif
