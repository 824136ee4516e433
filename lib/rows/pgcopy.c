#include "rows/pgcopy.h"

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "rows/cell.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define SIGNATURE	  "PGCOPY\n\377\r\n"
#define HEADER_BYTES	  19 /* the signature with its NUL, flags, length of the extension */
#define LARGEST_EXTENSION 65536
/* PostgreSQL counts from 2000-01-01. */
#define EPOCH INT64_C(946684800000000)

static const struct {
	uint32_t oid;
	enum mlops_pgcopy_type type;
} types[] = {
	{ 16, MLOPS_PGCOPY_BOOL },	{ 18, MLOPS_PGCOPY_TEXT },	  { 19, MLOPS_PGCOPY_TEXT },
	{ 20, MLOPS_PGCOPY_INT8 },	{ 21, MLOPS_PGCOPY_INT2 },	  { 23, MLOPS_PGCOPY_INT4 },
	{ 25, MLOPS_PGCOPY_TEXT },	{ 26, MLOPS_PGCOPY_OID },	  { 700, MLOPS_PGCOPY_FLOAT4 },
	{ 701, MLOPS_PGCOPY_FLOAT8 },	{ 1042, MLOPS_PGCOPY_TEXT },	  { 1043, MLOPS_PGCOPY_TEXT },
	{ 1082, MLOPS_PGCOPY_DATE },	{ 1114, MLOPS_PGCOPY_TIMESTAMP }, { 1184, MLOPS_PGCOPY_TIMESTAMPTZ },
	{ 1700, MLOPS_PGCOPY_NUMERIC }, { 2950, MLOPS_PGCOPY_UUID },
};

/* Bytes of a field, 0: any number. */
static const uint8_t sizes[] = {
	[MLOPS_PGCOPY_BOOL] = 1,      [MLOPS_PGCOPY_INT2] = 2,	      [MLOPS_PGCOPY_INT4] = 4,
	[MLOPS_PGCOPY_INT8] = 8,      [MLOPS_PGCOPY_OID] = 4,	      [MLOPS_PGCOPY_FLOAT4] = 4,
	[MLOPS_PGCOPY_FLOAT8] = 8,    [MLOPS_PGCOPY_UUID] = 16,	      [MLOPS_PGCOPY_DATE] = 4,
	[MLOPS_PGCOPY_TIMESTAMP] = 8, [MLOPS_PGCOPY_TIMESTAMPTZ] = 8,
};

enum mlops_pgcopy_type mlops_pgcopy_type_of(uint32_t oid)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].oid == oid)
			return types[i].type;
	return MLOPS_PGCOPY_UNKNOWN;
}

bool mlops_pgcopy_is_number(enum mlops_pgcopy_type type)
{
	return type >= MLOPS_PGCOPY_BOOL && type <= MLOPS_PGCOPY_NUMERIC;
}

static uint16_t get_u16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get_u32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return be32toh(value);
}

static uint64_t get_u64(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return be64toh(value);
}

