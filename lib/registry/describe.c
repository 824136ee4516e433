#include "registry/describe.h"

#include <math.h>
#include <string.h>

/* A member whose value is JSON already. */
static void member_json(struct mlops_json *json, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	mlops_json_key(json, key);
	mlops_json_raw(json, value, strlen(value));
}

static void member_text(struct mlops_json *json, const char *key, const char *value)
{
	if (value != NULL)
		mlops_json_member_string(json, key, value);
}

static void member_version(struct mlops_json *json, const char *key, uint32_t version)
{
	mlops_json_key(json, key);
	if (version == 0)
		mlops_json_null(json);
	else
		mlops_json_uint(json, version);
}

void mlops_version_write(const struct mlops_version *version, struct mlops_json *json)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "model", version->name);
	mlops_json_member_uint(json, "version", version->version);
	mlops_json_member_string(json, "kind", version->kind);
	mlops_json_member_bool(json, "champion", version->champion);
	member_json(json, "aliases", version->aliases);
	mlops_json_member_time(json, "created", version->created);
	if (version->sha256[0] != '\0') {
		mlops_json_member_string(json, "sha256", version->sha256);
		mlops_json_member_uint(json, "size", version->size);
	}
	if (version->rows > 0)
		mlops_json_member_uint(json, "rows", version->rows);
	member_json(json, "metrics", version->metrics);
	member_json(json, "settings", version->settings);
	member_json(json, "features", version->features);
	member_text(json, "run_id", version->run_id);
	mlops_json_close(json, '}');
}

void mlops_run_write(const struct mlops_run *run, struct mlops_json *json)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "run_id", run->id);
	mlops_json_member_string(json, "model", run->name);
	member_text(json, "sensor", run->sensor);
	mlops_json_member_string(json, "kind", run->kind);
	mlops_json_member_string(json, "action", run->action);
	mlops_json_member_string(json, "outcome", mlops_run_outcome_name(run->outcome));
	mlops_json_member_time(json, "started", run->started);
	mlops_json_member_time(json, "ended", run->ended);
	if (run->ended >= run->started && run->ended > 0) {
		mlops_json_key(json, "duration_seconds");
		mlops_json_double(json, (double)((run->ended - run->started) / 1000) / 1000);
	}
	member_text(json, "reason", run->reason);
	member_text(json, "message", run->message);
	if (run->version > 0)
		mlops_json_member_uint(json, "version", run->version);
	mlops_json_member_uint(json, "rows", run->rows);
	member_json(json, "metrics", run->metrics);
	member_json(json, "settings", run->settings);
	member_text(json, "source", run->source);
	member_text(json, "who", run->who);
	if (run->unsent)
		mlops_json_member_bool(json, "sent", false);
	mlops_json_close(json, '}');
}

void mlops_change_write(const struct mlops_change *change, struct mlops_json *json)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "model", change->name);
	mlops_json_member_string(json, "alias", change->alias);
	mlops_json_member_string(json, "action", change->action);
	member_version(json, "from", change->from);
	member_version(json, "to", change->to);
	mlops_json_member_time(json, "when", change->when);
	member_text(json, "who", change->who);
	member_text(json, "why", change->why);
	mlops_json_close(json, '}');
}

static void member_number(struct mlops_json *json, const char *key, double value)
{
	if (!isnan(value))
		mlops_json_member_double(json, key, value);
}

void mlops_decision_write(const struct mlops_decision *decision, struct mlops_json *json)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "model", decision->name);
	mlops_json_member_string(json, "decision", decision->decision);
	mlops_json_member_string(json, "reason", decision->reason);
	mlops_json_member_string(json, "message", decision->message);
	mlops_json_member_bool(json, "forced", decision->forced);
	member_version(json, "challenger", decision->challenger);
	member_version(json, "champion", decision->champion);
	mlops_json_member_uint(json, "rows", decision->rows);
	member_text(json, "metric", decision->metric);
	member_number(json, "challenger_value", decision->challenger_value);
	member_number(json, "champion_value", decision->champion_value);
	mlops_json_member_double(json, "margin", decision->margin);
	member_json(json, "challenger_metrics", decision->challenger_metrics);
	member_json(json, "champion_metrics", decision->champion_metrics);
	mlops_json_member_time(json, "when", decision->when);
	member_text(json, "who", decision->who);
	member_text(json, "run_id", decision->run_id);
	mlops_json_close(json, '}');
}
