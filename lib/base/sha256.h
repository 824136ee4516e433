/* SHA-256 (FIPS 180-4) as lower-case hexadecimal text; the work is nettle's, which uses the processor's own instructions. */
#ifndef MLOPS_BASE_SHA256_H
#define MLOPS_BASE_SHA256_H

#include <stddef.h>

#define MLOPS_SHA256_TEXT 65

struct mlops_sha256; /* a hash in progress */

struct mlops_sha256 *mlops_sha256_new(void); /* NULL when memory ran out */
void mlops_sha256_add(struct mlops_sha256 *hash, const void *bytes, size_t length);

/* Writes the text with its NUL and frees hash. */
void mlops_sha256_finish(struct mlops_sha256 *hash, char text[MLOPS_SHA256_TEXT]);
void mlops_sha256_free(struct mlops_sha256 *hash);

/* All in one call. */
void mlops_sha256_of(const void *bytes, size_t length, char text[MLOPS_SHA256_TEXT]);

#endif
