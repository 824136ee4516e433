/* The verbs that look and change nothing. */
#include "config.h"

#include "cli/registry_verbs.h"

#include "base/file.h"
#include "cli/model_file.h"
#include "cli/output.h"
#include "cli/registry_open.h"
#include "flow/ledger_metrics.h"
#include "registry/describe.h"

#include <string.h>
#include <sys/stat.h>

/* One line a model: from its versions, which come ordered by name and version. */
static bool print_models(const struct mlops_version_list *versions, struct mlops_error *error)
{
	for (size_t i = 0; i < versions->n;) {
		struct mlops_buffer line = MLOPS_BUFFER_INIT;
		struct mlops_json json = { .out = &line };
		const struct mlops_version *newest = &versions->items[i];
		uint32_t champion = 0;
		size_t count = 0;

		for (; i < versions->n && strcmp(versions->items[i].name, newest->name) == 0; i++) {
			newest = &versions->items[i];
			if (newest->champion)
				champion = newest->version;
			count++;
		}
		mlops_json_open(&json, '{');
		mlops_json_member_string(&json, "name", newest->name);
		mlops_json_member_string(&json, "kind", newest->kind);
		mlops_json_member_uint(&json, "versions", count);
		mlops_json_member_uint(&json, "newest", newest->version);
		mlops_json_key(&json, "champion");
		if (champion > 0)
			mlops_json_uint(&json, champion);
		else
			mlops_json_null(&json);
		mlops_json_close(&json, '}');
		if (!cli_print_line(&line, error))
			return false;
	}
	return true;
}

static bool print_version(const struct mlops_version *version, struct mlops_error *error)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };

	mlops_version_write(version, &json);
	return cli_print_line(&line, error);
}

int cli_registry_list(void *settings, size_t n, char **arguments)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list versions = { 0 };
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
	bool ok = store != NULL && mlops_store_versions(store, n > 0 ? arguments[0] : NULL, &versions, &error);

	(void)settings;
	if (ok && n == 0)
		ok = print_models(&versions, &error);
	for (size_t i = 0; ok && n > 0 && i < versions.n; i++)
		ok = print_version(&versions.items[i], &error);
	mlops_version_list_release(&versions);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

/* What the file itself says, behind the ledger's members. */
static void write_model(const struct mlops_model *model, struct mlops_json *json)
{
	mlops_json_key(json, "file");
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "kind", mlops_kind_name(model->kind));
	if (model->forecaster != NULL) {
		mlops_json_member_uint(json, "seq_length", model->forecaster->length);
		mlops_json_member_uint(json, "forecast_horizon", model->forecaster->horizon);
		mlops_json_member_uint(json, "season", model->forecaster->season);
		mlops_json_member_uint(json, "hidden", model->forecaster->hidden);
	} else {
		mlops_json_member_uint(json, "trees", model->trees.n_trees);
		mlops_json_member_uint(json, "nodes", model->trees.n_nodes);
		mlops_json_member_uint(json, "features", model->trees.n_features);
	}
	mlops_json_member_uint(json, "memory_bytes", mlops_model_memory(model));
	if (model->kind == MLOPS_ANOMALY_DETECTION) {
		mlops_json_key(json, "score_mean");
		mlops_json_float(json, model->score_mean);
		mlops_json_key(json, "score_deviation");
		mlops_json_float(json, model->score_deviation);
		mlops_json_key(json, "threshold");
		mlops_json_float(json, mlops_model_anomaly_score(model, model->threshold_sum));
	}
	if (model->n_classes > 0) {
		mlops_json_key(json, "classes");
		mlops_json_open(json, '[');
		for (size_t c = 0; c < model->n_classes; c++)
			mlops_json_string(json, model->classes[c]);
		mlops_json_close(json, ']');
	}
	for (size_t i = 0; i < model->metadata.n; i++) {
		const char *value = model->metadata.values[i];

		mlops_json_key(json, model->metadata.keys[i]);
		if (cli_is_json(value))
			mlops_json_raw(json, value, strlen(value));
		else
			mlops_json_string(json, value);
	}
	mlops_json_close(json, '}');
}

int cli_registry_show(void *settings, size_t n, char **arguments)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct cli_model loaded;
	char sha256[65];
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };
	bool ok = cli_model_load(arguments[0], sha256, &loaded, &error);

	(void)settings;
	(void)n;
	if (ok) {
		if (loaded.version.version > 0) {
			mlops_version_write(&loaded.version, &json);
			line.length--; /* the closing brace comes after the file's part */
			json.depth = 1;
			json.has_item |= 2;
		} else {
			mlops_json_open(&json, '{');
			mlops_json_member_string(&json, "path", arguments[0]);
			mlops_json_member_string(&json, "sha256", sha256);
			mlops_json_member_uint(&json, "size", loaded.size);
		}
		write_model(loaded.model, &json);
		mlops_json_close(&json, '}');
		cli_model_release(&loaded);
		ok = cli_print_line(&line, &error);
	}
	return cli_end(ok, &error);
}

