#include "rows/cell.h"

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct word {
	const char *text;
	size_t length;
};

#define WORD(text) { text, sizeof text - 1 }

static const struct word missing_words[] = {
	WORD("NA"),  WORD("NaN"),     WORD("null"),   WORD("None"),
	WORD("Bad"), WORD("No Data"), WORD("NODATA"), WORD("MISSING"),
};

static const struct word infinite_words[] = { WORD("inf"), WORD("infinity") };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **bytes, size_t *length)
{
	while (*length > 0 && is_space((*bytes)[*length - 1]))
		--*length;
	while (*length > 0 && is_space(**bytes)) {
		++*bytes;
		--*length;
	}
}

static bool in_words(const struct word *words, size_t count, const char *bytes, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (words[i].length == length &&
		    mlops_text_equal_ignore_case(words[i].text, length, bytes, length))
			return true;
	return false;
}

bool mlops_cell_is_missing(const struct mlops_read_options *options, const char *bytes, size_t length)
{
	trim(&bytes, &length);
	if (length == 0)
		return true;
	if (in_words(missing_words, sizeof missing_words / sizeof missing_words[0], bytes, length))
		return true;
	for (size_t i = 0; i < options->n_na; i++) {
		const char *na = options->na[i];
		size_t na_length = strlen(na);

		trim(&na, &na_length);
		if (na_length == length && memcmp(na, bytes, length) == 0)
			return true;
	}
	return false;
}

static bool na_value(const char *na, char decimal, float *value)
{
	size_t length = strlen(na);

	/* --na=-99.9 is typed with a point also by those whose files have commas. */
	return mlops_number_parse_float(na, length, decimal, value) == MLOPS_NUMBER_OK ||
	       mlops_number_parse_float(na, length, '.', value) == MLOPS_NUMBER_OK;
}

bool mlops_cell_na_values(const struct mlops_read_options *options, char decimal, float **values,
			  size_t *n_values, struct mlops_error *error)
{
	*n_values = 0;
	*values = NULL;
	if (options->n_na == 0)
		return true;
	*values = calloc(options->n_na, sizeof **values);
	if (*values == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < options->n_na; i++)
		if (na_value(options->na[i], decimal, &(*values)[*n_values]))
			++*n_values;
	return true;
}

enum mlops_cell_status mlops_cell_to_number(const struct mlops_read_options *options, const char *bytes,
					    size_t length, char decimal, float *value)
{
	float na;

	trim(&bytes, &length);
	switch (mlops_number_parse_float(bytes, length, decimal, value)) {
	case MLOPS_NUMBER_OK:
		for (size_t i = 0; i < options->n_na; i++)
			if (na_value(options->na[i], decimal, &na) && na == *value)
				*value = NAN;
		return MLOPS_CELL_OK;
	case MLOPS_NUMBER_OUT_OF_RANGE:
		*value = NAN;
		/* A historian's mark for "no value" may be a number that no float32 holds. */
		return mlops_cell_is_missing(options, bytes, length) ? MLOPS_CELL_OK : MLOPS_CELL_NOT_FINITE;
	case MLOPS_NUMBER_INVALID:
		break;
	}
	*value = NAN;
	if (mlops_cell_is_missing(options, bytes, length))
		return MLOPS_CELL_OK;
	if (*bytes == '-' || *bytes == '+') {
		bytes++;
		length--;
	}
	if (in_words(infinite_words, sizeof infinite_words / sizeof infinite_words[0], bytes, length))
		return MLOPS_CELL_NOT_FINITE;
	return MLOPS_CELL_NOT_NUMBER;
}

enum mlops_cell_status mlops_cell_to_time(const struct mlops_read_options *options, const char *bytes,
					  size_t length, int64_t *value)
{
	trim(&bytes, &length);
	if (mlops_cell_is_missing(options, bytes, length)) {
		*value = MLOPS_TIME_MISSING;
		return MLOPS_CELL_OK;
	}
	if (mlops_time_parse(bytes, length, NULL, value))
		return MLOPS_CELL_OK;
	*value = MLOPS_TIME_MISSING;
	return MLOPS_CELL_NOT_TIME;
}

bool mlops_cell_error(enum mlops_cell_status status, const char *source, uint64_t line, const char *column,
		      const char *bytes, size_t length, struct mlops_error *error)
{
	static const char *const sentences[] = {
		[MLOPS_CELL_OK] = "is no error",
		[MLOPS_CELL_NOT_NUMBER] = "is not a number",
		[MLOPS_CELL_NOT_FINITE] = "is infinite or too large for float32",
		[MLOPS_CELL_NOT_TIME] = "is not a time (ISO 8601, or seconds or milliseconds since 1970); a time format tells "
				       "how others are written",
	};
	char name[MLOPS_TEXT_QUOTED];
	char value[MLOPS_TEXT_QUOTED];

	return mlops_error_set_at(error, MLOPS_DATA, source, line, "column \"%s\": '%s' %s",
				  mlops_text_mask(name, column, strlen(column)),
				  mlops_text_mask(value, bytes, length), sentences[status]);
}
