/* mlops-registry compare: two models by their figures, and what the gate says of the second. */
#include "cli/registry_verbs.h"

#include "cli/model_file.h"
#include "cli/output.h"
#include "cli/registry_open.h"
#include "flow/compare.h"
#include "registry/describe.h"

#include <string.h>

#define COMPARE_LIMIT ((size_t)4 << 30) /* bytes of a file that is compared on */

static void write_side(struct mlops_json *json, const char *key, const char *reference,
		       const struct mlops_metrics *metrics)
{
	mlops_json_key(json, key);
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "reference", reference);
	mlops_json_key(json, "metrics");
	mlops_metrics_write(metrics, json);
	mlops_json_close(json, '}');
}

/* As the other tools read it, so that messages and what "-" means are the same. */
static bool read_whole(const char *path, struct mlops_buffer *bytes, struct mlops_error *error)
{
	struct mlops_source *source = mlops_source_open(path, error);
	size_t got = 1;
	bool ok = source != NULL;

	while (ok && got > 0) {
		const size_t block = 1 << 16;
		char *room = mlops_buffer_reserve(bytes, block);

		ok = room != NULL ? mlops_source_read(source, room, block, &got, error) : mlops_error_set_memory(error);
		if (ok)
			bytes->length += got;
		if (ok && bytes->length > COMPARE_LIMIT)
			ok = mlops_error_set(error, MLOPS_DATA, "%s: larger than %zu bytes", mlops_source_name(source),
					     COMPARE_LIMIT);
	}
	mlops_source_free(source);
	return ok;
}

/* Both models on the rows of path, which are read into memory because they are needed twice; a database is asked twice. */
static bool judge_on(const struct cli_registry *registry, const char *path, const struct mlops_model *first,
		     const struct mlops_model *second, struct mlops_comparison *comparison, struct mlops_error *error)
{
	struct cli_input inputs[2] = { { .options = cli_read_options(&registry->rows) },
				       { .options = cli_read_options(&registry->rows) } };
	struct mlops_select_options select = cli_select_options(&registry->rows);
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_pool *pool = cli_pool(&registry->common, error);
	bool database = cli_input_is_database(&registry->rows);
	bool ok = pool != NULL && (database || read_whole(path, &bytes, error));

	for (size_t i = 0; ok && i < 2; i++) {
		struct cli_input *input = &inputs[i];

		if (database) {
			ok = cli_input_open(&registry->rows, path, input, error);
			continue;
		}
		input->source = mlops_source_from_memory(bytes.data, bytes.length,
							 strcmp(path, "-") == 0 ? "standard input" : path, error);
		if (input->source != NULL)
			input->reader = mlops_reader_open(input->source, &input->options, error);
		ok = input->reader != NULL;
	}
	ok = ok && mlops_flow_compare(first, inputs[0].reader, second, inputs[1].reader, &select, pool, comparison, error);
	for (size_t i = 0; i < 2; i++)
		cli_input_close(&inputs[i]);
	mlops_buffer_release(&bytes);
	mlops_pool_free(pool);
	return ok;
}

static bool recorded(const struct cli_model *loaded, const char *reference, struct mlops_metrics *metrics,
		     struct mlops_error *error)
{
	const char *text = loaded->version.version > 0 ? loaded->version.metrics
						       : mlops_metadata_get(&loaded->model->metadata, "metrics");

	if (text == NULL)
		return mlops_error_set(error, MLOPS_DATA, "'%s' has no recorded metrics; name a FILE to judge both on",
				       reference);
	return mlops_metrics_read(text, metrics, error);
}

/* What there is to compare. */
struct sides {
	struct cli_model first, second;
	struct mlops_comparison comparison;
	bool on_rows; /* else by the recorded metrics */
	const char *on;
	struct mlops_buffer source;
	struct mlops_ruling ruling;
	struct mlops_described_ruling described;
};

/* May the second take the first one's place? */
static bool rule(struct sides *sides, const struct mlops_gate *gate, struct mlops_error *error)
{
	const struct mlops_comparison *comparison = &sides->comparison;
	struct mlops_contest contest = {
		.kind = sides->second.model->kind, .has_champion = true, .held_out = comparison->second,
		.rows = comparison->judged, .challenger = comparison->second, .champion = comparison->first,
	};

	mlops_gate_rule(gate, &contest, &sides->ruling);
	return mlops_ruling_describe(gate, &contest, &sides->ruling, &sides->described, error);
}

