#include "rows/postgres_shares.h"

#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MOST_WORKERS 4
/* Shares that may be worked on or done ahead of what is handed out. */
#define SLOTS (2 * MOST_WORKERS)
/* Bytes of cells in pieces that wait to be handed out. */
#define MOST_WAITING ((size_t)6 << 20)
/* Bytes from the server that make a piece. */
#define LARGEST_PIECE ((size_t)2 << 20)

/* By the server's clock. */
#define MILLISECONDS "floor(1000 * extract(epoch FROM pg_catalog.clock_timestamp()))::bigint"

/* Rows of a share as they are handed out. */
struct piece {
	struct piece *next;
	struct mlops_chunk *chunk;
	struct mlops_read_counts counts;
	size_t bytes;
};

struct share {
	struct piece *first, **last; /* of those that wait */
	bool ended;
	/* Once it has: */
	uint64_t rows; /* those left out among them */
	struct mlops_error failed;
};

struct worker {
	struct mlops_postgres_shares *shares;
	struct mlops_postgres_session own; /* but the first has the caller's */
	struct mlops_postgres_stream stream;
	struct mlops_read_counts counts;
	pthread_t thread;
};

struct mlops_postgres_shares {
	const struct mlops_postgres_stream *template;
	struct mlops_postgres_session *leader;
	struct worker workers[MOST_WORKERS];
	unsigned started;
	int wake;
	char *select, *table;
	char *limit; /* sets what is left of the statement timeout; empty: there is none */
	enum mlops_column_type *types;
	uint64_t n;
	uint64_t rows_ahead; /* of the shares that were handed out; the consumer's */

	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t news;   /* for the consumer: a piece, or the end of a share */
	pthread_cond_t room;   /* for workers: something was handed out, or stop */
	bool stop;
	uint64_t next; /* to be read */
	uint64_t head; /* being handed out */
	struct share ahead[SLOTS];
	size_t waiting;	     /* bytes in pieces that wait */
	struct piece *spare; /* the last one used first: those behind it may be needed no more */
};

static struct share *share_of(struct mlops_postgres_shares *shares, uint64_t number)
{
	return &shares->ahead[number % SLOTS];
}

static void free_pieces(struct piece *piece)
{
	while (piece != NULL) {
		struct piece *next = piece->next;

		mlops_chunk_free(piece->chunk);
		free(piece);
		piece = next;
	}
}

/* False when there is nothing left to do. */
static bool claim(struct mlops_postgres_shares *shares, uint64_t *number)
{
	bool claimed;

	pthread_mutex_lock(&shares->mutex);
	while (!shares->stop && shares->next < shares->n && shares->next >= shares->head + SLOTS)
		pthread_cond_wait(&shares->room, &shares->mutex);
	claimed = !shares->stop && shares->next < shares->n;
	if (claimed)
		*number = shares->next++;
	pthread_mutex_unlock(&shares->mutex);
	return claimed;
}

/* Whoever reads the share that is handed out goes on even when what others have read ahead takes all room:
 * they wait for him.  False when nobody wants more. */
static bool wait_for_room(struct mlops_postgres_shares *shares, uint64_t number)
{
	const struct share *share = share_of(shares, number);
	bool stop;

	pthread_mutex_lock(&shares->mutex);
	while (!shares->stop && shares->waiting >= MOST_WAITING &&
	       !(number == shares->head && share->first == NULL))
		pthread_cond_wait(&shares->room, &shares->mutex);
	stop = shares->stop;
	pthread_mutex_unlock(&shares->mutex);
	return !stop;
}

static struct piece *get_piece(struct mlops_postgres_shares *shares, struct mlops_error *error)
{
	struct piece *piece;

