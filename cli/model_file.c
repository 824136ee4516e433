#include "cli/model_file.h"

#include "base/file.h"
#include "base/sha256.h"
#include "cli/registry_open.h"
#include "model/onnx.h"

#include <stdio.h>
#include <string.h>

bool cli_model_load_from(struct mlops_store *store, const struct mlops_reference *reference, char *sha256,
			 struct cli_model *loaded, struct mlops_error *error)
{
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	char source[300];
	bool ok;

	*loaded = (struct cli_model){ .model = NULL };
	if (reference->is_path) {
		ok = mlops_file_read(reference->path, MLOPS_MODEL_FILE_LIMIT, &bytes, error);
	} else {
		ok = mlops_store_resolve(store, reference, &loaded->version, error) &&
		     mlops_store_load(store, &loaded->version, &bytes, error);
		if (ok)
			snprintf(source, sizeof source, "%s/%u", loaded->version.name,
				 loaded->version.version);
	}
	if (ok) {
		if (sha256 != NULL)
			mlops_sha256_of(bytes.data, bytes.length, sha256);
		loaded->size = bytes.length;
		/* what a server's other users registered has none */
		if (loaded->version.version > 0 && loaded->version.sha256[0] == '\0') {
			mlops_sha256_of(bytes.data, bytes.length, loaded->version.sha256);
			loaded->version.size = bytes.length;
		}
		loaded->model = mlops_onnx_read(bytes.data, bytes.length,
						reference->is_path ? reference->path : source, error);
		ok = loaded->model != NULL;
	}
	mlops_buffer_release(&bytes);
	if (!ok)
		cli_model_release(loaded);
	return ok;
}

bool cli_model_load(const char *text, char *sha256, struct cli_model *loaded, struct mlops_error *error)
{
	struct mlops_reference reference;
	struct mlops_store *store = NULL;
	bool ok;

	*loaded = (struct cli_model){ .model = NULL };
	if (!mlops_reference_parse(text, &reference, error))
		return false;
	if (!reference.is_path) {
		store = cli_registry_open(CLI_REGISTRY_RECALL, NULL, error);
		if (store == NULL)
			return false;
	}
	ok = cli_model_load_from(store, &reference, sha256, loaded, error);
	mlops_store_close(store);
	return ok;
}

void cli_model_release(struct cli_model *loaded)
{
	mlops_model_free(loaded->model);
	loaded->model = NULL;
	mlops_version_release(&loaded->version);
}
