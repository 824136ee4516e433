/* mlops-serve: the models of the registry behind HTTP. */
#include "config.h"

#include "base/file.h"
#include "cli/child.h"
#include "cli/common.h"
#include "cli/privileges.h"
#include "cli/secret.h"
#include "cli/systemd.h"
#include "cli/tracking.h"
#include "service/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct settings {
	struct cli_common common;
	struct cli_list models;
	const char *address, *certificate, *key, *user, *train_command;
	uint64_t port, connections, body_limit, idle, request, drain, train_timeout;
	double watch;
};

static const struct cli_option options[] = {
	{ "model", 'm', CLI_REPEAT, offsetof(struct settings, models), "REF",
	  "serve this model: NAME (its champion), NAME@ALIAS or NAME/VERSION; may be given again (default: every champion)",
	  .complete = CLI_COMPLETE_MODEL, .group = "Models" },
	{ "watch", 'w', CLI_REAL, offsetof(struct settings, watch), "SECONDS",
	  "look into the registry this often and load what it names by then (default: only when told to)", 0.1, 86400 },
	{ "train-command", 0, CLI_STRING, offsetof(struct settings, train_command), "PROGRAM",
	  "what POST /models/NAME/train runs, with NAME (default: mlops-retrain beside this program, else in PATH)",
	  .complete = CLI_COMPLETE_FILE, .group = "Training" },
	{ "train-timeout", 0, CLI_UINT, offsetof(struct settings, train_timeout), "SECONDS",
	  "end a training that takes longer (default 7200)", 1, 604800 },
	{ "address", 'a', CLI_STRING, offsetof(struct settings, address), "ADDRESS",
	  "listen on this IP address (default 127.0.0.1); any other than the machine itself needs SYSTEM_ADMIN_TOKEN",
	  .group = "Connections" },
	{ "port", 'p', CLI_UINT, offsetof(struct settings, port), "PORT",
	  "listen on this port (default 8080; 0: one that is free)", 0, 65535 },
	{ "tls-certificate", 0, CLI_STRING, offsetof(struct settings, certificate), "FILE",
	  "speak TLS with this certificate (PEM)", .complete = CLI_COMPLETE_FILE },
	{ "tls-key", 0, CLI_STRING, offsetof(struct settings, key), "FILE", "the certificate's key (PEM)",
	  .complete = CLI_COMPLETE_FILE },
	{ "user", 'u', CLI_STRING, offsetof(struct settings, user), "NAME",
	  "become this user when the port is open (only root can)" },
	{ "connections", 0, CLI_UINT, offsetof(struct settings, connections), "N",
	  "most connections at the same time (default 1000)", 1, 100000, .group = "Limits" },
	{ "body-limit", 0, CLI_UINT, offsetof(struct settings, body_limit), "BYTES",
	  "most bytes in a request's body (default 67108864)", 1024, 2147483648.0 },
	{ "idle-timeout", 0, CLI_UINT, offsetof(struct settings, idle), "SECONDS",
	  "close a connection without traffic after this long (default 60)", 1, 86400 },
	{ "request-timeout", 0, CLI_UINT, offsetof(struct settings, request), "SECONDS",
	  "close a connection whose request has not come in by then (default 120)", 1, 86400 },
	{ "drain", 0, CLI_UINT, offsetof(struct settings, drain), "SECONDS",
	  "when told to end, let requests in flight finish for this long (default 10)", 0, 86400 },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-serve",
	.synopsis = "[OPTION]...",
	.summary = "Answer HTTP requests with the registry's models: scores, and what is loaded. "
		   "SIGHUP, or POST /models/reload with the token in SYSTEM_ADMIN_TOKEN, loads what the registry names by then.",
	.options = options,
	.examples = "  mlops-serve --port 8080 --watch 10\n"
		    "  curl -sS --data-binary @sensors.csv http://127.0.0.1:8080/models/pumps/score\n",
};

static int64_t monotonic(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* What the service is told by signals; blocked everywhere, waited for in one place. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static void reload(struct mlops_service *service, bool quiet_if_same)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_served_change change;

	if (!mlops_service_reload(service, &change, &error)) {
		cli_report(&error);
		cli_notice("the models that were loaded stay");
	} else if (!quiet_if_same || change.changed + change.removed > 0) {
		cli_notice("%zu model%s loaded, %zu changed, %zu removed", change.models, change.models == 1 ? "" : "s",
			   change.changed, change.removed);
	}
}

/* Until a signal says that it is over. */
static void wait_for_the_end(const struct settings *settings, struct mlops_service *service, const sigset_t *set)
{
	struct timespec pause = {
		.tv_sec = (time_t)settings->watch,
		.tv_nsec = (long)((settings->watch - (double)(time_t)settings->watch) * 1e9),
	};

	for (;;) {
		int signal_number = settings->watch > 0 ? sigtimedwait(set, NULL, &pause) : sigwaitinfo(set, NULL);

		if (signal_number == SIGTERM || signal_number == SIGINT)
			return;
		if (signal_number == SIGHUP)
			reload(service, false);
		else if (settings->watch > 0)
			reload(service, true);
	}
}

