#include "base/json_writer.h"
#include "check/schema.h"

#include <math.h>

static void write_texts(struct mlops_json *json, const char *key, char *const *texts, size_t n)
{
	if (texts == NULL)
		return;
	mlops_json_key(json, key);
	mlops_json_open(json, '[');
	for (size_t i = 0; i < n; i++)
		mlops_json_string(json, texts[i]);
	mlops_json_close(json, ']');
}

static bool is_usual(const struct mlops_rule_info *info, const struct mlops_limit *limit, size_t s)
{
	double fallback = info->settings[s].fallback;

	return info->settings[s].name == NULL || isnan(limit->values[s]) ||
	       !(limit->values[s] < fallback || limit->values[s] > fallback || isnan(fallback));
}

/* What differs from the usual settings. */
static void write_limits(struct mlops_json *json, const struct mlops_limits *limits, bool table)
{
	for (size_t r = 0; r < MLOPS_RULES; r++) {
		const struct mlops_rule_info *info = mlops_rule_describe((enum mlops_rule)r);
		const struct mlops_limit *limit = &limits->of[r];
		bool usual = limit->severity == info->severity;

		for (size_t s = 0; s < MLOPS_RULE_SETTINGS; s++)
			usual = usual && is_usual(info, limit, s);
		if (info->table != table || usual)
			continue;
		mlops_json_key(json, info->name);
		mlops_json_open(json, '{');
		for (size_t s = 0; s < MLOPS_RULE_SETTINGS; s++)
			if (!is_usual(info, limit, s))
				mlops_json_member_double(json, info->settings[s].name, limit->values[s]);
		if (limit->severity != info->severity)
			mlops_json_member_string(json, "severity", mlops_severity_names[limit->severity]);
		mlops_json_close(json, '}');
	}
}

static void write_floats(struct mlops_json *json, const char *key, const float *values, size_t n)
{
	mlops_json_key(json, key);
	mlops_json_open(json, '[');
	for (size_t i = 0; i < n; i++)
		mlops_json_float(json, values[i]);
	mlops_json_close(json, ']');
}

static void write_column(struct mlops_json *json, const struct mlops_schema_column *column)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "name", column->name);
	mlops_json_member_string(json, "type",
				 column->type == MLOPS_SCHEMA_TEXT ? "text"
				 : column->whole                   ? "whole"
								   : "number");
	if (!column->required)
		mlops_json_member_bool(json, "required", false);
	if (column->unique)
		mlops_json_member_bool(json, "unique", true);
	write_texts(json, "categories", column->categories, column->n_categories);
	if (column->markers != 0) {
		mlops_json_key(json, "ordinary");
		mlops_json_open(json, '[');
		for (size_t i = 0; i < MLOPS_MARKERS; i++)
			if ((column->markers >> i & 1) != 0)
				mlops_json_float(json, mlops_markers[i]);
		mlops_json_close(json, ']');
	}
	write_limits(json, &column->limits, false);
	if (column->climate_bins > 0) {
		mlops_json_key(json, column->climate_bins == 24 ? "hours" : "months");
		mlops_json_open(json, '{');
		write_floats(json, "least", column->climate_least, column->climate_bins);
		write_floats(json, "most", column->climate_most, column->climate_bins);
		mlops_json_close(json, '}');
	}
	mlops_json_close(json, '}');
}

static void write_pairs(struct mlops_json *json, const struct mlops_schema *schema)
{
	mlops_json_key(json, "agree");
	mlops_json_open(json, '[');
	for (size_t i = 0; i < schema->n_pairs; i++) {
		mlops_json_open(json, '{');
		mlops_json_member_string(json, "first", schema->pairs[i].first);
		mlops_json_member_string(json, "second", schema->pairs[i].second);
		mlops_json_member_double(json, "least", schema->pairs[i].least);
		mlops_json_member_double(json, "most", schema->pairs[i].most);
		mlops_json_close(json, '}');
	}
	mlops_json_close(json, ']');
}

void mlops_schema_write(const struct mlops_schema *schema, struct mlops_buffer *out)
{
	struct mlops_json json = { .out = out };

	mlops_json_open(&json, '{');
	mlops_json_key(&json, "mlops_schema");
	mlops_json_uint(&json, 1);
	if (schema->time != NULL)
		mlops_json_member_string(&json, "time", schema->time);
	if (schema->id != NULL)
		mlops_json_member_string(&json, "id", schema->id);
	write_texts(&json, "sensors", schema->sensors, schema->n_sensors);
	write_limits(&json, &schema->limits, true);
	if (schema->n_pairs > 0)
		write_pairs(&json, schema);
	mlops_json_key(&json, "columns");
	mlops_json_open(&json, '[');
	for (size_t i = 0; i < schema->n_columns; i++) {
		write_column(&json, &schema->columns[i]);
		/* White space is free in JSON; a column a line can be read and compared. */
		if (i + 1 < schema->n_columns) {
			mlops_buffer_append_string(out, ",\n");
			json.has_item &= ~(UINT32_C(1) << (json.depth - 1));
		}
	}
	mlops_json_close(&json, ']');
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(out, '\n');
}
