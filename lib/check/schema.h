/*
 * What a table should look like: its columns, what their values may be, and how each check is set.  As a file
 * it is JSON, described in mlops-schema(5); as a struct it is what validation works with, whether it was read
 * from a file or learnt from rows.
 *
 *	struct mlops_schema *schema = mlops_schema_read(bytes, length, "schema.json", &error);
 *	const struct mlops_schema_column *column = mlops_schema_find(schema, "temp");
 *	mlops_schema_write(schema, &buffer);
 *	mlops_schema_free(schema);
 *
 * Errors of reading are MLOPS_CONFIG, with the file's name, the place in it, and the nearest known word.
 */
#ifndef MLOPS_CHECK_SCHEMA_H
#define MLOPS_CHECK_SCHEMA_H

#include "base/buffer.h"
#include "check/rule.h"

enum mlops_schema_type { MLOPS_SCHEMA_NUMBER, MLOPS_SCHEMA_TEXT };

#define MLOPS_CLIMATE_BINS 24 /* the hours of a day (UTC), or twelve months */

struct mlops_schema_column {
	char *name;
	enum mlops_schema_type type;
	bool required; /* an error when it is not there */
	bool whole, unique;
	char **categories; /* [n_categories], or NULL: any text */
	size_t n_categories;
	size_t climate_bins;                                                       /* 0, 24 or 12 */
	float climate_least[MLOPS_CLIMATE_BINS], climate_most[MLOPS_CLIMATE_BINS]; /* NaN: not known */
	uint32_t markers; /* bit i: mlops_markers[i] is an ordinary value here */
	struct mlops_limits limits;
};

/* first - second lies between least and most. */
struct mlops_schema_pair {
	char *first, *second;
	double least, most;
};

struct mlops_schema {
	char *time, *id; /* names of columns, or NULL */
	char **sensors;  /* [n_sensors], or NULL: any */
	size_t n_sensors;
	struct mlops_schema_column *columns; /* [n_columns] all others */
	size_t n_columns;
	struct mlops_schema_pair *pairs; /* [n_pairs] */
	size_t n_pairs;
	struct mlops_limits limits; /* of the table */
};

#define MLOPS_MARKERS 8
extern const float mlops_markers[MLOPS_MARKERS];

struct mlops_schema *mlops_schema_new(struct mlops_error *error);
void mlops_schema_free(struct mlops_schema *schema);

/* Another column, with the checks' usual settings; NULL when memory runs out.  Columns move. */
struct mlops_schema_column *mlops_schema_add_column(struct mlops_schema *schema, const char *name,
						    struct mlops_error *error);
bool mlops_schema_add_pair(struct mlops_schema *schema, const char *first, const char *second, double least,
			   double most, struct mlops_error *error);
/* Another text at the end of a growing list. */
bool mlops_schema_add_text(char ***texts, size_t *n, const char *text, size_t length,
			   struct mlops_error *error);

struct mlops_schema_column *mlops_schema_find(const struct mlops_schema *schema, const char *name);

/* "spike.most=2.5", for the table and every column. */
bool mlops_schema_set(struct mlops_schema *schema, const char *text, struct mlops_error *error);
bool mlops_schema_choose(struct mlops_schema *schema, const char *const *names, size_t n,
			 struct mlops_error *error);

struct mlops_schema *mlops_schema_read(const char *bytes, size_t length, const char *source,
				       struct mlops_error *error);
/* A column a line; out->failed when memory ran out. */
void mlops_schema_write(const struct mlops_schema *schema, struct mlops_buffer *out);

#endif
