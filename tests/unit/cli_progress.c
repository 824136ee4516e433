/* The progress line, seen through a pseudo-terminal. */
#include "cli_capture.h"

#include "cli/common.h"
#include "cli/progress.h"

#include <pty.h>
#include <stdbool.h>
#include <time.h>

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* Runs body with a terminal of 100 columns as standard error; what it saw goes to text. */
static int on_terminal(char *text, size_t size, void (*body)(void))
{
	struct winsize window = { .ws_row = 24, .ws_col = 100 };
	size_t n = 0;
	ssize_t got;
	int fd, status;
	pid_t child = forkpty(&fd, NULL, NULL, &window);

	assert_true(child >= 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	/* Linux answers EIO when the other side is gone. */
	while (n + 1 < size && (got = read(fd, text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void known_total(void)
{
	struct cli_progress *progress = cli_progress_start("rows", 200000, false);

	cli_progress_update(progress, 10);
	pause_ms(550);
	cli_progress_note(progress, "loss 0.5");
	cli_progress_update(progress, 50000);
	cli_progress_update(progress, 60000); /* too soon */
	cli_progress_update(progress, 400);   /* late news of another thread */
	pause_ms(110);
	cli_progress_update(progress, 100000);
	cli_progress_end(progress);
}

static void shows_bar_rate_and_time_left(void **state)
{
	char text[4096], *second;

	(void)state;
	assert_int_equal(on_terminal(text, sizeof text, known_total), 0);
	assert_memory_equal(text, "\r[======>                 ]  25%  50,000 rows  ", 46);
	assert_non_null(strstr(text, " rows/s  0:02 left  loss 0.5"));
	assert_null(strstr(text, "60,000"));
	second = strstr(text, "\r[============>           ]  50%  100,000 rows  ");
	assert_non_null(second);
	/* In the end the line is blank and the cursor at its beginning. */
	assert_int_equal(text[strlen(text) - 1], '\r');
	assert_int_equal(text[strlen(text) - 2], ' ');
}

static void unknown_total(void)
{
	struct cli_progress *progress = cli_progress_start("bytes", 0, false);

	pause_ms(550);
	cli_progress_update(progress, 1234567);
	cli_report(&(struct mlops_error){ .code = MLOPS_DATA, .message = "bad" });
	cli_progress_set_total(progress, "trees", 100);
	cli_progress_update(progress, 100);
	cli_progress_end(progress);
}

static void gives_way_to_messages(void **state)
{
	char text[4096], *message;

	(void)state;
	assert_int_equal(on_terminal(text, sizeof text, unknown_total), 0);
	assert_memory_equal(text, "\r1.2 MB  ", 9);
	assert_non_null(strstr(text, " MB/s  0:01"));
	message = strstr(text, " \rmlops: bad\r\n");
	assert_non_null(message);
	assert_string_equal(message, " \rmlops: bad\r\n");
}

static void quick_and_quiet(void)
{
	struct cli_progress *progress = cli_progress_start("rows", 100, true);

	if (progress != NULL)
		_exit(1);
	pause_ms(550);
	cli_progress_update(progress, 50);
	cli_progress_note(progress, "x");
	cli_progress_set_total(progress, "x", 1);
	cli_progress_end(progress);
	progress = cli_progress_start("rows", 100, false);
	cli_progress_update(progress, 100);
	cli_progress_end(progress);
}

static void nothing_when_quiet_or_quick(void **state)
{
	char text[4096];

	(void)state;
	assert_int_equal(on_terminal(text, sizeof text, quick_and_quiet), 0);
	assert_string_equal(text, "");
}

static int without_terminal(void *context)
{
	(void)context;
	return cli_progress_start("rows", 100, false) == NULL ? 0 : 1;
}

static void nothing_without_a_terminal(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, NULL, without_terminal, NULL);
	assert_int_equal(captured.status, 0);
	assert_string_equal(captured.err, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_bar_rate_and_time_left),
		cmocka_unit_test(gives_way_to_messages),
		cmocka_unit_test(nothing_when_quiet_or_quick),
		cmocka_unit_test(nothing_without_a_terminal),
	};

	return cmocka_run_group_tests_name("cli_progress", tests, NULL, NULL);
}
