#include "cli/rows_options.h"

#include "base/time.h"
#include "cli/common.h"
#include "rows/pivot.h"

#include <string.h>

const char *const cli_formats[] = { [MLOPS_FORMAT_AUTO] = "auto", [MLOPS_FORMAT_CSV] = "csv",
				    [MLOPS_FORMAT_JSON] = "json", NULL };
const char *const cli_on_errors[] = { [MLOPS_ON_ERROR_STOP] = "stop", [MLOPS_ON_ERROR_SKIP] = "skip",
				      [MLOPS_ON_ERROR_NULL] = "null", NULL };
const char *const cli_decimals[] = { "point", "comma", NULL };
const char *const cli_layouts[] = { "wide", "long", NULL };

/* Made from the command line once, and kept to its end. */
static struct mlops_timezone *timezone_given;
static struct mlops_time_format *time_format_given;
static struct mlops_pivot_options pivot_given;

static int check_times(const struct cli_tool *tool, const struct cli_rows *rows)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	const char *option = "--timezone";

	if (rows->timezone != NULL)
		timezone_given = mlops_timezone_open(MLOPS_ZONEINFO, rows->timezone, &error);
	if (rows->time_format != NULL && error.code == MLOPS_OK) {
		option = "--time-format";
		time_format_given = mlops_time_format_new(rows->time_format, &error);
	}
	if (error.code == MLOPS_USAGE)
		return cli_usage_error(tool, "option '%s': %s", option, error.message);
	if (error.code != MLOPS_OK)
		cli_report(&error);
	return mlops_code_describe(error.code)->exit_status;
}

/* Sets microseconds when the option was given; "none" is 0 for the statement's. */
static bool check_duration(const struct cli_tool *tool, const char *option, const char *value,
			   int64_t *microseconds)
{
	if (value == NULL || mlops_time_parse_duration(value, microseconds))
		return true;
	*microseconds = 0;
	if (strcmp(option, "statement-timeout") == 0 && strcmp(value, "none") == 0)
		return true;
	cli_usage_error(tool, "option '--%s': '%s' is no duration, such as 30s, 5min, 1h or 1d", option, value);
	return false;
}

/* The long layout, and options that have no meaning without it. */
static int check_layout(const struct cli_tool *tool, const struct cli_rows *rows)
{
	if (rows->layout == 0 && (rows->tags.n > 0 || rows->tag != NULL || rows->value != NULL ||
				  rows->quality != NULL || rows->lateness != NULL))
		return cli_usage_error(tool,
				       "--tags, --tag, --value, --quality and --lateness need --layout long");
	if (rows->layout == 0 && !rows->resamples && (rows->every != NULL || rows->hold != NULL))
		return cli_usage_error(tool, "--every and --hold need --layout long");
	pivot_given = (struct mlops_pivot_options){
		.id = rows->id,
		.tag = rows->tag,
		.value = rows->value,
		.quality = rows->quality,
		.tags = rows->tags.items,
		.n_tags = rows->tags.n,
	};
	if (!check_duration(tool, "every", rows->every, &pivot_given.every) ||
	    !check_duration(tool, "hold", rows->hold, &pivot_given.hold) ||
	    !check_duration(tool, "lateness", rows->lateness, &pivot_given.lateness))
		return mlops_code_describe(MLOPS_USAGE)->exit_status;
	return 0;
}

int cli_check_rows(const struct cli_tool *tool, struct cli_rows *rows)
{
	char delimiter = rows->delimiter;
	int status;

	if (delimiter == '"' || delimiter == '\n' || delimiter == '\r')
		return cli_usage_error(tool,
				       "option '--delimiter': a quote or a line break can't part fields");
	if (delimiter != 0 && delimiter == rows->decimal)
		return cli_usage_error(tool, "options '--delimiter' and '--decimal' are the same character");
	if (rows->table != NULL && rows->query != NULL)
		return cli_usage_error(tool, "--table and --query are two sources of rows");
	if (rows->table == NULL && rows->query == NULL &&
	    (rows->database_url_file != NULL || rows->connect_timeout != NULL ||
	     rows->statement_timeout != NULL))
		return cli_usage_error(tool,
				       "options for a database are given, but neither --table nor --query");
	rows->statement_timeout_us = INT64_C(3600000000);
	if (!check_duration(tool, "connect-timeout", rows->connect_timeout, &rows->connect_timeout_us) ||
	    !check_duration(tool, "statement-timeout", rows->statement_timeout, &rows->statement_timeout_us))
		return mlops_code_describe(MLOPS_USAGE)->exit_status;
	status = check_layout(tool, rows);
	return status != 0 ? status : check_times(tool, rows);
}

bool cli_series_times(const struct cli_tool *tool, const struct cli_rows *rows, int64_t *every, int64_t *hold, int *status)
{
	*every = *hold = 0;
	*status = mlops_code_describe(MLOPS_USAGE)->exit_status;
	return check_duration(tool, "every", rows->every, every) && check_duration(tool, "hold", rows->hold, hold);
}

struct mlops_read_options cli_read_options(const struct cli_rows *rows)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	options.format = (enum mlops_format)rows->format;
	options.delimiter = rows->delimiter;
	options.decimal = rows->decimal;
	options.na = rows->na.items;
	options.n_na = rows->na.n;
	options.on_error = (enum mlops_on_error)rows->on_error;
	options.max_line = (size_t)rows->max_line;
	options.time_columns = rows->time.items;
	options.n_time_columns = rows->time.n;
	options.timezone = timezone_given;
	options.time_format = time_format_given;
	options.pivot = rows->layout == 1 ? &pivot_given : NULL;
	return options;
}

struct mlops_select_options cli_select_options(const struct cli_rows *rows)
{
	return (struct mlops_select_options){
		.time = rows->time.n == 1 ? rows->time.items[0] : NULL,
		.id = rows->id,
		.target = rows->target,
		.features = rows->features.items,
		.n_features = rows->features.n,
		.ignore = rows->ignore.items,
		.n_ignore = rows->ignore.n,
	};
}
