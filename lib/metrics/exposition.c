#include "metrics/exposition.h"

#include "base/number.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

void mlops_exposition_family(struct mlops_buffer *out, const char *name, enum mlops_metric_type type, const char *help)
{
	static const char *const types[] = {
		[MLOPS_COUNTER] = "counter", [MLOPS_GAUGE] = "gauge", [MLOPS_HISTOGRAM] = "histogram",
	};

	mlops_buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

static void append_value(struct mlops_buffer *out, double value)
{
	char text[MLOPS_NUMBER_TEXT];

	if (isnan(value))
		mlops_buffer_append_string(out, "NaN");
	else if (isinf(value))
		mlops_buffer_append_string(out, value > 0 ? "+Inf" : "-Inf");
	else
		mlops_buffer_append(out, text, mlops_number_print_double(text, value));
}

static void append_label_value(struct mlops_buffer *out, const char *value)
{
	size_t length = strlen(value);

	for (size_t i = 0; i < length;) {
		size_t bytes = mlops_text_utf8_step(value + i, length - i);

		if (bytes == 0) {
			mlops_buffer_append_string(out, "\xEF\xBF\xBD");
			i++;
			continue;
		}
		if (value[i] == '\\' || value[i] == '"')
			mlops_buffer_append_char(out, '\\');
		if (value[i] == '\n')
			mlops_buffer_append_string(out, "\\n");
		else
			mlops_buffer_append(out, value + i, bytes);
		i += bytes;
	}
}

void mlops_exposition_sample(struct mlops_buffer *out, const char *name, const struct mlops_label *labels,
			     size_t n_labels, double value)
{
	mlops_buffer_append_string(out, name);
	for (size_t i = 0; i < n_labels; i++) {
		mlops_buffer_append_char(out, i == 0 ? '{' : ',');
		mlops_buffer_append_string(out, labels[i].name);
		mlops_buffer_append_string(out, "=\"");
		append_label_value(out, labels[i].value == NULL ? "" : labels[i].value);
		mlops_buffer_append_char(out, '"');
	}
	if (n_labels > 0)
		mlops_buffer_append_char(out, '}');
	mlops_buffer_append_char(out, ' ');
	append_value(out, value);
	mlops_buffer_append_char(out, '\n');
}
