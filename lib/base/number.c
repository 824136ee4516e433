#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MANTISSA (UINT64_C(1) << 53)
#define EXACT_POWER 22 /* 10^22 is the largest power of ten that is a double */
#define WIDE_POWER 27  /* 5^27 is the largest power of five that has 64 bits */
#define U64_DIGITS 19  /* any so many digits fit uint64_t */

/* More digits than that cannot decide a rounding, except by not all being zero: the longest double
 * that lies half-way between two others has 767. */
#define MOST_DIGITS 770

/* Larger than any count of digits in memory, small enough to add up. */
#define EXPONENT_LIMIT INT64_C(100000000000000000)

static const double power_of_ten[EXACT_POWER + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static const uint64_t power_of_five[WIDE_POWER + 1] = {
	UINT64_C(1), UINT64_C(5), UINT64_C(25), UINT64_C(125), UINT64_C(625), UINT64_C(3125), UINT64_C(15625),
	UINT64_C(78125), UINT64_C(390625), UINT64_C(1953125), UINT64_C(9765625), UINT64_C(48828125),
	UINT64_C(244140625), UINT64_C(1220703125), UINT64_C(6103515625), UINT64_C(30517578125),
	UINT64_C(152587890625), UINT64_C(762939453125), UINT64_C(3814697265625), UINT64_C(19073486328125),
	UINT64_C(95367431640625), UINT64_C(476837158203125), UINT64_C(2384185791015625),
	UINT64_C(11920928955078125), UINT64_C(59604644775390625), UINT64_C(298023223876953125),
	UINT64_C(1490116119384765625), UINT64_C(7450580596923828125),
};

/* A decimal as it was read: ± mantissa · 10^exponent, where mantissa is right only up to U64_DIGITS
 * digits. */
struct decimal {
	uint64_t mantissa;
	int64_t exponent;
	bool negative;
	const char *digits; /* the first digit or decimal mark */
	const char *end;    /* behind the last digit or decimal mark */
	size_t count;       /* of digits, leading zeros too */
};

static inline unsigned digit_of(char c)
{
	return (unsigned)(unsigned char)c - '0';
}

static inline const char *scan_digits(const char *at, const char *end, uint64_t *value)
{
	uint64_t sum = *value;

	for (; at < end; at++) {
		unsigned digit = digit_of(*at);

		if (digit > 9)
			break;
		sum = sum * 10 + digit;
	}
	*value = sum;
	return at;
}

static bool scan_exponent(const char *at, const char *end, int64_t *exponent)
{
	int64_t sum = 0;
	bool negative = false;

	if (at < end && (*at == '-' || *at == '+'))
		negative = *at++ == '-';
	if (at == end)
		return false;
	for (; at < end; at++) {
		unsigned digit = digit_of(*at);

		if (digit > 9)
			return false;
		if (sum < EXPONENT_LIMIT)
			sum = sum * 10 + digit;
	}
	if (sum > EXPONENT_LIMIT)
		sum = EXPONENT_LIMIT;
	*exponent = negative ? -sum : sum;
	return true;
}

static inline bool scan(const char *at, const char *end, char mark, struct decimal *decimal)
{
	const char *start;

	decimal->mantissa = 0;
	decimal->exponent = 0;
	decimal->negative = false;
	if (at < end && (*at == '-' || *at == '+'))
		decimal->negative = *at++ == '-';
	start = at;
	at = scan_digits(at, end, &decimal->mantissa);
	decimal->count = (size_t)(at - start);
	decimal->digits = start;
	if (at < end && *at == mark) {
		start = ++at;
		at = scan_digits(at, end, &decimal->mantissa);
		decimal->count += (size_t)(at - start);
		decimal->exponent = -(int64_t)(at - start);
	}
	decimal->end = at;
	if (decimal->count == 0)
		return false;
	if (at < end) {
		int64_t exponent;

		if ((*at | 0x20) != 'e' || !scan_exponent(at + 1, end, &exponent))
			return false;
		decimal->exponent += exponent;
	}
	return true;
}

/*
 * mantissa · 5^power · 2^power for |power| ≤ WIDE_POWER, rounded once: product or quotient are exact
 * in 128 bits, what does not fit 64 is kept as a sticky lowest bit, and the conversion to double
 * rounds to nearest even.  The result is far from both ends of the range of double, so scaling by a
 * power of two is exact.
 */
static double convert_wide(uint64_t mantissa, int power)
{
	uint64_t bits, scale_bits;
	double scale;
	int shift;

	if (power >= 0) {
		unsigned __int128 product = (unsigned __int128)mantissa * power_of_five[power];
		uint64_t high = (uint64_t)(product >> 64);
		int zeros = high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)product);

		product <<= zeros;
		bits = (uint64_t)(product >> 64) | ((uint64_t)product != 0);
		shift = 64 - zeros + power;
	} else {
		uint64_t divisor = power_of_five[-power];
		int divisor_zeros = __builtin_clzll(divisor);
		int mantissa_zeros = __builtin_clzll(mantissa);
		unsigned __int128 dividend = (unsigned __int128)(mantissa << mantissa_zeros) << 63;

		divisor <<= divisor_zeros;
		bits = (uint64_t)(dividend / divisor);
		bits |= bits * divisor != (uint64_t)dividend;
		shift = divisor_zeros - mantissa_zeros - 63 + power;
	}
	scale_bits = (uint64_t)(shift + 1023) << 52;
	memcpy(&scale, &scale_bits, sizeof scale);
	return (double)bits * scale;
}