/* Into the ledger, where both are versions of one model.  Who may only read the registry may compare all the same. */
static bool record(struct sides *sides, struct mlops_error *error)
{
	const struct mlops_version *first = &sides->first.version, *second = &sides->second.version;
	struct mlops_decision *kept = &sides->described.kept;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_store *store;
	bool ok;

	kept->challenger = second->version;
	kept->champion = first->version;
	kept->name = second->name;
	kept->run_id = second->run_id;
	if (first->version == 0 || second->version == 0 || strcmp(first->name, second->name) != 0)
		return true;
	store = cli_registry_open(CLI_REGISTRY_WRITE, NULL, &trouble);
	ok = store != NULL && mlops_store_add_decision(store, kept, &trouble);
	mlops_store_close(store);
	if (trouble.code == MLOPS_DENIED)
		cli_notice("the decision is not kept: %s", trouble.message);
	return ok || trouble.code == MLOPS_DENIED || mlops_error_set(error, trouble.code, "%s", trouble.message);
}

static bool judge(struct sides *sides, const struct cli_registry *registry, size_t n, char **arguments,
		  struct mlops_error *error)
{
	struct mlops_comparison *comparison = &sides->comparison;
	const struct mlops_model *first = sides->first.model, *second = sides->second.model;

	if (sides->on_rows)
		return judge_on(registry, n == 3 ? arguments[2] : "-", first, second, comparison, error) &&
		       rule(sides, &registry->gate.rule, error);
	if (first->kind != second->kind)
		return mlops_error_set(error, MLOPS_DATA, "%s and %s can't be compared", mlops_kind_name(first->kind),
				       mlops_kind_name(second->kind));
	return recorded(&sides->first, arguments[0], &comparison->first, error) &&
	       recorded(&sides->second, arguments[1], &comparison->second, error);
}

static bool print(const struct sides *sides, char **arguments, struct mlops_error *error)
{
	const struct mlops_comparison *comparison = &sides->comparison;
	struct mlops_metrics difference = { 0 };
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };

	mlops_metrics_subtract(&comparison->first, &comparison->second, &difference);
	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "event", "compared");
	mlops_json_member_string(&json, "on", sides->on);
	if (sides->on_rows)
		mlops_json_member_uint(&json, "rows", comparison->rows);
	write_side(&json, "first", arguments[0], &comparison->first);
	write_side(&json, "second", arguments[1], &comparison->second);
	mlops_json_key(&json, "difference");
	mlops_metrics_write(&difference, &json);
	if (sides->on_rows) {
		mlops_json_key(&json, "decision");
		mlops_decision_write(&sides->described.kept, &json);
	}
	mlops_json_close(&json, '}');
	return cli_print_line(&line, error);
}

int cli_registry_compare(void *settings, size_t n, char **arguments)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	const struct cli_registry *registry = settings;
	bool database = cli_input_is_database(&registry->rows);
	const char *path = n == 3 ? arguments[2] : "-";
	struct sides sides = { .on_rows = n == 3 || database, .on = n == 3 ? path : "recorded metrics" };
	char who[256];
	bool ok = cli_model_load(arguments[0], NULL, &sides.first, &error) &&
		  cli_model_load(arguments[1], NULL, &sides.second, &error) &&
		  (!database || cli_input_name(&registry->rows, path, &sides.source, &error));

	if (ok && database)
		sides.on = sides.source.data;
	if (ok && registry->gate.given && !sides.on_rows)
		ok = mlops_error_set(&error, MLOPS_USAGE, "recorded metrics are of different rows, so the gate can't decide by "
							  "them; name a FILE to judge both on");
	ok = ok && judge(&sides, registry, n, arguments, &error);
	if (ok && sides.on_rows) {
		sides.described.kept.when = cli_now();
		sides.described.kept.who = (char *)(uintptr_t)cli_who(who);
		ok = record(&sides, &error);
	}
	ok = ok && print(&sides, arguments, &error);
	cli_model_release(&sides.first);
	cli_model_release(&sides.second);
	mlops_buffer_release(&sides.source);
	mlops_described_ruling_release(&sides.described);
	return cli_end(ok, &error);
}
