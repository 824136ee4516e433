/* The verbs that change something. */
#include "cli/registry_verbs.h"

#include "base/file.h"
#include "base/number.h"
#include "base/sha256.h"
#include "base/text.h"
#include "cli/model_file.h"
#include "cli/output.h"
#include "cli/registry_open.h"
#include "flow/forecast.h"
#include "model/onnx.h"
#include "registry/describe.h"

#include <string.h>

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

static bool read_version(const char *text, uint32_t *version, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];
	uint64_t number = 0;

	if (!mlops_number_parse_uint(text, strlen(text), &number) || number == 0 || number >= UINT32_MAX)
		return mlops_error_set(error, MLOPS_USAGE, "'%s' is not a version number",
				       mlops_text_mask(quoted, text, strlen(text)));
	*version = (uint32_t)number;
	return true;
}

static bool print_change(const struct mlops_change *change, struct mlops_error *error)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };

	mlops_change_write(change, &json);
	return cli_print_line(&line, error);
}

typedef bool change_call(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);

/* Opens, changes, prints what changed. */
static int change_alias(const struct cli_registry *registry, const char *name, const char *alias, uint32_t to,
			change_call *call)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	char who[256];
	struct mlops_change change = {
		.name = borrow(name), .alias = borrow(alias), .to = to, .when = cli_now(), .who = borrow(cli_who(who)),
		.why = borrow(registry->reason),
	};
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_WRITE, NULL, &error);
	bool ok = store != NULL && call(store, &change, &error) && print_change(&change, &error);

	mlops_store_close(store);
	return cli_end(ok, &error);
}

int cli_registry_promote(void *settings, size_t n, char **arguments)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	uint32_t version;

	(void)n;
	if (!read_version(arguments[1], &version, &error))
		return cli_end(false, &error);
	return change_alias(settings, arguments[0], MLOPS_CHAMPION, version, mlops_store_promote);
}

int cli_registry_rollback(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;

	(void)n;
	return change_alias(registry, arguments[0], MLOPS_CHAMPION, (uint32_t)registry->to, mlops_store_rollback);
}

int cli_registry_alias(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	uint32_t version = 0;

	if (registry->remove == (n == 3)) {
		mlops_error_set(&error, MLOPS_USAGE, registry->remove ? "--remove takes no VERSION"
								      : "which VERSION? (or --remove)");
		return cli_end(false, &error);
	}
	if (n == 3 && !read_version(arguments[2], &version, &error))
		return cli_end(false, &error);
	return change_alias(registry, arguments[0], arguments[1], version, mlops_store_set_alias);
}

int cli_registry_export(void *settings, size_t n, char **arguments)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reference reference;
	struct mlops_version version = { .version = 0 };
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };
	struct mlops_store *store = NULL;
	char sha256[MLOPS_SHA256_TEXT];
	bool ok = mlops_reference_parse(arguments[0], &reference, &error);

	(void)settings;
	(void)n;
	if (ok && reference.is_path)
		ok = mlops_error_set(&error, MLOPS_USAGE, "'%s' is a file already; export takes a registered version",
				     arguments[0]);
	if (ok)
		store = cli_registry_open(CLI_REGISTRY_READ, NULL, &error);
	ok = store != NULL && mlops_store_resolve(store, &reference, &version, &error) &&
	     mlops_store_load(store, &version, &bytes, &error) &&
	     mlops_file_replace(arguments[1], bytes.data, bytes.length, 0666, &error);
	if (ok) {
		mlops_sha256_of(bytes.data, bytes.length, sha256);
		mlops_json_open(&json, '{');
		mlops_json_member_string(&json, "event", "exported");
		mlops_json_member_string(&json, "model", version.name);
		mlops_json_member_uint(&json, "version", version.version);
		mlops_json_member_string(&json, "path", arguments[1]);
		mlops_json_member_string(&json, "sha256", sha256);
		mlops_json_close(&json, '}');
		ok = cli_print_line(&line, &error);
	}
	mlops_version_release(&version);
	mlops_buffer_release(&bytes);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

/* The members of an imported version that come from the file itself. */
static bool describe_import(const struct mlops_model *model, struct mlops_buffer *features, struct mlops_error *error)
{
	struct mlops_json json = { .out = features };
	struct mlops_forecast_origin origin;

	if (!mlops_forecast_origin_read(model, &origin, error))
		return false;
	mlops_json_open(&json, '[');
	if (origin.target != NULL)
		mlops_json_string(&json, origin.target);
	for (size_t f = 0; model->features != NULL && f < model->trees.n_features; f++)
		mlops_json_string(&json, model->features[f].name);
	mlops_json_close(&json, ']');
	mlops_forecast_origin_release(&origin);
	mlops_buffer_string(features);
	return !features->failed || mlops_error_set_memory(error);
}

