/* mlops-train: rows in, a registered model version out. */
#include "config.h"

#include "base/file.h"
#include "cli/common.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/registry_open.h"
#include "cli/rows_options.h"
#include "cli/setting_help.h"
#include "cli/signals.h"
#include "cli/validate_input.h"
#include "flow/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
	struct cli_common common;
	struct cli_rows rows;
	const char *kind, *name, *positive, *test, *output, *reason, *schema;
	struct cli_list set;
	double test_fraction;
	int split;
	int importance;
	uint64_t min_rows;
	bool no_refit, promote, fraction_given, split_given;
};

static const char *const splits[] = { "auto", "time", "random", "group", NULL };
static const char *const importances[] = { "impurity", "permutation", NULL };

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STRING, offsetof(struct settings, kind), "KIND",
	  "what to train: anomaly_detection (Isolation Forest) or failure_prediction (Random Forest)", .required = true,
	  .group = "Model" },
	{ "name", 'n', CLI_STRING, offsetof(struct settings, name), "NAME",
	  "name of the model in the registry (default: the KIND)", .complete = CLI_COMPLETE_MODEL },
	{ "set", 's', CLI_REPEAT, offsetof(struct settings, set), "KEY=VALUE",
	  "a setting of the model; --set help lists them with their defaults" },
	{ "target", 't', CLI_STRING, offsetof(struct settings, rows.target), "COLUMN",
	  "the column with the truth: what failed, or for evaluation only what was an anomaly" },
	{ "positive", 0, CLI_STRING, offsetof(struct settings, positive), "CLASS",
	  "the class of two that means failure (default: 1, true, or the rarer text)" },
	{ "test", 0, CLI_STRING, offsetof(struct settings, test), "FILE", "evaluate on these rows",
	  .complete = CLI_COMPLETE_FILE, .group = "Evaluation" },
	{ "test-fraction", 0, CLI_REAL, offsetof(struct settings, test_fraction), "F",
	  "part of the rows held out for evaluation (default 0.2; 0: none)", 0, 0.9,
	  .given = offsetof(struct settings, fraction_given) },
	{ "split", 0, CLI_CHOICE, offsetof(struct settings, split), "HOW",
	  "how rows are held out: time (the latest), random, group (whole machines); default: time when there is a time column, "
	  "else random", .choices = splits, .given = offsetof(struct settings, split_given) },
	{ "no-refit", 0, CLI_FLAG, offsetof(struct settings, no_refit), NULL,
	  "keep the model that was evaluated instead of fitting again on all rows" },
	{ "importance", 0, CLI_CHOICE, offsetof(struct settings, importance), "HOW",
	  "importances of a failure_prediction model: impurity (default), or permutation on the held-out rows",
	  .choices = importances },
	{ "min-rows", 0, CLI_UINT, offsetof(struct settings, min_rows), "N",
	  "fail when there are fewer usable rows (default 10)", 2, 4294967295.0 },
	{ "schema", 0, CLI_STRING, offsetof(struct settings, schema), "FILE",
	  "fail unless the rows are valid by this schema (mlops-schema(5))", .complete = CLI_COMPLETE_FILE },
	{ "output", 'o', CLI_STRING, offsetof(struct settings, output), "FILE",
	  "write the model to FILE (.onnx) instead of registering it", .complete = CLI_COMPLETE_FILE, .group = "Result" },
	{ "promote", 0, CLI_FLAG, offsetof(struct settings, promote), NULL, "make the new version the champion" },
	{ "reason", 0, CLI_STRING, offsetof(struct settings, reason), "TEXT", "why it is promoted, for the history" },
	CLI_ROWS_OPTIONS(struct settings, rows),
	CLI_FEATURE_OPTIONS(struct settings, rows),
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-train",
	.synopsis = "--model KIND [OPTION]... [FILE]",
	.summary = "Train a model on the rows of FILE (CSV or JSON; standard input when FILE is absent or -), "
		   "evaluate it on held-out rows, and register it as a new version.",
	.options = options,
	.most = 1,
	.examples = "  mlops-train --model anomaly_detection --name pumps sensors.csv\n"
		    "  mlops-train --model failure_prediction --target failure --promote sensors.csv\n",
};

