/*
 * Random numbers by counter: a draw is a function of (seed, stream, position), so neither the order of
 * work nor the number of threads can show in a result.  Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011): key = seed, counter = (position, stream).
 *
 *	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_BOOTSTRAP, tree);
 *	uint32_t row = mlops_rng_below(&rng, rows);
 *
 * Streams are named by a purpose and an index; two streams that differ in either share no numbers.
 */
#ifndef MLOPS_BASE_RNG_H
#define MLOPS_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

enum mlops_rng_purpose {
	MLOPS_RNG_SAMPLE = 1, /* rows of an isolation tree */
	MLOPS_RNG_SPLIT,      /* features and thresholds */
	MLOPS_RNG_BOOTSTRAP,  /* rows of a random forest's tree */
	MLOPS_RNG_HOLD_OUT,   /* which rows are kept for the test */
	MLOPS_RNG_PERMUTE,    /* permutation importance */
	MLOPS_RNG_SIMULATE,   /* made-up data in tests and examples */
	MLOPS_RNG_WEIGHTS,    /* of a network to begin with */
	MLOPS_RNG_DROPOUT,    /* which values training leaves out */
	MLOPS_RNG_SHUFFLE     /* the order of a training's windows */
};

struct mlops_rng {
	uint32_t key[2];
	uint32_t counter[4];
	uint32_t block[4];
	unsigned used; /* words of block handed out already */
};

struct mlops_rng mlops_rng_start(uint64_t seed, enum mlops_rng_purpose purpose, uint32_t index);

/* Another part of a stream, with 2^32 blocks of its own: part 0 is what mlops_rng_start gives. */
struct mlops_rng mlops_rng_start_part(uint64_t seed, enum mlops_rng_purpose purpose, uint32_t index,
				      uint32_t part);

uint32_t mlops_rng_u32(struct mlops_rng *rng);
uint64_t mlops_rng_u64(struct mlops_rng *rng);

/* 0 ≤ result < bound by multiply-shift with rejection: without bias.  bound > 0. */
uint32_t mlops_rng_below(struct mlops_rng *rng, uint32_t bound);

/* 0 ≤ result < 1, 53 random bits. */
double mlops_rng_unit(struct mlops_rng *rng);

/* One block of Philox4x32-10, for known-answer tests. */
void mlops_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
