#include "rows/csv_scan.h"

#include <string.h>

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

void mlops_csv_record_begin(struct mlops_csv_record *record)
{
	struct mlops_csv_field *fields = record->fields;
	size_t room = record->room;

	*record = (struct mlops_csv_record){ .fields = fields, .room = room };
}

/* The lowest set bit marks the first zero byte of a little-endian word; higher ones may be wrong. */
static inline uint64_t zero_bytes(uint64_t word)
{
	return (word - ONES) & ~word & HIGHS;
}

/* The first delimiter or newline, or end: eight bytes at a time, as most fields are shorter than a call is
 * worth. */
static inline const char *bare_end(const char *p, const char *end, char delimiter)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t delimiters = ONES * (unsigned char)delimiter;
	uint64_t newlines = ONES * (unsigned char)'\n';

	for (; end - p >= 8; p += 8) {
		uint64_t word;
		uint64_t hits;

		memcpy(&word, p, sizeof word);
		hits = zero_bytes(word ^ delimiters) | zero_bytes(word ^ newlines);
		if (hits != 0)
			return p + __builtin_ctzll(hits) / 8;
	}
#endif
	while (p < end && *p != delimiter && *p != '\n')
		p++;
	return p;
}

static inline void add_field(struct mlops_csv_record *record, size_t end)
{
	if (record->n_fields < record->room)
		record->fields[record->n_fields] = (struct mlops_csv_field){
			.begin = (uint32_t)record->begin,
			.length = (uint32_t)(end - record->begin),
			.flags = record->flags,
		};
	record->n_fields++;
	record->flags = 0;
}

/* The record's last field ends at end, its line's content at content_end; the next record begins at next. */
static bool finish(struct mlops_csv_record *record, size_t end, size_t content_end, size_t next)
{
	add_field(record, end);
	record->length = content_end;
	record->position = next;
	record->state = MLOPS_CSV_AT_FIELD;
	return true;
}

static bool finish_bare(struct mlops_csv_record *record, const char *bytes, size_t end, size_t next)
{
	if (end > record->begin && bytes[end - 1] == '\r')
		end--;
	return finish(record, end, end, next);
}

static bool stop(struct mlops_csv_record *record, size_t at, enum mlops_csv_state state)
{
	record->position = at;
	record->state = state;
	return false;
}

bool mlops_csv_scan(struct mlops_csv_record *record, const char *bytes, size_t length, bool last,
		    char delimiter)
{
	size_t at = record->position;

	switch (record->state) {
	case MLOPS_CSV_AT_FIELD:
		break;
	case MLOPS_CSV_IN_BARE:
		goto bare;
	case MLOPS_CSV_IN_QUOTES:
		goto quotes;
	case MLOPS_CSV_AT_QUOTE:
		goto quote;
	}

field:
	record->begin = at;
	if (at == length)
		return last ? finish(record, at, at, at) : stop(record, at, MLOPS_CSV_AT_FIELD);
	if (bytes[at] == '"') {
		record->flags = MLOPS_CSV_QUOTED;
		record->quote_newlines = record->newlines;
		record->begin = ++at;
		goto quotes;
	}

bare:
	at = (size_t)(bare_end(bytes + at, bytes + length, delimiter) - bytes);
	if (at == length)
		return last ? finish_bare(record, bytes, at, at) : stop(record, at, MLOPS_CSV_IN_BARE);
	if (bytes[at] == '\n')
		return finish_bare(record, bytes, at, at + 1);
	add_field(record, at);
	at++;
	goto field;

quotes:
	for (; at < length && bytes[at] != '"'; at++)
		record->newlines += bytes[at] == '\n';
	if (at == length)
		return stop(record, at, MLOPS_CSV_IN_QUOTES);
	record->quote = at++;

quote:
	if (at == length && !last)
		return stop(record, at, MLOPS_CSV_AT_QUOTE);
	if (at < length && bytes[at] == '"') {
		record->flags |= MLOPS_CSV_ESCAPED;
		at++;
		goto quotes;
	}
	if (at == length)
		return finish(record, record->quote, at, at);
	if (bytes[at] == delimiter) {
		add_field(record, record->quote);
		at++;
		goto field;
	}
	if (bytes[at] == '\n')
		return finish(record, record->quote, at, at + 1);
	if (bytes[at] == '\r') {
		if (at + 1 == length && !last)
			return stop(record, at, MLOPS_CSV_AT_QUOTE);
		if (at + 1 == length)
			return finish(record, record->quote, at, at + 1);
		if (bytes[at + 1] == '\n')
			return finish(record, record->quote, at, at + 2);
	}
	if (!record->broken)
		record->broken_field = record->n_fields;
	record->broken = true;
	record->flags |= MLOPS_CSV_BROKEN;
	goto bare;
}

bool mlops_csv_sniff(struct mlops_csv_sniff *sniff, const char *bytes, size_t length, bool last)
{
	for (size_t at = sniff->position; at < length; at++) {
		const char *candidate;

		if (sniff->quoted) {
			/* The second quote of "" closes and opens again, which comes to the same. */
			sniff->quoted = bytes[at] != '"';
			sniff->at_start = !sniff->quoted;
			continue;
		}
		if (bytes[at] == '\n') {
			sniff->position = at;
			return true;
		}
		candidate = bytes[at] != '\0' ? strchr(sniff->candidates, bytes[at]) : NULL;
		if (candidate != NULL)
			sniff->counts[candidate - sniff->candidates]++;
		sniff->quoted = sniff->at_start && bytes[at] == '"';
		sniff->at_start = candidate != NULL;
	}
	sniff->position = length;
	return last;
}

char mlops_csv_sniff_result(const struct mlops_csv_sniff *sniff)
{
	size_t best = 0;

	for (size_t i = 1; i < strlen(sniff->candidates); i++)
		if (sniff->counts[i] > sniff->counts[best])
			best = i;
	return sniff->candidates[best];
}
