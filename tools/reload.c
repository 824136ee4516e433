/* mlops-reload: the services take up what the registry names. */
#include "config.h"

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/output.h"
#include "cli/registry_open.h"
#include "cli/secret.h"
#include "flow/reload.h"

#include <stdlib.h>
#include <string.h>

struct settings {
	struct cli_common common;
	struct cli_list urls;
	const char *ca_file;
	double timeout;
};

static const struct cli_option options[] = {
	{ "url", 'u', CLI_REPEAT, offsetof(struct settings, urls), "URL",
	  "a service; may be given again (default: those in ML_SERVICE_URL, with spaces between, else http://127.0.0.1:8080)",
	  .group = "Services" },
	{ "timeout", 't', CLI_REAL, offsetof(struct settings, timeout), "SECONDS",
	  "give a service up after this long (default 30)", 0.1, 86400 },
	{ "ca-file", 0, CLI_STRING, offsetof(struct settings, ca_file), "FILE",
	  "trust the authority with this certificate (PEM)", .complete = CLI_COMPLETE_FILE },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-reload",
	.synopsis = "[OPTION]...",
	.summary = "Tell running services to load the registry's champions, and wait until each says that it has: one line of JSON "
		   "a service. The token is taken from SYSTEM_ADMIN_TOKEN.",
	.options = options,
	.examples = "  mlops-registry rollback pumps && mlops-reload\n"
		    "  mlops-reload --url http://10.0.0.5:8080 --url http://10.0.0.6:8080\n",
};

/* Services that no option names. */
struct found {
	char *text;         /* ML_SERVICE_URL, cut in place */
	const char **items; /* [n] into text */
	size_t n;
};

static bool cut(struct found *found, struct mlops_error *error)
{
	static const char separators[] = " \t\n,";
	char *state = NULL;

	for (char *url = strtok_r(found->text, separators, &state); url != NULL;
	     url = strtok_r(NULL, separators, &state)) {
		const char **items = reallocarray(found->items, found->n + 1, sizeof *items);

		if (items == NULL)
			return mlops_error_set_memory(error);
		found->items = items;
		found->items[found->n++] = url;
	}
	return true;
}

static bool find_urls(struct cli_list *urls, struct found *found, struct mlops_error *error)
{
	static const char *const usual = "http://127.0.0.1:8080";
	const char *given = getenv("ML_SERVICE_URL");

	if (urls->n > 0)
		return true;
	found->text = strdup(given == NULL || given[strspn(given, " \t\n,")] == '\0' ? usual : given);
	if (found->text == NULL)
		return mlops_error_set_memory(error);
	if (!cut(found, error))
		return false;
	*urls = (struct cli_list){ .n = found->n, .items = found->items };
	return true;
}

static bool print_result(const char *url, const struct mlops_reload_result *result, struct mlops_error *error)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };

	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "event", "reloaded");
	mlops_json_member_string(&json, "service", url);
	mlops_json_member_bool(&json, "ok", result->error.code == MLOPS_OK);
	if (result->error.code != MLOPS_OK)
		mlops_json_member_string(&json, "message", result->error.message);
	if (result->models.length > 0) {
		mlops_json_key(&json, "models");
		mlops_json_raw(&json, result->models.data, result->models.length);
	}
	mlops_json_member_uint(&json, "attempts", result->attempts);
	mlops_json_member_double(&json, "duration_seconds", (double)(result->duration / 1000) / 1000);
	mlops_json_close(&json, '}');
	return cli_print_line(&line, error);
}

/* Who may not write to the registry may reload all the same. */
static void record(const char *url, const struct mlops_reload_result *result)
{
	char who[256];
	struct mlops_reload reload = {
		.service = (char *)(uintptr_t)url,
		.started = result->started,
		.duration = result->duration,
		.ok = result->error.code == MLOPS_OK,
		.message = result->error.code == MLOPS_OK ? NULL : (char *)(uintptr_t)result->error.message,
		.who = (char *)(uintptr_t)cli_who(who),
	};
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_WRITE, NULL, &error);

	if (store == NULL || !mlops_store_add_reload(store, &reload, &error))
		cli_notice("the reload is not in the registry's ledger: %s", error.message);
	mlops_store_close(store);
}

/* All services are told, also behind one that fails; the first failure is the result's. */
static bool reload_all(const struct settings *settings, const char *token, const struct mlops_version_list *versions,
		       struct mlops_error *error)
{
	struct mlops_http_client *client = mlops_http_client_new(error);
	bool ok = client != NULL;

	for (size_t i = 0; client != NULL && i < settings->urls.n; i++) {
		struct mlops_reload_request request = {
			.url = settings->urls.items[i], .token = token, .ca_file = settings->ca_file,
			.timeout = settings->timeout, .versions = versions, .now = cli_now,
		};
		struct mlops_reload_result result;
		char url[256];

		mlops_url_redacted(request.url, url);
		mlops_flow_reload(client, &request, &result);
		record(url, &result);
		if (!print_result(url, &result, error))
			ok = false;
		if (result.error.code != MLOPS_OK) {
			ok = false;
			if (strncmp(result.error.message, url, strlen(url)) == 0)
				mlops_error_set(error, result.error.code, "%s", result.error.message);
			else
				mlops_error_set(error, result.error.code, "%s: %s", url, result.error.message);
		}
		mlops_reload_result_release(&result);
	}
	mlops_http_client_free(client);
	return ok;
}

int main(int argc, char **argv)
{
	struct settings settings = { .common = CLI_COMMON_INIT, .timeout = 30 };
	struct mlops_version_list versions = { .n = 0 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = NULL;
	struct found found = { .n = 0 };
	char token[CLI_SECRET_ROOM];
	char **arguments;
	size_t n;
	int status;
	bool has_token, ok;

	if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	cli_begin(&tool, &settings.common);
	ok = find_urls(&settings.urls, &found, &error) && cli_secret("SYSTEM_ADMIN_TOKEN", token, &has_token, &error);
	if (ok) {
		store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
		ok = store != NULL && mlops_store_versions(store, NULL, &versions, &error);
		mlops_store_close(store);
	}
	ok = ok && reload_all(&settings, has_token ? token : NULL, &versions, &error);
	explicit_bzero(token, sizeof token);
	mlops_version_list_release(&versions);
	free(found.items);
	free(found.text);
	return cli_end(ok, &error);
}
