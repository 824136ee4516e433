#include "cli/registry_open.h"

#include "cli/common.h"
#include "cli/tracking.h"

#include <jansson.h>

struct mlops_store *cli_registry_open(enum cli_registry_access access, char *location, struct mlops_error *error)
{
	char own[4096];
	char *place = location != NULL ? location : own;
	struct mlops_store_options options = {
		.location = place,
		.create = access == CLI_REGISTRY_CREATE,
		.write = access >= CLI_REGISTRY_WRITE,
		.recall = access == CLI_REGISTRY_RECALL,
	};

	return cli_registry_location(place, error) && cli_tracking(&options.tracking, error)
		       ? mlops_store_open(&options, error)
		       : NULL;
}

bool cli_is_json(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	bool is_json = value != NULL;

	json_decref(value);
	return is_json;
}
