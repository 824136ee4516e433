#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More digits than that cannot decide a rounding, except by not all being zero: the longest double
 * that lies half-way between two others has 767. */
#define MOST_DIGITS 770

const double mlops_decimal_power_of_ten[MLOPS_DECIMAL_EXACT_POWER + 1] = {
	1e0,  1e1,  1e2,  1e3,	1e4,  1e5,  1e6,  1e7,	1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

const uint64_t mlops_decimal_power_of_five[MLOPS_DECIMAL_WIDE_POWER + 1] = {
	UINT64_C(1),
	UINT64_C(5),
	UINT64_C(25),
	UINT64_C(125),
	UINT64_C(625),
	UINT64_C(3125),
	UINT64_C(15625),
	UINT64_C(78125),
	UINT64_C(390625),
	UINT64_C(1953125),
	UINT64_C(9765625),
	UINT64_C(48828125),
	UINT64_C(244140625),
	UINT64_C(1220703125),
	UINT64_C(6103515625),
	UINT64_C(30517578125),
	UINT64_C(152587890625),
	UINT64_C(762939453125),
	UINT64_C(3814697265625),
	UINT64_C(19073486328125),
	UINT64_C(95367431640625),
	UINT64_C(476837158203125),
	UINT64_C(2384185791015625),
	UINT64_C(11920928955078125),
	UINT64_C(59604644775390625),
	UINT64_C(298023223876953125),
	UINT64_C(1490116119384765625),
	UINT64_C(7450580596923828125),
};

#define STEP_POWER 28
#define FIRST_STEP -13 /* 10^-364 times any 64 bits is nearer to 0 than to a double */
#define LAST_STEP 11   /* 10^308 */

/* The first 128 bits of 5^(28 · step), cut off behind them: high half, low half. */
static const uint64_t step_of_five[LAST_STEP - FIRST_STEP + 1][2] = {
	{ UINT64_C(0xe1afa13afbd14d6d), UINT64_C(0x82189c09a3a1ec21) }, /* 5^-364 */
	{ UINT64_C(0xe3e27a444d8d98b7), UINT64_C(0xfd1b1b2308169b25) }, /* 5^-336 */
	{ UINT64_C(0xe61acf033d1a45df), UINT64_C(0x6fb92487298e33bd) }, /* 5^-308 */
	{ UINT64_C(0xe858ad248f5c22c9), UINT64_C(0xd1b3400f8f9cff68) }, /* 5^-280 */
	{ UINT64_C(0xea9c227723ee8bcb), UINT64_C(0x465e15a979c1cadc) }, /* 5^-252 */
	{ UINT64_C(0xece53cec4a314ebd), UINT64_C(0xa4f8bf5635246428) }, /* 5^-224 */
	{ UINT64_C(0xef340a98172aace4), UINT64_C(0x86fb897116c87c34) }, /* 5^-196 */
	{ UINT64_C(0xf18899b1bc3f8ca1), UINT64_C(0xdc44e6c3cb279ac1) }, /* 5^-168 */
	{ UINT64_C(0xf3e2f893dec3f126), UINT64_C(0x5a89dba3c3efccfa) }, /* 5^-140 */
	{ UINT64_C(0xf64335bcf065d37d), UINT64_C(0x4d4617b5ff4a16d5) }, /* 5^-112 */
	{ UINT64_C(0xf8a95fcf88747d94), UINT64_C(0x75a44c6397ce912a) }, /* 5^-84 */
	{ UINT64_C(0xfb158592be068d2e), UINT64_C(0xeed6e2f0f0d56712) }, /* 5^-56 */
	{ UINT64_C(0xfd87b5f28300ca0d), UINT64_C(0x8bca9d6e188853fc) }, /* 5^-28 */
	{ UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000) }, /* 5^0 */
	{ UINT64_C(0x813f3978f8940984), UINT64_C(0x4000000000000000) }, /* 5^28 */
	{ UINT64_C(0x82818f1281ed449f), UINT64_C(0xbff8f10e7a8921a4) }, /* 5^56 */
	{ UINT64_C(0x83c7088e1aab65db), UINT64_C(0x792667c6da79e0fa) }, /* 5^84 */
	{ UINT64_C(0x850fadc09923329e), UINT64_C(0x03e2cf6bc604ddb0) }, /* 5^112 */
	{ UINT64_C(0x865b86925b9bc5c2), UINT64_C(0x0b8a2392ba45a9b2) }, /* 5^140 */
	{ UINT64_C(0x87aa9aff79042286), UINT64_C(0x90fb44d2f05d0842) }, /* 5^168 */
	{ UINT64_C(0x88fcf317f22241e2), UINT64_C(0x441fece3bdf81f03) }, /* 5^196 */
	{ UINT64_C(0x8a5296ffe33cc92f), UINT64_C(0x82bd6b70d99aaa6f) }, /* 5^224 */
	{ UINT64_C(0x8bab8eefb6409c1a), UINT64_C(0x1ad089b6c2f7548e) }, /* 5^252 */
	{ UINT64_C(0x8d07e33455637eb2), UINT64_C(0xdb0b487b6423e1e8) }, /* 5^280 */
	{ UINT64_C(0x8e679c2f5e44ff8f), UINT64_C(0x570f09eaa7ea7648) }, /* 5^308 */
};

