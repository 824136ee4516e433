/* mlops-validate: rows in, what is wrong with them out. */
#include "config.h"

#include "base/file.h"
#include "cli/check_help.h"
#include "cli/common.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/registry_open.h"
#include "cli/rows_open.h"
#include "cli/validate_input.h"
#include "flow/validate_run.h"

#include <string.h>

struct settings {
	struct cli_common common;
	struct cli_rows rows;
	const char *schema, *reference, *junit, *good, *bad, *name;
	struct cli_list checks, set;
	uint64_t min_rows;
	int climatology;
	bool infer, strict, profile;
};

static const char *const climatologies[] = { "none", "day", "year", NULL };
static const size_t climate_bins[] = { 0, 24, 12 };

static const struct cli_option options[] = {
	{ "schema", 'S', CLI_STRING, offsetof(struct settings, schema), "FILE",
	  "what the rows should look like (mlops-schema(5)); else limits are learnt from the first rows",
	  .complete = CLI_COMPLETE_FILE, .group = "Validation" },
	{ "infer", 'I', CLI_FLAG, offsetof(struct settings, infer), NULL,
	  "write a schema that these rows pass, and more like them, instead of checking" },
	{ "climatology", 0, CLI_CHOICE, offsetof(struct settings, climatology), "PERIOD",
	  "with --infer: what is usual at each hour of the day (day) or in each month (year); default none",
	  .choices = climatologies },
	{ "reference", 'r', CLI_STRING, offsetof(struct settings, reference), "FILE|REF",
	  "measure drift against these rows, or against a model's training data",
	  .complete = CLI_COMPLETE_MODEL },
	{ "checks", 'c', CLI_LIST, offsetof(struct settings, checks), "LIST",
	  "only these checks; --checks help lists all of them" },
	{ "set", 's', CLI_REPEAT, offsetof(struct settings, set), "CHECK.KEY=VALUE",
	  "a setting of a check, for every column; CHECK.severity=off, warning or error" },
	{ "min-rows", 0, CLI_UINT, offsetof(struct settings, min_rows), "N",
	  "fewer usable rows are an error (default 1)", 1, 4294967295.0 },
	{ "strict", 0, CLI_FLAG, offsetof(struct settings, strict), NULL, "warnings are errors" },
	{ "profile", 'p', CLI_FLAG, offsetof(struct settings, profile), NULL,
	  "also a line for each column: count, missing, min, max, mean, deviation, quantiles, distinct",
	  .group = "Output" },
	{ "good", 0, CLI_STRING, offsetof(struct settings, good), "FILE",
	  "write the rows that no error names, as they came (of a database, or --layout long: as CSV)", .complete = CLI_COMPLETE_FILE },
	{ "bad", 0, CLI_STRING, offsetof(struct settings, bad), "FILE", "write the other rows, as they came",
	  .complete = CLI_COMPLETE_FILE },
	{ "name", 'n', CLI_STRING, offsetof(struct settings, name), "NAME",
	  "keep the counts in the registry's ledger, under the name of the model whose data it is",
	  .complete = CLI_COMPLETE_MODEL },
	{ "junit", 0, CLI_STRING, offsetof(struct settings, junit), "FILE",
	  "also write the verdict as JUnit XML", .complete = CLI_COMPLETE_FILE },
	CLI_ROWS_OPTIONS(struct settings, rows),
	{ "ignore", 'i', CLI_LIST, offsetof(struct settings, rows.ignore), "LIST", "columns to leave out",
	  .group = "Columns" },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-validate",
	.synopsis = "[--schema FILE | --infer] [OPTION]... [FILE]",
	.summary = "Check the rows of FILE (CSV or JSON; standard input when FILE is absent or -): a line "
		   "for each finding, then a summary. Exit status 0: valid, 1: not valid.",
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
	if (settings->infer && (settings->strict || settings->profile || settings->junit != NULL ||
				settings->name != NULL || settings->good != NULL || settings->bad != NULL))
		return "--infer writes a schema only, so --strict, --profile, --junit, --name, --good and --bad have no meaning";
	if (settings->good != NULL && settings->bad != NULL && strcmp(settings->good, settings->bad) == 0)
		return "--good and --bad name the same file";
	if (settings->climatology != 0 && !settings->infer)
		return "--climatology is learnt; it needs --infer";
	if (settings->bad != NULL && settings->rows.on_error == MLOPS_ON_ERROR_SKIP && cli_input_is_database(&settings->rows))
		return "--on-error skip leaves rows out before --bad could get them; --on-error null is for both";
	if (settings->reference != NULL && strcmp(settings->reference, "-") == 0 && strcmp(path, "-") == 0 &&
	    !cli_input_is_database(&settings->rows))
		return "the rows and --reference can't both be standard input";
	return NULL;
}

static bool print(const struct settings *settings, const struct mlops_validation *validation,
		  const char *source, struct mlops_error *error)
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

/* What one validation needs, to be released whole. */
struct job {
	const struct settings *settings;
	struct mlops_validate_request request;
	struct mlops_table_profile *reference;
	struct cli_row_files files;
	struct mlops_validation *validation;
	struct mlops_schema *schema; /* until the request has it */
	struct cli_input input;
	struct mlops_select_options select;
	bool opened; /* the rows are, or were not tried */
};

