/*
 * A view of float32 columns, whole or some rows of them: what models are fitted on and score.  Owns nothing.
 * Row r of the view is element rows[r] of each column, or element r when rows is NULL.
 */
#ifndef MLOPS_ROWS_MATRIX_H
#define MLOPS_ROWS_MATRIX_H

#include <stddef.h>
#include <stdint.h>

struct mlops_matrix {
	const float *const *columns; /* [n_columns], each long enough for every index in rows */
	size_t n_columns;
	const uint32_t *rows;        /* [n_rows] or NULL */
	size_t n_rows;
};

static inline float mlops_matrix_at(const struct mlops_matrix *matrix, size_t row, size_t column)
{
	return matrix->columns[column][matrix->rows != NULL ? matrix->rows[row] : row];
}

#endif
