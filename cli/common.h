/*
 * What every tool does alike: the options they share, starting and ending.
 *
 *	struct settings { struct cli_common common; ... };
 *	static const struct cli_option options[] = {
 *		..., CLI_COMMON_OPTIONS(struct settings, common), { NULL }
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct settings settings = { .common = CLI_COMMON_INIT };
 *		...
 *		if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
 *			return status;
 *		cli_begin(&tool, &settings.common);
 *		ok = mlops_flow_score(..., &error);
 *		return cli_end(ok, &error);
 *	}
 */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "base/thread.h"
#include "cli/option.h"

struct cli_common {
	uint64_t threads;   /* 0: the CPUs that this process may use */
	uint64_t seed;
	bool quiet;         /* no progress, no notices; errors stay */
	bool verbose;
	int log_format;     /* 0 text, 1 json */
};

#define CLI_COMMON_INIT { .threads = 0 }

extern const char *const cli_log_formats[]; /* "text", "json", NULL */

/* The shared options, for the end of a tool's table. */
#define CLI_COMMON_OPTIONS(type, member) \
	{ "threads", 0, CLI_UINT, offsetof(type, member.threads), "N", \
	  "work on N threads (default: the CPUs this process may use); results are the same for any N", \
	  1, 1024, \
	  .group = "Common options" }, \
	{ "seed", 0, CLI_UINT, offsetof(type, member.seed), "N", "seed of all random draws (default 0)" }, \
	{ "quiet", 'q', CLI_FLAG, offsetof(type, member.quiet), NULL, \
	  "no progress and no notices on standard error" }, \
	{ "verbose", 'v', CLI_FLAG, offsetof(type, member.verbose), NULL, "say more on standard error" }, \
	{ "log-format", 0, CLI_CHOICE, offsetof(type, member.log_format), "FORMAT", \
	  "messages on standard error as text (default) or json", .choices = cli_log_formats }, \
	{ "list-options", 0, CLI_OPTION_LIST, 0, NULL, NULL }, \
	{ "help", 'h', CLI_HELP, 0, NULL, "print this help and exit" }, \
	{ "version", 'V', CLI_VERSION, 0, NULL, "print the version and exit" }

/* Call once after parsing: remembers the tool's name for messages, ignores SIGPIPE, makes sure that
 * descriptors 0-2 are open, takes the kernels' build that $MLOPS_CPU names; exits where there is none. */
void cli_begin(const struct cli_tool *tool, const struct cli_common *common);

/* Flushes and closes standard output; reports error if there is one (or what went wrong in closing) and
 * returns the exit status.  A closed pipe (MLOPS_CLOSED) ends quietly by SIGPIPE, as other tools do. */
int cli_end(bool ok, const struct mlops_error *error);

/* "mlops-score: sensors.csv:17: ..." on stderr (or one JSON object), progress line cleared first. */
void cli_report(const struct mlops_error *error);
void cli_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* unless --quiet */
void cli_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* with --verbose */

/* A pool of common->threads. */
struct mlops_pool *cli_pool(const struct cli_common *common, struct mlops_error *error);

/* Who runs this, for the ledger: "user@host" ($SUDO_USER first); buffer of 256 bytes. */
const char *cli_who(char buffer[256]);

/* Now, in microseconds since 1970. */
int64_t cli_now(void);

/* The registry's directory: MLFLOW_TRACKING_URI as file:///DIR, else (unset, or http(s)://, which cli/tracking.h is about)
 * $MLOPS_REGISTRY, else $XDG_DATA_HOME/mlops, else ~/.local/share/mlops.  Another scheme, or no home: MLOPS_CONFIG. */
bool cli_registry_location(char buffer[4096], struct mlops_error *error);

/* Is it the URI of a server? */
bool cli_is_server(const char *uri);

#endif
