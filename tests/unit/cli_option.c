#include "config.h"

#include "cli_capture.h"

#include "cli/common.h"
#include "cli/rows_options.h"

#include <stdbool.h>

struct settings {
	int marker; /* nothing may lie at offset 0 that `given` would mean */
	const char *model;
	double threshold;
	bool threshold_given;
	struct cli_list set;
	int policy;
	bool dry_run;
	const char *why;
	struct cli_rows rows;
	struct cli_common common;
};

static const char *const policies[] = { "strict", "lenient", NULL };

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STRING, offsetof(struct settings, model), "REF", "score with this model",
	  .required = true, .complete = CLI_COMPLETE_MODEL, .group = "Scoring" },
	{ "threshold", 0, CLI_REAL, offsetof(struct settings, threshold), "P",
	  "say yes from this probability on\nand the second line of a longer explanation, which does not fit "
	  "in one",
	  0, 1, .given = offsetof(struct settings, threshold_given) },
	{ "set", 0, CLI_REPEAT, offsetof(struct settings, set), "KEY=VALUE", "a setting" },
	{ "policy", 'p', CLI_CHOICE, offsetof(struct settings, policy), "WORD", "how", .choices = policies },
	CLI_ROWS_OPTIONS(struct settings, rows),
	CLI_FEATURE_OPTIONS(struct settings, rows),
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL },
};

static const struct cli_tool tool = {
	.name = "mlops-demo",
	.synopsis = "--model REF [OPTION]... [FILE]",
	.summary = "Shows what options can be, in a summary that is long enough to be broken into two lines.",
	.options = options,
	.most = 1,
	.examples = "  mlops-demo --model pump sensors.csv",
};

/* Ends a list of words. */
#define COMMAND(...) ((char **)(const char *[]){ "mlops-demo", __VA_ARGS__, NULL })

static bool parse(char **argv, struct settings *settings, size_t *n, char ***arguments, int *status)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	return cli_parse(&tool, argc, argv, settings, n, arguments, status);
}

static int parse_only(void *context)
{
	struct settings settings = { .rows = CLI_ROWS_INIT, .common = CLI_COMMON_INIT };
	char **arguments;
	size_t n;
	int status;
	bool ok = parse(context, &settings, &n, &arguments, &status);

	return ok ? 42 : status;
}

static void assert_mistake(char **argv, const char *message)
{
	struct captured captured;
	char expected[1024];

	snprintf(expected, sizeof expected, "mlops-demo: %s\nTry 'mlops-demo --help' for more information.\n",
		 message);
	capture(&captured, NULL, parse_only, argv);
	assert_string_equal(captured.err, expected);
	assert_string_equal(captured.out, "");
	assert_int_equal(captured.status, 64);
}

static void values(void **state)
{
	struct settings settings = { .rows = CLI_ROWS_INIT, .common = CLI_COMMON_INIT };
	char **arguments;
	size_t n;
	int status;

	(void)state;
	assert_true(
		parse(COMMAND("in.csv", "-mpump", "--thresh=0.25", "--set", "a=1,2", "--set=b", "-p",
			      "lenient", "-f", "a\\,b,c", "--features=d", "--na=-200", "-qd", "tab",
			      "--decimal", ",", "--threads", "3", "--log-format", "json", "--max-line=1024"),
		      &settings, &n, &arguments, &status));
	assert_int_equal(status, 0);
	assert_int_equal(n, 1);
	assert_string_equal(arguments[0], "in.csv");
	assert_string_equal(settings.model, "pump");
	assert_true(settings.threshold == 0.25);
	assert_true(settings.threshold_given);
	assert_int_equal(settings.set.n, 2);
	assert_string_equal(settings.set.items[0], "a=1,2");
	assert_string_equal(settings.set.items[1], "b");
	assert_int_equal(settings.policy, 1);
	assert_int_equal(settings.rows.features.n, 3);
	assert_string_equal(settings.rows.features.items[0], "a,b");
	assert_string_equal(settings.rows.features.items[1], "c");
	assert_string_equal(settings.rows.features.items[2], "d");
	assert_int_equal(settings.rows.na.n, 1);
	assert_string_equal(settings.rows.na.items[0], "-200");
	assert_true(settings.common.quiet);
	assert_false(settings.common.verbose);
	assert_int_equal(settings.rows.delimiter, '\t');
	assert_int_equal(settings.rows.decimal, ',');
	assert_int_equal(settings.common.threads, 3);
	assert_int_equal(settings.common.log_format, 1);
	assert_int_equal(settings.rows.max_line, 1024);
	assert_int_equal(settings.marker, 0);
}

