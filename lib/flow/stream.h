/*
 * A stream of pieces through the threads there are: taken one after the other, worked on side by side, handed
 * on in the order in which they were taken.
 *
 *	struct mlops_stream stream = { context, take, work, hand_on, n_workers };
 *	mlops_stream_run(&stream, pool, &error);
 *
 * Each worker takes a piece, works on it and goes back for the next; whoever finishes the piece whose turn it
 * is hands on it and those behind it that are finished.  So no piece changes threads ahead of its being
 * handed on, and a piece that comes by itself is answered by the thread that waited for it.  Small pieces
 * (fewer rows than MLOPS_STREAM_BUSY) show that the source is slower than we are: as long as they come, the
 * calling thread is alone, and no thread has to be woken.  Nor is one for the only piece of a small input.
 *
 * At most two finished pieces a worker wait for their turn: memory does not grow with the number of pieces.
 */
#ifndef MLOPS_FLOW_STREAM_H
#define MLOPS_FLOW_STREAM_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/thread.h"

#include <stdint.h>

#define MLOPS_STREAM_BUSY 64

struct mlops_stream {
	void *context;
	/* The worker's next piece; *rows == 0 is the end.  One call at a time.  On an error the *rows ahead
	 * of it are still worked on and handed on. */
	bool (*take)(void *context, unsigned worker, size_t *rows, struct mlops_error *error);
	/* Appends the result to out, which is empty.  Side by side. */
	bool (*work)(void *context, unsigned worker, struct mlops_buffer *out, struct mlops_error *error);
	/* In order, one call at a time, from any thread. */
	bool (*hand_on)(void *context, const struct mlops_buffer *out, size_t rows,
			struct mlops_error *error);
	unsigned workers; /* at most; worker < workers */
};

/* False: the first of the errors; all pieces ahead of the one that failed were handed on. */
bool mlops_stream_run(const struct mlops_stream *stream, struct mlops_pool *pool, struct mlops_error *error);

#endif
