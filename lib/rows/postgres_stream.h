/*
 * One COPY on one session into chunks, and after it the next one.
 *
 *	struct mlops_postgres_stream stream = { .session = ..., .copy = ... };
 *	mlops_pgcopy_init(&stream.copy, &error);
 *	if (mlops_postgres_stream_start(&stream, "COPY ...", &error))
 *		do {
 *			mlops_postgres_stream_fill(&stream, chunk, limit, most);
 *			...
 *		} while (!stream.ended && stream.copy.failed.code == MLOPS_OK);
 *	mlops_postgres_stream_release(&stream);
 */
#ifndef MLOPS_ROWS_POSTGRES_STREAM_H
#define MLOPS_ROWS_POSTGRES_STREAM_H

#include "rows/pgcopy.h"
#include "rows/postgres_session.h"

struct mlops_postgres_stream {
	struct mlops_postgres_session *session;
	struct mlops_pgcopy copy;
	char *message;	     /* of the COPY, from libpq; NULL: none */
	size_t length, used; /* of message */
	bool ended;	     /* the server said that all went well, or what did not */
};

/* command: a COPY ... TO STDOUT (FORMAT binary) of the fields of copy, maybe behind other commands. */
bool mlops_postgres_stream_start(struct mlops_postgres_stream *stream, const char *command,
				 struct mlops_error *error);

/* Empties chunk and fills it up to limit rows, up to the end, copy.failed, or the row with which the server
 * has sent so many bytes for it. */
void mlops_postgres_stream_fill(struct mlops_postgres_stream *stream, struct mlops_chunk *chunk, size_t limit,
				size_t most);

void mlops_postgres_stream_release(struct mlops_postgres_stream *stream);

#endif
