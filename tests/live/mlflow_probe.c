/*
 * mlflow_probe VERB ARGUMENT...: one call of lib/mlflow to the server that the environment names (PROBE_URI, PROBE_USERNAME,
 * PROBE_PASSWORD, PROBE_TOKEN, PROBE_CA, PROBE_CERTIFICATE, PROBE_INSECURE, PROBE_EXPERIMENT, PROBE_TIMEOUT,
 * PROBE_RETRIES, PROBE_PATIENCE).  Prints what came back, a line a thing; notices and the error go to stderr.
 */
#include "base/number.h"
#include "mlflow/mlflow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)64 << 20)

static void notice(void *context, const char *message)
{
	(void)context;
	fprintf(stderr, "notice: %s\n", message);
}

static double number(const char *name, double otherwise)
{
	const char *text = getenv(name);
	double value;

	if (text == NULL || mlops_number_parse(text, strlen(text), '.', &value) != MLOPS_NUMBER_OK)
		return otherwise;
	return value;
}

static bool create_run(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_mlflow_pair tags[] = { { "probe.key", words[0] }, { "probe.text", "5 \"ä\"" } };
	struct mlops_mlflow_new_run run = {
		.name = words[0], .user = "probe", .started = 1700000000123000, .tags = tags, .n_tags = 2, .unique = "probe.key",
	};
	char id[33];

	if (!mlops_mlflow_create_run(mlflow, &run, id, error))
		return false;
	puts(id);
	return true;
}

/* As many params, metrics and tags as words[1] says: k0 = 0, k1 = 1, ...; the first metric is NaN. */
static bool log_items(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	size_t n = strtoul(words[1], NULL, 10);
	struct mlops_mlflow_pair *pairs = calloc(n + 1, sizeof *pairs);
	struct mlops_mlflow_metric *metrics = calloc(n + 1, sizeof *metrics);
	char (*names)[24] = calloc(n + 1, sizeof *names);
	struct mlops_mlflow_items items = {
		.params = pairs, .n_params = n, .metrics = metrics, .n_metrics = n, .tags = pairs, .n_tags = n,
	};
	bool ok;

	if (pairs == NULL || metrics == NULL || names == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof names[i], "k%zu", i);
		pairs[i] = (struct mlops_mlflow_pair){ names[i], names[i] + 1 };
		metrics[i] = (struct mlops_mlflow_metric){
			.key = names[i], .value = i == 0 ? (double)NAN : (double)i / 8, .when = 1700000000123000, .step = (int64_t)i,
		};
	}
	ok = mlops_mlflow_log(mlflow, words[0], &items, error);
	free(pairs);
	free(metrics);
	free(names);
	return ok;
}

static bool end_run(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	return mlops_mlflow_end_run(mlflow, words[0], words[1], 1700000001000000, error);
}

static void print_kept(const char *what, const struct mlops_mlflow_kept *kept, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s %s=%s\n", what, kept[i].key, kept[i].value);
}

static bool list_runs(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_mlflow_run_list runs;

	if (!mlops_mlflow_runs(mlflow, words[0][0] == '\0' ? NULL : words[0], strtoul(words[1], NULL, 10), &runs, error))
		return false;
	for (size_t i = 0; i < runs.n; i++) {
		const struct mlops_mlflow_run *run = &runs.items[i];

		printf("run %s %s %s %lld %lld %s\n", run->id, run->name, run->status, (long long)run->started,
		       (long long)run->ended, run->artifact_uri);
		print_kept("param", run->params, run->n_params);
		print_kept("metric", run->metrics, run->n_metrics);
		print_kept("tag", run->tags, run->n_tags);
	}
	mlops_mlflow_run_list_release(&runs);
	return true;
}

static bool put(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	char *bytes = malloc(FILE_LIMIT);
	bool ok;

	if (bytes == NULL)
		abort();
	ok = mlops_mlflow_put(mlflow, words[0], words[1], bytes, fread(bytes, 1, FILE_LIMIT, stdin), error);
	free(bytes);
	return ok;
}

static bool get(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	bool ok = mlops_mlflow_get(mlflow, words[0], words[1], strtoul(words[2], NULL, 10), &bytes, error);

	if (ok && fwrite(bytes.data == NULL ? "" : bytes.data, 1, bytes.length, stdout) != bytes.length)
		abort();
	mlops_buffer_release(&bytes);
	return ok;
}

static bool delete_artifacts(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	return mlops_mlflow_delete_artifacts(mlflow, words[0], error);
}

static bool create_version(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_mlflow_pair tags[] = { { "probe.tag", "a b" } };
	uint32_t version;

	if (!mlops_mlflow_create_version(mlflow, words[0], words[1], "model", tags, 1, &version, error))
		return false;
	printf("%u\n", version);
	return true;
}

static void print_version(const struct mlops_mlflow_version *version)
{
	const char *tag = mlops_mlflow_tag(version, "probe.tag");

	printf("version %s %u %s %s %s %s\n", version->name, version->version, version->source,
	       version->run_id == NULL ? "-" : version->run_id, version->status, tag == NULL ? "-" : tag);
}

