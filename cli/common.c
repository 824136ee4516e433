#include "cli/common.h"

#include "base/text.h"
#include "cli/message.h"
#include "kernel/table.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const cli_log_formats[] = { "text", "json", NULL };

static bool is_quiet, is_verbose;

/* A descriptor 0, 1 or 2 that the caller closed would be given to the next file that is opened, and output or
 * messages would go into it.  Opened the wrong way round, so that using it is an error still. */
static void open_standard_descriptors(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) < 0)
			_exit(mlops_code_describe(MLOPS_IO)->exit_status);
}

/* The value of an environment variable; an empty one counts as not set. */
static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static void choose_kernels(void)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	const char *name = environment("MLOPS_CPU");
	char masked[MLOPS_TEXT_QUOTED];
	char known[64] = "";
	size_t length = 0;

	if (name == NULL || mlops_kernels_force(name))
		return;
	for (size_t i = 0; mlops_kernels_at(i) != NULL && length < sizeof known; i++)
		length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i > 0 ? ", " : "",
					   mlops_kernels_at(i)->name);
	mlops_error_set(&error, MLOPS_CONFIG, "MLOPS_CPU: this machine has no '%s', but %s",
			mlops_text_mask(masked, name, strlen(name)), known);
	cli_report(&error);
	exit(mlops_code_describe(MLOPS_CONFIG)->exit_status);
}

void cli_begin(const struct cli_tool *tool, const struct cli_common *common)
{
	open_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	cli_message_set_tool(tool->name);
	cli_message_set_json(common->log_format == 1);
	is_quiet = common->quiet;
	is_verbose = common->verbose;
	choose_kernels();
}

/* Ends as a program that never heard of SIGPIPE would: the shell sees the signal and says nothing. */
static int end_by_pipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
	return 128 + SIGPIPE;
}

int cli_end(bool ok, const struct mlops_error *error)
{
	struct mlops_error result = MLOPS_ERROR_INIT;

	if (error != NULL && error->code != MLOPS_OK)
		result = *error;
	else if (!ok)
		mlops_error_set(&result, MLOPS_BUG, "internal error: it failed without saying why");
	/* The first error stays, so that a full disk is not reported twice. */
	cli_close_output(&result);
	if (result.code == MLOPS_CLOSED)
		return end_by_pipe();
	cli_report(&result);
	return mlops_code_describe(result.code)->exit_status;
}

__attribute__((format(printf, 2, 0)))
static void say(enum cli_level level, const char *format, va_list arguments)
{
	char text[1024];

	vsnprintf(text, sizeof text, format, arguments);
	cli_message_write(&(struct cli_message){ .level = level, .text = text });
}

void cli_notice(const char *format, ...)
{
	va_list arguments;

	if (is_quiet)
		return;
	va_start(arguments, format);
	say(CLI_NOTICE, format, arguments);
	va_end(arguments);
}

void cli_debug(const char *format, ...)
{
	va_list arguments;

	if (!is_verbose)
		return;
	va_start(arguments, format);
	say(CLI_DEBUG, format, arguments);
	va_end(arguments);
}

struct mlops_pool *cli_pool(const struct cli_common *common, struct mlops_error *error)
{
	return mlops_pool_new(common->threads != 0 ? (unsigned)common->threads : mlops_thread_cpus(), error);
}

const char *cli_who(char buffer[256])
{
	char number[24], host[128];
	const char *user = environment("SUDO_USER");
	const struct passwd *entry = getpwuid(geteuid());

	if (user == NULL && entry != NULL)
		user = entry->pw_name;
	if (user == NULL) {
		snprintf(number, sizeof number, "uid %lu", (unsigned long)geteuid());
		user = number;
	}
	if (gethostname(host, sizeof host) != 0)
		strcpy(host, "localhost");
	host[sizeof host - 1] = '\0';
	snprintf(buffer, 256, "%.120s@%s", user, host);
	return buffer;
}

int64_t cli_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int hexadecimal_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path of a file URI (RFC 8089: file:///DIR, file://localhost/DIR, file:/DIR), %XX decoded.  The URI may
 * carry a password when it is none of these, so that messages show its scheme only. */
static bool path_of_uri(const char *uri, char buffer[4096], struct mlops_error *error)
{
	const char *path = uri + strlen("file:");
	size_t length = 0;

	if (strncmp(uri, "file:", strlen("file:")) != 0) {
		const char *end = strstr(uri, "://");

		if (end == NULL)
			return mlops_error_set(
				error, MLOPS_CONFIG,
				"MLFLOW_TRACKING_URI: not a URI; it should be file:///DIRECTORY or http(s)://…");
		return mlops_error_set(
			error, MLOPS_CONFIG,
			"MLFLOW_TRACKING_URI: '%.*s' is no scheme of a registry; it should be file:///DIRECTORY or http(s)://…",
			(int)(end - uri < 20 ? end - uri : 20), uri);
	}
	if (strncmp(path, "//", 2) == 0) {
		path += 2;
		if (strncmp(path, "localhost/", strlen("localhost/")) == 0)
			path += strlen("localhost");
	}
	if (path[0] != '/')
		return mlops_error_set(
			error, MLOPS_CONFIG,
			"MLFLOW_TRACKING_URI: the path is not absolute; it should be file:///DIRECTORY");
	for (; *path != '\0'; path++) {
		char c = *path;

		if (c == '%') {
			int high = hexadecimal_digit(path[1]);
			int low = high < 0 ? -1 : hexadecimal_digit(path[2]);

			if (low < 0 || (high == 0 && low == 0))
				return mlops_error_set(
					error, MLOPS_CONFIG,
					"MLFLOW_TRACKING_URI: a '%%' needs two hexadecimal digits after it");
			c = (char)(high * 16 + low);
			path += 2;
		}
		if (length + 1 == 4096)
			return mlops_error_set(error, MLOPS_CONFIG,
					       "MLFLOW_TRACKING_URI: the path is too long");
		buffer[length++] = c;
	}
	buffer[length] = '\0';
	return true;
}

bool cli_is_server(const char *uri)
{
	return strncasecmp(uri, "http://", strlen("http://")) == 0 || strncasecmp(uri, "https://", strlen("https://")) == 0;
}

bool cli_registry_location(char buffer[4096], struct mlops_error *error)
{
	const char *uri = environment("MLFLOW_TRACKING_URI");
	const char *registry = environment("MLOPS_REGISTRY");
	const char *data = environment("XDG_DATA_HOME");
	const char *home = environment("HOME");
	int length;

	if (uri != NULL && !cli_is_server(uri))
		return path_of_uri(uri, buffer, error);
	if (registry != NULL)
		length = snprintf(buffer, 4096, "%s", registry);
	else if (data != NULL && data[0] == '/') /* the XDG specification: a relative one is to be ignored */
		length = snprintf(buffer, 4096, "%s/mlops", data);
	else if (home != NULL)
		length = snprintf(buffer, 4096, "%s/.local/share/mlops", home);
	else
		return mlops_error_set(error, MLOPS_CONFIG,
				       "no registry: neither MLOPS_REGISTRY, XDG_DATA_HOME nor HOME is set");
	if (length >= 4096)
		return mlops_error_set(error, MLOPS_CONFIG, "the path of the registry is too long");
	return true;
}
