/*
 * Inside the registry: what a server said when it was last asked, DIR/cache/HASH.json.  Only lib/registry includes this.
 *
 * HASH is the SHA-256 of the server and the question.  Like the model files beside it a remembered answer saves a look at the
 * server and nothing else: that it can't be written or read is no error, and the oldest go when the cache is full.
 */
#ifndef MLOPS_REGISTRY_RECALL_H
#define MLOPS_REGISTRY_RECALL_H

#include "registry/store.h"

/* answer: what `server` said to `question` ("pump@champion") just now.  Versions whose file can't be checked are not remembered. */
void mlops_recall_keep(const char *location, const char *server, const char *question,
		       const struct mlops_version_list *answer);

/* False when nothing is remembered; else answer is the caller's to release. */
bool mlops_recall_take(const char *location, const char *server, const char *question,
		       struct mlops_version_list *answer);

#endif
