/* mlops-registry: what models there are, which version is champion, and the way back. */
#include "config.h"

#include "cli/registry_verbs.h"

static const struct cli_option options[] = {
	{ "reason", 'r', CLI_STRING, offsetof(struct cli_registry, reason), "TEXT", "why, for the history",
	  .group = "Changing" },
	{ "to", 0, CLI_UINT, offsetof(struct cli_registry, to), "VERSION",
	  "roll back to this version (default: the champion before)", 1, 4294967294.0 },
	{ "remove", 0, CLI_FLAG, offsetof(struct cli_registry, remove), NULL, "remove the alias" },
	{ "name", 'n', CLI_STRING, offsetof(struct cli_registry, name), "NAME", "import as a version of this model",
	  .complete = CLI_COMPLETE_MODEL },
	{ "promote", 0, CLI_FLAG, offsetof(struct cli_registry, promote), NULL, "make the imported version the champion" },
	{ "keep", 0, CLI_UINT, offsetof(struct cli_registry, keep), "N", "how many newest versions stay (default 10)", 1,
	  4294967294.0 },
	{ "dry-run", 0, CLI_FLAG, offsetof(struct cli_registry, dry_run), NULL, "only say what would be removed" },
	{ "message", 0, CLI_STRING, offsetof(struct cli_registry, message), "TEXT", "what went wrong, for people" },
	{ "started", 0, CLI_REAL, offsetof(struct cli_registry, started), "SECONDS",
	  "when the training began, in seconds since 1970 (default: now); one that is recorded since then is not again", 0,
	  9e9 },
	{ "all-aliases", 0, CLI_FLAG, offsetof(struct cli_registry, all_aliases), NULL,
	  "changes of every alias, not only of the champion", .group = "Looking" },
	{ "limit", 'l', CLI_UINT, offsetof(struct cli_registry, limit), "N", "at most N lines, the newest (default: all)", 1,
	  4294967294.0 },
	{ "output", 'o', CLI_STRING, offsetof(struct cli_registry, output), "FILE",
	  "write the metrics to FILE, which others may read, all at once (default: standard output)",
	  .complete = CLI_COMPLETE_FILE },
	{ "target", 't', CLI_STRING, offsetof(struct cli_registry, rows.target), "COLUMN",
	  "compare on FILE: the column with the truth" },
	CLI_GATE_OPTIONS(struct cli_registry, gate),
	CLI_ROWS_OPTIONS(struct cli_registry, rows),
	CLI_COMMON_OPTIONS(struct cli_registry, common),
	{ NULL }
};

#define COMPARE_OPTIONS "target " CLI_GATE_OPTION_NAMES " " CLI_ROWS_OPTION_NAMES

static const struct cli_verb verbs[] = {
	{ "list", "[NAME]", "the models, a line each; with NAME its versions", 0, 1, NULL, cli_registry_list },
	{ "show", "REF", "one version, with what its model file says", 1, 1, NULL, cli_registry_show },
	{ "history", "NAME", "which version was champion when, by whom, why", 1, 1, "all-aliases limit",
	  cli_registry_history },
	{ "promote", "NAME VERSION", "make a version the champion", 2, 2, "reason", cli_registry_promote },
	{ "rollback", "NAME", "go back to the champion before", 1, 1, "to reason", cli_registry_rollback },
	{ "alias", "NAME ALIAS [VERSION]", "let an alias name a version, or remove it", 2, 3, "remove reason",
	  cli_registry_alias },
	{ "verify", "[NAME]", "check the ledger and every model file's SHA-256", 0, 1, NULL, cli_registry_verify },
	{ "export", "REF PATH", "write a version's model file to PATH", 2, 2, NULL, cli_registry_export },
	{ "import", "FILE", "register an .onnx file as a new version", 1, 1, "name promote reason", cli_registry_import },
	{ "fail", "NAME REASON", "record a training that failed before mlops-train ran", 2, 2, "message started",
	  cli_registry_fail },
	{ "prune", "NAME", "remove old versions that nothing names", 1, 1, "keep dry-run", cli_registry_prune },
	{ "push", "", "send what an MLflow server could not be told at once", 0, 0, NULL, cli_registry_push },
	{ "compare", "REF REF [FILE]", "two versions: their recorded figures, or both judged on FILE, and whether the second may replace the first", 2, 3,
	  COMPARE_OPTIONS,
	  cli_registry_compare },
	{ "decisions", "[NAME]", "what the gate said of challengers, newest first, with the figures", 0, 1, "limit",
	  cli_registry_decisions },
	{ "runs", "[NAME]", "every training, newest first, good or failed", 0, 1, "limit", cli_registry_runs },
	{ "metrics", NULL, "models, trainings and data as Prometheus reads them", 0, 0, "output", cli_registry_metrics },
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "mlops-registry",
	.synopsis = "VERB [OPTION]... [ARGUMENT]...",
	.summary = "Look at the registered models and change which version is the champion. Prints JSON, one object a line.",
	.options = options,
	.verbs = verbs,
	.examples = "  mlops-registry list\n"
		    "  mlops-registry promote pumps 3 --reason 'better on the night shift'\n"
		    "  mlops-registry rollback pumps\n",
};

int main(int argc, char **argv)
{
	struct cli_registry settings = { .common = CLI_COMMON_INIT, .rows = CLI_ROWS_INIT, .gate = CLI_GATE_INIT, .keep = 10 };
	char **arguments;
	size_t n;
	int status;

	if (!cli_parse(&tool, argc, argv, &settings, &n, &arguments, &status))
		return status;
	status = cli_check_rows(&tool, &settings.rows);
	if (status != 0)
		return status;
	cli_begin(&tool, &settings.common);
	return cli_run_verb(&tool, &settings, n, arguments);
}
