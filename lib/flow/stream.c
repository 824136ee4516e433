#include "flow/stream.h"

#include <pthread.h>
#include <stdlib.h>

struct piece {
	struct mlops_buffer out;
	size_t rows;
	bool finished;
};

struct run {
	const struct mlops_stream *stream;
	struct piece *pieces; /* [n_pieces] piece n is in pieces[n % n_pieces] */
	size_t n_pieces;
	struct piece *first; /* of worker 0, taken before the others began */

	pthread_mutex_t taking; /* held while a piece is taken; guards what follows, up to order */
	uint64_t taken;
	bool ended;                    /* the last piece was taken, or none can be */
	bool calm;                     /* the last piece was small */
	struct mlops_error take_error; /* comes behind all pieces */

	pthread_mutex_t order; /* guards what follows and pieces[].finished; taken inside of taking */
	pthread_cond_t room;   /* a piece was handed on, or stopped */
	uint64_t handed;
	bool handing; /* somebody is at it */
	bool stopped; /* no more pieces are taken; those ahead of one that failed are still handed on */
	bool refused; /* nothing can be handed on any more */
	struct mlops_error error;
};

static void stop(struct run *run, const struct mlops_error *error, bool refused)
{
	pthread_mutex_lock(&run->order);
	if (run->error.code == MLOPS_OK)
		run->error = *error;
	run->stopped = true;
	run->refused = run->refused || refused;
	pthread_cond_broadcast(&run->room);
	pthread_mutex_unlock(&run->order);
}

/* Waits until the next piece has a place; false when there shall be none. */
static bool wait_for_room(struct run *run)
{
	bool stopped;

	pthread_mutex_lock(&run->order);
	while (run->taken - run->handed >= run->n_pieces && !run->stopped)
		pthread_cond_wait(&run->room, &run->order);
	stopped = run->stopped;
	pthread_mutex_unlock(&run->order);
	return !stopped;
}

/* The worker's next piece, or NULL: there is none, or only small ones come and others are at work too. */
static struct piece *take(struct run *run, unsigned worker, bool alone)
{
	struct piece *piece = NULL;

	pthread_mutex_lock(&run->taking);
	if (!run->ended && (alone || !run->calm) && wait_for_room(run)) {
		size_t rows = 0;

		if (!run->stream->take(run->stream->context, worker, &rows, &run->take_error) || rows == 0)
			run->ended = true;
		run->calm = rows < MLOPS_STREAM_BUSY;
		if (rows > 0) {
			piece = &run->pieces[run->taken++ % run->n_pieces];
			piece->rows = rows;
		}
	}
	pthread_mutex_unlock(&run->taking);
	return piece;
}

/* The piece is finished: hands on those whose turn it is, unless somebody is at it, who then will. */
static void hand_on(struct run *run, struct piece *piece)
{
	pthread_mutex_lock(&run->order);
	piece->finished = true;
	while (!run->handing && !run->refused && run->pieces[run->handed % run->n_pieces].finished) {
		struct piece *next = &run->pieces[run->handed % run->n_pieces];
		struct mlops_error error = MLOPS_ERROR_INIT;
		bool ok;

		run->handing = true;
		pthread_mutex_unlock(&run->order);
		ok = run->stream->hand_on(run->stream->context, &next->out, next->rows, &error);
		if (!ok)
			stop(run, &error, true);
		pthread_mutex_lock(&run->order);
		run->handing = false;
		next->finished = false;
		run->handed++;
		pthread_cond_signal(&run->room);
	}
	pthread_mutex_unlock(&run->order);
}

static void finish(struct run *run, unsigned worker, struct piece *piece)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	mlops_buffer_clear(&piece->out);
	if (run->stream->work(run->stream->context, worker, &piece->out, &error))
		hand_on(run, piece);
	else
		stop(run, &error, false);
}

static void keep_going(void *context, size_t task, unsigned worker)
{
	struct run *run = context;
	unsigned number = (unsigned)task;
	struct piece *piece = task == 0 ? run->first : take(run, number, false);

	(void)worker;
	while (piece != NULL) {
		finish(run, number, piece);
		piece = take(run, number, false);
	}
}

/* One thread until two pieces in a row are large: an input that ends with the first one needs no more. */
static void run_alone(struct run *run, struct mlops_pool *pool, unsigned workers)
{
	bool busy = false;
	struct piece *piece;

	while ((piece = take(run, 0, true)) != NULL) {
		if (busy && !run->calm) {
			run->first = piece;
			mlops_pool_run(pool, workers, keep_going, run);
			busy = false;
		} else {
			busy = !run->calm;
			finish(run, 0, piece);
		}
	}
}

bool mlops_stream_run(const struct mlops_stream *stream, struct mlops_pool *pool, struct mlops_error *error)
{
	unsigned threads = mlops_pool_workers(pool);
	unsigned workers = threads < stream->workers ? threads : stream->workers;
	struct run run = {
		.stream = stream,
		.n_pieces = 2 * (size_t)workers,
		.taking = PTHREAD_MUTEX_INITIALIZER,
		.order = PTHREAD_MUTEX_INITIALIZER,
		.room = PTHREAD_COND_INITIALIZER,
	};

	run.pieces = calloc(run.n_pieces, sizeof *run.pieces);
	if (run.pieces == NULL)
		return mlops_error_set_memory(error);
	run_alone(&run, pool, workers);
	for (size_t i = 0; i < run.n_pieces; i++)
		mlops_buffer_release(&run.pieces[i].out);
	free(run.pieces);
	pthread_cond_destroy(&run.room);
	pthread_mutex_destroy(&run.order);
	pthread_mutex_destroy(&run.taking);
	if (run.error.code == MLOPS_OK)
		run.error = run.take_error;
	if (run.error.code == MLOPS_OK)
		return true;
	if (error != NULL && error->code == MLOPS_OK)
		*error = run.error;
	return false;
}