	pthread_mutex_lock(&shares->mutex);
	piece = shares->spare;
	if (piece != NULL)
		shares->spare = piece->next;
	pthread_mutex_unlock(&shares->mutex);
	if (piece != NULL)
		return piece;
	piece = calloc(1, sizeof *piece);
	if (piece == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	piece->chunk = mlops_chunk_new(shares->types, shares->template->copy.n_slots, error);
	if (piece->chunk != NULL)
		return piece;
	free(piece);
	return NULL;
}

static size_t bytes_of(const struct mlops_chunk *chunk)
{
	size_t bytes = chunk->rows * (sizeof *chunk->lines + sizeof *chunk->marks);

	for (size_t i = 0; i < chunk->n_columns; i++)
		bytes += chunk->rows * sizeof(float) + chunk->columns[i].bytes.length;
	return bytes;
}

static void hand_in(struct mlops_postgres_shares *shares, uint64_t number, struct piece *piece)
{
	struct share *share = share_of(shares, number);

	piece->next = NULL;
	piece->bytes = bytes_of(piece->chunk);
	pthread_mutex_lock(&shares->mutex);
	*share->last = piece;
	share->last = &piece->next;
	shares->waiting += piece->bytes;
	if (number == shares->head)
		pthread_cond_signal(&shares->news);
	pthread_mutex_unlock(&shares->mutex);
}

static void end_share(struct mlops_postgres_shares *shares, uint64_t number, const struct mlops_pgcopy *copy)
{
	struct share *share = share_of(shares, number);

	pthread_mutex_lock(&shares->mutex);
	share->rows = copy->row;
	share->failed = copy->failed;
	share->ended = true;
	/* What lies behind an error is never handed out. */
	if (copy->failed.code != MLOPS_OK)
		shares->next = shares->n;
	pthread_cond_signal(&shares->news);
	pthread_mutex_unlock(&shares->mutex);
}

static void start_share(struct worker *worker, uint64_t number)
{
	struct mlops_postgres_shares *shares = worker->shares;
	struct mlops_buffer command = MLOPS_BUFFER_INIT;

	mlops_buffer_append_format(&command, "%sCOPY (%s WHERE ", shares->limit, shares->select);
	mlops_postgres_table_share(shares->n, number, &command);
	mlops_buffer_append_string(&command, ") TO STDOUT (FORMAT binary)");
	(void)mlops_buffer_string(&command);
	if (command.failed)
		mlops_error_set_memory(&worker->stream.copy.failed);
	else
		mlops_postgres_stream_start(&worker->stream, command.data, &worker->stream.copy.failed);
	mlops_buffer_release(&command);
}

/* Whether its session can read another one. */
static bool read_share(struct worker *worker, uint64_t number)
{
	struct mlops_postgres_stream *stream = &worker->stream;
	struct mlops_error *failed = &stream->copy.failed;
	struct piece *piece;

	start_share(worker, number);
	while (failed->code == MLOPS_OK && !stream->ended && wait_for_room(worker->shares, number)) {
		piece = get_piece(worker->shares, failed);
		if (piece == NULL)
			break;
		worker->counts = (struct mlops_read_counts){ .rows = 0 };
		mlops_postgres_stream_fill(stream, piece->chunk, MLOPS_CHUNK_ROWS, LARGEST_PIECE);
		piece->counts = worker->counts;
		hand_in(worker->shares, number, piece);
	}
	end_share(worker->shares, number, &stream->copy);
	return failed->code == MLOPS_OK && stream->ended;
}

/* Where the settings of server, database or role forbid it, a share would be a scan of the whole table; and
 * sessions that have read ahead are idle at times. */
#define SETTINGS "SET LOCAL enable_tidscan = on; SET LOCAL idle_in_transaction_session_timeout = 0; "

/* Before it takes a share, for the others rely on who has taken one. */
static bool join_in(struct worker *worker)
{
	struct mlops_postgres_session *leader = worker->shares->leader, *own = &worker->own;
	struct mlops_buffer command = MLOPS_BUFFER_INIT;
	PGresult *result = NULL;
	bool same;

	if (!mlops_postgres_session_open_beside(own, leader, worker->shares->wake, NULL))
		return false;
	mlops_buffer_append_format(&command, "LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT; " SETTINGS
					     "SELECT " MLOPS_POSTGRES_SERVER,
				   worker->shares->table);
	(void)mlops_buffer_string(&command);
	if (!command.failed)
		result = mlops_postgres_session_ask(own, command.data, PGRES_TUPLES_OK, NULL);
	same = result != NULL && own->pq.PQntuples(result) == 1 &&
	       strcmp(own->pq.PQgetvalue(result, 0, 0), leader->server) == 0;
	own->pq.PQclear(result);
	mlops_buffer_release(&command);
	return same;
}

/* The caller's session has its next table or query with all the time there is. */
static void give_time_back(struct mlops_postgres_shares *shares)
{
	char command[64];

	snprintf(command, sizeof command, "SET LOCAL statement_timeout = %lld",
		 mlops_postgres_session_limit(shares->leader));
	shares->leader->pq.PQclear(
		mlops_postgres_session_ask(shares->leader, command, PGRES_COMMAND_OK, NULL));
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	bool beside = worker != worker->shares->workers;
	uint64_t number;

	if (!beside || join_in(worker))
		while (claim(worker->shares, &number) && read_share(worker, number))
			continue;
	if (beside) {
		/* Others may want the connection. */
		mlops_postgres_stream_release(&worker->stream);
		mlops_postgres_session_close(&worker->own);
	} else if (worker->stream.ended && worker->stream.copy.failed.code == MLOPS_OK) {
		give_time_back(worker->shares);
	}
	return NULL;
}

static bool worker_init(struct mlops_postgres_shares *shares, struct worker *worker, bool beside)
{
	const struct mlops_pgcopy *copy = &shares->template->copy;
	size_t n = copy->n_fields + 1;

	worker->shares = shares;
	worker->own = (struct mlops_postgres_session){ .wake = -1 };
	worker->stream.session = beside ? &worker->own : shares->leader;
	worker->stream.copy = (struct mlops_pgcopy){
		.options = copy->options,
		.source = copy->source,
		.fields = calloc(n, sizeof *copy->fields),
		.n_fields = copy->n_fields,
		.slots = copy->slots,
		.n_slots = copy->n_slots,
		.counts = &worker->counts,
	};
	if (worker->stream.copy.fields == NULL)
		return false;
	memcpy(worker->stream.copy.fields, copy->fields, copy->n_fields * sizeof *copy->fields);
	return mlops_pgcopy_init(&worker->stream.copy, NULL);
}

/* Each share is a statement, and the time for one is that for the table: the server keeps it, as it does for
 * one COPY. */
static char *limit_since(const struct mlops_postgres_session *leader, const char *start)
{
	struct mlops_buffer limit = MLOPS_BUFFER_INIT;
	char *copied;

	if (leader->statement_timeout > 0)
		mlops_buffer_append_format(
			&limit,
			"SELECT pg_catalog.set_config('statement_timeout', "
			"greatest(1, %lld + %s - " MILLISECONDS ")::text, true); ",
			mlops_postgres_session_limit(leader), start);
	copied = strdup(mlops_buffer_string(&limit));
	if (limit.failed) {
		free(copied);
		copied = NULL;
	}
	mlops_buffer_release(&limit);
	return copied;
}

static bool prepare_leader(struct mlops_postgres_shares *shares)
{
	struct mlops_postgres_session *leader = shares->leader;
	PGresult *result = mlops_postgres_session_ask(leader, SETTINGS "SELECT " MILLISECONDS,
						      PGRES_TUPLES_OK, NULL);

	if (result != NULL)
		shares->limit = limit_since(leader, leader->pq.PQgetvalue(result, 0, 0));
	else
		leader->pq.PQclear(mlops_postgres_session_ask(leader, "ROLLBACK TO SAVEPOINT mlops",
							      PGRES_COMMAND_OK, NULL));
	leader->pq.PQclear(result);
	return shares->limit != NULL;
}

/* Without a first one there is nobody; others do what they can. */
static bool start_workers(struct mlops_postgres_shares *shares, unsigned connections)
{
	for (unsigned i = 0; i < connections && i < MOST_WORKERS; i++) {
		struct worker *worker = &shares->workers[i];

		if (!worker_init(shares, worker, i > 0) ||
		    mlops_thread_start(&worker->thread, work, worker) != 0) {
			mlops_postgres_stream_release(&worker->stream);
			break;
		}
		shares->started++;
	}
	return shares->started > 0;
}

struct mlops_postgres_shares *mlops_postgres_shares_new(const struct mlops_postgres_stream *template,
							const struct mlops_postgres_table *table,
							const char *select,
							const enum mlops_column_type *types,
							unsigned connections)
{
	struct mlops_postgres_shares *shares = calloc(1, sizeof *shares);
	size_t n_types = template->copy.n_slots;

	if (shares == NULL)
		return NULL;
	shares->template = template;
	shares->leader = template->session;
	shares->n = mlops_postgres_table_shares(table->blocks);
	pthread_mutex_init(&shares->mutex, NULL);
	pthread_cond_init(&shares->news, NULL);
	pthread_cond_init(&shares->room, NULL);
	for (size_t i = 0; i < SLOTS; i++)
		shares->ahead[i].last = &shares->ahead[i].first;
	shares->select = strdup(select);
	shares->table = strdup(table->name);
	shares->types = calloc(n_types + 1, sizeof *shares->types);
	shares->wake = eventfd(0, EFD_CLOEXEC);
	if (shares->select != NULL && shares->table != NULL && shares->types != NULL && shares->wake >= 0 &&
	    prepare_leader(shares)) {
		memcpy(shares->types, types, n_types * sizeof *types);
		shares->leader->wake = shares->wake;
		if (start_workers(shares, connections))
			return shares;
	}
	mlops_postgres_shares_free(shares);
	return NULL;
}

static void swap_chunks(struct mlops_chunk *a, struct mlops_chunk *b)
{
	struct mlops_chunk kept = *a;

	*a = *b;
	*b = kept;
}

static void add_counts(struct mlops_read_counts *to, const struct mlops_read_counts *from)
{
	to->skipped_rows += from->skipped_rows;
	to->nulled_cells += from->nulled_cells;
	to->parse += from->parse;
	to->not_finite += from->not_finite;
}

/* The next piece of the share that is handed out, taken out of it; NULL: it has ended. */
static struct piece *await_piece(struct mlops_postgres_shares *shares, struct share *share)
{
	struct piece *piece;

