#include "base/timezone.h"

#include "base/file.h"
#include "base/text.h"
#include "base/time_parts.h"
#include "base/timezone_rule.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LARGEST_FILE   ((size_t)1 << 20)
#define LARGEST_OFFSET (26 * 3600)
#define TWO_DAYS       (2 * INT64_C(86400))
#define MOST_NAMES     4096

/* From `utc` on the offset is this. */
struct change {
	int64_t utc;
	int32_t offset;
};

struct mlops_timezone {
	struct change *changes; /* [n], ascending; the first one is ahead of all times */
	size_t n;
};

/* The counts of a TZif header and where the data block's arrays begin. */
struct block {
	uint32_t n_utc, n_standard, n_leap, n_times, n_types, n_chars;
	size_t time_size;
	const unsigned char *data;
};

static uint32_t get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t get_time(const unsigned char *at, size_t size)
{
	return size == 4 ? (int32_t)get_u32(at) : (int64_t)((uint64_t)get_u32(at) << 32 | get_u32(at + 4));
}

static bool add_change(struct mlops_timezone *zone, int64_t utc, int32_t offset)
{
	if ((zone->n & (zone->n - 1)) == 0) {
		size_t room = zone->n == 0 ? 1 : 2 * zone->n;
		struct change *changes = reallocarray(zone->changes, room, sizeof *changes);

		if (changes == NULL)
			return false;
		zone->changes = changes;
	}
	zone->changes[zone->n++] = (struct change){ utc, offset };
	return true;
}

/* The header at bytes[0..length) and its data block; NULL, or what is wrong. */
static const char *read_header(const unsigned char *bytes, size_t length, size_t time_size,
			       struct block *block, size_t *used)
{
	uint64_t size;

	if (length < 44 || memcmp(bytes, "TZif", 4) != 0)
		return "is no TZif file";
	*block = (struct block){ get_u32(bytes + 20), get_u32(bytes + 24), get_u32(bytes + 28),
				 get_u32(bytes + 32), get_u32(bytes + 36), get_u32(bytes + 40),
				 time_size,	      bytes + 44 };
	size = (uint64_t)block->n_times * (time_size + 1) + (uint64_t)block->n_types * 6 + block->n_chars +
	       (uint64_t)block->n_leap * (time_size + 4) + block->n_standard + block->n_utc;
	if (size > length - 44)
		return "is cut off";
	if (block->n_types == 0 || block->n_types > 256 || block->n_chars == 0 ||
	    (block->n_utc != 0 && block->n_utc != block->n_types) ||
	    (block->n_standard != 0 && block->n_standard != block->n_types))
		return "has counts that contradict each other";
	*used = 44 + (size_t)size;
	return NULL;
}

static const char *read_block(struct mlops_timezone *zone, const struct block *block)
{
	const unsigned char *types = block->data + (size_t)block->n_times * block->time_size;
	const unsigned char *records = types + block->n_times;
	int32_t offsets[256];

	if (block->n_leap > 0)
		return "counts leap seconds; take the file that does not";
	for (uint32_t i = 0; i < block->n_types; i++) {
		const unsigned char *record = records + (size_t)i * 6;

		offsets[i] = (int32_t)get_u32(record);
		if (offsets[i] < -LARGEST_OFFSET || offsets[i] > LARGEST_OFFSET || record[4] > 1 ||
		    record[5] >= block->n_chars)
			return "has a type of local time that cannot be";
	}
	if (!add_change(zone, INT64_MIN, offsets[0]))
		return "";
	for (uint32_t i = 0; i < block->n_times; i++) {
		int64_t utc = get_time(block->data + (size_t)i * block->time_size, block->time_size);

		if (types[i] >= block->n_types ||
		    (utc <= zone->changes[zone->n - 1].utc && (i > 0 || utc != INT64_MIN)))
			return "has transitions out of order";
		if (i == 0 && utc == INT64_MIN)
			zone->changes[0].offset = offsets[types[i]];
		else if (!add_change(zone, utc, offsets[types[i]]))
			return "";
	}
	return NULL;
}

