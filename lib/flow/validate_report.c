#include "flow/validate.h"

#include <math.h>
#include <string.h>

static void write_finding(const struct mlops_finding *finding, struct mlops_json *json)
{
	const struct mlops_tally *tally = &finding->tally;

	mlops_json_open(json, '{');
	mlops_json_member_string(json, "check", mlops_rule_describe(finding->rule)->name);
	mlops_json_member_string(json, "column", finding->column);
	mlops_json_member_string(json, "severity", mlops_severity_names[finding->severity]);
	mlops_json_member_uint(json, "rows", tally->rows);
	mlops_json_key(json, "first_line");
	if (tally->n_lines > 0)
		mlops_json_uint(json, tally->lines[0]);
	else
		mlops_json_null(json);
	mlops_json_member_string(json, "message", finding->message);
	mlops_json_member_uint(json, "flag", finding->severity == MLOPS_SEVERITY_ERROR ? 4 : 3);
	mlops_json_key(json, "lines");
	mlops_json_open(json, '[');
	for (size_t i = 0; i < tally->n_lines; i++)
		mlops_json_uint(json, tally->lines[i]);
	mlops_json_close(json, ']');
	mlops_json_close(json, '}');
	mlops_buffer_append_char(json->out, '\n');
}

void mlops_validation_write_findings(const struct mlops_validation *validation, struct mlops_buffer *out)
{
	struct mlops_json json = { .out = out };

	for (size_t i = 0; i < validation->n_findings; i++)
		write_finding(&validation->findings[i], &json);
}

static void write_texts(const struct mlops_profiled_column *column, struct mlops_json *json)
{
	mlops_json_member_uint(json, "count", column->rows - column->missing);
	mlops_json_member_uint(json, "missing", column->missing);
	mlops_json_member_double(json, "distinct", column->distinct);
	if (column->other > 0)
		return;
	mlops_json_key(json, "counts");
	mlops_json_open(json, '{');
	for (size_t i = 0; i < column->n_texts; i++)
		mlops_json_member_uint(json, column->texts[i], column->counts[i]);
	mlops_json_close(json, '}');
}

void mlops_validation_write_profile(const struct mlops_validation *validation, struct mlops_buffer *out)
{
	struct mlops_json json = { .out = out };

	for (size_t c = 0; c < validation->profile->n_columns; c++) {
		const struct mlops_profiled_column *column = &validation->profile->columns[c];

		mlops_json_open(&json, '{');
		mlops_json_member_string(&json, "profile", column->name);
		mlops_json_member_string(&json, "type", column->is_text ? "text" : "number");
		if (column->is_text)
			write_texts(column, &json);
		else
			mlops_column_figures_write(&column->figures, &json);
		mlops_json_close(&json, '}');
		mlops_buffer_append_char(out, '\n');
	}
}

static void write_drift(const struct mlops_validation *validation, struct mlops_json *json)
{
	mlops_json_key(json, "drift");
	mlops_json_open(json, '{');
	for (size_t i = 0; i < validation->n_drifts; i++) {
		const struct mlops_drift *figures = &validation->drifts[i].figures;

		mlops_json_key(json, validation->drifts[i].column);
		mlops_json_open(json, '{');
		mlops_json_member_double(json, "psi", figures->psi);
		mlops_json_member_double(json, "ks", figures->ks);
		mlops_json_member_double(json, "wasserstein", figures->wasserstein);
		mlops_json_member_double(json, "jensen_shannon", figures->jensen_shannon);
		mlops_json_member_double(json, "missing", figures->missing);
		mlops_json_close(json, '}');
	}
	mlops_json_close(json, '}');
}

void mlops_validation_write_summary(const struct mlops_validation *validation, struct mlops_buffer *out)
{
	const struct mlops_table_profile *profile = validation->profile;
	struct mlops_json json = { .out = out };
	double rows = (double)validation->rows;

	mlops_json_open(&json, '{');
	mlops_json_member_bool(&json, "summary", true);
	mlops_json_member_bool(&json, "valid", validation->valid);
	mlops_json_member_uint(&json, "rows", validation->rows);
	mlops_json_member_uint(&json, "invalid_rows", validation->invalid_rows);
	mlops_json_member_double(&json, "invalid_ratio",
				 rows > 0 ? (double)validation->invalid_rows / rows : 0);
	mlops_json_key(&json, "missing_ratio");
	mlops_json_open(&json, '{');
	for (size_t c = 0; c < profile->n_columns; c++) {
		const struct mlops_profiled_column *column = &profile->columns[c];

		mlops_json_member_double(&json, column->name,
					 column->rows > 0 ? (double)column->missing / (double)column->rows
							  : 0);
	}
	mlops_json_close(&json, '}');
	mlops_json_key(&json, "reasons");
	mlops_json_open(&json, '{');
	for (size_t i = 0; mlops_rule_reasons[i] != NULL; i++)
		mlops_json_member_uint(&json, mlops_rule_reasons[i], validation->reasons[i]);
	mlops_json_close(&json, '}');
	if (validation->n_drifts > 0)
		write_drift(validation, &json);
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(out, '\n');
}

