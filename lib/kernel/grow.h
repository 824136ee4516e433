/*
 * Kernels that look for the best split of a tree's node, on codes instead of values (Breiman: "Random
 * Forests", Machine Learning 45, 2001).  All counts are integers, so that no order of rows can show, nor in
 * how many parts they were counted.
 *
 *	grow_count	the node's rows -> a histogram a feature, of bins of so many codes each
 *	grow_search	a histogram -> the best split between two of its bins
 *	grow_keys	the codes of the feature with the best one, side by side
 *	grow_inside	those -> a histogram of the codes in the two bins beside the split, for another search
 *	grow_partition	those -> the node's rows, the ones that go left first
 *
 * A node of few rows is part of a block of at most 64 draws of two classes. There a feature gives each row a
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

/* The code of a missing value, and how many others there may be: fewer than 2^16, so that bins of up to
 * 2^MLOPS_GROW_MOST_SHIFT codes never have a value and a missing one in common. */
#define MLOPS_GROW_MISSING UINT16_MAX
#define MLOPS_GROW_MOST_SHIFT 10
#define MLOPS_GROW_MOST_CODES (65536 - (1 << MLOPS_GROW_MOST_SHIFT))

/* What the cells of a histogram are: a bin has n_classes sums of weights, and behind them, if with_rows, a
 * number of rows. */
struct mlops_grow_cells {
	size_t n_classes;
	bool with_rows;
};

static inline size_t mlops_grow_width(struct mlops_grow_cells cells)
{
	return cells.n_classes + cells.with_rows;
}

/* A feature's histogram: code c lies in bin (c >> shift) - first, and a missing value in bin n_bins. */
struct mlops_grow_window {
	const uint16_t *codes; /* row r has codes[r * step] */
	uint32_t first, n_bins;
	unsigned shift;
	uint32_t *counts; /* [(n_bins + 1) * width of cells] */
};

#define MLOPS_GROW_AT_ONCE 4

/* Adds n rows to the histograms of n_windows features, at most MLOPS_GROW_AT_ONCE, whose counts are parts of
 * one array.  any_missing: there may be missing values among their codes; all others lie in the windows. */
typedef void mlops_kernel_grow_count(const struct mlops_grow_row *rows, size_t n, size_t step,
				     struct mlops_grow_cells cells, const struct mlops_grow_window *windows,
				     size_t n_windows, bool any_missing);

/* keys[i] = codes[rows[i].row * step] for i < n. */
typedef void mlops_kernel_grow_keys(const struct mlops_grow_row *rows, size_t n, const uint16_t *codes,
				    size_t step, uint16_t *keys);

/* Two ranges of 2^bits codes each that do not overlap; the position of a code in them is 0 … 2^bits - 1 in
 * the lower one, from there on in the higher one. */
struct mlops_grow_pair {
	uint32_t lower, higher; /* their first codes */
	unsigned bits;
};

/* Adds the rows whose keys lie in one of the ranges to the bin (position >> shift). */
typedef void mlops_kernel_grow_inside(const struct mlops_grow_row *rows, const uint16_t *keys, size_t n,
				      struct mlops_grow_cells cells, const struct mlops_grow_pair *pair,
				      unsigned shift, uint32_t *counts);

/* Orders rows: first those with a key up to `last`, or missing if missing_left, each part in its old order.
 * Returns how many are on the left.  spare has room for n. */
typedef size_t mlops_kernel_grow_partition(struct mlops_grow_row *rows, const uint16_t *keys, size_t n,
					   uint32_t last, bool missing_left, struct mlops_grow_row *spare);

#define MLOPS_GROW_MOST_BINS 512
#define MLOPS_GROW_MOST_CLASSES 255

struct mlops_grow_bins {
	struct mlops_grow_cells cells;
	uint32_t *counts; /* [(n_bins + 1) * width], cleared by the search; the last bin: missing values */
	size_t n_bins;	  /* at most MLOPS_GROW_MOST_BINS */
	size_t min_leaf;  /* rows that each side must have; more than 1 wants cells.with_rows */
	bool is_whole; /* no row lies above the bins: all values may go left, and only missing ones right */
	const uint32_t *left;  /* [width] what lies below all bins */
	const uint32_t *total; /* [width] missing values too */
	const double *class_weight;
	/* Results: occupied bins, and the first and the last one if there are any. */
	size_t n_occupied, lowest, highest;
};

struct mlops_grow_best {
	double score;	      /* sum over both sides of (squared class weights) / weight */
	size_t lower, higher; /* occupied bins beside the split; higher is n_bins where only missing ones go
				 right */
	bool missing_left;
	bool saw_missing;
	uint32_t *left;	   /* [width] */
	uint32_t *missing; /* [width] what of total is missing */
};

/* Keeps the best split between two occupied bins in *best where it is better than that: of equal ones the
 * first, all with missing values on the right before those with them left.  No split between two bins of one
 * and the same class beats both splits at the ends of such a run (Fayyad, Irani: "On the handling of
 * continuous-valued attributes in decision tree generation", Machine Learning 8, 1992; it holds for every
 * concave impurity), so those are passed over, unless min_leaf may forbid the ends. */
typedef void mlops_kernel_grow_search(struct mlops_grow_bins *bins, struct mlops_grow_best *best);

mlops_kernel_grow_count mlops_kernel_grow_count_reference;
mlops_kernel_grow_keys mlops_kernel_grow_keys_reference;
mlops_kernel_grow_inside mlops_kernel_grow_inside_reference;
mlops_kernel_grow_partition mlops_kernel_grow_partition_reference;
mlops_kernel_grow_search mlops_kernel_grow_search_reference;

#define MLOPS_SMALL_DRAWS 64 /* sum of the weights in a block, so at most as many rows */

/* A block's order by one feature: each row takes as many places side by side as its weight. */
struct mlops_small_order {
	uint8_t place[MLOPS_SMALL_DRAWS]; /* first place of each row */
	uint64_t first;			  /* places where another value begins */
	uint64_t missing;		  /* places of missing values: they are the last ones */
};

/* Orders n rows by their keys, ascending; equal ones in the order of rows. keys and weights have room for
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