static void double_dash_ends_options(void **state)
{
	struct settings settings = { .rows = CLI_ROWS_INIT };
	char **arguments;
	size_t n;
	int status;

	(void)state;
	assert_true(
		parse(COMMAND("--model", "--quiet", "--", "--verbose"), &settings, &n, &arguments, &status));
	assert_string_equal(settings.model, "--quiet");
	assert_int_equal(n, 1);
	assert_string_equal(arguments[0], "--verbose");
	assert_false(settings.common.verbose);
	assert_false(settings.threshold_given);
}

static void rows_become_the_librarys_options(void **state)
{
	struct settings settings = { .rows = CLI_ROWS_INIT };
	struct mlops_read_options read;
	struct mlops_select_options select;
	char **arguments;
	size_t n;
	int status;

	(void)state;
	assert_true(parse(COMMAND("-mx", "--input-format=json", "-d;", "--decimal=point", "--na=a,b",
				  "--on-error=null", "--time=t", "--id=i", "-fx,y", "-iz"),
			  &settings, &n, &arguments, &status));
	read = cli_read_options(&settings.rows);
	select = cli_select_options(&settings.rows);
	assert_int_equal(read.format, MLOPS_FORMAT_JSON);
	assert_int_equal(read.delimiter, ';');
	assert_int_equal(read.decimal, '.');
	assert_int_equal(read.n_na, 2);
	assert_string_equal(read.na[1], "b");
	assert_int_equal(read.on_error, MLOPS_ON_ERROR_NULL);
	assert_int_equal(read.max_line, 16 << 20);
	assert_string_equal(select.time, "t");
	assert_string_equal(select.id, "i");
	assert_null(select.target);
	assert_int_equal(select.n_features, 2);
	assert_string_equal(select.features[1], "y");
	assert_int_equal(select.n_ignore, 1);
	assert_int_equal(cli_check_rows(&tool, &settings.rows), 0);
}

static int check_rows(void *context)
{
	struct cli_rows rows = { .delimiter = *(char *)context, .decimal = ',' };

	return cli_check_rows(&tool, &rows);
}

static void impossible_delimiters(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, NULL, check_rows, (char[]){ "," });
	assert_int_equal(captured.status, 64);
	assert_string_equal(captured.err,
			    "mlops-demo: options '--delimiter' and '--decimal' are the same character\n"
			    "Try 'mlops-demo --help' for more information.\n");
	capture(&captured, NULL, check_rows, (char[]){ "\"" });
	assert_int_equal(captured.status, 64);
	assert_string_equal(captured.err,
			    "mlops-demo: option '--delimiter': a quote or a line break can't part fields\n"
			    "Try 'mlops-demo --help' for more information.\n");
}

static void mistakes(void **state)
{
	(void)state;
	assert_mistake(COMMAND("--treshold", "1"),
		       "unknown option '--treshold'; did you mean '--threshold'?");
	assert_mistake(COMMAND("--qwertzuiop=3"), "unknown option '--qwertzuiop'");
	assert_mistake(COMMAND("--i", "x"),
		       "option '--i' is ambiguous: it may be '--input-format', '--id', '--ignore'");
	assert_mistake(COMMAND("--li"), "unknown option '--li'");
	assert_mistake(COMMAND("--list-options", "-q"), "unknown option '--list-options'");
	assert_mistake(COMMAND("-qZ"), "unknown option '-Z'");
	assert_mistake(COMMAND("-\001"), "unknown option '-?'");
	assert_mistake(COMMAND("--model"), "option '--model' needs a value: REF");
	assert_mistake(COMMAND("-m"), "option '-m' needs a value: REF");
	assert_mistake(COMMAND("--quiet=yes"), "option '--quiet' takes no value");
	assert_mistake(COMMAND("-mx", "--threshold=1.5"),
		       "option '--threshold': '1.5' is not a number from 0 to 1");
	assert_mistake(COMMAND("-mx", "--threshold=0,5"),
		       "option '--threshold': '0,5' is not a number from 0 to 1");
	assert_mistake(COMMAND("--threads=0"),
		       "option '--threads': '0' is not a whole number from 1 to 1024");
	assert_mistake(COMMAND("--threads=2.5"),
		       "option '--threads': '2.5' is not a whole number from 1 to 1024");
	assert_mistake(COMMAND("--seed=-1"), "option '--seed': '-1' is not a whole number");
	assert_mistake(COMMAND("--seed=18446744073709551616"),
		       "option '--seed': '18446744073709551616' is not a whole number");
	assert_mistake(COMMAND("--policy=stric"),
		       "option '--policy': 'stric' is not one of strict, lenient; did you mean 'strict'?");
	assert_mistake(COMMAND("--policy="), "option '--policy': '' is not one of strict, lenient");
	assert_mistake(COMMAND("--decimal=x"), "option '--decimal': 'x' is not one of point, comma");
	assert_mistake(COMMAND("--decimal=|"), "option '--decimal': '|' is not one of point, comma");
	assert_mistake(COMMAND("--delimiter=ab"),
		       "option '--delimiter': 'ab' is not a character, nor tab, comma, "
		       "semicolon, pipe, space, point");
	assert_mistake(COMMAND("--features=a,,b"), "option '--features': 'a,,b' has an empty entry");
	assert_mistake(COMMAND("--features="), "option '--features': '' has an empty entry");
	assert_mistake(COMMAND("in.csv"), "option '--model REF' is missing");
	assert_mistake(COMMAND("-mx", "a", "b\n"), "unexpected argument 'b?'");
}

