/*
 * What all columns of a table look like, as it was measured or as a model file carries it: the reference that
 * later rows are measured against.
 */
#ifndef MLOPS_CHECK_TABLE_PROFILE_H
#define MLOPS_CHECK_TABLE_PROFILE_H

#include "check/column_profile.h"

struct mlops_profiled_column {
	char *name;
	bool is_text;
	uint64_t rows, missing;
	struct mlops_column_figures figures; /* of numbers */
	char **texts;                        /* [n_texts] of texts: those that were counted one by one */
	uint64_t *counts;
	size_t n_texts;
	uint64_t other;  /* cells with a text that was not */
	double distinct; /* texts */
};

struct mlops_table_profile {
	uint64_t rows;
	size_t n_columns;
	struct mlops_profiled_column *columns;
	double error; /* the most that a share can be wrong because of how the reference was kept */
};

void mlops_table_profile_free(struct mlops_table_profile *profile);
const struct mlops_profiled_column *mlops_table_profile_find(const struct mlops_table_profile *profile,
							     const char *name);

/* The profile in a model file (check/profile.h).  category_names(context, feature, n) are the texts of a
 * category's shares, in their order, or NULL.  MLOPS_DATA when it is not such a profile; source names the
 * model. */
struct mlops_table_profile *mlops_table_profile_read(const char *json, const char *source,
						     char **(*category_names)(void *context,
									      const char *feature, size_t *n),
						     void *context, struct mlops_error *error);

#endif