/*
 * Everything else: the digits alone, with an exponent, go to strtod, which is exact.  A text without a
 * decimal mark means the same in every locale.
 */
static double convert_slowly(const struct decimal *decimal)
{
	char text[MOST_DIGITS + 32];
	size_t length = 0;
	int64_t exponent = decimal->exponent;
	bool sticky = false;

	for (const char *at = decimal->digits; at < decimal->end; at++) {
		if (digit_of(*at) > 9 || (length == 0 && *at == '0'))
			continue;
		if (length < MOST_DIGITS) {
			text[length++] = *at;
		} else {
			sticky |= *at != '0';
			exponent++;
		}
	}
	if (length == 0 || exponent + (int64_t)length < -330)
		return 0.0;
	if (exponent + (int64_t)length > 310)
		return HUGE_VAL;
	if (sticky) {
		text[length++] = '1';
		exponent--;
	}
	snprintf(text + length, sizeof text - length, "e%d", (int)exponent);
	return strtod(text, NULL);
}

static double convert_inexact(const struct decimal *decimal)
{
	size_t count = decimal->count;

	for (const char *at = decimal->digits; count > U64_DIGITS && (digit_of(*at) > 9 || *at == '0'); at++)
		count -= *at == '0';
	if (count > U64_DIGITS)
		return convert_slowly(decimal);
	if (decimal->mantissa == 0)
		return 0.0;
	if (decimal->exponent < -WIDE_POWER || decimal->exponent > WIDE_POWER)
		return convert_slowly(decimal);
	return convert_wide(decimal->mantissa, (int)decimal->exponent);
}

enum mlops_number_status mlops_number_parse(const char *text, size_t length, char mark, double *value)
{
	struct decimal decimal;
	double result;

	if (!scan(text, text + length, mark, &decimal))
		return MLOPS_NUMBER_INVALID;
	/* Clinger, "How to read floating point numbers accurately", 1990: both operands are exact, so
	 * that one operation rounds once. */
	if (decimal.count <= U64_DIGITS && decimal.mantissa <= EXACT_MANTISSA &&
	    decimal.exponent >= -EXACT_POWER && decimal.exponent <= EXACT_POWER) {
		result = (double)decimal.mantissa;
		if (decimal.exponent < 0)
			result /= power_of_ten[-decimal.exponent];
		else
			result *= power_of_ten[decimal.exponent];
	} else {
		result = convert_inexact(&decimal);
		if (isinf(result))
			return MLOPS_NUMBER_OUT_OF_RANGE;
	}
	*value = decimal.negative ? -result : result;
	return MLOPS_NUMBER_OK;
}

enum mlops_number_status mlops_number_parse_float(const char *text, size_t length, char mark, float *value)
{
	double wide;
	enum mlops_number_status status = mlops_number_parse(text, length, mark, &wide);

	if (status != MLOPS_NUMBER_OK)
		return status;
	/* The smallest double that rounds to an infinite float: half-way above FLT_MAX. */
	if (fabs(wide) >= 0x1.ffffffp127)
		return MLOPS_NUMBER_OUT_OF_RANGE;
	*value = (float)wide;
	return MLOPS_NUMBER_OK;
}

bool mlops_number_parse_uint(const char *text, size_t length, uint64_t *value)
{
	uint64_t sum = 0;

	if (length == 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = digit_of(text[i]);

		if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, digit, &sum))
			return false;
	}
	*value = sum;
	return true;
}

