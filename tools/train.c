/* mlops-train: rows in, a registered model version out. */
#include "config.h"

#include "cli/setting_help.h"
#include "cli/training.h"

#include <math.h>
#include <string.h>

struct settings {
	struct cli_common common;
	struct cli_rows rows;
	const char *kind, *name, *positive, *test, *output, *reason, *checkpoint, *warm_start, *schema;
	struct cli_list set;
	struct cli_gate gate;
	double test_fraction;
	int split, gate_rows;
	int importance;
	uint64_t min_rows;
	bool no_refit, promote, force, resume, per_sensor, fraction_given, split_given, gate_rows_given;
};

static const char *const splits[] = { "auto", "time", "random", "group", NULL };
static const char *const gate_rows[] = { "unseen", "all", NULL };
static const char *const importances[] = { "impurity", "permutation", NULL };

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STRING, offsetof(struct settings, kind), "KIND",
	  "what to train: anomaly_detection (Isolation Forest), failure_prediction (Random Forest) or time_series_forecast "
	  "(LSTM)", .required = true,
	  .group = "Model" },
	{ "name", 'n', CLI_STRING, offsetof(struct settings, name), "NAME",
	  "name of the model in the registry (default: the KIND)", .complete = CLI_COMPLETE_MODEL },
	{ "set", 's', CLI_REPEAT, offsetof(struct settings, set), "KEY=VALUE",
	  "a setting of the model; --set help lists them with their defaults" },
	{ "target", 't', CLI_STRING, offsetof(struct settings, rows.target), "COLUMN",
	  "the column with the truth: what failed, or for evaluation only what was an anomaly; or the one to forecast" },
	{ "positive", 0, CLI_STRING, offsetof(struct settings, positive), "CLASS",
	  "the class of two that means failure (default: 1, true, or the rarer text)" },
	{ "per-sensor", 0, CLI_FLAG, offsetof(struct settings, per_sensor), NULL,
	  "one model for each sensor, called NAME.SENSOR (default: one for all of them)", .group = "Forecasting" },
	{ "checkpoint", 0, CLI_STRING, offsetof(struct settings, checkpoint), "FILE",
	  "keep how far the training is in FILE, after every epoch; removed at the end", .complete = CLI_COMPLETE_FILE },
	{ "resume", 0, CLI_FLAG, offsetof(struct settings, resume), NULL,
	  "go on from --checkpoint, if the file is there; the model is the same as without the interruption" },
	{ "warm-start", 0, CLI_STRING, offsetof(struct settings, warm_start), "REF",
	  "start from this model instead of from nothing", .complete = CLI_COMPLETE_MODEL },
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
	{ "promote", 0, CLI_FLAG, offsetof(struct settings, promote), NULL,
	  "make the new version the champion, if it does on the held-out rows what the gate asks for" },
	{ "force", 0, CLI_FLAG, offsetof(struct settings, force), NULL, "promote it whatever the gate says" },
	{ "reason", 0, CLI_STRING, offsetof(struct settings, reason), "TEXT",
	  "why it is promoted, for the history (default: what the gate says)" },
	CLI_GATE_OPTIONS(struct settings, gate),
	{ "gate-rows", 0, CLI_CHOICE, offsetof(struct settings, gate_rows), "WHICH",
	  "compare on the held-out rows that are unseen by the champion too (default), as far as times tell, or on all",
	  .choices = gate_rows, .given = offsetof(struct settings, gate_rows_given) },
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
		    "  mlops-train --model failure_prediction --target failure --promote sensors.csv\n"
		    "  mlops-train --model time_series_forecast --target temperature sensors.csv\n",
};

/* Options of one kind given for another, as a sentence; NULL when there are none. */
static const char *misplaced(const struct settings *settings, enum mlops_kind kind)
{
	if (kind != MLOPS_TIME_SERIES_FORECAST) {
		if (settings->rows.layout == 0 && (settings->rows.every != NULL || settings->rows.hold != NULL))
			return "--every and --hold are for time_series_forecast, or --layout long";
		if (settings->per_sensor)
			return "--per-sensor is for time_series_forecast";
		if (settings->checkpoint != NULL || settings->resume)
			return "--checkpoint and --resume are for time_series_forecast";
		if (settings->warm_start != NULL)
			return "--warm-start is for time_series_forecast";
		return NULL;
	}
	if (settings->positive != NULL)
		return "--positive is for failure_prediction";
	if (settings->split_given)
		return "a forecast is judged on the latest rows, so --split has no meaning";
	if (settings->rows.features.n > 0)
		return "a series is forecast from its own past, so --features has no meaning; --target names its column";
	if (settings->resume && settings->checkpoint == NULL)
		return "--resume goes on from a checkpoint; it needs --checkpoint";
	if (settings->per_sensor && settings->output != NULL)
		return "--per-sensor makes several models, and --output is one file";
	if (settings->per_sensor && settings->test != NULL)
		return "--per-sensor judges each sensor on its own rows, so --test has no meaning";
	if (settings->per_sensor && settings->checkpoint != NULL)
		return "--per-sensor is several trainings, and --checkpoint keeps one";
	return NULL;
}