static bool open_input(struct job *job, const char *path, struct mlops_error *error)
{
	const struct settings *settings = job->settings;
	struct cli_input *input = &job->input;

	if (settings->reference != NULL) {
		job->request.reference = job->reference = cli_reference_read(
			settings->reference, &input->options, &job->select, job->request.pool, error);
		if (job->reference == NULL)
			return false;
	}
	if (settings->schema != NULL) {
		job->schema = cli_schema_read(settings->schema, error);
		if (job->schema == NULL)
			return false;
	}
	if (settings->good == NULL && settings->bad == NULL)
		(void)cli_input_open(&settings->rows, path, input, error);
	else
		(void)cli_row_files_open(&job->files, &settings->rows, path, input, &job->request, error);
	/* What was opened and has no rows that can be read is wrong data. */
	job->opened = input->source != NULL || input->reader != NULL;
	job->request.reader = input->reader;
	return input->reader != NULL;
}

static bool validate(struct job *job, const char *path, struct mlops_error *error)
{
	struct cli_progress *progress;

	if (!open_input(job, path, error))
		return false;
	job->request.schema = job->schema;
	job->schema = NULL;
	progress = cli_progress_start("rows", 0, job->settings->common.quiet);
	job->request.progress_context = progress;
	job->validation = mlops_flow_validate(&job->request, error);
	cli_progress_end(progress);
	return job->validation != NULL && cli_row_files_finish(&job->files, &job->input, error);
}

/* The same between the ledger's two lines about it. */
static bool validate_for(struct job *job, const char *path, struct mlops_error *error)
{
	char who[256];
	const struct settings *settings = job->settings;
	bool ok = false, database = cli_input_is_database(&settings->rows);
	struct mlops_validate_start start = { settings->name, NULL, cli_who(who), cli_now(), database };
	struct mlops_buffer source = MLOPS_BUFFER_INIT;
	struct mlops_validate_run run;
	struct mlops_store *store;

	if (!mlops_reference_check_name(settings->name, error) || !cli_input_name(&settings->rows, path, &source, error))
		return false;
	start.source = source.data;
	store = cli_registry_open(CLI_REGISTRY_CREATE, NULL, error);
	if (store != NULL && mlops_validate_run_begin(&run, store, &start, error)) {
		ok = validate(job, path, error);
		run.opened = job->opened;
		ok = mlops_validate_run_end(&run, job->validation, error, cli_now(), error) && ok;
	}
	mlops_store_close(store);
	mlops_buffer_release(&source);
	return ok;
}

static void prepare(struct job *job, const struct settings *settings)
{
	struct mlops_validate_request *request = &job->request;

	job->select = cli_select_options(&settings->rows);
	job->input.options = cli_read_options(&settings->rows);
	job->files = (struct cli_row_files){ .good = settings->good, .bad = settings->bad };
	*request = (struct mlops_validate_request){
		.select = &job->select,
		.learn = settings->infer,
		.profile = settings->profile,
		.min_rows = settings->min_rows,
		.climate_bins = climate_bins[settings->climatology],
		.set = settings->set.items,
		.n_set = settings->set.n,
		.checks = settings->checks.items,
		.n_checks = settings->checks.n,
		.strict = settings->strict,
		.progress = show_progress,
	};
}

/* While some rows are checked, others are read: by threads of their own, for a pool does one thing at a time. */
static bool start_threads(struct job *job, struct mlops_error *error)
{
	struct cli_common readers = job->settings->common;

	job->request.pool = cli_pool(&job->settings->common, error);
	readers.threads = mlops_pool_workers(job->request.pool) / 2 + 1;
	job->input.options.pool = cli_pool(&readers, error);
	return job->request.pool != NULL && job->input.options.pool != NULL;
}

static void release(struct job *job)
{
	mlops_validation_free(job->validation);
	cli_input_close(&job->input);
	mlops_row_files_free(job->files.copied);
	mlops_schema_free(job->schema);
	mlops_table_profile_free(job->reference);
	mlops_pool_free(job->input.options.pool);
	mlops_pool_free(job->request.pool);
}

int main(int argc, char **argv)
{
	struct settings settings = { .common = CLI_COMMON_INIT, .rows = CLI_ROWS_INIT };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct job job = { .settings = &settings, .opened = true };
	const char *path, *wrong;
	char **arguments;
	size_t n;
	int status, verdict = 0;
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
	path = n > 0 ? arguments[0] : "-";
	wrong = contradiction(&settings, path);
	if (wrong != NULL)
		return cli_usage_error(&tool, "%s", wrong);
	prepare(&job, &settings);
	ok = start_threads(&job, &error) &&
	     (settings.name != NULL ? validate_for : validate)(&job, path, &error) &&
	     print(&settings, job.validation, job.input.reader->name, &error);
	if (ok && !settings.infer && !job.validation->valid)
		verdict = 1;
	release(&job);
	status = cli_end(ok, &error);
	return status == 0 ? verdict : status;
}
