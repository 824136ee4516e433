#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/stream.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { WORKERS = 7, NEVER = 1000000 };

/* Numbers 0, 1, 2 … as pieces. */
struct numbers {
	unsigned n;           /* pieces before the end */
	unsigned small_every; /* each such piece has one row; 0: none */
	unsigned take_fails, work_fails, hand_on_fails; /* at this number */
	bool rows_ahead;      /* rows come with the error of take */

	unsigned at[WORKERS]; /* the piece that the worker holds */
	unsigned taken;
	unsigned handed;      /* not atomic, and checked: once at a time and in order */
	_Atomic unsigned held, most_held;
	_Atomic unsigned inside_take, inside_hand_on, wrong;
};

static void check_alone(struct numbers *numbers, _Atomic unsigned *inside)
{
	if (atomic_fetch_add(inside, 1) != 0)
		atomic_fetch_add(&numbers->wrong, 1);
	sched_yield();
	atomic_fetch_sub(inside, 1);
}

static bool take(void *context, unsigned worker, size_t *rows, struct mlops_error *error)
{
	struct numbers *numbers = context;
	unsigned number = numbers->taken;
	unsigned held;

	check_alone(numbers, &numbers->inside_take);
	if (worker >= WORKERS)
		atomic_fetch_add(&numbers->wrong, 1);
	if (number == numbers->take_fails && !numbers->rows_ahead)
		return mlops_error_set(error, MLOPS_DATA, "no piece %u", number);
	if (number == numbers->n)
		return true;
	numbers->taken++;
	numbers->at[worker] = number;
	*rows = numbers->small_every != 0 && number % numbers->small_every == 0 ? 1 : MLOPS_STREAM_BUSY;
	held = atomic_fetch_add(&numbers->held, 1) + 1;
	if (held > numbers->most_held)
		numbers->most_held = held;
	if (number == numbers->take_fails)
		return mlops_error_set(error, MLOPS_DATA, "no piece %u", number + 1);
	return true;
}

static bool work(void *context, unsigned worker, struct mlops_buffer *out, struct mlops_error *error)
{
	const struct numbers *numbers = context;
	unsigned number = numbers->at[worker];

	/* Pieces take different times, so that they are finished in another order. */
	for (unsigned i = number * 2654435761u >> 28; i > 0; i--)
		sched_yield();
	if (number == numbers->work_fails)
		return mlops_error_set(error, MLOPS_DATA, "piece %u is bad", number);
	mlops_buffer_append_format(out, "%u", number);
	return !out->failed || mlops_error_set_memory(error);
}

static bool hand_on(void *context, const struct mlops_buffer *out, size_t rows, struct mlops_error *error)
{
	struct numbers *numbers = context;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;

	check_alone(numbers, &numbers->inside_hand_on);
	mlops_buffer_append_format(&text, "%u", numbers->handed);
	if (out->length != text.length || memcmp(out->data, text.data, text.length) != 0 || rows == 0)
		atomic_fetch_add(&numbers->wrong, 1);
	mlops_buffer_release(&text);
	if (numbers->handed == numbers->hand_on_fails)
		return mlops_error_set(error, MLOPS_CLOSED, "nobody takes %u", numbers->handed);
	numbers->handed++;
	atomic_fetch_sub(&numbers->held, 1);
	return true;
}

static void run(struct numbers *numbers, unsigned threads, struct mlops_error *error)
{
	struct mlops_stream stream = { numbers, take, work, hand_on, WORKERS };
	struct mlops_pool *pool = threads > 0 ? mlops_pool_new(threads, NULL) : NULL;
	unsigned workers = threads == 0 ? 1 : threads < WORKERS ? threads : WORKERS;
	bool ok = mlops_stream_run(&stream, pool, error);

	mlops_pool_free(pool);
	assert_int_equal(ok, error->code == MLOPS_OK);
	assert_int_equal(numbers->wrong, 0);
	assert_in_range(numbers->most_held, 0, 2 * workers);
}

static const unsigned threads[] = { 0, 1, 2, 3, 7, 12 };

#define FOR_EACH_NUMBER_OF_THREADS(i) for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)

static struct numbers make(unsigned n)
{
	return (struct numbers){ .n = n, .take_fails = NEVER, .work_fails = NEVER, .hand_on_fails = NEVER };
}

static void pieces_come_in_order(void **state)
{
	static const unsigned counts[] = { 0, 1, 2, 3, 15, 300 };
	static const unsigned small[] = { 0, 1, 2, 7 };

	(void)state;
	FOR_EACH_NUMBER_OF_THREADS(i)
		for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
			for (size_t s = 0; s < sizeof small / sizeof small[0]; s++) {
				struct mlops_error error = MLOPS_ERROR_INIT;
				struct numbers numbers = make(counts[c]);

				numbers.small_every = small[s];
				run(&numbers, threads[i], &error);
				assert_int_equal(error.code, MLOPS_OK);
				assert_int_equal(numbers.handed, counts[c]);
			}
}

static void what_was_taken_ahead_of_an_error_is_handed_on(void **state)
{
	(void)state;
	FOR_EACH_NUMBER_OF_THREADS(i)
		for (unsigned at = 0; at < 40; at++) {
			struct mlops_error error = MLOPS_ERROR_INIT, second = MLOPS_ERROR_INIT;
			struct numbers numbers = make(100);
			struct mlops_buffer text = MLOPS_BUFFER_INIT;

			numbers.take_fails = at;
			numbers.rows_ahead = at % 2 != 0;
			run(&numbers, threads[i], &error);
			assert_int_equal(error.code, MLOPS_DATA);
			mlops_buffer_append_format(&text, "no piece %u", at + at % 2);
			assert_string_equal(error.message, mlops_buffer_string(&text));
			assert_int_equal(numbers.handed, at + at % 2);

			numbers = make(100);
			numbers.work_fails = at;
			run(&numbers, threads[i], &second);
			mlops_buffer_clear(&text);
			mlops_buffer_append_format(&text, "piece %u is bad", at);
			assert_string_equal(second.message, mlops_buffer_string(&text));
			assert_int_equal(numbers.handed, at);
			mlops_buffer_release(&text);
		}
}

static void nothing_is_handed_on_behind_a_refusal(void **state)
{
	(void)state;
	FOR_EACH_NUMBER_OF_THREADS(i)
		for (unsigned at = 0; at < 40; at++) {
			struct mlops_error error = MLOPS_ERROR_INIT;
			struct numbers numbers = make(NEVER);
			struct mlops_buffer text = MLOPS_BUFFER_INIT;

			numbers.hand_on_fails = at;
			numbers.small_every = at % 3;
			run(&numbers, threads[i], &error);
			mlops_buffer_append_format(&text, "nobody takes %u", at);
			assert_string_equal(error.message, mlops_buffer_string(&text));
			assert_int_equal(error.code, MLOPS_CLOSED);
			assert_int_equal(numbers.handed, at);
			mlops_buffer_release(&text);
		}
}

/* As long as pieces are small, the thread that called takes, works and hands on, each before the next. */
static void small_pieces_stay_in_the_calling_thread(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct numbers numbers = make(50);

	(void)state;
	numbers.small_every = 1;
	run(&numbers, 3, &error);
	assert_int_equal(numbers.handed, 50);
	assert_int_equal(numbers.most_held, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_come_in_order),
		cmocka_unit_test(what_was_taken_ahead_of_an_error_is_handed_on),
		cmocka_unit_test(nothing_is_handed_on_behind_a_refusal),
		cmocka_unit_test(small_pieces_stay_in_the_calling_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
