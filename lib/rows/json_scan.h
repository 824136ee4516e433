/*
 * The tokens of one JSON object (RFC 8259), found while its bytes arrive.
 *
 *	struct mlops_json_scan scan;
 *	mlops_json_scan_start(&scan);
 *	for (;;)
 *		switch (mlops_json_scan_next(&scan, bytes, length)) {
 *		case MLOPS_JSON_MEMBER: ... scan.key, scan.value ...; continue;
 *		case MLOPS_JSON_MORE: ... append to bytes, raise length ...; continue;
 *		case MLOPS_JSON_END: ... the object is bytes[0 .. scan.at) ...
 *		case MLOPS_JSON_BROKEN: ... mlops_json_scan_message ...
 *
 * bytes always starts with the object's "{"; it may move between calls, for the scan remembers offsets only,
 * and it may be cut anywhere.  Members of the object itself are reported; what is nested in them is checked
 * and passed over, at most 64 levels deep.  Memory does not grow.
 */
#ifndef MLOPS_ROWS_JSON_SCAN_H
#define MLOPS_ROWS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOPS_JSON_DEPTH 64
#define MLOPS_JSON_MESSAGE 256

enum mlops_json_event { MLOPS_JSON_MEMBER, MLOPS_JSON_END, MLOPS_JSON_MORE, MLOPS_JSON_BROKEN };

enum mlops_json_kind {
	MLOPS_JSON_NULL,
	MLOPS_JSON_FALSE,
	MLOPS_JSON_TRUE,
	MLOPS_JSON_NUMBER,
	MLOPS_JSON_STRING,
	MLOPS_JSON_ARRAY,
	MLOPS_JSON_OBJECT
};

/* A stretch of the object's bytes; of a string what stands between the quotes. */
struct mlops_json_slice {
	size_t start, length;
	enum mlops_json_kind kind;
	bool escaped; /* a string with backslashes in it: mlops_json_unescape */
};

struct mlops_json_scan {
	size_t at;                     /* bytes done */
	struct mlops_json_slice key;   /* of the last member */
	struct mlops_json_slice value;
	/* the scan's own */
	unsigned state;
	unsigned depth;
	uint64_t is_object;  /* bit d: depth d + 1 is an object, not an array */
	bool string_is_key;
	bool string_is_wide; /* a byte above 127 was seen */
	struct mlops_json_slice token;
	const char *expected;
	size_t found;        /* where something else than expected stands */
	const char *problem;
};

void mlops_json_scan_start(struct mlops_json_scan *scan);
enum mlops_json_event mlops_json_scan_next(struct mlops_json_scan *scan, const char *bytes, size_t length);

/* After MLOPS_JSON_BROKEN: `broken JSON: expected ":", found '5'`.  Returns buffer. */
const char *mlops_json_scan_message(const struct mlops_json_scan *scan, const char *bytes, size_t length,
				    char buffer[MLOPS_JSON_MESSAGE]);

/* Writes the string that raw stands for (never longer than raw) to out; out may be raw itself, or NULL to
 * check only.  Returns its length, or SIZE_MAX for a wrong escape or half a surrogate pair. */
size_t mlops_json_unescape(char *out, const char *raw, size_t length);

#endif
