#include "base/text.h"
#include "check/schema.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where in the file something is wrong: "columns[2] \"temp\": range". */
struct place {
	const char *source;
	struct mlops_error *error;
	char where[160];
};

static bool wrong(const struct place *place, const char *what)
{
	return mlops_error_set_at(place->error, MLOPS_CONFIG, place->source, 0, "%s%s%s", place->where,
				  place->where[0] != '\0' ? ": " : "", what);
}

static bool unknown_key(const struct place *place, const char *key, const char *const *known, size_t n)
{
	char quoted[MLOPS_TEXT_QUOTED];
	const char *nearest = mlops_text_nearest(key, known, n);

	mlops_text_mask(quoted, key, strlen(key));
	return mlops_error_set_at(
		place->error, MLOPS_CONFIG, place->source, 0, "%s%sunknown key \"%s\"%s%s%s", place->where,
		place->where[0] != '\0' ? ": " : "", quoted, nearest != NULL ? "; did you mean \"" : "",
		nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

static bool read_string(const struct place *place, const char *key, const json_t *value, char **text)
{
	char what[96];

	if (!json_is_string(value) || json_string_length(value) == 0 ||
	    strlen(json_string_value(value)) != json_string_length(value)) {
		snprintf(what, sizeof what, "\"%s\" is not a text", key);
		return wrong(place, what);
	}
	free(*text);
	*text = strdup(json_string_value(value));
	return *text != NULL || mlops_error_set_memory(place->error);
}

static bool read_texts(const struct place *place, const char *key, const json_t *value, char ***texts,
		       size_t *n)
{
	char what[96];
	size_t i;
	json_t *item;

	snprintf(what, sizeof what, "\"%s\" is not a list of texts", key);
	if (!json_is_array(value) || *texts != NULL)
		return wrong(place, what);
	*texts = calloc(1, sizeof **texts);
	if (*texts == NULL)
		return mlops_error_set_memory(place->error);
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return wrong(place, what);
		if (!mlops_schema_add_text(texts, n, json_string_value(item), json_string_length(item),
					   place->error))
			return false;
	}
	return true;
}

static bool read_bool(const struct place *place, const char *key, const json_t *value, bool *answer)
{
	char what[96];

	snprintf(what, sizeof what, "\"%s\" is neither true nor false", key);
	*answer = json_is_true(value);
	return json_is_boolean(value) || wrong(place, what);
}

/* {"most":3,"severity":"warning"} */
static bool read_limit(const struct place *place, enum mlops_rule rule, json_t *value,
		       struct mlops_limits *limits)
{
	const struct mlops_rule_info *info = mlops_rule_describe(rule);
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	char what[96];
	const char *key;
	json_t *item;

	if (!json_is_object(value)) {
		snprintf(what, sizeof what, "check \"%s\" is not an object", info->name);
		return wrong(place, what);
	}
	json_object_foreach(value, key, item)
	{
		bool ok;

		if (strcmp(key, "severity") == 0 && json_is_string(item)) {
			ok = mlops_severity_from_name(json_string_value(item), &limits->of[rule].severity,
						      &trouble);
		} else if (json_is_number(item)) {
			ok = mlops_limits_set_value(limits, rule, key, json_number_value(item), &trouble);
		} else {
			snprintf(what, sizeof what, "check \"%s\": a setting is not a number", info->name);
			return wrong(place, what);
		}
		if (!ok)
			return wrong(place, trouble.message);
	}
	for (size_t s = 1; s < MLOPS_RULE_SETTINGS; s++)
		if (info->settings[0].name != NULL && strcmp(info->settings[0].name, "least") == 0 &&
		    limits->of[rule].values[0] > limits->of[rule].values[s]) {
			snprintf(what, sizeof what, "check \"%s\": least is more than most", info->name);
			return wrong(place, what);
		}
	return true;
}

/* A key that is none of the place's own words: a check. */
static bool read_check(const struct place *place, const char *key, json_t *value, bool table,
		       const char *const *words, size_t n_words, struct mlops_limits *limits)
{
	const char *known[MLOPS_RULES + 16];
	size_t n = 0;

	for (size_t i = 0; i < n_words; i++)
		known[n++] = words[i];
	for (size_t r = 0; r < MLOPS_RULES; r++) {
		const struct mlops_rule_info *info = mlops_rule_describe((enum mlops_rule)r);

		if (info->table != table)
			continue;
		known[n++] = info->name;
		if (strcmp(key, info->name) == 0)
			return read_limit(place, (enum mlops_rule)r, value, limits);
	}
	return unknown_key(place, key, known, n);
}

static bool read_floats(const struct place *place, const json_t *value, float *out, size_t n)
{
	if (!json_is_array(value) || json_array_size(value) != n)
		return wrong(place, "\"hours\" wants 24 numbers, \"months\" 12, for each of least and most");
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(value, i);

		if (!json_is_number(item) && !json_is_null(item))
			return wrong(place, "a number of \"least\" or \"most\" is not a number");
		out[i] = json_is_null(item) ? NAN : (float)json_number_value(item);
	}
	return true;
}

