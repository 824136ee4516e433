/*
 * Kernels that take CSV (RFC 4180) apart: first where the fields end, 64 bytes at a time (Langdale and
 * Lemire, "Parsing gigabytes of JSON per second", 2019), then the numbers of one column of many rows.
 * What they do not know, unusual numbers and quotes where the RFC has none, they leave to the caller.
 */
#ifndef MLOPS_KERNEL_CSV_H
#define MLOPS_KERNEL_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_CSV_AHEAD 16  /* bytes ahead of the text that may be read; what they hold does not matter */
#define MLOPS_CSV_BEHIND 64 /* and behind it */

/* In values[] where a field is none of the plain numbers: a NaN that no other way leads to. */
#define MLOPS_CSV_UNUSUAL UINT32_C(0x7fc0dead)

struct mlops_csv_cut {
	uint32_t *ends;     /* [length + 8] where each field ends: its delimiter, or the row's newline */
	uint32_t *row_ends; /* [length] how many of ends belong to the rows up to this one */
	size_t rows;        /* complete ones */
	bool quotes;        /* there is a quote in them */
	bool doubtful;      /* stopped at a quote that does not stand as RFC 4180 has it */
};

/*
 * Cuts bytes[0..length), which begin with a row, into complete rows, up to the first quote that neither
 * opens a field nor closes one nor is doubled inside of one.  Fields are where they stand, quotes and a CR
 * ahead of the newline included.  delimiter is no quote and no newline; length < 2^32.
 */
typedef void mlops_kernel_csv_cut(const char *bytes, size_t length, char delimiter,
				  struct mlops_csv_cut *cut);

/* One field of many rows. */
struct mlops_csv_fields {
	const char *bytes;
	const uint32_t *ends; /* the first row's field ends at ends[0] and begins behind ends[-1], which must
			       * be there (UINT32_MAX ahead of the first byte) */
	size_t stride;        /* to the next row's */
	char mark;
	bool crlf;   /* one CR at a field's end does not count */
	bool quotes; /* fields may stand in quotes, which don't count either; one that begins with a quote
		      * ends with another */
};

#define MLOPS_CSV_LONGEST 32                                   /* bytes of a plain number without its sign */
#define MLOPS_CSV_LARGEST (UINT64_C(1843) * 10000000000000000) /* its digits are below that */

/*
 * values[r] for r < n is the number in row r's field.  A plain number is [-]digits with at most one mark
 * among them, of at most MLOPS_CSV_LONGEST bytes without the sign and below MLOPS_CSV_LARGEST without the
 * mark: as the nearest double and then rounded to float.  An empty field is NaN; else MLOPS_CSV_UNUSUAL, as
 * are a few plain numbers of so many digits that it takes more to tell which float is next.  Returns how many
 * are unusual.
 */
typedef size_t mlops_kernel_csv_numbers(const struct mlops_csv_fields *fields, size_t n, float *values);

mlops_kernel_csv_cut mlops_kernel_csv_cut_reference;
mlops_kernel_csv_numbers mlops_kernel_csv_numbers_reference;

#endif
