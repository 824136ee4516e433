#include "rows/writer.h"

#include "base/json_writer.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH_BYTES ((size_t)64 << 10)

/* What stands around a field's value: {"a": …, then ,"b": …, and } or }} at the end. */
struct field {
	char *name;
	char *group;
	struct mlops_buffer before;
	bool closes_group;
};

struct mlops_writer {
	enum mlops_write_format format;
	mlops_sink *sink;
	void *context;
	struct field *fields;
	size_t n_fields;
	size_t next; /* field of the row */
	bool ready;  /* the texts around the fields are made, the header is written */
	struct mlops_buffer out;
};

struct mlops_writer *mlops_writer_new(enum mlops_write_format format, mlops_sink *sink, void *context,
				      struct mlops_error *error)
{
	struct mlops_writer *writer = calloc(1, sizeof *writer);

	if (writer == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	writer->format = format;
	writer->sink = sink;
	writer->context = context;
	return writer;
}

void mlops_writer_free(struct mlops_writer *writer)
{
	if (writer == NULL)
		return;
	for (size_t i = 0; i < writer->n_fields; i++) {
		free(writer->fields[i].name);
		free(writer->fields[i].group);
		mlops_buffer_release(&writer->fields[i].before);
	}
	free(writer->fields);
	mlops_buffer_release(&writer->out);
	free(writer);
}

bool mlops_writer_add_field(struct mlops_writer *writer, const char *name, const char *group, struct mlops_error *error)
{
	struct field *fields = realloc(writer->fields, (writer->n_fields + 1) * sizeof *fields);
	struct field *field;

	if (fields == NULL)
		return mlops_error_set_memory(error);
	writer->fields = fields;
	field = &fields[writer->n_fields++];
	*field = (struct field){ .name = strdup(name), .group = group != NULL ? strdup(group) : NULL };
	if (field->name == NULL || (group != NULL && field->group == NULL))
		return mlops_error_set_memory(error);
	return true;
}

static bool same_group(const struct field *a, const struct field *b)
{
	return a->group != NULL && b->group != NULL && strcmp(a->group, b->group) == 0;
}

static void put_quoted(struct mlops_buffer *out, const char *bytes, size_t length)
{
	bool plain = length > 0 && bytes[0] != ' ' && bytes[length - 1] != ' ';

	for (size_t i = 0; plain && i < length; i++)
		plain = bytes[i] != '"' && bytes[i] != ',' && bytes[i] != '\n' && bytes[i] != '\r';
	if (plain) {
		mlops_buffer_append(out, bytes, length);
		return;
	}
	mlops_buffer_append_char(out, '"');
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '"')
			mlops_buffer_append_char(out, '"');
		mlops_buffer_append_char(out, bytes[i]);
	}
	mlops_buffer_append_char(out, '"');
}

/* Makes `before` of every field, so that a row costs one copy a field; and the header of CSV. */
static void prepare(struct mlops_writer *writer)
{
	for (size_t i = 0; i < writer->n_fields; i++) {
		struct field *field = &writer->fields[i];
		const struct field *last = i > 0 ? field - 1 : NULL;
		bool inside = last != NULL && same_group(last, field);
		struct mlops_json json = { .out = &field->before };

		field->closes_group = field->group != NULL &&
				      (i + 1 == writer->n_fields || !same_group(field, field + 1));
		if (writer->format == MLOPS_WRITE_CSV) {
			if (i > 0) {
				mlops_buffer_append_char(&field->before, ',');
				mlops_buffer_append_char(&writer->out, ',');
			}
			if (field->group != NULL) {
				struct mlops_buffer name = MLOPS_BUFFER_INIT;

				mlops_buffer_append_format(&name, "%s_%s", field->group, field->name);
				put_quoted(&writer->out, name.data, name.length);
				writer->out.failed |= name.failed;
				mlops_buffer_release(&name);
			} else {
				put_quoted(&writer->out, field->name, strlen(field->name));
			}
			continue;
		}
		mlops_buffer_append_char(&field->before, i > 0 ? ',' : '{');
		if (field->group != NULL && !inside) {
			mlops_json_string(&json, field->group);
			mlops_buffer_append_string(&field->before, ":{");
		}
		json = (struct mlops_json){ .out = &field->before };
		mlops_json_string(&json, field->name);
		mlops_buffer_append_char(&field->before, ':');
		writer->out.failed |= field->before.failed;
	}
	if (writer->format == MLOPS_WRITE_CSV)
		mlops_buffer_append_char(&writer->out, '\n');
	writer->ready = true;
}

static void begin(struct mlops_writer *writer)
{
	const struct mlops_buffer *before;

	if (!writer->ready)
		prepare(writer);
	before = &writer->fields[writer->next].before;
	mlops_buffer_append(&writer->out, before->data, before->length);
}

static void end(struct mlops_writer *writer)
{
	if (writer->format == MLOPS_WRITE_JSONL && writer->fields[writer->next].closes_group)
		mlops_buffer_append_char(&writer->out, '}');
	writer->next++;
}

void mlops_writer_put_cell(struct mlops_writer *writer, struct mlops_cell cell)
{
	begin(writer);
	if (writer->format == MLOPS_WRITE_CSV) {
		if (cell.present)
			put_quoted(&writer->out, cell.bytes, cell.length);
	} else if (!cell.present) {
		mlops_buffer_append(&writer->out, "null", 4);
	} else if (cell.is_number) {
		mlops_buffer_append(&writer->out, cell.bytes, cell.length);
	} else {
		struct mlops_json json = { .out = &writer->out };

		mlops_json_text(&json, cell.bytes, cell.length);
	}
	end(writer);
}

void mlops_writer_put_string(struct mlops_writer *writer, const char *string)
{
	mlops_writer_put_cell(writer, (struct mlops_cell){ .bytes = string, .length = strlen(string), .present = true });
}

void mlops_writer_put_unit(struct mlops_writer *writer, float value)
{
	char text[MLOPS_NUMBER_TEXT];

	begin(writer);
	mlops_buffer_append(&writer->out, text, mlops_number_print_unit(text, value));
	end(writer);
}

void mlops_writer_put_bool(struct mlops_writer *writer, bool value)
{
	begin(writer);
	if (value)
		mlops_buffer_append(&writer->out, "true", 4);
	else
		mlops_buffer_append(&writer->out, "false", 5);
	end(writer);
}

bool mlops_writer_end_row(struct mlops_writer *writer, struct mlops_error *error)
{
	writer->next = 0;
	if (writer->format == MLOPS_WRITE_JSONL)
		mlops_buffer_append(&writer->out, "}\n", 2);
	else
		mlops_buffer_append_char(&writer->out, '\n');
	return writer->out.length < FLUSH_BYTES || mlops_writer_flush(writer, error);
}

bool mlops_writer_flush(struct mlops_writer *writer, struct mlops_error *error)
{
	bool ok = true;

	if (!writer->ready)
		prepare(writer);
	if (writer->out.failed)
		return mlops_error_set_memory(error);
	if (writer->out.length > 0)
		ok = writer->sink(writer->context, writer->out.data, writer->out.length, error);
	mlops_buffer_clear(&writer->out);
	return ok;
}
