/*
 * What the builds of mlops_kernel_csv_numbers (csv.h) share: where a field lies, how digits become a number,
 * and numbers of more digits than a double holds.
 */
#ifndef MLOPS_KERNEL_CSV_NUMBER_H
#define MLOPS_KERNEL_CSV_NUMBER_H

#include "kernel/csv.h"

#include <string.h>

#define MLOPS_CSV_WIDTH   16 /* bytes of a number without its sign that are taken apart at once */
#define MLOPS_CSV_EXACT   (UINT64_C(1) << 53)
#define MLOPS_CSV_MISSING UINT32_C(0x7fc00000)

/* Powers of ten, exact up to the 22nd, then the nearest doubles. */
static const double mlops_csv_powers[2 * MLOPS_CSV_WIDTH] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31,
};

struct mlops_csv_place {
	const char *end;
	size_t length; /* without the sign */
	uint32_t sign; /* the highest bit, or 0 */
	bool empty;
};

/* end is where a field of fields ends, an element of fields->ends. */
static inline struct mlops_csv_place find_place(const struct mlops_csv_fields *fields, const uint32_t *ends)
{
	const char *bytes = fields->bytes;
	uint32_t begin = ends[-1] + 1;
	uint32_t end = ends[0];
	uint32_t negative;

	if (fields->crlf)
		end -= end > begin && bytes[end - 1] == '\r';
	if (fields->quotes && end > begin + 1 && bytes[begin] == '"') {
		begin++;
		end--;
	}
	/* A delimiter may be a minus sign. */
	negative = (bytes[begin] == '-') & (end > begin);
	return (struct mlops_csv_place){ bytes + end, end - begin - negative, negative << 31, end == begin };
}

static inline void put_bits(float number, uint32_t sign, float *value)
{
	uint32_t bits;

	memcpy(&bits, &number, sizeof bits);
	bits |= sign;
	memcpy(value, &bits, sizeof bits);
}

/* Clinger, "How to read floating point numbers accurately", 1990: mantissa and divisor are exact, so that the
 * quotient is rounded once; then it is rounded to float. */
static inline void put_number(uint64_t mantissa, double divisor, uint32_t sign, float *value)
{
	put_bits((float)((double)(int64_t)mantissa / divisor), sign, value);
}

/*
 * mantissa / 10^power where one of them is too large to be exact.  The mantissa, the power and the quotient
 * are each rounded by half a unit in the last place at most, so the double nearest to the text is not three
 * units away; unless half-way between two floats lies as near, both are rounded to the same float.  False
 * where it does.
 */
static inline bool put_wide(uint64_t mantissa, unsigned power, uint32_t sign, float *value)
{
	const uint32_t half = UINT32_C(1) << 28, margin = 8;
	double number = (double)mantissa / mlops_csv_powers[power];
	uint64_t bits;

	memcpy(&bits, &number, sizeof bits);
	if ((mantissa > MLOPS_CSV_EXACT || power > 22) &&
	    (uint32_t)(bits & (2 * half - 1)) - (half - margin) <= 2 * margin)
		return false;
	put_bits((float)number, sign, value);
	return true;
}

/* Returns whether the field is unusual. */
static inline bool put_other(bool empty, float *value)
{
	uint32_t bits = empty ? MLOPS_CSV_MISSING : MLOPS_CSV_UNUSUAL;

	memcpy(value, &bits, sizeof bits);
	return !empty;
}

#endif
