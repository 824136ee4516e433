#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* System calls that fail on demand; this program's definitions come before the C library's. */
static struct {
	int tmpfile; /* errno of openat with O_TMPFILE */
	int linkat;
	int renameat;
	int fsync;
} broken;

int openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode = 0;

	if ((flags & O_TMPFILE) == O_TMPFILE && broken.tmpfile != 0) {
		errno = broken.tmpfile;
		return -1;
	}
	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return (int)syscall(SYS_openat, directory, path, flags, mode);
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
	if (broken.linkat != 0) {
		errno = broken.linkat;
		return -1;
	}
	return (int)syscall(SYS_linkat, from_directory, from, to_directory, to, flags);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
	if (broken.renameat != 0) {
		errno = broken.renameat;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

int fsync(int fd)
{
	if (broken.fsync != 0) {
		errno = broken.fsync;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static char start_directory[4096];

static int enter_new_directory(void **state)
{
	char template[] = "/tmp/base_file.XXXXXX";

	memset(&broken, 0, sizeof broken);
	if (getcwd(start_directory, sizeof start_directory) == NULL || mkdtemp(template) == NULL)
		return -1;
	*state = strdup(template);
	return chdir(template);
}

static int leave_directory(void **state)
{
	char command[64];

	memset(&broken, 0, sizeof broken);
	snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
	free(*state);
	return chdir(start_directory) == 0 && system(command) == 0 ? 0 : -1;
}

static unsigned count_entries(const char *path)
{
	DIR *directory = opendir(path);
	unsigned count = 0;

	assert_non_null(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count - 2;
}

static void write_ok(const char *path, const char *text, mode_t mode)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	if (!mlops_file_replace(path, text, strlen(text), mode, &error))
		fail_msg("%s", error.message);
	assert_int_equal(error.code, MLOPS_OK);
}

static void assert_content(const char *path, const char *expected)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;

	assert_true(mlops_file_read(path, 1 << 20, &buffer, &error));
	assert_string_equal(mlops_buffer_string(&buffer), expected);
	mlops_buffer_release(&buffer);
}

static void assert_mode(const char *path, mode_t mode)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, mode);
}

static void assert_replace_fails(const char *path, enum mlops_code code, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	assert_false(mlops_file_replace(path, "new", 3, 0644, &error));
	assert_int_equal(error.code, code);
	assert_string_equal(error.message, message);
}

static void assert_read_fails(const char *path, size_t limit, enum mlops_code code, const char *message)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;

	mlops_buffer_append_string(&buffer, "before");
	assert_false(mlops_file_read(path, limit, &buffer, &error));
	assert_int_equal(error.code, code);
	assert_string_equal(error.message, message);
	assert_string_equal(mlops_buffer_string(&buffer), "before");
	mlops_buffer_release(&buffer);
}

/* A new file, one replaced, an empty one, in this directory and below. */
static void check_replacing(void)
{
	mode_t before = umask(027);

	write_ok("new", "one", 0666);
	assert_content("new", "one");
	assert_mode("new", 0640);
	write_ok("new", "two, longer", 0600);
	assert_content("new", "two, longer");
	assert_mode("new", 0600);
	write_ok("new", "", 0644);
	assert_content("new", "");
	assert_int_equal(mkdir("below", 0755), 0);
	write_ok("below/file", "x", 0644);
	write_ok("./below//file", "y", 0644);
	assert_content("below/file", "y");
	assert_int_equal(count_entries("below"), 1);
	assert_int_equal(count_entries("."), 2);
	umask(before);
}

static void replaced_through_an_unnamed_file(void **state)
{
	(void)state;
	check_replacing();
}

static void replaced_without_tmpfile(void **state)
{
	(void)state;
	broken.tmpfile = EOPNOTSUPP;
	check_replacing();
}

static void replaced_without_proc(void **state)
{
	(void)state;
	broken.linkat = ENOENT;
	check_replacing();
}

static void the_longest_name(void **state)
{
	char name[256];

	(void)state;
	memset(name, 'n', sizeof name);
	name[255] = '\0';
	for (int turn = 0; turn < 2; turn++) {
		write_ok(name, "one", 0644);
		write_ok(name, "two", 0644);
		assert_content(name, "two");
		assert_int_equal(count_entries("."), 1);
		broken.tmpfile = EISDIR;
	}
}

