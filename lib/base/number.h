/*
 * Decimal numbers without a locale.
 *
 * Reading is strict: [+-] digits with an optional decimal mark and exponent; ".5", "5." and "+1" are
 * numbers, hexadecimal, "inf", "nan", inner spaces and thousands separators are not.  The result is
 * the double nearest to the decimal text (what strtod gives in the C locale), for any number of
 * digits.  Printing gives the shortest text that reads back as the same value.
 */
#ifndef MLOPS_BASE_NUMBER_H
#define MLOPS_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mlops_number_status {
	MLOPS_NUMBER_OK = 0,
	MLOPS_NUMBER_INVALID,     /* not a number */
	MLOPS_NUMBER_OUT_OF_RANGE /* a number, but no finite double */
};

#define MLOPS_NUMBER_TEXT 40 /* room enough for any printed number and a NUL */

/* text[0..length) without surrounding spaces; decimal is '.' or ','. */
enum mlops_number_status mlops_number_parse(const char *text, size_t length, char decimal, double *value);

/* The same for a float32: parsed as double, then rounded (as numpy does); out of range if not finite then. */
enum mlops_number_status mlops_number_parse_float(const char *text, size_t length, char decimal,
						  float *value);

/* Decimal digits only, no sign, no overflow. */
bool mlops_number_parse_uint(const char *text, size_t length, uint64_t *value);

/* Is text[0..length) a number as JSON (RFC 8259) writes it? */
bool mlops_number_is_json(const char *text, size_t length);

/* Each writes a NUL-terminated text into buffer (MLOPS_NUMBER_TEXT bytes) and returns its length.
 * The value must be finite.  Integral values below 1e15 print without exponent or decimal mark. */
size_t mlops_number_print_float(char *buffer, float value);
size_t mlops_number_print_double(char *buffer, double value);

/* value in [0, 1] with at most 7 decimals, trailing zeros cut: scores and probabilities, fast. */
size_t mlops_number_print_unit(char *buffer, float value);

#endif