static bool read_climate(const struct place *place, const json_t *value, size_t bins,
			 struct mlops_schema_column *column)
{
	if (!json_is_object(value) || json_object_size(value) != 2 || column->climate_bins != 0)
		return wrong(place, "\"hours\" or \"months\" is not one object of \"least\" and \"most\"");
	column->climate_bins = bins;
	return read_floats(place, json_object_get(value, "least"), column->climate_least, bins) &&
	       read_floats(place, json_object_get(value, "most"), column->climate_most, bins);
}

static bool read_ordinary(const struct place *place, const json_t *value, uint32_t *markers)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value))
		return wrong(place, "\"ordinary\" is not a list of numbers");
	json_array_foreach(value, i, item)
	{
		size_t m = 0;

		while (m < MLOPS_MARKERS &&
		       !(json_is_number(item) && (float)json_number_value(item) == mlops_markers[m]))
			m++;
		if (m == MLOPS_MARKERS)
			return wrong(place, "\"ordinary\" names what is no marker");
		*markers |= UINT32_C(1) << m;
	}
	return true;
}

static bool read_type(const struct place *place, const json_t *value, struct mlops_schema_column *column)
{
	static const char *const types[] = { "number", "whole", "text" };
	const char *type = json_string_value(value);
	char what[160];

	for (size_t i = 0; type != NULL && i < 3; i++)
		if (strcmp(type, types[i]) == 0) {
			column->type = i == 2 ? MLOPS_SCHEMA_TEXT : MLOPS_SCHEMA_NUMBER;
			column->whole = i == 1;
			return true;
		}
	snprintf(what, sizeof what, "\"type\" is not number, whole or text");
	return wrong(place, what);
}

static bool read_column_member(const struct place *place, const char *key, json_t *value,
			       struct mlops_schema_column *column)
{
	static const char *const words[] = { "name",       "type",     "required", "unique",
					     "categories", "ordinary", "hours",    "months" };

	if (strcmp(key, "name") == 0)
		return true;
	if (strcmp(key, "type") == 0)
		return read_type(place, value, column);
	if (strcmp(key, "required") == 0)
		return read_bool(place, key, value, &column->required);
	if (strcmp(key, "unique") == 0)
		return read_bool(place, key, value, &column->unique);
	if (strcmp(key, "categories") == 0)
		return read_texts(place, key, value, &column->categories, &column->n_categories);
	if (strcmp(key, "ordinary") == 0)
		return read_ordinary(place, value, &column->markers);
	if (strcmp(key, "hours") == 0)
		return read_climate(place, value, 24, column);
	if (strcmp(key, "months") == 0)
		return read_climate(place, value, 12, column);
	return read_check(place, key, value, false, words, sizeof words / sizeof words[0], &column->limits);
}

static bool read_column(struct place *place, size_t index, json_t *value, struct mlops_schema *schema)
{
	const char *name = json_string_value(json_object_get(value, "name"));
	char quoted[MLOPS_TEXT_QUOTED];
	struct mlops_schema_column *column;
	const char *key;
	json_t *item;

	snprintf(place->where, sizeof place->where, "column %zu", index + 1);
	if (name == NULL || name[0] == '\0')
		return wrong(place, "\"name\" is not a text");
	snprintf(place->where, sizeof place->where, "column \"%s\"",
		 mlops_text_mask(quoted, name, strlen(name)));
	if (mlops_schema_find(schema, name) != NULL)
		return wrong(place, "it is there twice");
	column = mlops_schema_add_column(schema, name, place->error);
	if (column == NULL)
		return false;
	json_object_foreach(value, key, item) if (!read_column_member(place, key, item, column)) return false;
	if (column->categories != NULL && column->type != MLOPS_SCHEMA_TEXT)
		return wrong(place, "\"categories\" are for a column of type text");
	return true;
}

