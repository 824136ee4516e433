/* How a table of PostgreSQL lies in its blocks, and these cut into shares that several sessions read. */
#ifndef MLOPS_ROWS_POSTGRES_TABLE_H
#define MLOPS_ROWS_POSTGRES_TABLE_H

#include "rows/postgres_session.h"

struct mlops_postgres_table {
	/* Its rows lie in blocks of its own, and all that its columns show is in them: no view, no
	 * children, no rows that are not for everybody. */
	bool plain;
	char *name;	 /* schema and name, quoted */
	uint64_t blocks; /* at least those in which there are rows of the session's state */
};

/* quoted: as mlops_postgres_quote_table gives it.  Where the server cannot say, it is not plain.  False: an
 * error. */
bool mlops_postgres_table_look(struct mlops_postgres_session *session, const char *quoted,
			       struct mlops_postgres_table *table, struct mlops_error *error);
void mlops_postgres_table_release(struct mlops_postgres_table *table);

/* The number of shares of a table with so many blocks; 1: it is too small to be cut. */
uint64_t mlops_postgres_table_shares(uint64_t blocks);

/* Which rows are in a share, "ctid >= '(256,0)'::pg_catalog.tid AND ...", appended to condition.  Shares
 * lie one behind the other and have no rows in common; the last one has all rows up to the end. */
void mlops_postgres_table_share(uint64_t shares, uint64_t share, struct mlops_buffer *condition);

#endif
