/*
 * JSON written straight into a buffer, keys in the order of the calls, no tree in between.
 *
 *	struct mlops_json json = { .out = &buffer };
 *	mlops_json_open(&json, '{');
 *	mlops_json_key(&json, "rows");
 *	mlops_json_uint(&json, 17);
 *	mlops_json_close(&json, '}');
 *
 * Commas are put in by the writer, except between texts outside of all brackets (JSON Lines).  Text
 * that is not UTF-8 gets U+FFFD in place of each bad byte, control characters become \n and the like
 * or \u00XX, NaN and infinities become null.  Nothing here can fail except memory (buffer.failed).
 * Nesting is at most 32 deep.
 */
#ifndef MLOPS_BASE_JSON_WRITER_H
#define MLOPS_BASE_JSON_WRITER_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct mlops_json {
	struct mlops_buffer *out;
	uint32_t has_item; /* bit d: something was written at depth d already */
	unsigned depth;
	bool after_key;
};

void mlops_json_open(struct mlops_json *json, char bracket);  /* '{' or '[' */
void mlops_json_close(struct mlops_json *json, char bracket); /* '}' or ']' */
void mlops_json_key(struct mlops_json *json, const char *key);

void mlops_json_string(struct mlops_json *json, const char *string); /* NULL writes null */
void mlops_json_text(struct mlops_json *json, const char *bytes, size_t length);
void mlops_json_float(struct mlops_json *json, float value);   /* shortest that reads back the same float32 */
void mlops_json_double(struct mlops_json *json, double value); /* shortest that reads back the same double */
void mlops_json_int(struct mlops_json *json, int64_t value);
void mlops_json_uint(struct mlops_json *json, uint64_t value);
void mlops_json_bool(struct mlops_json *json, bool value);
void mlops_json_null(struct mlops_json *json);
/* Valid JSON, written as it is. */
void mlops_json_raw(struct mlops_json *json, const char *bytes, size_t length);

/* Key and value in one call. */
void mlops_json_member_string(struct mlops_json *json, const char *key, const char *string);
void mlops_json_member_double(struct mlops_json *json, const char *key, double value);
void mlops_json_member_uint(struct mlops_json *json, const char *key, uint64_t value);
void mlops_json_member_bool(struct mlops_json *json, const char *key, bool value);
/* As mlops_time_print has it; null for 0, which is never. */
void mlops_json_member_time(struct mlops_json *json, const char *key, int64_t microseconds);

#endif