/* The years that the file leaves to its rule. */
static bool add_rule(struct mlops_timezone *zone, const struct mlops_timezone_rule *rule)
{
	int64_t last = zone->changes[zone->n - 1].utc;
	int64_t days = last < 0 ? 0 : last / 86400;
	int month, day;
	int year = (int)(days > 110000 ? MLOPS_LAST_YEAR : mlops_time_date_from_days(days, &month, &day));

	if (!rule->has_summer)
		return zone->changes[zone->n - 1].offset == rule->standard || last >= INT64_C(1) << 40 ||
		       add_change(zone, last < 0 ? 0 : last + 1, rule->standard);
	for (; year <= MLOPS_LAST_YEAR + 1; year++) {
		struct change both[2] = { { mlops_timezone_rule_begin(rule, year), rule->summer },
					  { mlops_timezone_rule_end(rule, year), rule->standard } };
		bool south = both[1].utc < both[0].utc;

		for (int i = 0; i < 2; i++) {
			const struct change *change = &both[south ? 1 - i : i];

			if (change->utc > zone->changes[zone->n - 1].utc &&
			    change->offset != zone->changes[zone->n - 1].offset &&
			    !add_change(zone, change->utc, change->offset))
				return false;
		}
	}
	return true;
}

static const char *read_file(struct mlops_timezone *zone, const unsigned char *bytes, size_t length)
{
	struct mlops_timezone_rule rule;
	struct block block;
	const char *wrong;
	const unsigned char *end;
	size_t used, second;

	wrong = read_header(bytes, length, 4, &block, &used);
	if (wrong != NULL)
		return wrong;
	if (bytes[4] < '2')
		return read_block(zone, &block);
	/* The first block is for programs that know 32 bits only. */
	wrong = read_header(bytes + used, length - used, 8, &block, &second);
	if (wrong == NULL)
		wrong = read_block(zone, &block);
	if (wrong != NULL)
		return wrong;
	used += second;
	if (used >= length || bytes[used++] != '\n')
		return "has no rule at its end";
	end = memchr(bytes + used, '\n', length - used);
	if (end == NULL)
		return "has no rule at its end";
	if (end == bytes + used)
		return NULL;
	if (!mlops_timezone_rule_parse((const char *)bytes + used, (size_t)(end - (bytes + used)), &rule))
		return "has a rule at its end that can't be read";
	return add_rule(zone, &rule) ? NULL : "";
}

struct mlops_timezone *mlops_timezone_parse(const void *bytes, size_t length, const char *name,
					    struct mlops_error *error)
{
	struct mlops_timezone *zone = calloc(1, sizeof *zone);
	const char *wrong = zone != NULL ? read_file(zone, bytes, length) : "";

	if (wrong == NULL)
		return zone;
	if (*wrong == '\0')
		mlops_error_set_memory(error);
	else
		mlops_error_set(error, MLOPS_CONFIG, "time zone \"%s\": its file %s", name, wrong);
	mlops_timezone_free(zone);
	return NULL;
}

void mlops_timezone_free(struct mlops_timezone *zone)
{
	if (zone != NULL)
		free(zone->changes);
	free(zone);
}

static struct mlops_timezone *fixed(int32_t offset, struct mlops_error *error)
{
	struct mlops_timezone *zone = calloc(1, sizeof *zone);

	if (zone != NULL && add_change(zone, INT64_MIN, offset))
		return zone;
	mlops_timezone_free(zone);
	mlops_error_set_memory(error);
	return NULL;
}

struct names {
	char **items;
	size_t n;
};

/* Files that begin as zones do; folders of other flavours of the same zones are left out. */
static void collect_names(const char *directory, const char *prefix, int depth, struct names *names)
{
	DIR *stream = opendir(directory);
	const struct dirent *entry;

	while (stream != NULL && names->n < MOST_NAMES && (entry = readdir(stream)) != NULL) {
		struct mlops_buffer path = MLOPS_BUFFER_INIT, name = MLOPS_BUFFER_INIT;
		struct stat status;

		mlops_buffer_append_format(&path, "%s/%s", directory, entry->d_name);
		mlops_buffer_append_format(&name, "%s%s", prefix, entry->d_name);
		if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' ||
		    stat(mlops_buffer_string(&path), &status) < 0) {
			mlops_buffer_release(&name);
		} else if (S_ISDIR(status.st_mode)) {
			mlops_buffer_append_char(&name, '/');
			if (depth < 3)
				collect_names(path.data, mlops_buffer_string(&name), depth + 1, names);
			mlops_buffer_release(&name);
		} else {
			(void)mlops_buffer_string(&name);
			if (!name.failed)
				names->items[names->n++] = name.data;
		}
		mlops_buffer_release(&path);
	}
	if (stream != NULL)
		closedir(stream);
}

