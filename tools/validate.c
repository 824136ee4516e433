/* mlops-validate: rows in, what is wrong with them out. */
#include "config.h"

#include "base/file.h"
#include "cli/check_help.h"
#include "cli/common.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/rows_options.h"
#include "cli/validate_input.h"

#include <string.h>

struct settings {
	struct cli_common common;
	struct cli_rows rows;
	const char *schema, *reference, *junit;
	struct cli_list checks, set;
	int climatology;
	bool infer, strict, profile;
};

static const char *const climatologies[] = { "none", "day", "year", NULL };

static const struct cli_option options[] = {
	{ "schema", 'S', CLI_STRING, offsetof(struct settings, schema), "FILE",
	  "what the rows should look like (mlops-schema(5)); without one, limits are learnt from the first rows",
	  .complete = CLI_COMPLETE_FILE, .group = "Validation" },
	{ "infer", 'I', CLI_FLAG, offsetof(struct settings, infer), NULL,
	  "write a schema that these rows pass, and more like them, instead of checking" },
	{ "climatology", 0, CLI_CHOICE, offsetof(struct settings, climatology), "PERIOD",
	  "with --infer: what is usual at each hour of the day (day) or in each month (year); default none",
	  .choices = climatologies },
	{ "reference", 'r', CLI_STRING, offsetof(struct settings, reference), "FILE|REF",
	  "measure drift against these rows, or against a model's training data", .complete = CLI_COMPLETE_MODEL },
	{ "checks", 'c', CLI_LIST, offsetof(struct settings, checks), "LIST",
	  "only these checks; --checks help lists all of them" },
	{ "set", 's', CLI_REPEAT, offsetof(struct settings, set), "CHECK.KEY=VALUE",
	  "a setting of a check, for every column; CHECK.severity=off, warning or error" },
	{ "strict", 0, CLI_FLAG, offsetof(struct settings, strict), NULL, "warnings are errors" },
	{ "profile", 'p', CLI_FLAG, offsetof(struct settings, profile), NULL,
	  "also a line for each column: count, missing, min, max, mean, deviation, quantiles, distinct values",
	  .group = "Output" },
	{ "junit", 0, CLI_STRING, offsetof(struct settings, junit), "FILE", "also write the verdict as JUnit XML",
	  .complete = CLI_COMPLETE_FILE },
	CLI_ROWS_OPTIONS(struct settings, rows),
	{ "ignore", 'i', CLI_LIST, offsetof(struct settings, rows.ignore), "LIST", "columns to leave out" },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-validate",
	.synopsis = "[--schema FILE | --infer] [OPTION]... [FILE]",
	.summary = "Check the rows of FILE (CSV or JSON; standard input when FILE is absent or -): a line for each finding, "
		   "then a summary. Exit status 0: valid, 1: not valid.",
	.options = options,
	.most = 1,
	.examples = "  mlops-validate sensors.csv\n"
		    "  mlops-validate --infer january.csv > sensors.json\n"
		    "  mlops-validate --schema sensors.json --reference january.csv february.csv\n",
};

static bool show_progress(void *context, uint64_t rows)
{
	cli_progress_update(context, rows);
	return true;
}

/* Options that would be ignored because of another, as a sentence; NULL when there are none. */
static const char *contradiction(const struct settings *settings, const char *path)
{
	if (settings->infer && settings->schema != NULL)
		return "--infer makes a schema; with --schema there is one already";
	if (settings->infer && settings->reference != NULL)
		return "--infer checks nothing, so --reference has no meaning";
	if (settings->infer && (settings->strict || settings->profile || settings->junit != NULL))
		return "--infer writes a schema only, so --strict, --profile and --junit have no meaning";
	if (settings->climatology != 0 && !settings->infer)
		return "--climatology is learnt; it needs --infer";
	if (settings->reference != NULL && strcmp(settings->reference, "-") == 0 && strcmp(path, "-") == 0)
		return "the rows and --reference can't both be standard input";
	return NULL;
}

