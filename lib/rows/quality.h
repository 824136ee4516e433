/*
 * Quality codes of historians: may a sample be believed?
 *
 * Words, in any case of letters: those that begin with good, ok, valid or true are good ("GoodClamped"),
 * with uncertain or questionable uncertain, with bad, invalid, false, no or error bad.  Numbers, also as
 * 0x80000000: OPC UA's status codes have the answer in their two highest bits of 32 (0 good, 1 uncertain, 2
 * bad), OPC DA's in the two highest of their low byte (192 good, 64 uncertain, 0 bad).  0 means good to one
 * and bad to the other; which of them a column has, somebody must know who has seen more of it.
 */
#ifndef MLOPS_ROWS_QUALITY_H
#define MLOPS_ROWS_QUALITY_H

#include <stdbool.h>
#include <stddef.h>

enum mlops_quality { MLOPS_QUALITY_GOOD, MLOPS_QUALITY_UNCERTAIN, MLOPS_QUALITY_BAD, MLOPS_QUALITY_UNKNOWN };

/* classic: 0 is OPC DA's.  MLOPS_QUALITY_UNKNOWN for what is none of the above. */
enum mlops_quality mlops_quality_read(const char *bytes, size_t length, bool classic);

/* Is it a number that only OPC DA has: 1 to 65535? */
bool mlops_quality_is_classic(const char *bytes, size_t length);

#endif
