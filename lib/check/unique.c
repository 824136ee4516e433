#include "check/unique.h"

#include <stddef.h>
#include <stdlib.h>

#define BITS 20
#define WAYS 4

struct mlops_unique {
	uint32_t next[(1 << BITS) / WAYS]; /* of each bucket: the way to be used next */
	uint64_t hashes[1 << BITS];
};

struct mlops_unique *mlops_unique_new(void)
{
	return calloc(1, sizeof(struct mlops_unique));
}

void mlops_unique_free(struct mlops_unique *unique)
{
	free(unique);
}

bool mlops_unique_add(struct mlops_unique *unique, uint64_t hash)
{
	size_t bucket = (size_t)(hash >> 1) % ((1 << BITS) / WAYS);
	uint64_t *ways = &unique->hashes[bucket * WAYS];

	hash |= 1; /* 0 is an empty place */
	for (size_t w = 0; w < WAYS; w++)
		if (ways[w] == hash)
			return true;
	ways[unique->next[bucket]++ % WAYS] = hash;
	return false;
}
