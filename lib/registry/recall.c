#include "registry/recall.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "base/sha256.h"
#include "registry/cache.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ANSWER_BYTES ((size_t)16 << 20)

static char *path_of(const char *location, const char *server, const char *question)
{
	char sha256[MLOPS_SHA256_TEXT], *asked, *path;

	if (location == NULL || asprintf(&asked, "%s\n%s", server, question) < 0)
		return NULL;
	mlops_sha256_of(asked, strlen(asked), sha256);
	free(asked);
	return asprintf(&path, "%s/cache/%s.json", location, sha256) < 0 ? NULL : path;
}

static void write_version(struct mlops_json *json, const struct mlops_version *version)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "name", version->name);
	mlops_json_member_uint(json, "version", version->version);
	mlops_json_member_string(json, "kind", version->kind);
	mlops_json_member_string(json, "sha256", version->sha256);
	mlops_json_member_uint(json, "size", version->size);
	mlops_json_member_uint(json, "created", (uint64_t)version->created);
	if (version->run_id != NULL)
		mlops_json_member_string(json, "run_id", version->run_id);
	mlops_json_member_uint(json, "rows", version->rows);
	mlops_json_member_string(json, "metrics", version->metrics);
	mlops_json_member_string(json, "settings", version->settings);
	mlops_json_member_string(json, "features", version->features);
	mlops_json_member_string(json, "aliases", version->aliases);
	mlops_json_member_bool(json, "champion", version->champion);
	mlops_json_close(json, '}');
}

void mlops_recall_keep(const char *location, const char *server, const char *question,
		       const struct mlops_version_list *answer)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT, before = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &text };
	char *path = path_of(location, server, question);

	mlops_json_open(&json, '[');
	for (size_t i = 0; i < answer->n; i++)
		if (answer->items[i].sha256[0] != '\0')
			write_version(&json, &answer->items[i]);
	mlops_json_close(&json, ']');
	if (path != NULL && !text.failed) {
		/* Mostly it is what it was. */
		if (mlops_file_read(path, ANSWER_BYTES, &before, NULL) && before.length == text.length &&
		    memcmp(before.data, text.data, text.length) == 0)
			utimensat(AT_FDCWD, path, NULL, 0);
		else
			mlops_cache_put(path, text.data, text.length);
	}
	free(path);
	mlops_buffer_release(&before);
	mlops_buffer_release(&text);
}

static char *take_text(const json_t *object, const char *key, bool *ok)
{
	const char *text = json_string_value(json_object_get(object, key));
	char *copy = text == NULL ? NULL : strdup(text);

	*ok = *ok && copy != NULL;
	return copy;
}

static uint64_t take_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static bool read_version(const json_t *object, struct mlops_version *version)
{
	const char *sha256 = json_string_value(json_object_get(object, "sha256"));
	bool ok = sha256 != NULL && strlen(sha256) == MLOPS_SHA256_TEXT - 1, has_run = true;
	uint64_t number = take_number(object, "version");

	*version = (struct mlops_version){
		.version = number <= UINT32_MAX ? (uint32_t)number : 0,
		.size = take_number(object, "size"),
		.created = (int64_t)take_number(object, "created"),
		.rows = take_number(object, "rows"),
		.champion = json_is_true(json_object_get(object, "champion")),
	};
	if (ok)
		memcpy(version->sha256, sha256, sizeof version->sha256);
	version->name = take_text(object, "name", &ok);
	version->kind = take_text(object, "kind", &ok);
	version->metrics = take_text(object, "metrics", &ok);
	version->settings = take_text(object, "settings", &ok);
	version->features = take_text(object, "features", &ok);
	version->aliases = take_text(object, "aliases", &ok);
	version->run_id = take_text(object, "run_id", &has_run);
	return ok && version->version > 0;
}

bool mlops_recall_take(const char *location, const char *server, const char *question,
		       struct mlops_version_list *answer)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	char *path = path_of(location, server, question);
	json_t *list = NULL;
	bool ok;

	*answer = (struct mlops_version_list){ .n = 0 };
	if (path != NULL && mlops_file_read(path, ANSWER_BYTES, &text, NULL))
		list = json_loadb(text.data, text.length, 0, NULL);
	answer->items = calloc(json_array_size(list) + 1, sizeof *answer->items);
	ok = json_is_array(list) && answer->items != NULL;
	while (ok && answer->n < json_array_size(list)) {
		ok = read_version(json_array_get(list, answer->n), &answer->items[answer->n]);
		answer->n++;
	}
	if (!ok)
		mlops_version_list_release(answer);
	json_decref(list);
	free(path);
	mlops_buffer_release(&text);
	return ok;
}
