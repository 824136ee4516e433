#include "base/sha256.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdlib.h>

struct mlops_sha256 {
	struct sha256_ctx state;
};

static void print(char text[MLOPS_SHA256_TEXT], struct sha256_ctx *state)
{
	unsigned char digest[SHA256_DIGEST_SIZE];

	sha256_digest(state, sizeof digest, digest);
	base16_encode_update(text, sizeof digest, digest);
	text[MLOPS_SHA256_TEXT - 1] = '\0';
}

struct mlops_sha256 *mlops_sha256_new(void)
{
	struct mlops_sha256 *hash = malloc(sizeof *hash);

	if (hash != NULL)
		sha256_init(&hash->state);
	return hash;
}

void mlops_sha256_add(struct mlops_sha256 *hash, const void *bytes, size_t length)
{
	if (length > 0)
		sha256_update(&hash->state, length, bytes);
}

void mlops_sha256_finish(struct mlops_sha256 *hash, char text[MLOPS_SHA256_TEXT])
{
	print(text, &hash->state);
	free(hash);
}

void mlops_sha256_free(struct mlops_sha256 *hash)
{
	free(hash);
}

void mlops_sha256_of(const void *bytes, size_t length, char text[MLOPS_SHA256_TEXT])
{
	struct sha256_ctx state;

	sha256_init(&state);
	if (length > 0)
		sha256_update(&state, length, bytes);
	print(text, &state);
}