/* Open files keep their content: what is replaced is the name. */
static void a_reader_sees_the_old_or_the_new(void **state)
{
	char text[8] = "";
	int fd;

	(void)state;
	write_ok("file", "old", 0644);
	fd = open("file", O_RDONLY);
	assert_true(fd >= 0);
	write_ok("file", "new", 0644);
	assert_int_equal(read(fd, text, sizeof text - 1), 3);
	assert_string_equal(text, "old");
	close(fd);
}

/* The old file is still there, and nothing else. */
static void check_failing(enum mlops_code code, const char *message)
{
	assert_replace_fails("file", code, message);
	assert_content("file", "old");
	assert_int_equal(count_entries("."), 1);
}

static void a_failure_leaves_nothing_behind(void **state)
{
	struct rlimit before, none;

	(void)state;
	write_ok("file", "old", 0644);
	for (int turn = 0; turn < 2; turn++) {
		broken.tmpfile = turn == 0 ? 0 : EOPNOTSUPP;
		broken.fsync = EIO;
		check_failing(MLOPS_IO, "file: Input/output error");
		broken.fsync = ENOSPC;
		check_failing(MLOPS_IO, "file: No space left on device");
		broken.fsync = 0;
		broken.renameat = EACCES;
		check_failing(MLOPS_DENIED, "file: Permission denied");
		broken.renameat = 0;
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
		none = before;
		none.rlim_cur = 0;
		signal(SIGXFSZ, SIG_IGN);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		check_failing(MLOPS_IO, "file: File too large");
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		signal(SIGXFSZ, SIG_DFL);
	}
	broken.tmpfile = EACCES;
	check_failing(MLOPS_DENIED, "file: Permission denied");
	broken.tmpfile = 0;
	/* A file system that cannot sync is no reason to fail. */
	broken.fsync = EINVAL;
	write_ok("file", "new", 0644);
	assert_content("file", "new");
}

static void what_is_no_regular_file(void **state)
{
	char text[8] = "";
	int fd;

	(void)state;
	assert_replace_fails("/dev/full", MLOPS_IO, "/dev/full: No space left on device");
	write_ok("/dev/null", "x", 0644);
	assert_replace_fails(".", MLOPS_IO, ".: is a directory");
	assert_replace_fails("missing/file", MLOPS_IO, "missing/file: No such file or directory");
	assert_replace_fails("", MLOPS_IO, ": No such file or directory");
	assert_replace_fails("slash/", MLOPS_IO, "slash/: No such file or directory");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	fd = open("pipe", O_RDWR);
	assert_true(fd >= 0);
	write_ok("pipe", "new", 0644);
	assert_int_equal(read(fd, text, sizeof text - 1), 3);
	assert_string_equal(text, "new");
	close(fd);
	assert_int_equal(count_entries("."), 1);
}

static void a_symbolic_link_stays(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(mkdir("below", 0755), 0);
	write_ok("below/file", "old", 0644);
	assert_int_equal(symlink("below/file", "link"), 0);
	write_ok("link", "new", 0644);
	assert_int_equal(lstat("link", &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_content("below/file", "new");
	assert_int_equal(count_entries("below"), 1);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	write_ok("dangling", "new", 0644);
	assert_content("dangling", "new");
}

/* As in `tool --output /dev/fd/N >file`: what others wrote there stays. */
static void an_open_file_is_written_into(void **state)
{
	char path[32];
	int fd = open("output", O_WRONLY | O_CREAT, 0644);

	(void)state;
	assert_true(fd >= 0);
	snprintf(path, sizeof path, "/dev/fd/%d", fd);
	assert_int_equal(write(fd, "before ", 7), 7);
	write_ok(path, "new", 0644);
	close(fd);
	assert_content("output", "before new");
}

static void reading(void **state)
{
	struct mlops_buffer buffer = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	char *large = malloc(300001);

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 300000);
	large[300000] = '\0';
	write_ok("large", large, 0644);
	assert_content("large", large);
	mlops_buffer_append_string(&buffer, "before ");
	write_ok("small", "content", 0644);
	assert_true(mlops_file_read("small", 7, &buffer, &error));
	assert_string_equal(mlops_buffer_string(&buffer), "before content");
	/* A file that says it is empty. */
	mlops_buffer_clear(&buffer);
	assert_true(mlops_file_read("/proc/self/status", SIZE_MAX, &buffer, &error));
	assert_memory_equal(buffer.data, "Name:", 5);
	mlops_buffer_release(&buffer);
	free(large);
	assert_read_fails("small", 6, MLOPS_DATA, "small: larger than 6 bytes");
	assert_read_fails("/proc/self/status", 6, MLOPS_DATA, "/proc/self/status: larger than 6 bytes");
	assert_read_fails("/dev/zero", 100000, MLOPS_DATA, "/dev/zero: larger than 100000 bytes");
	assert_read_fails(".", 100, MLOPS_IO, ".: is a directory");
	assert_read_fails("missing", 100, MLOPS_IO, "missing: No such file or directory");
	assert_read_fails("small/file", 100, MLOPS_IO, "small/file: Not a directory");
}

static void a_closed_pipe(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_false(mlops_file_write_all(ends[1], "x", 1, "standard output", &error));
	assert_int_equal(error.code, MLOPS_CLOSED);
	assert_string_equal(error.message, "standard output: Broken pipe");
	close(ends[1]);
	signal(SIGPIPE, SIG_DFL);
}

/* More than a pipe holds, into one that does not wait: short writes and EAGAIN. */
static void short_writes_go_on(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	size_t length = 1 << 20, total = 0;
	char *bytes = malloc(length), block[4096];
	int ends[2], status;
	pid_t child;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * 31 >> 3);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		_exit(mlops_file_write_all(ends[1], bytes, length, "pipe", &error) ? 0 : 1);
	}
	assert_true(child > 0);
	close(ends[1]);
	assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
	for (;;) {
		ssize_t got = read(ends[0], block, sizeof block);

		assert_true(got >= 0);
		if (got == 0)
			break;
		assert_true(total + (size_t)got <= length);
		assert_memory_equal(block, bytes + total, (size_t)got);
		total += (size_t)got;
	}
	assert_int_equal(total, length);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ends[0]);
	free(bytes);
}

