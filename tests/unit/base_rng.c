#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"

#include <string.h>

/* The known answers that come with Random123 (kat_vectors, philox4x32 10). */
static void philox_gives_the_known_answers(void **state)
{
	static const struct {
		uint32_t counter[4], key[2], answer[4];
	} cases[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
		  { 0xffffffff, 0xffffffff },
		  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
		  { 0xa4093822, 0x299f31d0 },
		  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t out[4];

		mlops_rng_philox(cases[i].counter, cases[i].key, out);
		assert_memory_equal(out, cases[i].answer, sizeof out);
	}
}

/* Models that were trained once must come out the same again: seed, purpose, index and position keep
 * their places. */
static void a_stream_is_where_it_was(void **state)
{
	const uint32_t key[2] = { 0x89abcdef, 0x01234567 };
	uint32_t counter[4] = { 0, 0, 7, MLOPS_RNG_BOOTSTRAP }, block[4];
	struct mlops_rng rng = mlops_rng_start(UINT64_C(0x0123456789abcdef), MLOPS_RNG_BOOTSTRAP, 7);
	struct mlops_rng pairs = rng;

	(void)state;
	for (; counter[0] < 3; counter[0]++) {
		mlops_rng_philox(counter, key, block);
		for (int word = 0; word < 4; word++)
			assert_int_equal(mlops_rng_u32(&rng), block[word]);
		for (int word = 0; word < 4; word += 2)
			assert_int_equal(mlops_rng_u64(&pairs),
					 block[word] | (uint64_t)block[word + 1] << 32);
	}
}

static void the_position_carries_over(void **state)
{
	struct mlops_rng rng = mlops_rng_start(1, MLOPS_RNG_SAMPLE, 0);
	uint32_t counter[4] = { 0, 1, 0, MLOPS_RNG_SAMPLE }, key[2] = { 1, 0 }, block[4];

	(void)state;
	rng.counter[0] = UINT32_MAX;
	for (int word = 0; word < 4; word++)
		mlops_rng_u32(&rng);
	mlops_rng_philox(counter, key, block);
	assert_int_equal(mlops_rng_u32(&rng), block[0]);
}

static void streams_differ(void **state)
{
	struct mlops_rng streams[] = {
		mlops_rng_start(0, MLOPS_RNG_SAMPLE, 0),
		mlops_rng_start(1, MLOPS_RNG_SAMPLE, 0),
		mlops_rng_start(UINT64_C(1) << 32, MLOPS_RNG_SAMPLE, 0),
		mlops_rng_start(0, MLOPS_RNG_SPLIT, 0),
		mlops_rng_start(0, MLOPS_RNG_SAMPLE, 1),
		mlops_rng_start_part(0, MLOPS_RNG_SAMPLE, 0, 1),
		mlops_rng_start_part(0, MLOPS_RNG_SAMPLE, 1, 1),
	};
	struct mlops_rng whole = mlops_rng_start_part(0, MLOPS_RNG_SAMPLE, 0, 0);
	uint64_t first[sizeof streams / sizeof streams[0]];

	(void)state;
	assert_memory_equal(whole.counter, streams[0].counter, sizeof whole.counter);
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
		first[i] = mlops_rng_u64(&streams[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(first[i], first[j]);
	}
}

/* Chi-squared with 6 degrees of freedom; 22.5 is its 99.9th percentile, and the seed is fixed. */
static void below_is_even(void **state)
{
	struct mlops_rng rng = mlops_rng_start(42, MLOPS_RNG_SAMPLE, 0);
	unsigned counts[7] = { 0 };
	double chi_squared = 0;

	(void)state;
	for (int i = 0; i < 70000; i++) {
		uint32_t value = mlops_rng_below(&rng, 7);

		assert_in_range(value, 0, 6);
		counts[value]++;
	}
	for (int i = 0; i < 7; i++)
		chi_squared += (counts[i] - 10000.0) * (counts[i] - 10000.0) / 10000.0;
	assert_true(chi_squared < 22.5);
	for (int i = 0; i < 100; i++)
		assert_int_equal(mlops_rng_below(&rng, 1), 0);
}

/* With multiply-shift alone a third of the values of this bound would come twice as often as the others. */
static void below_rejects_the_bias(void **state)
{
	const uint32_t bound = UINT32_C(3) << 30;
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SAMPLE, 0);
	unsigned thirds[3] = { 0 };

	(void)state;
	for (int i = 0; i < 30000; i++)
		thirds[mlops_rng_below(&rng, bound) % 3]++;
	for (int i = 0; i < 3; i++)
		assert_in_range(thirds[i], 9700, 10300);
}

static void unit_is_in_range(void **state)
{
	struct mlops_rng rng = mlops_rng_start(5, MLOPS_RNG_SIMULATE, 0);
	double sum = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double value = mlops_rng_unit(&rng);

		assert_true(value >= 0.0 && value < 1.0);
		sum += value;
	}
	assert_true(sum > 49500 && sum < 50500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(philox_gives_the_known_answers),
		cmocka_unit_test(a_stream_is_where_it_was),
		cmocka_unit_test(the_position_carries_over),
		cmocka_unit_test(streams_differ),
		cmocka_unit_test(below_is_even),
		cmocka_unit_test(below_rejects_the_bias),
		cmocka_unit_test(unit_is_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
