#include "kernel/build.h"
#include "kernel/forest.h"

#if defined __BMI2__
#include <immintrin.h>
#endif

enum { AT_ONCE = MLOPS_WALK_ROWS };

/* Rounds without a look at who is done: so many fewer than the last rows took. */
enum { EARLIER = 3 };

#if defined __AVX512F__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES (VECTOR_BYTES / 8)

/* Nodes as integers, word << 32 | threshold; aligned(8): anywhere. */
typedef uint64_t whole_nodes __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(8)));

/* What unfold does for one node, or for as many as a vector has lanes. */
struct unfolding {
	unsigned feature_bits, column_bits;
	uint32_t leaf_column;
};

static inline struct mlops_walk_node unfold_one(const struct unfolding *to, struct mlops_node node,
						uint32_t index)
{
	uint32_t left = node.word >> to->feature_bits;
	uint32_t feature = (node.word & ((1u << to->feature_bits) - 1)) >> 1;

	if (left == 0)
		return (struct mlops_walk_node){ node.leaf,
						 index << (to->column_bits + 5) | to->leaf_column };
	return (struct mlops_walk_node){
		mlops_walk_key(node.threshold),
		left << (to->column_bits + 5) | (node.word & 1) << (to->column_bits + 4) |
			feature * MLOPS_WALK_ROWS,
	};
}

/* is: all bits of a lane, or none. */
static inline whole_nodes choose(whole_nodes is, whole_nodes yes, whole_nodes no)
{
	return no ^ ((yes ^ no) & is);
}

static inline whole_nodes unfold_lanes(const struct unfolding *to, whole_nodes nodes, whole_nodes index)
{
	const uint64_t half = UINT32_MAX;
	whole_nodes bits = nodes & half;
	whole_nodes word = nodes >> 32;
	whole_nodes left = word >> to->feature_bits;
	whole_nodes column = (word & ((UINT64_C(1) << to->feature_bits) - 2)) * (MLOPS_WALK_ROWS / 2) |
			     (word & 1) << (to->column_bits + 4);
	whole_nodes is_leaf = (whole_nodes)(left == 0);
	whole_nodes key;

	/* as mlops_walk_key: both zeros are the same, negative numbers are turned over */
	bits &= ~((whole_nodes)(bits == UINT64_C(0x80000000)));
	key = bits ^ ((-(bits >> 31) & half) | UINT64_C(0x80000000));
	return choose(is_leaf, nodes & half, key) |
	       (choose(is_leaf, index, left) << (to->column_bits + 5) |
		choose(is_leaf, (whole_nodes){ 0 } + to->leaf_column, column))
		       << 32;
}

void MLOPS_KERNEL(mlops_kernel_forest_unfold)(const struct mlops_node *nodes, size_t n, unsigned feature_bits,
					      size_t n_features, unsigned column_bits,
					      struct mlops_walk_node *unfolded)
{
	struct unfolding to = { feature_bits, column_bits, (uint32_t)n_features * MLOPS_WALK_ROWS };
	size_t i = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	whole_nodes index;

	for (size_t lane = 0; lane < LANES; lane++)
		index[lane] = lane;
	for (; i + LANES <= n; i += LANES) {
		*(whole_nodes *)(void *)(unfolded + i) =
			unfold_lanes(&to, *(const whole_nodes *)(const void *)(nodes + i), index);
		index += LANES;
	}
#endif
	for (; i < n; i++)
		unfolded[i] = unfold_one(&to, nodes[i], (uint32_t)i);
}

bool MLOPS_KERNEL(mlops_kernel_forest_keys)(const float *values, size_t n, uint32_t missing, size_t stride,
					    uint32_t *keys)
{
	uint32_t any_missing = 0;

	for (; n > 0; keys += stride) {
		size_t taken = n < MLOPS_WALK_ROWS ? n : MLOPS_WALK_ROWS;

		if (taken == MLOPS_WALK_ROWS) {
			for (size_t r = 0; r < MLOPS_WALK_ROWS; r++) {
				uint32_t is_missing = values[r] != values[r];

				keys[r] = is_missing != 0 ? missing : mlops_walk_key(values[r]);
				any_missing |= is_missing;
			}
		} else {
			for (size_t r = 0; r < taken; r++) {
				uint32_t is_missing = values[r] != values[r];

				keys[r] = is_missing != 0 ? missing : mlops_walk_key(values[r]);
				any_missing |= is_missing;
			}
		}
		values += taken;
		n -= taken;
	}
	return any_missing != 0;
}

static inline size_t low_bits(uint32_t word, unsigned n)
{
#if defined __BMI2__
	return _bzhi_u64(word, n);
#else
	return word & ((1u << n) - 1);
#endif
}

/* An unfolded tree as two columns whose items are two apart: one address each, which the processor works out
 * as it loads. */
struct tree {
	const uint32_t *words, *cuts;
	unsigned key_bits, left_shift;
};

/* The empty assembler lines keep the compiler from seeing that the columns are one array, and from shifting
 * behind the comparison, where it would lose the carry. */
static inline struct tree tree_of(const struct mlops_walk_node *unfolded, unsigned column_bits, bool may_miss)
{
	struct tree tree = { &unfolded->word, &unfolded->cut, column_bits + (may_miss ? 5 : 4),
			     column_bits + 5 };

	__asm__("" : "+r"(tree.words));
	__asm__("" : "+r"(tree.cuts));
	return tree;
}

static inline size_t follow(struct tree tree, size_t at, const uint32_t *keys)
{
	uint32_t word = tree.words[2 * at];
	size_t next = word >> tree.left_shift;

	__asm__("" : "+r"(next));
	return next + (tree.cuts[2 * at] < keys[low_bits(word, tree.key_bits)]);
}

static inline __attribute__((always_inline)) void round_of(struct tree tree, size_t *at, const uint32_t *keys)
{
#pragma GCC unroll 16
	for (int i = 0; i < AT_ONCE; i++)
		at[i] = follow(tree, at[i], keys + i);
}

static inline __attribute__((always_inline)) size_t sum_of(const size_t *at)
{
	size_t sum = 0;

#pragma GCC unroll 16
	for (int i = 0; i < AT_ONCE; i++)
		sum += at[i];
	return sum;
}

/* A step goes forward or stays, so that all rows are done when the sum of their places stays. */
void MLOPS_KERNEL(mlops_kernel_forest_walk)(const struct mlops_walk_node *unfolded, unsigned column_bits,
					    bool may_miss, const uint32_t *keys, size_t stride,
					    size_t n_groups, uint32_t *leaves)
{
	struct tree tree = tree_of(unfolded, column_bits, may_miss);
	size_t rounds = 0;

	for (size_t g = 0; g < n_groups; g++, keys += stride, leaves += AT_ONCE) {
		size_t blind = rounds > EARLIER ? rounds - EARLIER : 0;
		size_t at[AT_ONCE] = { 0 };
		size_t before, after;

		for (rounds = 0; rounds < blind; rounds++)
			round_of(tree, at, keys);
		after = sum_of(at);
		do {
			before = after;
			round_of(tree, at, keys);
			round_of(tree, at, keys);
			rounds += 2;
			after = sum_of(at);
		} while (after != before);
#pragma GCC unroll 16
		for (int i = 0; i < AT_ONCE; i++)
			leaves[i] = tree.cuts[2 * at[i]];
	}
}
