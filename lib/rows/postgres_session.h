/* A connection to PostgreSQL for postgres.c: made, asked, and its errors in our terms. */
#ifndef MLOPS_ROWS_POSTGRES_SESSION_H
#define MLOPS_ROWS_POSTGRES_SESSION_H

#include "rows/libpq.h"
#include "rows/postgres.h"

struct mlops_postgres_session {
	struct mlops_libpq pq;
	PGconn *connection;
	char *name; /* for messages */
	bool copying;
};

/* "postgres://", "postgresql+psycopg2://" and the like made what libpq knows; what is wrong with a URL is
 * said without it.  plain is emptied first, and stays so when url is NULL. */
bool mlops_postgres_plain_url(const char *url, struct mlops_buffer *plain, struct mlops_error *error);

/* "readings" or "plant.readings" as quoted identifiers. */
bool mlops_postgres_quote_table(const char *table, struct mlops_buffer *quoted, struct mlops_error *error);

/* Connects and begins the transaction.  Close it in any case. */
bool mlops_postgres_session_open(struct mlops_postgres_session *session,
				 const struct mlops_postgres_options *database, struct mlops_error *error);
/* Cancels what is running. */
void mlops_postgres_session_close(struct mlops_postgres_session *session);

/* The result of a command if it ended as expected, else NULL and the server's words; the caller clears it. */
PGresult *mlops_postgres_session_ask(struct mlops_postgres_session *session, const char *command,
				     ExecStatusType expected, struct mlops_error *error);

/* Says why result is not what was hoped for.  Returns false. */
bool mlops_postgres_session_blame(struct mlops_postgres_session *session, const PGresult *result,
				  struct mlops_error *error);

#endif
