/*
 * How network.c and trainer.c see a network: where parameters stand in the flat vector, weights packed for
 * the kernel of products (kernel/gemm.h), and a layer's way through some steps.
 */
#ifndef MLOPS_MODEL_NETWORK_LAYERS_H
#define MLOPS_MODEL_NETWORK_LAYERS_H

#include "kernel/table.h"
#include "model/network.h"

#define MLOPS_NETWORK_LAYERS 2

/* A layer's places in the flat vector. */
struct mlops_layer_places {
	size_t inputs;
	size_t input_weights, hidden_weights, input_bias, hidden_bias;
};

struct mlops_network_places {
	struct mlops_layer_places layers[MLOPS_NETWORK_LAYERS];
	size_t head_weights, head_bias;
	size_t total;
};

struct mlops_layer {
	size_t inputs;
	float *input_weights;  /* packed [inputs, 4 hidden] */
	float *hidden_weights; /* packed [hidden, 4 hidden] */
	float *bias;	       /* [4 hidden, rounded up] both biases */
};

struct mlops_network {
	struct mlops_network_shape shape;
	struct mlops_network_places places;
	size_t stride;	 /* hidden rounded up: of rows of units */
	size_t sums_row; /* of rows of 4 hidden */
	struct mlops_layer layers[MLOPS_NETWORK_LAYERS];
	float *head_weights; /* packed [hidden, outputs] */
	float *head_bias;
	float *memory; /* all of the above */
};

size_t mlops_network_round_up(size_t n, size_t unit);

/* Floats of a packed matrix [depth, columns]. */
size_t mlops_network_packed(size_t depth, size_t columns);

struct mlops_network_places mlops_network_places(const struct mlops_network_shape *shape);

/* Packs from the flat vector what belongs to the gates first ... first + n - 1 of a layer, or to such
 * outputs; first is a multiple of MLOPS_GEMM_PANEL. */
void mlops_network_pack_layer(struct mlops_network *network, const float *parameters, size_t layer,
			      size_t first, size_t n);
void mlops_network_pack_head(struct mlops_network *network, const float *parameters, size_t first, size_t n);

/* Rows of `a` times a packed matrix of that depth. */
struct mlops_gemm_part mlops_network_part(const float *a, size_t a_row, const float *packed, size_t depth);

/* Some steps of a layer, for some sequences.  Arrays of rows have a row a sequence, step after step. */
struct mlops_layer_run {
	size_t rows, steps;
	bool fresh;	    /* the first step begins with h = c = 0 */
	const float *input; /* element (step, row, k) is input[step * input_step + row * input_row + k] */
	size_t input_step, input_row;
	float *hidden; /* [1 + steps, rows, stride] h before the first step, then of each step */
	float *cell;   /* the same of c; or [rows, stride] if not kept */
	float *saved;  /* [steps, rows, MLOPS_LSTM_SAVED, stride]; NULL: cell and these are not kept */
	float *sums;   /* [steps, rows, sums_row] scratch, and WIDTH more */
};

void mlops_network_run_layer(const struct mlops_network *network, size_t layer,
			     const struct mlops_layer_run *run);

/* The head on rows of h: outputs [rows, outputs rounded up to MLOPS_GEMM_WIDTH]. */
void mlops_network_run_head(const struct mlops_network *network, const float *hidden, size_t rows,
			    float *outputs);

#endif
