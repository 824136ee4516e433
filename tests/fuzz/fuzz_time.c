/*
 * Reads any bytes as times.  The first byte says what the rest is: a time zone's file, which is asked about
 * moments far and near; a pattern and, behind a newline, a text; or a text in one of the usual forms.  What
 * is read must print and read back as the same moment.
 */
#include "base/time.h"
#include "base/time_format.h"
#include "base/timezone.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_moment(int64_t moment)
{
	char text[MLOPS_TIME_TEXT];
	int64_t again;

	size_t length = mlops_time_print(text, moment);

	/* A zone may push a moment of the first or last year out of the years that are read. */
	if (mlops_time_parse(text, length, NULL, &again))
		expect(again == moment);
}

static void read_zone(const uint8_t *data, size_t size)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_timezone *zone = mlops_timezone_parse(data, size, "X", &error);

	expect((zone != NULL) == (error.code == MLOPS_OK));
	if (zone == NULL)
		return;
	for (int64_t utc = -INT64_C(9214560000); utc < INT64_C(9214646400); utc += 71777777) {
		int64_t local = utc + mlops_timezone_offset(zone, utc);

		(void)mlops_timezone_to_utc(zone, local);
	}
	mlops_timezone_free(zone);
}

static void read_pattern(const char *data, size_t size)
{
	const char *end = memchr(data, '\n', size);
	char *pattern = strndup(data, end != NULL ? (size_t)(end - data) : size);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_time_format *format = mlops_time_format_new(pattern, &error);
	int64_t moment;

	expect((format != NULL) == (error.code == MLOPS_OK));
	if (format != NULL && end != NULL &&
	    mlops_time_format_parse(format, end + 1, size - (size_t)(end + 1 - data), NULL, &moment))
		check_moment(moment);
	mlops_time_format_free(format);
	free(pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	int64_t moment;

	if (size == 0)
		return 0;
	if (data[0] == 'T')
		read_zone(data, size);
	else if (data[0] == '%')
		read_pattern(text, size - 1);
	else if (mlops_time_parse(text, size - 1, NULL, &moment))
		check_moment(moment);
	return 0;
}
