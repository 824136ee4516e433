#include "registry/ledger.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fail(struct mlops_ledger_query *query, int result)
{
	query->failed = true;
	mlops_ledger_set_error(query->store, result, query->error);
}

struct mlops_ledger_query mlops_ledger_query(struct mlops_store *store, const char *sql,
					     struct mlops_error *error)
{
	struct mlops_ledger_query query = { .store = store, .error = error };
	int result = sqlite3_prepare_v2(store->db, sql, -1, &query.statement, NULL);

	if (result != SQLITE_OK)
		fail(&query, result);
	return query;
}

void mlops_ledger_bind_text(struct mlops_ledger_query *query, const char *text)
{
	int result;

	if (query->failed)
		return;
	result = sqlite3_bind_text(query->statement, ++query->bound, text, -1, SQLITE_STATIC);
	if (result != SQLITE_OK)
		fail(query, result);
}

void mlops_ledger_bind_int(struct mlops_ledger_query *query, int64_t value)
{
	int result;

	if (query->failed)
		return;
	result = sqlite3_bind_int64(query->statement, ++query->bound, value);
	if (result != SQLITE_OK)
		fail(query, result);
}

void mlops_ledger_bind_real(struct mlops_ledger_query *query, double value)
{
	int result;

	if (query->failed)
		return;
	query->bound++;
	result = isnan(value) ? sqlite3_bind_null(query->statement, query->bound)
			      : sqlite3_bind_double(query->statement, query->bound, value);
	if (result != SQLITE_OK)
		fail(query, result);
}

bool mlops_ledger_row(struct mlops_ledger_query *query)
{
	int result;

	/* SQLite would run a statement that has ended a second time. */
	if (query->failed || query->ended)
		return false;
	errno = 0;
	result = sqlite3_step(query->statement);
	query->ended = result == SQLITE_DONE;
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		fail(query, result);
	return result == SQLITE_ROW;
}

bool mlops_ledger_done(struct mlops_ledger_query *query)
{
	while (mlops_ledger_row(query))
		;
	sqlite3_finalize(query->statement);
	query->statement = NULL;
	return !query->failed;
}

char *mlops_ledger_text(struct mlops_ledger_query *query, int column)
{
	const unsigned char *text;
	char *copy;

	if (query->failed || sqlite3_column_type(query->statement, column) == SQLITE_NULL)
		return NULL;
	text = sqlite3_column_text(query->statement, column);
	copy = text == NULL ? NULL : strdup((const char *)text);
	if (copy == NULL) {
		query->failed = true;
		mlops_error_set_memory(query->error);
	}
	return copy;
}

int64_t mlops_ledger_int(const struct mlops_ledger_query *query, int column)
{
	return query->failed ? 0 : sqlite3_column_int64(query->statement, column);
}

double mlops_ledger_real(const struct mlops_ledger_query *query, int column)
{
	return sqlite3_column_type(query->statement, column) == SQLITE_NULL
		       ? NAN
		       : sqlite3_column_double(query->statement, column);
}

uint32_t mlops_ledger_version(const struct mlops_ledger_query *query, int column)
{
	return (uint32_t)mlops_ledger_int(query, column);
}

void *mlops_ledger_append(void **items, size_t *n, size_t size, struct mlops_error *error)
{
	/* The list doubles whenever n is a power of two, so it needs no capacity beside it. */
	if ((*n & (*n - 1)) == 0) {
		size_t capacity = *n == 0 ? 1 : 2 * *n;
		void *grown = reallocarray(*items, capacity, size);

		if (grown == NULL) {
			mlops_error_set_memory(error);
			return NULL;
		}
		*items = grown;
	}
	return memset((char *)*items + (*n)++ * size, 0, size);
}

void *mlops_ledger_row_into(struct mlops_ledger_query *query, void *list, size_t *n, size_t size)
{
	void *items, *item;

	if (!mlops_ledger_row(query))
		return NULL;
	/* whatever type the pointer has */
	memcpy(&items, list, sizeof items);
	item = mlops_ledger_append(&items, n, size, query->error);
	memcpy(list, &items, sizeof items);
	if (item == NULL)
		query->failed = true;
	return item;
}

void mlops_ledger_nearest(struct mlops_ledger_query *query, const char *name, char hint[128])
{
	char quoted[MLOPS_TEXT_QUOTED];
	void *list = NULL;
	const char *nearest;
	size_t n = 0;

	hint[0] = '\0';
	while (mlops_ledger_row(query)) {
		char **item = mlops_ledger_append(&list, &n, sizeof *item, NULL);

		if (item == NULL)
			break;
		*item = mlops_ledger_text(query, 0);
	}
	mlops_ledger_done(query);

	nearest = mlops_text_nearest(name, (const char *const *)list, n);
	if (nearest != NULL)
		snprintf(hint, 128, " (did you mean '%s'?)",
			 mlops_text_mask(quoted, nearest, strlen(nearest)));
	for (size_t i = 0; i < n; i++)
		free(((char **)list)[i]);
	free(list);
}