/* Options that would be ignored because of another, or for want of one, as a sentence; NULL when there are none. */
static const char *contradiction(const struct settings *settings, enum mlops_kind kind, const char *path)
{
	bool permutation = settings->importance == 1;
	const char *wrong = misplaced(settings, kind);

	if (wrong != NULL)
		return wrong;
	if (settings->output != NULL && settings->promote)
		return "--output writes a file and registers nothing, so --promote has nothing to promote";
	if (settings->force && !settings->promote)
		return "--force is about promoting a version; it needs --promote";
	if ((settings->gate.given || settings->gate_rows_given) && !settings->promote)
		return "the gate is about promoting a version; it needs --promote";
	if (!isnan(settings->gate.rule.min_accuracy) &&
	    (kind == MLOPS_TIME_SERIES_FORECAST || settings->rows.target == NULL))
		return "--min-accuracy is about rows that say what is true of them; it needs --target, and not a forecast";
	if (settings->reason != NULL && !settings->promote)
		return "--reason says why a version is promoted; it needs --promote";
	if (settings->positive != NULL && settings->rows.target == NULL)
		return "--positive is a class of the target; it needs --target";
	if (settings->test != NULL && (settings->fraction_given || settings->split_given))
		return "with --test no rows are held out, so --test-fraction and --split have no meaning";
	if (settings->test != NULL && strcmp(settings->test, "-") == 0 && strcmp(path, "-") == 0 &&
	    !cli_input_is_database(&settings->rows))
		return "the rows and --test can't both be standard input";
	if (permutation && kind != MLOPS_FAILURE_PREDICTION)
		return "--importance is for failure_prediction";
	if (permutation && settings->test == NULL && settings->test_fraction <= 0)
		return "--importance permutation needs rows that are held out, or --test";
	return NULL;
}

int main(int argc, char **argv)
{
	struct settings settings = { .common = CLI_COMMON_INIT, .rows = CLI_ROWS_INIT, .test_fraction = 0.2, .min_rows = 10,
				     .gate = CLI_GATE_INIT };
	struct cli_training training = { .common = &settings.common, .rows = &settings.rows };
	struct mlops_train_request *request = &training.request;
	struct mlops_error error = MLOPS_ERROR_INIT;
	const char *wrong;
	char **arguments;
	size_t n;
	int status;

	if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	settings.rows.resamples = true;
	status = cli_check_rows(&tool, &settings.rows);
	if (status != 0)
		return status;
	cli_begin(&tool, &settings.common);
	*request = (struct mlops_train_request){
		.seed = settings.common.seed, .select = cli_select_options(&settings.rows), .positive = settings.positive,
		.test_fraction = settings.test != NULL ? 0 : settings.test_fraction,
		.split = (enum mlops_split_how)settings.split, .refit = !settings.no_refit, .min_rows = settings.min_rows,
		.permutation = settings.importance == 1, .program_version = PACKAGE_VERSION,
		.gate_rows = (enum mlops_gate_rows)settings.gate_rows,
	};
	if (!cli_settings(&tool, settings.kind, &settings.set, &request->kind, &request->settings, &status) ||
	    !cli_series_times(&tool, &settings.rows, &request->forecast.every, &request->forecast.hold, &status))
		return status;
	training.path = n > 0 ? arguments[0] : "-";
	wrong = contradiction(&settings, request->kind, training.path);
	if (wrong != NULL)
		return cli_usage_error(&tool, "%s", wrong);
	training.name = settings.name != NULL ? settings.name : settings.kind;
	training.test = settings.test;
	training.output = settings.output;
	training.reason = settings.reason;
	training.checkpoint = settings.checkpoint;
	training.warm_start = settings.warm_start;
	training.schema = settings.schema;
	training.promote = settings.promote;
	training.gate = settings.gate.rule;
	training.force = settings.force;
	training.resume = settings.resume;
	training.per_sensor = settings.per_sensor;
	return cli_end(cli_train(&training, &error), &error);
}
