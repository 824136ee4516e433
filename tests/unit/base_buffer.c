#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"

#include <string.h>

static void it_grows(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		mlops_buffer_append_char(&buffer, (char)('a' + i % 26));
	assert_false(buffer.failed);
	assert_int_equal(buffer.length, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buffer.data[i], 'a' + i % 26);
	mlops_buffer_release(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.capacity, 0);
}

static void all_ways_to_append(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	char *room;

	(void)state;
	assert_string_equal(mlops_buffer_string(&buffer), "");
	mlops_buffer_append(&buffer, "abc", 2);
	mlops_buffer_append(&buffer, NULL, 0);
	mlops_buffer_append_string(&buffer, "cd");
	mlops_buffer_append_char(&buffer, 'e');
	mlops_buffer_append_format(&buffer, "%d-%s", 12, "x");
	room = mlops_buffer_reserve(&buffer, 1000);
	assert_non_null(room);
	assert_ptr_equal(room, buffer.data + buffer.length);
	memcpy(room, "!!", 2);
	buffer.length += 2;
	assert_string_equal(mlops_buffer_string(&buffer), "abcde12-x!!");
	assert_int_equal(buffer.length, 11);
	mlops_buffer_clear(&buffer);
	assert_string_equal(mlops_buffer_string(&buffer), "");
	mlops_buffer_release(&buffer);
}

/* Lengths around the room that the first attempt to format gets. */
static void a_format_of_any_length(void **state)
{
	(void)state;
	for (int length = 0; length < 700; length++) {
		struct mlops_buffer buffer = MLOPS_BUFFER_INIT;

		mlops_buffer_append_format(&buffer, "%*s", length, "");
		mlops_buffer_append_format(&buffer, "%*s", length, "");
		assert_int_equal(buffer.length, 2 * length);
		assert_false(buffer.failed);
		assert_int_equal(strlen(mlops_buffer_string(&buffer)), 2 * length);
		mlops_buffer_release(&buffer);
	}
}

static void a_failure_keeps_the_content(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;

	(void)state;
	mlops_buffer_append_string(&buffer, "kept");
	assert_null(mlops_buffer_reserve(&buffer, SIZE_MAX));
	assert_true(buffer.failed);
	mlops_buffer_append_string(&buffer, "x");
	mlops_buffer_append_char(&buffer, 'x');
	mlops_buffer_append_format(&buffer, "x");
	assert_null(mlops_buffer_reserve(&buffer, 1));
	assert_int_equal(buffer.length, 4);
	assert_memory_equal(buffer.data, "kept", 4);
	assert_string_equal(mlops_buffer_string(&buffer), "");
	mlops_buffer_clear(&buffer);
	mlops_buffer_append_string(&buffer, "again");
	assert_string_equal(mlops_buffer_string(&buffer), "again");
	assert_null(mlops_buffer_reserve(&buffer, SIZE_MAX / 2));
	assert_true(buffer.failed);
	mlops_buffer_release(&buffer);
	assert_false(buffer.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows),
		cmocka_unit_test(all_ways_to_append),
		cmocka_unit_test(a_format_of_any_length),
		cmocka_unit_test(a_failure_keeps_the_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