static const char *metadata_or(const struct mlops_model *model, const char *key, const char *otherwise)
{
	const char *value = mlops_metadata_get(&model->metadata, key);

	return value != NULL && cli_is_json(value) ? value : otherwise;
}

static bool import(struct mlops_store *store, const struct cli_registry *registry,
		   const struct mlops_model *model, const struct mlops_buffer *bytes, struct mlops_error *error)
{
	char who[256];
	struct mlops_buffer features = MLOPS_BUFFER_INIT;
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };
	struct mlops_version stored = { .version = 0 };
	struct mlops_reference reference = { .version = 0 };
	struct mlops_version version = {
		.name = borrow(registry->name), .kind = borrow(mlops_kind_name(model->kind)), .created = cli_now(),
		.metrics = borrow(metadata_or(model, "metrics", "{}")),
		.settings = borrow(metadata_or(model, "settings", "{}")),
	};
	struct mlops_change change = {
		.name = borrow(registry->name), .alias = borrow(MLOPS_CHAMPION), .when = version.created,
		.who = borrow(cli_who(who)), .why = borrow(registry->reason),
	};
	bool ok = describe_import(model, &features, error);

	version.features = features.data;
	ok = ok && mlops_store_add_version(store, &version, bytes->data, bytes->length, error);
	change.to = version.version;
	if (ok && registry->promote)
		ok = mlops_store_promote(store, &change, error);
	strncpy(reference.name, registry->name, sizeof reference.name - 1);
	reference.version = version.version;
	ok = ok && mlops_store_resolve(store, &reference, &stored, error);
	if (ok) {
		mlops_version_write(&stored, &json);
		ok = cli_print_line(&line, error);
	}
	mlops_version_release(&stored);
	mlops_buffer_release(&features);
	return ok;
}

int cli_registry_import(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_model *model = NULL;
	struct mlops_store *store = NULL;
	bool ok;

	(void)n;
	if (registry->name == NULL) {
		mlops_error_set(&error, MLOPS_USAGE, "import needs --name, the model that gets the new version");
		return cli_end(false, &error);
	}
	ok = mlops_reference_check_name(registry->name, &error) &&
	     mlops_file_read(arguments[0], MLOPS_MODEL_FILE_LIMIT, &bytes, &error);
	if (ok) {
		model = mlops_onnx_read(bytes.data, bytes.length, arguments[0], &error);
		store = model != NULL ? cli_registry_open(CLI_REGISTRY_CREATE, NULL, &error) : NULL;
		ok = store != NULL && import(store, registry, model, &bytes, &error);
	}
	mlops_model_free(model);
	mlops_buffer_release(&bytes);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

int cli_registry_prune(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list removed = { 0 };
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_WRITE, NULL, &error);
	bool ok = store != NULL && mlops_store_prune(store, arguments[0], (size_t)registry->keep, cli_now(),
						     registry->dry_run, &removed, &error);

	(void)n;
	for (size_t i = 0; ok && i < removed.n; i++) {
		struct mlops_buffer line = MLOPS_BUFFER_INIT;
		struct mlops_json json = { .out = &line };

		mlops_json_open(&json, '{');
		mlops_json_member_string(&json, "event", registry->dry_run ? "would_remove" : "removed");
		mlops_json_member_string(&json, "model", removed.items[i].name);
		mlops_json_member_uint(&json, "version", removed.items[i].version);
		mlops_json_member_string(&json, "sha256", removed.items[i].sha256);
		mlops_json_member_uint(&json, "size", removed.items[i].size);
		mlops_json_close(&json, '}');
		ok = cli_print_line(&line, &error);
	}
	mlops_version_list_release(&removed);
	mlops_store_close(store);
	return cli_end(ok, &error);
}