static bool read_columns(struct place *place, json_t *value, struct mlops_schema *schema)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value))
		return wrong(place, "\"columns\" is not a list");
	json_array_foreach(value, i, item) if (!read_column(place, i, item, schema)) return false;
	place->where[0] = '\0';
	return true;
}

static bool read_pairs(const struct place *place, json_t *value, struct mlops_schema *schema)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value))
		return wrong(place, "\"agree\" is not a list");
	json_array_foreach(value, i, item)
	{
		const char *first = json_string_value(json_object_get(item, "first"));
		const char *second = json_string_value(json_object_get(item, "second"));
		const json_t *least = json_object_get(item, "least");
		const json_t *most = json_object_get(item, "most");

		if (first == NULL || second == NULL || !json_is_number(least) || !json_is_number(most) ||
		    json_object_size(item) != 4 || json_number_value(least) > json_number_value(most))
			return wrong(place, "an item of \"agree\" is not "
					    "{\"first\":COLUMN,\"second\":COLUMN,\"least\":NUMBER,"
					    "\"most\":NUMBER} with least up to most");
		if (!mlops_schema_add_pair(schema, first, second, json_number_value(least),
					   json_number_value(most), place->error))
			return false;
	}
	return true;
}

static bool check_pairs(const struct place *place, const struct mlops_schema *schema)
{
	char what[256], quoted[MLOPS_TEXT_QUOTED];

	for (size_t i = 0; i < 2 * schema->n_pairs; i++) {
		const char *name = i % 2 == 0 ? schema->pairs[i / 2].first : schema->pairs[i / 2].second;
		const struct mlops_schema_column *column = mlops_schema_find(schema, name);

		if (column != NULL && column->type == MLOPS_SCHEMA_NUMBER)
			continue;
		snprintf(what, sizeof what, "\"agree\" names \"%s\", which is no number column of the schema",
			 mlops_text_mask(quoted, name, strlen(name)));
		return wrong(place, what);
	}
	return true;
}

static bool read_member(struct place *place, const char *key, json_t *value, struct mlops_schema *schema)
{
	static const char *const words[] = { "mlops_schema", "time", "id", "sensors", "agree", "columns" };

	if (strcmp(key, "mlops_schema") == 0)
		return (json_is_integer(value) && json_integer_value(value) == 1) ||
		       wrong(place, "\"mlops_schema\", the form of the file, is not 1");
	if (strcmp(key, "time") == 0)
		return read_string(place, key, value, &schema->time);
	if (strcmp(key, "id") == 0)
		return read_string(place, key, value, &schema->id);
	if (strcmp(key, "sensors") == 0)
		return read_texts(place, key, value, &schema->sensors, &schema->n_sensors);
	if (strcmp(key, "agree") == 0)
		return read_pairs(place, value, schema);
	if (strcmp(key, "columns") == 0)
		return read_columns(place, value, schema);
	return read_check(place, key, value, true, words, sizeof words / sizeof words[0], &schema->limits);
}

struct mlops_schema *mlops_schema_read(const char *bytes, size_t length, const char *source,
				       struct mlops_error *error)
{
	struct place place = { .source = source, .error = error };
	struct mlops_schema *schema = mlops_schema_new(error);
	json_error_t problem;
	json_t *root;
	const char *key;
	json_t *value;
	bool ok;

	if (schema == NULL)
		return NULL;
	root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &problem);
	if (root == NULL) {
		mlops_error_set_at(error, MLOPS_CONFIG, source, problem.line > 0 ? (uint64_t)problem.line : 0,
				   "not JSON: %s", problem.text);
		mlops_schema_free(schema);
		return NULL;
	}
	ok = json_object_get(root, "mlops_schema") != NULL ||
	     wrong(&place, "this is no schema: there is no \"mlops_schema\":1 in it");
	if (ok)
		json_object_foreach(root, key,
				    value) if (!(ok = read_member(&place, key, value, schema))) break;
	ok = ok && (json_object_get(root, "columns") != NULL || wrong(&place, "\"columns\" is missing")) &&
	     check_pairs(&place, schema);
	json_decref(root);
	if (ok)
		return schema;
	mlops_schema_free(schema);
	return NULL;
}