	while (share->first == NULL && !share->ended)
		pthread_cond_wait(&shares->news, &shares->mutex);
	piece = share->first;
	if (piece != NULL) {
		share->first = piece->next;
		share->last = share->first != NULL ? share->last : &share->first;
		shares->waiting -= piece->bytes;
		pthread_cond_broadcast(&shares->room);
	}
	return piece;
}

/* A share at its end: on to the next, or stop there. */
static void leave_share(struct mlops_postgres_shares *shares, struct share *share, struct mlops_error *failed)
{
	*failed = share->failed;
	if (failed->code != MLOPS_OK) {
		failed->line += failed->line > 0 ? shares->rows_ahead : 0;
		return;
	}
	shares->rows_ahead += share->rows;
	*share = (struct share){ .last = &share->first };
	shares->head++;
	pthread_cond_broadcast(&shares->room);
}

void mlops_postgres_shares_next(struct mlops_postgres_shares *shares, struct mlops_chunk *chunk,
				struct mlops_read_counts *counts, struct mlops_error *failed)
{
	mlops_chunk_clear(chunk);
	pthread_mutex_lock(&shares->mutex);
	while (chunk->rows == 0 && failed->code == MLOPS_OK && shares->head < shares->n) {
		struct share *share = share_of(shares, shares->head);
		struct piece *piece = await_piece(shares, share);

		if (piece == NULL) {
			leave_share(shares, share, failed);
			continue;
		}
		swap_chunks(chunk, piece->chunk);
		add_counts(counts, &piece->counts);
		piece->next = shares->spare;
		shares->spare = piece;
	}
	pthread_mutex_unlock(&shares->mutex);
	for (size_t row = 0; row < chunk->rows; row++)
		chunk->lines[row] += shares->rows_ahead;
}

void mlops_postgres_shares_free(struct mlops_postgres_shares *shares)
{
	if (shares == NULL)
		return;
	pthread_mutex_lock(&shares->mutex);
	shares->stop = true;
	pthread_cond_broadcast(&shares->room);
	pthread_mutex_unlock(&shares->mutex);
	if (shares->wake >= 0)
		(void)eventfd_write(shares->wake, 1);
	for (unsigned i = 0; i < shares->started; i++)
		pthread_join(shares->workers[i].thread, NULL);
	shares->leader->wake = -1;
	if (shares->started > 0)
		mlops_postgres_stream_release(&shares->workers[0].stream);
	for (size_t i = 0; i < MOST_WORKERS; i++)
		free(shares->workers[i].stream.copy.fields);
	for (size_t i = 0; i < SLOTS; i++)
		free_pieces(shares->ahead[i].first);
	free_pieces(shares->spare);
	if (shares->wake >= 0)
		close(shares->wake);
	pthread_cond_destroy(&shares->room);
	pthread_cond_destroy(&shares->news);
	pthread_mutex_destroy(&shares->mutex);
	free(shares->select);
	free(shares->table);
	free(shares->limit);
	free(shares->types);
	free(shares);
}
