/*
 * All rows of a training input in memory, column by column.
 *
 * Text features become categories: codes 0 … n-1 as float32, where the categories are in ascending byte order, so that
 * the result does not depend on the order of rows; NaN where missing.  The target becomes class codes: classes that all
 * read as numbers are in ascending numeric order, others in byte order; for two classes of text the rarer one
 * comes second (the positive class), unless positive names it.
 */
#ifndef MLOPS_ROWS_DATASET_H
#define MLOPS_ROWS_DATASET_H

#include "rows/matrix.h"
#include "rows/select.h"

#define MLOPS_MAX_CATEGORIES 255
#define MLOPS_MAX_CLASSES 255

struct mlops_feature {
	char *name;
	char **categories;   /* [n_categories] in code order; NULL for a number */
	size_t n_categories;
};

struct mlops_dataset {
	size_t n_rows;
	size_t n_features;
	float **columns;               /* [n_features][n_rows] */
	struct mlops_feature *features;/* [n_features] */
	uint32_t *target;              /* [n_rows] class codes, or NULL */
	char **classes;                /* [n_classes] */
	size_t n_classes;
	uint64_t missing_targets;      /* rows left out because their target is missing */
	int64_t *times;                /* [n_rows] or NULL when there is no time column */
	uint32_t *groups;              /* [n_rows] codes of the id column, or NULL */
	size_t n_groups;
	char sha256[65];               /* of names, values, target and order of rows; the same for CSV and JSON */
};

struct mlops_dataset_options {
	const char *positive;          /* the positive class of two, or NULL */
	const struct mlops_dataset *like; /* categories and classes of this one are taken over (a text that it lacks is
					   * missing; a class that it lacks is an error): how --test FILE is read */
	bool (*progress)(void *context, uint64_t rows); /* may be NULL; false stops with MLOPS_CLOSED */
	void *progress_context;
};

/* Binds the selection and reads the reader to its end.  No row at all: MLOPS_DATA "NAME: no data rows".
 * A text feature of more than MLOPS_MAX_CATEGORIES texts, a target of more than MLOPS_MAX_CLASSES: MLOPS_DATA. */
struct mlops_dataset *mlops_dataset_read(struct mlops_reader *reader, const struct mlops_selection *selection,
					 const struct mlops_dataset_options *options, struct mlops_error *error);
void mlops_dataset_free(struct mlops_dataset *dataset);

/* All rows (rows == NULL) or the given ones, as a matrix view; nothing is copied, rows stay the caller's. */
struct mlops_matrix mlops_dataset_matrix(const struct mlops_dataset *dataset, const uint32_t *rows, size_t n_rows);

void mlops_features_free(struct mlops_feature *features, size_t n);

#endif