static void say_unknown(const char *directory, const char *name, struct mlops_error *error)
{
	struct names names = { .items = calloc(MOST_NAMES, sizeof *names.items) };
	char masked[MLOPS_TEXT_QUOTED];
	const char *nearest = NULL;

	mlops_text_mask(masked, name, strlen(name));
	if (names.items != NULL) {
		collect_names(directory, "", 0, &names);
		nearest = mlops_text_nearest(name, (const char *const *)names.items, names.n);
	}
	for (size_t i = 0; i < names.n && nearest == NULL; i++) {
		const char *city = strrchr(names.items[i], '/');

		if (city != NULL &&
		    mlops_text_equal_ignore_case(city + 1, strlen(city + 1), name, strlen(name)))
			nearest = names.items[i];
	}
	if (names.items != NULL && names.n == 0)
		mlops_error_set(error, MLOPS_CONFIG, "time zone \"%s\": there is no time zone database in %s",
				masked, directory);
	else if (nearest != NULL)
		mlops_error_set(error, MLOPS_USAGE, "no time zone \"%s\"; did you mean \"%s\"?", masked,
				nearest);
	else
		mlops_error_set(error, MLOPS_USAGE,
				"no time zone \"%s\"; zones are called as Europe/Berlin is, or +01:00",
				masked);
	for (size_t i = 0; i < names.n; i++)
		free(names.items[i]);
	free(names.items);
}

/* A path below the directory that leads nowhere else. */
static bool is_name(const char *name)
{
	for (const char *at = name; *at != '\0'; at++)
		if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
		      (*at >= '0' && *at <= '9') || (at > name && strchr("/_+-", *at) != NULL)))
			return false;
	return *name != '\0';
}

struct mlops_timezone *mlops_timezone_open(const char *directory, const char *name, struct mlops_error *error)
{
	struct mlops_time_cursor cursor = { name, name + strlen(name) };
	struct mlops_buffer path = MLOPS_BUFFER_INIT, bytes = MLOPS_BUFFER_INIT;
	struct mlops_timezone *zone = NULL;
	struct stat status;
	int32_t offset;

	if (strcmp(name, "UTC") == 0)
		return fixed(0, error);
	if (mlops_time_take_offset(&cursor, &offset) && cursor.at == cursor.end)
		return fixed(offset, error);
	mlops_buffer_append_format(&path, "%s/%s", directory, name);
	if (mlops_buffer_string(&path)[0] == '\0')
		mlops_error_set_memory(error);
	else if (!is_name(name) || stat(path.data, &status) < 0 || !S_ISREG(status.st_mode))
		say_unknown(directory, name, error);
	else if (mlops_file_read(path.data, LARGEST_FILE, &bytes, error))
		zone = mlops_timezone_parse(bytes.data, bytes.length, name, error);
	mlops_buffer_release(&path);
	mlops_buffer_release(&bytes);
	return zone;
}

/* The last change at or before utc. */
static size_t find_change(const struct mlops_timezone *zone, int64_t utc)
{
	size_t low = 0, high = zone->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->changes[middle].utc <= utc)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int32_t mlops_timezone_offset(const struct mlops_timezone *zone, int64_t utc)
{
	return zone->changes[find_change(zone, utc)].offset;
}

int64_t mlops_timezone_to_utc(const struct mlops_timezone *zone, int64_t local)
{
	size_t i = find_change(zone, local - TWO_DAYS);

	/* The first stretch of one offset whose end the local time does not reach. */
	while (i + 1 < zone->n && local - zone->changes[i].offset >= zone->changes[i + 1].utc)
		i++;
	if (local - zone->changes[i].offset >= zone->changes[i].utc || i == 0)
		return local - zone->changes[i].offset;
	return local - zone->changes[i - 1].offset;
}