static float get_float(const unsigned char *at)
{
	uint32_t bits = get_u32(at);
	float value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static double get_double(const unsigned char *at)
{
	uint64_t bits = get_u64(at);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* What follows is 16 bits each: number of digits, weight of the first, sign, decimals to show, digits to
 * base 10,000. */
struct numeric {
	size_t n_digits;
	int weight;
	unsigned sign;
	unsigned scale;
	const unsigned char *digits;
};

#define NUMERIC_NEGATIVE       0x4000u
#define NUMERIC_NAN	       0xC000u
#define NUMERIC_INFINITY       0xD000u
#define NUMERIC_MINUS_INFINITY 0xF000u

static bool read_numeric(const unsigned char *bytes, size_t length, struct numeric *numeric)
{
	if (length < 8 || length % 2 != 0 || get_u16(bytes) != (length - 8) / 2)
		return false;
	*numeric = (struct numeric){ get_u16(bytes), (int16_t)get_u16(bytes + 2), get_u16(bytes + 4),
				     get_u16(bytes + 6), bytes + 8 };
	if (numeric->sign != 0 && numeric->sign != NUMERIC_NEGATIVE)
		return numeric->sign == NUMERIC_NAN || numeric->sign == NUMERIC_INFINITY ||
		       numeric->sign == NUMERIC_MINUS_INFINITY;
	for (size_t i = 0; i < numeric->n_digits; i++)
		if (get_u16(numeric->digits + 2 * i) > 9999)
			return false;
	return numeric->scale <= 0x3FFF;
}

/* The digit to base 10,000 with this weight. */
static unsigned digit_at(const struct numeric *numeric, int weight)
{
	int i = numeric->weight - weight;

	return i < 0 || (size_t)i >= numeric->n_digits ? 0 : get_u16(numeric->digits + 2 * (size_t)i);
}

static void append_digits(struct mlops_buffer *text, unsigned digit, unsigned count, bool lead)
{
	char four[] = { (char)('0' + digit / 1000), (char)('0' + digit / 100 % 10),
			(char)('0' + digit / 10 % 10), (char)('0' + digit % 10) };
	unsigned from = 0;

	while (lead && from < 3 && four[from] == '0')
		from++;
	mlops_buffer_append(text, four + from, count - from);
}

bool mlops_pgcopy_numeric_text(const unsigned char *bytes, size_t length, struct mlops_buffer *text)
{
	struct numeric numeric;
	int weight;
	unsigned left;

	if (!read_numeric(bytes, length, &numeric))
		return false;
	if (numeric.sign == NUMERIC_NAN) {
		mlops_buffer_append_string(text, "NaN");
		return true;
	}
	if (numeric.sign == NUMERIC_NEGATIVE || numeric.sign == NUMERIC_MINUS_INFINITY)
		mlops_buffer_append_char(text, '-');
	if (numeric.sign == NUMERIC_INFINITY || numeric.sign == NUMERIC_MINUS_INFINITY) {
		mlops_buffer_append_string(text, "Infinity");
		return true;
	}
	weight = numeric.weight < 0 ? 0 : numeric.weight;
	for (bool lead = true; weight >= 0; weight--, lead = false)
		append_digits(text, digit_at(&numeric, weight), 4, lead);
	if (numeric.scale > 0)
		mlops_buffer_append_char(text, '.');
	for (left = numeric.scale; left > 0; weight--) {
		unsigned count = left < 4 ? left : 4;

		append_digits(text, digit_at(&numeric, weight), count, false);
		left -= count;
	}
	return true;
}

/* Up to twelve digits, and up to 20 zeros or decimals: a whole number and a power of ten that doubles hold
 * exactly, so that their product or quotient is the nearest double. */
static bool numeric_to_double(const struct numeric *numeric, double *value)
{
	static const double powers[] = { 1, 1e4, 1e8, 1e12, 1e16, 1e20 };
	int power = (int)numeric->n_digits - 1 - numeric->weight;
	double whole = 0;

	if ((numeric->sign != 0 && numeric->sign != NUMERIC_NEGATIVE) || numeric->n_digits > 3 || power > 5 ||
	    power < -5)
		return false;
	for (size_t i = 0; i < numeric->n_digits; i++)
		whole = whole * 10000 + get_u16(numeric->digits + 2 * i);
	*value = power < 0 ? whole * powers[-power] : whole / powers[power];
	if (numeric->sign == NUMERIC_NEGATIVE)
		*value = -*value;
	return true;
}

static bool append_time(const struct mlops_pgcopy_field *field, struct mlops_buffer *text)
{
	char printed[MLOPS_TIME_TEXT];
	bool is_date = field->type == MLOPS_PGCOPY_DATE;
	int64_t value = is_date ? (int32_t)get_u32(field->bytes) : (int64_t)get_u64(field->bytes);
	size_t length;

	if (value == (is_date ? INT32_MAX : INT64_MAX) || value == (is_date ? INT32_MIN : INT64_MIN)) {
		mlops_buffer_append_string(text, value < 0 ? "-infinity" : "infinity");
		return true;
	}
	if (__builtin_mul_overflow(value, is_date ? MLOPS_DAY : 1, &value) ||
	    __builtin_add_overflow(value, EPOCH, &value) || value == MLOPS_TIME_MISSING)
		return false;
	length = mlops_time_print(printed, value);
	if (is_date)
		length = (size_t)(strchr(printed, 'T') - printed);
	else if (field->type == MLOPS_PGCOPY_TIMESTAMP)
		length--;
	mlops_buffer_append(text, printed, length);
	return true;
}

static void append_uuid(const unsigned char *bytes, struct mlops_buffer *text)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			mlops_buffer_append_char(text, '-');
		mlops_buffer_append_char(text, digits[bytes[i] >> 4]);
		mlops_buffer_append_char(text, digits[bytes[i] & 15]);
	}
}