/* One training as this program runs it. */
struct job {
	const struct settings *settings;
	struct mlops_train_request request;
	struct mlops_train_result result;
	struct mlops_store *store;
	struct mlops_record *record;
	struct cli_progress *progress;
	struct mlops_version version;
	const char *name;
	char location[4096];
	bool champion;
	int64_t started;
};

static bool show_progress(void *context, const char *step, uint64_t done, uint64_t total)
{
	struct job *job = context;

	if (total > 0 || done == 0)
		cli_progress_set_total(job->progress, total > 0 ? "trees" : "rows", total);
	cli_progress_note(job->progress, step);
	cli_progress_update(job->progress, done);
	return true;
}

static bool interrupted(void *context, int signal_number)
{
	struct job *job = context;
	char message[64];

	snprintf(message, sizeof message, "ended by signal %d (%s)", signal_number, strsignal(signal_number));
	return job->record == NULL || mlops_record_interrupt(job->record, message, cli_now());
}

static bool train(struct job *job, const char *path, struct mlops_error *error)
{
	const struct settings *settings = job->settings;
	struct mlops_read_options read_options = cli_read_options(&settings->rows);
	struct cli_valid_rows rows = { .schema = settings->schema, .options = &read_options,
				       .select = &job->request.select, .min_rows = settings->min_rows };
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_source *source, *test = NULL;
	bool ok = false;

	read_options.pool = job->request.pool;
	source = cli_valid_rows_open(&rows, path, &bytes, &job->result.failure_reason, error);
	job->request.reader = source != NULL ? mlops_reader_open(source, &read_options, error) : NULL;
	if (job->request.reader != NULL && settings->test != NULL) {
		test = mlops_source_open(settings->test, error);
		job->request.test_reader = test != NULL ? mlops_reader_open(test, &read_options, error) : NULL;
	}
	if (job->request.reader != NULL && (settings->test == NULL || job->request.test_reader != NULL)) {
		job->progress = cli_progress_start("rows", 0, settings->common.quiet);
		ok = mlops_flow_train(&job->request, &job->result, error);
		cli_progress_end(job->progress);
		cli_notice_lines(job->result.notices.data, job->result.notices.length);
	}
	if (job->request.reader != NULL)
		mlops_reader_free(job->request.reader);
	if (job->request.test_reader != NULL)
		mlops_reader_free(job->request.test_reader);
	mlops_source_free(source);
	mlops_source_free(test);
	mlops_buffer_release(&bytes);
	return ok;
}

static bool promote(struct job *job, const char *who, struct mlops_error *error)
{
	struct mlops_change change = {
		.name = (char *)(uintptr_t)job->name, .alias = (char *)(uintptr_t)MLOPS_CHAMPION, .to = job->version.version,
		.when = cli_now(), .who = (char *)(uintptr_t)who, .why = (char *)(uintptr_t)job->settings->reason,
	};

	job->champion = mlops_store_promote(job->store, &change, error);
	if (!job->champion)
		cli_notice("version %u of model '%s' is registered, but is not the champion", change.to, job->name);
	return job->champion;
}

/* Trains between the ledger's two lines about it. */
static bool train_and_register(struct job *job, const char *path, struct mlops_error *error)
{
	char who[256];
	struct mlops_record_start start = {
		.location = job->location, .name = job->name, .kind = job->request.kind,
		.source = strcmp(path, "-") == 0 ? "standard input" : path, .who = cli_who(who),
		.settings = &job->request.settings,
	};
	struct cli_signals *signals = NULL;
	const char *reason = "internal";
	bool ok = false;

	if (!mlops_reference_check_name(job->name, error))
		return false;
	job->store = cli_registry_open(CLI_REGISTRY_CREATE, job->location, error);
	if (job->store == NULL)
		return false;
	job->record = mlops_record_begin(job->store, &start, job->started, error);
	if (job->record == NULL)
		return false;
	signals = cli_signals_watch(interrupted, job, error);
	if (signals != NULL) {
		job->request.pool = cli_pool(&job->settings->common, error);
		ok = job->request.pool != NULL && train(job, path, error);
		if (ok) {
			reason = "registry";
			ok = mlops_record_finish(job->record, &job->result, cli_now(), &job->version, error);
		} else if (job->result.failure_reason != NULL) {
			reason = job->result.failure_reason;
		} else if (error->code == MLOPS_DATA) {
			reason = "invalid_data";
		}
		if (!ok)
			mlops_record_fail(job->record, reason, error->message, job->result.rows, cli_now(), NULL);
		cli_signals_stop(signals);
	}
	return ok && (!job->settings->promote || promote(job, who, error));
}

