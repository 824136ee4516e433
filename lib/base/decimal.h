/*
 * From decimal digits to the nearest double, exactly: the inside of number.h.
 */
#ifndef MLOPS_BASE_DECIMAL_H
#define MLOPS_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define MLOPS_DECIMAL_EXACT_MANTISSA (UINT64_C(1) << 53)
#define MLOPS_DECIMAL_EXACT_POWER 22 /* 10^22 is the largest power of ten that is a double */
#define MLOPS_DECIMAL_WIDE_POWER 27  /* 5^27 is the largest power of five that has 64 bits */
#define MLOPS_DECIMAL_U64_DIGITS 19  /* any so many digits fit uint64_t */

extern const double mlops_decimal_power_of_ten[MLOPS_DECIMAL_EXACT_POWER + 1];
extern const uint64_t mlops_decimal_power_of_five[MLOPS_DECIMAL_WIDE_POWER + 1];

/* A decimal as it was read: ± mantissa · 10^exponent, where mantissa is right only up to
 * MLOPS_DECIMAL_U64_DIGITS digits. */
struct mlops_decimal {
	uint64_t mantissa;
	int64_t exponent;
	bool negative;
	const char *digits; /* the first digit or decimal mark */
	const char *end;    /* behind the last digit or decimal mark */
	size_t count;	    /* of digits, leading zeros too */
};

/* The double nearest to it, HUGE_VAL where that is infinite; without its sign. */
double mlops_decimal_convert(const struct mlops_decimal *decimal);

/*
 * mantissa · 5^power · 2^power for |power| ≤ MLOPS_DECIMAL_WIDE_POWER, rounded once: product or quotient are
 * exact in 128 bits, what does not fit 64 is kept as a sticky lowest bit, and the conversion to double rounds
 * to nearest even.  The result is far from both ends of the range of double, so scaling by a power of two is
 * exact.
 */
double mlops_decimal_convert_wide(uint64_t mantissa, int power);

static inline unsigned mlops_decimal_digit(char c)
{
	return (unsigned)(unsigned char)c - '0';
}

#endif
