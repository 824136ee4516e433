/*
 * Inside the registry: model files that came from a server, DIR/cache/SHA256.onnx, and what it said about them
 * (registry/recall.h).  Only lib/registry includes this.
 *
 * A file appears whole or not at all, is checked against its name whenever it is read, and goes when the cache would become
 * larger than MLOPS_CACHE_FILES or MLOPS_CACHE_BYTES: those that were not used for longest first.  The cache saves
 * downloads and nothing else: that it can't be written or read is no error.
 */
#ifndef MLOPS_REGISTRY_CACHE_H
#define MLOPS_REGISTRY_CACHE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define MLOPS_CACHE_FILES 64
#define MLOPS_CACHE_BYTES ((size_t)1 << 30)

/* Appends the file to bytes; false when it is not there, or is not what its name says. */
bool mlops_cache_read(const char *location, const char *sha256, struct mlops_buffer *bytes);

/* bytes must have that SHA-256. */
void mlops_cache_add(const char *location, const char *sha256, const void *bytes, size_t length);

/* Another file of the cache, at path, whose name is as long. */
void mlops_cache_put(const char *path, const void *bytes, size_t length);

#endif