double mlops_decimal_convert_wide(uint64_t mantissa, int power)
{
	uint64_t bits, scale_bits;
	double scale;
	int shift;

	if (power >= 0) {
		unsigned __int128 product = (unsigned __int128)mantissa * mlops_decimal_power_of_five[power];
		uint64_t high = (uint64_t)(product >> 64);
		int zeros = high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)product);

		product <<= zeros;
		bits = (uint64_t)(product >> 64) | ((uint64_t)product != 0);
		shift = 64 - zeros + power;
	} else {
		uint64_t divisor = mlops_decimal_power_of_five[-power];
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

/* The high half of the product. */
static unsigned __int128 multiply_high(unsigned __int128 a, const uint64_t b[2])
{
	uint64_t a_high = (uint64_t)(a >> 64);
	uint64_t a_low = (uint64_t)a;
	unsigned __int128 low = (unsigned __int128)a_low * b[1];
	unsigned __int128 middle = (unsigned __int128)a_high * b[1];
	unsigned __int128 other = (unsigned __int128)a_low * b[0];
	unsigned __int128 carry = (low >> 64) + (uint64_t)middle + (uint64_t)other;

	return (unsigned __int128)a_high * b[0] + (middle >> 64) + (other >> 64) + (carry >> 64);
}

/*
 * mantissa · 10^power in 128 bits, after Eisel and Lemire ("Number parsing at a gigabyte per second", 2021),
 * with a power of five in two factors: the first is exact, the second was cut off.  So the product is at most
 * two units too small, and the rounding certain unless that reaches half-way; false then.  An infinite
 * value is HUGE_VAL.
 */
static bool convert_nearly(uint64_t mantissa, int64_t power, double *value)
{
	unsigned __int128 product, low, half;
	int step, rest, zeros, exponent, drop;
	uint64_t bits;

	*value = mantissa == 0 || power < STEP_POWER * FIRST_STEP ? 0.0 : HUGE_VAL;
	if (*value == 0.0 || power >= STEP_POWER * (LAST_STEP + 1))
		return true;
	step = (int)(power + STEP_POWER * -FIRST_STEP) / STEP_POWER + FIRST_STEP;
	rest = (int)power - step * STEP_POWER;
	product = (unsigned __int128)mantissa * mlops_decimal_power_of_five[rest];
	zeros = product >> 64 != 0 ? __builtin_clzll((uint64_t)(product >> 64))
				   : 64 + __builtin_clzll((uint64_t)product);
	product = multiply_high(product << zeros, step_of_five[step - FIRST_STEP]);
	/* floor(log2(10^n)) is n · 217706 / 2^16 for all n here. */
	exponent = (int)power - zeros + (STEP_POWER * step * 217706 >> 16) - STEP_POWER * step + 128;
	if (product >> 127 == 0) {
		product <<= 1;
		exponent--;
	}
	/* The value is product / 2^127 · 2^exponent, and product's lowest bit may be wrong by four. */
	drop = 75;
	if (exponent < -1022) {
		drop += -1022 - exponent;
		exponent = -1022;
	}
	if (drop > 127)
		return false;
	half = (unsigned __int128)1 << (drop - 1);
	low = product & (half + half - 1);
	if (low + 4 > half && low <= half)
		return false;
	bits = ((uint64_t)(exponent + 1022) << 52) + (uint64_t)(product >> drop) + (low > half);
	if (bits >= UINT64_C(0x7ff) << 52)
		*value = HUGE_VAL;
	else
		memcpy(value, &bits, sizeof bits);
	return true;
}

/*
 * Everything else: the digits alone, with an exponent, go to strtod, which is exact.  A text without a
 * decimal mark means the same in every locale.
 */
static double convert_slowly(const struct mlops_decimal *decimal)
{
	char text[MOST_DIGITS + 32];
	size_t length = 0;
	int64_t exponent = decimal->exponent;
	bool sticky = false;

	for (const char *at = decimal->digits; at < decimal->end; at++) {
		if (mlops_decimal_digit(*at) > 9 || (length == 0 && *at == '0'))
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

/* More digits than fit: the value lies between those of the first digits and of their successor. */
static double convert_long(const struct mlops_decimal *decimal)
{
	uint64_t mantissa = 0;
	int64_t exponent = decimal->exponent;
	double value, above;

	for (const char *at = decimal->digits; at < decimal->end; at++) {
		if (mlops_decimal_digit(*at) > 9)
			continue;
		if (mantissa < UINT64_C(1000000000000000000))
			mantissa = mantissa * 10 + mlops_decimal_digit(*at);
		else
			exponent++;
	}
	if (convert_nearly(mantissa, exponent, &value) && convert_nearly(mantissa + 1, exponent, &above) &&
	    value == above)
		return value;
	return convert_slowly(decimal);
}

double mlops_decimal_convert(const struct mlops_decimal *decimal)
{
	size_t count = decimal->count;
	int64_t exponent = decimal->exponent;
	double value;

	for (const char *at = decimal->digits;
	     count > MLOPS_DECIMAL_U64_DIGITS && (mlops_decimal_digit(*at) > 9 || *at == '0'); at++)
		count -= *at == '0';
	if (count > MLOPS_DECIMAL_U64_DIGITS)
		return convert_long(decimal);
	if (decimal->mantissa == 0)
		return 0.0;
	if (exponent >= 0 && exponent <= MLOPS_DECIMAL_WIDE_POWER)
		return mlops_decimal_convert_wide(decimal->mantissa, (int)exponent);
	if (convert_nearly(decimal->mantissa, exponent, &value))
		return value;
	if (exponent >= -MLOPS_DECIMAL_WIDE_POWER && exponent < 0)
		return mlops_decimal_convert_wide(decimal->mantissa, (int)exponent);
	return convert_slowly(decimal);
}
