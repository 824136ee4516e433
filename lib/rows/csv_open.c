#include "rows/csv.h"

#include "base/text.h"
#include "rows/cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_ROWS 1000
#define LONGEST_PLAIN 16 /* digits: far from what is too large for a float */
#define MAX_FIELDS ((size_t)65536)
#define DEFAULT_MAX_LINE ((size_t)16 << 20)
/* Places within a record are kept in 32 bits. */
#define LARGEST_MAX_LINE ((size_t)1 << 30)

/* What the window says about a field, for both decimal marks until one is chosen. */
struct field_seen {
	size_t present;
	size_t bad_point; /* not numbers when the mark is a point */
	size_t bad_comma;
	size_t point; /* numbers only because the mark is a point */
	size_t comma;
};

struct opening {
	struct mlops_csv_reader *csv;
	struct mlops_error *error;
	const char *name;
	uint64_t header_line;
	char **names; /* [n_header] */
	size_t n_header;
	struct field_seen *seen; /* [n_header + 1] */
	size_t rows;             /* in the window, those that have the header's length or one field more */
	size_t longer_rows;      /* those that have one field more */
	size_t longer_present;   /* and of them, those whose last field is not missing */
};

static bool fail(const struct opening *opening, const char *message)
{
	return mlops_error_set_at(opening->error, MLOPS_DATA, opening->name, opening->header_line, "%s",
				  message);
}

static bool find_delimiter(struct opening *opening)
{
	struct mlops_csv_input *input = &opening->csv->input;
	struct mlops_csv_sniff sniff = { .candidates = ",;\t|", .at_start = true };

	/* The position is from the header's first byte, which is where the input stands once empty lines are
	 * passed. */
	while (!mlops_csv_input_skip_empty(input)) {
		if (input->ended)
			return mlops_error_set(opening->error, MLOPS_DATA, "%s: the input is empty",
					       opening->name);
		if (!mlops_csv_input_fill(input, opening->error))
			return false;
	}
	opening->header_line = input->next_line;
	input->delimiter = opening->csv->options->delimiter;
	if (input->delimiter != '\0')
		return true;
	while (!mlops_csv_sniff(&sniff, input->buffer + input->at, input->end - input->at, input->ended)) {
		/* Too long a line is found again, and named, when it is read. */
		if (sniff.position > input->max_line + 1)
			break;
		if (!mlops_csv_input_fill(input, opening->error))
			return false;
	}
	input->delimiter = mlops_csv_sniff_result(&sniff);
	return true;
}

/* A record while opening: waits for it.  False at the end too, then no error is set. */
static bool next_record(struct opening *opening)
{
	struct mlops_csv_input *input = &opening->csv->input;

	for (;;) {
		switch (mlops_csv_input_step(input, opening->error)) {
		case MLOPS_CSV_RECORD:
			return true;
		case MLOPS_CSV_MORE:
			if (!mlops_csv_input_fill(input, opening->error))
				return false;
			break;
		case MLOPS_CSV_END:
		case MLOPS_CSV_FAILED:
			return false;
		}
	}
}

static char *copy_name(struct opening *opening, const struct mlops_csv_field *field)
{
	struct mlops_csv_reader *csv = opening->csv;
	char masked[MLOPS_TEXT_QUOTED];
	size_t length;
	const char *bytes = mlops_csv_text(csv->input.bytes, field, &csv->scratch, &length);
	char *name;

	while (bytes != NULL && length > 0 && (*bytes == ' ' || *bytes == '\t')) {
		bytes++;
		length--;
	}
	while (bytes != NULL && length > 0 && (bytes[length - 1] == ' ' || bytes[length - 1] == '\t'))
		length--;
	if (bytes != NULL && !mlops_text_is_utf8(bytes, length)) {
		mlops_error_set_at(
			opening->error, MLOPS_DATA, opening->name, opening->header_line,
			"the column name '%s' is not UTF-8; convert the input, for example with iconv",
			mlops_text_mask(masked, bytes, length));
		return NULL;
	}
	name = bytes != NULL ? strndup(bytes, length) : NULL;
	if (name == NULL)
		mlops_error_set_memory(opening->error);
	return name;
}