static bool check_reason(const char *reason, struct mlops_error *error)
{
	static const char *const reasons[] = { "insufficient_data", "invalid_data", "database", "registry", "quality_gate",
					       "internal", "signal" };
	const size_t n = sizeof reasons / sizeof reasons[0];
	char quoted[MLOPS_TEXT_QUOTED];
	const char *nearest = mlops_text_nearest(reason, reasons, n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	mlops_text_mask(quoted, reason, strlen(reason));
	if (nearest != NULL)
		return mlops_error_set(error, MLOPS_USAGE, "'%s' is no reason; did you mean '%s'?", quoted, nearest);
	return mlops_error_set(error, MLOPS_USAGE,
			       "'%s' is no reason; those are insufficient_data, invalid_data, database, registry, quality_gate, "
			       "internal and signal", quoted);
}

/* The same from this directory alone: whether one has failed since then. */
static bool is_recorded_here(struct mlops_store *store, const char *name, int64_t started, bool *recorded,
			     struct mlops_error *error)
{
	struct mlops_run_summary_list summaries;

	if (!mlops_store_run_summaries(store, &summaries, error))
		return false;
	for (size_t i = 0; i < summaries.n; i++)
		*recorded = *recorded || (strcmp(summaries.items[i].name, name) == 0 && summaries.items[i].broke >= started);
	mlops_run_summary_list_release(&summaries);
	return true;
}

/* Whether the latest trainings of the name have one that failed and began at that time or later. */
static bool is_recorded(struct mlops_store *store, const char *name, int64_t started, bool *recorded,
			struct mlops_error *error)
{
	struct mlops_run_list runs = { 0 };
	struct mlops_error unknown = MLOPS_ERROR_INIT;
	bool ok = mlops_store_runs(store, name, 64, &runs, &unknown);

	*recorded = false;
	if (!ok && unknown.code == MLOPS_DATA) /* the name is new */
		return true;
	if (!ok && (unknown.code == MLOPS_UNAVAILABLE || unknown.code == MLOPS_DENIED)) /* the server has to hear of it later */
		return is_recorded_here(store, name, started, recorded, error);
	if (!ok)
		*error = unknown;
	for (size_t i = 0; ok && i < runs.n; i++)
		*recorded = *recorded || (strcmp(runs.items[i].action, "train") == 0 && runs.items[i].started >= started &&
					  runs.items[i].outcome == MLOPS_RUN_FAILED);
	mlops_run_list_release(&runs);
	return ok;
}

int cli_registry_fail(void *settings, size_t n, char **arguments)
{
	const struct cli_registry *registry = settings;
	struct mlops_error error = MLOPS_ERROR_INIT;
	char who[256];
	struct mlops_run run = {
		.name = arguments[0], .action = borrow("train"), .who = borrow(cli_who(who)),
		.started = registry->started > 0 ? (int64_t)(registry->started * 1e6) : cli_now(),
	};
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };
	struct mlops_store *store = NULL;
	bool recorded = false;
	bool ok = mlops_reference_check_name(arguments[0], &error) && check_reason(arguments[1], &error);

	(void)n;
	if (ok)
		store = cli_registry_open(CLI_REGISTRY_CREATE, NULL, &error);
	ok = store != NULL && (registry->started <= 0 || is_recorded(store, run.name, run.started, &recorded, &error));
	if (ok && !recorded) {
		ok = mlops_store_begin_run(store, &run, &error);
		run.ended = cli_now();
		run.outcome = MLOPS_RUN_FAILED;
		run.reason = arguments[1];
		run.message = borrow(registry->message);
		ok = ok && mlops_store_end_run(store, &run, &error);
		if (ok) {
			mlops_run_write(&run, &json);
			ok = cli_print_line(&line, &error);
		}
	}
	mlops_store_close(store);
	return cli_end(ok, &error);
}

/* What push has sent, a line each; what goes wrong with that is told at the end. */
struct pushing {
	struct mlops_error error;
};

static void print_sent(void *context, const struct mlops_sent *sent)
{
	struct pushing *pushing = context;
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };

	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "event", "sent");
	mlops_json_member_string(&json, "what", sent->what);
	mlops_json_member_string(&json, "model", sent->name);
	if (sent->version > 0)
		mlops_json_member_uint(&json, "version", sent->version);
	if (sent->run_id != NULL)
		mlops_json_member_string(&json, "run_id", sent->run_id);
	if (sent->outcome != NULL)
		mlops_json_member_string(&json, "outcome", sent->outcome);
	mlops_json_close(&json, '}');
	cli_print_line(&line, &pushing->error);
}

int cli_registry_push(void *settings, size_t n, char **arguments)
{
	struct pushing pushing = { .error = MLOPS_ERROR_INIT };
	struct mlops_push push = { .sent = print_sent, .context = &pushing };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = cli_registry_open(CLI_REGISTRY_WRITE, NULL, &error);
	bool ok = store != NULL && mlops_store_push(store, cli_now(), &push, &error);

	(void)settings;
	(void)n;
	(void)arguments;
	mlops_store_close(store);
	if (ok && pushing.error.code != MLOPS_OK) {
		ok = false;
		error = pushing.error;
	}
	return cli_end(ok, &error);
}