bool mlops_number_is_json(const char *text, size_t length)
{
	const char *at = text, *end = text + length, *start;
	uint64_t ignored = 0;
	int64_t exponent;

	if (at < end && *at == '-')
		at++;
	start = at;
	at = scan_digits(at, end, &ignored);
	if (at == start || (*start == '0' && at - start > 1))
		return false;
	if (at < end && *at == '.') {
		start = ++at;
		at = scan_digits(at, end, &ignored);
		if (at == start)
			return false;
	}
	if (at == end)
		return true;
	return (*at | 0x20) == 'e' && scan_exponent(at + 1, end, &exponent);
}

/* Writes value from the right end of a field of 20 characters; returns where it starts. */
static char *print_digits(char field[20], uint64_t value)
{
	char *at = field + 20;

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return at;
}

/* digits · 10^exponent: plainly where that is short, else with an exponent. */
static size_t print_decimal(char *buffer, bool negative, uint64_t digits, int exponent)
{
	char field[20];
	char *from, *at = buffer;
	size_t count;
	int point; /* the value is 0.DIGITS · 10^point */

	while (digits % 10 == 0 && digits != 0) {
		digits /= 10;
		exponent++;
	}
	from = print_digits(field, digits);
	count = (size_t)(field + sizeof field - from);
	point = (int)count + exponent;
	if (negative)
		*at++ = '-';
	if (point < -4 || point > 15) {
		*at++ = from[0];
		if (count > 1) {
			*at++ = '.';
			memcpy(at, from + 1, count - 1);
			at += count - 1;
		}
		*at++ = 'e';
		at += snprintf(at, 8, "%d", point - 1);
	} else if (point <= 0) {
		*at++ = '0';
		*at++ = '.';
		memset(at, '0', (size_t)-point);
		at += -point;
		memcpy(at, from, count);
		at += count;
	} else if ((size_t)point >= count) {
		memcpy(at, from, count);
		at += count;
		memset(at, '0', (size_t)point - count);
		at += (size_t)point - count;
	} else {
		memcpy(at, from, (size_t)point);
		at += point;
		*at++ = '.';
		memcpy(at, from + point, count - (size_t)point);
		at += count - (size_t)point;
	}
	*at = '\0';
	return (size_t)(at - buffer);
}

/* floor(log10(value)), or one off next to a power of ten. */
static int magnitude_of(double value)
{
	uint64_t bits;
	int binary, decimal;

	memcpy(&bits, &value, sizeof bits);
	binary = (int)(bits >> 52 & 0x7ff) - 1023;
	decimal = binary * 1233 >> 12;
	if (decimal + 1 >= 0 && decimal + 1 <= EXACT_POWER)
		return value >= power_of_ten[decimal + 1] ? decimal + 1 : decimal;
	if (decimal + 1 < 0 && decimal + 1 >= -EXACT_POWER)
		return value * power_of_ten[-decimal - 1] >= 1.0 ? decimal + 1 : decimal;
	return decimal;
}

/* The integer nearest to value · 10^shift, and what it reads back as.  False where a double cannot do
 * it exactly. */
static bool round_at(double value, int shift, uint64_t *digits, double *back)
{
	double scaled;

	if (shift > EXACT_POWER || shift < -EXACT_POWER)
		return false;
	scaled = shift >= 0 ? value * power_of_ten[shift] : value / power_of_ten[-shift];
	if (scaled >= 1e16)
		return false;
	*digits = (uint64_t)(scaled + 0.5);
	if (*digits > EXACT_MANTISSA)
		return false;
	*back = shift >= 0 ? (double)*digits / power_of_ten[shift] : (double)*digits * power_of_ten[-shift];
	return true;
}

/*
 * value · 10^shift rounded to an integer (half up), where the product of value's 53 bits and the power
 * of five fits 128 bits, which is to say for values that are neither huge nor tiny.
 */
static bool round_wide(double value, int shift, uint64_t *digits)
{
	unsigned __int128 product;
	uint64_t bits;
	int down;

	if (shift < 0 || shift > WIDE_POWER)
		return false;
	memcpy(&bits, &value, sizeof bits);
	down = 1075 - (int)(bits >> 52 & 0x7ff) - shift;
	if (down < 1 || down > 120)
		return false;
	bits = (bits & (EXACT_MANTISSA / 2 - 1)) | EXACT_MANTISSA / 2;
	product = (unsigned __int128)bits * power_of_five[shift];
	*digits = (uint64_t)(((product >> (down - 1)) + 1) >> 1);
	return true;
}

