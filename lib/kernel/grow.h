/*
 * Kernels that look for the best split of a tree's node, on codes instead of values (Breiman: "Random
 * Forests", Machine Learning 45, 2001).  All counts are integers, so that no order of rows can show.
 *
 * A node of few rows is part of a block of at most 64 draws of two classes.  There a feature gives each row a
 * place in the order of its values, and a set of rows is a word of 64 bits: counting is a population count,
 * and the places where a split may lie come from the carries of one addition.
 */
#ifndef MLOPS_KERNEL_GROW_H
#define MLOPS_KERNEL_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row that the bootstrap drew: how often, and its class. */
struct mlops_grow_row {
	uint32_t row;
	uint16_t weight;
	uint16_t class_of;
};

/* What a histogram's bins are: bin b has the codes from low + (b << shift) on.  A row whose code is `missing`
 * goes to bin n_bins. */
struct mlops_grow_window {
	uint32_t low, missing;
	uint32_t n_bins;
	unsigned shift;
};

/* keys[i] = codes[rows[i].row] for i < n; *low and *high are the least and largest that are not missing, and
 * low > high when all are. */
void mlops_kernel_grow_keys(const uint16_t *codes, const struct mlops_grow_row *rows, size_t n,
			    uint32_t missing, uint16_t *keys, uint32_t *low, uint32_t *high);

/* counts[bin * n_classes + class] += weight. */
void mlops_kernel_grow_histogram(const uint16_t *keys, const struct mlops_grow_row *rows, size_t n,
				 const struct mlops_grow_window *window, size_t n_classes, uint32_t *counts);

#define MLOPS_GROW_MOST_BINS 512

/* A histogram of two classes. */
struct mlops_grow_bins {
	uint32_t *counts;    /* [n_bins * 2], cleared by the search */
	size_t n_bins;	     /* at most MLOPS_GROW_MOST_BINS */
	uint32_t left[2];    /* what lies below all bins */
	uint32_t missing[2]; /* in no bin; part of total */
	uint32_t total[2];
	double class_weight[2];
};

struct mlops_grow_best {
	double score;	      /* sum over both sides of (squared class weights) / weight */
	size_t lower, higher; /* occupied bins beside the split */
	bool missing_left;
	uint32_t left[2];
};

/* Keeps the best split between two occupied bins in *best where it is better than that: of equal ones the
 * first, missing values on the right before left.  No split between two bins of one and the same class beats
 * both splits at the ends of such a run (Fayyad, Irani: "On the handling of continuous-valued attributes in
 * decision tree generation", Machine Learning 8, 1992; it holds for every concave impurity), so those are
 * passed over.  Returns how many bins are occupied. */
typedef size_t mlops_kernel_grow_search(const struct mlops_grow_bins *bins, struct mlops_grow_best *best);

mlops_kernel_grow_search mlops_kernel_grow_search_reference;

#define MLOPS_SMALL_DRAWS 64 /* sum of the weights in a block, so at most as many rows */

/* A block's order by one feature: each row takes as many places side by side as its weight. */
struct mlops_small_order {
	uint8_t place[MLOPS_SMALL_DRAWS]; /* first place of each row */
	uint64_t first;			  /* places where another value begins */
	uint64_t missing;		  /* places of missing values: they are the last ones */
};

/* Orders n rows by their keys, ascending; equal ones in the order of rows.  keys and weights have room for
 * MLOPS_SMALL_DRAWS. */
typedef void mlops_kernel_small_sort(const uint16_t *keys, const uint16_t *weights, size_t n,
				     uint16_t missing, struct mlops_small_order *order);

/* A node of the block. */
struct mlops_small_node {
	const uint8_t *rows; /* [n] numbers of rows in the block */
	size_t n;
	const uint64_t *draws;	  /* [rows of the block] as many low bits as the weight */
	const uint64_t *positive; /* the same, or 0 for rows of class 0 */
	const double *purity; /* [64 * 64] what a side of a rows of class 0 and b of class 1 is worth: [a * 64
				 + b] */
	size_t min_leaf;      /* rows */
};

struct mlops_small_split {
	double score;	   /* sum of both sides' purity */
	unsigned place;	   /* left are the rows below it */
	bool missing_left; /* and missing ones */
	bool saw_missing;
	uint32_t left[2]; /* draws of each class on the left */
};

/* Keeps the feature's best split in *best where it is better than that: of equal ones the first, missing
 * values on the right before left.  False when the feature is constant in the node.  The node has both
 * classes. */
typedef bool mlops_kernel_small_split(const struct mlops_small_node *node,
				      const struct mlops_small_order *order, struct mlops_small_split *best);

mlops_kernel_small_sort mlops_kernel_small_sort_reference;
mlops_kernel_small_split mlops_kernel_small_split_reference;

#endif
