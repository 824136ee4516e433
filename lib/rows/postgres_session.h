/* A connection to PostgreSQL for postgres.c: made, asked, and its errors in our terms. */
#ifndef MLOPS_ROWS_POSTGRES_SESSION_H
#define MLOPS_ROWS_POSTGRES_SESSION_H

#include "rows/libpq.h"
#include "rows/postgres.h"

/* An expression that tells this server from its copies: one and the same state may have a name on each of
 * them, but they did not start in the same microsecond. */
#define MLOPS_POSTGRES_SERVER "extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text"

struct mlops_postgres_session {
	struct mlops_libpq pq;
	PGconn *connection;
	char *name; /* for messages */
	bool copying;
	bool read; /* a COPY was begun: rows of this transaction's state are with the caller */
	int wake;  /* a descriptor: once it can be read, nobody waits for the server any more; -1: none */
	/* What it was opened with, for others beside it; the URL has a password. */
	char *url, *program;
	int64_t connect_timeout, statement_timeout;
	/* Once mlops_postgres_session_export has succeeded: */
	char *snapshot, *server; /* which state is read, and of which server */
	bool alone;		 /* it has not, and is not tried again */
};

/* "postgres://", "postgresql+psycopg2://" and the like made what libpq knows; what is wrong with a URL is
 * said without it.  plain is emptied first, and stays so when url is NULL. */
bool mlops_postgres_plain_url(const char *url, struct mlops_buffer *plain, struct mlops_error *error);

/* "readings" or "plant.readings" as quoted identifiers. */
bool mlops_postgres_quote_table(const char *table, struct mlops_buffer *quoted, struct mlops_error *error);

/* Connects and begins the transaction.  Close it in any case. */
bool mlops_postgres_session_open(struct mlops_postgres_session *session,
				 const struct mlops_postgres_options *database, struct mlops_error *error);

/* Another session at the same place, which sees the state that leader has exported.  Close it in any case. */
bool mlops_postgres_session_open_beside(struct mlops_postgres_session *session,
					const struct mlops_postgres_session *leader, int wake,
					struct mlops_error *error);

/* Cancels what is running. */
void mlops_postgres_session_close(struct mlops_postgres_session *session);

/* Lets sessions beside this one see the state that it sees.  Where the server does not, they do not, and all
 * else goes on: snapshot stays NULL.  False: an error. */
bool mlops_postgres_session_export(struct mlops_postgres_session *session, struct mlops_error *error);

/* So many milliseconds are left to a statement: what the session was opened with, as the server has it. */
long long mlops_postgres_session_limit(const struct mlops_postgres_session *session);

/* The result of a command, of several the last one's, if it ended as expected, else NULL and the server's
 * words; the caller clears it. */
PGresult *mlops_postgres_session_ask(struct mlops_postgres_session *session, const char *command,
				     ExecStatusType expected, struct mlops_error *error);

/* The next message of a COPY, which PQfreemem frees, and its length.  0: there is none, and the connection
 * is lost or wake was heard; else what PQgetCopyData says when there is none. */
int mlops_postgres_session_message(struct mlops_postgres_session *session, char **message);

/* The next result of what was asked; NULL: there is none, or will be none. */
PGresult *mlops_postgres_session_result(struct mlops_postgres_session *session);

/* Says why result is not what was hoped for.  Returns false. */
bool mlops_postgres_session_blame(struct mlops_postgres_session *session, const PGresult *result,
				  struct mlops_error *error);

#endif
