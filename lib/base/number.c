#include "base/number.h"

#include "base/decimal.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Larger than any count of digits in memory, small enough to add up. */
#define EXPONENT_LIMIT INT64_C(100000000000000000)

/* Eight digits at once: pairs, then fours, then all (Lemire, "Quickly parsing eight digits", 2018). */
static inline bool scan_eight(const char *at, uint64_t *value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t highs = UINT64_C(0xf0f0f0f0f0f0f0f0);
	const uint64_t pair_mask = UINT64_C(0x000000ff000000ff);
	uint64_t word;

	memcpy(&word, at, sizeof word);
	if (((word & highs) | ((word + UINT64_C(0x0606060606060606)) & highs) >> 4) !=
	    UINT64_C(0x3333333333333333))
		return false;
	word -= UINT64_C(0x3030303030303030);
	word = word * 10 + (word >> 8);
	*value = ((word & pair_mask) * UINT64_C(0x000f424000000064) +
		  (word >> 16 & pair_mask) * UINT64_C(0x0000271000000001)) >>
		 32;
	return true;
#else
	(void)at;
	(void)value;
	return false;
#endif
}

static inline const char *scan_digits(const char *at, const char *end, uint64_t *value)
{
	uint64_t sum = *value;
	uint64_t eight;

	for (; end - at >= 8 && scan_eight(at, &eight); at += 8)
		sum = sum * 100000000 + (uint32_t)eight;
	for (; at < end; at++) {
		unsigned digit = mlops_decimal_digit(*at);

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
		unsigned digit = mlops_decimal_digit(*at);

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

static inline bool scan(const char *at, const char *end, char mark, struct mlops_decimal *decimal)
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

enum mlops_number_status mlops_number_parse(const char *text, size_t length, char mark, double *value)
{
	struct mlops_decimal decimal;
	double result;

	if (!scan(text, text + length, mark, &decimal))
		return MLOPS_NUMBER_INVALID;
	/* Clinger, "How to read floating point numbers accurately", 1990: both operands are exact, so
	 * that one operation rounds once. */
	if (decimal.count <= MLOPS_DECIMAL_U64_DIGITS && decimal.mantissa <= MLOPS_DECIMAL_EXACT_MANTISSA &&
	    decimal.exponent >= -MLOPS_DECIMAL_EXACT_POWER && decimal.exponent <= MLOPS_DECIMAL_EXACT_POWER) {
		result = (double)decimal.mantissa;
		if (decimal.exponent < 0)
			result /= mlops_decimal_power_of_ten[-decimal.exponent];
		else
			result *= mlops_decimal_power_of_ten[decimal.exponent];
	} else {
		result = mlops_decimal_convert(&decimal);
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
		unsigned digit = mlops_decimal_digit(text[i]);

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
	if (decimal + 1 >= 0 && decimal + 1 <= MLOPS_DECIMAL_EXACT_POWER)
		return value >= mlops_decimal_power_of_ten[decimal + 1] ? decimal + 1 : decimal;
	if (decimal + 1 < 0 && decimal + 1 >= -MLOPS_DECIMAL_EXACT_POWER)
		return value * mlops_decimal_power_of_ten[-decimal - 1] >= 1.0 ? decimal + 1 : decimal;
	return decimal;
}

/* The integer nearest to value · 10^shift, and what it reads back as.  False where a double cannot do
 * it exactly. */
static bool round_at(double value, int shift, uint64_t *digits, double *back)
{
	double scaled;

	if (shift > MLOPS_DECIMAL_EXACT_POWER || shift < -MLOPS_DECIMAL_EXACT_POWER)
		return false;
	scaled = shift >= 0 ? value * mlops_decimal_power_of_ten[shift]
			    : value / mlops_decimal_power_of_ten[-shift];
	if (scaled >= 1e16)
		return false;
	*digits = (uint64_t)(scaled + 0.5);
	if (*digits > MLOPS_DECIMAL_EXACT_MANTISSA)
		return false;
	*back = shift >= 0 ? (double)*digits / mlops_decimal_power_of_ten[shift]
			   : (double)*digits * mlops_decimal_power_of_ten[-shift];
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

	if (shift < 0 || shift > MLOPS_DECIMAL_WIDE_POWER)
		return false;
	memcpy(&bits, &value, sizeof bits);
	down = 1075 - (int)(bits >> 52 & 0x7ff) - shift;
	if (down < 1 || down > 120)
		return false;
	bits = (bits & (MLOPS_DECIMAL_EXACT_MANTISSA / 2 - 1)) | MLOPS_DECIMAL_EXACT_MANTISSA / 2;
	product = (unsigned __int128)bits * mlops_decimal_power_of_five[shift];
	*digits = (uint64_t)(((product >> (down - 1)) + 1) >> 1);
	return true;
}

/* value rounded correctly to count significant digits, as digits · 10^exponent. */
static double round_slowly(double value, int count, uint64_t *digits, int *exponent)
{
	char text[64];
	char *at = text, *end = text;
	struct mlops_decimal decimal;

	snprintf(text, sizeof text, "%.*e", count - 1, value);
	/* Squeezes out the decimal mark, whatever it is in this locale. */
	for (; *at != 'e'; at++) {
		if (mlops_decimal_digit(*at) <= 9)
			*end++ = *at;
	}
	decimal = (struct mlops_decimal){ .digits = text, .end = end, .count = (size_t)(end - text) };
	scan_digits(text, end, &decimal.mantissa);
	scan_exponent(at + 1, at + strlen(at), &decimal.exponent);
	decimal.exponent -= count - 1;
	*digits = decimal.mantissa;
	*exponent = (int)decimal.exponent;
	return mlops_decimal_convert(&decimal);
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
		if (mlops_decimal_convert_wide(digits, -shift) == size)
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

/* The eight decimal digits of value < 10^8, each in a byte, the first one in the lowest: halves of four
 * digits, then of two, then of one, each division a multiplication that is exact for so few digits. */
static uint64_t eight_digits(uint32_t value)
{
	uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
	uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
	uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
	uint64_t tens = (twos * 103 >> 10) & UINT64_C(0x000f000f000f000f);

	return tens | (twos - 10 * tens) << 8;
}

size_t mlops_number_print_unit(char *buffer, float value)
{
	double rounded;
	uint64_t digits, text;
	uint32_t units;
	size_t length;

	/* The product is exact (24 and 17 bits); adding 2^52 rounds it to an integer, half to even as
	 * printf does. */
	rounded = (double)value * 1e7 + 0x1p52 - 0x1p52;
	if (!(rounded > 0) || rounded >= 1e7) {
		buffer[0] = rounded >= 1e7 ? '1' : '0';
		buffer[1] = '\0';
		return 1;
	}
	units = (uint32_t)rounded;
	digits = eight_digits(units * 10);
	length = 10 - (size_t)__builtin_clzll(digits) / 8;
	text = htole64(digits | UINT64_C(0x3030303030303030));
	buffer[0] = '0';
	buffer[1] = '.';
	memcpy(buffer + 2, &text, sizeof text);
	buffer[length] = '\0';
	return length;
}