static bool read_header(struct opening *opening)
{
	struct mlops_csv_input *input = &opening->csv->input;
	struct mlops_csv_record *record = &input->record;
	size_t length;

	/* Twice: first to count the fields, then to keep them. */
	mlops_csv_input_pin(input);
	if (!next_record(opening))
		return false;
	if (input->has_nul)
		return fail(opening, "NUL byte in the input: this is a binary file, not CSV");
	if (record->n_fields > MAX_FIELDS)
		return mlops_error_set_at(opening->error, MLOPS_DATA, opening->name, opening->header_line,
					  "the header has %zu fields, more than %zu", record->n_fields,
					  MAX_FIELDS);
	opening->n_header = record->n_fields;
	record->room = record->n_fields + 1;
	record->fields = calloc(record->room, sizeof *record->fields);
	opening->names = calloc(opening->n_header, sizeof *opening->names);
	opening->seen = calloc(opening->n_header + 1, sizeof *opening->seen);
	if (record->fields == NULL || opening->names == NULL || opening->seen == NULL)
		return mlops_error_set_memory(opening->error);
	mlops_csv_input_rewind(input);
	if (!next_record(opening))
		return false;
	if (record->broken)
		return mlops_error_set_at(opening->error, MLOPS_DATA, opening->name, opening->header_line,
					  "field %zu of the header: text after the closing quote",
					  record->broken_field + 1);
	length = record->length;
	if (memchr(input->bytes, '\r', length) != NULL && memchr(input->bytes, '"', length) == NULL)
		return fail(opening, "lines end in CR alone; end them in LF or CRLF");
	for (size_t i = 0; i < opening->n_header; i++) {
		opening->names[i] = copy_name(opening, &record->fields[i]);
		if (opening->names[i] == NULL)
			return false;
	}
	return true;
}

/* 12 or -3.25, as nearly all cells are: about those there is nothing to find out. */
static bool is_plain(const char *bytes, size_t length, bool *fraction)
{
	size_t i = length > 0 && bytes[0] == '-';
	size_t begin = i;

	if (length > LONGEST_PLAIN)
		return false;
	while (i < length && bytes[i] >= '0' && bytes[i] <= '9')
		i++;
	*fraction = i < length;
	if (i == begin || (*fraction && bytes[i] != '.'))
		return false;
	if (!*fraction)
		return true;
	begin = ++i;
	while (i < length && bytes[i] >= '0' && bytes[i] <= '9')
		i++;
	return i == length && i > begin;
}

static bool see_field(struct opening *opening, const struct mlops_csv_field *field, struct field_seen *seen,
		      bool *present)
{
	struct mlops_csv_reader *csv = opening->csv;
	enum mlops_cell_status point;
	enum mlops_cell_status comma;
	size_t length;
	const char *bytes = mlops_csv_text(csv->input.bytes, field, &csv->scratch, &length);
	bool fraction;
	float value;

	if (bytes == NULL)
		return mlops_error_set_memory(opening->error);
	if (csv->options->n_na == 0 && is_plain(bytes, length, &fraction)) {
		*present = true;
		seen->present++;
		seen->bad_comma += fraction;
		seen->point += fraction;
		return true;
	}
	point = mlops_cell_to_number(csv->options, bytes, length, '.', &value);
	*present = !(point == MLOPS_CELL_OK && isnan(value));
	comma = mlops_cell_to_number(csv->options, bytes, length, ',', &value);
	*present = *present && !(comma == MLOPS_CELL_OK && isnan(value));
	if (!*present)
		return true;
	seen->present++;
	/* A number too large is a number when it comes to guessing. */
	seen->bad_point += point == MLOPS_CELL_NOT_NUMBER;
	seen->bad_comma += comma == MLOPS_CELL_NOT_NUMBER;
	seen->point += point == MLOPS_CELL_OK && comma == MLOPS_CELL_NOT_NUMBER;
	seen->comma += comma == MLOPS_CELL_OK && point == MLOPS_CELL_NOT_NUMBER;
	return true;
}

static bool see_row(struct opening *opening)
{
	const struct mlops_csv_record *record = &opening->csv->input.record;
	size_t n_header = opening->n_header;
	bool present = false;

	/* Flawed rows are judged when they are read; what they say about the columns is not reliable. */
	if (record->broken || opening->csv->input.has_nul ||
	    (record->n_fields != n_header && record->n_fields != n_header + 1))
		return true;
	for (size_t i = 0; i < record->n_fields; i++)
		if (!see_field(opening, &record->fields[i], &opening->seen[i], &present))
			return false;
	opening->rows++;
	if (record->n_fields > n_header) {
		opening->longer_rows++;
		opening->longer_present += present;
	}
	return true;
}

static bool see_window(struct opening *opening)
{
	struct mlops_csv_input *input = &opening->csv->input;
	bool interactive = opening->csv->options->interactive;
	struct mlops_error later = MLOPS_ERROR_INIT;
	size_t rows = 0;

	mlops_csv_input_pin(input);
	while (rows < WINDOW_ROWS && input->at - input->kept < MLOPS_CSV_WINDOW_BYTES) {
		switch (mlops_csv_input_step(input, &later)) {
		case MLOPS_CSV_RECORD:
			if (!see_row(opening))
				return false;
			rows++;
			continue;
		case MLOPS_CSV_MORE:
			if (interactive && rows > 0 && !mlops_source_ready(input->source))
				break;
			if (!mlops_csv_input_fill(input, opening->error))
				return false;
			continue;
		case MLOPS_CSV_END:
		case MLOPS_CSV_FAILED:
			/* What failed fails again when it is read, after the rows ahead of it. */
			break;
		}
		break;
	}
	mlops_csv_input_rewind(input);
	return true;
}

