#include "tests/unit/table_text.h"

#include "base/number.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_error(struct mlops_buffer *out, const struct mlops_error *error)
{
	mlops_buffer_append_string(out, mlops_code_describe(error->code)->name);
	mlops_buffer_append_char(out, ' ');
	if (error->line > 0)
		mlops_buffer_append_format(out, "%s:%llu: ", error->source, (unsigned long long)error->line);
	mlops_buffer_append_string(out, error->message);
	mlops_buffer_append_char(out, '\n');
}

static void put_count(struct mlops_buffer *out, const char *name, uint64_t count)
{
	if (count > 0)
		mlops_buffer_append_format(out, ", %s %llu", name, (unsigned long long)count);
}

static void put_cell(struct mlops_buffer *out, const struct mlops_chunk *chunk, size_t column, size_t row)
{
	char text[MLOPS_NUMBER_TEXT + MLOPS_TIME_TEXT];
	struct mlops_cell cell;

	mlops_buffer_append_char(out, ' ');
	switch (chunk->columns[column].type) {
	case MLOPS_COLUMN_NUMBER:
		if (isnan(chunk->columns[column].numbers[row]))
			strcpy(text, "-");
		else
			mlops_number_print_float(text, chunk->columns[column].numbers[row]);
		mlops_buffer_append_string(out, text);
		break;
	case MLOPS_COLUMN_TIME:
		if (chunk->columns[column].times[row] == MLOPS_TIME_MISSING)
			strcpy(text, "-");
		else
			mlops_time_print(text, chunk->columns[column].times[row]);
		mlops_buffer_append_string(out, text);
		break;
	case MLOPS_COLUMN_TEXT:
		cell = mlops_chunk_cell(chunk, column, row);
		if (cell.present && !cell.is_number)
			mlops_buffer_append_char(out, '\'');
		mlops_buffer_append(out, cell.present ? cell.bytes : "-", cell.present ? cell.length : 1);
		if (cell.present)
			mlops_buffer_append_char(out, cell.is_number ? '#' : '\'');
		break;
	}
}

static void put_chunk(struct mlops_buffer *out, const struct mlops_chunk *chunk)
{
	for (size_t row = 0; row < chunk->rows; row++) {
		mlops_buffer_append_format(out, "%llu:", (unsigned long long)chunk->lines[row]);
		for (size_t column = 0; column < chunk->n_columns; column++)
			put_cell(out, chunk, column, row);
		mlops_buffer_append_char(out, '\n');
	}
}

/* "temp N, name T", and which columns are bound as what. */
static size_t choose(struct mlops_buffer *out, const struct mlops_reader *reader, const char *types,
		     struct mlops_binding *bindings, enum mlops_column_type *bound)
{
	size_t n = 0;

	for (size_t i = 0; i < reader->n_columns; i++) {
		char guess = reader->columns[i].guess == MLOPS_COLUMN_TEXT ? 'T' : 'N';
		char type = types != NULL && i < strlen(types) ? types[i] : guess;

		mlops_buffer_append_format(out, "%s%s %c%s", i > 0 ? ", " : "", reader->columns[i].name,
					   guess, reader->columns[i].all_missing ? "-" : "");
		if (type == '.')
			continue;
		bound[n] = type == 'N'   ? MLOPS_COLUMN_NUMBER
			   : type == 'T' ? MLOPS_COLUMN_TEXT
					 : MLOPS_COLUMN_TIME;
		bindings[n] = (struct mlops_binding){ i, bound[n] };
		n++;
	}
	mlops_buffer_append_char(out, '\n');
	return n;
}

char *table_text(struct mlops_source *source, const struct mlops_read_options *options, const char *types)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_reader *reader = mlops_reader_open(source, options, &error);

	if (reader != NULL) {
		const struct mlops_read_counts *counts = &reader->counts;
		struct mlops_binding *bindings = calloc(reader->n_columns, sizeof *bindings);
		enum mlops_column_type *bound = calloc(reader->n_columns, sizeof *bound);
		size_t n = choose(&out, reader, types, bindings, bound);
		struct mlops_chunk *chunk = mlops_chunk_new(bound, n, &error);

		mlops_reader_bind(reader, bindings, n, &error);
		while (mlops_reader_next(reader, chunk, &error) && chunk->rows > 0)
			put_chunk(&out, chunk);
		mlops_buffer_append_format(&out, "rows %llu", (unsigned long long)counts->rows);
		put_count(&out, "skipped", counts->skipped_rows);
		put_count(&out, "nulled", counts->nulled_cells);
		put_count(&out, "parse", counts->parse);
		put_count(&out, "not finite", counts->not_finite);
		put_count(&out, "ragged", counts->ragged);
		mlops_buffer_append_char(&out, '\n');
		mlops_chunk_free(chunk);
		free(bindings);
		free(bound);
	}
	mlops_reader_free(reader);
	if (error.code != MLOPS_OK)
		put_error(&out, &error);
	mlops_buffer_string(&out);
	return out.data;
}

char *table_text_of(const char *csv, size_t length, const struct mlops_read_options *options,
		    const char *types)
{
	struct mlops_source *source = mlops_source_from_memory(csv, length, "t.csv", NULL);
	char *text = table_text(source, options, types);

	mlops_source_free(source);
	return text;
}
