#include "cli/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_AFTER_MS = 500,
	EVERY_MS = 100,
	BAR = 24,
	LINE = 256
};

struct cli_progress {
	atomic_uint_fast64_t done;
	atomic_int_fast64_t next; /* milliseconds of the monotonic clock: draw not before */
	uint64_t total;
	int64_t start;
	char unit[32];
	char note[64];
};

/* The lock guards what is on the terminal: the line, and which progress it belongs to. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cli_progress *active;
static size_t showing; /* columns of the line on the terminal */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Overwrites the line and the rest of the one before it; blanks rather than escape sequences, for every
 * terminal. */
static void show(const char *text, size_t length)
{
	char line[2 * LINE + 2];
	size_t n = 0, blanks = showing > length ? showing - length : 0;

	line[n++] = '\r';
	memcpy(line + n, text, length);
	n += length;
	memset(line + n, ' ', blanks);
	n += blanks;
	if (length == 0)
		line[n++] = '\r';
	showing = write(STDERR_FILENO, line, n) < 0 ? 0 : length;
}

static void wipe(void)
{
	if (showing > 0)
		show("", 0);
}

/* "1,234,567"; bytes as "1.2 MB". */
static void print_count(char buffer[40], uint64_t count, bool is_bytes)
{
	static const char *const prefixes[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	char digits[24];
	double size = (double)count;
	size_t prefix = 0, length, n = 0;

	if (is_bytes) {
		for (; size >= 1000 && prefix + 1 < sizeof prefixes / sizeof prefixes[0]; prefix++)
			size /= 1000;
		snprintf(buffer, 40, prefix == 0 ? "%.0f %s" : "%.1f %s", size, prefixes[prefix]);
		return;
	}
	length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count);
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			buffer[n++] = ',';
		buffer[n++] = digits[i];
	}
	buffer[n] = '\0';
}

static void print_duration(char buffer[32], double seconds)
{
	uint64_t whole = seconds < 360000 ? (uint64_t)(seconds + 0.5) : 359999;

	if (whole >= 3600)
		snprintf(buffer, 32, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 3600, whole / 60 % 60,
			 whole % 60);
	else
		snprintf(buffer, 32, "%" PRIu64 ":%02" PRIu64, whole / 60, whole % 60);
}

static size_t print_bar(char *line, size_t size, double share)
{
	char bar[BAR + 1];
	int full = (int)(share * BAR);

	for (int i = 0; i < BAR; i++)
		bar[i] = i < full ? '=' : i == full ? '>' : ' ';
	bar[BAR] = '\0';
	return (size_t)snprintf(line, size, "[%s] %3d%%  ", bar, (int)(share * 100));
}

static size_t terminal_width(void)
{
	struct winsize window;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col >= 20)
		return window.ws_col < LINE ? window.ws_col : LINE - 1;
	return 80;
}

static void draw(struct cli_progress *progress, int64_t now)
{
	uint64_t done = atomic_load(&progress->done);
	double seconds = (double)(now - progress->start) / 1000;
	double rate = (double)done / seconds;
	bool is_bytes = strcmp(progress->unit, "bytes") == 0;
	char line[LINE], count[40], speed[40], duration[32];
	const char *unit = is_bytes ? "" : progress->unit;
	const char *space = is_bytes ? "" : " ";
	size_t n = 0, width = terminal_width() - 1;

	if (progress->total > 0)
		n = print_bar(line, sizeof line,
			      done < progress->total ? (double)done / (double)progress->total : 1);
	print_count(count, done, is_bytes);
	/* A slow rate needs its decimals: 0.4 epochs/s. */
	if (is_bytes || rate >= 10)
		print_count(speed, (uint64_t)rate, is_bytes);
	else
		snprintf(speed, sizeof speed, "%.1f", rate);
	n += (size_t)snprintf(line + n, sizeof line - n, "%s%s%s  %s%s%s/s", count, space, unit, speed, space,
			      unit);
	if (progress->total > 0 && done > 0 && n < sizeof line) {
		double left = done < progress->total ? (double)(progress->total - done) / rate : 0;

		print_duration(duration, left);
		n += (size_t)snprintf(line + n, sizeof line - n, "  %s left", duration);
	} else if (n < sizeof line) {
		print_duration(duration, seconds);
		n += (size_t)snprintf(line + n, sizeof line - n, "  %s", duration);
	}
	if (progress->note[0] != '\0' && n < sizeof line)
		n += (size_t)snprintf(line + n, sizeof line - n, "  %s", progress->note);
	show(line, n < width ? n : width);
}

struct cli_progress *cli_progress_start(const char *unit, uint64_t total, bool quiet)
{
	struct cli_progress *progress;

	if (quiet || !isatty(STDERR_FILENO))
		return NULL;
	progress = calloc(1, sizeof *progress);
	if (progress == NULL)
		return NULL; /* a decoration: the work goes on without it */
	cli_progress_set_total(progress, unit, total);
	pthread_mutex_lock(&lock);
	active = progress;
	pthread_mutex_unlock(&lock);
	return progress;
}

void cli_progress_update(struct cli_progress *progress, uint64_t done)
{
	uint64_t before;
	int64_t now;

	if (progress == NULL)
		return;
	/* Threads may report out of order: the largest counts. */
	before = atomic_load_explicit(&progress->done, memory_order_relaxed);
	while (before < done && !atomic_compare_exchange_weak(&progress->done, &before, done))
		;
	now = now_ms();
	if (now < atomic_load_explicit(&progress->next, memory_order_relaxed) ||
	    pthread_mutex_trylock(&lock) != 0)
		return;
	if (now >= atomic_load(&progress->next) && active == progress) {
		atomic_store(&progress->next, now + EVERY_MS);
		draw(progress, now);
	}
	pthread_mutex_unlock(&lock);
}

void cli_progress_set_total(struct cli_progress *progress, const char *unit, uint64_t total)
{
	if (progress == NULL)
		return;
	pthread_mutex_lock(&lock);
	snprintf(progress->unit, sizeof progress->unit, "%s", unit);
	progress->note[0] = '\0';
	progress->total = total;
	progress->start = now_ms();
	atomic_store(&progress->done, 0);
	atomic_store(&progress->next, progress->start + FIRST_AFTER_MS);
	pthread_mutex_unlock(&lock);
}

void cli_progress_note(struct cli_progress *progress, const char *note)
{
	if (progress == NULL)
		return;
	pthread_mutex_lock(&lock);
	snprintf(progress->note, sizeof progress->note, "%s", note);
	pthread_mutex_unlock(&lock);
}

void cli_progress_end(struct cli_progress *progress)
{
	if (progress == NULL)
		return;
	pthread_mutex_lock(&lock);
	if (active == progress) {
		active = NULL;
		wipe();
	}
	pthread_mutex_unlock(&lock);
	free(progress);
}

void cli_progress_clear(void)
{
	pthread_mutex_lock(&lock);
	wipe();
	pthread_mutex_unlock(&lock);
}
