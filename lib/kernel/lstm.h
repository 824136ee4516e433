/*
 * What happens to a cell of a recurrent layer (Hochreiter, Schmidhuber: "Long short-term memory", Neural
 * Computation 9(8), 1997; forget gates: Gers, Schmidhuber, Cummins, Neural Computation 12(10), 2000) between
 * the products of matrices:
 *
 *	i, f, g, o = sigm, sigm, tanh, sigm (sums)      c_t = f c_(t-1) + i g      h_t = o tanh(c_t)
 *
 * sigm and tanh come from 2^x by a polynomial of degree 5 and are at most 1.3e-7 off; inputs are numbers or
 * infinite.  The reference and the builds v3, v4 and native give the same bits (gemm.h).
 *
 * A row is a sequence.  Rows of values of each unit have room for the units rounded up to MLOPS_LSTM_WIDTH,
 * and what stands behind the last unit is undefined.
 */
#ifndef MLOPS_KERNEL_LSTM_H
#define MLOPS_KERNEL_LSTM_H

#include <stddef.h>
#include <stdint.h>

#define MLOPS_LSTM_WIDTH 16
#define MLOPS_LSTM_SAVED 5 /* what training keeps of a step: i, f, g, o, tanh(c_t) */

/* One step of a layer. */
struct mlops_lstm_forward {
	size_t rows, units;
	size_t stride;	   /* units rounded up: from row to row of cell and hidden */
	const float *sums; /* [rows, 4 units] i, f, g, o side by side; readable WIDTH further */
	size_t sums_row;
	const float *cell; /* [rows, stride] c_(t-1) */
	float *next_cell;  /* [rows, stride] c_t; may be cell */
	float *hidden;	   /* [rows, stride] h_t */
	float *saved;	   /* [rows, SAVED, stride]; NULL: nothing is kept */
};

typedef void mlops_kernel_lstm_forward(const struct mlops_lstm_forward *step);

/* Numbers nearer to zero than this that a gradient would hand on become zero, so that what dies out in time
 * does not become subnormal, which many processors are slow with.  Done by comparing: the processor's own
 * modes of flushing differ, and belong to the thread. */
#define MLOPS_LSTM_TINY 0x1p-100f

/* The same step backwards: the gradient of the loss at h_t and c_t becomes that at the sums and at c_(t-1).
 */
struct mlops_lstm_backward {
	size_t rows, units, stride;
	const float *saved;
	const float *soon;   /* the next call's saved, to be fetched meanwhile; NULL: none */
	const float *cell;   /* [rows, stride] c_(t-1) */
	const float *hidden; /* [rows, stride] gradient at h_t */
	const float *more;   /* [rows, stride] added to it; may be NULL */
	float *carry;	     /* [rows, stride] gradient at c_t; afterwards at c_(t-1) */
	float *sums;	     /* [rows, 4 units] gradient; writable WIDTH further, row after row */
	size_t sums_row;
	float *bias; /* [4, stride] the gradients of all rows are added, in their order */
};

typedef void mlops_kernel_lstm_backward(const struct mlops_lstm_backward *step);

#define MLOPS_DROPOUT_CHUNK 128

/*
 * What dropout (Srivastava et al., JMLR 15, 2014) keeps: a bit a value, 0 with the odds threshold / 65536.
 * Random numbers by counter as in base/rng.h: Philox4x32-10 under `key`, blocks first, first + 1, ... of the
 * stream (index, purpose).  A chunk takes 16 blocks; half h (0 is the low one) of word w of its block l
 * decides about value 32 w + 16 h + l, which is bit l of keep[2 w + h].
 */
struct mlops_dropout {
	uint32_t key[2];
	uint32_t index, purpose;
	uint64_t first;
	uint32_t threshold;
	size_t chunks;
	uint16_t *keep; /* [chunks, MLOPS_DROPOUT_CHUNK / 16] */
};

typedef void mlops_kernel_dropout_draw(const struct mlops_dropout *job);

/* to[16 groups] = from times scale where a bit is set, else 0; from may be to. */
typedef void mlops_kernel_dropout_apply(const uint16_t *keep, float scale, const float *from, size_t groups,
					float *to);

mlops_kernel_lstm_forward mlops_kernel_lstm_forward_reference;
mlops_kernel_lstm_backward mlops_kernel_lstm_backward_reference;
mlops_kernel_dropout_draw mlops_kernel_dropout_draw_reference;
mlops_kernel_dropout_apply mlops_kernel_dropout_apply_reference;

#endif
