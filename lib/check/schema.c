#include "check/schema.h"

#include <stdlib.h>
#include <string.h>

const float mlops_markers[MLOPS_MARKERS] = { -9999, -999, -99, 9999, 99999, 32767, -32768, 65535 };

struct mlops_schema *mlops_schema_new(struct mlops_error *error)
{
	struct mlops_schema *schema = calloc(1, sizeof *schema);

	if (schema == NULL)
		mlops_error_set_memory(error);
	else
		mlops_limits_default(&schema->limits);
	return schema;
}

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void mlops_schema_free(struct mlops_schema *schema)
{
	if (schema == NULL)
		return;
	for (size_t i = 0; i < schema->n_columns; i++) {
		free(schema->columns[i].name);
		free_texts(schema->columns[i].categories, schema->columns[i].n_categories);
	}
	for (size_t i = 0; i < schema->n_pairs; i++) {
		free(schema->pairs[i].first);
		free(schema->pairs[i].second);
	}
	free_texts(schema->sensors, schema->n_sensors);
	free(schema->columns);
	free(schema->pairs);
	free(schema->time);
	free(schema->id);
	free(schema);
}

/* Room for one more item of that size, zeroed; NULL when memory runs out. */
static void *grow(void **items, size_t n, size_t size, struct mlops_error *error)
{
	char *larger = reallocarray(*items, n + 1, size);

	if (larger == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	*items = larger;
	return memset(larger + n * size, 0, size);
}

bool mlops_schema_add_text(char ***texts, size_t *n, const char *text, size_t length,
			   struct mlops_error *error)
{
	void *items = *texts;
	char **place = grow(&items, *n, sizeof *place, error);

	*texts = items;
	if (place == NULL)
		return false;
	*place = strndup(text, length);
	if (*place == NULL)
		return mlops_error_set_memory(error);
	++*n;
	return true;
}

struct mlops_schema_column *mlops_schema_add_column(struct mlops_schema *schema, const char *name,
						    struct mlops_error *error)
{
	void *items = schema->columns;
	struct mlops_schema_column *column = grow(&items, schema->n_columns, sizeof *column, error);

	schema->columns = items;
	if (column == NULL)
		return NULL;
	column->name = strdup(name);
	if (column->name == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	column->required = true;
	mlops_limits_default(&column->limits);
	schema->n_columns++;
	return column;
}

bool mlops_schema_add_pair(struct mlops_schema *schema, const char *first, const char *second, double least,
			   double most, struct mlops_error *error)
{
	void *items = schema->pairs;
	struct mlops_schema_pair *pair = grow(&items, schema->n_pairs, sizeof *pair, error);

	schema->pairs = items;
	if (pair == NULL)
		return false;
	*pair = (struct mlops_schema_pair){ strdup(first), strdup(second), least, most };
	schema->n_pairs++;
	return (pair->first != NULL && pair->second != NULL) || mlops_error_set_memory(error);
}

struct mlops_schema_column *mlops_schema_find(const struct mlops_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_columns; i++)
		if (strcmp(schema->columns[i].name, name) == 0)
			return &schema->columns[i];
	return NULL;
}

bool mlops_schema_set(struct mlops_schema *schema, const char *text, struct mlops_error *error)
{
	bool ok = mlops_limits_set(&schema->limits, text, error);

	for (size_t i = 0; i < schema->n_columns && ok; i++)
		ok = mlops_limits_set(&schema->columns[i].limits, text, error);
	return ok;
}

bool mlops_schema_choose(struct mlops_schema *schema, const char *const *names, size_t n,
			 struct mlops_error *error)
{
	bool ok = mlops_limits_choose(&schema->limits, names, n, error);

	for (size_t i = 0; i < schema->n_columns && ok; i++)
		ok = mlops_limits_choose(&schema->columns[i].limits, names, n, error);
	return ok;
}