static bool print(const struct settings *settings, const struct mlops_validation *validation, const char *source,
		  struct mlops_error *error)
{
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_buffer junit = MLOPS_BUFFER_INIT;
	bool ok;

	if (settings->infer) {
		mlops_schema_write(validation->schema, &out);
		if (!validation->valid)
			cli_notice("these rows are not faultless themselves; mlops-validate without --infer tells");
	} else {
		mlops_validation_write_findings(validation, &out);
		if (settings->profile)
			mlops_validation_write_profile(validation, &out);
		mlops_validation_write_summary(validation, &out);
	}
	if (settings->junit != NULL)
		mlops_validation_write_junit(validation, source, &junit);
	ok = (!out.failed && !junit.failed) || mlops_error_set_memory(error);
	if (ok && settings->junit != NULL)
		ok = mlops_file_replace(settings->junit, junit.data, junit.length, 0666, error);
	ok = ok && cli_write_output(NULL, out.data, out.length, error);
	mlops_buffer_release(&out);
	mlops_buffer_release(&junit);
	return ok;
}

static bool validate(const struct settings *settings, const char *path, bool *valid, struct mlops_error *error)
{
	struct mlops_read_options read_options = cli_read_options(&settings->rows);
	struct mlops_select_options select = cli_select_options(&settings->rows);
	struct mlops_validate_request request = {
		.select = &select, .learn = settings->infer, .set = settings->set.items, .n_set = settings->set.n,
		.climate_bins = settings->climatology == 1 ? 24 : settings->climatology == 2 ? 12 : 0,
		.checks = settings->checks.items, .n_checks = settings->checks.n, .strict = settings->strict,
		.progress = show_progress,
	};
	struct mlops_table_profile *reference = NULL;
	struct mlops_validation *validation = NULL;
	struct mlops_source *source = NULL;
	struct cli_progress *progress;
	bool ok = false;

	request.pool = read_options.pool = cli_pool(&settings->common, error);
	if (request.pool == NULL)
		goto out;
	if (settings->reference != NULL) {
		reference = cli_reference_read(settings->reference, &read_options, &select, request.pool, error);
		if (reference == NULL)
			goto out;
		request.reference = reference;
	}
	source = mlops_source_open(path, error);
	if (source == NULL)
		goto out;
	request.reader = mlops_reader_open(source, &read_options, error);
	if (request.reader == NULL)
		goto out;
	if (settings->schema != NULL) {
		request.schema = cli_schema_read(settings->schema, error);
		if (request.schema == NULL)
			goto out;
	}
	progress = cli_progress_start("rows", 0, settings->common.quiet);
	request.progress_context = progress;
	validation = mlops_flow_validate(&request, error);
	cli_progress_end(progress);
	if (validation != NULL) {
		*valid = validation->valid || settings->infer;
		ok = print(settings, validation, mlops_source_name(source), error);
	}
out:
	mlops_validation_free(validation);
	if (request.reader != NULL)
		mlops_reader_free(request.reader);
	mlops_source_free(source);
	mlops_table_profile_free(reference);
	mlops_pool_free(request.pool);
	return ok;
}

int main(int argc, char **argv)
{
	struct settings settings = { .common = CLI_COMMON_INIT, .rows = CLI_ROWS_INIT };
	struct mlops_error error = MLOPS_ERROR_INIT;
	const char *wrong;
	char **arguments;
	bool valid = true;
	size_t n;
	int status;
	bool ok;

	settings.rows.on_error = MLOPS_ON_ERROR_NULL;
	if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	status = cli_check_rows(&tool, &settings.rows);
	if (status != 0)
		return status;
	cli_begin(&tool, &settings.common);
	if (cli_check_help(&settings.checks, &status))
		return status;
	wrong = contradiction(&settings, n > 0 ? arguments[0] : "-");
	if (wrong != NULL)
		return cli_usage_error(&tool, "%s", wrong);
	ok = validate(&settings, n > 0 ? arguments[0] : "-", &valid, &error);
	status = cli_end(ok, &error);
	return status == 0 && !valid ? 1 : status;
}
