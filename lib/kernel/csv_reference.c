#include "kernel/csv.h"

#include <math.h>
#include <string.h>

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

static float plain_number(const char *at, const char *end, char mark)
{
	const char *behind_mark = NULL;
	bool negative = at < end && *at == '-';
	uint64_t mantissa = 0;
	double value;
	double power = 1.0;
	size_t digits = 0;
	uint32_t unusual = MLOPS_CSV_UNUSUAL;
	float result;

	memcpy(&result, &unusual, sizeof result);
	if (at == end)
		return NAN;
	at += negative;
	if (end - at > 16)
		return result;
	for (; at < end; at++) {
		if (*at == mark && behind_mark == NULL) {
			behind_mark = at + 1;
		} else if (*at >= '0' && *at <= '9') {
			mantissa = mantissa * 10 + (uint64_t)(*at - '0');
			digits++;
			power *= behind_mark != NULL ? 10.0 : 1.0;
		} else {
			return result;
		}
	}
	if (digits == 0 || mantissa > UINT64_C(1) << 53)
		return result;
	value = (double)mantissa / power;
	return (float)(negative ? -value : value);
}

size_t mlops_kernel_csv_numbers_reference(const char *bytes, const uint32_t *ends, size_t stride, size_t n,
					  char mark, bool crlf, float *values)
{
	size_t unusual = 0;

	for (size_t r = 0; r < n; r++) {
		const uint32_t *field = ends + r * stride;
		const char *begin = bytes + (uint32_t)(field[-1] + 1);
		const char *end = bytes + field[0];
		uint32_t bits;

		if (crlf && end > begin && end[-1] == '\r')
			end--;
		values[r] = plain_number(begin, end, mark);
		memcpy(&bits, &values[r], sizeof bits);
		unusual += bits == MLOPS_CSV_UNUSUAL;
	}
	return unusual;
}
