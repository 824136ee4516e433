#include "service/routes.h"

#include "base/json_writer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void open_key(struct mlops_json *json, const char *key)
{
	mlops_json_key(json, key);
	mlops_json_open(json, '{');
}

static void write_content(struct mlops_json *json, const char *const *types, size_t n, const char *schema)
{
	open_key(json, "content");
	for (size_t i = 0; i < n; i++) {
		open_key(json, types[i]);
		open_key(json, "schema");
		mlops_json_member_string(json, "$ref", schema);
		mlops_json_close(json, '}');
		mlops_json_close(json, '}');
	}
	mlops_json_close(json, '}');
}

static void write_body(struct mlops_json *json, enum mlops_route_body body)
{
	static const char *const rows[] = { "text/csv", "application/json", "application/x-ndjson" };
	static const char *const histories[] = { "application/json", "application/x-ndjson", "text/csv" };

	if (body == MLOPS_BODY_NONE)
		return;
	open_key(json, "requestBody");
	mlops_json_member_bool(json, "required", true);
	if (body == MLOPS_BODY_ROWS)
		write_content(json, rows, 3, "#/components/schemas/Rows");
	else
		write_content(json, histories, 3, "#/components/schemas/History");
	mlops_json_close(json, '}');
}

static void write_parameters(struct mlops_json *json, const char *path)
{
	const char *begin = strchr(path, '{');
	char name[32];

	if (begin == NULL)
		return;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(begin + 1, "}"), begin + 1);
	mlops_json_key(json, "parameters");
	mlops_json_open(json, '[');
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "name", name);
	mlops_json_member_string(json, "in", "path");
	mlops_json_member_bool(json, "required", true);
	open_key(json, "schema");
	mlops_json_member_string(json, "type", "string");
	mlops_json_close(json, '}');
	mlops_json_close(json, '}');
	mlops_json_close(json, ']');
}

static void write_operation(struct mlops_json *json, const struct mlops_route *route)
{
	static const char *const problem[] = { "application/problem+json" };
	const char *types[] = { route->answers };
	char method[16] = "", status[16];

	for (size_t i = 0; route->method[i] != '\0' && i < sizeof method - 1; i++)
		method[i] = (char)tolower((unsigned char)route->method[i]);
	open_key(json, method);
	mlops_json_member_string(json, "summary", route->summary);
	write_parameters(json, route->path);
	write_body(json, route->body);
	open_key(json, "responses");
	snprintf(status, sizeof status, "%d", route->status);
	open_key(json, status);
	mlops_json_member_string(json, "description", route->status == 202 ? "begun" : "done");
	write_content(json, types, 1, "#/components/schemas/Answer");
	mlops_json_close(json, '}');
	open_key(json, "default");
	mlops_json_member_string(json, "description", "not done, and why");
	write_content(json, problem, 1, "#/components/schemas/Problem");
	mlops_json_close(json, '}');
	mlops_json_close(json, '}');
	if (route->access == MLOPS_ROUTE_ADMIN) {
		mlops_json_key(json, "security");
		mlops_json_raw(json, "[{\"token\":[]}]", 14);
	}
	mlops_json_close(json, '}');
}

static void write_paths(struct mlops_json *json)
{
	size_t n;
	const struct mlops_route *all = mlops_routes(&n);

	open_key(json, "paths");
	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen = seen || strcmp(all[j].path, all[i].path) == 0;
		if (seen)
			continue;
		open_key(json, all[i].path);
		for (size_t j = i; j < n; j++)
			if (strcmp(all[j].path, all[i].path) == 0)
				write_operation(json, &all[j]);
		mlops_json_close(json, '}');
	}
	mlops_json_close(json, '}');
}

void mlops_openapi_write(const char *program_version, struct mlops_buffer *out)
{
	static const char components[] =
		"{\"schemas\":{"
		"\"Rows\":{\"description\":\"Rows with the model's columns, by name.\"},"
		"\"Answer\":{\"description\":\"As the manual pages of the tools have it.\"},"
		"\"History\":{\"type\":\"object\",\"required\":[\"historical_data\"],\"properties\":{"
		"\"sensor_id\":{\"type\":[\"string\",\"number\"]},"
		"\"historical_data\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}},"
		"\"forecast_steps\":{\"type\":\"integer\",\"minimum\":1}}},"
		"\"Problem\":{\"type\":\"object\",\"required\":[\"title\",\"status\",\"detail\"],\"properties\":{"
		"\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
		"\"detail\":{\"type\":\"string\"},\"line\":{\"type\":\"integer\"}}}},"
		"\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}";
	struct mlops_json json = { .out = out };

	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "openapi", "3.1.0");
	open_key(&json, "info");
	mlops_json_member_string(&json, "title", "mlops-serve");
	mlops_json_member_string(&json, "version", program_version);
	mlops_json_close(&json, '}');
	write_paths(&json);
	mlops_json_key(&json, "components");
	mlops_json_raw(&json, components, sizeof components - 1);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(out, '\n');
}
