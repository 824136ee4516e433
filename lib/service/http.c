#include "service/http.h"

#include "base/json_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM "application/problem+json"

void mlops_http_answer_release(struct mlops_http_answer *answer)
{
	mlops_buffer_release(&answer->body);
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

static void write_problem(struct mlops_http_answer *answer, const char *type, int status, uint64_t line,
			  const char *detail)
{
	struct mlops_json json = { .out = &answer->body };
	char urn[64];

	snprintf(urn, sizeof urn, type != NULL ? "urn:mlops:%s" : "about:blank", type);
	mlops_buffer_clear(&answer->body);
	answer->status = status;
	answer->content_type = PROBLEM;
	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "type", urn);
	mlops_json_member_string(&json, "title", reason_of(status));
	mlops_json_member_uint(&json, "status", (uint64_t)status);
	mlops_json_member_string(&json, "detail", detail);
	if (line > 0)
		mlops_json_member_uint(&json, "line", line);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(&answer->body, '\n');
}

void mlops_http_problem(struct mlops_http_answer *answer, int status, const char *detail, ...)
{
	char text[768];
	va_list arguments;

	va_start(arguments, detail);
	vsnprintf(text, sizeof text, detail, arguments);
	va_end(arguments);
	write_problem(answer, NULL, status, 0, text);
}

void mlops_http_error(struct mlops_http_answer *answer, const struct mlops_error *error)
{
	const struct mlops_code_info *info = mlops_code_describe(error->code);
	bool elsewhere = error->source[0] != '\0' && strcmp(error->source, MLOPS_HTTP_BODY) != 0;
	char detail[sizeof error->source + sizeof error->message + 2];

	snprintf(detail, sizeof detail, "%s%s%s", elsewhere ? error->source : "", elsewhere ? ": " : "", error->message);
	write_problem(answer, info->name, info->http_status, error->line, detail);
}
