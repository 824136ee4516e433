#include "base/rng.h"

/* Multipliers and Weyl steps of Philox4x32 (Salmon et al. 2011, table 2). */
#define MULTIPLY_0 0xD2511F53u
#define MULTIPLY_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u
#define ROUNDS 10

void mlops_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
	uint32_t k0 = key[0], k1 = key[1];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t product_0 = (uint64_t)MULTIPLY_0 * c0;
		uint64_t product_1 = (uint64_t)MULTIPLY_1 * c2;

		c0 = (uint32_t)(product_1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)product_1;
		c2 = (uint32_t)(product_0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)product_0;
		k0 += WEYL_0;
		k1 += WEYL_1;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

/* counter[0..1] is the position in blocks, counter[2..3] the stream. */
struct mlops_rng mlops_rng_start(uint64_t seed, enum mlops_rng_purpose purpose, uint32_t index)
{
	struct mlops_rng rng = {
		.key = { (uint32_t)seed, (uint32_t)(seed >> 32) },
		.counter = { 0, 0, index, (uint32_t)purpose },
		.used = 4,
	};

	return rng;
}

struct mlops_rng mlops_rng_start_part(uint64_t seed, enum mlops_rng_purpose purpose, uint32_t index,
				      uint32_t part)
{
	struct mlops_rng rng = mlops_rng_start(seed, purpose, index);

	rng.counter[1] = part;
	return rng;
}

uint32_t mlops_rng_u32(struct mlops_rng *rng)
{
	if (rng->used >= 4) {
		mlops_rng_philox(rng->counter, rng->key, rng->block);
		if (++rng->counter[0] == 0)
			rng->counter[1]++;
		rng->used = 0;
	}
	return rng->block[rng->used++];
}

uint64_t mlops_rng_u64(struct mlops_rng *rng)
{
	uint64_t low = mlops_rng_u32(rng);

	return low | (uint64_t)mlops_rng_u32(rng) << 32;
}

/* Lemire, "Fast random integer generation in an interval", 2019. */
uint32_t mlops_rng_below(struct mlops_rng *rng, uint32_t bound)
{
	uint64_t product = (uint64_t)mlops_rng_u32(rng) * bound;

	if ((uint32_t)product < bound) {
		uint32_t threshold = -bound % bound;

		while ((uint32_t)product < threshold)
			product = (uint64_t)mlops_rng_u32(rng) * bound;
	}
	return (uint32_t)(product >> 32);
}

double mlops_rng_unit(struct mlops_rng *rng)
{
	return (double)(mlops_rng_u64(rng) >> 11) * 0x1p-53;
}
