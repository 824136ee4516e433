/* mlops-forecast: histories in, one forecast a line out for each. */
#include "config.h"

#include "cli/common.h"
#include "cli/model_file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/rows_open.h"
#include "flow/forecast.h"

struct settings {
	struct cli_common common;
	struct cli_rows rows;
	const char *model;
	uint64_t steps;
	double level;
};

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STRING, offsetof(struct settings, model), "REF",
	  "the model: NAME (its champion), NAME@ALIAS, NAME/VERSION, or a path to an .onnx file (default: "
	  "time_series_forecast)", .complete = CLI_COMPLETE_MODEL, .group = "Forecasting" },
	{ "steps", 'n', CLI_UINT, offsetof(struct settings, steps), "N",
	  "steps ahead (default: forecast_steps of the history, else the model's forecast_horizon)", 1,
	  MLOPS_FORECAST_MAX_STEPS },
	{ "level", 'l', CLI_REAL, offsetof(struct settings, level), "L",
	  "share of the future values that an interval is to hold, 0.5 to 0.99 (default 0.9)", MLOPS_FORECAST_LOWEST_LEVEL,
	  MLOPS_FORECAST_HIGHEST_LEVEL },
	CLI_ROWS_OPTIONS(struct settings, rows),
	{ "target", 't', CLI_STRING, offsetof(struct settings, rows.target), "COLUMN",
	  "of rows, the column to forecast (default: the one that the model has learnt)" },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-forecast",
	.synopsis = "[--model REF] [--steps N] [OPTION]... [FILE]",
	.summary = "Forecast the next values of a sensor. FILE (standard input when it is absent or -) holds JSON objects with "
		   "\"historical_data\", one or many, or rows (CSV or JSON) of one or many sensors. Prints one JSON line a "
		   "history or sensor, with intervals.",
	.options = options,
	.most = 1,
	.examples = "  mlops-forecast --model temperature --steps 5 < histories.jsonl\n"
		    "  mlops-forecast --model temperature --steps 12 --level 0.8 sensors.csv\n",
};

static bool show_progress(void *context, uint64_t done)
{
	cli_progress_update(context, done);
	return true;
}

static void tell(uint64_t n, const char *unit, const char *one, const char *many)
{
	if (n > 0)
		cli_notice("%llu %s%s %s", (unsigned long long)n, unit, n == 1 ? "" : "s", n == 1 ? one : many);
}

/* A database has rows; what a file has, the forecasting finds out. */
static bool open_input(const struct settings *settings, const char *path, struct cli_input *input,
		       struct mlops_error *error)
{
	if (cli_input_is_database(&settings->rows))
		return cli_input_open(&settings->rows, path, input, error);
	input->source = mlops_source_open(path, error);
	return input->source != NULL;
}

static bool forecast(const struct settings *settings, const struct cli_model *loaded, const char *path, int64_t every,
		     int64_t hold, struct mlops_error *error)
{
	struct cli_input input = { .options = cli_read_options(&settings->rows) };
	struct mlops_forecast_request request = {
		.model = loaded->model, .name = loaded->version.version > 0 ? loaded->version.name : settings->model,
		.version = loaded->version.version, .read = &input.options,
		.select = cli_select_options(&settings->rows), .every = every, .hold = hold, .steps = settings->steps,
		.level = settings->level, .sink = cli_write_output, .progress = show_progress,
	};
	struct mlops_forecast_result result;
	struct cli_progress *progress;
	bool ok = false;

	input.options.interactive = true;
	request.pool = cli_pool(&settings->common, error);
	if (request.pool != NULL && open_input(settings, path, &input, error)) {
		request.source = input.source;
		request.reader = input.reader;
		progress = cli_progress_start("forecasts", 0, settings->common.quiet);
		request.progress_context = progress;
		ok = mlops_flow_forecast(&request, &result, error);
		cli_progress_end(progress);
		tell(result.counts.skipped_rows, "input", "could not be read and was skipped",
		     "could not be read and were skipped");
		tell(result.counts.nulled_cells, "field", "could not be read and was taken as missing",
		     "could not be read and were taken as missing");
		tell(result.too_short, "series", "is too short and was skipped", "are too short and were skipped");
		cli_debug("%llu forecasts", (unsigned long long)result.forecasts);
	}
	cli_input_close(&input);
	mlops_pool_free(request.pool);
	return ok;
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.common = CLI_COMMON_INIT, .rows = CLI_ROWS_INIT, .model = "time_series_forecast",
		.level = MLOPS_FORECAST_LEVEL,
	};
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct cli_model loaded;
	int64_t every, hold;
	char **arguments;
	size_t n;
	int status;
	bool ok;

	if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	settings.rows.resamples = true;
	status = cli_check_rows(&tool, &settings.rows);
	if (status != 0 || !cli_series_times(&tool, &settings.rows, &every, &hold, &status))
		return status;
	cli_begin(&tool, &settings.common);
	ok = cli_model_load(settings.model, NULL, &loaded, &error);
	if (ok) {
		ok = forecast(&settings, &loaded, n > 0 ? arguments[0] : "-", every, hold, &error);
		cli_model_release(&loaded);
	}
	return cli_end(ok, &error);
}
