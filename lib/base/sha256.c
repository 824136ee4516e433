#include "base/sha256.h"

#include <sodium.h>
#include <stdlib.h>

/* SHA-256 needs no sodium_init: that call prepares random numbers and picks implementations of other
 * things. */
struct mlops_sha256 {
	crypto_hash_sha256_state state;
};

static void print(char text[MLOPS_SHA256_TEXT], const unsigned char digest[crypto_hash_sha256_BYTES])
{
	sodium_bin2hex(text, MLOPS_SHA256_TEXT, digest, crypto_hash_sha256_BYTES);
}

struct mlops_sha256 *mlops_sha256_new(void)
{
	struct mlops_sha256 *hash = malloc(sizeof *hash);

	if (hash != NULL)
		crypto_hash_sha256_init(&hash->state);
	return hash;
}

void mlops_sha256_add(struct mlops_sha256 *hash, const void *bytes, size_t length)
{
	if (length > 0)
		crypto_hash_sha256_update(&hash->state, bytes, length);
}

void mlops_sha256_finish(struct mlops_sha256 *hash, char text[MLOPS_SHA256_TEXT])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_final(&hash->state, digest);
	print(text, digest);
	free(hash);
}

void mlops_sha256_free(struct mlops_sha256 *hash)
{
	free(hash);
}

void mlops_sha256_of(const void *bytes, size_t length, char text[MLOPS_SHA256_TEXT])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	if (length > 0)
		crypto_hash_sha256_update(&state, bytes, length);
	crypto_hash_sha256_final(&state, digest);
	print(text, digest);
}
