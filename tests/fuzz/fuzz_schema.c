/*
 * Any bytes as a schema: reading must not crash, leak or run away, and what was read and written again must
 * read as the same.
 */
#include "check/schema.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_schema *schema = mlops_schema_read((const char *)data, size, "fuzz", &error);
	struct mlops_buffer once = MLOPS_BUFFER_INIT;
	struct mlops_buffer twice = MLOPS_BUFFER_INIT;

	if (schema == NULL) {
		if (error.code != MLOPS_CONFIG || error.message[0] == '\0')
			abort();
		return 0;
	}
	mlops_schema_write(schema, &once);
	mlops_schema_free(schema);
	schema = mlops_schema_read(once.data, once.length, "fuzz", &error);
	if (schema == NULL)
		abort();
	mlops_schema_write(schema, &twice);
	mlops_schema_free(schema);
	if (once.length != twice.length || memcmp(once.data, twice.data, once.length) != 0)
		abort();
	mlops_buffer_release(&once);
	mlops_buffer_release(&twice);
	return 0;
}