static void mistakes_in_json(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, NULL, parse_only, COMMAND("--log-format=json", "--zzz"));
	assert_int_equal(captured.status, 64);
	assert_string_equal(captured.err, "{\"tool\":\"mlops-demo\",\"level\":\"error\",\"code\":\"usage\","
					  "\"message\":\"unknown option '--zzz'\"}\n");
}

static void version(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, NULL, parse_only, COMMAND("--version"));
	assert_string_equal(captured.out, "mlops-demo (mlops) " PACKAGE_VERSION "\n");
	assert_string_equal(captured.err, "");
	assert_int_equal(captured.status, 0);
}

static void help(void **state)
{
	struct captured captured;
	const char *start =
		"Usage: mlops-demo --model REF [OPTION]... [FILE]\n"
		"Shows what options can be, in a summary that is long enough to be broken into\n"
		"two lines.\n"
		"\n"
		"Scoring:\n"
		"  -m, --model REF         score with this model (required)\n"
		"      --threshold P       say yes from this probability on\n"
		"                          and the second line of a longer explanation, which\n"
		"                          does not fit in one\n"
		"      --set KEY=VALUE     a setting\n"
		"  -p, --policy WORD       how\n"
		"\n"
		"Reading rows:\n"
		"      --input-format FORMAT\n"
		"                          auto (default), csv, or json (JSON Lines, one array,\n"
		"                          one object)\n";
	const char *end = "\nExamples:\n  mlops-demo --model pump sensors.csv\n"
			  "\nThe manual: man mlops-demo, man 7 mlops.\n";

	(void)state;
	capture(&captured, NULL, parse_only, COMMAND("--unknown-later-is-fine-before-help", "x"));
	assert_int_equal(captured.status, 64);
	capture(&captured, NULL, parse_only, COMMAND("-q", "--help", "--nonsense"));
	assert_int_equal(captured.status, 0);
	assert_string_equal(captured.err, "");
	assert_memory_equal(captured.out, start, strlen(start));
	assert_string_equal(captured.out + strlen(captured.out) - strlen(end), end);
	assert_null(strstr(captured.out, "list-options"));
	for (const char *line = captured.out; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 0, 79);
}

static void help_to_a_full_disk(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, "/dev/full", parse_only, COMMAND("--help"));
	assert_int_equal(captured.status, 74);
	assert_string_equal(captured.err, "mlops-demo: standard output: No space left on device\n");
}

static void option_list(void **state)
{
	struct captured captured;
	const char *start = "model\tm\tstring\tREF\tmodel\tscore with this model\n"
			    "threshold\t-\treal\tP\tnone\tsay yes from this probability on\n"
			    "set\t-\trepeat\tKEY=VALUE\tnone\ta setting\n"
			    "policy\tp\tchoice\tWORD\tstrict|lenient\thow\n";
	const char *end = "help\th\thelp\t-\tnone\tprint this help and exit\n"
			  "version\tV\tversion\t-\tnone\tprint the version and exit\n";

	(void)state;
	capture(&captured, NULL, parse_only, COMMAND("--list-options"));
	assert_int_equal(captured.status, 0);
	assert_string_equal(captured.err, "");
	assert_memory_equal(captured.out, start, strlen(start));
	assert_string_equal(captured.out + strlen(captured.out) - strlen(end), end);
	assert_null(strstr(captured.out, "list-options"));
}

static int promote(void *settings, size_t n, char **arguments)
{
	const struct settings *all = settings;

	printf("%zu %s %s %s\n", n, arguments[0], arguments[1], all->why != NULL ? all->why : "-");
	fflush(stdout);
	return 7;
}

static int list_models(void *settings, size_t n, char **arguments)
{
	(void)settings;
	(void)n;
	(void)arguments;
	return 8;
}

static const struct cli_verb verbs[] = {
	{ "list", "[NAME]", "list the models", 0, 1, NULL, list_models },
	{ "promote", "NAME VERSION", "make VERSION the champion", 2, 2, "why dry-run", promote },
	{ "prune", "NAME", "delete old versions", 1, 1, "dry-run model", list_models },
	{ NULL },
};