static bool list_versions(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_mlflow_version_list versions;

	if (!mlops_mlflow_versions(mlflow, words[0][0] == '\0' ? NULL : words[0], &versions, error))
		return false;
	for (size_t i = 0; i < versions.n; i++)
		print_version(&versions.items[i]);
	mlops_mlflow_version_list_release(&versions);
	return true;
}

static bool list_models(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_mlflow_model_list models;

	if (!mlops_mlflow_models(mlflow, words[0][0] == '\0' ? NULL : words[0], &models, error))
		return false;
	for (size_t i = 0; i < models.n; i++) {
		printf("model %s\n", models.items[i].name);
		for (size_t k = 0; k < models.items[i].n_aliases; k++)
			printf("alias %s=%u\n", models.items[i].aliases[k].alias, models.items[i].aliases[k].version);
	}
	mlops_mlflow_model_list_release(&models);
	return true;
}

static bool version_of(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_mlflow_version version;

	if (!mlops_mlflow_version_of(mlflow, words[0], (uint32_t)strtoul(words[1], NULL, 10), &version, error))
		return false;
	print_version(&version);
	mlops_mlflow_version_release(&version);
	return true;
}

static bool by_alias(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	struct mlops_mlflow_version version;

	if (!mlops_mlflow_version_by_alias(mlflow, words[0], words[1], &version, error))
		return false;
	if (version.name == NULL)
		puts("none");
	else
		print_version(&version);
	mlops_mlflow_version_release(&version);
	return true;
}

static bool delete_version(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	return mlops_mlflow_delete_version(mlflow, words[0], (uint32_t)strtoul(words[1], NULL, 10), error);
}

static bool set_alias(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	return mlops_mlflow_set_alias(mlflow, words[0], words[1], (uint32_t)strtoul(words[2], NULL, 10), error);
}

static bool set_tag(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	return mlops_mlflow_set_version_tag(mlflow, words[0], (uint32_t)strtoul(words[1], NULL, 10), words[2], words[3], error);
}

static bool shown(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error)
{
	(void)words;
	(void)error;
	puts(mlops_mlflow_shown(mlflow));
	return true;
}

static const struct verb {
	const char *name;
	int words;
	bool (*run)(struct mlops_mlflow *mlflow, char **words, struct mlops_error *error);
} verbs[] = {
	{ "shown", 0, shown },
	{ "run", 1, create_run },           /* KEY */
	{ "log", 2, log_items },            /* RUN N */
	{ "end", 2, end_run },              /* RUN STATUS */
	{ "runs", 2, list_runs },           /* FILTER LIMIT */
	{ "put", 2, put },                  /* RUN PATH < BYTES */
	{ "get", 3, get },                  /* SOURCE PATH LIMIT > BYTES */
	{ "delete-artifacts", 1, delete_artifacts }, /* SOURCE */
	{ "create", 2, create_version },    /* NAME RUN */
	{ "versions", 1, list_versions },   /* NAME */
	{ "models", 1, list_models },       /* NAME */
	{ "version", 2, version_of },       /* NAME VERSION */
	{ "by-alias", 2, by_alias },        /* NAME ALIAS */
	{ "delete", 2, delete_version },    /* NAME VERSION */
	{ "alias", 3, set_alias },          /* NAME ALIAS VERSION */
	{ "tag", 4, set_tag },              /* NAME VERSION KEY VALUE */
};

int main(int argc, char **argv)
{
	const char *experiment = getenv("PROBE_EXPERIMENT");
	struct mlops_tracking tracking = {
		.uri = getenv("PROBE_URI"),
		.username = getenv("PROBE_USERNAME"),
		.password = getenv("PROBE_PASSWORD"),
		.token = getenv("PROBE_TOKEN"),
		.ca_file = getenv("PROBE_CA"),
		.client_certificate = getenv("PROBE_CERTIFICATE"),
		.insecure = getenv("PROBE_INSECURE") != NULL,
		.experiment = experiment == NULL ? "probe" : experiment,
		.timeout = number("PROBE_TIMEOUT", 60),
		.retries = (unsigned)number("PROBE_RETRIES", 0),
		.patience = number("PROBE_PATIENCE", 100),
		.notice = notice,
	};
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_mlflow *mlflow = tracking.uri == NULL ? NULL : mlops_mlflow_open(&tracking, &error);
	const struct verb *verb = NULL;
	bool ok = false;

	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, argv[1]) == 0 && verbs[i].words == argc - 2)
			verb = &verbs[i];
	if (verb == NULL)
		fputs("mlflow_probe: no such verb, or not its arguments\n", stderr);
	else if (mlflow != NULL)
		ok = verb->run(mlflow, argv + 2, &error);
	mlops_mlflow_close(mlflow);
	if (error.code != MLOPS_OK)
		fprintf(stderr, "%s: %s\n", mlops_code_describe(error.code)->name, error.message);
	return ok ? 0 : 1;
}