/* A registry that is not there yet is an empty one; training makes it. */
static bool load_first(struct mlops_service *service, struct mlops_error *error)
{
	struct mlops_served_change change;
	struct mlops_error first = MLOPS_ERROR_INIT;

	if (mlops_service_reload(service, &change, &first)) {
		if (change.models == 0)
			cli_notice("the registry has no champion yet: nothing to answer with");
		return true;
	}
	if (first.code == MLOPS_CONFIG) {
		cli_notice("%s", first.message);
		return true;
	}
	*error = first;
	return false;
}

static bool read_pem(const char *path, struct mlops_buffer *text, struct mlops_error *error)
{
	if (!mlops_file_read(path, (size_t)1 << 20, text, error))
		return false;
	mlops_buffer_string(text);
	return !text->failed || mlops_error_set_memory(error);
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

#define TRAININGS 2       /* at the same time: they take what CPUs there are */
#define REMEMBERED 50

/* What is started for POST /models/NAME/train. */
struct child {
	char program[4096];
	char **environment;
};

struct secrets {
	char token[CLI_SECRET_ROOM];
	struct mlops_buffer certificate, key;
};

static bool serve(const struct settings *settings, struct secrets *secrets, bool has_token, const struct child *child,
		  const char *location, const struct mlops_tracking *tracking, struct mlops_error *error)
{
	struct mlops_service_options service_options = {
		.served = { .location = location, .tracking = tracking, .references = settings->models.items,
			    .n_references = settings->models.n },
		.token = has_token ? secrets->token : NULL,
		.program_version = PACKAGE_VERSION,
		.body_limit = settings->body_limit,
		.now = cli_now,
		.jobs = { .program = child->program[0] != '\0' ? child->program : NULL, .environment = child->environment,
			  .timeout = (unsigned)settings->train_timeout, .running = TRAININGS, .remembered = REMEMBERED },
	};
	struct mlops_server_options server_options = {
		.address = settings->address, .port = (uint16_t)settings->port, .fd = cli_systemd_socket(),
		.threads = settings->common.threads > 0 ? (unsigned)settings->common.threads : mlops_thread_cpus(),
		.connections = (unsigned)settings->connections, .timeout = (unsigned)settings->idle,
		.request_timeout = (unsigned)settings->request,
		.certificate = settings->certificate != NULL ? secrets->certificate.data : NULL,
		.key = settings->key != NULL ? secrets->key.data : NULL, .microseconds = monotonic,
	};
	struct mlops_service *service = NULL;
	struct mlops_server *server = NULL;
	sigset_t set;
	bool ok = false;

	block_signals(&set);
	service = mlops_service_new(&service_options, error);
	if (service == NULL || !load_first(service, error))
		goto out;
	server = mlops_server_start(service, &server_options, error);
	if (server == NULL || (settings->user != NULL && !cli_become(settings->user, error)))
		goto out;
	cli_notice("listening on %s port %u", server_options.fd >= 0 ? "systemd's socket," : settings->address,
		   mlops_server_port(server));
	cli_systemd_notify("READY=1");
	wait_for_the_end(settings, service, &set);
	cli_systemd_notify("STOPPING=1");
	mlops_service_stop_jobs(service);
	ok = true;
out:
	mlops_server_stop(server, (unsigned)settings->drain);
	mlops_service_free(service);
	return ok;
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.common = CLI_COMMON_INIT, .address = "127.0.0.1", .port = 8080, .connections = 1000,
		.body_limit = (uint64_t)64 << 20, .idle = 60, .request = 120, .drain = 10,
		.train_timeout = 7200,
	};
	struct child child = { .environment = NULL };
	struct secrets secrets = { .certificate = MLOPS_BUFFER_INIT, .key = MLOPS_BUFFER_INIT };
	struct mlops_error error = MLOPS_ERROR_INIT;
	const struct mlops_tracking *tracking = NULL;
	char location[4096];
	char **arguments;
	size_t n;
	int status;
	bool has_token, ok;

	if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	if ((settings.certificate == NULL) != (settings.key == NULL))
		return cli_usage_error(&tool, "--tls-certificate and --tls-key need each other");
	cli_begin(&tool, &settings.common);
	ok = cli_secret("SYSTEM_ADMIN_TOKEN", secrets.token, &has_token, &error) &&
	     cli_registry_location(location, &error) && cli_tracking(&tracking, &error) &&
	     cli_child_find(settings.train_command, "mlops-retrain", child.program, &error);
	child.environment = ok ? cli_child_environment(&error) : NULL;
	ok = ok && child.environment != NULL;
	if (ok && !has_token && !is_loopback(settings.address))
		ok = mlops_error_set(&error, MLOPS_CONFIG,
				     "--address %s lets other machines in, so a SYSTEM_ADMIN_TOKEN is needed",
				     settings.address);
	if (ok && settings.certificate != NULL)
		ok = read_pem(settings.certificate, &secrets.certificate, &error) &&
		     read_pem(settings.key, &secrets.key, &error);
	ok = ok && serve(&settings, &secrets, has_token, &child, location, tracking, &error);
	explicit_bzero(secrets.token, sizeof secrets.token);
	mlops_buffer_release(&secrets.certificate);
	mlops_buffer_release(&secrets.key);
	free(child.environment);
	return cli_end(ok, &error);
}
