/*
 * The loops that take the time: pure functions on pointers and lengths.  No memory is allocated, nothing can
 * fail, and results do not depend on the instruction set.  Includes nothing of the rest of the library.
 */
#ifndef MLOPS_KERNEL_KERNEL_H
#define MLOPS_KERNEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/*
 * A node of a tree in 8 bytes.  word = left << feature_bits | feature << 1 | missing_left, where left counts
 * from the tree's first node, the right child is left + 1, and left == 0 marks a leaf (the root is nobody's
 * child).  An inner node sends a row left when x <= threshold, or when x is NaN and missing_left is 1.
 * A leaf has no threshold: `leaf` numbers its row in the forest's table of leaf values.
 */
struct mlops_node {
	union {
		float threshold;
		uint32_t leaf;
	};
	uint32_t word;
};

/* What the loops need to know of a forest. */
struct mlops_kernel_forest {
	const struct mlops_node *nodes;
	const uint32_t *tree_start; /* [n_trees + 1] first node of each tree */
	size_t n_trees;
	unsigned feature_bits; /* width of feature << 1 | missing_left */
};

/* counts[code[rows[i]] * n_classes + class_of[rows[i]]] += weight[rows[i]] for i < n. */
void mlops_kernel_histogram(const uint16_t *code, const uint8_t *class_of, const uint16_t *weight,
			    const uint32_t *rows, size_t n, size_t n_classes, uint32_t *counts);

/* A set of codes in two levels: bit c of touched for each code c, bit w of summary for each word w of touched
 * that is not 0. */
struct mlops_kernel_touched {
	uint64_t words[1024];
	uint64_t summary[16];
};

/* The same, and adds the codes to touched: for few rows, walking the touched bins is cheaper than all of
 * them. */
void mlops_kernel_histogram_touched(const uint16_t *code, const uint8_t *class_of, const uint16_t *weight,
				    const uint32_t *rows, size_t n, size_t n_classes, uint32_t *counts,
				    struct mlops_kernel_touched *touched);

#endif