static char choose_decimal(const struct opening *opening)
{
	const struct mlops_csv_reader *csv = opening->csv;
	size_t point = 0;
	size_t comma = 0;

	if (csv->options->decimal != '\0')
		return csv->options->decimal;
	if (csv->input.delimiter != ';')
		return '.';
	for (size_t i = 0; i <= opening->n_header; i++) {
		point += opening->seen[i].point;
		comma += opening->seen[i].comma;
	}
	return point > comma ? '.' : ',';
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool check_names(const struct opening *opening)
{
	const struct mlops_reader *reader = &opening->csv->base;
	const char **sorted = calloc(reader->n_columns, sizeof *sorted);
	char masked[MLOPS_TEXT_QUOTED];
	bool ok = true;

	if (sorted == NULL)
		return mlops_error_set_memory(opening->error);
	for (size_t i = 0; i < reader->n_columns; i++)
		sorted[i] = reader->columns[i].name;
	qsort(sorted, reader->n_columns, sizeof *sorted, compare_names);
	for (size_t i = 1; i < reader->n_columns && ok; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			ok = mlops_error_set_at(opening->error, MLOPS_DATA, opening->name,
						opening->header_line, "column \"%s\" is there twice",
						mlops_text_mask(masked, sorted[i], strlen(sorted[i])));
	free(sorted);
	return ok;
}

static void add_column(struct mlops_csv_reader *csv, char *name, size_t field, const struct field_seen *seen)
{
	size_t bad = csv->decimal == ',' ? seen->bad_comma : seen->bad_point;

	csv->fields[csv->base.n_columns] = field;
	csv->base.columns[csv->base.n_columns++] = (struct mlops_column_info){
		.name = name,
		.guess = seen->present > 0 && bad >= seen->present - bad ? MLOPS_COLUMN_TEXT
									 : MLOPS_COLUMN_NUMBER,
		.all_missing = seen->present == 0,
	};
}

/* What R writes without any name, and pandas with an empty one. */
static bool add_row_name(struct opening *opening)
{
	struct mlops_csv_reader *csv = opening->csv;
	char *name = strdup("row");

	if (name == NULL)
		return mlops_error_set_memory(opening->error);
	add_column(csv, name, 0, &opening->seen[0]);
	csv->base.columns[0].row_name = true;
	return true;
}

static bool make_columns(struct opening *opening)
{
	struct mlops_csv_reader *csv = opening->csv;
	/* A delimiter at the end of every row makes one field more as well, but no row names. */
	size_t shift = opening->longer_rows > 0 && opening->longer_rows == opening->rows &&
		       opening->longer_present > 0;

	csv->n_fields = opening->n_header + shift;
	csv->fields = calloc(csv->n_fields, sizeof *csv->fields);
	csv->base.columns = calloc(csv->n_fields, sizeof *csv->base.columns);
	if (csv->fields == NULL || csv->base.columns == NULL)
		return mlops_error_set_memory(opening->error);
	if (shift > 0 && !add_row_name(opening))
		return false;
	for (size_t i = 0; i < opening->n_header; i++) {
		const struct field_seen *seen = &opening->seen[i + shift];

		if (*opening->names[i] != '\0') {
			add_column(csv, opening->names[i], i + shift, seen);
			opening->names[i] = NULL;
		} else if (i + shift == 0 && seen->present > 0) {
			if (!add_row_name(opening))
				return false;
		} else if (seen->present > 0) {
			return mlops_error_set_at(opening->error, MLOPS_DATA, opening->name,
						  opening->header_line, "column %zu has values but no name",
						  i + 1);
		}
	}
	if (csv->base.n_columns == 0)
		return fail(opening, "the header names no column");
	return check_names(opening);
}

struct mlops_reader *mlops_csv_open(struct mlops_source *source, const void *head, size_t head_length,
				    const struct mlops_read_options *options, struct mlops_error *error)
{
	struct mlops_csv_reader *csv = calloc(1, sizeof *csv);
	struct opening opening = { .csv = csv, .error = error, .name = mlops_source_name(source) };
	size_t max_line = options->max_line > 0 ? options->max_line : DEFAULT_MAX_LINE;
	bool ok = false;

	if (csv == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	csv->base.ops = &mlops_csv_ops;
	csv->base.name = opening.name;
	csv->options = options;
	if (max_line > LARGEST_MAX_LINE)
		max_line = LARGEST_MAX_LINE;
	if (!mlops_csv_input_init(&csv->input, source, max_line, head, head_length, error))
		goto done;
	if (!find_delimiter(&opening) || !read_header(&opening) || !see_window(&opening))
		goto done;
	csv->decimal = choose_decimal(&opening);
	if (!mlops_cell_na_values(options, csv->decimal, &csv->na_values, &csv->n_na_values, error))
		goto done;
	ok = make_columns(&opening);

done:
	for (size_t i = 0; i < opening.n_header && opening.names != NULL; i++)
		free(opening.names[i]);
	free(opening.names);
	free(opening.seen);
	if (ok)
		return &csv->base;
	mlops_csv_ops.free(&csv->base);
	return NULL;
}
