#include "kernel/build.h"
#include "kernel/lstm.h"

/* The loops over sixteen blocks are for the compiler to make vectors of. */
static void chunk(const struct mlops_dropout *job, uint64_t first, float *factors)
{
	uint32_t words[4][16];
	uint32_t k0 = job->key[0], k1 = job->key[1];

	for (uint32_t l = 0; l < 16; l++) {
		uint64_t position = first + l;

		words[0][l] = (uint32_t)position;
		words[1][l] = (uint32_t)(position >> 32);
		words[2][l] = job->index;
		words[3][l] = job->purpose;
	}
	for (int round = 0; round < 10; round++) {
		for (int l = 0; l < 16; l++) {
			uint64_t product_0 = UINT64_C(0xD2511F53) * words[0][l];
			uint64_t product_1 = UINT64_C(0xCD9E8D57) * words[2][l];

			words[0][l] = (uint32_t)(product_1 >> 32) ^ words[1][l] ^ k0;
			words[1][l] = (uint32_t)product_1;
			words[2][l] = (uint32_t)(product_0 >> 32) ^ words[3][l] ^ k1;
			words[3][l] = (uint32_t)product_0;
		}
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	for (int w = 0; w < 4; w++) {
		for (int l = 0; l < 16; l++) {
			factors[32 * w + l] = (words[w][l] & 0xffff) < job->threshold ? 0 : job->scale;
			factors[32 * w + 16 + l] = words[w][l] >> 16 < job->threshold ? 0 : job->scale;
		}
	}
}

void MLOPS_KERNEL(mlops_kernel_dropout)(const struct mlops_dropout *job)
{
	for (size_t c = 0; c < job->chunks; c++)
		chunk(job, job->first + 16 * c, job->factors + c * MLOPS_DROPOUT_CHUNK);
}