static const struct cli_option verb_options[] = {
	{ "why", 'w', CLI_STRING, offsetof(struct settings, why), "TEXT", "the reason", .group = "Changes" },
	{ "dry-run", 'n', CLI_FLAG, offsetof(struct settings, dry_run), NULL, "only say what would be done" },
	{ "model", 'm', CLI_STRING, offsetof(struct settings, model), "REF", "a model", .required = true },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL },
};

static const struct cli_tool verb_tool = {
	.name = "mlops-demo",
	.synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
	.options = verb_options,
	.verbs = verbs,
};

static int run_verb(void *context)
{
	struct settings settings = { .marker = 0 };
	char **argv = context, **arguments;
	int argc = 0, status;
	size_t n;

	while (argv[argc] != NULL)
		argc++;
	if (!cli_parse(&verb_tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	return cli_run_verb(&verb_tool, &settings, n, arguments);
}

static void assert_verb_mistake(char **argv, const char *message)
{
	struct captured captured;
	char expected[1024];

	snprintf(expected, sizeof expected, "mlops-demo: %s\nTry 'mlops-demo --help' for more information.\n",
		 message);
	capture(&captured, NULL, run_verb, argv);
	assert_string_equal(captured.err, expected);
	assert_string_equal(captured.out, "");
	assert_int_equal(captured.status, 64);
}

static void verbs_run(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, NULL, run_verb, COMMAND("promote", "pump", "-w", "better", "3"));
	assert_string_equal(captured.out, "2 pump 3 better\n");
	assert_int_equal(captured.status, 7);
	capture(&captured, NULL, run_verb, COMMAND("list"));
	assert_int_equal(captured.status, 8);
	capture(&captured, NULL, run_verb, COMMAND("prune", "--model=x", "pump"));
	assert_int_equal(captured.status, 8);
}

static void verb_mistakes(void **state)
{
	(void)state;
	assert_verb_mistake(COMMAND("-q"), "a verb is missing: one of list, promote, prune");
	assert_verb_mistake(COMMAND("promot"), "unknown verb 'promot'; did you mean 'promote'?");
	assert_verb_mistake(COMMAND("xyz"), "unknown verb 'xyz'; known are list, promote, prune");
	assert_verb_mistake(COMMAND("list", "--why=x"), "'list' takes no option '--why'");
	assert_verb_mistake(COMMAND("promote", "pump"), "'promote' needs NAME VERSION");
	assert_verb_mistake(COMMAND("list", "a", "b"), "'list': unexpected argument 'b'");
	assert_verb_mistake(COMMAND("prune", "pump"), "option '--model REF' is missing");
}

static void verb_help(void **state)
{
	struct captured captured;

	(void)state;
	capture(&captured, NULL, run_verb, COMMAND("--help"));
	assert_int_equal(captured.status, 0);
	assert_non_null(strstr(captured.out, "\nVerbs:\n"
					     "  list [NAME]             list the models\n"
					     "  promote NAME VERSION    make VERSION the champion\n"
					     "  prune NAME              delete old versions\n"
					     "\nChanges:\n"
					     "  -w, --why TEXT          the reason\n"));
	capture(&captured, NULL, run_verb, COMMAND("promote", "--help"));
	assert_int_equal(captured.status, 0);
	assert_memory_equal(captured.out,
			    "Usage: mlops-demo promote [OPTION]... NAME VERSION\n"
			    "make VERSION the champion\n"
			    "\nOptions of this verb:\n"
			    "  -w, --why TEXT          the reason\n"
			    "  -n, --dry-run           only say what would be done\n"
			    "\nCommon options:\n", 187);
	assert_null(strstr(captured.out, "--model"));
	capture(&captured, NULL, run_verb, COMMAND("--list-options"));
	assert_non_null(strstr(captured.out,
			       "\nverb\tlist\t[NAME]\t-\tlist the models\n"
			       "verb\tpromote\tNAME VERSION\twhy dry-run\tmake VERSION the champion\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(double_dash_ends_options),
		cmocka_unit_test(rows_become_the_librarys_options),
		cmocka_unit_test(impossible_delimiters),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(mistakes_in_json),
		cmocka_unit_test(version),
		cmocka_unit_test(help),
		cmocka_unit_test(help_to_a_full_disk),
		cmocka_unit_test(option_list),
		cmocka_unit_test(verbs_run),
		cmocka_unit_test(verb_mistakes),
		cmocka_unit_test(verb_help),
	};

	return cmocka_run_group_tests_name("cli_option", tests, NULL, NULL);
}
