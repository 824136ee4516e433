#include "rows/writer.h"

#include "base/json_writer.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

/* What a field needs at most beside the texts around it, cells aside: a score and its NUL. */
#define FIELD_BYTES 16
/* Texts are copied in a block of this size where they fit: that is faster than a call for their length. */
#define BLOCK 32

/* What stands around a field's value: {"a": …, then ,"b": …, and } behind it where it closes a group. */
struct mlops_writer_field {
	char *name;
	char *group;
	struct mlops_buffer before; /* at least BLOCK bytes may be read */
	bool closes_group;
};

struct mlops_writer {
	enum mlops_write_format format;
	struct mlops_writer_field *fields;
	size_t n_fields;
	size_t row_bytes; /* room for a row, cells aside */
};

struct mlops_writer *mlops_writer_new(enum mlops_write_format format, struct mlops_error *error)
{
	struct mlops_writer *writer = calloc(1, sizeof *writer);

	if (writer == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	writer->format = format;
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
	free(writer);
}

bool mlops_writer_add_field(struct mlops_writer *writer, const char *name, const char *group,
			    struct mlops_error *error)
{
	struct mlops_writer_field *fields = realloc(writer->fields, (writer->n_fields + 1) * sizeof *fields);
	struct mlops_writer_field *field;

	if (fields == NULL)
		return mlops_error_set_memory(error);
	writer->fields = fields;
	field = &fields[writer->n_fields++];
	*field = (struct mlops_writer_field){
		.name = strdup(name), .group = group != NULL ? strdup(group) : NULL,
	};
	if (field->name == NULL || (group != NULL && field->group == NULL))
		return mlops_error_set_memory(error);
	return true;
}

static bool same_group(const struct mlops_writer_field *a, const struct mlops_writer_field *b)
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

static void put_csv_name(const struct mlops_writer_field *field, struct mlops_buffer *out)
{
	struct mlops_buffer name = MLOPS_BUFFER_INIT;

	if (field->group != NULL)
		mlops_buffer_append_format(&name, "%s_", field->group);
	mlops_buffer_append_string(&name, field->name);
	put_quoted(out, name.data, name.length);
	out->failed |= name.failed;
	mlops_buffer_release(&name);
}

static void prepare_json(struct mlops_writer_field *field, const struct mlops_writer_field *last)
{
	struct mlops_json json = { .out = &field->before };

	mlops_buffer_append_char(&field->before, last != NULL ? ',' : '{');
	if (field->group != NULL && (last == NULL || !same_group(last, field))) {
		mlops_json_string(&json, field->group);
		mlops_buffer_append_string(&field->before, ":{");
	}
	json = (struct mlops_json){ .out = &field->before };
	mlops_json_string(&json, field->name);
	mlops_buffer_append_char(&field->before, ':');
}

bool mlops_writer_begin(struct mlops_writer *writer, struct mlops_buffer *out, struct mlops_error *error)
{
	bool csv = writer->format == MLOPS_WRITE_CSV;

	writer->row_bytes = BLOCK;
	for (size_t i = 0; i < writer->n_fields; i++) {
		struct mlops_writer_field *field = &writer->fields[i];
		char *block = mlops_buffer_reserve(&field->before, BLOCK);

		if (block == NULL)
			return mlops_error_set_memory(error);
		memset(block, 0, BLOCK);
		field->closes_group = !csv && field->group != NULL &&
				      (i + 1 == writer->n_fields || !same_group(field, field + 1));
		if (!csv) {
			prepare_json(field, i > 0 ? field - 1 : NULL);
		} else {
			if (i > 0) {
				mlops_buffer_append_char(&field->before, ',');
				mlops_buffer_append_char(out, ',');
			}
			put_csv_name(field, out);
		}
		if (field->before.failed)
			return mlops_error_set_memory(error);
		writer->row_bytes += field->before.length + FIELD_BYTES;
	}
	if (csv)
		mlops_buffer_append_char(out, '\n');
	return !out->failed || mlops_error_set_memory(error);
}

static inline void begin_field(struct mlops_row *row)
{
	const struct mlops_buffer *before = &row->field->before;

	memcpy(row->at, before->data, BLOCK);
	if (before->length > BLOCK)
		memcpy(row->at + BLOCK, before->data + BLOCK, before->length - BLOCK);
	row->at += before->length;
}

static inline void end_field(struct mlops_row *row)
{
	if (row->field->closes_group)
		*row->at++ = '}';
	row->field++;
}

void mlops_row_begin(struct mlops_row *row, const struct mlops_writer *writer, struct mlops_buffer *out)
{
	*row = (struct mlops_row){
		.writer = writer,
		.field = writer->fields,
		.out = out,
		.at = mlops_buffer_reserve(out, writer->row_bytes),
	};
}

void mlops_row_put_cell(struct mlops_row *row, struct mlops_cell cell)
{
	struct mlops_json json = { .out = row->out };

	if (row->at == NULL)
		return;
	begin_field(row);
	row->out->length = (size_t)(row->at - row->out->data);
	if (row->writer->format == MLOPS_WRITE_CSV) {
		if (cell.present)
			put_quoted(row->out, cell.bytes, cell.length);
	} else if (!cell.present) {
		mlops_buffer_append(row->out, "null", 4);
	} else if (cell.is_number) {
		mlops_buffer_append(row->out, cell.bytes, cell.length);
	} else {
		mlops_json_text(&json, cell.bytes, cell.length);
	}
	row->at = mlops_buffer_reserve(row->out, row->writer->row_bytes);
	if (row->at != NULL)
		end_field(row);
}

void mlops_row_put_string(struct mlops_row *row, const char *string)
{
	mlops_row_put_cell(row,
			   (struct mlops_cell){ .bytes = string, .length = strlen(string), .present = true });
}

void mlops_row_put_json(struct mlops_row *row, const char *bytes, size_t length)
{
	/* As numbers are: put out as they are. */
	mlops_row_put_cell(row, (struct mlops_cell){ .bytes = bytes, .length = length, .present = bytes != NULL, .is_number = true });
}

void mlops_row_put_unit(struct mlops_row *row, float value)
{
	if (row->at == NULL)
		return;
	begin_field(row);
	row->at += mlops_number_print_unit(row->at, value);
	end_field(row);
}

void mlops_row_put_bool(struct mlops_row *row, bool value)
{
	if (row->at == NULL)
		return;
	begin_field(row);
	memcpy(row->at, value ? "true" : "false", 5);
	row->at += value ? 4 : 5;
	end_field(row);
}

void mlops_row_end(struct mlops_row *row)
{
	if (row->at == NULL)
		return;
	if (row->writer->format == MLOPS_WRITE_JSONL)
		*row->at++ = '}';
	*row->at++ = '\n';
	row->out->length = (size_t)(row->at - row->out->data);
}
