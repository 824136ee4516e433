#include "rows/postgres_stream.h"

static void drop_message(struct mlops_postgres_stream *stream)
{
	if (stream->message != NULL)
		stream->session->pq.PQfreemem(stream->message);
	stream->message = NULL;
	stream->length = stream->used = 0;
}

bool mlops_postgres_stream_start(struct mlops_postgres_stream *stream, const char *command,
				 struct mlops_error *error)
{
	struct mlops_postgres_session *session = stream->session;
	PGresult *result;

	drop_message(stream);
	mlops_pgcopy_restart(&stream->copy);
	stream->ended = false;
	result = mlops_postgres_session_ask(session, command, PGRES_COPY_OUT, error);
	session->pq.PQclear(result);
	session->copying = result != NULL;
	session->read = session->read || session->copying;
	return session->copying;
}

/* False at the end of the COPY, or when copy.failed says why there is no more. */
static bool next_message(struct mlops_postgres_stream *stream)
{
	struct mlops_postgres_session *session = stream->session;
	PGresult *result;
	int length;

	drop_message(stream);
	length = mlops_postgres_session_message(session, &stream->message);
	if (length > 0) {
		stream->length = (size_t)length;
		return true;
	}
	if (length == 0) {
		/* A server that is there still copies, and who closes the session cancels that. */
		session->copying = session->pq.PQstatus(session->connection) != CONNECTION_BAD;
		mlops_postgres_session_blame(session, NULL, &stream->copy.failed);
		return false;
	}
	session->copying = false;
	stream->ended = true;
	result = mlops_postgres_session_result(session);
	if (length < -1 || session->pq.PQresultStatus(result) != PGRES_COMMAND_OK)
		mlops_postgres_session_blame(session, result, &stream->copy.failed);
	else if (!stream->copy.ended)
		mlops_error_set_at(&stream->copy.failed, MLOPS_UNAVAILABLE, session->name, 0,
				   "the server's answer ends too early");
	session->pq.PQclear(result);
	return false;
}

void mlops_postgres_stream_fill(struct mlops_postgres_stream *stream, struct mlops_chunk *chunk, size_t limit,
				size_t most)
{
	struct mlops_pgcopy *copy = &stream->copy;
	enum mlops_pgcopy_step step = MLOPS_PGCOPY_MORE;
	size_t bytes = 0, used;

	mlops_chunk_clear(chunk);
	/* The end of the format is not the end of the command: that one says whether all went well. */
	while (copy->failed.code == MLOPS_OK && step != MLOPS_PGCOPY_FULL && !stream->ended && bytes < most) {
		if (stream->used == stream->length && !next_message(stream))
			break;
		if (copy->ended) {
			stream->used = stream->length;
			continue;
		}
		step = mlops_pgcopy_take(copy, stream->message + stream->used, stream->length - stream->used,
					 &used, chunk, limit);
		stream->used += used;
		bytes += used;
	}
}

void mlops_postgres_stream_release(struct mlops_postgres_stream *stream)
{
	drop_message(stream);
	mlops_pgcopy_release(&stream->copy);
}
