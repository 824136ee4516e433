#include "rows/reader.h"

#include "rows/pivot.h"
#include "rows/time_column.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES ((size_t)64 << 10)

/* How files that are no text begin, and what to do about them. */
struct signature {
	const char *bytes;
	size_t length;
	const char *advice;
};

#define SIGNATURE(bytes, advice) \
	{ \
		bytes, sizeof bytes - 1, advice \
	}

static const struct signature signatures[] = {
	SIGNATURE("\x1f\x8b", "is compressed with gzip; unpack it first, for example with zcat"),
	SIGNATURE("\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it first, for example with zstdcat"),
	SIGNATURE("\xfd\x37zXZ", "is compressed with xz; unpack it first, for example with xzcat"),
	SIGNATURE("BZh91AY", "is compressed with bzip2; unpack it first, for example with bzcat"),
	SIGNATURE("PK\x03\x04", "is a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV"),
	SIGNATURE("PAR1\x15", "is a Parquet file; convert it to CSV or JSON Lines"),
	SIGNATURE("\x89HDF", "is an HDF5 file; convert it to CSV or JSON Lines"),
	SIGNATURE("SQLite format 3", "is an SQLite database; export a table as CSV"),
	SIGNATURE("\xff\xfe", "is UTF-16; convert it to UTF-8, for example with iconv"),
	SIGNATURE("\xfe\xff", "is UTF-16; convert it to UTF-8, for example with iconv"),
	SIGNATURE("\xef\xbb\xbf", NULL),
};

#define N_SIGNATURES (sizeof signatures / sizeof signatures[0])

/* The signature that head begins with; *maybe: head is too short to tell. */
static const struct signature *find_signature(const char *head, size_t length, bool *maybe)
{
	*maybe = false;
	for (size_t i = 0; i < N_SIGNATURES; i++) {
		const struct signature *signature = &signatures[i];
		size_t common = length < signature->length ? length : signature->length;

		if (memcmp(head, signature->bytes, common) != 0)
			continue;
		if (common == signature->length)
			return signature;
		*maybe = true;
	}
	return NULL;
}

static size_t skip_space(const char *head, size_t from, size_t length)
{
	while (from < length && strchr(" \t\r\n", head[from]) != NULL && head[from] != '\0')
		from++;
	return from;
}

struct mlops_reader *mlops_reader_dress(struct mlops_reader *reader, const struct mlops_read_options *options,
				  struct mlops_error *error)
{
	if (reader != NULL && reader->no_rows)
		return reader;
	if (reader != NULL &&
	    (options->n_time_columns > 1 || options->timezone != NULL || options->time_format != NULL))
		reader = mlops_time_column_open(reader, options, error);
	if (reader != NULL && options->pivot != NULL)
		reader = mlops_pivot_open(reader, options, error);
	return reader;
}

struct mlops_reader *mlops_reader_open(struct mlops_source *source, const struct mlops_read_options *options,
				       struct mlops_error *error)
{
	return mlops_reader_open_behind(source, &(struct mlops_buffer)MLOPS_BUFFER_INIT, options, error);
}

struct mlops_reader *mlops_reader_open_behind(struct mlops_source *source, const struct mlops_buffer *first,
					      const struct mlops_read_options *options,
					      struct mlops_error *error)
{
	struct mlops_reader *reader = NULL;
	const struct signature *signature = NULL;
	const char *name = mlops_source_name(source);
	size_t room = first->length < HEAD_BYTES ? HEAD_BYTES : first->length;
	char *head = malloc(room);
	size_t length = first->length;
	size_t begin = 0;
	size_t text;
	size_t got = 1;
	bool maybe;

	if (head == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	if (length > 0)
		memcpy(head, first->data, length);
	for (;;) {
		signature = find_signature(head, length, &maybe);
		begin = signature != NULL && signature->advice == NULL ? signature->length : 0;
		text = skip_space(head, begin, length);
		if (got == 0 || (!maybe && text < length) || length == room)
			break;
		if (!mlops_source_read(source, head + length, room - length, &got, error))
			goto done;
		length += got;
	}
	if (signature != NULL && signature->advice != NULL) {
		mlops_error_set(error, MLOPS_DATA, "%s: the input %s", name, signature->advice);
		goto done;
	}
	if (text == length && got == 0) {
		mlops_error_set(error, MLOPS_DATA, "%s: the input is empty", name);
		goto done;
	}
	if (options->format == MLOPS_FORMAT_JSON || (options->format == MLOPS_FORMAT_AUTO && text < length &&
						     (head[text] == '{' || head[text] == '[')))
		reader = mlops_json_open_reader(source, head + begin, length - begin, options, error);
	else
		reader = mlops_csv_open(source, head + begin, length - begin, options, error);
	if (reader != NULL)
		reader->name = name;
	reader = mlops_reader_dress(reader, options, error);

done:
	free(head);
	return reader;
}

bool mlops_reader_bind(struct mlops_reader *reader, const struct mlops_binding *bindings, size_t n,
		       struct mlops_error *error)
{
	return reader->ops->bind(reader, bindings, n, error);
}

bool mlops_reader_next(struct mlops_reader *reader, struct mlops_chunk *chunk, struct mlops_error *error)
{
	return reader->ops->next(reader, chunk, error);
}

void mlops_reader_free(struct mlops_reader *reader)
{
	if (reader != NULL)
		reader->ops->free(reader);
}
