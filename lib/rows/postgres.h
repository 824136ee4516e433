/*
 * Rows from PostgreSQL, as a reader like any other: the columns of a table or query, streamed by COPY, never
 * all in memory.
 *
 *	struct mlops_postgres_options database = MLOPS_POSTGRES_OPTIONS_INIT;
 *	database.table = "plant.readings";
 *	session = mlops_postgres_session_new(&database, &error);
 *	reader = mlops_postgres_open(session, &database, &options, &error);
 *	... mlops_reader_free(reader); mlops_postgres_session_free(session);
 *
 * The session reads only: one transaction, READ ONLY, with a statement timeout.  It sees the database as it was when the
 * session first read (REPEATABLE READ): who reads it to the end, frees the reader and opens another in the same session
 * gets the same rows, whatever was written meanwhile.  A server that finds its
 * client gone ends the query (PostgreSQL 14 and later look once a second), and freeing a reader before its
 * end cancels it.
 *
 * The rows of a table come in the order in which they lie there; whoever needs another says ORDER BY in a
 * query.
 *
 * One process of the server writes all rows that a connection gets.  So a plain table of more than 32 MB is
 * read over several (PostgreSQL 14 and later), as many as options->pool has threads, four at most, unless
 * options ask for single rows or for what there is: a pool of one thread, or none, has one connection.  The
 * others see what the session sees, have threads of their own, and end with the reader.  Rows, their order
 * and numbers, counts, errors and the time that statement_timeout gives are those of one connection; where
 * the server allows no more of them there is one.
 *
 * Columns of numbers (smallint, integer, bigint, real, double precision, numeric, oid, boolean) are guessed
 * to be numbers, all others texts.  What a cell is, is what its text would be in CSV; so a column of a type that is not
 * known here (json, interval, arrays) is text, as the server writes it, and an error only when it is bound as numbers.
 *
 * Errors: MLOPS_UNAVAILABLE when the server cannot be reached, goes away or takes too long; MLOPS_DENIED for
 * a wrong password or a right that is missing; MLOPS_CONFIG for a URL that is none, or a database that is
 * not there; MLOPS_DATA for what the server does not like about table or query, in its own words.  No
 * message has a password in it.
 */
#ifndef MLOPS_ROWS_POSTGRES_H
#define MLOPS_ROWS_POSTGRES_H

#include "rows/reader.h"

struct mlops_postgres_options {
	/* postgresql:// or postgres://, maybe with +driver as SQLAlchemy writes it; NULL: what libpq finds
	 * in its own variables, service file and defaults. */
	const char *url;
	const char
		*table; /* NAME or SCHEMA.NAME as the database has it; a part with a point in double quotes */
	const char *query;	 /* or else one SELECT */
	int64_t connect_timeout; /* microseconds, for each step of connecting; 0: the URL's, or 10 seconds */
	int64_t statement_timeout; /* microseconds; 0: none */
	const char *program;	   /* as what we are known to the server */
};

#define MLOPS_POSTGRES_OPTIONS_INIT \
	{ \
		.program = "mlops" \
	}

struct mlops_postgres_session;

/* Connects.  What database points to need not outlive the call. */
struct mlops_postgres_session *mlops_postgres_session_new(const struct mlops_postgres_options *database,
							   struct mlops_error *error);
/* Cancels what is running. */
void mlops_postgres_session_free(struct mlops_postgres_session *session);

/* Table or query of database, which need not outlive the call; session and what options points to must outlive the
 * reader, of which a session has one at a time. */
struct mlops_reader *mlops_postgres_open(struct mlops_postgres_session *session,
					 const struct mlops_postgres_options *database,
					 const struct mlops_read_options *options, struct mlops_error *error);

/* "postgresql: table readings (plant at db.example.org)": what stands in messages and may stand in the
 * ledger, without connecting.  name is emptied first. */
bool mlops_postgres_name(const struct mlops_postgres_options *database, struct mlops_buffer *name,
			 struct mlops_error *error);

#endif
