/*
 * From a reference on the command line (NAME, NAME@ALIAS, NAME/VERSION, FILE.onnx) to a model in memory.
 */
#ifndef CLI_MODEL_FILE_H
#define CLI_MODEL_FILE_H

#include "model/model.h"
#include "registry/store.h"

struct cli_model {
	struct mlops_model *model;
	struct mlops_version version; /* version.version 0 when it came from a file */
	uint64_t size;
};

/* Opens the registry if the reference needs it, which checks the SHA-256.  sha256 [65] becomes the file's;
 * NULL where nobody asks, for it takes as long as reading the model.  Release in any case. */
bool cli_model_load(const char *text, char *sha256, struct cli_model *loaded, struct mlops_error *error);

/* The same with a registry that is open already (store may be NULL for a path). */
bool cli_model_load_from(struct mlops_store *store, const struct mlops_reference *reference, char *sha256,
			 struct cli_model *loaded, struct mlops_error *error);
void cli_model_release(struct cli_model *loaded);

#endif
