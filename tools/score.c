/* mlops-score: rows in, one scored record a row out. */
#include "config.h"

#include "cli/common.h"
#include "cli/model_file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/rows_open.h"
#include "flow/score.h"

#include <math.h>
#include <string.h>

struct settings {
	struct cli_common common;
	struct cli_rows rows;
	const char *model;
	double threshold;
	bool threshold_given;
	bool only_positive, line_buffered;
	uint64_t explain;
	struct cli_list keep;
	int output_format;
};

static const char *const output_formats[] = { "jsonl", "csv", NULL };

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STRING, offsetof(struct settings, model), "REF",
	  "the model: NAME (its champion), NAME@ALIAS, NAME/VERSION, or a path to an .onnx file",
	  .complete = CLI_COMPLETE_MODEL, .required = true, .group = "Scoring" },
	{ "threshold", 0, CLI_REAL, offsetof(struct settings, threshold), "T",
	  "an anomaly from this anomaly_score on, or a failure from this failure_probability on (default: the model's own)",
	  0, 1, .given = offsetof(struct settings, threshold_given) },
	{ "keep", 'k', CLI_LIST, offsetof(struct settings, keep), "LIST",
	  "columns to pass through besides time and id: names, all, or none (default)", .group = "Output" },
	{ "only-positive", 'p', CLI_FLAG, offsetof(struct settings, only_positive), NULL,
	  "write only rows that are an anomaly or a failure" },
	{ "explain", 'e', CLI_UINT, offsetof(struct settings, explain), "K",
	  "name the K features that moved the score most, and by how much: the score less that with the feature's usual value",
	  1, 10000 },
	{ "output-format", 'O', CLI_CHOICE, offsetof(struct settings, output_format), "FORMAT", "jsonl (default) or csv",
	  .choices = output_formats },
	{ "line-buffered", 0, CLI_FLAG, offsetof(struct settings, line_buffered), NULL,
	  "one row in, one line out, before the next row is read (for tail -f)" },
	CLI_ROWS_OPTIONS(struct settings, rows),
	{ "features", 'f', CLI_LIST, offsetof(struct settings, rows.features), "LIST",
	  "the model's inputs in order, for a model file that does not name them (default: all number columns)",
	  .group = "Columns" },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-score",
	.synopsis = "--model REF [OPTION]... [FILE]",
	.summary = "Score the rows of FILE (CSV or JSON; standard input when FILE is absent or -) with a model: one line "
		   "out for each row in, in order. Columns are found by name; those that the model does not know are ignored.",
	.options = options,
	.most = 1,
	.examples = "  mlops-score --model pumps sensors.csv\n"
		    "  tail -f live.csv | mlops-score --model pumps --line-buffered --only-positive\n",
};

static bool show_progress(void *context, uint64_t rows)
{
	cli_progress_update(context, rows);
	return true;
}

static void set_keep(const struct cli_list *keep, struct mlops_score_request *request)
{
	request->keep = MLOPS_KEEP_LIST;
	request->keep_names = keep->items;
	request->n_keep = keep->n;
	if (keep->n == 0 || (keep->n == 1 && strcmp(keep->items[0], "none") == 0))
		request->keep = MLOPS_KEEP_NONE;
	else if (keep->n == 1 && strcmp(keep->items[0], "all") == 0)
		request->keep = MLOPS_KEEP_ALL;
}

static void tell_counts(const struct mlops_score_result *result)
{
	const struct mlops_read_counts *counts = &result->counts;

	if (counts->skipped_rows > 0)
		cli_notice("%llu row%s could not be read and %s skipped", (unsigned long long)counts->skipped_rows,
			   counts->skipped_rows == 1 ? "" : "s", counts->skipped_rows == 1 ? "was" : "were");
	if (counts->nulled_cells > 0)
		cli_notice("%llu field%s could not be read and %s taken as missing",
			   (unsigned long long)counts->nulled_cells, counts->nulled_cells == 1 ? "" : "s",
			   counts->nulled_cells == 1 ? "was" : "were");
	if (counts->ragged > 0)
		cli_notice("%llu row%s had too few or too many fields", (unsigned long long)counts->ragged,
			   counts->ragged == 1 ? "" : "s");
	if (counts->late > 0)
		cli_notice("%llu sample%s came too late and %s left out", (unsigned long long)counts->late,
			   counts->late == 1 ? "" : "s", counts->late == 1 ? "was" : "were");
	if (counts->stray > 0)
		cli_notice("%llu sample%s left out: no time, no tag, or a tag that is no column",
			   (unsigned long long)counts->stray, counts->stray == 1 ? " was" : "s were");
	if (result->unknown_categories > 0)
		cli_notice("%llu text%s not in the training data and %s taken as missing",
			   (unsigned long long)result->unknown_categories,
			   result->unknown_categories == 1 ? " was" : "s were",
			   result->unknown_categories == 1 ? "was" : "were");
	cli_debug("%llu rows scored, %llu positive", (unsigned long long)result->rows,
		  (unsigned long long)result->positives);
}

static bool score(const struct settings *settings, const struct mlops_model *model, const char *path,
		  struct mlops_error *error)
{
	struct cli_input input = { .options = cli_read_options(&settings->rows) };
	struct mlops_select_options select = cli_select_options(&settings->rows);
	struct mlops_score_request request = {
		.model = model, .features = settings->rows.features.items,
		.n_features = settings->rows.features.n,
		.time = select.time, .id = select.id,
		.threshold = settings->threshold_given ? settings->threshold : NAN,
		.explain = settings->explain, .only_positive = settings->only_positive, .format = (enum mlops_write_format)settings->output_format,
		.sink = cli_write_output, .progress = show_progress,
	};
	struct mlops_score_result result;
	struct cli_progress *progress = NULL;
	bool ok = false;

	set_keep(&settings->keep, &request);
	input.options.interactive = true;
	input.options.one_row = settings->line_buffered;
	request.pool = cli_pool(&settings->common, error);
	if (request.pool != NULL && cli_input_open(&settings->rows, path, &input, error)) {
		request.reader = input.reader;
		progress = cli_progress_start("rows", 0, settings->common.quiet);
		request.progress_context = progress;
		ok = mlops_flow_score(&request, &result, error);
		cli_progress_end(progress);
		tell_counts(&result);
	}
	cli_input_close(&input);
	mlops_pool_free(request.pool);
	return ok;
}

int main(int argc, char **argv)
{
	struct settings settings = { .common = CLI_COMMON_INIT, .rows = CLI_ROWS_INIT };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct cli_model loaded;
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
	ok = cli_model_load(settings.model, NULL, &loaded, &error);
	if (ok) {
		ok = score(&settings, loaded.model, n > 0 ? arguments[0] : "-", &error);
		cli_model_release(&loaded);
	}
	return cli_end(ok, &error);
}
