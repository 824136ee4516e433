/*
 * Reading decimals gives the bits that strtod gives, for many random texts and for hard ones: next to
 * half-way between two doubles, at both ends of the range, with more digits than any integer holds.  As many
 * as MLOPS_NUMBERS says, or two million.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/number.h"
#include "base/rng.h"
#include "base/thread.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 1024
#define TASK_TEXTS 100000

struct comparison {
	pthread_mutex_t mutex;
	size_t different;
	char first[TEXT_SIZE + 100];
};

static char *put_digits(char *to, struct mlops_rng *rng, size_t count)
{
	while (count > 0) {
		uint64_t digits = mlops_rng_u64(rng);

		for (int i = 0; i < 18 && count > 0; i++, count--, digits /= 10)
			*to++ = (char)('0' + digits % 10);
	}
	return to;
}

static char *put_exponent(char *to, int exponent)
{
	return to + sprintf(to, "e%d", exponent);
}

static double random_double(struct mlops_rng *rng)
{
	uint64_t bits = mlops_rng_u64(rng);
	double value;

	/* One in eight is below the normal range, or next to it. */
	if (bits % 8 == 0)
		bits &= UINT64_C(0x803fffffffffffff);
	memcpy(&value, &bits, sizeof value);
	return isfinite(value) ? value : 1.0;
}

/* Half-way between a double and the next, whole or cut, then a little more or less in the last digit. */
static char *put_half_way(char *to, struct mlops_rng *rng)
{
	double value = random_double(rng);
	long double middle = (long double)value / 2 + (long double)nextafter(value, INFINITY) / 2;
	int digits = mlops_rng_below(rng, 64) == 0 ? 767 : 15 + (int)mlops_rng_below(rng, 12);
	char *point = to + (value < 0);
	char *last;

	sprintf(to, "%.*Le", digits, middle);
	last = point + digits + 1;
	if (mlops_rng_below(rng, 2) != 0 && *last > '0' && *last < '9')
		*last = (char)(*last + (mlops_rng_below(rng, 2) != 0 ? 1 : -1));
	return to + strlen(to);
}

static void make_text(char *to, struct mlops_rng *rng)
{
	uint32_t kind = mlops_rng_below(rng, 32);

	if (kind % 4 == 0)
		*to++ = '-';
	if (kind < 12) {
		/* What sensors' programs write. */
		to = put_digits(to, rng, mlops_rng_below(rng, 7));
		*to++ = '.';
		to = put_digits(to, rng, 1 + mlops_rng_below(rng, 16));
	} else if (kind < 20) {
		to = put_digits(to, rng, 1 + mlops_rng_below(rng, 20));
		to = put_exponent(to, (int)mlops_rng_below(rng, 670) - 345);
	} else if (kind < 22) {
		to = put_digits(to, rng, 1 + mlops_rng_below(rng, 20));
		to = put_exponent(to, (int)mlops_rng_below(rng, 60) - 30);
	} else if (kind < 24) {
		to = put_digits(to, rng, 1 + mlops_rng_below(rng, 40));
		*to++ = '.';
		to = put_digits(to, rng, mlops_rng_below(rng, 40));
	} else if (kind < 26) {
		/* Few digits of a large integer: ties of whole numbers. */
		uint64_t odd = (mlops_rng_u64(rng) >> 10) | (UINT64_C(1) << 53) | 1;

		to += sprintf(to, "%llu", (unsigned long long)(odd << mlops_rng_below(rng, 10)));
	} else if (kind < 29) {
		to += sprintf(to, "%.*g", 15 + (int)mlops_rng_below(rng, 3), fabs(random_double(rng)));
	} else {
		to = put_half_way(to - (kind % 4 == 0), rng);
	}
	*to = '\0';
}

static bool agree(const char *text)
{
	double expected = strtod(text, NULL);
	double value = -7;
	enum mlops_number_status status = mlops_number_parse(text, strlen(text), '.', &value);

	if (isinf(expected))
		return status == MLOPS_NUMBER_OUT_OF_RANGE;
	return status == MLOPS_NUMBER_OK && memcmp(&value, &expected, sizeof value) == 0;
}

static void compare(void *context, size_t task, unsigned worker)
{
	struct comparison *comparison = context;
	struct mlops_rng rng = mlops_rng_start(7, MLOPS_RNG_SIMULATE, (uint32_t)task);
	char text[TEXT_SIZE];

	(void)worker;
	for (size_t i = 0; i < TASK_TEXTS; i++) {
		make_text(text, &rng);
		if (agree(text))
			continue;
		pthread_mutex_lock(&comparison->mutex);
		if (comparison->different++ == 0)
			snprintf(comparison->first, sizeof comparison->first, "%s", text);
		pthread_mutex_unlock(&comparison->mutex);
	}
}

static void as_strtod(void **state)
{
	const char *count = getenv("MLOPS_NUMBERS");
	size_t texts = count != NULL ? strtoull(count, NULL, 10) : 2000000;
	struct comparison comparison = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct mlops_pool *pool = mlops_pool_new(mlops_thread_cpus(), NULL);

	(void)state;
	mlops_pool_run(pool, (texts + TASK_TEXTS - 1) / TASK_TEXTS, compare, &comparison);
	mlops_pool_free(pool);
	if (comparison.different > 0)
		fail_msg("%zu of %zu texts are read otherwise, one of them %s", comparison.different, texts,
			 comparison.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_strtod) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