/* Text of XML 1.0: what has no place in it becomes '?'. */
static void append_xml(struct mlops_buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<')
			mlops_buffer_append_string(out, "&lt;");
		else if (c == '>')
			mlops_buffer_append_string(out, "&gt;");
		else if (c == '&')
			mlops_buffer_append_string(out, "&amp;");
		else if (c == '"')
			mlops_buffer_append_string(out, "&quot;");
		else
			mlops_buffer_append_char(out, c < 0x20 ? '?' : (char)c);
	}
}

static bool was_checked(const struct mlops_validation *validation, enum mlops_rule rule)
{
	bool on = validation->schema->limits.of[rule].severity != MLOPS_SEVERITY_OFF;

	if (mlops_rule_describe(rule)->table)
		return on;
	if (rule >= MLOPS_RULE_DRIFT_PSI && validation->n_drifts == 0)
		return false;
	on = false;
	for (size_t i = 0; i < validation->schema->n_columns; i++)
		on = on || validation->schema->columns[i].limits.of[rule].severity != MLOPS_SEVERITY_OFF;
	return on;
}

/* Errors are failures; warnings stand in the output of a case that passes. */
static unsigned write_case(const struct mlops_validation *validation, enum mlops_rule rule,
			   const char *source, struct mlops_buffer *out)
{
	unsigned failures = 0;
	unsigned warnings = 0;

	mlops_buffer_append_string(out, "  <testcase classname=\"");
	append_xml(out, source);
	mlops_buffer_append_format(out, "\" name=\"%s\">\n", mlops_rule_describe(rule)->name);
	for (size_t i = 0; i < validation->n_findings; i++) {
		const struct mlops_finding *finding = &validation->findings[i];

		if (finding->rule != rule || finding->severity != MLOPS_SEVERITY_ERROR)
			continue;
		mlops_buffer_append_string(out, "    <failure message=\"");
		append_xml(out, finding->message);
		mlops_buffer_append_string(out, "\"/>\n");
		failures++;
	}
	for (size_t i = 0; i < validation->n_findings; i++) {
		const struct mlops_finding *finding = &validation->findings[i];

		if (finding->rule != rule || finding->severity == MLOPS_SEVERITY_ERROR)
			continue;
		mlops_buffer_append_string(out, warnings++ == 0 ? "    <system-out>" : "\n");
		append_xml(out, finding->message);
	}
	if (warnings > 0)
		mlops_buffer_append_string(out, "</system-out>\n");
	mlops_buffer_append_string(out, "  </testcase>\n");
	return failures > 0;
}

void mlops_validation_write_junit(const struct mlops_validation *validation, const char *source,
				  struct mlops_buffer *out)
{
	struct mlops_buffer cases = MLOPS_BUFFER_INIT;
	unsigned tests = 0;
	unsigned failures = 0;

	for (size_t r = 0; r < MLOPS_RULES; r++) {
		if (!was_checked(validation, (enum mlops_rule)r))
			continue;
		tests++;
		failures += write_case(validation, (enum mlops_rule)r, source, &cases);
	}
	mlops_buffer_append_string(
		out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"mlops-validate\"");
	mlops_buffer_append_format(out, " tests=\"%u\" failures=\"%u\">\n", tests, failures);
	mlops_buffer_append(out, cases.data, cases.length);
	mlops_buffer_append_string(out, "</testsuite>\n");
	out->failed = out->failed || cases.failed;
	mlops_buffer_release(&cases);
}

bool mlops_validation_verdict(const struct mlops_validation *validation, const char *source,
			      const char **reason, struct mlops_error *error)
{
	size_t errors = 0;
	const struct mlops_finding *first = NULL;

	for (size_t i = 0; i < validation->n_findings; i++) {
		const struct mlops_finding *finding = &validation->findings[i];

		if (finding->severity != MLOPS_SEVERITY_ERROR)
			continue;
		/* Too few rows says more than what is wrong with those few. */
		if (first == NULL || finding->rule == MLOPS_RULE_ROWS)
			first = finding;
		errors++;
	}
	if (first == NULL)
		return true;
	*reason = first->rule == MLOPS_RULE_ROWS ? "insufficient_data" : "invalid_data";
	if (errors == 1)
		return mlops_error_set_at(error, MLOPS_DATA, source,
					  first->tally.n_lines > 0 ? first->tally.lines[0] : 0, "%s",
					  first->message);
	return mlops_error_set_at(
		error, MLOPS_DATA, source, first->tally.n_lines > 0 ? first->tally.lines[0] : 0,
		"%s (and %zu more finding%s)", first->message, errors - 1, errors == 2 ? "" : "s");
}
