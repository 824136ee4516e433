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

#endif