static bool train_to_file(struct job *job, const char *path, struct mlops_error *error)
{
	job->request.pool = cli_pool(&job->settings->common, error);
	return job->request.pool != NULL && train(job, path, error) &&
	       mlops_file_replace(job->settings->output, job->result.bytes.data, job->result.bytes.length, 0666, error);
}

static bool print_result(const struct job *job, struct mlops_error *error)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };

	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "event", "trained");
	mlops_json_member_string(&json, "model", job->name);
	mlops_json_member_string(&json, "kind", mlops_kind_name(job->request.kind));
	if (job->version.version > 0)
		mlops_json_member_uint(&json, "version", job->version.version);
	mlops_train_result_write(&job->result, &json);
	mlops_json_key(&json, "duration_seconds");
	mlops_json_double(&json, (double)((cli_now() - job->started) / 1000) / 1000);
	if (job->record != NULL) {
		mlops_json_member_string(&json, "run_id", mlops_record_run_id(job->record));
		mlops_json_member_bool(&json, "champion", job->champion);
		mlops_json_member_string(&json, "registry", job->location);
	} else {
		mlops_json_member_string(&json, "output", job->settings->output);
	}
	mlops_json_close(&json, '}');
	return cli_print_line(&line, error);
}

/* Options that would be ignored because of another, or for want of one, as a sentence; NULL when there are none. */
static const char *contradiction(const struct settings *settings, enum mlops_kind kind, const char *path)
{
	bool permutation = settings->importance == 1;

	if (settings->output != NULL && settings->promote)
		return "--output writes a file and registers nothing, so --promote has nothing to promote";
	if (settings->reason != NULL && !settings->promote)
		return "--reason says why a version is promoted; it needs --promote";
	if (settings->positive != NULL && settings->rows.target == NULL)
		return "--positive is a class of the target; it needs --target";
	if (settings->test != NULL && (settings->fraction_given || settings->split_given))
		return "with --test no rows are held out, so --test-fraction and --split have no meaning";
	if (settings->test != NULL && strcmp(settings->test, "-") == 0 && strcmp(path, "-") == 0)
		return "the rows and --test can't both be standard input";
	if (permutation && kind != MLOPS_FAILURE_PREDICTION)
		return "--importance is for failure_prediction";
	if (permutation && settings->test == NULL && settings->test_fraction <= 0)
		return "--importance permutation needs rows that are held out, or --test";
	return NULL;
}

int main(int argc, char **argv)
{
	struct settings settings = { .common = CLI_COMMON_INIT, .rows = CLI_ROWS_INIT, .test_fraction = 0.2, .min_rows = 10 };
	struct job job = { .settings = &settings };
	struct mlops_error error = MLOPS_ERROR_INIT;
	const char *wrong;
	char **arguments;
	size_t n;
	int status;
	bool ok;

	if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	status = cli_check_rows(&tool, &settings.rows);
	if (status != 0)
		return status;
	cli_begin(&tool, &settings.common);
	job.request = (struct mlops_train_request){
		.seed = settings.common.seed, .select = cli_select_options(&settings.rows), .positive = settings.positive,
		.test_fraction = settings.test != NULL ? 0 : settings.test_fraction,
		.split = (enum mlops_split_how)settings.split, .refit = !settings.no_refit, .min_rows = settings.min_rows,
		.permutation = settings.importance == 1, .program_version = PACKAGE_VERSION,
		.progress = show_progress, .progress_context = &job,
	};
	job.started = cli_now();
	if (!cli_settings(&tool, settings.kind, &settings.set, &job.request.kind, &job.request.settings, &status))
		return status;
	wrong = contradiction(&settings, job.request.kind, n > 0 ? arguments[0] : "-");
	if (wrong != NULL)
		return cli_usage_error(&tool, "%s", wrong);
	job.name = settings.name != NULL ? settings.name : settings.kind;
	ok = (settings.output != NULL ? train_to_file : train_and_register)(&job, n > 0 ? arguments[0] : "-", &error) &&
	     print_result(&job, &error);
	mlops_train_result_release(&job.result);
	mlops_version_release(&job.version);
	mlops_record_free(job.record);
	mlops_store_close(job.store);
	mlops_pool_free(job.request.pool);
	return cli_end(ok, &error);
}
