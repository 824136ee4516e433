/*
 * Cutting CSV (RFC 4180) into records and fields.  The scan is done in one pass over the bytes and stops
 * where they end; called again with more of them it goes on where it stopped, so that its cost is linear for
 * any size of block.
 *
 *	mlops_csv_record_begin(&record);
 *	while (!mlops_csv_scan(&record, bytes, length, ended, delimiter))
 *		... if ended, a quote is open; else append to bytes ...
 *	// the next record is at bytes + record.position
 */
#ifndef MLOPS_ROWS_CSV_SCAN_H
#define MLOPS_ROWS_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_CSV_QUOTED 1  /* begin and length are inside of the quotes */
#define MLOPS_CSV_ESCAPED 2 /* "" stands in it for " */
#define MLOPS_CSV_BROKEN 4  /* text stands behind its closing quote */

struct mlops_csv_field {
	uint32_t begin; /* from the record's first byte */
	uint32_t length;
	uint32_t flags;
};

enum mlops_csv_state { MLOPS_CSV_AT_FIELD, MLOPS_CSV_IN_BARE, MLOPS_CSV_IN_QUOTES, MLOPS_CSV_AT_QUOTE };

struct mlops_csv_record {
	struct mlops_csv_field *fields; /* [room]; the caller's */
	size_t room;
	size_t n_fields;       /* of the record: may be more than room, then the first room are in fields */
	size_t position;       /* bytes looked at */
	size_t length;         /* of the record without its line's end */
	uint64_t newlines;     /* inside of quotes */
	uint64_t quote_newlines; /* newlines ahead of the last opening quote */
	size_t broken_field;   /* the first with MLOPS_CSV_BROKEN, if broken */
	bool broken;
	enum mlops_csv_state state;
	size_t begin;          /* of the field at hand */
	size_t quote;          /* the last quote seen in it */
	uint32_t flags;        /* of the field at hand */
};

/* Forgets the last record; fields and room stay. */
void mlops_csv_record_begin(struct mlops_csv_record *record);

/* bytes[0..length) begin with the record and hold at least one byte; at most UINT32_MAX of them are a record.
 * last: no more will come.  True when the record is complete. */
bool mlops_csv_scan(struct mlops_csv_record *record, const char *bytes, size_t length, bool last,
		    char delimiter);

/* What was seen of the header line when looking for its delimiter; starts as
 * { .candidates = ",;\t|", .at_start = true }. */
struct mlops_csv_sniff {
	char candidates[5];
	size_t counts[4];      /* how often each stands outside of quotes */
	size_t position;
	bool quoted;
	bool at_start;         /* of a field */
};

/* As mlops_csv_scan: true when the line is complete. */
bool mlops_csv_sniff(struct mlops_csv_sniff *sniff, const char *bytes, size_t length, bool last);

/* The most frequent candidate, the first of several. */
char mlops_csv_sniff_result(const struct mlops_csv_sniff *sniff);

#endif
