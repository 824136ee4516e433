#include "kernel/csv_number.h"

#include <math.h>

enum place { AT_FIELD, IN_BARE, IN_QUOTES, AT_QUOTE };

void mlops_kernel_csv_cut_reference(const char *bytes, size_t length, char delimiter,
				    struct mlops_csv_cut *cut)
{
	enum place place = AT_FIELD;
	bool quotes = false;
	size_t n = 0;

	cut->rows = 0;
	cut->quotes = false;
	cut->doubtful = false;
	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];

		if (c == '"') {
			if (place == IN_BARE) {
				cut->doubtful = true;
				break;
			}
			quotes = true;
			place = place == IN_QUOTES ? AT_QUOTE : IN_QUOTES;
		} else if (place == IN_QUOTES) {
			continue;
		} else if (c == delimiter || c == '\n') {
			place = AT_FIELD;
			cut->ends[n++] = (uint32_t)i;
			if (c == '\n') {
				cut->row_ends[cut->rows++] = (uint32_t)n;
				cut->quotes = quotes;
			}
		} else if (place == AT_QUOTE && c == '\r' && i + 1 < length && bytes[i + 1] == '\n') {
			continue;
		} else if (place == AT_QUOTE) {
			cut->doubtful = true;
			break;
		} else {
			place = IN_BARE;
		}
	}
}

static bool put_plain(const struct mlops_csv_place *place, char mark, float *value)
{
	const char *end = place->end;
	bool marked = false;
	uint64_t mantissa = 0;
	unsigned digits = 0, behind_mark = 0;

	if (place->length > MLOPS_CSV_LONGEST)
		return false;
	for (const char *at = end - place->length; at < end; at++) {
		if (*at == mark && !marked) {
			marked = true;
		} else if (*at >= '0' && *at <= '9') {
			if (mantissa >= MLOPS_CSV_LARGEST / 10)
				return false;
			mantissa = mantissa * 10 + (uint64_t)(*at - '0');
			digits++;
			behind_mark += marked;
		} else {
			return false;
		}
	}
	return digits > 0 && put_wide(mantissa, behind_mark, place->sign, value);
}

size_t mlops_kernel_csv_numbers_reference(const struct mlops_csv_fields *fields, size_t n, float *values)
{
	size_t unusual = 0;

	for (size_t r = 0; r < n; r++) {
		struct mlops_csv_place place = find_place(fields, fields->ends + r * fields->stride);

		if (!put_plain(&place, fields->mark, &values[r]))
			unusual += put_other(place.empty, &values[r]);
	}
	return unusual;
}
