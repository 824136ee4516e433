/*
 * Has a value been there before?  A memory of hashes that does not grow: 2^20 of them, in buckets of four
 * whose oldest goes when a fifth comes.  So a repetition is found for certain among the last few, almost
 * certainly among the last half million, and what is found is a repetition but for one chance in 2^63 a pair.
 */
#ifndef MLOPS_CHECK_UNIQUE_H
#define MLOPS_CHECK_UNIQUE_H

#include <stdbool.h>
#include <stdint.h>

struct mlops_unique;

struct mlops_unique *mlops_unique_new(void); /* NULL when memory runs out; 9 MiB */
void mlops_unique_free(struct mlops_unique *unique);

/* hash: mixed well (mlops_distinct_hash).  True when it was there. */
bool mlops_unique_add(struct mlops_unique *unique, uint64_t hash);

#endif