static void directories(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char absolute[4200], here[4096];
	struct stat status;

	(void)state;
	assert_true(mlops_file_make_directory("a/b/c", 0700, &error));
	assert_mode("a/b/c", 0700);
	assert_true(mlops_file_make_directory("a/b/c", 0700, &error));
	assert_true(mlops_file_make_directory("a//d/", 0755, &error));
	assert_true(mlops_file_make_directory("/", 0755, &error));
	assert_non_null(getcwd(here, sizeof here));
	snprintf(absolute, sizeof absolute, "%s/e/f", here);
	assert_true(mlops_file_make_directory(absolute, 0755, &error));
	assert_int_equal(stat("e/f", &status), 0);
	assert_int_equal(error.code, MLOPS_OK);
	write_ok("file", "x", 0644);
	assert_false(mlops_file_make_directory("file", 0755, &error));
	assert_int_equal(error.code, MLOPS_IO);
	assert_string_equal(error.message, "file: Not a directory");
	error.code = MLOPS_OK;
	assert_false(mlops_file_make_directory("file/below", 0755, &error));
	assert_string_equal(error.message, "file/below: Not a directory");
	error.code = MLOPS_OK;
	assert_false(mlops_file_make_directory("", 0755, &error));
	assert_string_equal(error.message, ": No such file or directory");
}

static void places_that_can_be_written(void **state)
{
	static const struct {
		const char *path, *message;
	} cases[] = {
		{ "new", NULL },
		{ "./new", NULL },
		{ "/dev/null", NULL },
		{ "nowhere/new", "nowhere/new: No such file or directory" },
		{ ".", ".: is a directory" },
		{ "/proc/version/new", "/proc/version/new: Not a directory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		assert_int_equal(mlops_file_check_place(cases[i].path, &error), cases[i].message == NULL);
		assert_int_equal(error.code, cases[i].message == NULL ? MLOPS_OK : MLOPS_IO);
		assert_string_equal(error.message, cases[i].message == NULL ? "" : cases[i].message);
		assert_int_equal(access("new", F_OK), -1);
	}
}

#define IN_NEW_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, enter_new_directory, leave_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NEW_DIRECTORY(replaced_through_an_unnamed_file),
		IN_NEW_DIRECTORY(replaced_without_tmpfile),
		IN_NEW_DIRECTORY(replaced_without_proc),
		IN_NEW_DIRECTORY(the_longest_name),
		IN_NEW_DIRECTORY(a_reader_sees_the_old_or_the_new),
		IN_NEW_DIRECTORY(a_failure_leaves_nothing_behind),
		IN_NEW_DIRECTORY(what_is_no_regular_file),
		IN_NEW_DIRECTORY(a_symbolic_link_stays),
		IN_NEW_DIRECTORY(an_open_file_is_written_into),
		IN_NEW_DIRECTORY(reading),
		IN_NEW_DIRECTORY(a_closed_pipe),
		IN_NEW_DIRECTORY(short_writes_go_on),
		IN_NEW_DIRECTORY(directories),
		IN_NEW_DIRECTORY(places_that_can_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
