/* The verbs of mlops-registry, a function each: arguments as counted by the table, the exit status as result. */
#ifndef CLI_REGISTRY_VERBS_H
#define CLI_REGISTRY_VERBS_H

#include "cli/common.h"
#include "cli/gate.h"
#include "cli/rows_open.h"

struct cli_registry {
	struct cli_common common;
	struct cli_rows rows;
	struct cli_gate gate;
	const char *reason, *name, *output, *message;
	uint64_t to, keep, limit;
	double started; /* seconds since 1970; 0: now */
	bool remove, promote, dry_run, all_aliases;
};

int cli_registry_list(void *settings, size_t n, char **arguments);
int cli_registry_show(void *settings, size_t n, char **arguments);
int cli_registry_history(void *settings, size_t n, char **arguments);
int cli_registry_promote(void *settings, size_t n, char **arguments);
int cli_registry_rollback(void *settings, size_t n, char **arguments);
int cli_registry_alias(void *settings, size_t n, char **arguments);
int cli_registry_verify(void *settings, size_t n, char **arguments);
int cli_registry_export(void *settings, size_t n, char **arguments);
int cli_registry_import(void *settings, size_t n, char **arguments);
int cli_registry_fail(void *settings, size_t n, char **arguments);
int cli_registry_push(void *settings, size_t n, char **arguments);
int cli_registry_prune(void *settings, size_t n, char **arguments);
int cli_registry_compare(void *settings, size_t n, char **arguments);
int cli_registry_decisions(void *settings, size_t n, char **arguments);
int cli_registry_metrics(void *settings, size_t n, char **arguments);
int cli_registry_runs(void *settings, size_t n, char **arguments);

#endif