int cli_registry_history(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change_list changes = { 0 };
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
	bool ok = store != NULL && mlops_store_history(store, arguments[0], registry->all_aliases, &changes, &error);

	(void)n;
	for (size_t i = 0; ok && i < changes.n && (registry->limit == 0 || i < registry->limit); i++) {
		struct mlops_buffer line = MLOPS_BUFFER_INIT;
		struct mlops_json json = { .out = &line };

		mlops_change_write(&changes.items[i], &json);
		ok = cli_print_line(&line, &error);
	}
	mlops_change_list_release(&changes);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

int cli_registry_decisions(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_decision_list decisions = { 0 };
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
	bool ok = store != NULL &&
		  mlops_store_decisions(store, n > 0 ? arguments[0] : NULL, (size_t)registry->limit, &decisions, &error);

	for (size_t i = 0; ok && i < decisions.n; i++) {
		struct mlops_buffer line = MLOPS_BUFFER_INIT;
		struct mlops_json json = { .out = &line };

		mlops_decision_write(&decisions.items[i], &json);
		ok = cli_print_line(&line, &error);
	}
	mlops_decision_list_release(&decisions);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

int cli_registry_runs(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run_list runs = { 0 };
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
	bool ok = store != NULL &&
		  mlops_store_runs(store, n > 0 ? arguments[0] : NULL, (size_t)registry->limit, &runs, &error);

	for (size_t i = 0; ok && i < runs.n; i++) {
		struct mlops_buffer line = MLOPS_BUFFER_INIT;
		struct mlops_json json = { .out = &line };

		mlops_run_write(&runs.items[i], &json);
		ok = cli_print_line(&line, &error);
	}
	mlops_run_list_release(&runs);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

static bool verify_versions(struct mlops_store *store, const char *name, uint64_t *checked, uint64_t *bad,
			    struct mlops_error *error)
{
	struct mlops_version_list versions = { 0 };
	bool ok = mlops_store_versions(store, name, &versions, error);

	for (size_t i = 0; ok && i < versions.n; i++) {
		const struct mlops_version *version = &versions.items[i];
		struct mlops_buffer line = MLOPS_BUFFER_INIT;
		struct mlops_json json = { .out = &line };
		char problem[160];

		ok = mlops_store_verify_version(store, version, problem, error);
		if (!ok)
			break;
		++*checked;
		*bad += problem[0] != '\0';
		mlops_json_open(&json, '{');
		mlops_json_member_string(&json, "model", version->name);
		mlops_json_member_uint(&json, "version", version->version);
		mlops_json_member_bool(&json, "ok", problem[0] == '\0');
		if (problem[0] != '\0')
			mlops_json_member_string(&json, "problem", problem);
		mlops_json_close(&json, '}');
		ok = cli_print_line(&line, error);
	}
	mlops_version_list_release(&versions);
	return ok;
}

int cli_registry_verify(void *settings, size_t n, char **arguments)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };
	uint64_t checked = 0;
	uint64_t bad = 0;
	uint64_t orphans = 0;
	char problem[160] = "";
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
	bool ok = store != NULL && mlops_store_verify_ledger(store, &orphans, problem, &error) &&
		  verify_versions(store, n > 0 ? arguments[0] : NULL, &checked, &bad, &error);

	(void)settings;
	if (ok) {
		mlops_json_open(&json, '{');
		mlops_json_member_bool(&json, "summary", true);
		mlops_json_member_bool(&json, "ok", bad == 0 && problem[0] == '\0');
		mlops_json_member_uint(&json, "checked", checked);
		mlops_json_member_uint(&json, "bad", bad);
		mlops_json_member_uint(&json, "orphans", orphans);
		if (problem[0] != '\0')
			mlops_json_member_string(&json, "ledger", problem);
		mlops_json_close(&json, '}');
		ok = cli_print_line(&line, &error);
	}
	if (ok && problem[0] != '\0')
		ok = mlops_error_set(&error, MLOPS_NEGATIVE, "%s", problem);
	else if (ok && bad > 0)
		ok = mlops_error_set(&error, MLOPS_NEGATIVE, "%llu of %llu versions are damaged", (unsigned long long)bad,
				     (unsigned long long)checked);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

/* A file is for node_exporter, which is another user: 0644 whatever the umask. */
static bool write_metrics(const char *path, const struct mlops_buffer *text, struct mlops_error *error)
{
	if (path == NULL)
		return cli_write_output(NULL, text->data, text->length, error);
	umask(S_IWGRP | S_IWOTH);
	return mlops_file_replace(path, text->data, text->length, 0644, error);
}

int cli_registry_metrics(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
	bool ok = store != NULL && mlops_flow_metrics(store, PACKAGE_VERSION, cli_now(), &text, &error) &&
		  write_metrics(registry->output, &text, &error);

	(void)n;
	(void)arguments;
	mlops_buffer_release(&text);
	mlops_store_close(store);
	return cli_end(ok, &error);
}