static void append_real(double value, bool single, struct mlops_buffer *text)
{
	char printed[MLOPS_NUMBER_TEXT];
	size_t length;

	if (!isfinite(value)) {
		mlops_buffer_append_string(text, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
		return;
	}
	length = single ? mlops_number_print_float(printed, (float)value)
			: mlops_number_print_double(printed, value);
	mlops_buffer_append(text, printed, length);
}

/* A field that is not NULL and has the bytes its type has, as text; false when there is no such value. */
static bool field_text(const struct mlops_pgcopy_field *field, struct mlops_buffer *text)
{
	const unsigned char *bytes = field->bytes;

	mlops_buffer_clear(text);
	switch (field->type) {
	case MLOPS_PGCOPY_BOOL:
		mlops_buffer_append_string(text, *bytes != 0 ? "true" : "false");
		return true;
	case MLOPS_PGCOPY_INT2:
		mlops_buffer_append_format(text, "%d", (int16_t)get_u16(bytes));
		return true;
	case MLOPS_PGCOPY_INT4:
		mlops_buffer_append_format(text, "%d", (int32_t)get_u32(bytes));
		return true;
	case MLOPS_PGCOPY_INT8:
		mlops_buffer_append_format(text, "%lld", (long long)(int64_t)get_u64(bytes));
		return true;
	case MLOPS_PGCOPY_OID:
		mlops_buffer_append_format(text, "%u", get_u32(bytes));
		return true;
	case MLOPS_PGCOPY_FLOAT4:
		append_real((double)get_float(bytes), true, text);
		return true;
	case MLOPS_PGCOPY_FLOAT8:
		append_real(get_double(bytes), false, text);
		return true;
	case MLOPS_PGCOPY_NUMERIC:
		return mlops_pgcopy_numeric_text(bytes, (size_t)field->length, text);
	case MLOPS_PGCOPY_UUID:
		append_uuid(bytes, text);
		return true;
	case MLOPS_PGCOPY_DATE:
	case MLOPS_PGCOPY_TIMESTAMP:
	case MLOPS_PGCOPY_TIMESTAMPTZ:
		return append_time(field, text);
	case MLOPS_PGCOPY_TEXT:
		mlops_buffer_append(text, bytes, (size_t)field->length);
		return true;
	case MLOPS_PGCOPY_UNKNOWN:
		break;
	}
	return false;
}

static bool field_number(const struct mlops_pgcopy_field *field, double *value)
{
	const unsigned char *bytes = field->bytes;
	struct numeric numeric;

	switch (field->type) {
	case MLOPS_PGCOPY_BOOL:
		*value = *bytes != 0;
		return true;
	case MLOPS_PGCOPY_INT2:
		*value = (int16_t)get_u16(bytes);
		return true;
	case MLOPS_PGCOPY_INT4:
		*value = (int32_t)get_u32(bytes);
		return true;
	case MLOPS_PGCOPY_INT8:
		*value = (double)(int64_t)get_u64(bytes);
		return true;
	case MLOPS_PGCOPY_OID:
		*value = get_u32(bytes);
		return true;
	case MLOPS_PGCOPY_FLOAT4:
		*value = (double)get_float(bytes);
		return true;
	case MLOPS_PGCOPY_FLOAT8:
		*value = get_double(bytes);
		return true;
	case MLOPS_PGCOPY_NUMERIC:
		return read_numeric(bytes, (size_t)field->length, &numeric) &&
		       numeric_to_double(&numeric, value);
	default:
		return false;
	}
}

static enum mlops_cell_status put_number(struct mlops_pgcopy *copy, const struct mlops_pgcopy_field *field,
					 float *cell)
{
	double value;

	if (!field_number(field, &value)) {
		if (!field_text(field, &copy->text))
			return MLOPS_CELL_NOT_NUMBER;
		return mlops_cell_to_number(copy->options, mlops_buffer_string(&copy->text),
					    copy->text.length, '.', cell);
	}
	*cell = (float)value;
	if (!isfinite(*cell)) {
		bool missing = isnan(value);

		*cell = NAN;
		if (missing)
			return MLOPS_CELL_OK;
		/* A mark for "no value" may be a number that no float32 holds. */
		return field_text(field, &copy->text) && mlops_cell_is_missing(copy->options, copy->text.data,
									       copy->text.length)
			       ? MLOPS_CELL_OK
			       : MLOPS_CELL_NOT_FINITE;
	}
	for (size_t i = 0; i < copy->n_na_values; i++)
		if (*cell == copy->na_values[i])
			*cell = NAN;
	return MLOPS_CELL_OK;
}

static enum mlops_cell_status put_time(struct mlops_pgcopy *copy, const struct mlops_pgcopy_field *field,
				       int64_t *cell)
{
	*cell = MLOPS_TIME_MISSING;
	if (!field_text(field, &copy->text))
		return MLOPS_CELL_NOT_TIME;
	/* The years that are read are those of any other source. */
	return mlops_cell_to_time(copy->options, mlops_buffer_string(&copy->text), copy->text.length, cell);
}

static bool put_text(struct mlops_pgcopy *copy, const struct mlops_pgcopy_field *field,
		     struct mlops_chunk *chunk, size_t slot)
{
	const char *bytes = (const char *)field->bytes;
	size_t length = field->length > 0 ? (size_t)field->length : 0;
	bool present = field->length >= 0;

	if (present && field->type != MLOPS_PGCOPY_TEXT) {
		present = field_text(field, &copy->text);
		bytes = mlops_buffer_string(&copy->text);
		length = copy->text.length;
	}
	present = present && !mlops_cell_is_missing(copy->options, bytes, length);
	return !copy->text.failed && mlops_chunk_put_text(chunk, slot, bytes, present ? length : 0, present,
							  present && mlops_pgcopy_is_number(field->type) &&
								  mlops_number_is_json(bytes, length));
}

/* A cell that is no number or time: whether its row stays. */
static bool judge(struct mlops_pgcopy *copy, enum mlops_cell_status status,
		  const struct mlops_pgcopy_field *field, uint8_t *mark)
{
	if (status == MLOPS_CELL_NOT_FINITE)
		copy->counts->not_finite++;
	else
		copy->counts->parse++;
	if (copy->options->on_error == MLOPS_ON_ERROR_NULL) {
		copy->counts->nulled_cells++;
		*mark |= status == MLOPS_CELL_NOT_FINITE ? MLOPS_MARK_NOT_FINITE : MLOPS_MARK_PARSE;
		return true;
	}
	if (copy->options->on_error == MLOPS_ON_ERROR_SKIP) {
		copy->counts->skipped_rows++;
		return false;
	}
	if (!field_text(field, &copy->text))
		mlops_buffer_clear(&copy->text);
	mlops_cell_error(status, copy->source, copy->row, field->name, mlops_buffer_string(&copy->text),
			 copy->text.length, &copy->failed);
	return false;
}

/* The fields' cells as row chunk->rows; false when the row is left out, or copy->failed says why. */
static bool put_row(struct mlops_pgcopy *copy, struct mlops_chunk *chunk)
{
	chunk->lines[chunk->rows] = copy->row;
	chunk->marks[chunk->rows] = 0;
	for (size_t slot = 0; slot < copy->n_slots; slot++) {
		const struct mlops_pgcopy_field *field = &copy->fields[copy->slots[slot]];
		struct mlops_column *column = &chunk->columns[slot];
		enum mlops_cell_status status = MLOPS_CELL_OK;

		switch (column->type) {
		case MLOPS_COLUMN_NUMBER:
			column->numbers[chunk->rows] = NAN;
			if (field->length >= 0)
				status = put_number(copy, field, &column->numbers[chunk->rows]);
			break;
		case MLOPS_COLUMN_TIME:
			column->times[chunk->rows] = MLOPS_TIME_MISSING;
			if (field->length >= 0)
				status = put_time(copy, field, &column->times[chunk->rows]);
			break;
		case MLOPS_COLUMN_TEXT:
			if (!put_text(copy, field, chunk, slot))
				return mlops_error_set_memory(&copy->failed);
			break;
		}
		if (status != MLOPS_CELL_OK && !judge(copy, status, field, &chunk->marks[chunk->rows]))
			return false;
	}
	return true;
}

static bool broken(struct mlops_pgcopy *copy, const char *what)
{
	return mlops_error_set_at(&copy->failed, MLOPS_UNAVAILABLE, copy->source, copy->row,
				  "the server's answer is no binary COPY: %s", what);
}

/* The length of the row that bytes begin with, -1 when more are needed; its fields are set.  0: the end, or
 * an error. */
static ssize_t find_row(struct mlops_pgcopy *copy, const unsigned char *bytes, size_t length)
{
	size_t at = 2;
	int16_t n;

	if (length < 2)
		return -1;
	n = (int16_t)get_u16(bytes);
	if (n == -1) {
		copy->ended = true;
		return 0;
	}
	if (n < 0 || (size_t)n != copy->n_fields) {
		broken(copy, "a row has another number of fields");
		return 0;
	}
	for (size_t i = 0; i < copy->n_fields; i++) {
		struct mlops_pgcopy_field *field = &copy->fields[i];

		if (length - at < 4)
			return -1;
		field->length = (int32_t)get_u32(bytes + at);
		field->bytes = bytes + at + 4;
		at += 4;
		if (field->length == -1)
			continue;
		if (field->length < 0 || (sizes[field->type] != 0 && field->length != sizes[field->type])) {
			broken(copy, "a field has a length that its type has not");
			return 0;
		}
		if (length - at < (size_t)field->length)
			return -1;
		at += (size_t)field->length;
	}
	return (ssize_t)at;
}

/* The same for the header. */
static ssize_t find_header(struct mlops_pgcopy *copy, const unsigned char *bytes, size_t length)
{
	size_t extension;

	if (memcmp(bytes, SIGNATURE, length < sizeof SIGNATURE ? length : sizeof SIGNATURE) != 0) {
		broken(copy, "its signature is missing");
		return 0;
	}
	if (length < HEADER_BYTES)
		return -1;
	/* Flags above 15 change what follows; bit 16 would bring object ids. */
	extension = get_u32(bytes + 15);
	if (get_u32(bytes + 11) >> 16 != 0 || extension > LARGEST_EXTENSION) {
		broken(copy, "it is of a kind that is not known here");
		return 0;
	}
	return length - HEADER_BYTES < extension ? -1 : (ssize_t)(HEADER_BYTES + extension);
}

/* Whole rows of bytes into the chunk. */
static enum mlops_pgcopy_step take_rows(struct mlops_pgcopy *copy, const unsigned char *bytes, size_t length,
					size_t *used, struct mlops_chunk *chunk, size_t limit)
{
	*used = 0;
	while (chunk->rows < limit) {
		ssize_t found = copy->begun ? find_row(copy, bytes + *used, length - *used)
					    : find_header(copy, bytes, length);

		if (found < 0)
			return MLOPS_PGCOPY_MORE;
		*used += (size_t)found;
		if (copy->failed.code != MLOPS_OK)
			return MLOPS_PGCOPY_FAILED;
		if (copy->ended)
			return MLOPS_PGCOPY_END;
		if (!copy->begun) {
			copy->begun = true;
			continue;
		}
		copy->row++;
		if (put_row(copy, chunk))
			chunk->rows++;
		else if (copy->failed.code != MLOPS_OK)
			return MLOPS_PGCOPY_FAILED;
	}
	return MLOPS_PGCOPY_FULL;
}

enum mlops_pgcopy_step mlops_pgcopy_take(struct mlops_pgcopy *copy, const void *bytes, size_t length,
					 size_t *used, struct mlops_chunk *chunk, size_t limit)
{
	size_t before = copy->rest.length;
	enum mlops_pgcopy_step step;

	*used = 0;
	if (before > 0) {
		/* The row whose start is there: with these bytes it is whole, or they belong to it all the
		 * same. */
		mlops_buffer_append(&copy->rest, bytes, length);
		if (copy->rest.failed) {
			mlops_error_set_memory(&copy->failed);
			return MLOPS_PGCOPY_FAILED;
		}
		step = take_rows(copy, (const unsigned char *)copy->rest.data, copy->rest.length, used, chunk,
				 chunk->rows < limit ? chunk->rows + 1 : limit);
		if (*used == 0) {
			*used = step == MLOPS_PGCOPY_MORE ? length : 0;
			if (step != MLOPS_PGCOPY_MORE)
				copy->rest.length = before;
			return step;
		}
		*used -= before;
		copy->rest.length = 0;
		if (step == MLOPS_PGCOPY_END || step == MLOPS_PGCOPY_FAILED)
			return step;
		bytes = (const char *)bytes + *used;
		length -= *used;
		before = *used;
	}
	step = take_rows(copy, bytes, length, used, chunk, limit);
	if (step == MLOPS_PGCOPY_MORE) {
		mlops_buffer_append(&copy->rest, (const char *)bytes + *used, length - *used);
		*used = length;
		if (copy->rest.failed) {
			mlops_error_set_memory(&copy->failed);
			step = MLOPS_PGCOPY_FAILED;
		}
	}
	*used += before;
	return step;
}

bool mlops_pgcopy_init(struct mlops_pgcopy *copy, struct mlops_error *error)
{
	return mlops_cell_na_values(copy->options, '.', &copy->na_values, &copy->n_na_values, error);
}

void mlops_pgcopy_release(struct mlops_pgcopy *copy)
{
	free(copy->na_values);
	mlops_buffer_release(&copy->rest);
	mlops_buffer_release(&copy->text);
}

void mlops_pgcopy_restart(struct mlops_pgcopy *copy)
{
	copy->begun = copy->ended = false;
	copy->row = 0;
	copy->failed.code = MLOPS_OK;
	mlops_buffer_clear(&copy->rest);
}