/* value rounded correctly to count significant digits, as digits · 10^exponent. */
static double round_slowly(double value, int count, uint64_t *digits, int *exponent)
{
	char text[64];
	char *at = text, *end = text;
	struct decimal decimal;

	snprintf(text, sizeof text, "%.*e", count - 1, value);
	/* Squeezes out the decimal mark, whatever it is in this locale. */
	for (; *at != 'e'; at++) {
		if (digit_of(*at) <= 9)
			*end++ = *at;
	}
	decimal = (struct decimal){ .digits = text, .end = end, .count = (size_t)(end - text) };
	scan_digits(text, end, &decimal.mantissa);
	scan_exponent(at + 1, at + strlen(at), &decimal.exponent);
	decimal.exponent -= count - 1;
	*digits = decimal.mantissa;
	*exponent = (int)decimal.exponent;
	return convert_inexact(&decimal);
}

static size_t print_integer(char *buffer, double value)
{
	char field[20];
	char *from = print_digits(field, (uint64_t)fabs(value)), *at = buffer;
	size_t count = (size_t)(field + sizeof field - from);

	if (value < 0)
		*at++ = '-';
	memcpy(at, from, count);
	at[count] = '\0';
	return (size_t)(at - buffer) + count;
}

static bool is_plain_integer(double value)
{
	return fabs(value) < 1e15 && trunc(value) == value;
}

size_t mlops_number_print_float(char *buffer, float value)
{
	double size = fabs((double)value), back;
	uint64_t digits;
	int magnitude, exponent;

	if (is_plain_integer((double)value))
		return print_integer(buffer, (double)value);
	magnitude = magnitude_of(size);
	/* No two numbers of six digits are the same float, so that fewer digits show as zeros at the end. */
	for (int count = 6; count <= 9; count++) {
		int shift = count - 1 - magnitude;

		if (!round_at(size, shift, &digits, &back))
			break;
		if ((float)back == (float)size)
			return print_decimal(buffer, value < 0, digits, -shift);
	}
	/* Below the normal range six digits say too much: start from one. */
	for (int count = 1; count < 9; count++) {
		if ((float)round_slowly(size, count, &digits, &exponent) == (float)size)
			return print_decimal(buffer, value < 0, digits, exponent);
	}
	round_slowly(size, 9, &digits, &exponent);
	return print_decimal(buffer, value < 0, digits, exponent);
}

size_t mlops_number_print_double(char *buffer, double value)
{
	double size = fabs(value), back;
	uint64_t digits;
	int magnitude, shift, exponent;

	if (is_plain_integer(value))
		return print_integer(buffer, value);
	/* No two numbers of fifteen digits are the same double, so that fewer digits show as zeros at
	 * the end. */
	magnitude = magnitude_of(size);
	shift = 14 - magnitude;
	if (round_at(size, shift, &digits, &back) && back == size)
		return print_decimal(buffer, value < 0, digits, -shift);
	for (int count = 15; count <= 17; count++) {
		shift = count - 1 - magnitude;
		if (!round_wide(size, shift, &digits))
			break;
		if (convert_wide(digits, -shift) == size)
			return print_decimal(buffer, value < 0, digits, -shift);
	}
	/* Below the normal range fifteen digits say too much. */
	for (int count = size < 0x1p-1022 ? 1 : 15; count < 17; count++) {
		if (round_slowly(size, count, &digits, &exponent) == size)
			return print_decimal(buffer, value < 0, digits, exponent);
	}
	round_slowly(size, 17, &digits, &exponent);
	return print_decimal(buffer, value < 0, digits, exponent);
}

size_t mlops_number_print_unit(char *buffer, float value)
{
	double rounded;
	uint32_t rest;
	size_t length = 9;

	if (!(value > 0.0f) || value >= 1.0f) {
		buffer[0] = value >= 1.0f ? '1' : '0';
		buffer[1] = '\0';
		return 1;
	}
	/* The product is exact (24 and 17 bits); adding 2^52 rounds it to an integer, half to even as
	 * printf does. */
	rounded = (double)value * 1e7 + 0x1p52 - 0x1p52;
	rest = (uint32_t)rounded;
	if (rest == 0 || rest == 10000000) {
		buffer[0] = rest == 0 ? '0' : '1';
		buffer[1] = '\0';
		return 1;
	}
	buffer[0] = '0';
	buffer[1] = '.';
	for (int i = 8; i >= 2; i--) {
		buffer[i] = (char)('0' + rest % 10);
		rest /= 10;
	}
	while (buffer[length - 1] == '0')
		length--;
	buffer[length] = '\0';
	return length;
}
