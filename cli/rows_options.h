/*
 * The options that tools which read rows share, and opening the reader that they describe.
 */
#ifndef CLI_ROWS_OPTIONS_H
#define CLI_ROWS_OPTIONS_H

#include "cli/option.h"
#include "rows/reader.h"
#include "rows/select.h"

struct cli_rows {
	int format;            /* enum mlops_format */
	char delimiter;        /* 0 = automatic */
	char decimal;          /* 0 = automatic */
	struct cli_list na;
	int on_error;          /* enum mlops_on_error */
	struct cli_list time;  /* one column, or several that make up the time */
	const char *timezone, *time_format;
	const char *id, *target;
	struct cli_list features, ignore;
	uint64_t max_line;     /* bytes */
	int layout;            /* 0 wide, 1 long */
	const char *tag, *value, *quality;
	struct cli_list tags;
	const char *every, *hold, *lateness; /* durations */
	bool resamples;        /* the tool itself makes use of every and hold */
	const char *table, *query, *database_url_file, *connect_timeout, *statement_timeout;
	int64_t connect_timeout_us, statement_timeout_us; /* set by cli_check_rows; 0: not given, none */
};

#define CLI_ROWS_INIT { .max_line = (uint64_t)16 << 20 }

extern const char *const cli_formats[];   /* "auto", "csv", "json", NULL */
extern const char *const cli_on_errors[]; /* "stop", "skip", "null", NULL */
extern const char *const cli_decimals[];  /* "point", "comma", NULL */
extern const char *const cli_layouts[];   /* "wide", "long", NULL */

