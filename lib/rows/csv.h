/* The CSV reader's inside, shared by its opening (csv_open.c) and its reading of rows (csv.c). */
#ifndef MLOPS_ROWS_CSV_H
#define MLOPS_ROWS_CSV_H

#include "base/buffer.h"
#include "rows/csv_input.h"
#include "rows/reader.h"

struct mlops_csv_reader {
	struct mlops_reader base;
	const struct mlops_read_options *options;
	struct mlops_csv_input input;
	char decimal;
	size_t n_fields;             /* of each row */
	size_t *fields;              /* [base.n_columns] each column's field */
	struct mlops_binding *bound; /* [n_bound] */
	size_t n_bound;
	float *na_values;            /* [n_na_values] */
	size_t n_na_values;
	struct mlops_buffer scratch; /* a cell without its doubled quotes */
	struct mlops_error failed;   /* comes after the rows ahead of it have been handed out */
};

extern const struct mlops_reader_ops mlops_csv_ops;

/* A field's bytes, with "" made "; in scratch where need be, else in record.  NULL when memory ran out. */
const char *mlops_csv_text(const char *record, const struct mlops_csv_field *field,
			   struct mlops_buffer *scratch, size_t *length);

#endif
