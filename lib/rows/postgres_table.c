#include "rows/postgres_table.h"

#include <stdlib.h>
#include <string.h>

/* Long enough for what it takes to begin one to count little, short enough for memory to hold some. */
#define SHARE_BLOCKS UINT64_C(256)
/* 32 MB: less is read before another session has begun. */
#define SMALLEST_TABLE UINT64_C(4096)

static bool keep_answer(struct mlops_postgres_session *session, const PGresult *result,
			struct mlops_postgres_table *table)
{
	const struct mlops_libpq *pq = &session->pq;

	if (pq->PQntuples(result) != 1 || strcmp(pq->PQgetvalue(result, 0, 0), "t") != 0)
		return true;
	table->blocks = strtoull(pq->PQgetvalue(result, 0, 2), NULL, 10);
	table->name = strdup(pq->PQgetvalue(result, 0, 1));
	table->plain = table->name != NULL;
	return table->plain;
}

bool mlops_postgres_table_look(struct mlops_postgres_session *session, const char *quoted,
			       struct mlops_postgres_table *table, struct mlops_error *error)
{
	const struct mlops_libpq *pq = &session->pq;
	struct mlops_buffer command = MLOPS_BUFFER_INIT;
	char *literal = pq->PQescapeLiteral(session->connection, quoted, strlen(quoted));
	PGresult *result = NULL;
	bool ok;

	*table = (struct mlops_postgres_table){ .plain = false };
	mlops_buffer_append_format(
		&command,
		"SELECT c.relkind = 'r' AND a.amname = 'heap' AND "
		"NOT pg_catalog.row_security_active(c.oid) AND "
		"NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid), "
		"pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), "
		"pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint "
		"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.oid = %s::pg_catalog.regclass",
		literal != NULL ? literal : "NULL");
	(void)mlops_buffer_string(&command);
	if (!command.failed)
		result = mlops_postgres_session_ask(session, command.data, PGRES_TUPLES_OK, NULL);
	if (result != NULL) {
		ok = keep_answer(session, result, table) || mlops_error_set_memory(error);
		pq->PQclear(result);
	} else {
		result = mlops_postgres_session_ask(session, "ROLLBACK TO SAVEPOINT mlops", PGRES_COMMAND_OK,
						    error);
		ok = result != NULL;
		pq->PQclear(result);
	}
	pq->PQfreemem(literal);
	mlops_buffer_release(&command);
	return ok;
}

void mlops_postgres_table_release(struct mlops_postgres_table *table)
{
	free(table->name);
	*table = (struct mlops_postgres_table){ .plain = false };
}

uint64_t mlops_postgres_table_shares(uint64_t blocks)
{
	return blocks <= SMALLEST_TABLE ? 1 : (blocks + SHARE_BLOCKS - 1) / SHARE_BLOCKS;
}

void mlops_postgres_table_share(uint64_t shares, uint64_t share, struct mlops_buffer *condition)
{
	mlops_buffer_append_format(condition, "ctid >= '(%llu,0)'::pg_catalog.tid",
				   (unsigned long long)(share * SHARE_BLOCKS));
	if (share + 1 < shares)
		mlops_buffer_append_format(condition, " AND ctid < '(%llu,0)'::pg_catalog.tid",
					   (unsigned long long)((share + 1) * SHARE_BLOCKS));
}