#define CLI_ROWS_OPTIONS(type, member) \
	{ "input-format", 0, CLI_CHOICE, offsetof(type, member.format), "FORMAT", \
	  "auto (default), csv, or json (JSON Lines, one array, one object)", .choices = cli_formats, \
	  .group = "Reading rows" }, \
	{ "delimiter", 'd', CLI_CHAR, offsetof(type, member.delimiter), "CHAR", \
	  "field delimiter; a character or comma, semicolon, tab, pipe (default: found from the header)" }, \
	{ "decimal", 0, CLI_CHAR, offsetof(type, member.decimal), "CHAR", \
	  "decimal mark, point or comma (default: comma only where the delimiter is ';')", \
	  .choices = cli_decimals }, \
	{ "na", 0, CLI_LIST, offsetof(type, member.na), "LIST", \
	  "further words or numbers that mean missing, as --na=-200" }, \
	{ "on-error", 0, CLI_CHOICE, offsetof(type, member.on_error), "POLICY", \
	  "a row that can't be read: stop (default; mlops-validate: null), skip the row, or null the field", \
	  .choices = cli_on_errors }, \
	{ "max-line", 0, CLI_UINT, offsetof(type, member.max_line), "BYTES", \
	  "refuse rows longer than this (default 16777216)", 1024, 1073741824.0 }, \
	{ "time", 0, CLI_LIST, offsetof(type, member.time), "LIST", \
	  "the time column, or columns that together are the time, as date,time or year,month,day,hour, " \
	  "or none (default: timestamp, time, ts, date or datetime)" }, \
	{ "time-format", 0, CLI_STRING, offsetof(type, member.time_format), "PATTERN", \
	  "how times are written: day-first, month-first, or as strptime has it, %d.%m.%Y %H:%M (default: ISO 8601, or " \
	  "seconds or milliseconds since 1970)" }, \
	{ "timezone", 0, CLI_STRING, offsetof(type, member.timezone), "ZONE", \
	  "where the clocks of times without a zone hang, as Europe/Berlin or +01:00 (default: UTC)" }, \
	{ "id", 0, CLI_STRING, offsetof(type, member.id), "COLUMN", \
	  "the sensor or machine column, or none (default: sensor_id, sensor, tag, machine_id or unit)" }, \
	{ "every", 0, CLI_STRING, offsetof(type, member.every), "DURATION", \
	  "rows at these steps, as 5min, of the last known values; for forecasts in the wide layout, too (default: the " \
	  "rows' own steps)", .group = "Steps" }, \
	{ "hold", 0, CLI_STRING, offsetof(type, member.hold), "DURATION", \
	  "how long a value is known for, or a missing point is filled (default: three steps)" }, \
	{ "layout", 0, CLI_CHOICE, offsetof(type, member.layout), "LAYOUT", \
	  "wide (default): a row a time, a column a signal; or long: a row a sample, with time, tag and value", \
	  .choices = cli_layouts, .group = "Long layout" }, \
	{ "tags", 0, CLI_LIST, offsetof(type, member.tags), "LIST", \
	  "the tags that become columns, in this order (default: those of the first samples, by name)" }, \
	{ "lateness", 0, CLI_STRING, offsetof(type, member.lateness), "DURATION", \
	  "put samples in order that are at most so late; later ones are left out and counted (default: none may be)" }, \
	{ "tag", 0, CLI_STRING, offsetof(type, member.tag), "COLUMN", \
	  "the column of tags (default: tag, tagname, tag_name, signal, variable, point or name)" }, \
	{ "value", 0, CLI_STRING, offsetof(type, member.value), "COLUMN", \
	  "the column of values (default: value, val or reading)" }, \
	{ "quality", 0, CLI_STRING, offsetof(type, member.quality), "COLUMN", \
	  "the column of quality codes, or none (default: quality, status or q)" }, \
	{ "table", 0, CLI_STRING, offsetof(type, member.table), "NAME", \
	  "read this table or view, NAME or SCHEMA.NAME, of the database that $DATABASE_URL names", \
	  .group = "Reading PostgreSQL" }, \
	{ "query", 0, CLI_STRING, offsetof(type, member.query), "SQL", "read what this SELECT gives" }, \
	{ "database-url-file", 0, CLI_STRING, offsetof(type, member.database_url_file), "FILE", \
	  "the database's URL, postgresql://USER:PASSWORD@HOST/DATABASE (default: $DATABASE_URL, then libpq's own " \
	  "variables and ~/.pgpass)", .complete = CLI_COMPLETE_FILE }, \
	{ "connect-timeout", 0, CLI_STRING, offsetof(type, member.connect_timeout), "DURATION", \
	  "give up when the server does not answer for so long (default 10s)" }, \
	{ "statement-timeout", 0, CLI_STRING, offsetof(type, member.statement_timeout), "DURATION", \
	  "the server ends a query that takes longer, or none (default 1h)" }

/* The names of these options, for verbs that have them as their own. */
#define CLI_ROWS_OPTION_NAMES \
	"input-format delimiter decimal na on-error max-line time time-format timezone id layout tags every " \
	"hold lateness tag value quality table query " \
	"database-url-file connect-timeout statement-timeout"

/* Which columns are learnt from. */
#define CLI_FEATURE_OPTIONS(type, member) \
	{ "features", 'f', CLI_LIST, offsetof(type, member.features), "LIST", \
	  "columns to learn from (default: every other number column)", .group = "Columns" }, \
	{ "ignore", 'i', CLI_LIST, offsetof(type, member.ignore), "LIST", "columns to leave out" }

/* After cli_parse: 0, or the exit status of a reported mistake (a delimiter that can't be one, an unknown time zone).
 * Once only: what it makes of the time zone and format is there until the program ends. */
int cli_check_rows(const struct cli_tool *tool, struct cli_rows *rows);

/* The durations of --every and --hold in microseconds, 0 where not given; false with *status after a reported mistake. */
bool cli_series_times(const struct cli_tool *tool, const struct cli_rows *rows, int64_t *every, int64_t *hold,
		      int *status);

/* After cli_check_rows.  Translates to the library's structs (which point into rows). */
struct mlops_read_options cli_read_options(const struct cli_rows *rows);
struct mlops_select_options cli_select_options(const struct cli_rows *rows);

#endif
